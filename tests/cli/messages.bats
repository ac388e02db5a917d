#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# send and recv, push and pull, pub and sub: messages one way, in every pattern.

load helpers

# ---- pair ------------------------------------------------------------------------------------------------------------

@test "cli__send_and_recv_carry_a_text_over_every_scheme" {
    for address in unix:mail "tcp://127.0.0.1:$(free_port)" pipe:mail; do
        start receiver via recv "$address"
        receiver=$!
        run via send "$address" 'good morning' --timeout 10s
        expect_status 0
        [ -z "$output" ]
        finish $receiver
        expect_status 0
        expect_file receiver.out "good morning"
    done
}

@test "cli__send_listens_and_recv_dials_when_told" {
    start sender via send unix:mail hello --listen
    sender=$!
    run via recv unix:mail --dial --timeout 10s
    expect_status 0
    [ "$output" = hello ]
    finish $sender
    expect_status 0
}

@test "cli__send_splits_its_input_into_lines" {
    start receiver via recv unix:mail --format json
    receiver=$!
    run bash -c "printf 'one\n\nthree' | via send unix:mail"
    expect_status 0
    finish $receiver
    cmp receiver.out <(printf '{"size":3,"text":"one"}\n{"size":0,"text":""}\n{"size":5,"text":"three"}\n')
}

@test "cli__a_stream_of_bytes_keeps_every_byte_and_gets_no_other" {
    printf 'one\n\ntwo' >input
    for address in 'unix:mail?framing=raw' "tcp://127.0.0.1:$(free_port)?framing=raw" 'pipe:mail?framing=raw'; do
        start receiver via recv "$address"
        receiver=$!
        run via send "$address" --timeout 10s <input
        expect_status 0
        finish $receiver
        cmp receiver.out input
        start listener via listen "$address"
        listener=$!
        run via dial "$address" --timeout 10s <input
        expect_status 0
        finish $listener
        cmp listener.out input
    done
    start receiver via recv 'unix:mail?framing=raw' --format hex
    receiver=$!
    run via send 'unix:mail?framing=raw' $'a\nb' --timeout 10s
    finish $receiver
    expect_file receiver.out 610a62
}

@test "cli__a_stream_of_bytes_is_sent_as_it_comes" {
    mkfifo input
    start receiver via recv 'unix:mail?framing=raw'
    receiver=$!
    start_from input sender via send 'unix:mail?framing=raw' --timeout 10s
    exec 5<>input
    printf 'no newline' >&5
    await_text 'no newline' receiver.out
}

@test "cli__send_takes_its_whole_input_raw_as_one_message" {
    start receiver via recv unix:mail --format hex
    receiver=$!
    run bash -c "printf 'a\0b\nc\n' | via send unix:mail --format raw"
    expect_status 0
    finish $receiver
    expect_file receiver.out 6100620a630a
}

@test "cli__a_file_is_one_message_and_arrives_byte_for_byte" {
    head -c 3000000 /dev/urandom >original
    start receiver via recv unix:mail --output copy
    receiver=$!
    run via send unix:mail --file original
    expect_status 0
    finish $receiver
    expect_status 0
    cmp original copy
    [ ! -s receiver.out ]
}

@test "cli__a_format_that_is_given_holds_for_a_text_and_a_file_too" {
    printf '{"text":"two"}\n{"base64":"/w=="}\n' >messages
    start receiver via recv unix:mail --format hex
    receiver=$!
    run via send unix:mail 616200 --format hex --timeout 10s
    expect_status 0
    finish $receiver
    expect_file receiver.out 616200
    start receiver via recv unix:mail --format hex
    receiver=$!
    run via send unix:mail --file messages --format json --timeout 10s
    expect_status 0
    finish $receiver
    expect_file receiver.out $'74776f\nff'
    start receiver via recv unix:mail
    run via send unix:mail 'no hex' --format hex --timeout 10s
    expect_status 1
    expect "message 1 of the input is not in the format 'hex'"
    expect_way_out
}

@test "cli__a_file_named_minus_is_standard_input" {
    start receiver via recv unix:mail --format hex
    receiver=$!
    run bash -c "printf 'a\nb\n' | via send unix:mail --file - --timeout 10s"
    expect_status 0
    finish $receiver
    expect_file receiver.out 610a620a
}

@test "cli__a_count_of_nothing_is_refused" {
    for command in recv pull sub; do
        run timeout 20 via $command unix:mail --count 0
        expect_status 2
        expect "--count 0 would receive nothing"
        expect_way_out
    done
}

@test "cli__an_empty_file_and_an_empty_text_are_empty_messages" {
    : >empty
    start receiver via recv unix:mail --format json
    receiver=$!
    run via send unix:mail --file empty
    expect_status 0
    finish $receiver
    expect_file receiver.out '{"size":0,"text":""}'
    start receiver via recv unix:mail --format json
    receiver=$!
    run via send unix:mail ''
    finish $receiver
    expect_file receiver.out '{"size":0,"text":""}'
}

@test "cli__count_ends_recv_earlier" {
    start_from <(seq 10) sender via send unix:mail
    run via recv unix:mail --count 3
    expect_status 0
    [ "${lines[0]}${lines[1]}${lines[2]}" = 123 ] # perhaps with a warning that more had come
}

@test "cli__count_that_the_other_end_does_not_reach_is_told" {
    start sender via send unix:mail only
    run via recv unix:mail --count 2
    expect_status 4
    expect "only"
    expect "unix:mail: the other end finished after 1 of 2 messages"
    expect_way_out
}

@test "cli__send_gives_up_with_4_when_nobody_listens" {
    for address in unix:nobody pipe:nobody tcp://127.0.0.1:1; do
        run via send $address x --timeout 50ms
        expect_status 4
        expect "nobody listens"
        expect_way_out
    done
}

@test "cli__recv_gives_up_with_124_before_and_after_somebody_came" {
    run via recv unix:mail --timeout 50ms
    expect_status 124
    expect "nobody has connected before the deadline"
    expect_way_out
    mkfifo input
    start_from input sender via send unix:mail
    exec 5<>input
    echo first >&5
    run via recv unix:mail --timeout 300ms
    expect_status 124
    expect first
    expect "unix:mail: the deadline passed"
    expect_way_out
}

@test "cli__whoever_waits_in_vain_for_somebody_to_connect_says_so_with_124" {
    while read -r command; do
        # shellcheck disable=SC2086
        run timeout 20 via $command --timeout 50ms
        expect_status 124
        expect "nobody has connected before the deadline"
        expect_way_out
    done <<'END'
recv unix:mail
listen unix:mail
pull unix:jobs
pull pipe:jobs
sub unix:news --listen
push unix:jobs x --listen
pub unix:news x
pub shm:news x
recv shm:limit --pattern value
END
}

@test "cli__a_receiver_of_a_queue_tells_that_its_sender_has_left" {
    start sender via push unix:jobs job --timeout 10s
    run via pull unix:jobs --timeout 2s
    expect_status 124
    expect job
    expect "unix:jobs: nobody is connected any more, and the deadline passed"
    expect_way_out
}

@test "cli__a_log_of_warnings_shows_who_was_turned_away" {
    start receiver env VIADUCT_LOG=warning via recv unix:other-pattern
    await_name other-pattern.sock
    start stranger via push unix:other-pattern x --timeout 10s
    await grep -q "a connection was turned away: it speaks another SP pattern" receiver.err
}

@test "cli__files_that_cannot_be_read_or_written_are_told" {
    run via send unix:mail --file nowhere
    expect_status 1
    expect "nowhere: No such file or directory"
    expect_way_out
    run via send unix:mail --file .
    expect_status 1
    expect ".: Is a directory"
    expect_way_out
    run via recv unix:mail --output nowhere/file
    expect_status 1
    expect "nowhere/file: No such file or directory"
    expect_way_out
}

@test "cli__an_output_file_keeps_what_it_holds_until_something_comes" {
    echo "long since here" >copy
    run via recv unix:mail --output copy --timeout 50ms
    expect_status 124
    expect_file copy "long since here"
    start receiver via recv unix:mail --output copy --format line
    receiver=$!
    run via send unix:mail new --timeout 10s
    finish $receiver
    expect_status 0
    expect_file copy new
    start receiver via recv unix:mail --output copy
    receiver=$!
    via send unix:mail --timeout 10s </dev/null
    finish $receiver
    expect_status 0
    [ ! -s copy ]
    start receiver via recv unix:mail --output /dev/stdout
    receiver=$!
    run via send unix:mail piped --timeout 10s
    finish $receiver
    expect_status 0
    [ "$(cat receiver.out)" = piped ]
}

@test "cli__wrong_addresses_are_told_with_the_nearest" {
    run via send unx:mail x
    expect_status 1
    expect 'no plugin serves "unx:"; did you mean "unix:"?'
    expect_way_out
    run via send 'unix:mail?send_bufer=1MiB' x
    expect_status 1
    expect 'unix: has no option "send_bufer"; did you mean "send_buffer"?'
    expect_way_out
    run via send 'unix:mail' x --option mode=none
    expect_status 1
    expect 'mode'
    expect_way_out
    run via send '' x
    expect_status 1
    expect_way_out
}

@test "cli__labels_that_are_too_long_are_told" {
    long=$(printf 'k%.0s' {1..256})
    run via send unix:mail x --key "$long"
    expect_status 2
    expect "--key is longer than 255 bytes"
    expect_way_out
    run via send unix:mail x --type "$long"
    expect_status 2
    expect "--type is longer than 255 bytes"
    expect_way_out
}

@test "cli__a_receiver_that_goes_is_told_as_4" {
    start receiver via recv unix:mail --count 1
    run bash -c "via send unix:mail < <(yes)"
    expect_status 4
    expect "unix:mail"
    expect_way_out
}

@test "cli__a_reader_that_has_seen_enough_ends_recv_quietly" {
    start_from <(seq 100000) sender via send unix:mail
    run bash -c 'via recv unix:mail | head -n 1; echo "${PIPESTATUS[0]}"'
    [ "$output" = $'1\n0' ]
}

@test "cli__what_was_taken_is_shown_before_recv_sleeps" {
    mkfifo input
    start_from input sender via send unix:mail
    start receiver via recv unix:mail
    exec 5<>input
    echo one >&5
    await_text one receiver.out
    echo two >&5
    await_text two receiver.out
}

@test "cli__signals_end_recv_cleanly" {
    start receiver via recv unix:mail
    receiver=$!
    await_name mail.sock
    signal_via TERM $receiver
    finish $receiver
    expect_status 143
    [ ! -e "$XDG_RUNTIME_DIR/viaduct/mail.sock" ]
    [ ! -s receiver.err ]
}

@test "cli__the_pattern_of_an_endpoint_decides" {
    echo '{"manifest": 1, "endpoints": {"jobs": {"pattern": "queue", "address": "unix:jobs"}}}' >jobs.json
    start_from <(seq 3) first via send jobs --endpoints jobs.json
    run via recv jobs --endpoints jobs.json --count 3
    expect_status 0
    [ "$output" = $'1\n2\n3' ]
    start second via pull unix:jobs --count 1
    second=$!
    run via send jobs four --endpoints jobs.json
    expect_status 0
    finish $second
    expect_file second.out four
}

# ---- queue -----------------------------------------------------------------------------------------------------------

@test "cli__push_and_pull_share_a_queue" {
    for address in unix:jobs "tcp://127.0.0.1:$(free_port)" pipe:jobs; do
        start receiver via pull "$address" --count 4
        receiver=$!
        run via push "$address" one --timeout 10s
        expect_status 0
        run bash -c "printf 'two\nthree\nfour\n' | via push '$address' --timeout 10s"
        expect_status 0
        finish $receiver
        expect_status 0
        expect_file receiver.out $'one\ntwo\nthree\nfour'
    done
}

@test "cli__push_that_binds_waits_for_those_who_dial" {
    start_from <(seq 100) sender via push unix:jobs --listen --wait 2
    sender=$!
    start first via pull unix:jobs --dial --timeout 2s
    start second via pull unix:jobs --dial --timeout 2s
    finish $sender
    expect_status 0
    await eval '[ "$(sort -n first.out second.out)" = "$(seq 100)" ]'
}

@test "cli__send_with_a_pattern_is_push_and_recv_is_pull" {
    start receiver via recv unix:jobs --pattern queue --count 1
    receiver=$!
    run via send unix:jobs job --pattern queue
    expect_status 0
    finish $receiver
    expect_file receiver.out job
}

@test "cli__push_gives_up_with_4_when_nobody_pulls" {
    run via push unix:jobs x --timeout 50ms
    expect_status 4
    expect "unix:jobs"
    expect_way_out
}

# ---- topic -----------------------------------------------------------------------------------------------------------

@test "cli__pub_waits_for_a_subscriber_and_reaches_all_of_them" {
    start publisher via pub unix:news 'it rains' --wait 2 --timeout 10s
    publisher=$!
    start first via sub unix:news --count 1
    one=$!
    start second via sub unix:news --count 1
    two=$!
    for id in $publisher $one $two; do
        finish "$id"
        expect_status 0
    done
    expect_file first.out 'it rains'
    expect_file second.out 'it rains'
}

@test "cli__sub_filters_by_the_beginning" {
    start subscriber via sub unix:news --option filter=weather --count 1
    subscriber=$!
    run bash -c "printf 'sports: 1:0\nweather: rain\n' | via pub unix:news"
    expect_status 0
    finish $subscriber
    expect_status 0
    expect_file subscriber.out "weather: rain"
}

@test "cli__pub_gives_up_and_says_how_many_came" {
    start subscriber via sub unix:news --timeout 10s
    run via pub unix:news x --wait 2 --timeout 2s
    expect_status 124
    expect "unix:news: waited for 2 to connect, 1 came"
    expect_way_out
}

@test "cli__pub_does_not_wait_when_told" {
    run via pub unix:news x --wait 0
    expect_status 0
}

@test "cli__key_goes_first_and_the_delimiter_takes_it_off_again" {
    start subscriber via sub 'unix:news?key_delimiter=%20' --count 1 --format json
    subscriber=$!
    run via pub 'unix:news?key_delimiter=%20' rain --key weather
    expect_status 0
    finish $subscriber
    output=$(cat subscriber.out)
    expect_json 'it["text"] == "rain" and it["key"] == "weather"'
}

@test "cli__a_key_that_is_no_text_is_shown_in_base64_and_read_back" {
    start subscriber via sub 'unix:news?key_delimiter=%20' --count 2 --format json
    subscriber=$!
    start_from <(printf '{"text":"x","key_base64":"/2s="}\n{"text":"y","key":"z"}\n') publisher \
        via pub 'unix:news?key_delimiter=%20' --format json --timeout 10s
    finish $!
    expect_status 0
    finish $subscriber
    expect_status 0
    output=$(sed 1q subscriber.out)
    expect_json 'it["text"] == "x" and it["key_base64"] == "/2s=" and "key" not in it'
    output=$(sed 1d subscriber.out)
    expect_json 'it["text"] == "y" and it["key"] == "z" and "key_base64" not in it'
    start subscriber via sub 'unix:news?key_delimiter=%20' --count 1 --format json
    subscriber=$!
    run via pub 'unix:news?key_delimiter=%20' rain --key $'\xffk'
    expect_status 0
    finish $subscriber
    output=$(cat subscriber.out)
    expect_json 'it["text"] == "rain" and it["key_base64"] == "/2s="'
    for wrong in '"AGs="' '"?"' 1; do
        run bash -c "echo '{\"text\":\"x\",\"key_base64\":$wrong}' | via pub unix:news --wait 0 --format json"
        expect_status 1
        expect "key_base64"
        expect_way_out
    done
}

@test "cli__a_pattern_that_a_scheme_has_not_is_told" {
    run via pub pipe:news x
    expect_status 1
    expect "pipe"
    expect "topic"
    expect_way_out
}

# Tells in an exit status and a line that what was sent to a listener of another pattern is lost.
# expect_refused LISTENER DIALER ADDRESS
expect_refused() {
    start listener via "$1" "$3" --timeout 20s
    local listener=$!
    run via "$2" "$3" lost --timeout 10s
    [ "$status" -ne 0 ]
    expect "$3: "
    expect_way_out
    kill -KILL "$listener"
    finish "$listener"
}

@test "cli__what_a_listener_of_another_pattern_refuses_is_told" {
    for address in unix:wrong "tcp://127.0.0.1:$(free_port)"; do
        expect_refused pull send "$address"
        expect_refused recv push "$address"
    done
}

# ---- strangers -------------------------------------------------------------------------------------------------------

@test "cli__nngcat_is_understood_and_understands" {
    start stranger nngcat --pull0 --listen "ipc://$work/nng" --count 1 --ascii
    stranger=$!
    run via push "ipc://$work/nng" hello --timeout 10s
    expect_status 0
    finish $stranger
    grep -q hello stranger.out
    start stranger nngcat --pub0 --listen "ipc://$work/news" --data news --interval 1
    run via sub "ipc://$work/news" --count 1 --timeout 10s
    expect_status 0
    [ "$output" = news ]
}

# ---- value -----------------------------------------------------------------------------------------------------------

@test "cli__a_value_waits_for_whoever_comes_and_is_received_once" {
    start sender via send shm:limit '80 km/h' --pattern value --type text/plain
    sender=$!
    run via recv shm:limit --pattern value --format json --timeout 10s
    expect_status 0
    [ "$output" = '{"size":7,"text":"80 km/h","type":"text/plain","sequence":1}' ]
    finish $sender
    expect_status 0
}

two_have_met() {
    [ "$(stat -c %s "$XDG_RUNTIME_DIR/viaduct/limit.shm.members" 2>/dev/null || echo 0)" -ge 768 ] # a token and two records
}

# Each could take another for one who keeps the value, and both would go.
@test "cli__several_who_set_a_value_do_not_rely_on_each_other" {
    for i in 1 2 3; do
        start "sender$i" via send shm:limit "$i" --pattern value --timeout 20s
        sender[i]=$!
    done
    await two_have_met # one may leave then, since the next keeps the value
    run via recv shm:limit --pattern value --timeout 10s
    expect_status 0
    [[ $output =~ ^[123]$ ]]
    for i in 1 2 3; do
        finish "${sender[i]}"
        expect_status 0
    done
}

@test "cli__debug_says_what_happens" {
    start listener env VIADUCT_LOG=debug via recv unix:told --timeout 20s
    listener=$!
    run env VIADUCT_LOG=debug via send unix:told x --timeout 20s
    expect_status 0
    expect "unix:told: open"
    expect "unix:told: closed"
    finish $listener
    output=$(cat listener.err)
    expect "unix:told: listening"
    expect "unix:told: accepted"
}

@test "cli__a_value_that_nobody_takes_is_told" {
    run via send shm:limit 1 --pattern value --timeout 300ms
    expect_status 124
    expect "nobody has taken the value"
    expect_way_out
}

# ---- what would be lost ----------------------------------------------------------------------------------------------

@test "cli__recv_with_count_warns_of_what_had_come_and_is_lost" {
    start receiver via pull unix:jobs --count 1 --timeout 20s
    receiver=$!
    run bash -c 'seq 4 | via push unix:jobs --timeout 10s'
    expect_status 0
    finish $receiver
    expect_file receiver.out 1
    await_text "unix:jobs: more had come than --count takes, and is lost" receiver.err
}

@test "cli__send_refuses_labels_in_json_that_the_channel_does_not_carry" {
    start receiver via recv unix:mail --timeout 20s
    for labels in '"key":"k"' '"type":"t"' '"priority":3'; do
        run bash -c "echo '{\"text\":\"a\",$labels}' | via send unix:mail --format json --timeout 5s"
        [ "$status" -ne 0 ]
        [[ $output == *"would be lost"* || $output == *"nobody listens"* ]]
    done
    [ "$(wc -c <receiver.out)" = 0 ]
}

@test "cli__send_refuses_to_wait_for_many_where_there_is_one" {
    run via send unix:mail --wait 2 hi
    expect_status 2
    expect "there is one other end here"
    expect_way_out
}

# ---- message queues ---------------------------------------------------------------------------------------------

@test "cli__a_message_queue_carries_a_priority_and_what_is_larger_than_its_slots" {
    head -c 100000 /dev/zero | tr '\0' x >large
    start receiver via pull mq:orders --count 1 --format json --timeout 30s
    receiver=$!
    run via push mq:orders --file large --priority 7 --timeout 20s
    expect_status 0
    finish $receiver
    [ "$status" -eq 0 ]
    output=$(cat receiver.out)
    expect_json 'it["priority"] == 7 and it["text"] == "x" * 100000'
}

# Nobody is met at a queue of strangers: that nobody is counted there does not mean that somebody has left.
@test "cli__a_full_queue_of_strangers_is_called_full" {
    address="mq:/via-cli-full-$$?framing=none"
    start_from "$work/never" owner via push "$address&messages=2" --listen --wait 0 --format line
    owner=$!
    await via push "$address" --timeout 30s one
    run timeout 20 via push "$address" --timeout 50ms --format line <<<$'two\nthree'
    expect_status 124
    expect "it is full, and nobody has taken anything from it before the deadline"
    expect_way_out
    run timeout 20 via pull "$address" --dial --count 3 --timeout 50ms
    expect_status 124
    expect "two"
    expect "the deadline passed"
    expect_not "any more"
    kill -TERM $owner
    finish $owner
    run timeout 20 via push "$address&messages=2" --listen --wait 0 --timeout 50ms --format line <<<$'one\ntwo\nthree'
    expect_status 124
    expect "it is full, and nobody has taken anything from it before the deadline"
    run timeout 20 via pull "$address" --count 2
    [ "$output" = $'one\ntwo' ]
}

# As a plain program would: what it sends waits for whoever opens the queue, and it waits for nobody.
@test "cli__a_sender_among_strangers_waits_for_nobody" {
    address="mq:/via-cli-alone-$$?framing=none"
    run timeout 60 via push "$address" --listen --timeout 50s 'for later'
    expect_status 0
    [ -z "$output" ]
    run timeout 60 via push "$address" --listen --wait 1 'for later'
    expect_status 1
    expect "nobody can be waited for"
    expect_way_out
    run timeout 20 via pull "$address" --count 1
    expect_status 0
    [ "$output" = "for later" ]
}

@test "cli__a_priority_out_of_range_is_told_with_the_range" {
    start receiver via pull mq:range
    receiver=$!
    run via push mq:range --priority 40000 --timeout 20s x
    expect_status 1
    expect "0 (normal) to 32767"
    expect "choose a --priority in the range"
    expect_way_out
    signal_via TERM $receiver # and its queue goes with it
    finish $receiver
}
