#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# seal: what the library is, written into its manifest, and nothing else touched.

load helpers

@test "cli__seal_writes_abi_and_checksum_beside_the_rest" {
    make_folder mine
    edit mine/socket.json 'del it["abi"], it["sha256"]'
    run via seal mine/socket.json mine/via_socket.so sealed.json
    expect_status 0
    [ -z "$output" ]
    output=$(cat sealed.json)
    expect_json 'it["name"] == "socket" and it["abi"] and set(it["sha256"].values()) == {"'"$(sha256sum <mine/via_socket.so | cut -d' ' -f1)"'"}'
    run cmp sealed.json "$plugins/socket.json"
    grep -q sha256 mine/socket.json && return 1
    run via validate sealed.json
    expect_status 0
}

@test "cli__seal_finds_the_library_that_the_manifest_names" {
    make_folder mine
    edit mine/socket.json 'it["sha256"] = {key: "0" * 64 for key in it["library"]}'
    run via seal mine/socket.json
    expect_status 0
    run via plugins --plugins "$work/mine" --json
    expect_json '[p["status"] for p in it if p["manifest"].startswith("'"$work"'")] == ["ready"]'
}

@test "cli__seal_refuses_a_manifest_without_a_library_for_this_platform" {
    make_folder mine
    edit mine/socket.json 'it["library"] = {"windows-x86_64": "via_socket.dll"}'
    run via seal mine/socket.json
    expect_status 2
    expect "mine/socket.json names no library for linux-"
    expect_way_out
}

@test "cli__seal_refuses_a_library_that_the_manifest_does_not_name" {
    make_folder mine
    cp mine/via_socket.so mine/via_copy.so
    run via seal mine/socket.json "$plugins/via_pipe.so" sealed.json
    expect_status 1
    expect "the manifest names the library via_socket.so, and $plugins/via_pipe.so is another"
    expect "/library"
    expect_way_out
    run via seal mine/socket.json mine/via_copy.so sealed.json
    expect_status 1
    expect 'write "linux-'
    expect '": "via_copy.so" in its "library"'
    edit mine/socket.json 'it["library"] = {"windows-x86_64": "via_socket.dll"}; del it["abi"], it["sha256"]'
    run via seal mine/socket.json mine/via_socket.so sealed.json
    expect_status 1
    expect "names no library for linux-"
    expect_way_out
    [ ! -e sealed.json ]
}

@test "cli__seal_tells_what_is_wrong_with_its_files" {
    make_folder mine
    run via seal mine/nowhere.json
    expect_status 1
    expect "mine/nowhere.json: No such file or directory"
    expect_not ":-1"
    expect_way_out
    run via seal mine/socket.json nowhere/via_socket.so sealed.json
    expect_status 1
    expect "cannot find the library nowhere/via_socket.so"
    expect_way_out
    mkdir text
    echo text >text/via_socket.so
    run via seal mine/socket.json text/via_socket.so sealed.json
    expect_status 1
    expect "text/via_socket.so"
    expect_way_out
    run via seal mine/socket.json mine/via_socket.so nowhere/sealed.json
    expect_status 1
    expect "nowhere/sealed.json"
    expect_way_out
    echo '{' >mine/socket.json
    run via seal mine/socket.json
    expect_status 1
    expect "mine/socket.json:2:"
    expect_way_out
    [ ! -e sealed.json ]
}

@test "cli__seal_replaces_no_device_no_fifo_no_socket_and_no_folder" {
    make_folder mine
    mkdir outputs outputs/folder
    mkfifo outputs/fifo
    python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("outputs/socket")'
    [ "$(id -u)" -ne 0 ] || mknod outputs/device c 1 3
    ls -lR outputs >before
    for output in outputs/*; do
        ln -s "$work/$output" link
        for name in "$output" link; do
            run timeout 10 via seal mine/socket.json mine/via_socket.so "$name"
            expect_status 1
            expect "$name is not a regular file"
            expect_way_out
        done
        [ -L link ]
        rm link
    done
    ls -lR outputs | diff before -
}

@test "cli__seal_writes_through_a_symlink_as_an_editor_does" {
    make_folder mine
    mkdir elsewhere
    echo old >elsewhere/sealed.json
    chmod 640 elsewhere/sealed.json
    ln -s elsewhere/sealed.json to-a-file
    ln -s elsewhere/fresh.json to-nothing
    ln -s to-nothing elsewhere/../to-a-link
    ln -s circle circle
    for name in to-a-file to-a-link; do
        run via seal mine/socket.json mine/via_socket.so $name
        expect_status 0
        [ -L $name ]
    done
    [ -L to-nothing ]
    cmp elsewhere/sealed.json "$plugins/socket.json"
    cmp elsewhere/fresh.json "$plugins/socket.json"
    [ "$(stat -c %a elsewhere/sealed.json)" = 640 ]
    [ "$(ls elsewhere)" = $'fresh.json\nsealed.json' ]
    run via seal mine/socket.json mine/via_socket.so circle
    expect_status 1
    expect "circle"
    expect_way_out
    [ -L circle ]
}
