#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `via ps`, `via stats`, `via top` and `via doctor`: what goes on in this user's programs.

load helpers

# A listener that has received three messages, and the one who sent them; $listener and $dialer are their pids.
open_pair() {
    start_from never listener via listen unix:orders
    listener=$!
    await_name orders.sock
    mkfifo words
    start_from words dialer via dial unix:orders
    dialer=$!
    exec 6>words
    printf 'a\nbb\nccc\n' >&6
    await_text ccc listener.out
}

@test "cli__ps_lists_what_is_open" {
    run via ps
    expect_status 0
    expect "no program of this user has anything open"
    open_pair
    run via ps
    expect_status 0
    [[ ${lines[0]} =~ ^" "*"PID  PROGRAM  ROLE  ADDRESS      PEERS  BACKLOG  SENT  RECEIVED  STATE"$ ]]
    [ "$(via ps --json | python3 -c 'import json, sys
for p in json.load(sys.stdin):
    for c in p["channels"]:
        print(p["pid"], c["role"], c["address"], c["sent_messages"], c["sent_bytes"], c["received_messages"])' | sort)" = \
        "$(printf '%s\n' "$listener pair unix:orders 0 0 3" "$dialer pair unix:orders 3 6 0" | sort)" ]
}

@test "cli__ps_shows_who_is_stopped" {
    open_pair
    kill -STOP $listener
    run via ps
    kill -CONT $listener
    expect "stopped: kill -CONT $listener"
    expect "peer stopped, pid $listener"
}

@test "cli__ps_says_why_a_send_does_not_go_on" {
    start_from never listener via listen unix:full
    listener=$!
    await_name full.sock
    kill -STOP $listener
    start_from /dev/zero dialer via dial unix:full --format raw
    dialer=$!
    await eval 'via ps | grep -q "FULL: peer not reading, pid $listener is stopped"'
    run via doctor
    expect "FULL: peer not reading, pid $listener is stopped"
    expect "mend: via stats $dialer"
    kill -CONT $listener
}

@test "cli__stats_tells_where_messages_went" {
    mkfifo words
    start_from words publisher via pub unix:news --wait 0
    publisher=$!
    exec 6>words
    printf 'one\ntwo\n' >&6
    await eval 'via stats $publisher | grep -q "2 published while nobody was attached"'
    run via stats $publisher
    expect_status 0
    expect "via, pid $publisher, running"
    [ "$(via stats $publisher --json | python3 -c 'import json, sys
print(json.load(sys.stdin)[0]["channels"][0]["dropped_nobody"])')" = 2 ]
}

@test "cli__stats_of_a_program_that_crashed" {
    open_pair
    kill -KILL $listener
    await eval '! kill -0 $listener 2>/dev/null'
    run via stats $listener
    expect_status 0
    expect "pid $listener, ended without closing what follows"
    [[ $output =~ "unix:orders"[^$'\n']*" 3 " ]]
    run via ps
    expect_not "$listener "
}

@test "cli__stats_for_prometheus" {
    open_pair
    via stats --prometheus >metrics
    grep -qx '# TYPE viaduct_sent_messages_total counter' metrics
    grep -qx "viaduct_sent_messages_total{pid=\"$dialer\",program=\"via\",channel=\"1\",address=\"unix:orders\",endpoint=\"\",pattern=\"pair\",role=\"pair\"} 3" metrics
    # Each metric once, its samples together, every line one of three kinds.
    [ -z "$(grep '^# TYPE' metrics | sort | uniq -d)" ]
    [ -z "$(grep -vE '^# (HELP|TYPE) [a-z_]+ .+$|^[a-z_]+\{[^}]*\} [0-9]+$' metrics)" ]
}

@test "cli__stats_tells_what_is_wrong" {
    run via stats 1
    expect_status 1
    expect "process 1 has no counters: it has nothing open, or is another user's"
    expect_way_out
    run via stats orders
    expect_status 2
    expect "PID is a number above 0, not 'orders'"
    run via stats --json --prometheus
    expect_status 2
    expect "--json and --prometheus are two forms of one output; choose one"
}

@test "cli__top_shows_rates" {
    open_pair
    run timeout 30 via top --interval 200ms --count 2
    expect_status 0
    [ "$(grep -c 'SENT/S' <<<"$output")" = 2 ]
    (while printf 'x\n' >&6; do :; done) 3>&- 4>&- 2>/dev/null &
    timeout 30 via top --interval 200ms --count 3 --json | tail -n 1 >last
    kill %%
    python3 -c 'import json, sys
first = json.load(open("last"))[0]
sys.exit(0 if first["sent_per_s"] + first["received_per_s"] > 0 else 1)'
    run via top --interval 1ms
    expect_status 2
    expect "--interval wants 10ms or more"
    run timeout 30 via top --count 0
    expect_status 2
    expect "ask for at least one: --count 1"
}

@test "cli__top_ends_when_it_is_asked_to" {
    start top via top --interval 50ms
    await_text SENT/S top.out
    kill -TERM $!
    wait $! || [ $? -eq 143 ]
    timeout 30 via top --interval 10ms | head -n 1 >first
    grep -q SENT/S first
}

@test "cli__doctor_is_content_with_what_is_well" {
    run via doctor
    expect_status 0
    expect "names live in $XDG_RUNTIME_DIR/viaduct"
    expect "plugins can be used"
    expect_not broken
    via doctor --json | python3 -c 'import json, sys
for finding in json.load(sys.stdin):
    assert set(finding) == {"topic", "verdict", "what", "mend"}, finding
    assert finding["verdict"] != "broken", finding
    assert finding["verdict"] == "ok" or finding["mend"], finding'
}

@test "cli__doctor_names_what_is_broken_and_what_mends_it" {
    mkdir -m 755 "$XDG_RUNTIME_DIR/viaduct"
    mkdir -m 700 bad
    echo '{ "manifest": 1' >bad/half.json
    echo '{ "manifest": 1, "endpoints": { "a": {"addres": "unix:a"} } }' >shop.json
    run via doctor --plugins bad --endpoints shop.json
    expect_status 1
    expect "$XDG_RUNTIME_DIR/viaduct has mode 0755; others could put names into it"
    expect "mend: chmod 700 $XDG_RUNTIME_DIR/viaduct"
    expect "half is refused: parse: not valid JSON"
    expect "shop.json:1:39 is refused: unknown key"
    expect "mend: write \"address\""
    ulimit -n 256
    run via doctor
    expect "only 256 files can be open at once: each channel takes one to four"
    expect "mend: ulimit -n 4096"
    unset XDG_RUNTIME_DIR
    run via doctor
    expect "XDG_RUNTIME_DIR is not set: names live in /tmp/viaduct-$(id -u)"
}

@test "cli__doctor_finds_no_plugins" {
    mkdir -m 700 none
    VIADUCT_PLUGIN_PATH=$PWD/none run via doctor
    expect_status 1
    expect "no plugin was found in any folder of the search"
    expect "mend: install some, or set VIADUCT_PLUGIN_PATH to their folder"
}
