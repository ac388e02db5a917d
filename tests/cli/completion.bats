#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# completion: what bash offers for a command line, by its own function and words broken as readline breaks them.

load helpers

# offered WORD...: what is offered for the last word, one a line, sorted, in $output.
offered() {
    output=$(
        COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
        . "$BATS_TEST_DIRNAME/../../sdk/completion/via"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
        _via via "${*: -1}" "${*: -2:1}" 2>complaints
        printf '%s\n' "${COMPREPLY[@]}" | sort
    )
    [ ! -s complaints ] || { cat complaints; return 1; }
}

# Exactly these, in one line.
expect_offer() {
    local got
    got=$(xargs <<<"$output")
    [ "$got" = "$1" ] || { echo "expected: $1"; echo "got:      $got"; return 1; }
}

@test "cli__completion_offers_every_command" {
    offered via ''
    for command in $(via --help | sed -n '/^Commands:$/,/^$/s/^  \([a-z-]*\) .*/\1/p'); do
        grep -qx -- "$command" <<<"$output"
    done
    offered via pl
    expect_offer plugins
    offered via help expl
    expect_offer explain
}

@test "cli__completion_offers_the_options_of_the_command" {
    offered via send --p
    expect_offer "--pattern --plugins --priority"
    offered via copy -
    grep -qx -- -t <<<"$output"
    grep -qx -- --paste-once <<<"$output"
    offered via seal --t
    expect_offer ""
}

@test "cli__completion_offers_the_values_of_an_option" {
    offered via send unix:mail --pattern ''
    expect_offer "pair queue topic value"
    offered via recv unix:mail --format h
    expect_offer hex
    offered via send unix : mail --pattern = t
    expect_offer topic
    mkdir folder
    touch file
    offered via plugins --plugins f
    expect_offer folder
    offered via send unix:mail --file f
    expect_offer "file folder"
}

@test "cli__completion_offers_schemes_and_endpoint_names" {
    cat >shop.json <<'END'
{"manifest": 1, "endpoints": {"uplink": {"address": "unix:up"}, "orders": {"pattern": "pair", "address": "unix:orders"}}}
END
    offered via send u
    expect_offer "unix:"
    VIADUCT_ENDPOINTS=$work/shop.json offered via send u
    expect_offer "unix: uplink"
    offered via explain --endpoints "$work/shop.json" or
    expect_offer orders
    offered via bridge t
    expect_offer "tcp:"
    offered via explain rp
    expect_offer ""
}

@test "cli__completion_offers_files_where_a_command_wants_them" {
    touch shop.json
    offered via validate sh
    expect_offer shop.json
    offered via seal sh
    expect_offer shop.json
}
