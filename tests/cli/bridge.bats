#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# bridge: what comes in on A goes out on B, and back.

load helpers

@test "cli__bridge_gives_each_client_a_b_of_its_own" {
    start bridge via bridge unix:sorter exec:sort
    bridge=$!
    start_from <(printf 'b\na\n') first via dial unix:sorter
    one=$!
    start_from <(printf 'd\nc\n') second via dial unix:sorter
    two=$!
    finish $one
    expect_status 0
    finish $two
    expect_status 0
    expect_file first.out $'a\nb'
    expect_file second.out $'c\nd'
    signal_via TERM $bridge
    finish $bridge
    expect_status 143
    [ ! -s bridge.err ]
}

@test "cli__bridge_joins_two_transports_both_ways" {
    port=$(free_port)
    start_from <(seq 3000) far via listen pipe:far
    far=$!
    start bridge via bridge "tcp://127.0.0.1:$port" pipe:far
    run bash -c "seq 5000 9000 | via dial tcp://127.0.0.1:$port --timeout 10s"
    expect_status 0
    [ "$output" = "$(seq 3000)" ]
    finish $far
    expect_status 0
    cmp far.out <(seq 5000 9000)
}

@test "cli__bridge_carries_a_queue_from_a_to_b" {
    start worker via pull pipe:out --count 3
    worker=$!
    start bridge via bridge unix:in pipe:out --pattern queue
    run bash -c 'seq 3 | via push unix:in --timeout 10s'
    expect_status 0
    finish $worker
    expect_file worker.out $'1\n2\n3'
}

@test "cli__bridge_carries_a_topic_from_b_to_a" {
    mkfifo input
    start_from input publisher via pub unix:source --timeout 10s
    exec 5<>input
    start bridge via bridge unix:news unix:source --pattern topic
    start subscriber via sub unix:news --count 1 --timeout 10s
    # What is published before the subscriber came is for nobody, so it is said until somebody has heard it.
    await eval 'echo "it rains" >&5; [ -s subscriber.out ]'
    expect_file subscriber.out "it rains"
}

@test "cli__bridge_joins_unlike_patterns_when_told_the_roles" {
    start far via recv unix:far --count 2
    far=$!
    start bridge via bridge unix:in unix:far --as pull,pair
    run bash -c "printf 'one\ntwo\n' | via push unix:in --timeout 10s"
    expect_status 0
    finish $far
    expect_file far.out $'one\ntwo'
}

# ---- a far side that is not there ------------------------------------------------------------------------------------

@test "cli__bridge_has_no_a_before_somebody_serves_b" {
    for pattern in pair queue; do
        run timeout 20 via bridge unix:in unix:nobody --pattern $pattern --timeout 20ms
        expect_status 4
        expect "nobody listens"
        expect_way_out
        start bridge via bridge unix:in unix:far --pattern $pattern --timeout forever
        bridge=$!
        run via send unix:in lost --pattern $pattern --timeout 300ms
        expect_status 4
        expect "nobody listens"
        start far via recv unix:far --pattern $pattern --count 1
        far=$!
        run via send unix:in found --pattern $pattern --timeout 10s
        expect_status 0
        finish $far
        expect_file far.out found
        signal_via TERM $bridge
        finish $bridge
        expect_status 143
    done
}

@test "cli__bridge_closes_a_while_nobody_serves_b_and_goes_on" {
    start far via recv unix:far
    far=$!
    start bridge via bridge unix:in unix:far
    bridge=$!
    run via send unix:in one --timeout 10s
    expect_status 0
    finish $far
    expect_file far.out one
    await_text 'unix:far: nobody is there, so unix:in is closed until somebody is' bridge.err
    run via send unix:in lost --timeout 50ms
    expect_status 4
    expect "nobody listens"
    start far via recv unix:far
    far=$!
    run via send unix:in two --timeout 10s
    expect_status 0
    finish $far
    expect_file far.out two
    signal_via TERM $bridge
    finish $bridge
    expect_status 143
}

@test "cli__bridge_closes_a_when_the_b_that_waits_for_a_client_ends" {
    start far via recv unix:far
    far=$!
    start bridge via bridge unix:in unix:far
    await_name in.sock
    kill -KILL $far
    await_text 'unix:far: nobody is there, so unix:in is closed until somebody is' bridge.err
    run via send unix:in lost --timeout 50ms
    expect_status 4
}

@test "cli__bridge_opens_b_again_if_it_ends_while_it_waits_for_a_client" {
    start far via recv unix:far
    far=$!
    start bridge via bridge unix:in unix:far
    await_name in.sock
    kill -KILL $far
    start far via recv unix:far
    far=$!
    # Whoever comes before the bridge has seen the end of B waits in a listener that closes, and is told so.
    await via send unix:in hello --timeout 10s
    finish $far
    expect_file far.out hello
}

@test "cli__bridge_starts_a_program_for_the_client_that_has_come" {
    start bridge via bridge unix:in 'exec:sh -c "echo started >>log; cat"'
    await_name in.sock
    [ ! -e log ]
    for text in one two; do
        run bash -c "echo $text | via dial unix:in"
        expect_status 0
        [ "$output" = $text ]
    done
    expect_file log $'started\nstarted'
}

@test "cli__bridge_tells_what_the_far_side_has_not_taken" {
    start far via recv unix:far --count 1
    far=$!
    start bridge via bridge unix:in unix:far
    bridge=$!
    mkfifo input
    start_from input client via send unix:in --timeout 10s
    exec 5<>input
    echo first >&5
    finish $far
    await eval 'echo next >&5; grep -qs "have not reached" bridge.err'
    grep -q 'unix:in: message [0-9]* (4 bytes) and all after it have not reached unix:far' bridge.err
    grep -q 'mend: ' bridge.err
}

@test "cli__bridge_of_a_queue_tells_what_it_still_had_at_the_end" {
    start worker via pull unix:out --count 1
    worker=$!
    start bridge via bridge unix:in unix:out --pattern queue
    bridge=$!
    run via push unix:in one --timeout 10s
    finish $worker
    expect_file worker.out one
    run via push unix:in two --timeout 10s
    expect_status 0
    signal_via TERM $bridge
    finish $bridge
    expect_status 143
    grep -q 'unix:in: message 2 (3 bytes) and all after it have not reached unix:out' bridge.err
}

@test "cli__bridge_ends_at_once_while_it_waits_for_b" {
    for pattern in pair queue; do
        start bridge via bridge unix:in unix:nobody --timeout forever --pattern $pattern
        bridge=$!
        await eval '[ "$(ls /proc/$bridge/task | wc -l)" -ge 2 ]'
        signal_via TERM $bridge
        await eval '! kill -0 $bridge 2>/dev/null'
        finish $bridge
        expect_status 143
        [ ! -s bridge.err ]
        [ ! -e "$XDG_RUNTIME_DIR/viaduct/in.sock" ]
    done
}

# ---- what does not fit -----------------------------------------------------------------------------------------------

@test "cli__bridge_of_a_queue_leaves_out_what_b_cannot_carry_and_goes_on" {
    start worker via pull unix:b2 --count 2 --timeout 10s
    worker=$!
    start bridge via bridge unix:b1 'unix:b2?max_message=10' --pattern queue
    bridge=$!
    run bash -c "printf 'small\nfar too large\nsmall2\n' | via push unix:b1 --timeout 10s"
    expect_status 0
    finish $worker
    expect_status 0
    expect_file worker.out $'small\nsmall2'
    grep -q 'unix:b2?max_message=10: message 2 has 13 bytes; this channel carries at most 10' bridge.err
    grep -q 'mend: ' bridge.err
    kill -0 $bridge
    start worker via recv 'unix:c2?framing=line' --count 2 --timeout 10s
    worker=$!
    start bridge via bridge unix:c1 'unix:c2?framing=line' --as pull,pair
    run bash -c "printf 'one\0two\nlines\0three\0' | via push unix:c1 --format null --timeout 10s"
    finish $worker
    expect_status 0
    expect_file worker.out $'one\nthree'
    grep -q 'message 2 holds a newline, the delimiter of framing=line' bridge.err
}

@test "cli__bridge_of_a_pair_ends_the_client_that_it_cannot_serve_whole" {
    start bridge via bridge unix:in 'exec:cat?max_message=5'
    bridge=$!
    mkfifo input
    start_from input client via dial unix:in
    client=$!
    exec 5<>input
    echo short >&5
    await_text short client.out
    printf 'too long\nnever\n' >&5
    finish $client
    expect_file client.out short
    await_text 'message 2 has 8 bytes; this channel carries at most 5' bridge.err
    run bash -c 'echo again | via dial unix:in'
    expect_status 0
    [ "$output" = again ]
}

@test "cli__bridge_tells_wrong_roles" {
    run via bridge unix:a unix:b --as pull
    expect_status 2
    expect "--as wants two of pair, push, pull, pub, sub: --as pull,push, not 'pull'"
    expect_way_out
    run via bridge unix:a unix:b --as pull,pull
    expect_status 2
    expect "nothing can flow between these roles"
    expect_way_out
}

@test "cli__bridge_refuses_the_same_place_on_both_sides" {
    echo '{"manifest": 1, "endpoints": {"here": {"pattern": "pair", "address": "unix:a"}}}' >here.json
    for b in unix:a 'unix:a?mode=0660' ipc://a here; do
        run timeout 20 via bridge unix:a "$b" --endpoints here.json --timeout 20ms
        expect_status 2
        expect "both sides are unix:a: such a bridge would talk to itself"
        expect_way_out
    done
}

@test "cli__bridge_tells_an_a_that_cannot_be_listened_on" {
    run via bridge exec:cat unix:b
    expect_status 1
    expect "exec:cat: nobody can listen there"
    expect_way_out
    start far via listen unix:b
    start other via listen unix:taken
    await_name taken.sock
    run via bridge unix:taken unix:b
    expect_status 1
    expect "unix:taken"
    expect_way_out
}

@test "cli__bridge_of_a_topic_has_a_before_b_for_those_who_want_the_first" {
    start bridge via bridge --pattern topic unix:news shm:source --timeout 20s
    bridge=$!
    start reader via sub unix:news --count 3 --timeout 20s
    reader=$!
    await_name news.sock
    run bash -c 'seq 3 | via pub shm:source --timeout 10s'
    expect_status 0
    finish $reader
    signal_via TERM $bridge
    finish $bridge
}
