/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of via_explain(), as sdk/docs/explain.md describes it. */
#include "load_fixture.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char bus_manifest[] =
    "{\"manifest\": 1, \"kind\": \"transport\", \"name\": \"%s\", \"version\": \"1.0.0\", \"summary\": \"a bus\",\n"
    " \"priority\": %d, \"library\": {\"linux-x86_64\": \"via_good.so\", \"linux-aarch64\": \"via_good.so\"},\n"
    " \"schemes\": {\"bus\": {\"patterns\": [\"pair\", \"topic\"], \"scope\": \"machine\", \"features\": [\"fast\"],\n"
    "  \"guarantees\": {\"attach\": true, \"lossless\": true, \"ordered\": true, \"death\": false}, \"linger\": "
    "\"native\",\n"
    "  \"max_message\": \"1MiB\", \"rest\": \"NAME\", \"carries\": [\"key\"], \"options\": {\n"
    "   \"mode\": {\"type\": \"mode\", \"default\": \"0600\", \"summary\": \"permissions\"},\n"
    "   \"size\": {\"type\": \"size\", \"default\": \"1KiB\", \"min\": 1, \"max\": \"2KiB\", \"summary\": \"s\"},\n"
    "   \"token\": {\"type\": \"string\", \"secret\": true, \"summary\": \"s\"},\n"
    "   \"overflow\": {\"type\": \"enum\", \"values\": [\"block\", \"fail\"], \"default\": \"block\", \"patterns\": "
    "[\"topic\"],\n"
    "                \"summary\": \"s\"}}}}}";

static const char endpoints[] =
    "{\"manifest\": 1, \"endpoints\": {\n"
    " \"orders\": {\"address\": \"bus:orders?size=2KiB\", \"pattern\": \"pair\", \"summary\": \"the orders\",\n"
    "   \"options\": {\"mode\": \"0660\"}},\n"
    " \"some\": {\"any_of\": [\"bus:a\", \"tram:b\"], \"pattern\": \"topic\"},\n"
    " \"needs\": {\"require\": {\"pattern\": \"pair\", \"features\": [\"fast\"]}},\n"
    " \"queue\": {\"address\": \"bus:a\", \"pattern\": \"queue\"},\n"
    " \"sure\": {\"require\": {\"pattern\": \"pair\", \"features\": [\"lossless\", \"ordered\"]}},\n"
    " \"mortal\": {\"require\": {\"pattern\": \"pair\", \"features\": [\"death\"]}},\n"
    " \"far\": {\"require\": {\"pattern\": \"pair\", \"scope\": \"network\"}}}}";

static void write_bus(load_fixture *fixture, const char *file, const char *name, int priority)
{
    char text[4096];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(text, sizeof(text), bus_manifest, name, priority);
#pragma GCC diagnostic pop
    load_fixture_write(fixture, file, text);
}

static int setup(void **state)
{
    (void)load_fixture_setup(state);
    load_fixture_install(*state, "good", "p");
    write_bus(*state, "p/bus.json", "bus", 60);
    load_fixture_write(*state, "e.json", endpoints);
    return 0;
}

static json_t *explain(load_fixture *fixture, const char *address, via_status expected)
{
    char *text = NULL;

    if (!fixture->registry)
        assert_int_equal(load_fixture_open(fixture, "p", "e.json"), VIA_OK);
    assert_int_equal(via_registry_explain(fixture->registry, address, NULL, &text, &fixture->error), expected);
    assert_non_null(text);
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    free(text);
    return json;
}

/* A part by its path, "/options/0/name", rendered as compact JSON with the private folder as "$". */
static void expect(const load_fixture *fixture, json_t *json, const char *path, const char *expected)
{
    char part[64];
    json_t *at = json;

    for (const char *c = path; *c;) {
        size_t size = strcspn(c + 1, "/");
        (void)snprintf(part, sizeof(part), "%.*s", (int)size, c + 1);
        at = json_is_array(at) ? json_array_get(at, (size_t)atoi(part)) : json_object_get(at, part);
        c += size + 1;
    }
    char *text = json_dumps(at, JSON_ENCODE_ANY | JSON_COMPACT);
    if (!text)
        fail_msg("nothing at %s", path);
    size_t size = strlen(fixture->folder);
    for (char *found = strstr(text, fixture->folder); found; found = strstr(found, fixture->folder)) {
        *found = '$';
        memmove(found + 1, found + size, strlen(found + size) + 1);
    }
    assert_string_equal(text, expected);
    free(text);
}

static void test_explain__an_endpoint_with_the_place_of_each_option(void **state)
{
    load_fixture *fixture = *state;
    json_t *json = explain(fixture, "orders?token=hush", VIA_OK);

    expect(fixture, json, "/query", "\"orders\"");
    expect(fixture, json, "/endpoint",
           "{\"name\":\"orders\",\"file\":\"$/e.json\",\"line\":2,\"column\":12,\"summary\":\"the orders\"}");
    expect(fixture, json, "/override", "null");
    expect(fixture, json, "/pattern", "\"pair\"");
    expect(fixture, json, "/address", "\"bus:orders\"");
    expect(fixture, json, "/candidates",
           "[{\"plugin\":\"bus\",\"manifest\":\"$/p/bus.json\",\"priority\":60,\"verdict\":\"chosen\",\"reason\":\"\","
           "\"mend\":\"\"}]");
    expect(fixture, json, "/plugin",
           "{\"name\":\"bus\",\"version\":\"1.0.0\",\"summary\":\"a bus\",\"manifest\":\"$/p/bus.json\",\"library\":"
           "\"$/p/via_good.so\"}");
    expect(fixture, json, "/scheme",
           "{\"name\":\"bus\",\"aliases\":[],\"patterns\":[\"pair\",\"topic\"],\"scope\":\"machine\",\"features\":["
           "\"fast\"],"
           "\"listens\":true,\"max_message\":1048576}");
    expect(fixture, json, "/guarantees",
           "{\"attach\":true,\"lossless\":true,\"ordered\":true,\"death\":false,\"linger\":\"native\",\"loan\":"
           "\"emulated\","
           "\"carries\":[\"key\"]}");
    expect(
        fixture, json, "/options/0",
        "{\"name\":\"mode\",\"value\":\"0660\",\"origin\":\"endpoint\",\"place\":\"$/e.json:3:24\",\"type\":\"mode\","
        "\"default\":\"0600\",\"summary\":\"permissions\"}");
    expect(
        fixture, json, "/options/1",
        "{\"name\":\"size\",\"value\":\"2KiB\",\"origin\":\"endpoint\",\"place\":\"$/e.json:2:12\",\"type\":\"size\","
        "\"default\":\"1KiB\",\"min\":\"1\",\"max\":\"2KiB\",\"summary\":\"s\"}");
    expect(fixture, json, "/options/2",
           "{\"name\":\"token\",\"value\":null,\"origin\":\"address\",\"type\":\"string\",\"default\":null,\"secret\":"
           "true,"
           "\"summary\":\"s\"}");
    expect(fixture, json, "/options/3",
           "{\"name\":\"overflow\",\"value\":\"block\",\"origin\":\"default\",\"type\":\"enum\",\"default\":\"block\","
           "\"values\":[\"block\",\"fail\"],\"patterns\":[\"topic\"],\"summary\":\"s\"}");
    expect(fixture, json, "/host_options/2/value", "\"1MiB\"");
    expect(fixture, json, "/error", "null");
    json_decref(json);
}

static void test_explain__each_candidate_has_a_verdict_and_a_reason(void **state)
{
    load_fixture *fixture = *state;

    write_bus(fixture, "p/a.json", "lesser", 10);
    write_bus(fixture, "p/c.json", "equal", 60);
    write_bus(fixture, "p/d.json", "off", 70);
    load_fixture_edit(fixture, "p/d.json", "\"kind\"", "\"enabled\": false, \"kind\"");
    write_bus(fixture, "p/e.json", "broken", 80);
    load_fixture_edit(fixture, "p/e.json", "via_good.so", "via_nothing.so");
    write_bus(fixture, "p/f.json", "bus", 90);
    json_t *json = explain(fixture, "bus:x", VIA_OK);
    static const char *const expected[] = {
        "{\"plugin\":\"lesser\",\"manifest\":\"$/p/"
        "a.json\",\"priority\":10,\"verdict\":\"skipped\",\"reason\":\"priority 10; "
        "\\\"bus\\\" has 60\",\"mend\":\"\"}",
        "{\"plugin\":\"bus\",\"manifest\":\"$/p/"
        "bus.json\",\"priority\":60,\"verdict\":\"chosen\",\"reason\":\"\",\"mend\":"
        "\"\"}",
        "{\"plugin\":\"equal\",\"manifest\":\"$/p/"
        "c.json\",\"priority\":60,\"verdict\":\"skipped\",\"reason\":\"\\\"bus\\\" has "
        "the same priority and comes first in the search\",\"mend\":\"\"}",
        "{\"plugin\":\"off\",\"manifest\":\"$/p/d.json\",\"priority\":70,\"verdict\":\"disabled\",\"reason\":\"its "
        "manifest "
        "says \\\"enabled\\\": false\",\"mend\":\"set \\\"enabled\\\" to true\"}",
        "{\"plugin\":\"broken\",\"manifest\":\"$/p/"
        "e.json\",\"priority\":80,\"verdict\":\"refused\",\"reason\":\"discover: "
        "cannot find the library $/p/via_nothing.so\",\"mend\":\"install the missing file, or mend its path in the "
        "manifest\"}",
        "{\"plugin\":\"bus\",\"manifest\":\"$/p/f.json\",\"priority\":90,\"verdict\":\"shadowed\",\"reason\":\"$/p/"
        "bus.json "
        "comes first in the search\",\"mend\":\"remove or rename one of the two\"}",
    };
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        char path[32];
        (void)snprintf(path, sizeof(path), "/candidates/%zu", i);
        expect(fixture, json, path, expected[i]);
    }
    json_decref(json);
}

static void test_explain__a_refused_plugin_is_the_error(void **state)
{
    load_fixture *fixture = *state;

    assert_int_equal(chmod(load_fixture_path(fixture, "p"), 0777), 0);
    json_t *json = explain(fixture, "bus:x", VIA_EPERM);
    expect(fixture, json, "/candidates/0/verdict", "\"refused\"");
    expect(fixture, json, "/candidates/0/reason", "\"trust: $/p is writable by everybody\"");
    expect(fixture, json, "/error/stage", "\"trust\"");
    expect(fixture, json, "/error/status", "\"VIA_EPERM\"");
    expect(fixture, json, "/error/mend", "\"chmod go-w '$/p'\"");
    expect(fixture, json, "/plugin/name", "\"bus\"");
    json_decref(json);
}

static void test_explain__a_wrong_option_still_shows_the_others(void **state)
{
    load_fixture *fixture = *state;
    json_t *json = explain(fixture, "bus:x?size=4KiB", VIA_EINVAL);

    expect(fixture, json, "/error/what", "\"option size is 4KiB; expected from 1 to 2KiB\"");
    expect(fixture, json, "/error/stage", "\"options\"");
    expect(fixture, json, "/options/0/value", "\"0600\"");
    json_decref(json);
}

static void test_explain__any_of_and_require_list_their_candidates(void **state)
{
    load_fixture *fixture = *state;
    json_t *json = explain(fixture, "some", VIA_OK);

    expect(fixture, json, "/address", "null");
    expect(fixture, json, "/candidates/0",
           "{\"address\":\"bus:a\",\"plugin\":\"bus\",\"verdict\":\"fits\",\"reason\":\"\",\"mend\":\"\","
           "\"latency_ns\":51024,\"estimate\":\"scope\"}");
    expect(fixture, json, "/candidates/1",
           "{\"address\":\"tram:b\",\"verdict\":\"refused\",\"reason\":\"no plugin serves "
           "\\\"tram:\\\"\",\"mend\":\"install "
           "a plugin for it; via plugins lists what is there\"}");
    json_decref(json);
    json = explain(fixture, "needs", VIA_OK);
    expect(fixture, json, "/candidates/0",
           "{\"scheme\":\"bus\",\"address\":\"bus:needs\",\"plugin\":\"bus\",\"rest\":\"NAME\","
           "\"verdict\":\"chosen\",\"reason\":\"\",\"mend\":\"\",\"latency_ns\":51024,\"estimate\":\"scope\"}");
    expect(
        fixture, json, "/candidates/1",
        "{\"scheme\":\"good\",\"plugin\":\"good\",\"rest\":\"\",\"verdict\":\"unfit\",\"reason\":\"lacks the feature "
        "\\\"fast\\\"\",\"mend\":\"\"}");
    json_decref(json);
    json = explain(fixture, "sure", VIA_OK);
    expect(fixture, json, "/candidates/0/verdict", "\"chosen\"");
    json_decref(json);
    json = explain(fixture, "mortal", VIA_ENOTSUP);
    expect(fixture, json, "/candidates/0/reason", "\"lacks the feature \\\"death\\\"\"");
    json_decref(json);
    json = explain(fixture, "far", VIA_ENOTSUP);
    expect(fixture, json, "/candidates/0/reason", "\"does not reach that far\"");
    json_decref(json);
}

static void test_explain__a_plugin_without_the_pattern_is_not_chosen(void **state)
{
    load_fixture *fixture = *state;
    json_t *json = explain(fixture, "queue", VIA_ENOTSUP);

    expect(fixture, json, "/candidates/0/verdict", "\"unfit\"");
    expect(fixture, json, "/candidates/0/reason", "\"offers pair topic only\"");
    json_decref(json);
}

static void test_explain__what_does_not_exist_has_an_answer_too(void **state)
{
    load_fixture *fixture = *state;
    json_t *json = explain(fixture, "ordres", VIA_ENOENT);

    expect(fixture, json, "/query", "\"ordres\"");
    expect(fixture, json, "/candidates", "[]");
    expect(fixture, json, "/error/mend", "\"write \\\"orders\\\"\"");
    json_decref(json);
    json = explain(fixture, "a b?token=hush", VIA_EINVAL);
    expect(fixture, json, "/query", "\"a b\"");
    json_decref(json);
}

static void test_explain__an_override_shows_what_it_leaves_out(void **state)
{
    load_fixture *fixture = *state;
    const char *plugins = load_fixture_path(fixture, "p"), *files = load_fixture_path(fixture, "e.json");
    via_host_options options;

    via_host_options_init(&options);
    options.flags = VIA_HOST_NO_DEFAULT_PATHS;
    options.plugin_paths = &plugins;
    options.plugin_path_count = 1;
    options.endpoint_paths = &files;
    options.endpoint_path_count = 1;
    (void)setenv("VIADUCT_ADDRESS_ORDERS", "good:moved", 1);
    assert_int_equal(via_registry_open(&options, &fixture->log, &fixture->registry, &fixture->error), VIA_OK);
    json_t *json = explain(fixture, "orders", VIA_OK);
    (void)unsetenv("VIADUCT_ADDRESS_ORDERS");
    expect(fixture, json, "/override", "{\"variable\":\"VIADUCT_ADDRESS_ORDERS\",\"address\":\"good:moved\"}");
    expect(fixture, json, "/address", "\"good:moved\"");
    expect(fixture, json, "/left_out", "[{\"name\":\"mode\",\"origin\":\"endpoint\",\"place\":\"$/e.json:3:24\"}]");
    json_decref(json);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, load_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_explain__an_endpoint_with_the_place_of_each_option),
        TEST(test_explain__each_candidate_has_a_verdict_and_a_reason),
        TEST(test_explain__a_refused_plugin_is_the_error),
        TEST(test_explain__a_wrong_option_still_shows_the_others),
        TEST(test_explain__any_of_and_require_list_their_candidates),
        TEST(test_explain__a_plugin_without_the_pattern_is_not_chosen),
        TEST(test_explain__what_does_not_exist_has_an_answer_too),
        TEST(test_explain__an_override_shows_what_it_leaves_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
