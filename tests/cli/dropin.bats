#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Plugins and endpoint files that come, change and go while a command runs.

load helpers

# A folder of its own with the socket plugin, which `via` searches first.
make_folder() {
    mkdir -m 755 drop
    cp "$plugins/socket.json" "$plugins/via_socket.so" .
    export VIADUCT_PLUGIN_PATH=$work/drop
}

drop_in() {
    cp via_socket.so socket.json drop/
}

# It has looked once and sleeps on the watch.
is_watching() {
    grep -qs tfd: /proc/"$1"/fdinfo/*
}

await_watch() {
    await is_watching "$1"
}

@test "cli__plugins_watch_prints_each_change_until_it_is_interrupted" {
    make_folder
    echo "{\"manifest\": 1, \"endpoints\": {}}" >shop.json
    start watch via plugins --watch --endpoints "$work/shop.json"
    local pid=$!
    await_watch "$pid"
    drop_in
    await_text '^came *socket [0-9.]*  .*/drop/socket.json$' watch.out
    printf '{"manifest": 1,' >drop/socket.json
    await_text "^refused *socket  $work/drop/socket.json:1:15" watch.out
    await_text '^ *the last good one serves on$' watch.out
    rm drop/socket.json
    await_text '^went *socket' watch.out
    rm shop.json
    await_text "^went *endpoints  $work/shop.json" watch.out
    kill -INT "$pid"
    finish "$pid"
    expect_status 130
}

@test "cli__plugins_watch_json_is_an_object_a_line" {
    make_folder
    start watch via plugins --watch --json
    local pid=$!
    await_watch "$pid"
    drop_in
    await_text '"change":"came"' watch.out
    cut -c 1-100 socket.json >drop/socket.json
    await_text '"change":"refused"' watch.out
    kill -TERM "$pid"
    finish "$pid"
    expect_status 143
    output=$(grep '"change":"refused"' watch.out | tail -n 1)
    expect_json '[it["subject"], it["name"], it["serves"], it["stage"]] == ["plugin", "socket", True, "parse"]'
    expect_json 'it["reason"] and it["mend"] and it["file"].endswith("/drop/socket.json")'
}

@test "cli__plugins_watch_ends_when_nobody_reads" {
    make_folder
    mkfifo lines
    start_from /dev/null first head -n 1 lines
    local reader=$!
    via plugins --watch >lines 2>watch.err </dev/null 3>&- 4>&- 5>&- &
    local pid=$!
    await_watch "$pid"
    drop_in
    finish "$reader"
    rm drop/socket.json
    finish "$pid"
    expect_status 0
    [ ! -s watch.err ]
}

@test "cli__channels_of_a_plugin_go_on_when_its_files_are_removed" {
    make_folder
    drop_in
    start recv via recv unix:mail
    local pid=$!
    await_name mail.sock
    rm drop/*
    run via send unix:mail 'nobody has the code'
    expect_status 1
    drop_in
    via send unix:mail 'the old code is there'
    finish "$pid"
    expect_status 0
    grep -qx 'the old code is there' recv.out
}

@test "cli__the_example_of_the_guide_tells_the_changes" {
    make_folder
    start folders "$VIADUCT_BUILD/examples/folders"
    await_watch $!
    drop_in
    await_text "^$work/drop/socket.json came" folders.out
    rm drop/socket.json
    await_text "^$work/drop/socket.json went" folders.out
}
