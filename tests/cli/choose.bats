#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Choice that explains itself: any_of and require, explain, choose, and what the best practices say.

load helpers

make_choice() {
    port=$(free_port)
    cat >choice.json <<END2
{ "manifest": 1, "endpoints": {
    "orders": {"pattern": "pair", "any_of": ["shm:orders", "unix:orders", "tcp://127.0.0.1:$port"]},
    "mixed": {"pattern": "pair", "any_of": ["canbus:mixed", "unix:mixed"], "options": {"mode": "0660"}},
    "jobs": {"require": {"pattern": "queue", "features": ["priority"], "message": "64KiB"}},
    "never": {"require": {"pattern": "topic", "features": ["telepathy"]}} } }
END2
    export VIADUCT_ENDPOINTS=$work/choice.json
}

# ---- any_of ----------------------------------------------------------------------------------------------------------

@test "cli__a_listener_of_any_of_is_reached_at_each_candidate" {
    make_choice
    for address in shm:orders unix:orders "tcp://127.0.0.1:$port" orders; do
        start got via recv orders
        receiver=$!
        run via send "$address" "to $address"
        expect_status 0
        finish "$receiver"
        expect_status 0
        expect_file got.out "to $address"
    done
}

@test "cli__a_dialer_falls_to_the_next_when_a_candidates_listener_is_killed" {
    make_choice
    start first via recv shm:orders
    first=$!
    start second via recv unix:orders
    second=$!
    await_name orders.shm
    await_name orders.sock
    kill -KILL "$first"
    finish "$first"
    run via send orders 'by the second way'
    expect_status 0
    finish "$second"
    expect_file second.out 'by the second way'
}

@test "cli__a_candidate_that_never_answers_leaves_time_for_the_others" {
    # Its queue of connections is full: one more is neither taken nor refused.
    cat >deaf.py <<'END2'
import os, socket, time
silent = socket.create_server(("127.0.0.1", 0), backlog=0)
waiting = [socket.socket() for _ in range(4)]
for one in waiting:
    one.setblocking(False)
    one.connect_ex(silent.getsockname())
open("port.new", "w").write(str(silent.getsockname()[1]))
os.rename("port.new", "port")
time.sleep(600)
END2
    start deaf python3 deaf.py
    deaf=$!
    await test -e port || await test -e port
    printf '{"manifest": 1, "endpoints": {"slow": {"any_of": ["tcp://127.0.0.1:%s", "unix:slow"]}}}' "$(<port)" >slow.json
    export VIADUCT_ENDPOINTS=$work/slow.json
    start got via recv unix:slow
    receiver=$!
    await_name slow.sock
    SECONDS=0
    run via send slow 'past the deaf one' --timeout 120s
    expect_status 0
    ((SECONDS < 60))
    finish "$receiver"
    expect_file got.out 'past the deaf one'
    run via send slow x --timeout 500ms
    expect_status 4
    expect "tcp://127.0.0.1:$(<port): VIA_ENOPEER: no answer before the deadline"
    expect 'unix:slow: VIA_ENOPEER: '
    kill -KILL "$deaf"
}

@test "cli__nobody_at_any_candidate_is_told_for_each" {
    make_choice
    run via send orders x --timeout 100ms
    expect_status 4
    expect 'via: orders: nobody answers at any candidate of "orders"'
    expect 'shm:orders: VIA_ENOPEER: '
    expect 'unix:orders: VIA_ENOPEER: '
    expect "tcp://127.0.0.1:$port: VIA_ENOPEER: "
}

@test "cli__a_candidate_without_a_plugin_is_left_out" {
    make_choice
    start got env VIADUCT_LOG=warning via recv mixed
    receiver=$!
    run via send mixed 'all the same'
    expect_status 0
    finish "$receiver"
    expect_file got.out 'all the same'
    grep -q 'mixed: canbus:mixed is left out: no plugin serves "canbus:"' got.err
}

# ---- require ---------------------------------------------------------------------------------------------------------

@test "cli__a_queue_by_need_has_what_was_required" {
    make_choice
    via push mq:jobs early --priority 1 --timeout 10s &
    sender=$!
    run via pull jobs --count 1 --timeout 10s
    expect_status 0
    [ "$output" = early ]
    wait "$sender"
}

@test "cli__a_need_that_nothing_meets_is_told_for_each_mechanism" {
    make_choice
    run via sub never --timeout 1s
    expect_status 1
    expect 'via: never: no candidate of "never" can be used; see each below'
    expect 'shm:: VIA_ENOTSUP: lacks the feature "telepathy"'
    expect 'mq:: VIA_ENOTSUP: offers pair queue only'
    expect_way_out
}

# ---- explain ---------------------------------------------------------------------------------------------------------

@test "cli__explain_shows_verdict_time_and_reason_of_each_candidate" {
    make_choice
    run via explain jobs
    expect_status 0
    [[ ${lines[1]} =~ ^\ \ #\ +CANDIDATE\ +VERDICT\ +ONE\ WAY\ +FROM\ +REASON$ ]]
    [[ $output =~ 1\ +mq:jobs\ +CHOSEN\ +[0-9.]+\ us\ +manifest ]]
    [[ $output =~ unix\ +unfit\ +lacks\ the\ feature\ \"priority\" ]]
    run via explain mixed
    expect_status 0
    [[ $output =~ 1\ +canbus:mixed\ +refused\ +no\ plugin\ serves\ \"canbus:\" ]]
    [[ $output =~ 2\ +unix:mixed\ +fits\ +[0-9.]+\ us\ +manifest ]]
    run via explain jobs --json
    expect_status 0
    expect_json 'it["candidates"][0]["address"] == "mq:jobs" and it["candidates"][0]["latency_ns"] > 0'
    expect_json 'it["candidates"][0]["estimate"] == "manifest" and it["error"] is None'
}

@test "cli__explain_of_a_need_that_nothing_meets_fails" {
    make_choice
    run via explain never
    expect_status 1
    expect 'no candidate of "never" can be used'
    expect 'mend: install a plugin that has what it lacks, or ask for less'
}

@test "cli__explain_live_says_who_listens" {
    make_choice
    start got via recv unix:orders
    receiver=$!
    await_name orders.sock
    run via explain orders --live
    expect_status 0
    [[ $output =~ 1\ +shm:orders\ +fits\ +[0-9.]+\ us\ +manifest\ +no\ listener\ now ]]
    [[ $output =~ 2\ +unix:orders\ +fits\ +[0-9.]+\ us\ +manifest\ +listening:\ pid\ ${receiver}\ \(via\) ]]
    finish "$receiver"
}

@test "cli__explain_counts_what_was_measured" {
    cp -r "$plugins" mine
    chmod 755 mine
    mkdir mine/certificates
    python3 - "$work/mine" <<'END2'
import json, sys
manifest = json.load(open(sys.argv[1] + "/socket.json"))
row = {"address": "unix:x", "pattern": "pair", "mode": "latency", "wake": "blocking", "size_bytes": 64, "count": 9,
       "latency_ns": {"p50": 7, "p90": 7, "p99": 7, "p999": 7, "max": 7}, "messages_per_s": 0, "bytes_per_s": 0}
certificate = {"certificate": 1, "plugin": {"name": "socket", "version": manifest["version"],
                                            "sha256": manifest.get("sha256", {})},
               "results": [{"scheme": "unix", "pattern": "pair", "measured": [row]}]}
json.dump([certificate], open(sys.argv[1] + "/certificates/socket.json", "w"))
END2
    VIADUCT_PLUGIN_PATH=$work/mine run via choose --message 64
    expect_status 0
    [[ $output =~ 1\ +unix\ +CHOSEN\ +7\ ns\ +certificate ]]
    edit mine/certificates/socket.json 'it[0]["plugin"]["sha256"] = {k: "0" * 64 for k in it[0]["plugin"]["sha256"]}; it[0]["plugin"]["version"] = "0"'
    VIADUCT_PLUGIN_PATH=$work/mine run via choose --message 64
    expect_status 0
    [[ $output =~ unix\ +fits\ +[0-9.]+\ us\ +manifest\ +.*certificates/socket.json\ is\ of\ another\ build ]]
}

# ---- choose ----------------------------------------------------------------------------------------------------------

@test "cli__choose_prints_lines_that_are_a_manifest" {
    for need in "" "--pattern queue --feature priority" "--pattern topic --message 4KiB" "--scope network" \
        "--pattern value" "--pattern region" "--max-message 1MiB --message 64"; do
        # shellcheck disable=SC2086 # words
        via choose $need >said
        sed -n '/^{/,$p' said >pasted.json
        run via validate pasted.json
        expect_status 0
        expect 'pasted.json: ok, a manifest of kind endpoints'
    done
    run via explain NAME --endpoints "$work/pasted.json"
    expect_status 0
}

@test "cli__choose_says_why_the_others_fall_out" {
    run via choose --pattern queue --scope machine --feature priority --max-message 64KiB
    expect_status 0
    [[ ${lines[0]} == 'queue, messages of 64KiB' ]]
    [[ $output =~ 1\ +mq\ +CHOSEN\ +[0-9.]+\ us\ +manifest ]]
    [[ $output =~ clipboard\ +unfit\ +offers\ value\ only ]]
    [[ $output =~ unix\ +unfit\ +lacks\ the\ feature\ \"priority\" ]]
    expect '"NAME": {"require": {"pattern": "queue", "scope": "machine", "features": ["priority"], "max_message": "64KiB"}}'
    run via choose --json
    expect_status 0
    expect_json 'it["need"] == {"pattern": "pair"} and it["size"] == 1024'
    expect_json '{"scheme", "plugin", "rest", "verdict", "reason", "mend"} <= set(it["candidates"][0])'
    expect_json 'sorted(c["latency_ns"] for c in it["candidates"] if "latency_ns" in c) == [c["latency_ns"] for c in it["candidates"] if "latency_ns" in c]'
}

@test "cli__choose_takes_every_pattern_as_a_need" {
    local pattern
    for pattern in pair queue topic value region; do
        run via choose --pattern "$pattern" --json
        expect_status 0
        expect_json "it['need'] == {'pattern': '$pattern'} and it['endpoint']['require']['pattern'] == '$pattern'"
    done
    run via choose --pattern region
    expect_status 0
    [[ ${lines[0]} == 'region, messages of 1KiB' ]]
    [[ $output =~ 1\ +shm\ +CHOSEN ]]
    [[ $output =~ unix\ +unfit\ +offers\ pair\ queue\ topic\ only ]]
    run via choose --pattern ring
    expect_status 2
    expect "--pattern wants pair, queue, topic, value, region, not 'ring'"
    run via send unix:x --pattern region y
    expect_status 2
    expect "--pattern wants pair, queue, topic, value, not 'region'"
}

@test "cli__choose_refuses_what_makes_no_sense" {
    run via choose --feature telepathy
    expect_status 1
    expect 'via: no installed mechanism serves that'
    expect '     mend: ask for less, or install a plugin that has it'
    run via choose --scope moon
    expect_status 1
    expect 'via: choose: what is required: scope is "moon"; expected process, machine, network'
    expect '     mend: give it such a value, or leave it out'
    run via choose --message 0
    expect_status 1
    expect 'what is required: message is "0"; expected a size'
    expect_way_out
}

# ---- lint ------------------------------------------------------------------------------------------------------------

# lint ENDPOINT: the findings of one endpoint, in $output.
lint() {
    printf '{"manifest": 1, "endpoints": {\n%s}}\n' "$1" >lint.json
    run via validate --lint lint.json
}

# expect_finding PLACE NUMBER NAME REASON MEND: that and nothing else.
expect_finding() {
    expect_status 1
    echo "$output"
    [ "${#lines[@]}" -eq 3 ]
    [ "${lines[1]}" = "lint.json:$1: practice $2 ($3), a: $4" ]
    [ "${lines[2]}" = "     mend: $5" ]
}

@test "cli__lint_finds_nothing_in_a_careful_manifest" {
    lint '"a": {"pattern": "topic", "address": "unix:a", "options": {"overflow": "drop-oldest", "mode": "0660"}},
          "b": {"pattern": "pair", "any_of": ["shm:b", "unix:b", "tcp://127.0.0.1:7000"]},
          "c": {"require": {"pattern": "queue"}}, "d": {"pattern": "pair", "address": "tcp://10.0.0.7:7000"},
          "e": {"pattern": "pair", "address": "canbus:e"}'
    expect_status 0
    [ "$output" = 'lint.json: ok, a manifest of kind endpoints' ]
}

@test "cli__lint_1_loopback_where_something_nearer_serves" {
    for host in 127.0.0.1 localhost '[::1]'; do
        lint "\"a\": {\"pattern\": \"pair\", \"address\": \"tcp://$host:7000\"}"
        expect_finding 2:6 1 reach \
            "tcp: reaches other machines, but $host is this one; unix: is nearer, keeps other users out and needs no port" \
            'write "unix:a"'
    done
}

@test "cli__lint_2_secrets_are_found_and_never_shown" {
    local mend='take it out: VIADUCT_ADDRESS_<NAME> or an option of the call can hold it, or a file that only its user reads'
    lint '"a": {"pattern": "pair", "address": "tcp://me:hush@10.0.0.7:1"}'
    expect_finding 2:6 2 secret 'the address holds a password; manifests are copied, logged and shown' "$mend"
    expect_not hush
    lint '"a": {"pattern": "pair", "address": "canbus:x?token=hush"}'
    expect_finding 2:6 2 secret 'the option token holds a secret; manifests are copied, logged and shown' "$mend"
    expect_not hush
    lint '"a": {"pattern": "pair", "address": "canbus:x", "options": {"key": "hush"}}'
    expect_finding 2:68 2 secret 'the option key holds a secret; manifests are copied, logged and shown' "$mend"
    expect_not hush
}

@test "cli__lint_3_a_mode_wider_than_its_users" {
    lint '"a": {"pattern": "pair", "address": "unix:a", "options": {"mode": "0666"}}'
    expect_finding 2:67 3 mode 'mode 0666 lets every user of this machine in' \
        'write 0600, or 0660 with a group that its users share'
}

@test "cli__lint_4_every_address_of_the_machine" {
    lint '"a": {"pattern": "pair", "address": "tcp://0.0.0.0:1"}'
    expect_finding 2:6 4 public '0.0.0.0 is every address of this machine: whoever reaches one of them can connect' \
        'name the one address that the others come from, or 127.0.0.1 behind a tunnel'
}

@test "cli__lint_5_a_name_in_a_folder_of_all" {
    lint '"a": {"pattern": "pair", "address": "unix:/tmp/a"}'
    expect_finding 2:6 5 folder 'everybody can write in /tmp/, so another user can take the name first' \
        "write a plain name, which is in the user's own runtime folder, or a folder of its own such as /run/shop"
}

@test "cli__lint_6_no_pattern" {
    lint '"a": {"address": "unix:a"}'
    expect_finding 2:6 6 pattern 'no pattern is stated, so a program that opens it as something else is not told' \
        'write "pattern": "pair", or what it is'
}

@test "cli__lint_7_an_unbounded_block" {
    local reason='overflow=block: one subscriber that stops, stops the publisher and all others'
    local mend='write "options": {"overflow": "drop-oldest"}, and let subscribers look at gaps in the sequence'
    lint '"a": {"pattern": "topic", "address": "unix:a"}'
    expect_finding 2:6 7 block "$reason" "$mend"
    lint '"a": {"pattern": "topic", "address": "unix:a?overflow=block", "options": {"overflow": "fail"}}'
    expect_finding 2:6 7 block "$reason" "$mend"
}

@test "cli__lint_8_no_bound_on_a_wait" {
    lint '"a": {"pattern": "pair", "address": "unix:a", "options": {"linger": "forever"}}'
    expect_finding 2:69 8 forever 'linger has no bound: one peer that stops is enough to wait for ever' \
        'write how long it may take at most'
}

@test "cli__lint_9_the_farther_one_first" {
    lint '"a": {"pattern": "pair", "any_of": ["tcp://127.0.0.1:1", "unix:a"]}'
    expect_finding 2:6 9 order \
        'unix: is nearer than tcp:, but comes after it, so nobody who reaches both ever takes it' \
        'put the nearer ones first'
}

@test "cli__lint_as_json_has_number_place_reason_and_mend" {
    printf '{"manifest": 1, "endpoints": {\n"a": {"address": "unix:a"}}}\n' >lint.json
    run via validate --lint --json lint.json "$plugins/socket.json"
    expect_status 1
    expect_json '[f["practice"] for f in it[0]["findings"]] == [6] and it[0]["valid"] and it[1]["findings"] == []'
    expect_json '{"practice", "name", "endpoint", "file", "line", "column", "pointer", "reason", "mend"} == set(it[0]["findings"][0])'
    expect_json 'it[0]["findings"][0]["pointer"] == "/endpoints/a"'
}

@test "cli__each_lint_is_a_numbered_practice" {
    practices=${BATS_TEST_DIRNAME}/../../sdk/docs/practices.md
    for rule in 1:reach 2:secret 3:mode 4:public 5:folder 6:pattern 7:block 8:forever 9:order; do
        grep -q "^## ${rule%:*}\. " "$practices"
        sed -n "/^## ${rule%:*}\. /,/^## /p" "$practices" | grep -q "\`${rule#*:}\`"
    done
}
