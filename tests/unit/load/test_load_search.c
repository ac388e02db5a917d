/* SPDX-License-Identifier: Apache-2.0 */
/* The search: order, shadows, disabled and critical plugins, choice between plugins, and the watch. */
#include "load_fixture.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_plugin(load_fixture *fixture, const char *file, const char *name, const char *scheme,
                         const char *more)
{
    char text[2048];

    (void)snprintf(
        text, sizeof(text),
        "{\"manifest\": 1, \"kind\": \"transport\", \"name\": \"%s\", \"version\": \"1.0.0\", \"summary\": \"s\", "
        "\"library\": {\"linux-x86_64\": \"via.so\", \"linux-aarch64\": \"via.so\"}, %s \"schemes\": {\"%s\": "
        "{\"patterns\": [\"pair\"], \"scope\": \"machine\", \"max_message\": 1, \"guarantees\": {\"attach\": "
        "false, \"lossless\": false, \"ordered\": false, \"death\": false}}}}",
        name, more, scheme);
    load_fixture_write(fixture, file, text);
}

/* "name:status name:status ..." in the order of the search. */
static const char *listing(load_fixture *fixture)
{
    static const char *const names[] = {"?", "ready", "loaded", "refused", "shadowed", "disabled"};
    static char text[1024];
    via_plugin_info info = {.size = sizeof(info)};
    size_t cursor = 0;

    text[0] = '\0';
    while (via_registry_plugin_next(fixture->registry, &cursor, &info) == VIA_OK)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s:%s", text[0] ? " " : "", info.name,
                       names[info.status]);
    return text;
}

static void test_search__folders_in_order_and_files_by_bytes(void **state)
{
    load_fixture *fixture = *state;

    write_plugin(fixture, "b/z.json", "one", "one", "");
    write_plugin(fixture, "b/a.json", "two", "two", "");
    write_plugin(fixture, "b/B.json", "three", "three", "");
    write_plugin(fixture, "a/a.json", "four", "four", "");
    load_fixture_write(fixture, "b/notes.txt", "not a manifest");
    load_fixture_write(fixture, "b/.hidden.json", "{}");
    assert_int_equal(load_fixture_open(fixture, "b:missing:a:b", NULL), VIA_OK);
    assert_string_equal(listing(fixture),
                        "three:refused two:refused one:refused four:refused"); /* no library is there */
    assert_non_null(strstr(fixture->lines, "via_host_options.plugin_paths names "));
}

static void test_search__the_first_of_a_name_shadows_the_rest(void **state)
{
    load_fixture *fixture = *state;

    load_fixture_install(fixture, "good", "a");
    load_fixture_install(fixture, "good", "b");
    assert_int_equal(load_fixture_open(fixture, "a:b", NULL), VIA_OK);
    assert_string_equal(listing(fixture), "good:ready good:shadowed");
    via_plugin_info info = {.size = sizeof(info)};
    size_t cursor = 1;
    assert_int_equal(via_registry_plugin_next(fixture->registry, &cursor, &info), VIA_OK);
    load_fixture_expect(
        fixture, &info.error,
        "VIA_EBUSY discover good $/b/good.json:0:0 | $/a/good.json comes first in the search | remove or "
        "rename one of the two");
}

static void test_search__one_bad_plugin_does_not_stop_the_others(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *loaded;

    load_fixture_write(fixture, "p/aaa.json", "{ this is not JSON");
    write_plugin(fixture, "p/bbb.json", "bbb", "bbb", "\"priority\": \"high\",");
    load_fixture_install(fixture, "init_fails", "p");
    load_fixture_install(fixture, "good", "p");
    fixture->is_watched =
        true; /* another look, as files that are so new bring about, would give init_fails another chance */
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_not_equal(load_fixture_load(fixture, "init-fails:x", &loaded), VIA_OK);
    assert_int_equal(load_fixture_load(fixture, "good:x", &loaded), VIA_OK);
    assert_string_equal(listing(fixture), "aaa:refused bbb:refused good:loaded init_fails:refused");
    via_loader_release(loaded);
    assert_non_null(strstr(fixture->lines, "/p/aaa.json:1:3: refused: not valid JSON: "));
}

/* The plugin that has the scheme is known even if its manifest is wrong, and the caller is told so. */
static void test_search__the_refusal_of_the_scheme_s_plugin_is_the_answer(void **state)
{
    load_fixture *fixture = *state;
    via_resolved out;

    write_plugin(fixture, "p/bus.json", "bus", "bus", "\"priority\": 50,");
    load_fixture_edit(fixture, "p/bus.json", "\"machine\"", "\"planet\"");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(via_resolve(fixture->registry, "bus:x", VIA_PAIR, true, NULL, &out, &fixture->error),
                     VIA_EREFUSED);
    load_fixture_expect(
        fixture, &fixture->error,
        "VIA_EREFUSED schema bus $/p/bus.json:1:222 /schemes/bus/scope | \"scope\" is \"planet\"; expected "
        "one of process, machine, network | manifests/README.md describes every field | the plugin \"bus\", "
        "which serves \"bus:\", was refused");
}

static void test_search__a_disabled_plugin_is_listed_and_not_used(void **state)
{
    load_fixture *fixture = *state;
    via_resolved out;

    write_plugin(fixture, "p/bus.json", "bus", "bus", "\"enabled\": false, \"critical\": true,");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_string_equal(listing(fixture), "bus:disabled");
    assert_int_equal(via_resolve(fixture->registry, "bus:x", VIA_PAIR, true, NULL, &out, &fixture->error), VIA_ENOENT);
    load_fixture_expect(
        fixture, &fixture->error,
        "VIA_ENOENT resolve bus $/p/bus.json:0:0 | the plugin \"bus\", which serves \"bus:\", is disabled | "
        "set \"enabled\" to true in its manifest");
}

static void test_search__a_critical_plugin_must_be_good(void **state)
{
    static const char *const wrong[] = {"\"critical\": true,", "\"critical\": true, \"priority\": \"high\","};
    load_fixture *fixture = *state;

    for (size_t i = 0; i < 2; i++) {
        write_plugin(fixture, "p/bus.json", "bus", "bus", wrong[i]);
        assert_int_not_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
        assert_null(fixture->registry);
        assert_string_equal(fixture->error.more,
                            "the plugin is critical: its manifest says that nothing may run without it");
        assert_string_equal(fixture->error.plugin, "bus");
    }
}

static void test_search__no_plugin_at_all_names_the_folders(void **state)
{
    load_fixture *fixture = *state;
    via_resolved out;

    assert_int_equal(mkdir(load_fixture_path(fixture, "p"), 0755), 0);
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(via_resolve(fixture->registry, "bus:x", VIA_PAIR, true, NULL, &out, &fixture->error), VIA_ENOENT);
    load_fixture_expect(fixture, &fixture->error,
                        "VIA_ENOENT resolve | no plugin serves \"bus:\" | set VIADUCT_PLUGIN_PATH to the folder of the "
                        "plugins | no plugin is in $/p");
}

/* Two plugins with one scheme: the refused one steps aside, then priority counts, then the order of the search. */
static void test_search__priority_chooses_between_plugins(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *loaded;

    load_fixture_install(fixture, "good", "p");
    write_plugin(fixture, "p/best.json", "best", "good", "\"priority\": 99,"); /* has no library */
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(load_fixture_load(fixture, "good:x", &loaded), VIA_OK);
    assert_string_equal(loaded->name, "good");
    via_loader_release(loaded);
}

static void test_search__the_first_endpoint_of_a_name_counts(void **state)
{
    load_fixture *fixture = *state;
    via_endpoint_info info = {.size = sizeof(info)};
    size_t cursor = 0;

    load_fixture_write(fixture, "e/a.json", "{\"manifest\": 1, \"endpoints\": {\"x\": {\"address\": \"bus:first\"}}}");
    load_fixture_write(fixture, "e/b.json",
                       "{\"manifest\": 1, \"endpoints\": {\n\"x\": {\"address\": \"bus:second\"},\n"
                       "\"y\": {\"require\": {\"pattern\": \"topic\"}, \"summary\": \"s\"}}}");
    load_fixture_write(fixture, "c.json", "{}");
    assert_int_equal(load_fixture_open(fixture, NULL, "e:c.json"), VIA_OK);
    assert_int_equal(via_registry_endpoint_next(fixture->registry, &cursor, &info), VIA_OK);
    assert_string_equal(info.address, "bus:first");
    assert_int_equal(info.error.status, VIA_OK);
    assert_int_equal(via_registry_endpoint_next(fixture->registry, &cursor, &info), VIA_OK);
    assert_string_equal(info.address, "bus:second");
    load_fixture_expect(
        fixture, &info.error,
        "VIA_EBUSY discover $/e/b.json:2:6 | the endpoint \"x\" of $/e/a.json comes first | rename one of the "
        "two");
    assert_int_equal(via_registry_endpoint_next(fixture->registry, &cursor, &info), VIA_OK);
    assert_string_equal(info.name, "y");
    assert_int_equal(info.pattern, VIA_PATTERN_TOPIC);
    assert_string_equal(info.summary, "s");
    assert_int_equal(via_registry_endpoint_next(fixture->registry, &cursor, &info), VIA_OK);
    assert_string_equal(info.name, "");
    load_fixture_expect(
        fixture, &info.error,
        "VIA_EINVAL schema $/c.json:1:1 | the manifest lacks the key \"manifest\" | add \"manifest\" here");
    assert_int_equal(via_registry_endpoint_next(fixture->registry, &cursor, &info), VIA_ENOENT);
}

/* An older program's record ends earlier; what lies behind it is not ours. */
static void test_search__a_shorter_record_is_not_overrun(void **state)
{
    load_fixture *fixture = *state;
    via_plugin_info info;
    size_t cursor = 0;

    load_fixture_install(fixture, "good", "p");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    memset(&info, 0x5a, sizeof(info));
    info.size = offsetof(via_plugin_info, kind);
    assert_int_equal(via_registry_plugin_next(fixture->registry, &cursor, &info), VIA_OK);
    assert_string_equal(info.name, "good");
    assert_int_equal(info.size, offsetof(via_plugin_info, kind));
    assert_int_equal(info.kind[0], 0x5a);
    info.size = 2;
    assert_int_equal(via_registry_plugin_next(fixture->registry, &cursor, &info), VIA_EINVAL);
}

/* ---- the environment ------------------------------------------------------------------------------------------- */

static bool finds(load_fixture *fixture, const char *name)
{
    via_plugin_info info = {.size = sizeof(info)};
    size_t cursor = 0;
    via_registry *registry = NULL;
    bool found = false;

    assert_int_equal(via_registry_open(NULL, &fixture->log, &registry, &fixture->error), VIA_OK);
    while (via_registry_plugin_next(registry, &cursor, &info) == VIA_OK)
        found = found || strcmp(info.name, name) == 0;
    via_registry_close(registry);
    return found;
}

static void test_search__variables_name_the_folders(void **state)
{
    load_fixture *fixture = *state;
    char both[3000];

    write_plugin(fixture, "path/one.json", "from-path", "one", "");
    write_plugin(fixture, "add/two.json", "from-add", "two", "");
    write_plugin(fixture, "data/viaduct/plugins/three.json", "from-data", "three", "");
    (void)setenv("VIADUCT_ADD_PLUGIN_PATH", load_fixture_path(fixture, "add"), 1);
    (void)setenv("XDG_DATA_HOME", load_fixture_path(fixture, "data"), 1);
    (void)unsetenv("VIADUCT_PLUGIN_PATH");
    assert_true(finds(fixture, "from-add"));
    assert_true(finds(fixture, "from-data"));
    (void)snprintf(both, sizeof(both), ":/nowhere::%s", load_fixture_path(fixture, "path"));
    (void)setenv("VIADUCT_PLUGIN_PATH", both, 1); /* replaces the rest */
    assert_true(finds(fixture, "from-path"));
    assert_false(finds(fixture, "from-add"));
    assert_false(finds(fixture, "from-data"));
    (void)unsetenv("VIADUCT_PLUGIN_PATH");
    (void)unsetenv("VIADUCT_ADD_PLUGIN_PATH");
    (void)unsetenv("XDG_DATA_HOME");
}

/* ---- the watch ------------------------------------------------------------------------------------------------ */

static bool has_changed(const via_poll_handle *handle, int timeout_ms)
{
    struct pollfd wait = {.fd = (int)handle->handle, .events = POLLIN};

    return poll(&wait, 1, timeout_ms) == 1;
}

static void test_search__the_watch_tells_of_changes_until_the_next_scan(void **state)
{
    load_fixture *fixture = *state;
    via_poll_handle handle = {.size = sizeof(handle)}, again = {.size = sizeof(again)};

    assert_int_equal(mkdir(load_fixture_path(fixture, "p"), 0755), 0);
    assert_int_equal(load_fixture_open(fixture, "p:later/on", NULL), VIA_OK);
    assert_int_equal(via_registry_watch(fixture->registry, &handle, &fixture->error), VIA_OK);
    assert_int_equal(via_registry_watch(fixture->registry, &again, &fixture->error), VIA_OK);
    assert_int_equal(handle.handle, again.handle);
    assert_false(has_changed(&handle, 0));
    load_fixture_install(fixture, "good", "p");
    assert_true(has_changed(&handle, 5000));
    assert_true(has_changed(&handle, 0)); /* until the scan */
    assert_int_equal(via_registry_scan(fixture->registry, &fixture->error), VIA_OK);
    assert_false(has_changed(&handle, 0));
    assert_string_equal(listing(fixture), "good:ready");
    /* A folder that was not there is noticed when it comes, and then watched itself. */
    assert_int_equal(mkdir(load_fixture_path(fixture, "later"), 0755), 0);
    assert_true(has_changed(&handle, 5000));
    assert_int_equal(via_registry_scan(fixture->registry, &fixture->error), VIA_OK);
    assert_false(has_changed(&handle, 0));
    load_fixture_install(fixture, "wide", "later/on");
    assert_true(has_changed(&handle, 5000));
    assert_int_equal(via_registry_scan(fixture->registry, &fixture->error), VIA_OK);
    assert_string_equal(listing(fixture), "good:ready wide:ready");
    assert_int_equal(unlink(load_fixture_path(fixture, "p/good.json")), 0);
    assert_true(has_changed(&handle, 5000));
    assert_int_equal(via_registry_scan(fixture->registry, &fixture->error), VIA_OK);
    assert_string_equal(listing(fixture), "wide:ready");
}

static void test_search__the_watch_sees_a_single_file_change(void **state)
{
    load_fixture *fixture = *state;
    via_poll_handle handle = {.size = sizeof(handle)};
    via_resolved out;

    load_fixture_install(fixture, "good", "p");
    load_fixture_write(fixture, "e/shop.json", "{\"manifest\": 1, \"endpoints\": {}}");
    assert_int_equal(load_fixture_open(fixture, "p", "e/shop.json"), VIA_OK);
    assert_int_equal(via_registry_watch(fixture->registry, &handle, &fixture->error), VIA_OK);
    load_fixture_write(fixture, "e/shop.json",
                       "{\"manifest\": 1, \"endpoints\": {\"orders\": {\"address\": \"good:x\"}}}");
    assert_true(has_changed(&handle, 5000));
    assert_int_equal(via_registry_scan(fixture->registry, &fixture->error), VIA_OK);
    assert_int_equal(via_resolve(fixture->registry, "orders", VIA_PAIR, true, NULL, &out, &fixture->error), VIA_OK);
    via_resolved_fini(&out);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, load_fixture_setup, load_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_search__folders_in_order_and_files_by_bytes),
        TEST(test_search__the_first_of_a_name_shadows_the_rest),
        TEST(test_search__one_bad_plugin_does_not_stop_the_others),
        TEST(test_search__the_refusal_of_the_scheme_s_plugin_is_the_answer),
        TEST(test_search__a_disabled_plugin_is_listed_and_not_used),
        TEST(test_search__a_critical_plugin_must_be_good),
        TEST(test_search__no_plugin_at_all_names_the_folders),
        TEST(test_search__priority_chooses_between_plugins),
        TEST(test_search__the_first_endpoint_of_a_name_counts),
        TEST(test_search__a_shorter_record_is_not_overrun),
        TEST(test_search__variables_name_the_folders),
        TEST(test_search__the_watch_tells_of_changes_until_the_next_scan),
        TEST(test_search__the_watch_sees_a_single_file_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
