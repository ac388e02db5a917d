# SPDX-License-Identifier: Apache-2.0
# `via copy` and `via paste`: what those who know wl-copy, xclip and xsel expect, without a display.

load helpers

# No display of whoever runs the tests is touched.
no_display() {
    unset DISPLAY WAYLAND_DISPLAY
}

# The processes that stay behind, by the runtime folder that is theirs alone.
servers() {
    local process
    for process in $(pgrep -x via); do
        ! tr '\0' '\n' <"/proc/$process/environ" | grep -qx "XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR" || echo "$process"
    done 2>/dev/null
}

no_servers() {
    [ -z "$(servers)" ]
}

is_empty() {
    ! via paste >/dev/null 2>&1
}

@test "copy__words_and_paste" {
    no_display
    run via copy hello world
    expect_status 0
    [ -z "$output" ]
    run via paste
    expect_status 0
    [ "$output" = "hello world" ]
    via paste >out
    printf 'hello world\n' | cmp - out
    via paste -n >out
    printf 'hello world' | cmp - out
    via copy -- -n
    [ "$(via paste)" = -n ]
    no_servers
}

@test "copy__bytes_as_they_are" {
    no_display
    for size in 0 1 65536 1048575 1048577; do
        head -c "$size" /dev/urandom >bytes
        via copy --type application/x-bytes <bytes
        via paste >out
        cmp bytes out
        via paste --type application/x-bytes >out
        cmp bytes out
    done
    printf 'a\0b' | via copy
    [ "$(via paste --list-types)" = application/octet-stream ]
    printf 'a\nb\n' | via copy -n
    via paste -n >out
    printf 'a\nb' | cmp - out
    printf '\303\244' | via copy
    [ "$(via paste -l)" = 'text/plain;charset=utf-8' ]
    [ "$(via paste -t UTF8_STRING)" = ä ]
    printf '' | via copy
    via paste -n >out
    cmp out /dev/null
}

@test "copy__too_large_names_the_way_out" {
    no_display
    head -c 17000000 /dev/zero >large
    run via copy <large
    expect_status 1
    expect max_size
    expect_way_out
    via copy --option max_size=32MiB <large
    run via paste
    expect_status 1
    expect_way_out
    via paste --option max_size=32MiB | cmp - large
}

@test "paste__nothing_is_status_1" {
    no_display
    run via paste
    expect_status 1
    expect "empty"
    expect_way_out
    run via paste --list-types
    expect_status 1
    via copy something
    via copy --clear
    run via paste
    expect_status 1
}

@test "copy__over_a_file_that_is_none" {
    no_display
    via copy before
    for bytes in '' VIACLIP1 VIACLIP2 nonsense; do
        printf %s "$bytes" >"$XDG_RUNTIME_DIR/viaduct/clipboard.clip"
        run via paste
        expect_status 1
        expect "$XDG_RUNTIME_DIR/viaduct/clipboard.clip"
        expect_way_out
        run via paste --list-types
        expect_status 1
        expect_way_out
        run via copy after
        expect_status 0
        [ -z "$output" ]
        [ "$(via paste)" = after ]
        printf %s "$bytes" >"$XDG_RUNTIME_DIR/viaduct/clipboard.clip"
        run via copy --clear
        expect_status 0
        run via paste
        expect "empty"
    done
}

@test "paste__types" {
    no_display
    echo '<b>' | via copy --type text/html
    [ "$(via paste --list-types)" = text/html ]
    run via paste --list-types --json
    expect_json 'it == ["text/html"]'
    run via paste --type image/png
    expect_status 1
    expect "text/html"
    expect_way_out
    [ "$(via paste -t text)" = '<b>' ]
    [ "$(via paste --type 'text/*')" = '<b>' ]
    [ "$(via paste -ttext/html)" = '<b>' ]
}

@test "copy__primary_is_another" {
    no_display
    via copy one
    via copy --primary two
    [ "$(via paste)" = one ]
    [ "$(via paste -p)" = two ]
    via copy -pc
    [ "$(via paste)" = one ]
    run via paste --primary
    expect_status 1
}

@test "copy__a_secret_goes_with_the_process_that_has_it" {
    no_display
    echo secret >input
    via copy --sensitive <input
    [ "$(via paste)" = secret ]
    via paste --list-types | grep -qx x-kde-passwordManagerHint
    [ "$(servers | wc -l)" -eq 1 ]
    kill "$(servers)"
    await is_empty
    await no_servers
    via copy --sensitive 'not for ps'
    [ -z "$(tr '\0' ' ' <"/proc/$(servers)/cmdline" | grep 'not for ps')" ]
    via copy other
    await no_servers
    [ "$(via paste)" = other ]
}

@test "copy__the_process_that_stays_has_nothing_of_the_callers" {
    no_display
    mkfifo pipe
    exec 5<>pipe
    # Whoever reads what the command says finds the end, though the process lives on.
    [ -z "$(via copy --sensitive text 2>&1 </dev/null)" ]
    server=$(servers)
    [ "$(readlink "/proc/$server/cwd")" = / ]
    for number in 0 1 2; do
        [ "$(readlink "/proc/$server/fd/$number")" = /dev/null ]
    done
    [ -z "$(ls -l "/proc/$server/fd" | grep -E 'pipe|fifo|/dev/pts|/dev/tty')" ]
    [ "$(ps -o tty= -p "$server")" = '?' ]
    [ "$(ps -o sid= -p "$server" | tr -d ' ')" = "$server" ]
    exec 5>&-
    via copy --clear
    await no_servers
}

@test "copy__a_secret_is_in_no_log" {
    no_display
    export VIADUCT_LOG=debug,$work/log
    via copy --sensitive the-very-words
    [ "$(via paste)" = the-very-words ]
    via copy --clear
    await no_servers
    grep -q 'backend embedded' log # there is one
    [ -z "$(grep the-very-words log)" ]
}

# timeout(1) signals its child and then the child's whole group.
@test "copy__two_signals_that_come_together_are_one" {
    no_display
    for turn in 1 2 3 4 5; do
        start keeper via copy --foreground --sensitive "secret $turn"
        keeper=$!
        await eval '[ "$(via paste 2>/dev/null)" = "secret $turn" ]'
        python3 -c 'import contextlib, os, sys, time
os.kill(int(sys.argv[1]), 15)
time.sleep(0.0005)
with contextlib.suppress(ProcessLookupError): # it was quicker
    os.kill(int(sys.argv[1]), 15)' $keeper
        finish $keeper
        expect_status 143
        run via paste
        expect_status 1
    done
}

@test "copy__a_closed_input_is_not_an_empty_one" {
    no_display
    via copy precious
    run bash -c 'via copy <&-'
    expect_status 1
    expect "standard input"
    expect_way_out
    run via paste
    [ "$output" = precious ]
    via copy </dev/null
    run via paste
    [ "$output" = "" ]
}

@test "copy__an_empty_text_is_a_content" {
    no_display
    via copy before
    via copy ''
    run via paste
    expect_status 0
    [ "$output" = "" ]
    [ "$(via paste --list-types)" = 'text/plain;charset=utf-8' ]
    via copy --clear
    run via paste
    expect_status 1
}

# Whoever has the writers' lock; it says a line when it has it.
hold_lock() {
    exec python3 -c 'import fcntl, sys, time
with open(sys.argv[1], "w") as lock:
    fcntl.lockf(lock, fcntl.LOCK_EX)
    print("held", flush=True)
    while True:
        time.sleep(1000)' "$1"
}

@test "copy__what_is_in_the_way_is_named" {
    no_display
    via copy before
    lock=$XDG_RUNTIME_DIR/viaduct/clipboard.clip.lock
    start holder hold_lock "$lock"
    await_text held holder.out
    run via copy --option reply_timeout=100ms after
    expect_status 1
    expect "$lock"
    expect "nothing is copied"
    expect_way_out
    kill -KILL %1
    for thing in mkfifo 'ln -s /etc/passwd'; do
        rm -f "$lock"
        $thing "$lock"
        run via copy after
        expect_status 1
        expect "$lock"
        expect "remove it"
        [ "$(via paste)" = before ]
    done
    rm -f "$lock"
    head -c 3000000 /dev/zero >large
    run env VIADUCT_LOAD=direct bash -c 'ulimit -f 1000; exec via copy --foreground <large'
    expect_status 1
    expect "clipboard.clip.new"
    expect "make room"
    [ "$(via paste)" = before ]
}

@test "copy__no_plugin_keeps_a_clipboard" {
    no_display
    mkdir -m 700 none
    run env VIADUCT_PLUGIN_PATH="$work/none" via copy text
    expect_status 1
    expect "offers"
    expect_way_out
}

@test "copy__ttl_clears_it_if_it_is_still_there" {
    no_display
    via copy --ttl 200ms brief
    await is_empty
    await no_servers
    via copy --ttl 200ms brief
    via copy lasting
    await no_servers
    [ "$(via paste)" = lasting ]
    run via copy --ttl soon text
    expect_status 2
    expect_way_out
}

@test "copy__once" {
    no_display
    via copy --paste-once only
    [ "$(via paste)" = only ]
    run via paste
    expect_status 1
    via copy -o only
    [ "$(via paste -l)" = 'text/plain;charset=utf-8' ]
    [ "$(via paste)" = only ]
    await no_servers
    # What cannot be cleared is not given out either, and says why.
    via copy --paste-once only
    mkdir "$XDG_RUNTIME_DIR/viaduct/clipboard.clip.new"
    run via paste
    expect_status 1
    expect "clipboard.clip.new"
    expect_way_out
    rmdir "$XDG_RUNTIME_DIR/viaduct/clipboard.clip.new"
    [ "$(via paste)" = only ]
}

@test "copy__foreground_stays_until_it_is_not_needed" {
    no_display
    start copy via copy --foreground --sensitive text
    copy=$!
    await_name clipboard.clip
    await via paste >/dev/null 2>&1
    [ "$(servers)" = "$copy" ]
    via copy other
    finish "$copy"
    expect_status 0
    start copy via copy -f --sensitive text
    copy=$!
    until [ "$(via paste)" = text ]; do :; done
    signal_via TERM "$copy"
    finish "$copy"
    expect_status 143
    is_empty
}

@test "paste__watch_runs_a_command_for_each_change" {
    no_display
    via copy first
    start watch via paste --watch sh -c 'cat; echo " $CLIPBOARD_STATE"'
    watch=$!
    await_text 'first data' watch.out
    via copy second
    await_text 'second data' watch.out
    via copy --clear
    await_text '^ nil' watch.out
    via copy --sensitive third
    await_text 'third sensitive' watch.out
    # A command that reads nothing of a large content is no obstacle.
    signal_via TERM "$watch"
    finish "$watch"
    expect_status 143
    start watch via paste -w sh -c 'echo "$CLIPBOARD_STATE"; exec <&-'
    watch=$!
    await_text sensitive watch.out
    head -c 3000000 /dev/zero | via copy
    await_text data watch.out
    signal_via TERM "$watch"
    finish "$watch"
    run via paste --watch ./no-such-program
    expect_status 1
    expect_way_out
}

@test "usage__says_the_way_out" {
    no_display
    for words in "copy --clear text" "copy -c -t a/b" "paste text" "paste --watch" "paste -w -l cat" "paste --json" \
        "copy -x" "paste -t" "copy --typ a"; do
        run via $words
        expect_status 2
        expect_way_out
    done
    for type in '' $'a\nb' $'a\tb' "$(printf 'a%.0s' {1..300})" a,b; do
        run via copy --type "$type" text
        expect_status 2
        expect "1 to 255"
        expect_way_out
    done
    run via paste --type ''
    expect_status 2
    for time in 0 0s 999us; do
        run via copy --ttl "$time" text
        expect_status 2
        expect 1ms
        expect_way_out
    done
    run via paste --backend nowhere
    expect_status 1
    expect embedded
    expect_way_out
}

@test "display__that_cannot_be_reached_is_an_error" {
    no_display
    # Whatever this build and machine have for it: no silent way to somewhere else.
    run env DISPLAY=:31999 via paste
    expect_status 1
    expect backend=embedded
    expect_way_out
    run env WAYLAND_DISPLAY=no-such-display via copy text
    expect_status 1
    expect backend=embedded
    run env WAYLAND_DISPLAY=no-such-display DISPLAY=:31999 via paste # Wayland comes first
    expect_status 1
    expect no-such-display
    expect_not :31999
    run env DISPLAY=:31999 via copy --backend embedded text
    expect_status 0
    [ "$(DISPLAY=:31999 via paste --backend=embedded)" = text ]
}
