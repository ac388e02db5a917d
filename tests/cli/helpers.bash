# SPDX-License-Identifier: Apache-2.0
# What every test of the command starts from: `via` in PATH, a folder of its own, a runtime folder of its own.
# shellcheck shell=bash

setup() {
    PATH=${VIADUCT_BUILD:?set it to the build folder}/bin:$PATH
    plugins=$VIADUCT_BUILD/lib/viaduct/plugins
    export -n VIADUCT_BUILD VIADUCT_SANITIZE # the tests' own; `via` would rightly ask what they mean
    export VIADUCT_PLUGIN_PATH=$plugins
    work=$(mktemp -d "${TMPDIR:-/tmp}/via-cli.XXXXXX")
    chmod 700 "$work"
    export XDG_RUNTIME_DIR=$work/run
    mkdir -m 700 "$XDG_RUNTIME_DIR"
    # What reads from it waits for as long as it likes: nobody ever writes.
    mkfifo "$work/never"
    exec 4<>"$work/never"
    cd "$work" || return 1
}

teardown() {
    local child file
    # What a program that went on beside the test has said is often why it failed.
    if [[ ! ${BATS_TEST_COMPLETED:-} ]]; then
        for file in *.err; do
            [ ! -s "$file" ] || { echo "$file:" && tail -n 60 "$file"; }
        done
    fi
    for child in $(jobs -p); do
        kill -KILL "$child" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    cd / && rm -rf "$work"
}

# start_from FILE NAME COMMAND...: runs a command in the background; its output goes to the file `NAME.out`, its errors
# to `NAME.err`; $! is its id. None of bats' descriptors and ours stays open in it.
start_from() {
    local input=$1 name=$2
    shift 2
    "$@" <"$input" >"$name.out" 2>"$name.err" 3>&- 4>&- 5>&- &
}

# The same without input.
start() {
    start_from /dev/null "$@"
}

# Waits until a command succeeds, at most ten seconds. It has no name of its own but REPLY: the command would see it instead of the test's.
await() {
    local REPLY
    for _ in {1..1000}; do
        "$@" && return 0
        read -rt 0.01 -u 4 || true
    done
    echo "waited in vain for: $*" >&2
    return 1
}

# A port that nobody listens on, below those that the system hands out by itself.
free_port() {
    local port
    while port=$((20000 + RANDOM % 12000)); do
        (exec 5<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

# Waits until somebody listens on a name of the runtime folder.
await_name() {
    await test -e "$XDG_RUNTIME_DIR/viaduct/$1"
}

# Waits until a file says so.
await_text() {
    await grep -qs -- "$1" "$2"
}

# Sends a signal to a `via` that handles it. ThreadSanitizer (clang 14) loses one that comes while a thread sets out to
# block for the first time, before its handler has run; there the signal comes again, to whoever still lives long after.
signal_via() {
    kill -"$1" "$2"
    [[ ${VIADUCT_SANITIZE:-} != *thread* ]] || { sleep 10 && kill -"$1" "$2" 2>/dev/null; } 3>&- 4>&- 5>&- &
}

# wait(1) with its status in $status, as `run` has it.
finish() {
    status=0
    wait "$1" || status=$?
}

expect_status() {
    [ "$status" -eq "$1" ] || {
        echo "exit status $status, expected $1; output:"
        echo "${output:-}"
        return 1
    }
}

# Expects the text in $output (stdout and stderr of `run`).
expect() {
    [[ $output == *"$1"* ]] || {
        echo "expected: $1"
        echo "got:      $output"
        return 1
    }
}

expect_not() {
    [[ $output != *"$1"* ]] || {
        echo "unexpected: $1"
        echo "in:         $output"
        return 1
    }
}

# The last line of an error is the way out.
expect_way_out() {
    [[ ${lines[-1]} == "     mend: "* ]] || {
        echo "the last line does not say how to mend it: ${lines[-1]}"
        return 1
    }
}

# Expects a file to hold exactly this (and a newline).
expect_file() {
    diff -u <(printf '%s\n' "$2") "$1"
}

# Evaluates a Python expression with the JSON of $output as `it`.
expect_json() {
    python3 -c 'import json, sys; it = json.loads(sys.argv[1]); assert eval(sys.argv[2]), (sys.argv[2], it)' \
        "$output" "$1"
}

# A folder of plugins with a copy of a real one: socket.json and via_socket.so.
make_folder() {
    mkdir -m 755 "$1"
    cp "$plugins/socket.json" "$plugins/via_socket.so" "$1"
    chmod 644 "$1/socket.json"
}

# Edits a manifest: edit FILE PYTHON-STATEMENT, with the manifest as `it`.
edit() {
    python3 -c 'import json, sys
it = json.load(open(sys.argv[1]))
exec(sys.argv[2])
json.dump(it, open(sys.argv[1], "w"))' "$1" "$2"
}
