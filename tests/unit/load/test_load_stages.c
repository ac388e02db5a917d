/* SPDX-License-Identifier: Apache-2.0 */
/* The refusal of every stage of loading, word for word. */
#include "load_fixture.h"

#include "manifest/plugin_manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct stage_case {
    const char *plugin;
    bool listed_ready; /* what the listing says: it runs nothing */
    const char *expected;
} stage_case;

static const stage_case cases[] = {
    {"no_note", false,
     "VIA_EREFUSED preflight no_note $/p/no_note.json:0:0 | the library carries no Viaduct ABI note, so it is not a "
     "plugin | define the plugin with VIA_PLUGIN(), and link without discarding .note.viaduct"},
    {"wrong_major", false,
     "VIA_EREFUSED preflight wrong_major $/p/wrong_major.json:0:0 | the plugin speaks version 2 of the plugin ABI; "
     "expected version 1 | install the Viaduct that the plugin was built for"},
    {"static_tls", false,
     "VIA_EREFUSED preflight static_tls $/p/static_tls.json:0:0 | the library needs static thread-local storage, which "
     "a "
     "running program may have none left of | build it without -ftls-model=initial-exec or local-exec"},
    {"no_symbol", false,
     "VIA_EREFUSED preflight no_symbol $/p/no_symbol.json:0:0 | the library does not define the symbol via_plugin_v1 | "
     "define the plugin with VIA_PLUGIN(), and export it"},
    {"no_symbol_sysv", true,
     "VIA_EREFUSED load no_symbol_sysv $/p/no_symbol_sysv.json:0:0 | the library does not define the symbol "
     "via_plugin_v1 "
     "| define the plugin with VIA_PLUGIN(), and export it"},
    {"wrong_name", true,
     "VIA_EREFUSED negotiate wrong_name $/p/wrong_name.json:0:0 | the library calls itself \"somebody_else\"; the "
     "manifest says \"wrong_name\" | make manifest and library say the same name"},
    {"other_scheme", true,
     "VIA_EREFUSED negotiate other_scheme $/p/other_scheme.json:0:0 | the library offers the scheme \"elsewhere\", "
     "which "
     "the manifest does not | add it to \"schemes\" in the manifest"},
    {"other_patterns", true,
     "VIA_EREFUSED negotiate other_patterns $/p/other_patterns.json:0:0 | scheme \"other-patterns\": the manifest "
     "claims "
     "the patterns pair, the library offers pair topic | make manifest and transport table say the same"},
    {"missing_slot", true,
     "VIA_EREFUSED negotiate missing_slot $/p/missing_slot.json:0:0 | scheme \"missing-slot\": the mandatory slot "
     "\"arm\" "
     "of the channel table is empty | write the missing function; <viaduct/plugin.h> says what it has to do"},
    {"missing_listener", true,
     "VIA_EREFUSED negotiate missing_listener $/p/missing_listener.json:0:0 | scheme \"missing-listener\": the "
     "mandatory "
     "slot \"accept\" of the listener table is empty | write the missing function; <viaduct/plugin.h> says what it has "
     "to do"},
    {"half_loan", true,
     "VIA_EREFUSED negotiate half_loan $/p/half_loan.json:0:0 | scheme \"half-loan\": of \"loan\", \"commit\" and "
     "\"discard\" only some are filled | fill all three or none"},
    {"init_fails", true,
     "VIA_EIO init init_fails $/p/init_fails.json:0:0 | the fixture's device is not there | plug it in"},
    {"init_silent", true,
     "VIA_EIO init init_silent $/p/init_silent.json:0:0 | the plugin failed to start and did not say why | ask the "
     "plugin's maker"},
};

static void address_of(const char *plugin, char *address, size_t capacity)
{
    (void)snprintf(address, capacity, "%s:x", plugin);
    for (char *c = address; *c; c++)
        *c = *c == '_' ? '-' : *c;
}

static void test_stages__each_refusal_is_word_for_word(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *loaded;
    char address[64];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        load_fixture_install(fixture, cases[i].plugin, "p");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        address_of(cases[i].plugin, address, sizeof(address));
        assert_int_not_equal(load_fixture_load(fixture, address, &loaded), VIA_OK);
        assert_null(loaded);
        load_fixture_expect(fixture, &fixture->error, cases[i].expected);
    }
}

/* Again, from the second call on, from the listing, and from a new registry that has not tried to load. */
static void test_stages__the_listing_keeps_the_reason(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *loaded;
    char address[64];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        load_fixture_install(fixture, cases[i].plugin, "p");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        via_plugin_info info = load_fixture_plugin(fixture, cases[i].plugin);
        assert_int_equal(info.status, cases[i].listed_ready ? VIA_PLUGIN_READY : VIA_PLUGIN_REFUSED);
        address_of(cases[i].plugin, address, sizeof(address));
        via_status status = load_fixture_load(fixture, address, &loaded);
        info = load_fixture_plugin(fixture, cases[i].plugin);
        assert_int_equal(info.status, VIA_PLUGIN_REFUSED);
        assert_int_equal(info.error.status, status);
        load_fixture_expect(fixture, &info.error, cases[i].expected);
        assert_int_equal(load_fixture_load(fixture, address, &loaded), status);
    }
}

static void test_stages__wrong_hash_names_both_hashes(void **state)
{
    load_fixture *fixture = *state;
    char expected[512];

    load_fixture_install(fixture, "wrong_hash", "p");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    via_plugin_info info = load_fixture_plugin(fixture, "wrong_hash");
    (void)snprintf(
        expected, sizeof(expected),
        "VIA_EREFUSED preflight wrong_hash $/p/wrong_hash.json:0:0 | the plugin was built with other tables: "
        "its ABI hash is 0123456789abcdef; expected %016llx | build the plugin again with the headers and the "
        "compiler settings of this version",
        (unsigned long long)VIA_ABI_HASH);
    load_fixture_expect(fixture, &info.error, expected);
}

static void test_stages__another_machine_is_named(void **state)
{
    load_fixture *fixture = *state;
    char expected[512];

    load_fixture_install(fixture, "wrong_machine", "p");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    via_plugin_info info = load_fixture_plugin(fixture, "wrong_machine");
    (void)snprintf(expected, sizeof(expected),
                   "VIA_EREFUSED preflight wrong_machine $/p/wrong_machine.json:0:0 | the library is built for another "
                   "machine (%d bit); expected %s (%d bit) | install the library built for this machine",
                   (int)sizeof(void *) * 8, strchr(via_platform, '-') + 1, (int)sizeof(void *) * 8);
    load_fixture_expect(fixture, &info.error, expected);
}

static void test_stages__an_unresolved_symbol_is_named(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *loaded;

    load_fixture_install(fixture, "unresolved", "p");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(load_fixture_load(fixture, "unresolved:x", &loaded), VIA_EREFUSED);
    assert_int_equal(fixture->error.stage, VIA_STAGE_LOAD);
    assert_non_null(strstr(fixture->error.what, "the library cannot be loaded: "));
    assert_non_null(strstr(fixture->error.what, "via_fixture_nobody_has_this"));
}

static void test_stages__a_missing_library_is_said_at_discover(void **state)
{
    load_fixture *fixture = *state;

    load_fixture_install(fixture, "good", "p");
    assert_int_equal(unlink(load_fixture_path(fixture, "p/via_good.so")), 0);
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    via_plugin_info info = load_fixture_plugin(fixture, "good");
    load_fixture_expect(
        fixture, &info.error,
        "VIA_ENOENT discover good $/p/good.json:0:0 | cannot find the library $/p/via_good.so | install "
        "the missing file, or mend its path in the manifest");
}

typedef struct damage_case {
    const char *bytes; /* the whole library */
    size_t size;
    const char *expected;
} damage_case;

static void test_stages__damaged_libraries_are_refused_before_they_are_loaded(void **state)
{
    static const damage_case damages[] = {
        {"", 0,
         "VIA_EREFUSED preflight good $/p/good.json:0:0 | the file is not an ELF library | point \"library\" at the "
         "shared "
         "library of the plugin"},
        {"#!/bin/sh\nexit 0\n", 17,
         "VIA_EREFUSED preflight good $/p/good.json:0:0 | the file is not an ELF library | point \"library\" at the "
         "shared "
         "library of the plugin"},
        {"\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0", 18,
         "VIA_EREFUSED preflight good $/p/good.json:0:0 | the library is cut short or damaged: its header is "
         "incomplete | "
         "build or copy it again"},
    };
    load_fixture *fixture = *state;

    load_fixture_install(fixture, "good", "p");
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        FILE *file = fopen(load_fixture_path(fixture, "p/via_good.so"), "w");
        (void)fwrite(damages[i].bytes, 1, damages[i].size, file);
        (void)fclose(file);
        assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
        via_plugin_info info = load_fixture_plugin(fixture, "good");
        load_fixture_expect(fixture, &info.error, damages[i].expected);
    }
}

/* Cut anywhere, a library is refused or at least read without going astray (the sanitizers watch). */
static void test_stages__a_library_cut_anywhere_does_no_harm(void **state)
{
    load_fixture *fixture = *state;
    size_t size;

    load_fixture_install(fixture, "aborts", "p");
    char *bytes = load_fixture_read(fixture, "p/via_aborts.so", &size);
    for (size_t cut = 0; cut < size; cut += cut < 1200 ? 37 : 997) {
        assert_int_equal(truncate(load_fixture_path(fixture, "p/via_aborts.so"), (off_t)cut), 0);
        assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
        via_plugin_info info = load_fixture_plugin(fixture, "aborts");
        assert_true(info.status == VIA_PLUGIN_REFUSED || info.status == VIA_PLUGIN_READY);
        load_fixture_install(fixture, "aborts", "p");
    }
    free(bytes);
}

static void test_stages__a_folder_in_place_of_the_library_is_refused(void **state)
{
    load_fixture *fixture = *state;

    load_fixture_install(fixture, "good", "p");
    assert_int_equal(unlink(load_fixture_path(fixture, "p/via_good.so")), 0);
    assert_int_equal(mkdir(load_fixture_path(fixture, "p/via_good.so"), 0755), 0);
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    via_plugin_info info = load_fixture_plugin(fixture, "good");
    load_fixture_expect(fixture, &info.error,
                        "VIA_EREFUSED preflight good $/p/good.json:0:0 | $/p/via_good.so is not a regular file | point "
                        "\"library\" at the shared library");
}

static void test_stages__another_platform_is_named(void **state)
{
    load_fixture *fixture = *state;
    size_t size;

    load_fixture_install(fixture, "good", "p");
    char *text = load_fixture_read(fixture, "p/good.json", &size);
    char *platform = strstr(text, "\"linux-");
    char *end = strchr(platform + 1, '"');
    char old[64];
    (void)snprintf(old, sizeof(old), "%.*s", (int)(end - platform) + 1, platform);
    load_fixture_edit(fixture, "p/good.json", old, "\"windows-arm64\"");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    via_plugin_info info = load_fixture_plugin(fixture, "good");
    (void)snprintf(old, sizeof(old), "the plugin has no library for %.*s", (int)(end - platform) - 1, platform + 1);
    assert_string_equal(info.error.what, old);
    assert_int_equal(info.error.status, VIA_ENOTSUP);
    free(text);
}

/* The constructor of this plugin aborts, and nothing else is wrong with it. */
static void test_stages__listing_resolving_and_explaining_run_no_code(void **state)
{
    load_fixture *fixture = *state;
    via_resolved resolved;
    char *json = NULL;

    load_fixture_install(fixture, "aborts", "p");
    load_fixture_edit(fixture, "p/aborts.json", "\"kind\"", "\"critical\": true,\n  \"kind\"");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(load_fixture_plugin(fixture, "aborts").status, VIA_PLUGIN_READY);
    assert_int_equal(via_resolve(fixture->registry, "aborts:x", VIA_PAIR, true, NULL, &resolved, &fixture->error),
                     VIA_OK);
    via_resolved_fini(&resolved);
    assert_int_equal(via_registry_explain(fixture->registry, "aborts:x", NULL, &json, &fixture->error), VIA_OK);
    assert_non_null(strstr(json, "\"chosen\""));
    free(json);
    assert_int_equal(via_registry_scan(fixture->registry, &fixture->error), VIA_OK);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, load_fixture_setup, load_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_stages__each_refusal_is_word_for_word),
        TEST(test_stages__the_listing_keeps_the_reason),
        TEST(test_stages__wrong_hash_names_both_hashes),
        TEST(test_stages__another_machine_is_named),
        TEST(test_stages__an_unresolved_symbol_is_named),
        TEST(test_stages__a_missing_library_is_said_at_discover),
        TEST(test_stages__damaged_libraries_are_refused_before_they_are_loaded),
        TEST(test_stages__a_library_cut_anywhere_does_no_harm),
        TEST(test_stages__a_folder_in_place_of_the_library_is_refused),
        TEST(test_stages__another_platform_is_named),
        TEST(test_stages__listing_resolving_and_explaining_run_no_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
