#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `via new-plugin` and `via certify` from outside: what they refuse, what a certificate says, and how a broken rule looks.
# What the templates are worth is proved by conformance.my_*, and the whole way of an author by examples__outside_author.

load helpers

fixtures() {
    echo "$VIADUCT_BUILD/tests/plugins"
}

# Says whether $output is as the schema has it.
expect_certificate() {
    python3 -c 'import json, jsonschema, sys
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.validate(json.loads(sys.argv[2]), schema)' \
        "$BATS_TEST_DIRNAME/../../manifests/schema/certificate.schema.json" "$output"
}

@test "cli_new_plugin__names_are_checked" {
    local name
    for name in x Bus 9bus can-bus 'a b' a/b "$(printf 'a%.0s' {1..32})" ''; do
        run via new-plugin "$name"
        expect_status 2
        expect "'$name' is no name for a plugin"
        expect_way_out
    done
    run via new-plugin
    expect_status 2
    run via new-plugin bus --kind plastic
    expect_status 2
    expect "--kind wants fd, callback, engine, layer"
    [ -z "$(ls -A | grep -v -e never -e run)" ]
}

@test "cli_new_plugin__nothing_is_overwritten" {
    mkdir bus
    echo precious >bus/bus.c
    run via new-plugin bus
    expect_status 1
    expect "bus is there already, and nothing in it is overwritten"
    expect_way_out
    expect_file bus/bus.c precious
    [ "$(ls bus)" = bus.c ]
    run via new-plugin bus nowhere/bus
    expect_status 1
    expect "nowhere/bus: No such file or directory"
    expect_way_out
    run via new-plugin bus other
    expect_status 0
    expect "make -C other install"
}

@test "cli_new_plugin__a_scheme_that_is_served_is_told" {
    run via new-plugin unix
    expect_status 0
    expect "serves unix: already"
    run via new-plugin field_bus
    expect_status 0
    expect_not "already"
}

@test "cli_new_plugin__everything_is_renamed" {
    run via new-plugin field_bus
    expect_status 0
    [ -f field_bus/field_bus.c ]
    [ -f field_bus/field_bus.json ]
    [ -f field_bus/Makefile ]
    [ -f field_bus/README.md ]
    run grep -rE 'my[_-]fd|@NAME@|@VIADUCT@' field_bus
    expect_status 1
    run via validate field_bus/field_bus.json
    expect_status 0
    run cat field_bus/field_bus.json
    expect '"name": "field_bus"'
    expect '"field-bus": {'
    expect 'via_field_bus.so'
}

@test "cli_certify__what_cannot_be_certified" {
    run via certify nothing.json
    expect_status 1
    expect "nothing.json"
    expect_way_out
    echo '{"manifest": 1, "endpoints": {}}' >shop.json
    run via certify shop.json
    expect_status 1
    expect_way_out
    via new-plugin bus >/dev/null
    run via certify bus/bus.json
    expect_status 1
    expect "bus/bus.json is not sealed"
    expect_way_out
}

@test "cli_certify__a_certificate" {
    run via certify --json --seed 7 "$(fixtures)/template/my_fd.json"
    expect_status 0
    expect_certificate
    expect_json 'len(it) == 1 and it[0]["passed"] and it[0]["seed"] == 7 and it[0]["plugin"]["name"] == "my_fd"'
    expect_json 'it[0]["results"][0]["scheme"] == "my-fd" and it[0]["results"][0]["claimed"]["guarantees"]["ordered"]'
    expect_json '"delivery.sizes" in [t["test"] for t in it[0]["results"][0]["proved"]]'
    expect_json '"peer self" in [n for t in it[0]["results"][0]["not_claimed"] for n in t["needs"]]'
    expect_json '{r["size_bytes"] for r in it[0]["results"][0]["measured"]} == {64, 1024, 4096}'
    expect_json 'all(r["latency_ns"]["p50"] > 0 for r in it[0]["results"][0]["measured"])'
}

# A copy of the fixture of values and regions that is broken by default.
break_it() {
    mkdir -m 755 broken
    cp "$(fixtures)/conformance/via_cells.so" "$(fixtures)/conformance/cells.json" broken
    edit broken/cells.json "it.pop('abi'), it.pop('sha256')
it['schemes']['cells']['options']['break']['default'] = '$1'"
    via seal broken/cells.json
    chmod 644 broken/*
}

@test "cli_certify__a_broken_rule_is_shown_and_repeated" {
    break_it no-texts
    run via certify --test value.texts --seed 42 broken/cells.json
    expect_status 1
    expect "seed 42"
    expect "value.texts                  BROKEN"
    expect "      rule       "
    expect "      expected   "
    expect "      found      "
    expect "sdk/conformance/test_value.c:"
    expect "  0 proved, 1 broken, 0 not claimed"
    local again
    again=$(sed -n 's/^      again *//p' <<<"$output" | grep value.texts)
    [[ $again == "via-conformance --manifest broken/cells.json --scheme cells --pattern value --test value.texts --seed 42" ]]
    run bash -c "$again"
    expect_status 1
    expect "FAILED  value.texts"
}

@test "cli_certify__a_broken_plugin_has_a_certificate_that_says_so" {
    break_it no-texts
    run via certify --test value.texts --json broken/cells.json
    expect_status 1
    expect_certificate
    expect_json 'not it[0]["passed"]'
    expect_json '{t["test"] for r in it[0]["results"] for t in r["broken"]} == {"value.texts"}'
}

@test "cli_certify__a_test_that_is_not_there" {
    run via certify --test value.colour "$(fixtures)/conformance/cells.json"
    expect_status 2
    expect "the suite has no test 'value.colour'"
    expect_way_out
}

@test "cli_certify__a_bus_that_is_dialled_after_a_setup" {
    run via certify --test delivery.sizes --dial 'my-fd:{dir}/port' \
        --setup 'exec "$VIA_CONFORMANCE" --echo-terminal port' "$(fixtures)/template/my_fd.json"
    expect_status 0
    expect "delivery.sizes               proved"
    expect "not measured: --test"
    # The setup of the manifest makes "line", so nothing but the command's own can have made "port".
    run via certify --test delivery.sizes --dial 'my-fd:%zz' "$(fixtures)/template/my_fd.json"
    expect_status 1
    expect "delivery.sizes               BROKEN"
    expect '"%" is not followed by two hexadecimal digits'
}

@test "cli_certify__a_bus_that_is_listened_on" {
    local template
    template=$(fixtures)/template/template.json
    run via certify --test attach.nothing_missed --listen 'template:{dir}/bus' "$template"
    expect_status 0
    expect "attach.nothing_missed        proved"
    run via certify --test attach.nothing_missed --listen 'template:{dir}/bus' --dial 'template:{dir}/bus' "$template"
    expect_status 0
    expect "attach.nothing_missed        proved"
    run via certify --test attach.nothing_missed --listen 'template:{dir}/not/there' "$template"
    expect_status 1
    expect "attach.nothing_missed        BROKEN"
    expect "No such file or directory"
    run via certify --test attach.nothing_missed --listen 'template:{dir}/bus' --dial 'template:%zz' "$template"
    expect_status 1
    expect '"%" is not followed by two hexadecimal digits'
}

@test "cli_certify__places_are_repeated_too" {
    break_it no-texts
    run via certify --test value.texts --seed 4 --listen 'cells:one-{name}' --dial 'cells:one-{name}' --setup 'echo ready' broken/cells.json
    expect_status 1
    local again
    again=$(sed -n 's/^      again *//p' <<<"$output" | grep value.texts)
    [[ $again == *" --address 'cells:one-{name}' "* ]]
    [[ $again == *" --dial 'cells:one-{name}' "* ]]
    [[ $again == *" --setup 'echo ready'"* ]]
    run bash -c "$again"
    expect_status 1
    expect "FAILED  value.texts"
}

# A Viaduct whose suite has one rule, which everything keeps: what is left of certifying is measuring.
make_hasty() {
    mkdir -p hasty/bin
    cp "$VIADUCT_BUILD/bin/via" hasty/bin
    ln -s "$VIADUCT_BUILD/lib" hasty/lib
    cat >hasty/bin/via-conformance <<END
#!/bin/sh
[ "\$1" != --echo-terminal ] || exec "$VIADUCT_BUILD/bin/via-conformance" "\$@"
echo '{"test": "the.rule", "rule": "Everything keeps it", "needs": [], "result": "passed", "ms": 1}'
END
    chmod 755 hasty/bin/via-conformance
    hasty=$work/hasty/bin/via
}

@test "cli_certify__a_layer_is_measured_on_what_it_stands_on" {
    make_hasty
    mkdir -m 755 small
    cp "$(fixtures)/template/via_my_layer.so" "$(fixtures)/template/my_layer.json" small
    edit small/my_layer.json "it['layers']['my-layer']['max_message'] = '4KiB'" # large ones only cost time
    via seal small/my_layer.json
    chmod 644 small/*
    run "$hasty" certify --json small/my_layer.json
    expect_status 0
    expect_certificate
    expect_json '[(r["scheme"], r["pattern"], r["layer"]) for r in it[0]["results"]] == [("unix", "pair", "my-layer"), ("unix", "queue", "my-layer")]'
    expect_json 'all({(row["mode"], row["size_bytes"]) for row in r["measured"]} >= {("latency", 64), ("throughput", 1024)} for r in it[0]["results"])'
    expect_json 'all("layers=my-layer" in row["address"] for r in it[0]["results"] for row in r["measured"])'
}

@test "cli_certify__what_cannot_be_measured_says_why" {
    make_hasty
    run "$hasty" certify --json "$(fixtures)/conformance/cells.json"
    expect_status 0
    expect_certificate
    expect_json '{r["pattern"] for r in it[0]["results"]} == {"value", "region"}'
    expect_json '[r["not_measured"] for r in it[0]["results"] if r["pattern"] == "region"] == ["a region has no messages that a bench could measure"]'
    run "$hasty" certify "$(fixtures)/conformance/cells.json"
    expect "  not measured: a region has no messages that a bench could measure"
    run "$hasty" certify --listen 'template:{name}' --dial 'template:{name}' "$(fixtures)/template/template.json"
    expect_status 0
    expect "  not measured: a bench dials where the listener says it is"
    run "$hasty" certify --quick "$(fixtures)/template/template.json"
    expect_status 0
    expect "  not measured: --quick"
    run "$hasty" certify --dial 'my-fd:{dir}/line' --setup 'exit 1' "$(fixtures)/template/my_fd.json"
    expect_status 0
    expect "  not measured: a measurement failed"
}

@test "cli_certify__values_are_measured" {
    make_hasty
    run "$hasty" certify --json "$(fixtures)/conformance/cells.json"
    expect_status 0
    expect_certificate
    values='[r for r in it[0]["results"] if r["pattern"] == "value"][0]["measured"]'
    expect_json "{(row['mode'], row['size_bytes'], row['pattern']) for row in $values} == {(mode, size, 'value') for mode in ('latency', 'throughput') for size in (64, 1024, 4096, 65536)}"
    expect_json "all(row['latency_ns']['p50'] > 0 for row in $values if row['mode'] == 'latency')"
    expect_json "all(row['messages_per_s'] > 0 for row in $values)"
}

@test "cli_certify__what_is_dialled_is_measured_after_the_setup" {
    make_hasty
    run "$hasty" certify --json --dial 'my-fd:{dir}/port' --setup 'exec "$VIA_CONFORMANCE" --echo-terminal port' \
        "$(fixtures)/template/my_fd.json"
    expect_status 0
    expect_certificate
    expect_json 'all(row["address"].endswith("/port") for row in it[0]["results"][0]["measured"])'
    expect_json '{row["size_bytes"] for row in it[0]["results"][0]["measured"]} == {64, 1024, 4096}'
}

# The suite that is left of this Viaduct runs no setup: only the measuring can have found the program.
@test "cli_certify__a_setup_finds_what_lies_beside_the_manifest" {
    make_hasty
    mkdir -m 755 mine
    cp "$(fixtures)/template/via_my_fd.so" "$(fixtures)/template/my_fd.json" mine
    printf '#!/bin/sh\nexec "$VIA_CONFORMANCE" --echo-terminal port\n' >mine/peer
    chmod 755 mine/peer
    run "$hasty" certify --json --dial 'my-fd:{dir}/port' --setup 'exec "$VIA_PLUGIN_FOLDER/peer"' mine/my_fd.json
    expect_status 0
    expect_certificate
    expect_json '{row["size_bytes"] for row in it[0]["results"][0]["measured"]} == {64, 1024, 4096}'
}
