#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every example of every help is run as it stands, and does what it shows.

load helpers

# Lists the examples of a command.
examples_of() {
    via "$1" --help | sed -n '/^Examples:$/,$p' | sed -n 's/^  //p'
}

prepare() {
    cp "$plugins/socket.json" "$plugins/via_socket.so" "$BATS_TEST_DIRNAME"/../../sdk/examples/rpc/*.rpc.json .
    cat >shop.json <<'END'
{ "manifest": 1, "endpoints": {
    "orders": {"pattern": "pair", "address": "unix:orders", "summary": "orders from the web front"} } }
END
}

# Runs an example in a shell with job control, in which it must end well and say nothing on stderr.
run_example() {
    echo "example: $1" >&2
    run timeout 60 bash -c "$1" 2>err 3>&- 4>&-
    expect_status 0
    [[ $1 == *"via bridge"* || $1 == *"via serve"* ]] || [ ! -s err ] || {
        cat err
        return 1
    }
}

@test "cli__every_example_of_every_help_runs" {
    prepare
    local total=0 command example
    for command in $(via --help | sed -n '/^Commands:$/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
        while IFS= read -r example; do
            run_example "$example"
            total=$((total + 1))
        done < <(examples_of "$command")
    done
    [ "$total" -ge 20 ]
}

@test "cli__examples_show_what_they_promise" {
    prepare
    while IFS='|' read -r command pattern expected; do
        example=$(examples_of "$command" | grep -e "$pattern" | head -n 1)
        [ -n "$example" ]
        run_example "$example"
        expect "$expected"
    done <<'END'
dial|exec:bc|42
dial|exec:sort|apple
send|good morning|good morning
pub|it rains|it rains
push|seq 3|3
pull|seq 3|33
listen|hello|hello
explain|orders|unix:orders
serve|hypot|5.0
call|unix:math|pow
call|errstr|unable to open database file
call|clangd|hoverProvider
END
}
