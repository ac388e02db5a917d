#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The commands that read manifests and run no plugin's code: plugins, validate, explain.

load helpers

make_shop() {
    cat >shop.json <<'END'
{ "manifest": 1, "endpoints": {
    "mail": {"pattern": "pair", "address": "unix:mail", "options": {"mode": "0660"}},
    "jobs": {"pattern": "queue", "address": "unix:jobs", "summary": "what is to be done"},
    "orders": {"pattern": "pair", "any_of": ["unix:orders", "tcp://127.0.0.1:7000"]} } }
END
}

# ---- plugins ---------------------------------------------------------------------------------------------------------

@test "cli__plugins_lists_what_is_ready" {
    run via plugins
    expect_status 0
    [[ ${lines[0]} =~ ^NAME\ +VERSION\ +KIND\ +SCHEMES\ +STATUS ]]
    [[ $output =~ socket\ +[0-9.]+\ +transport\ +unix\ tcp\ +ready ]]
    [[ $output =~ pipe\ +[0-9.]+\ +transport\ +pipe\ exec\ stdio\ +ready ]]
}

@test "cli__plugins_json_has_the_promised_members" {
    run via plugins --json
    expect_status 0
    expect_json '[list(p) for p in it] == [["name", "version", "kind", "schemes", "status", "stage", "reason", "mend", "manifest", "library"]] * len(it)'
    expect_json 'all(p["status"] == "ready" and p["reason"] == "" for p in it)'
    expect_json '[p["schemes"] for p in it if p["name"] == "socket"] == [["unix", "tcp"]]'
    expect_json 'all(p["manifest"].startswith("/") and p["library"].startswith("/") for p in it)'
}

@test "cli__plugins_tells_why_one_was_refused_and_how_to_mend_it" {
    make_folder mine
    edit mine/socket.json 'it["sha256"] = {key: "0" * 64 for key in it["library"]}'
    run via plugins --plugins "$work/mine"
    expect_status 0
    [[ $output =~ socket\ +[0-9.]+\ +transport\ +unix\ tcp\ +refused\ +preflight:\ .*SHA-256 ]]
    expect "mend: "
    expect "$work/mine/socket.json"
    run via plugins --plugins "$work/mine" --json
    expect_json '[(p["status"], bool(p["stage"]), bool(p["mend"])) for p in it if p["manifest"].startswith("'"$work"'")] == [("refused", True, True)]'
}

@test "cli__plugins_tells_a_wrong_manifest_by_line_and_column" {
    make_folder mine
    printf '{\n  "manifest": 1,\n  "nmae": "socket"\n}\n' >mine/socket.json
    run via plugins --plugins "$work/mine"
    expect_status 0
    expect "refused"
    expect "$work/mine/socket.json:3:"
    expect "name"
}

@test "cli__plugins_shows_what_is_shadowed_and_disabled" {
    make_folder mine
    run via plugins --plugins "$work/mine" --json
    expect_json '[p["status"] for p in it if p["name"] == "socket"] == ["ready", "shadowed"]'
    edit mine/socket.json 'it["enabled"] = False'
    run via plugins --plugins "$work/mine" --json
    expect_json '"disabled" in [p["status"] for p in it if p["name"] == "socket"]'
}

@test "cli__plugins_in_a_folder_that_others_may_write_are_refused" {
    make_folder mine
    chmod 777 mine
    run via plugins --plugins "$work/mine"
    expect_status 0
    expect "refused"
    expect "trust: $work/mine is writable by everybody"
    expect "mend:     chmod go-w"
}

@test "cli__plugins_of_another_owner_are_accepted_with_trust" {
    [ "$(id -u)" -eq 0 ] || skip "only root can give files away"
    make_folder mine
    chown -R 12345 mine
    chmod 755 "$work"
    run via plugins --plugins "$work/mine"
    expect "refused"
    expect "VIADUCT_TRUST="
    run via plugins --plugins "$work/mine" --trust "$work/mine" --json
    expect_json '[p["status"] for p in it if p["manifest"].startswith("'"$work"'")] == ["ready"]'
}

@test "cli__plugins_without_any_plugin_says_how_to_name_a_folder" {
    mkdir -m 755 empty
    VIADUCT_PLUGIN_PATH=$work/empty run via plugins
    expect_status 1
    expect "no plugin was found in any folder of the search"
    expect_way_out
    VIADUCT_PLUGIN_PATH=$work/empty run via plugins --json
    expect_status 0
    [ "$output" = "[]" ]
}

@test "cli__tables_line_up_for_wide_characters_and_show_no_control_characters" {
    make_folder mine
    edit mine/socket.json 'it["name"] = "socket"; it["version"] = "1.0.0"; it["summary"] = "端口"'
    mkdir -m 755 "端口"
    cp "$plugins/via_socket.so" "端口"
    printf '{"manifest": 1, "\\u001b[31mred": 1}\n' >"端口/x.json"
    run via plugins --plugins "$work/端口"
    expect_status 0
    expect "端口/x.json"
    expect_not $'\033'
}

@test "cli__plugins_into_a_closed_pipe_is_quiet_and_into_a_full_disk_is_not" {
    run bash -c 'via plugins | true; echo "${PIPESTATUS[0]}"'
    [ "$output" = 0 ]
    run bash -c 'via explain unix:x --json >/dev/full'
    expect_status 1
    expect_not Success
    run bash -c 'via plugins >/dev/full'
    expect_status 1
    expect "standard output: No space left on device"
    expect_way_out
}

# ---- validate --------------------------------------------------------------------------------------------------------

@test "cli__validate_accepts_both_kinds" {
    make_shop
    run via validate "$plugins/socket.json" shop.json
    expect_status 0
    [ "${lines[0]}" = "$plugins/socket.json: ok, a manifest of kind plugin" ]
    [ "${lines[1]}" = "shop.json: ok, a manifest of kind endpoints" ]
}

@test "cli__validate_names_place_pointer_and_nearest_name" {
    printf '{ "manifest": 1, "endpoints": {\n    "mail": {"adress": "unix:mail"} } }\n' >shop.json
    run via validate shop.json
    expect_status 1
    expect "address"
    expect "at:   shop.json:2:"
    expect "/endpoints/mail"
    expect_way_out
}

@test "cli__validate_goes_on_after_a_wrong_file" {
    make_shop
    echo '{' >wrong.json
    run via validate wrong.json shop.json
    expect_status 1
    expect "wrong.json"
    expect "shop.json: ok"
}

@test "cli__validate_tells_a_missing_file" {
    run via validate nowhere.json
    expect_status 1
    expect "nowhere.json"
    expect "No such file or directory"
    expect_way_out
}

@test "cli__validate_names_a_missing_file_once" {
    run via validate nowhere.json
    [ "${lines[0]}" = "via: nowhere.json cannot be opened" ]
    [ "$(grep -c nowhere.json <<<"$output")" = 1 ]
}

@test "cli__validate_tells_what_would_make_it_a_manifest" {
    echo '{"manifest": 1}' >empty.json
    run via validate empty.json
    expect_status 1
    expect 'has neither "endpoints" nor "kind"'
    expect 'mend: add "endpoints"'
}

@test "cli__validate_holds_what_cannot_be_read_for_no_kind" {
    echo '{' >wrong.json
    run via validate wrong.json --json
    expect_status 1
    expect_json 'it[0]["kind"] == "unknown"'
}

@test "cli__validate_of_a_folder_says_how_to_name_its_files" {
    mkdir folder
    run via validate folder
    expect_status 1
    expect "folder is a folder"
    expect "name a file"
}

@test "cli__validate_json_holds_every_verdict" {
    make_shop
    echo '{"manifest": 2}' >wrong.json
    run via validate wrong.json shop.json --json
    expect_status 1
    expect_json '[(v["file"], v["valid"]) for v in it] == [("wrong.json", False), ("shop.json", True)]'
    expect_json 'it[0]["error"]["line"] == 1 and it[0]["error"]["what"] and "error" not in it[1]'
}

# ---- explain ---------------------------------------------------------------------------------------------------------

@test "cli__explain_shows_an_address_with_every_option_and_its_origin" {
    run via explain 'unix:mail?mode=0640' --option linger=3s
    expect_status 0
    [ "${lines[0]}" = "unix:mail" ]
    [[ $output =~ 1\ +socket\ +CHOSEN ]]
    [[ $output =~ address\ +unix:mail ]]
    [[ $output =~ mode\ +0640\ +address ]]
    [[ $output =~ linger\ +3s\ +call ]]
    [[ $output =~ send_buffer\ +[^\ ]+\ +default ]]
    expect "promises  attach lossless ordered no-death"
}

@test "cli__explain_shows_an_endpoint_its_place_and_its_options_places" {
    make_shop
    run via explain mail --endpoints shop.json
    expect_status 0
    [[ ${lines[0]} =~ ^mail\ \ pair\ \ .*shop.json:2:[0-9]+\ \ \(override:\ none\)$ ]]
    [[ $output =~ mode\ +0660\ +.*shop.json:2: ]]
}

@test "cli__explain_shows_an_override" {
    make_shop
    VIADUCT_ADDRESS_MAIL=unix:elsewhere run via explain mail --endpoints shop.json
    expect_status 0
    expect "(override: VIADUCT_ADDRESS_MAIL=unix:elsewhere)"
    [[ $output =~ address\ +unix:elsewhere ]]
}

@test "cli__explain_shows_the_candidates_of_any_of" {
    make_shop
    run via explain orders --endpoints shop.json
    expect_status 0
    [[ $output =~ 1\ +unix:orders\ +fits ]]
    [[ $output =~ 2\ +tcp://127.0.0.1:7000\ +fits ]]
}

@test "cli__explain_answers_wrong_names_with_the_nearest" {
    run via explain unx:mail
    expect_status 1
    expect 'no plugin serves "unx:"; did you mean "unix:"?'
    expect_way_out
    run via explain 'unix:mail?moed=1'
    expect_status 1
    expect 'unix: has no option "moed"; did you mean "mode"?'
    expect_way_out
    run via explain nowhere
    expect_status 1
    expect 'no endpoint is called "nowhere"'
    expect_way_out
}

@test "cli__explain_tells_how_to_mend_an_endpoint_file_that_others_could_replace" {
    mkdir -m 1777 open
    echo '{"manifest": 1, "endpoints": {"mail": {"pattern": "pair", "address": "unix:mail"}}}' >open/shop.json
    run via explain mail --endpoints open/shop.json
    expect_status 1
    expect "the endpoint file $work/open/shop.json is refused: $work/open is writable by everybody"
    expect "mend: move the files into a folder of their own, such as $work/open/mine (mkdir -m 755 makes one)"
    mkdir -m 755 open/mine
    mv open/shop.json open/mine
    if [ "$(id -u)" -eq 0 ]; then # a sticky folder of anybody else's may not be above it either
        run via explain mail --endpoints open/mine/shop.json
        expect_status 0
    fi
}

@test "cli__explain_shows_an_option_that_nothing_decides_as_open" {
    run via explain unix:mail
    expect_status 0
    [[ $output =~ bind\ +open\ +default ]]
    run via explain 'unix:mail?bind=true'
    [[ $output =~ bind\ +true\ +address ]]
}

@test "cli__explain_names_the_variable_where_nothing_else_defines_the_endpoint" {
    VIADUCT_ADDRESS_A_B=unix:q run via explain a.b
    expect_status 0
    [ "${lines[0]}" = "a.b  VIADUCT_ADDRESS_A_B  (override: VIADUCT_ADDRESS_A_B=unix:q)" ]
}

@test "cli__an_option_that_does_not_fit_is_shown_with_its_value" {
    for option in max_message=-1 bind=maybe threads=-1 mode=rwx; do
        run via explain "unix:mail?$option"
        expect_status 1
        expect "option ${option%=*} is \"${option#*=}\"; expected "
        expect_way_out
    done
}

@test "cli__explain_shows_the_options_of_the_endpoints_pattern_only" {
    make_shop
    run via explain mail --endpoints shop.json
    expect_status 0
    expect "redial"
    expect_not "key_delimiter"
    run via explain unix:mail
    [[ $output =~ key_delimiter.*\ \(topic\) ]]
    [[ $output =~ peers.*\ \(queue,\ topic\) ]]
}

@test "cli__explain_does_not_choose_a_plugin_without_the_pattern" {
    echo '{"manifest": 1, "endpoints": {"jobs": {"pattern": "queue", "address": "shm:jobs"}}}' >shop.json
    run via explain jobs --endpoints shop.json
    expect_status 1
    [[ $output =~ 1\ +shm\ +unfit\ +offers\ pair\ topic\ value\ region\ only ]]
    expect_not CHOSEN
    expect_way_out
}

@test "cli__a_table_goes_on_below_itself_where_the_screen_is_narrow" {
    COLUMNS=80 run via explain unix:mail
    expect_status 0
    local table=${output#*OPTION}
    [[ $table =~ framing.*$'\n'\ {30,}[a-z] ]]
    while IFS= read -r line; do
        [ ${#line} -le 80 ]
    done <<<"$table"
    run via explain unix:mail
    [[ $output =~ "how messages are told apart: sp for nanomsg and nng, the others for programs that speak none of it" ]]
}

@test "cli__explain_json_is_what_the_library_says" {
    run via explain unix:mail --json
    expect_status 0
    expect_json 'it["address"] == "unix:mail" and it["plugin"]["name"] == "socket" and it["error"] is None'
    expect_json '{o["name"]: o["origin"] for o in it["options"]}["mode"] == "default"'
}

# ---- what the system refuses -----------------------------------------------------------------------------------------

@test "cli__too_few_descriptors_are_told_as_such_wherever_they_run_out" {
    local limit seen=0
    # A leak check needs descriptors of its own, to look into /proc.
    export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
    for limit in {4..14}; do
        run bash -c "ulimit -n $limit; via recv unix:few --timeout 10ms || true"
        [[ $output == *"Too many open files"* ]] || continue
        expect "limit of open files"
        expect_way_out
        seen=$((seen + 1))
    done
    [ $seen -ge 3 ]
}

@test "cli__a_variable_that_says_nothing_sensible_is_warned_of" {
    VIADUCT_ENDPOINTS=/nowhere run via plugins
    expect_status 0
    expect "via: warning: VIADUCT_ENDPOINTS names /nowhere, which is not there"
    VIADUCT_TRUST=/nowhere run via plugins
    expect "via: warning: VIADUCT_TRUST names /nowhere, which is not there"
    VIADUCT_LOAD=quickly run via plugins
    expect 'via: warning: VIADUCT_LOAD is "quickly"; expected "direct" or "sealed"'
    VIADUCT_ENDPIONTS=/tmp run via plugins
    expect "via: warning: the variable VIADUCT_ENDPIONTS means nothing to Viaduct; did you mean VIADUCT_ENDPOINTS?"
    VIADUCT_LOG=off VIADUCT_ENDPOINTS=/nowhere run via plugins
    expect_not "/nowhere"
}

@test "cli__a_name_that_is_taken_by_a_folder_is_not_to_be_removed" {
    mkdir folder
    run via listen "unix:$work/folder"
    expect_status 1
    expect "mend: choose another name"
    run via listen "shm:$work/folder"
    expect_status 1
    expect "mend: choose another name"
}

@test "cli__memory_that_is_not_granted_is_told_in_bytes" {
    run bash -c 'ulimit -f 8; VIADUCT_LOAD=direct via recv shm:large --pattern value --timeout 5s'
    expect_status 1
    [[ $output =~ no\ [0-9]+\ bytes\ of\ shared\ memory ]]
    expect_way_out
}

@test "cli__a_log_that_cannot_be_written_is_told_and_blocks_nobody" {
    mkfifo nobody-reads
    for file in /nowhere/log nobody-reads; do
        VIADUCT_LOG=warning,$file run timeout 10 via plugins
        expect_status 0
        expect "cannot write to $file"
    done
}

@test "cli__endpoints_lists_each_with_its_place" {
    make_shop
    run via endpoints --endpoints shop.json
    expect_status 0
    [[ ${lines[0]} =~ ^NAME\ +PATTERN\ +ADDRESS\ +WHERE ]]
    [[ $output =~ mail\ +pair\ +unix:mail.*\ +$work/shop.json:[0-9]+:[0-9]+ ]]
    run via endpoints --endpoints shop.json --json
    expect_json 'any(e["name"] == "mail" and e["pattern"] == "pair" and e["line"] > 0 for e in it)'
}

@test "cli__endpoints_tells_why_a_file_was_refused_and_where_there_is_none" {
    echo '{"manifest": 1, "endpoints": {"mail": {"adress": "unix:mail"}}}' >shop.json
    run via endpoints --endpoints shop.json
    expect_status 0
    expect "shop.json:1:"
    expect 'refused: '
    expect 'mend:    '
    output=$(via endpoints --endpoints shop.json --json 2>complaint)
    expect_json 'it[0]["name"] == "" and it[0]["error"]["status"] == "VIA_EINVAL"'
    run via endpoints
    expect_status 1
    expect 'no endpoint was found'
    expect_way_out
}
