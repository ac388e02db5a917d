#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# listen and dial: two ends of a conversation, standard input and output on each.

load helpers

# ---- conversations ---------------------------------------------------------------------------------------------------

# Both directions at once over an address: what each end says, the other one hears.
converse() {
    local address=$1 name=${2:-}
    start_from <(seq 1 2000) listener via listen "$address"
    listener=$!
    [ -z "$name" ] || await_name "$name"
    run bash -c "seq 5000 9000 | via dial '$address'"
    expect_status 0
    [ "$output" = "$(seq 1 2000)" ]
    await cmp -s listener.out <(seq 5000 9000)
    [ ! -s listener.err ]
}

@test "cli__listen_and_dial_exchange_lines_over_unix" {
    converse unix:chat
}

@test "cli__listen_and_dial_exchange_lines_over_tcp" {
    converse "tcp://127.0.0.1:$(free_port)"
}

@test "cli__listen_and_dial_exchange_lines_over_pipe" {
    converse pipe:chat
}

@test "cli__dial_by_endpoint_name" {
    echo '{"manifest": 1, "endpoints": {"chat": {"pattern": "pair", "address": "unix:chat"}}}' >chat.json
    start listener via listen chat --endpoints chat.json
    run bash -c 'echo hello | via dial chat --endpoints chat.json'
    expect_status 0
    await cmp -s listener.out <(echo hello)
}

@test "cli__dial_goes_on_receiving_after_its_input_has_ended" {
    run bash -c "printf 'pear\napple\n' | via dial exec:sort"
    expect_status 0
    [ "$output" = $'apple\npear' ]
}

@test "cli__dial_goes_on_sending_after_the_other_end_has_finished" {
    start listener via listen unix:chat
    # The input ends only after the other end has finished and has heard the first line.
    mkfifo input
    start_from input dialer via dial unix:chat
    dialer=$!
    exec 5>input
    echo first >&5
    await_text first listener.out
    echo second >&5
    exec 5>&-
    await_text second listener.out
    finish $dialer
    expect_status 0
}

@test "cli__dial_ends_when_the_other_end_has_gone_though_its_input_has_not" {
    mkfifo input
    exec 5<>input
    echo one >&5
    run via dial 'exec:head -n 1' <input
    expect_status 0
    [ "$output" = one ]
}

@test "cli__dial_passes_the_failure_of_a_child_on_as_5" {
    run via dial exec:false </dev/null
    expect_status 5
    expect "exec:false: ended with exit status 1"
    expect_way_out
    run via dial "exec:sh -c 'kill -KILL \$\$'" </dev/null
    expect_status 4
    expect "was killed by signal 9"
    expect_way_out
}

@test "cli__dial_tells_that_the_other_end_died_as_4" {
    start_from "$work/never" listener via listen pipe:chat
    listener=$!
    mkfifo input
    start_from input dialer via dial pipe:chat
    dialer=$!
    exec 5>input
    echo first >&5
    await_text first listener.out
    kill -KILL $listener
    # What is said after that can be heard by nobody.
    finish $dialer
    expect_status 4
    output=$(cat dialer.err)
    expect "pipe:chat"
    expect "mend: "
}

# ---- waiting ---------------------------------------------------------------------------------------------------------

@test "cli__dial_waits_for_its_listener" {
    mkfifo input
    start dialer via dial unix:late --timeout 10s
    dialer=$!
    run via listen unix:late </dev/null
    expect_status 0
    finish $dialer
    expect_status 0
}

@test "cli__dial_gives_up_with_4_and_names_who_was_missed" {
    run via dial unix:nobody --timeout 50ms </dev/null
    expect_status 4
    expect "nobody listens on"
    expect_way_out
}

@test "cli__listen_gives_up_with_124" {
    run via listen unix:nobody --timeout 50ms </dev/null
    expect_status 124
    expect "unix:nobody: nobody has connected before the deadline"
    expect_way_out
}

@test "cli__listen_in_a_folder_that_is_not_there_says_to_make_it" {
    for address in "unix:$work/nowhere/x" "pipe:$work/nowhere/x"; do
        run via listen "$address"
        expect_status 1
        expect "No such file or directory"
        expect "mend: make the folder first"
    done
}

@test "cli__listen_refuses_a_name_that_a_living_one_has" {
    start listener via listen unix:mine
    await_name mine.sock
    run via listen unix:mine --timeout 50ms
    expect_status 1
    expect "unix:mine"
    expect_way_out
}

# ---- formats ---------------------------------------------------------------------------------------------------------

# Sends bytes in one format and shows them in another: formats IN OUT INPUT EXPECTED.
formats() {
    printf "$3" >input
    start listener via listen unix:formats --format "$2"
    listener=$!
    via dial unix:formats --format "$1" <input
    finish $listener
    expect_status 0
    cmp listener.out <(printf "$4")
}

@test "cli__formats_show_the_same_message_in_every_way" {
    formats line line 'one\ntwo\n' 'one\ntwo\n'
    formats line null 'one\ntwo' 'one\0two\0'
    formats null line 'one\0two\0' 'one\ntwo\n'
    formats line hex 'a\n\n' '61\n\n'
    formats hex raw '0a00\nff\n' '\n\0\377'
    formats quoted hex '"\\x00\\n\\"\\\\é"\n' '000a225cc3a9\n'
    formats hex quoted '000a225cc3a97f\n' '"\\x00\\n\\"\\\\é\\x7f"\n'
    formats line json 'say "hi"\n' '{"size":8,"text":"say \\"hi\\""}\n'
    formats hex json 'ff00\n' '{"size":2,"base64":"/wA="}\n'
    formats json hex '{"base64":"/wA="}\n{"text":"\\u0000a"}\n' 'ff00\n0061\n'
}

@test "cli__a_message_that_is_not_in_the_format_is_told_and_what_came_before_it_is_sent" {
    start listener via listen unix:formats
    listener=$!
    run bash -c 'printf "61\nzz\n" | via dial unix:formats --format hex'
    expect_status 1
    expect "message 2 of the input is not in the format"
    expect "two hexadecimal digits for each byte"
    expect "mend: mend the input, or choose another --format" # not the last line, if the child has answered meanwhile
    finish $listener
    expect_file listener.out a
}

@test "cli__a_line_of_a_mebibyte_arrives_whole" {
    head -c 1048576 /dev/zero | tr '\0' x >line
    start listener via listen unix:long
    listener=$!
    via dial unix:long <line
    finish $listener
    cmp listener.out <(cat line; echo)
}

# ---- the end from outside --------------------------------------------------------------------------------------------

@test "cli__signals_end_it_cleanly_and_give_the_name_up" {
    for signal in INT TERM HUP; do
        # A shell without job control starts what is in the background with SIGINT ignored; env sets that right.
        start listener env --default-signal=INT,HUP via listen unix:signals
        listener=$!
        await_name signals.sock
        signal_via $signal $listener
        finish $listener
        expect_status $((128 + $(kill -l $signal)))
        [ ! -e "$XDG_RUNTIME_DIR/viaduct/signals.sock" ]
    done
}

@test "cli__a_signal_in_a_conversation_lets_what_was_said_arrive" {
    start listener via listen unix:signals
    listener=$!
    mkfifo input
    start_from input dialer via dial unix:signals
    dialer=$!
    exec 5>input
    seq 1000 >&5
    await_text '^1000$' listener.out
    signal_via TERM $dialer
    finish $dialer
    expect_status 143
    finish $listener
    cmp listener.out <(seq 1000)
}

@test "cli__a_reader_that_has_seen_enough_ends_it_quietly" {
    start_from <(seq 100000) listener via listen unix:enough
    run bash -c "via dial unix:enough <'$work/never' | head -n 2; echo \${PIPESTATUS[0]}"
    expect_status 0
    [ "$output" = $'1\n2\n0' ]
}

@test "cli__a_reader_that_goes_while_nothing_comes_ends_it_quietly" {
    start_from "$work/never" listener via listen unix:enough
    run bash -c "via dial unix:enough <'$work/never' | true; echo \${PIPESTATUS[0]}"
    expect_status 0
    [ "$output" = 0 ]
}

@test "cli__a_full_disk_is_told" {
    start_from <(echo hello) listener via listen unix:full
    run bash -c "via dial unix:full <'$work/never' >/dev/full"
    expect_status 1
    expect "standard output: No space left on device"
    expect_way_out
}

@test "cli__what_the_channel_refuses_is_not_blamed_on_the_input" {
    # What the child answers meanwhile would stand in the middle of a line.
    run bash -c "printf 'a\nb' | via dial --format raw exec:cat >/dev/null"
    expect_status 1
    expect "exec:cat: message 1 holds a newline, the delimiter of framing=line"
    expect_not "not in the format"
    expect_way_out
    run bash -c "printf '\"a\"\nb' | via dial --format quoted exec:cat >/dev/null"
    expect_status 1
    expect "message 2 of the input is not in the format: expected a text between double quotes"
    expect_way_out
    run timeout 10 via dial 'exec:cat?max_message=3' <<<"too long"
    expect_status 1
    expect "message 1 has 8 bytes; this channel carries at most 3"
    expect_way_out
}

@test "cli__a_full_disk_under_stdio_is_told_with_its_cause" {
    run bash -c 'via send stdio: text >/dev/full'
    expect_status 1
    expect "stdio:"
    expect "os:   No space left on device"
    expect "mend: make room where the output goes"
}

@test "cli__a_closed_output_under_stdio_is_told_with_what_to_do" {
    run bash -c 'via send stdio: text >&-'
    expect_status 1
    expect "os:   Bad file descriptor"
    expect "mend: start the program with what it writes to (its stdout, say) open for writing"
}

@test "cli__a_folder_is_no_program" {
    mkdir -p bin/tool here/tool
    PATH=$work/bin:$PATH run via send exec:tool text
    expect_status 1
    expect "install the program"
    for address in "exec:$work/bin/tool" exec:./bin/tool "exec:./tool?dir=$work/here"; do
        run via send "$address" text
        expect_status 1
        expect "which is a folder"
        expect "mend: name the program in it: exec:FOLDER/PROGRAM"
    done
}

@test "cli__closed_standard_descriptors_are_an_end_and_an_error" {
    run bash -c 'via dial exec:cat <&-'
    expect_status 0
    [ -z "$output" ]
    run bash -c 'echo hello | via dial exec:cat >&-'
    expect_status 1
    expect "standard output: Bad file descriptor"
    expect_way_out
    run bash -c 'via --version >&-'
    expect_status 1
    expect "standard output: Bad file descriptor"
}

# ---- programs --------------------------------------------------------------------------------------------------------

@test "cli__a_program_gets_and_gives_bytes_as_they_are_with_framing_raw" {
    head -c 100000 /dev/urandom >given
    run bash -c 'via dial "exec:cat?framing=raw" <given >taken'
    expect_status 0
    cmp given taken
    run bash -c 'seq 3 | via send "exec:tee kept?framing=raw"'
    expect_status 0
    expect_file kept $'1\n2\n3'
}

@test "cli__send_takes_what_a_program_says_so_that_it_reads_on" {
    head -c 1000000 /dev/zero >much
    run timeout 30 via send 'exec:tee kept?framing=raw' --file much
    expect_status 0
    cmp much kept
}

@test "cli__send_and_recv_tell_that_the_program_failed_with_5" {
    run via send 'exec:sh -c "exit 3"' important
    expect_status 5
    expect "ended with exit status 3"
    expect_way_out
    run bash -c 'seq 300000 | via send "exec:sh -c \"exit 3\""' # it is gone long before the last one
    expect_status 5
    expect "ended with exit status 3"
    run via recv --dial 'exec:sh -c "echo part; exit 3"'
    expect_status 5
    expect part
    expect "ended with exit status 3"
    run via send exec:cat fine
    expect_status 0
}
