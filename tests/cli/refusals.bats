#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Messages that are not sent: which one, why, and the ways out.

load helpers

@test "cli__a_message_in_the_wrong_format_is_told" {
    start receiver via recv unix:mail
    run bash -c 'echo "{\"txet\": \"x\"}" | via send unix:mail --format json'
    expect_status 1
    expect "message 1 of the input is not in the format 'json'"
    expect 'an object with "text" or "base64"'
    expect_way_out
    start receiver via recv unix:other
    run bash -c 'echo unquoted | via send unix:other --format quoted'
    expect_status 1
    expect "message 1 of the input is not in the format 'quoted': expected a text between double quotes"
    expect_way_out
}

@test "cli__a_message_larger_than_the_channel_carries_is_told" {
    start receiver via recv unix:mail
    run via send 'unix:mail?max_message=8' '123456789'
    expect_status 1
    expect "unix:mail"
    expect_way_out
}

@test "cli__a_message_that_holds_the_delimiter_is_told_with_its_number_and_the_ways_out" {
    run via send exec:cat $'a\nb'
    expect_status 1
    expect "exec:cat: message 1 holds a newline, the delimiter of framing=line, which cannot carry it"
    expect "mend: give both ends another framing (framing=raw, framing=length32, framing=content-length), or take the newline out"
    run bash -c "printf 'one\0two\nlines\0' | via send exec:cat --format null"
    expect_status 1
    expect "message 2 holds a newline"
    expect_way_out
    echo '{"manifest": 1, "endpoints": {"cat": {"address": "exec:cat", "options": {"framing": "line"}}}}' >cat.json
    run via send cat $'a\nb' --endpoints cat.json
    expect "cat: message 1 holds a newline"
    run via send exec:cat $'a\nb' --option framing=length32
    expect_status 0
}

@test "cli__a_message_that_is_too_large_is_told_with_its_number_and_size" {
    start receiver via recv unix:mail
    run bash -c "printf 'short\nfar too long\n' | via send 'unix:mail?max_message=10'"
    expect_status 1
    expect "unix:mail?max_message=10: message 2 has 12 bytes; this channel carries at most 10"
    expect_way_out
}

@test "cli__a_file_that_is_too_large_is_told_before_it_is_read" {
    truncate -s 2G huge
    start receiver via recv unix:mail
    # A sanitizer needs more room than any file.
    [ -n "${VIADUCT_SANITIZE:-}" ] || ulimit -v 1000000
    run via send unix:mail --file huge --timeout 10s
    expect_status 1
    expect "unix:mail: message 1 has 2147483648 bytes; this channel carries at most 1073741824"
    expect "mend: send it in parts: no message here can have more than 1GiB"
    start receiver via recv unix:small
    run via send unix:small --file huge --option max_message=1MiB --timeout 10s
    expect "mend: send it in parts: "
    truncate -s 2M large
    start receiver via recv unix:other
    run via send unix:other --file large --option max_message=1MiB --timeout 10s
    expect_status 1
    expect "message 1 has 2097152 bytes; this channel carries at most 1048576"
    expect "mend: send it in parts, or give both ends a larger max_message=, which is 1GiB at most here"
}

@test "cli__an_input_without_end_is_told_once_it_is_too_large" {
    start receiver via recv unix:mail
    run bash -c "yes | timeout 60 via send unix:mail --format raw --option max_message=1MiB --timeout 10s"
    expect_status 1
    expect "bytes or more; this channel carries at most 1048576"
    expect_way_out
}

@test "cli__a_message_that_overflow_drops_is_told_with_what_helps" {
    mkfifo input
    start subscriber via sub unix:news
    subscriber=$!
    start_from input publisher via pub 'unix:news?overflow=fail&queue_limit=4KiB' --timeout 10s
    publisher=$!
    exec 5<>input
    echo first >&5
    await_text first subscriber.out
    kill -STOP $subscriber
    seq 1000000 >&5 3>&- 4>&- &
    finish $publisher
    kill -CONT $subscriber
    expect_status 1
    output=$(cat publisher.err)
    mapfile -t lines <publisher.err
    [[ $output =~ "message "[0-9]+": discarded by the overflow policy" ]]
    expect "mend: make more room"
    expect_way_out
}

# A label is a C string further on: what follows its NUL would be gone without a word.
@test "cli__a_key_with_a_nul_is_told" {
    start receiver via recv unix:mail
    run bash -c 'echo "{\"text\": \"x\", \"key\": \"a\\u0000b\"}" | via send unix:mail --format json'
    expect_status 1
    expect "message 1 of the input is not in the format 'json'"
    expect_way_out
}

@test "cli__a_label_that_the_channel_does_not_carry_is_told_with_what_does" {
    for label in "key k" "type text/plain" "priority 3"; do
        read -r name value <<<"$label"
        case $name in
            key) carriers=shm: ;;
            type) carriers="clipboard:, shm:" ;;
            priority) carriers="mq:, shm:" ;;
        esac
        start receiver via recv unix:mail
        receiver=$!
        run via send unix:mail x --"$name" "$value" --timeout 10s
        expect_status 1
        expect "unix:mail: messages have no $name here, so it would be lost"
        expect "mend: leave the $name out (--$name, or \"$name\" in JSON), or use a scheme whose messages have one ($carriers)"
        finish $receiver
        [ ! -s receiver.out ]
    done
    start receiver via recv shm:mail --format json
    receiver=$!
    run via send shm:mail x --key k --type text/plain --priority 3 --timeout 10s
    expect_status 0
    finish $receiver
    output=$(cat receiver.out)
    expect_json 'it["key"] == "k" and it["type"] == "text/plain" and it["priority"] == 3'
}

@test "cli__a_key_of_a_topic_goes_with_the_message_where_no_field_carries_it" {
    start subscriber via sub unix:news --count 1
    subscriber=$!
    run via pub unix:news ' rain' --key weather --timeout 10s
    expect_status 0
    finish $subscriber
    expect_file subscriber.out "weather rain"
}

# Wherever the descriptors run out, it ends and says so, instead of asking again for ever.
@test "cli__a_receiver_without_descriptors_ends" {
    for most in $(seq 9 16); do
        run bash -c "ulimit -n $most; timeout --signal=KILL 60 via recv shm:few --pattern value --timeout 300ms"
        [ "$status" = 1 ] || [ "$status" = 124 ] || { echo "with $most descriptors: status $status"; return 1; }
        expect_way_out
    done
}

@test "cli__where_shared_memory_lacks_descriptors_the_limit_of_them_is_the_way_out" {
    local told=0
    start receiver via recv shm:few
    await_name few.shm
    for most in $(seq 6 16); do
        run bash -c "ulimit -n $most; via send shm:few x --timeout 1s"
        [[ $output == *"no shared memory"*"Too many open files"* ]] || continue
        expect "mend: raise the limit of open files (ulimit -n)"
        told=1
        break
    done
    [ $told = 1 ]
}

@test "cli__a_message_that_a_subscriber_is_too_small_for_is_told" {
    start subscriber via sub 'shm:news?max_message=8' --count 1
    subscriber=$!
    run bash -c "printf '123456789\nrain\n' | via pub shm:news --timeout 10s"
    expect_status 0
    finish $subscriber
    expect_file subscriber.out "rain"
    expect_file subscriber.err "via: warning: shm: a message of 9 bytes is above max_message, and is lost; so are further ones"
}

@test "cli__who_comes_with_another_pattern_is_told_the_one_that_is_spoken" {
    start receiver via recv shm:pair
    await_name pair.shm
    run via sub shm:pair --timeout 10s
    expect_status 5
    expect "refused: it speaks another pattern; this is a pair"
    expect_way_out
    start_from "$work/never" publisher via pub shm:topic --wait 5
    await_name topic.shm
    run via dial shm:topic --timeout 10s <"$work/never"
    expect_status 5
    expect "refused: it speaks another pattern; this is a topic"
    expect_way_out
}

@test "cli__what_nobody_takes_is_not_called_sent" {
    start_from "$work/never" publisher via pub shm:topic --wait 5
    await_name topic.shm
    run via send shm:topic lost
    expect_status 5
    expect "it speaks another pattern; this is a topic"
    expect_way_out
    start holder via send shm:cell kept --pattern value --wait 1 --timeout 10s
    await_name cell.shm
    run via send shm:cell lost
    expect_status 5
    expect_way_out
}

# Two commands often share a terminal: their words must not mix. Each write is a datagram here.
@test "cli__an_error_is_written_at_once" {
    run python3 - <<'END'
import socket, subprocess
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
subprocess.run(["via", "send", "unix:nobody", "x", "--timeout", "0"], stderr=theirs)
theirs.close()
ours.setblocking(False)
print(ours.recv(4096).decode(), end="")
END
    expect_status 0
    expect "via: unix:nobody: nobody listens"
    expect_way_out
}
