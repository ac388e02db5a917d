#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Layers from the shell: what is shown of them, and messages that go through them.

load helpers

layers=$VIADUCT_BUILD/tests/plugins/core

make_shop() {
    cat >shop.json <<'END'
{ "manifest": 1, "endpoints": {
    "mail": {"pattern": "pair", "address": "unix:mail",
             "layers": [{"layer": "pass", "note": "hello"}, {"layer": "flip"}]} } }
END
}

@test "cli__plugins_lists_layers_by_kind" {
    run via plugins --plugins "$layers"
    expect_status 0
    [[ $output =~ flip\ +1.0.0\ +layer\ +flip\ flop\ fat\ +ready ]]
    [[ $output =~ terminal\ +1.0.0\ +layer\ +terminal\ +ready ]]
    run via plugins --plugins "$layers" --json
    expect_json '[(p["kind"], p["schemes"]) for p in it if p["name"] == "pass"] == [("layer", ["pass", "thin"])]'
}

@test "cli__validate_checks_the_manifest_of_a_layer" {
    cp "$layers/flip.json" good.json
    sed 's/"bytes": "changed"/"bytes": "chnaged"/' good.json >bad.json
    run via validate good.json bad.json
    expect_status 1
    [[ $output =~ "expected one of kept, changed, own" ]]
    [[ $output =~ 'write "changed"' ]]
}

@test "cli__validate_asks_a_layer_about_its_files" {
    echo '{"sums": 1}' >right.json
    echo '{"sums": 1, "wrong": 2}' >wrong.json
    run via validate right.json wrong.json --plugins "$layers"
    expect_status 1
    [ "${lines[0]}" = "right.json: ok, a file of kind sums" ]
    expect "via: wrong.json: a wrong sum in 24 bytes"
    expect_way_out
    run via validate right.json wrong.json --plugins "$layers" --json
    expect_json '[(v["kind"], v["valid"]) for v in it] == [("sums", True), ("sums", False)]'
}

@test "cli__validate_says_that_nobody_checks_a_file" {
    echo '{"tables": 1}' >tables.json
    run via validate tables.json --plugins "$layers"
    expect_status 1
    expect 'no plugin checks files with "tables"'
    expect "via plugins lists what is there"
}

@test "cli__explain_shows_layers_with_options_and_origins" {
    make_shop
    run via explain 'mail?pass.fail=false' --plugins "$layers" --endpoints shop.json
    expect_status 0
    [[ $output =~ layers\ +pass\ 1.0.0:\ Layers\ that\ change\ nothing ]]
    [[ $output =~ "  flip 1.0.0: Layers that change every byte, for tests of the host (bytes changed)" ]]
    [[ $output =~ pass.note\ +hello\ +$work/shop.json:3:51\ +a\ line ]]
    [[ $output =~ pass.fail\ +false\ +address\ +refuse ]]
    [[ $output =~ layers\ +pass,flip\ +$work/shop.json:3:24 ]]
    run via explain mail --plugins "$layers" --endpoints shop.json --json
    expect_json '[(l["name"], l["plugin"], l["bytes"], l["terminal"]) for l in it["layers"]] == [("pass", "pass", "kept", False), ("flip", "flip", "changed", False)]'
    expect_json 'it["guarantees"]["loan"] == "emulated"'
    expect_json '[o["value"] for o in it["host_options"] if o["name"] == "max_message"] == ["1073741804"]'
}

@test "cli__explain_tells_what_a_replaced_layer_leaves_out" {
    make_shop
    run via explain 'mail?layers=thin' --plugins "$layers" --endpoints shop.json
    expect_status 0
    [[ $output =~ "left out  pass.note: its layer has been replaced" ]]
    run via explain 'mail?layers=thni' --plugins "$layers" --endpoints shop.json
    expect_status 1
    [[ $output =~ 'no plugin has the layer "thni"; did you mean "thin"?' ]]
}

@test "cli__messages_go_through_layers" {
    start recv via recv 'unix:there?layers=pass,flip' --plugins "$layers" --timeout 20s
    run via send 'unix:there?layers=flip' 'through and through' --plugins "$layers" --timeout 20s
    expect_status 0
    wait
    [ "$(cat recv.out)" = "through and through" ]
}

@test "cli__unlike_layers_are_told_on_both_sides" {
    start recv via recv unix:there --timeout 20s
    local receiver=$! status=0
    run via send 'unix:there?layers=flip' 'not for you' --plugins "$layers" --timeout 20s
    wait "$receiver" || status=$?
    [ "$status" -ne 0 ]
    [ ! -s recv.out ]
    grep -q 'the other end has layers that this one lacks' recv.err
    grep -q 'open both ends with the same layers' recv.err
}

@test "cli__layers_that_change_bytes_need_whole_messages" {
    start recv via recv 'unix:there?framing=raw' --timeout 20s
    run via send 'unix:there?framing=raw&layers=flip' 'in pieces' --plugins "$layers" --timeout 20s
    expect_status 1
    [[ $output =~ "a stream of bytes without boundaries; the layer 'flip' needs whole messages" ]]
}
