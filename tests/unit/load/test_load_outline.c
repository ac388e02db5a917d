/* SPDX-License-Identifier: Apache-2.0 */
/* Options that the first look does not read: when a mistake in them is told, and what it changes. */
#include "load_fixture.h"

#include "load/entry.h"

#include <stdio.h>
#include <string.h>

#define GOOD_OPTION "{\"type\": \"int\", \"default\": 1, \"summary\": \"s\"}"
#define BAD_OPTION "{\"type\": \"itn\", \"default\": 1, \"summary\": \"s\"}"

static void write_plugin(load_fixture *fixture, const char *name, const char *more, const char *option)
{
    char file[64], text[1024];

    (void)snprintf(file, sizeof(file), "p/%s.json", name);
    (void)snprintf(text, sizeof(text),
                   "{\"manifest\": 1, \"kind\": \"transport\", \"name\": \"%s\", \"version\": \"1.0.0\", \"summary\": "
                   "\"s\",\n\"library\": {\"linux-x86_64\": \"via_good.so\", \"linux-aarch64\": \"via_good.so\"},\n%s"
                   "\"schemes\": {\"good\": {\"patterns\": [\"pair\"], \"scope\": \"machine\", \"max_message\": 1,\n"
                   "\"guarantees\": {\"attach\": false, \"lossless\": false, \"ordered\": false, \"death\": false},\n"
                   "\"options\": {\"rate\":\n%s}}}}",
                   name, more, option);
    load_fixture_write(fixture, file, text);
}

static const char refusal[] = "$/p/bad.json:6:10 /schemes/good/options/rate/type | \"type\" is \"itn\"; expected one "
                              "of bool, int, size, duration, string, enum, path, mode | write \"int\"";

static void expect_refusal(load_fixture *fixture, const via_error *error, const char *status, const char *more)
{
    char expected[1024];

    (void)snprintf(expected, sizeof(expected), "%s schema bad %s%s", status, refusal, more);
    load_fixture_expect(fixture, error, expected);
}

/* How often the log has the refusal. */
static int count_warnings(const load_fixture *fixture)
{
    int count = 0;

    for (const char *at = fixture->lines; (at = strstr(at, "/p/bad.json:6:10: refused: \"type\" is ")); at++)
        count++;
    return count;
}

static via_status resolve(load_fixture *fixture, const char *address, char plugin[64])
{
    via_resolved out;
    via_status status = via_resolve(fixture->registry, address, VIA_PAIR, true, NULL, &out, &fixture->error);

    if (status == VIA_OK) {
        (void)snprintf(plugin, 64, "%s", out.plugin->name);
        via_resolved_fini(&out);
    }
    return status;
}

static void test_outline__the_first_use_is_refused_in_full(void **state)
{
    load_fixture *fixture = *state;
    char plugin[64];

    write_plugin(fixture, "bad", "", BAD_OPTION);
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(count_warnings(fixture), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(resolve(fixture, "good:x", plugin), VIA_EREFUSED);
        expect_refusal(fixture, &fixture->error, "VIA_EREFUSED",
                       " | the plugin \"bad\", which serves \"good:\", was refused");
    }
    assert_int_equal(count_warnings(fixture), 1);
}

static void test_outline__the_listing_says_why(void **state)
{
    load_fixture *fixture = *state;

    write_plugin(fixture, "bad", "", BAD_OPTION);
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    for (int i = 0; i < 2; i++) {
        via_plugin_info info = load_fixture_plugin(fixture, "bad");
        assert_int_equal(info.status, VIA_PLUGIN_REFUSED);
        expect_refusal(fixture, &info.error, "VIA_EINVAL", "");
    }
    assert_int_equal(count_warnings(fixture), 1);
}

/* The plugin with the mistake would have been the first choice. */
static void test_outline__another_plugin_serves_and_the_log_has_the_reason(void **state)
{
    load_fixture *fixture = *state;
    char plugin[64] = "";

    load_fixture_install(fixture, "good", "p");
    write_plugin(fixture, "bad", "\"priority\": 900, ", BAD_OPTION);
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(resolve(fixture, "good:x", plugin), VIA_OK);
    assert_string_equal(plugin, "good");
    assert_int_equal(count_warnings(fixture), 1);
}

static void test_outline__options_are_there_when_the_scheme_is_used(void **state)
{
    load_fixture *fixture = *state;
    char plugin[64] = "";

    load_fixture_install(fixture, "good", "p");
    write_plugin(fixture, "other", "\"priority\": 900, ", GOOD_OPTION);
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(resolve(fixture, "good:x?rate=7", plugin), VIA_OK);
    assert_string_equal(plugin, "other");
    assert_int_equal(resolve(fixture, "good:x?rte=7", plugin), VIA_EINVAL);
    assert_string_equal(fixture->error.what, "good: has no option \"rte\"; did you mean \"rate\"?");
}

static void test_outline__a_critical_plugin_is_read_whole_at_once(void **state)
{
    load_fixture *fixture = *state;

    write_plugin(fixture, "bad", "\"critical\": true, ", BAD_OPTION);
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_EINVAL);
    expect_refusal(fixture, &fixture->error, "VIA_EINVAL",
                   " | the plugin is critical: its manifest says that nothing may run without it");
}

/* Nobody has looked at the options yet; all the same the entry is no last good one that could serve on. */
static void test_outline__one_that_was_never_good_does_not_stay(void **state)
{
    load_fixture *fixture = *state;
    via_plugin_info info;

    load_fixture_install(fixture, "good", "p");
    write_plugin(fixture, "bad", "", BAD_OPTION);
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    write_plugin(fixture, "bad", "\"priority\": \"high\", ", BAD_OPTION);
    assert_int_equal(via_registry_scan(fixture->registry, &fixture->error), VIA_OK);
    info = load_fixture_plugin(fixture, "bad");
    assert_int_equal(info.status, VIA_PLUGIN_REFUSED);
    assert_string_equal(info.error.pointer, "/priority");
    write_plugin(fixture, "bad", "\"threads\": true, ", GOOD_OPTION);
    assert_int_equal(via_registry_scan(fixture->registry, &fixture->error), VIA_OK);
    assert_int_equal(load_fixture_plugin(fixture, "bad").status, VIA_PLUGIN_READY);
}

/* It replaces nothing that could be used. */
static void test_outline__one_that_is_mended_has_come(void **state)
{
    load_fixture *fixture = *state;

    load_fixture_install(fixture, "good", "p");
    write_plugin(fixture, "bad", "", BAD_OPTION);
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    write_plugin(fixture, "bad", "\"threads\": true, ", GOOD_OPTION);
    assert_int_equal(via_registry_scan(fixture->registry, &fixture->error), VIA_OK);
    assert_non_null(strstr(fixture->lines, "/p/bad.json came\n"));
    assert_int_equal(count_warnings(fixture), 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, load_fixture_setup, load_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_outline__the_first_use_is_refused_in_full),
        TEST(test_outline__the_listing_says_why),
        TEST(test_outline__another_plugin_serves_and_the_log_has_the_reason),
        TEST(test_outline__options_are_there_when_the_scheme_is_used),
        TEST(test_outline__a_critical_plugin_is_read_whole_at_once),
        TEST(test_outline__one_that_was_never_good_does_not_stay),
        TEST(test_outline__one_that_is_mended_has_come),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
