#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# bench: that it measures what it says, in every pattern. No test asserts a time.

load helpers

quick="--count 50 --rounds 1"

@test "cli__bench_prints_a_line_for_each_address_and_size" {
    # shellcheck disable=SC2086
    run via bench unix:b pipe:b tcp://127.0.0.1:0 --size 64,1KiB $quick
    expect_status 0
    [ "${#lines[@]}" -eq 7 ]
    [[ ${lines[0]} =~ ^ADDRESS\ +PATTERN\ +SIZE\ +P50\ +P90\ +P99\ +P99.9\ +MAX\ +MESSAGES/S\ +BYTES/S$ ]]
    [[ ${lines[1]} =~ ^unix:b\ +pair\ +64\ +[0-9.]+\ [mun]?s\ .*\ B?[0-9.]+\ [kMG]?B$ ]]
    [[ ${lines[2]} =~ ^pipe:b\ +pair\ +64\  ]]
    [[ ${lines[3]} =~ ^tcp://127.0.0.1:0\ +pair\ +64\  ]]
    [[ ${lines[6]} =~ ^tcp://127.0.0.1:0\ +pair\ +1KiB\  ]]
}

@test "cli__bench_json_keeps_its_schema" {
    # shellcheck disable=SC2086
    run via bench unix:b --size 64 --json $quick
    expect_status 0
    expect_json '[list(r) for r in it] == [["address", "pattern", "mode", "wake", "size_bytes", "count", "latency_ns", "messages_per_s", "bytes_per_s"]] * 2'
    expect_json '[(r["address"], r["pattern"], r["mode"], r["wake"], r["size_bytes"], r["count"]) for r in it] == [("unix:b", "pair", m, "blocking", 64, 50) for m in ("latency", "throughput")]'
    expect_json 'list(it[0]["latency_ns"]) == ["p50", "p90", "p99", "p999", "max"] and it[1]["latency_ns"] is None'
    expect_json '0 < it[0]["latency_ns"]["p50"] <= it[0]["latency_ns"]["p90"] <= it[0]["latency_ns"]["p99"] <= it[0]["latency_ns"]["p999"] <= it[0]["latency_ns"]["max"]'
    expect_json 'all(r["messages_per_s"] > 0 and r["bytes_per_s"] == 64 * r["messages_per_s"] for r in it)'
}

@test "cli__bench_measures_queue_and_topic" {
    for pattern in queue topic; do
        # shellcheck disable=SC2086
        run via bench unix:b --pattern $pattern --size 64 --json $quick
        expect_status 0
        expect_json '[(r["pattern"], r["mode"], r["count"]) for r in it] == [("'$pattern'", m, 50) for m in ("latency", "throughput")]'
    done
    # shellcheck disable=SC2086
    run via bench pipe:b --pattern queue --size 64 $quick
    expect_status 0
}

expect_values() {
    expect_status 0
    expect_json '[(r["pattern"], r["mode"], r["count"]) for r in it] == [("value", m, 50) for m in ("latency", "throughput")]'
    expect_json 'it[0]["latency_ns"]["p50"] > 0 and it[1]["messages_per_s"] > 0'
}

# What a clipboard holds depends on who has set it, for as long as it is there.
@test "cli__bench_measures_values" {
    # shellcheck disable=SC2086
    run via bench shm:b --pattern value --size 64 --json $quick
    expect_values
    # shellcheck disable=SC2086
    run "$BATS_TEST_DIRNAME/../private-x11" via bench 'clipboard:?backend=x11' --pattern value --size 64 --json $quick
    expect_values
}

@test "cli__bench_does_one_mode_only_when_told" {
    for mode in latency throughput; do
        # shellcheck disable=SC2086
        run via bench unix:b --mode $mode --size 64 --json $quick
        expect_status 0
        expect_json '[r["mode"] for r in it] == ["'$mode'"]'
        # shellcheck disable=SC2086
        run via bench unix:b --mode $mode --size 64 $quick
        expect_status 0
        [ "${#lines[@]}" -eq 2 ]
    done
}

@test "cli__bench_leaves_out_the_columns_of_what_it_did_not_measure" {
    # shellcheck disable=SC2086
    run via bench unix:b --mode throughput --size 64 $quick
    expect_status 0
    [[ ${lines[0]} =~ ^ADDRESS\ +PATTERN\ +SIZE\ +MESSAGES/S\ +BYTES/S$ ]]
    [[ ${lines[1]} =~ ^unix:b\ +pair\ +64\ +[0-9.]+\ [kMG]?\ *[0-9.]+\ [kMG]?B$ ]]
    # shellcheck disable=SC2086
    run via bench unix:b --mode latency --size 64 $quick
    expect_status 0
    [[ ${lines[0]} =~ ^ADDRESS\ +PATTERN\ +SIZE\ +P50\ +P90\ +P99\ +P99.9\ +MAX$ ]]
    [[ ${lines[1]} =~ ^unix:b\ +pair\ +64(\ +[0-9.]+\ [mun]?s){5}$ ]]
}

@test "cli__bench_polls_gathers_and_warms_up_when_told" {
    # shellcheck disable=SC2086
    run via bench unix:b --wake polling --more --warmup 0 --size 0,8 --json $quick
    expect_status 0
    expect_json 'all(r["wake"] == "polling" for r in it) and len(it) == 4'
}

@test "cli__bench_measures_an_endpoint_and_passes_options_to_both_ends" {
    echo '{"manifest": 1, "endpoints": {"b": {"pattern": "pair", "address": "unix:b"}}}' >b.json
    # shellcheck disable=SC2086
    run via bench b --endpoints b.json --option framing=length32 --size 64 $quick
    expect_status 0
    [[ ${lines[1]} =~ ^b\ +pair\  ]]
}

@test "cli__bench_measures_a_program_that_echoes" {
    run via bench 'exec:cat?framing=length32' --echo --size 64 --count 50 --rounds 2 --json
    expect_status 0
    expect_json '[r["mode"] for r in it] == ["latency"]'
}

@test "cli__bench_draws_with_gnuplot" {
    # shellcheck disable=SC2086
    run via bench unix:b pipe:b --size 64,1KiB $quick --plot "it's.svg"
    expect_status 0
    grep -q '<svg' "it's.svg"
    grep -q 'unix:b' "it's.svg"
    # shellcheck disable=SC2086
    run via bench unix:b --size 64 --mode latency $quick --plot one.svg
    expect_status 0
    expect_not "empty x range"
}

@test "cli__bench_says_that_gnuplot_is_missing_before_it_measures" {
    via=$(command -v via)
    PATH=$work/nothing run "$via" bench unix:b --plot x.svg
    expect_status 1
    expect "--plot needs gnuplot, which is in no folder of PATH"
    expect_way_out
    [ ! -e x.svg ]
}

@test "cli__bench_refuses_a_plot_of_another_format_before_it_measures" {
    for name in x.png svg .svg; do
        run via bench unix:b --plot $name
        expect_status 2
        expect "--plot draws SVG only, and '$name' does not end in .svg"
        expect_way_out
        [ ! -e $name ]
    done
}

@test "cli__bench_tells_a_plot_that_cannot_be_written" {
    mkfifo fifo.svg
    mkdir folder.svg
    for json in '' --json; do
        # shellcheck disable=SC2086
        run timeout 20 via bench unix:b --count 1000000000 --plot nowhere/x.svg $json
        expect_status 1
        expect "nowhere/x.svg: No such file or directory"
        expect_way_out
        expect_not "<svg"
        for name in fifo.svg folder.svg; do
            # shellcheck disable=SC2086
            run timeout 20 via bench unix:b --count 1000000000 --plot $name $json
            expect_status 1
            expect "$name is not a regular file"
            expect_way_out
        done
    done
    [ -p fifo.svg ]
}

@test "cli__bench_looks_at_the_plots_file_without_leaving_or_changing_it" {
    echo old >old.svg
    for name in old new; do
        run via bench unix:b --rounds 0 --plot $name.svg
        expect_status 2
        run via bench exec:cat --plot $name.svg --size 64 --count 10
        expect_status 1
    done
    expect_file old.svg old
    [ ! -e new.svg ]
}

@test "cli__bench_keeps_what_gnuplot_prints_out_of_its_own_output" {
    mkdir fake
    printf '#!/bin/sh\ncat >script; echo noise; : >drawn.svg\n' >fake/gnuplot
    chmod +x fake/gnuplot
    # shellcheck disable=SC2086
    PATH=$work/fake:$PATH run via bench unix:b --size 64 --mode latency $quick --plot drawn.svg --json
    expect_status 0
    expect_json 'len(it) == 1'
    grep -q "set output 'drawn.svg'" script
}

@test "cli__bench_refuses_a_size_that_the_address_does_not_carry" {
    run via bench unix:b --size 64,99999999999999
    expect_status 2
    expect "unix:b: --size 99999999999999 is above the 1GiB that it carries at most"
    expect_way_out
    run via bench unix:b 'pipe:b?max_message=1KiB' --size 4KiB
    expect_status 2
    expect "pipe:b?max_message=1KiB: --size 4096 is above the 1KiB that it carries at most"
    expect_way_out
}

@test "cli__bench_tells_wrong_numbers" {
    for sizes in x ,64 64,,4 1YiB '' 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17; do
        run via bench unix:b --size "$sizes"
        expect_status 2
        expect "--size wants up to 16 sizes such as 64,4KiB,1MiB, not '$sizes'"
        expect_way_out
    done
    run via bench unix:b --count 1
    expect_status 2
    expect "--count wants 2 or more"
    run via bench unix:b --rounds 0
    expect_status 2
    expect "--rounds wants 1 to 1000"
    run via bench unix:b --echo --mode throughput
    expect_status 2
    expect "an echo has no throughput of its own"
    expect_way_out
    run via bench unix:b --echo --pattern queue
    expect_status 2
    expect "--echo is for pairs"
    run via bench unix:b --pattern queue --size 4
    expect_status 2
    expect "needs 8 bytes for the time"
    expect_way_out
    run via bench shm:b --pattern value --size 4 --mode throughput
    expect_status 2
    expect "values need 8 bytes for their number"
    expect_way_out
    echo '{"manifest": 1, "endpoints": {"table": {"pattern": "region", "address": "shm:t"}}}' >table.json
    run via bench table --endpoints table.json
    expect_status 2
    expect "a region has no messages that a bench could measure"
    expect_way_out
}

@test "cli__bench_tells_what_cannot_be_measured" {
    # shellcheck disable=SC2086
    run via bench exec:cat $quick
    expect_status 1
    expect "exec: cannot be listened on"
    expect "measure it with --echo"
    start other via listen unix:taken
    await_name taken.sock
    # shellcheck disable=SC2086
    run via bench unix:taken $quick
    expect_status 1
    expect "unix:taken"
    expect_way_out
    # shellcheck disable=SC2086
    run via bench unix:nobody --echo $quick --timeout 50ms
    expect_status 4
    expect "nobody listens"
    expect_way_out
}

# The peers that are hand-written C are always there; the libraries are in the bench build only.
peers() {
    [ "$(nproc)" -ge 2 ] || skip "it needs two processors"
    run bash -c 'via bench --peers "$@" 2>err' peers "$@"
}

@test "cli__bench_compares_with_peers" {
    # shellcheck disable=SC2086
    peers shm: unix:b peer:ring peer:af-unix limit:cache-line --size 64 $quick
    expect_status 0
    [[ ${lines[0]} =~ ^NAME\ +WAKE\ +SIZE\ +P50\ +/RING\ +P99\ +P99.9\ +MESSAGES/S\ +BYTES/S\ +/RING$ ]]
    [ "${#lines[@]}" -eq 14 ] # 4 in 3 waits, the limit in one
    end_of_sizes=$(expr "${lines[0]}" : '.*SIZE')
    for line in "${lines[@]:1}"; do
        [[ ${line:end_of_sizes-1:2} =~ ^4\ $ ]]
    done
    [[ $output =~ shm:\ [\ *]*polling\ +64\ +[0-9.]+\ [mun]?s\ +[0-9.]+\  ]] # a star: no run whose probes agreed
    [[ $output =~ peer:ring\ .*polling\ +64\ +[0-9.]+\ [mun]?s\ +1.00\  ]]
    grep -q 'runs thrown away' err
}

@test "cli__bench_with_peers_keeps_the_schema_of_its_json" {
    # shellcheck disable=SC2086
    peers shm: peer:ring limit:futex --size 64 --json $quick
    expect_status 0
    expect_json '[list(r) for r in it] == [["address", "pattern", "mode", "wake", "size_bytes", "count", "latency_ns", "messages_per_s", "bytes_per_s"]] * len(it)'
    expect_json 'sorted((r["address"], r["mode"], r["wake"]) for r in it) == sorted([(a, m, w) for a in ("shm:", "peer:ring") for m in ("latency", "throughput") for w in ("blocking", "polling", "hybrid")] + [("limit:futex", "latency", "blocking")])'
    expect_json 'all(r["messages_per_s"] > 0 and r["size_bytes"] == 64 and 0 < r["count"] <= 50 for r in it)'
}

@test "cli__bench_with_peers_draws_both_plots" {
    # shellcheck disable=SC2086
    peers shm: peer:ring --size 64,1KiB --wake polling $quick --plot both.svg
    expect_status 0
    for kind in latency throughput; do
        grep -q '<svg' "both-$kind.svg"
        grep -q 'peer:ring' "both-$kind.svg"
    done
    [ ! -e both.svg ]
}

@test "cli__bench_says_why_a_peer_is_not_measured" {
    # shellcheck disable=SC2086
    peers nothing:x peer:ring --size 64 --wake polling --mode latency $quick
    expect_status 0
    [ "${#lines[@]}" -eq 2 ]
    grep -q '^not measured: nothing:x: ' err
}

@test "cli__bench_says_what_to_build_for_peers" {
    mkdir -p alone/bin
    cp "$(command -v via)" alone/bin
    ln -s "$VIADUCT_BUILD/lib" alone/lib
    run alone/bin/via bench --peers
    expect_status 1
    expect "--peers needs via-bench-peers, which is not at $work/alone/bin/../libexec/viaduct/via-bench-peers"
    expect_way_out
    expect "make bench"
}

@test "cli__bench_tells_what_does_not_go_with_peers" {
    for words in '--echo' '--pattern queue' '--option ring=4KiB' '--rounds 51' '--count 1' '--size 1' '--size x'; do
        # shellcheck disable=SC2086
        run via bench --peers $words
        expect_status 2
        expect_way_out
    done
    run via bench unix:b --wake hybrid
    expect_status 2
    expect "--wake hybrid is for --peers"
    run via bench
    expect_status 2
    expect "'via bench' wants: ADDRESS"
}

@test "cli__bench_leaves_no_process_and_no_name_behind" {
    # shellcheck disable=SC2086
    run via bench unix:b pipe:b --size 64 $quick
    expect_status 0
    [ -z "$(ls "$XDG_RUNTIME_DIR/viaduct")" ]
    start bench via bench unix:b --count 100000000 --mode latency
    bench=$!
    await grep -qs . "/proc/$bench/task/$bench/children"
    worker=$(cat "/proc/$bench/task/$bench/children")
    kill -KILL $bench
    await eval '! kill -0 $worker 2>/dev/null'
}

@test "cli__bench_refuses_a_stream_of_bytes" {
    run timeout 30 via bench 'unix:stream?framing=raw' --count 3 --rounds 1 --size 64
    expect_status 1
    expect "a stream of bytes has no messages to count"
    expect_way_out
}
