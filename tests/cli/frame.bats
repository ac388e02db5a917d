#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The frame of the command: help, version, and every way to get the command line wrong.

load helpers

commands="plugins endpoints validate explain listen dial send recv pub sub push pull bridge bench seal"

# Expects a usage error with this text, and a way out.
wrong() {
    local text=$1
    shift
    run via "$@"
    expect_status 2
    expect "$text"
    expect_way_out
}

@test "cli__version_names_command_and_library" {
    run via --version
    expect_status 0
    [[ $output =~ ^via\ [0-9]+\.[0-9]+\.[0-9]+\ \(libviaduct\ [0-9]+\.[0-9]+\.[0-9]+\)$ ]]
}

@test "cli__help_lists_every_command_and_the_exit_statuses" {
    run via --help
    expect_status 0
    for command in $commands; do
        [[ $output == *"  $command "* ]]
    done
    expect "Exit status: 0 ok, 1 failed, 2 wrong usage, 4 nobody listens there or the other end is gone"
    expect "124 the deadline passed before somebody connected or a message came"
    expect_not "bench-worker"
    long=$output
    run via help
    [ "$output" = "$long" ]
    run via -h
    [ "$output" = "$long" ]
}

@test "cli__help_of_each_command_has_usage_options_and_an_example" {
    for command in $commands; do
        run via "$command" --help
        expect_status 0
        [[ $output == "usage: via $command [OPTION]..."* ]]
        expect "Options:"
        expect "--help "
        expect "Examples:"
        long=$output
        run via help "$command"
        [ "$output" = "$long" ]
        run via "$command" -h
        [ "$output" = "$long" ]
    done
}

@test "cli__help_goes_to_stdout_and_errors_to_stderr" {
    via --help 2>err >out
    [ -s out ] && [ ! -s err ]
    via nonsense 2>err >out && return 1
    [ ! -s out ] && [ -s err ]
}

@test "cli__without_a_command_it_says_what_is_wanted" {
    wrong "say what to do: via COMMAND ..."
}

@test "cli__an_unknown_command_is_answered_with_the_nearest" {
    wrong "there is no command 'lisen'; did you mean 'listen'?" lisen unix:x
    wrong "there is no command 'frobnicate'" frobnicate
    wrong "there is no command 'frobnicate'" help frobnicate
    wrong "'--json' is not a command" --json plugins
}

@test "cli__an_unknown_option_is_answered_with_the_nearest" {
    wrong "unknown option --fromat; did you mean --format?" send unix:x --fromat hex
    wrong "unknown option --frobnicate" send unix:x --frobnicate
    wrong "unknown option --key" recv unix:x --key a
}

@test "cli__a_value_of_the_wrong_kind_is_answered_with_what_is_right" {
    wrong "--timeout wants a duration such as 500ms, 2s, or 2 (seconds), not '2x'" recv unix:x --timeout 2x
    wrong "--timeout wants a duration such as 500ms, 2s, or 2 (seconds), not '-1'" recv unix:x --timeout=-1
    wrong "--timeout wants a duration such as 500ms, 2s, or 2 (seconds), not ''" recv unix:x --timeout ''
    wrong "--count wants a whole number from 0, not 'ten'" recv unix:x --count ten
    wrong "--count wants a whole number from 0, not '99999999999999999999'" recv unix:x --count 99999999999999999999
    wrong "--priority wants a whole number, not '1.5'" send unix:x --priority 1.5
    wrong "--format wants line, raw, null, quoted, hex, json, not 'xml'" recv unix:x --format xml
    wrong "--pattern wants pair, queue, topic, value, not 'ring'" recv unix:x --pattern ring
    wrong "--mode wants both, latency, throughput, not 'fast'" bench unix:x --mode fast
    wrong "--wake wants blocking, polling, hybrid, not 'nap'" bench unix:x --wake nap
}

@test "cli__a_missing_or_surplus_value_is_told" {
    wrong "--count wants a value: --count N" recv unix:x --count
    wrong "--json takes no value" plugins --json=yes
}

@test "cli__a_missing_or_surplus_operand_is_told" {
    wrong "'via recv' wants: ADDRESS" recv
    wrong "'via bridge' wants: A B" bridge unix:x
    wrong "'via validate' wants: FILE..." validate
    wrong "'world' is one word too many; quote a text that has spaces" send unix:x hello world
    wrong "'x' is one word too many" plugins x
}

@test "cli__options_that_exclude_each_other_are_told" {
    wrong "--listen and --dial exclude each other" send unix:x --listen --dial
    wrong "TEXT and --file exclude each other" send unix:x text --file "$work/never"
}

@test "cli__a_file_or_folder_that_is_named_and_missing_is_told" {
    for option in --plugins --endpoints --trust; do
        run via explain unix:x $option nowhere
        expect_status 1
        expect "$option nowhere: No such file or directory"
        expect_way_out
    done
}

@test "cli__help_ends_no_line_with_a_space" {
    for command in plugins seal; do
        run via $command --help
        expect_status 0
        expect_not " "$'\n'
    done
}

@test "cli__two_dashes_end_the_options" {
    start receiver via recv unix:dashes
    run via send unix:dashes -- --not-an-option
    expect_status 0
    wait
    expect_file receiver.out "--not-an-option"
}

@test "cli__an_option_takes_its_value_as_the_next_word_or_after_an_equals_sign" {
    for option in "--timeout 20ms" "--timeout=20ms" "--timeout=0.02" "--timeout=20000us"; do
        # shellcheck disable=SC2086
        run via recv unix:values $option
        expect_status 124
    done
}

@test "cli__the_worker_of_the_bench_refuses_to_be_called_by_people" {
    wrong "this command is started by 'via bench' only" bench-worker unix:x 3<&-
}

@test "cli__a_file_that_may_grow_no_more_is_an_error_and_no_signal" {
    run bash -c 'ulimit -f 0; via plugins >plugins.txt'
    expect_status 1
}
