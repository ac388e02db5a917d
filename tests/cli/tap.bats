#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# tap and replay: messages of running programs, watched and recorded; recordings, sent again.

load helpers

# A pair whose ends both allow it, under a name; what is written to descriptor 5 is sent.
start_orders() {
    cat >shop.json <<'END'
{"manifest": 1, "endpoints": {"orders": {"address": "unix:ord", "layers": [{"layer": "tap", "allow": true}]}}}
END
    chmod 644 shop.json
    export VIADUCT_ENDPOINTS=$work/shop.json
    mkfifo input
    start receiver via recv orders
    receiver=$!
    start_from input sender via dial orders
    sender=$!
    exec 5>input
    await areas 2
}

areas() {
    [ "$(find "$XDG_RUNTIME_DIR/viaduct" -name '*.tap' 2>/dev/null | wc -l)" -eq "$1" ]
}

# Does the list say N times that a channel is in that state?
listed() {
    [ "$(via tap --list | grep -c " $2\$")" -eq "$1" ]
}

# A recording of N messages, 1 to N, that the dialler sent.
record() {
    start receiver via recv unix:rec
    receiver=$!
    run bash -c "seq $1 | via dial 'unix:rec?layers=tap&tap.file=$work/all.pcapng' --timeout 10s"
    expect_status 0
    finish $receiver
    expect_status 0
}

# ---- tap -------------------------------------------------------------------------------------------------------------

@test "cli__tap_shows_what_a_running_program_sends" {
    start_orders
    run via tap --list
    expect_status 0
    [ "$(grep -c '^unix:ord .* pair  off$' <<<"$output")" -eq 2 ]
    start shown via tap orders
    tap=$!
    await listed 2 recorded
    echo 'good morning' >&5
    await_text 'received 12 bytes "good morning"' shown.out
    await_text 'sent 12 bytes "good morning"' shown.out
    exec 5>&-
    finish $tap
    expect_status 0
    finish $sender
    finish $receiver
    expect_file receiver.out 'good morning'
    [ "$(wc -l <shown.out)" -eq 2 ]
    grep -Eq "^[0-9:]{8}\.[0-9]{6} $sender sent 12 bytes \"good morning\"$" shown.out
    await areas 0
}

@test "cli__tap_records_for_replay_and_stops_at_a_signal" {
    start_orders
    start tap via tap unix:ord --output live.pcapng
    tap=$!
    await listed 2 recorded
    seq 100 >&5
    await_text '^100$' receiver.out
    signal_via INT $tap
    finish $tap
    expect_status 0
    listed 2 off
    echo later >&5
    await_text later receiver.out
    exec 5>&-
    finish $receiver
    start again via recv unix:again
    again=$!
    run via replay live.pcapng unix:again --speed max --timeout 10s
    expect_status 0
    finish $again
    diff again.out <(seq 100)
}

@test "cli__tap_ends_after_count" {
    start_orders
    start shown via tap orders --count 3
    tap=$!
    await listed 2 recorded
    seq 50 >&5
    finish $tap
    expect_status 0
    [ "$(wc -l <shown.out)" -eq 3 ]
    exec 5>&-
    finish $receiver
    diff receiver.out <(seq 50)
}

@test "cli__tap_waits_for_a_program_as_long_as_it_is_told" {
    start shown via tap 'unix:ord' --timeout 20s
    tap=$!
    start_orders
    await listed 2 recorded
    exec 5>&-
    finish $tap
    expect_status 0
}

@test "cli__tap_leaves_one_recorder_at_a_time" {
    start_orders
    start shown via tap orders
    await listed 2 recorded
    run via tap orders
    expect_status 1
    expect 'unix:ord: another records it'
    expect "mend: end the other 'via tap' first"
    exec 5>&-
}

# What a killed program leaves is removed by the next one who looks.
@test "cli__tap_cleans_up_behind_the_killed" {
    start_orders
    kill -STOP $sender $receiver # or the one that is killed first would make the other end by itself
    kill -KILL $sender $receiver
    finish $sender
    finish $receiver
    exec 5>&-
    areas 2
    run via tap --list
    expect_status 0
    [ "$output" = 'no channel of your programs allows it; the layer tap with allow=true does' ]
    areas 0
    run via tap --list --json
    [ "$output" = '[]' ]
}

@test "cli__tap_says_what_is_missing" {
    run via tap
    expect_status 2
    expect "'via tap' wants: ADDRESS, or --list"
    run via tap unix:nobody
    expect_status 4
    expect 'via: unix:nobody: no channel of your programs allows it'
    expect 'mend: put {"layer": "tap", "allow": true} on the endpoint'
    run via tap unix:nobody --output /no/such/file
    expect_status 1
    expect '/no/such/file'
    expect_way_out
}

# ---- replay ----------------------------------------------------------------------------------------------------------

@test "cli__replay_keeps_order_and_count" {
    record 500
    start again via recv unix:again
    again=$!
    run via replay all.pcapng unix:again --speed max --timeout 10s
    expect_status 0
    [ -z "$output" ]
    finish $again
    diff again.out <(seq 500)
    start some via recv unix:again
    some=$!
    run via replay all.pcapng unix:again --count 7 --timeout 10s
    expect_status 0
    finish $some
    diff some.out <(seq 7)
}

# The recorded pauses are kept: no time is asserted but that which must have passed.
@test "cli__replay_keeps_the_time_or_a_part_of_it" {
    start receiver via recv unix:rec
    receiver=$!
    mkfifo input
    start_from input sender via dial "unix:rec?layers=tap&tap.file=$work/all.pcapng"
    sender=$!
    exec 5>input
    echo one >&5
    await_text one receiver.out
    sleep 1 # the pause that is recorded
    echo two >&5
    exec 5>&-
    finish $sender
    finish $receiver
    for speed in original 2; do
        start again via recv unix:again
        again=$!
        before=$(date +%s%N)
        run via replay all.pcapng unix:again --speed $speed --timeout 10s
        expect_status 0
        finish $again
        took=$(($(date +%s%N) - before))
        [ "$took" -ge $([ $speed = 2 ] && echo 500000000 || echo 1000000000) ]
        diff again.out <(printf 'one\ntwo\n')
    done
}

@test "cli__replay_restores_what_travels_along" {
    start receiver via pull mq:first --format json --count 1
    receiver=$!
    run via push "mq:first?layers=tap&tap.file=$work/all.pcapng" --priority 7 urgent --timeout 10s
    expect_status 0
    finish $receiver
    start again via pull mq:second --format json --count 1
    again=$!
    run via replay all.pcapng mq:second --pattern queue --timeout 10s
    expect_status 0
    finish $again
    diff receiver.out again.out
    grep -q '"priority":7' again.out
}

@test "cli__replay_takes_one_direction" {
    start receiver via recv "unix:rec?layers=tap&tap.file=$work/all.pcapng"
    receiver=$!
    run bash -c "seq 3 | via dial unix:rec --timeout 10s"
    finish $receiver
    start again via recv unix:again
    again=$!
    run via replay all.pcapng unix:again --timeout 10s
    expect_status 1
    expect 'all.pcapng: none of its 3 messages was sent by the end that recorded them'
    expect 'mend: add --direction received'
    finish $again
    for direction in received all; do
        start again via recv unix:again
        again=$!
        run via replay all.pcapng unix:again --direction $direction --timeout 10s
        expect_status 0
        finish $again
        diff again.out <(seq 3)
    done
}

@test "cli__replay_tells_what_is_wrong_with_a_file" {
    record 10
    size=$(stat -c %s all.pcapng)
    run via replay none.pcapng unix:x
    expect_status 1
    expect 'none.pcapng: cannot be opened'
    : >empty
    run via replay empty unix:x
    expect_status 1
    expect 'empty: offset 0: the file is empty; expected a pcapng file'
    expect_way_out
    printf '\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\0\0\4\0\1\0\0\0' >old.pcap
    run via replay old.pcap unix:x
    expect 'old.pcap: offset 0: a pcap file of the older kind; expected a pcapng file'
    cp all.pcapng bent.pcapng
    printf '\xff\xff' | dd of=bent.pcapng bs=1 seek=$((size - 4)) conv=notrunc status=none
    start again via recv unix:again
    again=$!
    run via replay bent.pcapng unix:again --speed max --timeout 10s
    expect_status 1
    expect 'bent.pcapng: offset '
    expect 'a block has another size at its end than at its beginning'
    expect_way_out
    finish $again
    run via replay all.pcapng unix:x --speed fast
    expect_status 2
    expect "--speed wants original, max, or a number such as 10 or 0.5, not 'fast'"
}

# What a killed writer leaves: everything up to the end is played, and the rest is told.
@test "cli__replay_plays_a_file_that_was_cut" {
    record 10
    head -c $(($(stat -c %s all.pcapng) - 70)) all.pcapng >cut.pcapng
    start again via recv unix:again
    again=$!
    run via replay cut.pcapng unix:again --speed max --timeout 10s
    expect_status 0
    expect 'the file ends inside a block, as when its writer was killed'
    finish $again
    diff again.out <(seq 9)
}

@test "cli__replay_refuses_what_was_not_recorded_whole" {
    start receiver via recv unix:rec
    receiver=$!
    run bash -c "echo 0123456789 | via dial 'unix:rec?layers=tap&tap.snaplen=4B&tap.file=$work/all.pcapng' --timeout 10s"
    finish $receiver
    start again via recv unix:again
    again=$!
    run via replay all.pcapng unix:again --timeout 10s
    expect_status 1
    expect 'all.pcapng: message 1 was recorded with 4 of its 10 bytes'
    expect_way_out
    finish $again
}
