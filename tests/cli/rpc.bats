#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# serve and call: functions of shared libraries from the shell, and of programs that others wrote.

load helpers

calc=$BATS_TEST_DIRNAME/../rpc/calc.rpc.json
library=$VIADUCT_BUILD/tests/lib/libcalc.so
examples=$BATS_TEST_DIRNAME/../../sdk/examples/rpc

# Serves the test library at unix:calc, or elsewhere; more options may follow.
serve_calc() {
    start server via serve "${1:-unix:calc}" --interface "$calc" --library "$library" "${@:2}"
    server=$!
    await_text "via: serving" server.err
}

# expect_call EXPECTED WORD...: `via call unix:calc WORD...` prints this and nothing else.
expect_call() {
    run timeout 20 via call unix:calc "${@:2}"
    expect_status 0
    [ "$output" = "$1" ] || {
        echo "expected: $1"
        echo "got:      $output"
        return 1
    }
}

# A program that speaks JSON-RPC a line each, and knows of no description.
make_peer() {
    cat >peer.py <<'END'
import json, sys
while line := sys.stdin.readline():
    it = json.loads(line)
    if it["method"] == "rpc.describe" and "silent" in sys.argv:
        continue
    if it["method"] == "die":
        sys.exit(3)
    if it["method"] == "note":
        open("noted", "w").write(json.dumps(it))
    if "id" in it:
        answer = {"error": {"code": -7, "message": "no such thing"}}
        if it["method"] == "echo":
            answer = {"result": it.get("params")}
        print(json.dumps({"jsonrpc": "2.0", "id": it["id"], **answer}), flush=True)
END
}

# ---- serving ---------------------------------------------------------------------------------------------------------

@test "cli__serve_tells_what_and_where_and_ends_quietly_with_a_signal" {
    for signal in TERM INT; do
        start server via serve unix:calc --interface "$calc" --library "$library"
        server=$!
        await_text "via: serving calc 1.2.0, 24 methods, at unix:calc" server.err
        expect_call 42 add 40 2
        signal_via $signal $server
        finish $server
        expect_status 0
        [ "$(wc -l <server.err)" -eq 1 ]
        [ ! -s server.out ]
        [ ! -e "$XDG_RUNTIME_DIR/viaduct/calc.sock" ]
    done
}

@test "cli__serve_tells_the_port_that_was_chosen" {
    serve_calc tcp://127.0.0.1:0
    address=$(sed -n 's/.* at //p' server.err)
    [[ $address =~ ^tcp://127.0.0.1:[1-9][0-9]*$ ]]
    run timeout 20 via call "$address" add 1 2
    expect_status 0
    [ "$output" = 3 ]
}

@test "cli__serve_serves_many_clients_which_find_what_others_have_left" {
    serve_calc
    expect_call null remember 1234
    expect_call 1234 recall
    for i in {1..8}; do
        start "client$i" via call unix:calc power 2 "$i"
        clients+=($!)
    done
    for i in {1..8}; do
        finish "${clients[i - 1]}"
        expect_status 0
        expect_file "client$i.out" "$((1 << i)).0"
    done
}

@test "cli__serve_over_every_transport_and_in_both_formats" {
    for address in shm:calc pipe:calc 'unix:raw?framing=raw'; do
        serve_calc "$address"
        run timeout 20 via call "$address" greet world
        expect_status 0
        [ "$output" = '"hello, world"' ]
    done
    serve_calc unix:json --codec json
    run timeout 20 via call unix:json greet world --codec json
    expect_status 0
    [ "$output" = '"hello, world"' ]
}

@test "cli__call_names_the_codec_of_the_other_end" {
    serve_calc unix:json --codec json
    run timeout 20 via call unix:json add 1 2
    expect_status 5
    expect 'unix:json: it is no request, reply or notification'
    expect 'mend: the other program speaks JSON-RPC: set rpc.codec=json (via call, via serve: --codec json)'
    serve_calc unix:packed
    run timeout 20 via call unix:packed add 1 2 --codec json
    expect_status 4
    expect "unix:packed: "
}

@test "cli__serve_takes_the_interface_from_an_endpoint" {
    cat >here.json <<END
{"manifest": 1, "endpoints": {"calc": {"address": "unix:calc", "layers": [{"layer": "rpc", "interface": "$calc"}]}}}
END
    start server via serve calc --library "$library" --endpoints here.json
    await_text "via: serving calc 1.2.0, 24 methods, at calc" server.err
    run timeout 20 via call calc add 40 2 --endpoints here.json
    expect_status 0
    [ "$output" = 42 ]
    run timeout 20 via call calc ad 40 2 --endpoints here.json
    expect_status 1
    expect "did you mean 'add'?"
}

@test "cli__serve_goes_on_when_a_client_breaks_the_protocol" {
    serve_calc 'unix:calc?framing=raw'
    printf '\xc1 no message' >nonsense
    run timeout 20 via send 'unix:calc?framing=raw' --file nonsense --format raw
    await_text "calc" server.err
    await eval '[ "$(wc -l <server.err)" -ge 3 ]'
    tail -n 1 server.err | grep -q "mend: "
    run timeout 20 via call 'unix:calc?framing=raw' add 40 2
    expect_status 0
    [ "$output" = 42 ]
    kill -0 "$server"
}

@test "cli__serve_goes_on_when_a_client_is_killed_in_a_call" {
    serve_calc
    start client via call unix:calc wait_ms 300
    client=$!
    await eval 'grep -qs "^sigcatch\|State" /proc/$client/status'
    kill -KILL $client
    expect_call 42 add 40 2
}

@test "cli__serve_ends_at_once_while_a_client_takes_no_answer" {
    serve_calc 'unix:calc?framing=raw'
    cat >flood.py <<'END'
import socket, sys, time
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
peer.settimeout(0.5)
try:
    while True:
        peer.send(b"\x94\x00\x01\xa6recall\x90" * 1000)
except TimeoutError:
    print("stuck", flush=True)
time.sleep(100)
END
    start flood python3 flood.py "$XDG_RUNTIME_DIR/viaduct/calc.sock"
    await_text stuck flood.out
    signal_via TERM "$server"
    await eval '! kill -0 $server 2>/dev/null'
    finish "$server"
    expect_status 0
}

@test "cli__serve_to_whoever_started_it" {
    run timeout 20 via call "exec:via serve stdio:%3Fframing=length32 --interface '$examples/libm.rpc.json' --library libm.so.6?framing=length32" hypot 3 4
    expect_status 0
    expect "via: serving libm"
    expect "5.0"
}

@test "cli__serve_finds_out_what_is_wrong_before_the_first_client" {
    echo '{"rpc": 1, "name": "x", "version": "1.0.0", "methods": {"f": {"returns": "int"}}}' >wrong.json
    while IFS='|' read -r status words expected; do
        echo "via serve $words"
        run eval "timeout 20 via serve $words"
        expect_status "$status"
        expect "$expected"
        expect_way_out
        expect_not "serving"
    done <<END
2||'via serve' wants: ADDRESS
2|unix:x --interface '$calc'|say which library is served: --library LIB
2|unix:x --library '$library'|say which functions are served: --interface FILE
1|unix:x --library '$library' --interface nothing.json|nothing.json cannot be opened
1|unix:x --library '$library' --interface wrong.json|wrong.json:1:74 (/methods/f/returns)
1|unix:x --library ./nothing.so --interface '$calc'|./nothing.so: cannot open shared object file
1|unix:x --library libz.so.1 --interface '$calc'|libz.so.1: the library has no function 'add'
1|unix:x --library '$library' --interface '$calc' --codec jsn|did you mean "json"?
1|nothing:x --library '$library' --interface '$calc'|nothing
END
    serve_calc
    run timeout 20 via serve unix:calc --interface "$calc" --library "$library"
    expect_status 1
    expect "unix:calc"
    expect_way_out
}

# ---- calling ---------------------------------------------------------------------------------------------------------

@test "cli__call_takes_and_prints_json_of_every_type" {
    serve_calc
    expect_call 42 add 40 2
    expect_call '"hello, world"' greet world
    expect_call '"hello, 42"' greet '"42"'
    expect_call true invert false
    expect_call 1024.0 power 2 10
    expect_call '{"quotient":3,"remainder":2}' divide 17 5
    expect_call 6 sum '[1, 2, 3]'
    expect_call '[1.0,-3.0]' double_all '[0.5, -1.5]'
    expect_call '{"return":3,"text":"a-b"}' join '["a", null, "b"]' 16
    expect_call '{"x":-1.0,"y":2.0}' mirror '{"y": 2, "x": 1}'
    expect_call '"b2xsZWg="' reverse aGVsbG8= 16
    expect_call '"18446744073709551615"' widest 0 0 0 0 0 0 0 18446744073709551615 0
    expect_call '"two"' name_of 2
    expect_call null name_of 3
}

@test "cli__call_prints_each_call_of_a_callback_before_the_result" {
    serve_calc
    expect_call $'[0,"zero"]\n[1,"one"]\n[2,"two"]\n[3,null]\n0' each 4 -
    expect_call 0 each 4 null
}

@test "cli__call_lists_methods_with_their_types_in_lines_that_line_up" {
    serve_calc
    run timeout 20 via call unix:calc
    expect_status 0
    [ "${#lines[@]}" -eq 25 ]
    [[ ${lines[0]} =~ ^METHOD\ +PARAMETERS\ +RETURNS ]]
    before=${lines[0]%%RETURNS*}
    for line in "${lines[@]:1:3}"; do
        [[ ${line:${#before}-2:2} == "  " && ${line:${#before}:1} != " " ]]
    done
    expect "divide        a: i32, b: i32"
    expect "quotient: i32, remainder: i32?"
    expect "reverse       bytes: bytes, out_size: size"
    expect "each          count: i32, visit: visitor?"
    run timeout 20 via call unix:calc --json
    expect_status 0
    expect_json 'it["name"] == "calc" and len(it["methods"]) == 24 and it["errors"]["overflow"]["code"] == 2'
}

@test "cli__call_without_an_answer" {
    serve_calc
    expect_call "" remember 77 --notify
    await eval '[ "$(via call unix:calc recall)" = 77 ]'
    run timeout 20 via call unix:calc --notify
    expect_status 2
    expect_way_out
}

@test "cli__call_reads_calls_that_share_a_handle_from_standard_input" {
    serve_calc
    run bash -c 'printf "%s\n" "[\"counter_new\", 5]" "[\"counter_next\", 4294967297]" "[\"counter_next\", 4294967297]" |
        timeout 20 via call unix:calc -'
    expect_status 0
    [ "$output" = $'4294967297\n5\n6' ]
    # Its connection has ended, and so has the counter.
    run timeout 20 via call unix:calc counter_next 4294967297
    expect_status 5
    expect "counter"
    for line in 'counter_new 5' '[5]' '["counter_ne", 5]' '["counter_new", "x"]'; do
        run bash -c "printf '%s\n' '$line' '[\"recall\"]' | timeout 20 via call unix:calc -"
        expect_status 1
        expect_way_out
        [ "${#lines[@]}" -eq 2 ]
    done
    run timeout 20 via call unix:calc - 5
    expect_status 2
}

# ---- what goes wrong -------------------------------------------------------------------------------------------------

@test "cli__call_tells_wrong_values_with_what_was_expected_and_the_signature" {
    serve_calc
    while IFS='|' read -r words expected mend; do
        echo "via call unix:calc $words"
        run eval "timeout 20 via call unix:calc $words"
        expect_status 1
        expect "$expected"
        expect "mend: $mend"
        expect_way_out
    done <<'END'
ad 1 2|there is no method 'ad'; did you mean 'add'?|'via call unix:calc' lists the methods
nonsense|there is no method 'nonsense'|'via call unix:calc' lists the methods
add 1|1 parameters; expected 2|give what it takes: add(a: i32, b: i32) -> i32
add 1 2 3|3 parameters; expected 2|give what it takes: add(a: i32, b: i32) -> i32
add 1 '"x"'|b: expected an integer; got a text|give what it takes: add(a: i32, b: i32) -> i32
add 1 x|b: 'x' cannot be read (invalid token near 'x'); expected i32|give what it takes: add(a: i32, b: i32) -> i32
add 1 '[2'|b: '[2' cannot be read (']' expected near end of file); expected i32|give what it takes: add(a: i32, b: i32) -> i32
greet $'\xff'|name: '?' cannot be read (it is no UTF-8); expected string|give what it takes: greet(name: string) -> string
add 1 2147483648|b: 2147483648 is out of range|give what it takes: add(a: i32, b: i32) -> i32
greet '[42]'|name: expected a text; got a list|give what it takes: greet(name: string) -> string
mirror '{"x": 1}'|point: 1 fields; point has 2|give what it takes: mirror(point: point) -> point
each 3|1 parameters; expected 2|give what it takes: each(count: i32, visit: visitor?) -> i32
remember x|value: 'x' cannot be read|give what it takes: remember(value: i32) -> nothing
END
}

@test "cli__call_tells_an_error_of_the_other_end_with_code_and_name" {
    serve_calc
    run timeout 20 via call unix:calc divide 1 0
    expect_status 5
    expect "the other end answered error 1 (divide_by_zero): divide: divide_by_zero (1)"
    expect "mend: divide_by_zero means: the divisor is 0"
    run timeout 20 via call unix:calc counter_next 77
    expect_status 5
    expect "the other end answered error -32602: counter_next"
    expect "mend: give what it takes: counter_next(counter: counter) -> i32"
}

@test "cli__call_tells_a_deadline_and_a_server_that_is_not_there_or_ends" {
    serve_calc
    run timeout 20 via call unix:calc power 1 2147483647 --timeout 300ms # which takes seconds, and looks at no deadline
    expect_status 124
    expect "power: the deadline passed"
    expect_way_out
    run timeout 20 via call unix:nobody add 1 2 --timeout 100ms
    expect_status 4
    expect "nobody listens"
    expect_way_out
    start client via call unix:calc wait_ms 5000
    client=$!
    await eval 'grep -qs . /proc/$client/syscall && [ "$(ls /proc/$client/fd | wc -l)" -gt 6 ]'
    kill -KILL "$server"
    finish $client
    expect_status 4
    output=$(cat client.err)
    mapfile -t lines <client.err
    expect "unix:calc"
    expect_way_out
}

@test "cli__call_uses_the_interface_that_it_is_given" {
    serve_calc
    edit_copy() { cp "$calc" copy.json && chmod u+w copy.json && edit copy.json "$1"; }
    edit_copy 'it["methods"] = {"add": it["methods"]["add"]}; it["methods"]["add"]["summary"] = "a sum"'
    run timeout 20 via call unix:calc --interface copy.json
    expect_status 0
    [ "${#lines[@]}" -eq 2 ]
    expect "a sum"
    run timeout 20 via call unix:calc add 40 2 --interface copy.json
    [ "$output" = 42 ]
    run timeout 20 via call unix:calc greet world --interface copy.json
    expect_status 1
    expect "there is no method 'greet'"
    run timeout 20 via call unix:calc add 1 2 --interface nothing.json
    expect_status 1
    expect "nothing.json cannot be opened"
    expect_way_out
}

# ---- programs of others ----------------------------------------------------------------------------------------------

@test "cli__call_of_a_program_that_describes_nothing" {
    make_peer
    while IFS='|' read -r words expected; do
        echo "via call $words"
        run eval "timeout 20 via call 'exec:python3 peer.py?framing=line' --codec json $words"
        expect_status 0
        [ "$output" = "$expected" ]
    done <<'END'
echo|[]
echo 1 two '{"three": 3}'|[1,"two",{"three":3}]
echo '{"three": 3}'|{"three":3}
echo '[1, 2]'|[[1,2]]
note 5 --notify|
END
    [ "$(cat noted)" = '{"jsonrpc": "2.0", "method": "note", "params": [5]}' ]
    run timeout 20 via call 'exec:python3 peer.py?framing=line' --codec json nothing
    expect_status 5
    expect "the other end answered error -7: no such thing"
    expect_way_out
    run timeout 20 via call 'exec:python3 peer.py?framing=line' --codec json
    expect_status 5
    expect "the other end does not tell its methods"
    expect "mend: name its interface with --interface, or the METHOD to call"
    run timeout 20 via call 'exec:python3 peer.py?framing=line' --codec json die
    expect_status 4
    expect_way_out
}

@test "cli__call_of_a_program_that_never_answers_what_it_does_not_know" {
    make_peer
    run timeout 20 via call 'exec:python3 peer.py silent?framing=line' --codec json echo hello
    expect_status 0
    [ "$output" = '["hello"]' ]
    run timeout 20 via call 'exec:python3 peer.py silent?framing=line' --codec json --timeout 200ms
    expect_status 124
    expect "has not answered what methods it has"
    expect_way_out
}

@test "cli__call_of_a_language_server" {
    run timeout 60 bash -c 'via call "exec:clangd?framing=content-length" --codec json initialize \
        "{\"processId\": null, \"rootUri\": null, \"capabilities\": {}}" 2>/dev/null'
    expect_status 0
    expect_json '"hoverProvider" in it["capabilities"]'
}

# ---- libraries of others ---------------------------------------------------------------------------------------------

@test "cli__the_interfaces_of_the_examples_are_valid" {
    run via validate "$examples"/*.rpc.json
    expect_status 0
    [ "${#lines[@]}" -eq 3 ]
}

@test "cli__serve_and_call_zlib" {
    start server via serve unix:calc --interface "$examples/zlib.rpc.json" --library libz.so.1
    await_text "via: serving zlib" server.err
    expect_call 907060870 crc32 0 "$(printf hello | base64)"
    text=$(printf 'hello %.0s' {1..100} | base64 -w 0)
    run timeout 20 via call unix:calc compress2 1000 "$text" 9
    expect_status 0
    compressed=$output
    [ "${#compressed}" -lt 60 ]
    python3 -c 'import base64, sys, zlib; assert zlib.decompress(base64.b64decode(sys.argv[1])) == b"hello " * 100' \
        "$compressed"
    expect_call "\"$text\"" uncompress 1000 "$compressed"
    run timeout 20 via call unix:calc uncompress 10 "$compressed"
    expect_status 5
    expect "error -5 (buf_error)"
}

@test "cli__serve_and_call_libm" {
    start server via serve unix:calc --interface "$examples/libm.rpc.json" --library libm.so.6
    await_text "via: serving libm" server.err
    expect_call 1.4142135623730951 sqrt 2
    expect_call '{"return":0.75,"exponent":6}' frexp 48
    expect_call '{"return":0.75,"whole":-3.0}' modf -3.75 || expect_call '{"return":-0.75,"whole":-3.0}' modf -3.75
}

@test "cli__serve_and_call_sqlite" {
    start server via serve unix:calc --interface "$examples/sqlite3.rpc.json" --library libsqlite3.so.0
    await_text "via: serving sqlite3" server.err
    cat >calls <<'END'
["open", "people.db"]
["exec", 4294967297, "create table people(name text unique, age int)", null]
["exec", 4294967297, "insert into people values('Ada', 36), ('Alan', null)", null]
["changes", 4294967297]
["exec", 4294967297, "select * from people", "-"]
["exec", 4294967297, "insert into people values('Ada', 1)", null]
END
    run timeout 20 via call unix:calc - <calls
    expect_status 5
    expect '{"return":0,"database":4294967297}'
    expect $'\n2\n[["Ada","36"],["name","age"]]\n[["Alan",null],["name","age"]]\nnull\n'
    expect "error 19 (constraint)"
    expect "mend: constraint means: a constraint of the table does not allow it"
    printf '%s\n' '["open", "/nonexistent/x"]' '["errmsg", 4294967297]' '["close", 4294967297]' >calls
    run timeout 20 via call unix:calc - <calls
    expect_status 0
    [ "$output" = $'{"return":14,"database":4294967297}\n"unable to open database file"\nnull' ]
    [ -s people.db ]
}

@test "cli__call_with_an_interface_tells_errors_by_name_and_compares" {
    serve_calc
    run timeout 20 via call unix:calc --interface "$calc" divide 1 0
    expect_status 5
    expect "error 1 (divide_by_zero)"
    sed 's/"negate": {"params": \[{"name": "value", "type": "i8"}\], "returns": "i8"}/"negate": {"params": [{"name": "value", "type": "i8"}], "returns": "string"}/' \
        "$calc" >other.rpc.json
    run diff -q "$calc" other.rpc.json
    expect_status 1
    run timeout 20 via call unix:calc --interface other.rpc.json negate 5
    expect_status 1
    expect "differs"
}

@test "cli__call_takes_a_number_for_a_text_and_refuses_half_a_text" {
    serve_calc
    expect_call '"hello, 2024"' greet 2024
    run timeout 20 via call unix:calc greet '"half'
    expect_status 1
    expect "cannot be read"
    run timeout 20 via call unix:calc greet '"a\u0000b"'
    expect_status 1
    expect "cannot be read"
}

@test "cli__call_and_serve_refuse_layers_that_are_not_there" {
    serve_calc
    run timeout 20 via call 'unix:calc?layers=nope' add 1 2
    expect_status 1
    expect 'no plugin has the layer "nope"'
    run timeout 20 via serve 'unix:other?layers=nope' --interface "$calc" --library "$library"
    expect_status 1
    expect 'no plugin has the layer "nope"'
}

@test "cli__call_ends_although_the_program_does_not" {
    run timeout 20 via call 'exec:sleep 100' --timeout 1 greet
    expect_status 124
    run timeout 20 via call exec:yes --timeout 2 greet
    [ "$status" -ne 124 ]
    [ "$status" -ne 0 ]
}

@test "cli__serve_refuses_a_variable_for_a_function" {
    echo 'int number = 7;' | ${CC:-cc} -x c -shared -fPIC -o libvariable.so -
    echo '{"rpc": 1, "name": "v", "version": "1.0.0", "methods": {"number": {"params": []}}}' >v.rpc.json
    run timeout 20 via serve unix:variable --interface v.rpc.json --library ./libvariable.so
    expect_status 1
    expect "a variable of the library, not a function"
}
