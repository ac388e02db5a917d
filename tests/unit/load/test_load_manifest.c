/* SPDX-License-Identifier: Apache-2.0 */
/* Plugin manifests: what is read, and every refusal with its place, word for word. */
#include "load_fixture.h"

#include "manifest/plugin_manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A whole manifest with parts to be replaced by the cases. */
#define SCHEME_                                                                                                        \
    "\"patterns\": [\"pair\"], \"scope\": \"machine\", \"max_message\": \"1MiB\",\n"                                   \
    "\"guarantees\": {\"attach\": true, \"lossless\": true, \"ordered\": true, \"death\": false}"
#define WITH(top, scheme)                                                                                              \
    "{\"manifest\": 1, \"kind\": \"transport\", \"name\": \"bus\", \"version\": \"1.2.3\", \"summary\": \"a bus\",\n"  \
    "\"library\": {\"linux-x86_64\": \"via_bus.so\"},\n" top "\"schemes\": {\"bus\": {\n" scheme "}}}"
#define OPTION(text) WITH("", SCHEME_ ",\n\"options\": {\"rate\": " text "}")

typedef struct manifest_case {
    const char *text;
    const char *expected;
} manifest_case;

static const manifest_case cases[] = {
    /* parsing */
    {"", "VIA_EINVAL parse m.json:1:1 | not valid JSON: '[' or '{' expected near end of file | mend the JSON here; "
         "comments "
         "and trailing commas are not part of it"},
    {"{\"manifest\": 1,\n \"kind\": \"transport\",}", "VIA_EINVAL parse m.json:2:22 | not valid JSON: string or '}' "
                                                      "expected near '}' | mend the JSON here; comments and "
                                                      "trailing commas are not part of it"},
    {"{\"manifest\": 1,\n\n  \"manifest\": 1}", "VIA_EINVAL parse m.json:3:3 | a key is there twice: duplicate object "
                                                "key near '\"manifest\"' | take one of the two out"},
    {"{\"a\": [[[[[[[[1]]]]]]]]}", "VIA_EINVAL parse m.json:1:14 | nested deeper than 8 levels | take this level out"},
    {"{\"summary\": \"\xff\"}",
     "VIA_EINVAL parse m.json:1:13 | not valid JSON: a byte that is not UTF-8 | save the file as UTF-8"},
    {"[1]",
     "VIA_EINVAL schema m.json:1:1 | the manifest is an array; expected an object | manifests/README.md describes "
     "every field"},
    /* the outer fields */
    {"{}", "VIA_EINVAL schema m.json:1:1 | the manifest lacks the key \"manifest\" | add \"manifest\" here"},
    {"{\"manifest\": 2}",
     "VIA_EINVAL schema m.json:1:14 /manifest | \"manifest\" is 2; this host reads version 1 | write "
     "1, or use a newer Viaduct"},
    {"{\"manifest\": 1, \"kind\": \"transprot\"}", "VIA_EINVAL schema m.json:1:25 /kind | \"kind\" is \"transprot\"; "
                                                   "expected one of transport, layer | write \"transport\""},
    {"{\"manifest\": 1, \"knd\": \"transport\"}",
     "VIA_EINVAL schema m.json:1:17 /knd | unknown key \"knd\"; did you mean \"kind\"? | write \"kind\""},
    {"{\"manifest\": 1, \"colour\": \"red\"}",
     "VIA_EINVAL schema m.json:1:17 /colour | unknown key \"colour\"; expected one of $schema, manifest, kind, name, "
     "version, summary, library, schemes, priority, critical, enabled, threads, resident, abi, sha256 | take it out, "
     "or begin its name with \"x-\" to keep it for yourself"},
    {"{\"manifest\": 1, \"kind\": \"transport\", \"name\": \"My Bus\"}",
     "VIA_EINVAL schema m.json:1:46 /name | \"name\" is \"My Bus\"; expected a lower-case letter, then lower-case "
     "letters, digits, \"_\" and \"-\" | manifests/README.md describes every field"},
    {"{\"version\": \"1.0\"}", "VIA_EINVAL schema m.json:1:13 /version | \"version\" is \"1.0\"; expected "
                               "MAJOR.MINOR.PATCH, such as 1.0.0 | manifests/README.md describes every field"},
    {"{\"summary\": \"\"}", "VIA_EINVAL schema m.json:1:13 /summary | \"summary\" is empty; expected text | "
                            "manifests/README.md describes every field"},
    {"{\"summary\": \"a\\u001bb\"}", "VIA_EINVAL schema m.json:1:13 /summary | \"summary\" holds a control character | "
                                     "take the control character out"},
    {"{\"library\": \"via_bus.so\"}",
     "VIA_EINVAL schema m.json:1:13 /library | \"library\" is a string; expected an object with an entry such as "
     "\"linux-x86_64\" | manifests/README.md describes every field"},
    {"{\"library\": {\"x86_64\": \"via_bus.so\"}}",
     "VIA_EINVAL schema m.json:1:14 /library/x86_64 | unknown platform \"x86_64\"; expected SYSTEM-MACHINE, such as "
     "linux-x86_64 | manifests/README.md describes every field"},
    {"{\"library\": {\"linux-x86_64\": \"lib/../../bus.so\"}}",
     "VIA_EINVAL schema m.json:1:30 /library/linux-x86_64 | the library's path leaves the manifest's folder by \"..\" "
     "| "
     "put the library below the manifest, or write its absolute path"},
    {"{\"sha256\": {\"linux-x86_64\": \"12\"}}", "VIA_EINVAL schema m.json:1:29 /sha256/linux-x86_64 | \"12\" is no "
                                                 "SHA-256; expected 64 lower-case hexadecimal digits "
                                                 "| seal the plugin again: via seal MANIFEST"},
    {"{\"abi\": {\"linux-x86_64\": \"1:2\"}}", "VIA_EINVAL schema m.json:1:26 /abi/linux-x86_64 | \"1:2\" is no ABI; "
                                               "expected MAJOR.MINOR:HASH with 16 hexadecimal "
                                               "digits | seal the plugin again: via seal MANIFEST"},
    {"{\"priority\": 1001}",
     "VIA_EINVAL schema m.json:1:14 /priority | \"priority\" is 1001; expected a whole number from "
     "0 to 1000 | manifests/README.md describes every field"},
    {"{\"priority\": \"high\"}", "VIA_EINVAL schema m.json:1:14 /priority | \"priority\" is a string; expected a whole "
                                 "number | manifests/README.md describes every field"},
    {"{\"critical\": 1}", "VIA_EINVAL schema m.json:1:14 /critical | \"critical\" is a whole number; expected true or "
                          "false | manifests/README.md describes every field"},
    {"{\"schemes\": {}}",
     "VIA_EINVAL schema m.json:1:13 /schemes | \"schemes\" is an object; expected an object with at "
     "least one scheme | manifests/README.md describes every field"},
    {"{\"schemes\": {\"B\": {}}}", "VIA_EINVAL schema m.json:1:14 /schemes/B | \"B\" is no scheme; expected 2 to 31 "
                                   "lower-case letters, digits, \"+\", "
                                   "\".\" and \"-\" | manifests/README.md describes every field"},
    /* a scheme */
    {"{\"schemes\": {\"bus\": {\"patterns\": [\"pair\", \"pear\"]}}}",
     "VIA_EINVAL schema m.json:1:43 /schemes/bus/patterns/1 | element 2 is \"pear\"; expected one of pair, queue, "
     "topic, value, region | manifests/README.md describes every field"},
    {"{\"schemes\": {\"bus\": {\"patterns\": [\"pair\", \"pair\"]}}}",
     "VIA_EINVAL schema m.json:1:43 /schemes/bus/patterns/1 | \"pair\" is there twice | take it out"},
    {"{\"schemes\": {\"bus\": {\"patterns\": []}}}",
     "VIA_EINVAL schema m.json:1:34 /schemes/bus/patterns | \"patterns\" is empty; expected at least one element | "
     "manifests/README.md describes every field"},
    {"{\"schemes\": {\"bus\": {\"scope\": \"planet\"}}}",
     "VIA_EINVAL schema m.json:1:31 /schemes/bus/scope | \"scope\" is \"planet\"; expected one of process, machine, "
     "network | manifests/README.md describes every field"},
    {"{\"schemes\": {\"bus\": {\"max_message\": \"1MB\"}}}",
     "VIA_EINVAL schema m.json:1:37 /schemes/bus/max_message | \"max_message\" is \"1MB\"; expected a size such as "
     "512, "
     "64KiB or 1GiB (units B, KiB, MiB, GiB, TiB) above 0 | manifests/README.md describes every field"},
    {"{\"schemes\": {\"bus\": {\"guarantees\": {\"attach\": true}}}}",
     "VIA_EINVAL schema m.json:1:36 /schemes/bus/guarantees | \"guarantees\" lacks the key \"lossless\" | add "
     "\"lossless\" "
     "here"},
    {"{\"schemes\": {\"bus\": {\"features\": [\"Fast\"]}}}",
     "VIA_EINVAL schema m.json:1:35 /schemes/bus/features/0 | \"Fast\" is not right here; expected lower-case letters, "
     "digits and \"-\" | manifests/README.md describes every field"},
    {WITH("", SCHEME_ ", \"aliases\": [\"bus\"]"), "VIA_EINVAL schema m.json:5:96 /schemes/bus/aliases/0 | the alias "
                                                   "\"bus\" already means the scheme \"bus\" | take it out"},
    /* options */
    {OPTION("{\"type\": \"int\", \"default\": 1}"), "VIA_EINVAL schema m.json:6:21 /schemes/bus/options/rate | "
                                                    "\"rate\" lacks the key \"summary\" | add \"summary\" here"},
    {OPTION("{\"type\": \"flaot\", \"default\": 1, \"summary\": \"s\"}"),
     "VIA_EINVAL schema m.json:6:30 /schemes/bus/options/rate/type | \"type\" is \"flaot\"; expected one of bool, int, "
     "size, duration, string, enum, path, mode | manifests/README.md describes every field"},
    {OPTION("{\"type\": \"int\", \"summary\": \"s\"}"), "VIA_EINVAL schema m.json:6:21 /schemes/bus/options/rate | "
                                                        "this option lacks the key \"default\" | add \"default\" "
                                                        "here"},
    {OPTION("{\"type\": \"int\", \"summary\": \"s\", \"default\": \"5\"}"),
     "VIA_EINVAL schema m.json:6:64 /schemes/bus/options/rate/default | \"default\" is a string; expected a whole "
     "number | "
     "manifests/README.md describes every field"},
    {OPTION("{\"type\": \"int\", \"summary\": \"s\", \"default\": 5, \"min\": 6}"),
     "VIA_EINVAL schema m.json:6:64 /schemes/bus/options/rate/default | the default does not fit: rate is 5; expected "
     "at "
     "least 6 | manifests/README.md describes every field"},
    {OPTION("{\"type\": \"size\", \"summary\": \"s\", \"default\": \"1KiB\", \"min\": \"2KiB\", \"max\": \"1KiB\"}"),
     "VIA_EINVAL schema m.json:6:21 /schemes/bus/options/rate | \"min\" is 2KiB and \"max\" is 1KiB; expected min to "
     "be at "
     "most max | manifests/README.md describes every field"},
    {OPTION("{\"type\": \"bool\", \"summary\": \"s\", \"default\": true, \"min\": 0}"),
     "VIA_EINVAL schema m.json:6:71 /schemes/bus/options/rate/min | \"min\" has no meaning for the type \"bool\" | "
     "take it "
     "out"},
    {OPTION("{\"type\": \"duration\", \"summary\": \"s\", \"default\": \"5\"}"),
     "VIA_EINVAL schema m.json:6:69 /schemes/bus/options/rate/default | the default does not fit: rate is \"5\"; "
     "expected a "
     "duration such as 500ms, 2s or forever (units ns, us, ms, s, min, h) | manifests/README.md describes every field"},
    {OPTION("{\"type\": \"enum\", \"summary\": \"s\", \"default\": \"a\"}"),
     "VIA_EINVAL schema m.json:6:21 /schemes/bus/options/rate | an enum lacks the key \"values\" | add \"values\" "
     "here"},
    {OPTION("{\"type\": \"enum\", \"summary\": \"s\", \"values\": [\"slow\", \"fast\"], \"default\": \"fats\"}"),
     "VIA_EINVAL schema m.json:6:93 /schemes/bus/options/rate/default | the default does not fit: rate is \"fats\"; "
     "expected one of slow, fast; did you mean \"fast\"? | manifests/README.md describes every field"},
    {OPTION("{\"type\": \"int\", \"summary\": \"s\", \"default\": 1, \"values\": [\"a\"]}"),
     "VIA_EINVAL schema m.json:6:67 /schemes/bus/options/rate/values | \"values\" has no meaning for the type \"int\" "
     "| take "
     "it out, or make the type \"enum\""},
    {OPTION("{\"type\": \"string\", \"summary\": \"s\", \"patterns\": [\"topic\"]}"),
     "VIA_EINVAL schema m.json:6:68 /schemes/bus/options/rate/patterns | the scheme does not offer the pattern "
     "\"topic\" | "
     "take it out"},
    {WITH("", SCHEME_ ", \"options\": {\"bind\": {}}"), "VIA_EINVAL schema m.json:5:96 /schemes/bus/options/bind | the "
                                                        "option \"bind\" is the host's own | choose another name"},
    {WITH("", SCHEME_ ", \"options\": {\"a/b~c\": {}}"),
     "VIA_EINVAL schema m.json:5:96 /schemes/bus/options/a~1b~0c | \"a/b~c\" is no option name; expected a lower-case "
     "letter, then lower-case letters, digits and \"_\", at most 31 | manifests/README.md describes every field"},
};

static void test_manifest__each_refusal_names_place_and_expectation(void **state)
{
    load_fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        via_plugin_manifest manifest;
        via_error error;
        via_error_init(&error);
        via_status status = via_plugin_manifest_read(&manifest, "m.json", cases[i].text, strlen(cases[i].text), &error);
        assert_int_equal(status, error.status);
        load_fixture_expect(fixture, &error, cases[i].expected);
        via_plugin_manifest_fini(&manifest);
    }
}

static const char every_field[] =
    "{\"$schema\": \"plugin.schema.json\", \"manifest\": 1, \"kind\": \"transport\", \"name\": \"bus\", "
    "\"version\": "
    "\"1.2.3-rc.1\", \"summary\": \"a bus\", \"library\": {\"linux-x86_64\": \"a.so\", \"linux-aarch64\": "
    "\"a.so\"}, "
    "\"schemes\": {\"bus\": {\"patterns\": [\"pair\", \"topic\"], \"scope\": \"network\", \"features\": "
    "[\"credentials\"], "
    "\"aliases\": [\"coach\"], \"max_message\": 4096, \"listens\": false, \"linger\": \"native\", \"loan\": "
    "\"native\", "
    "\"carries\": [\"key\", \"boundaries\"], \"guarantees\": {\"attach\": true, \"lossless\": false, \"ordered\": "
    "true, "
    "\"death\": true}, \"options\": {\"rate\": {\"type\": \"int\", \"default\": -3, \"min\": -5, \"max\": 9, "
    "\"summary\": "
    "\"s\"}, \"token\": {\"type\": \"string\", \"secret\": true, \"patterns\": [\"topic\"], \"summary\": \"t\"}, "
    "\"wait\": {\"type\": \"duration\", \"default\": \"forever\", \"min\": \"1ms\", \"summary\": \"w\"}}}}, "
    "\"priority\": 70, \"critical\": true, \"enabled\": false, \"threads\": true, \"resident\": true, \"x-mine\": "
    "{}}";

static void test_manifest__every_field_is_read(void **state)
{
    via_plugin_manifest manifest;
    via_error error;

    (void)state;
    via_error_init(&error);
    assert_int_equal(via_plugin_manifest_read(&manifest, "m.json", every_field, strlen(every_field), &error), VIA_OK);
    assert_string_equal(manifest.name, "bus");
    assert_string_equal(manifest.version, "1.2.3-rc.1");
    assert_int_equal(manifest.priority, 70);
    assert_true(manifest.critical && !manifest.enabled && manifest.threads && manifest.resident);
    const via_scheme_manifest *scheme = via_plugin_manifest_scheme(&manifest, "coach");
    assert_non_null(scheme);
    assert_string_equal(scheme->name, "bus");
    assert_int_equal(scheme->patterns, VIA_PATTERN_PAIR | VIA_PATTERN_TOPIC);
    assert_int_equal(scheme->scope, VIA_SCOPE_NETWORK);
    assert_int_equal(scheme->max_message, 4096);
    assert_false(scheme->listens);
    assert_true(via_scheme_manifest_has(scheme, "credentials"));
    assert_int_equal(scheme->info_flags, VIA_INFO_LINGER_NATIVE | VIA_INFO_LOAN_NATIVE | VIA_INFO_CARRIES_KEY |
                                             VIA_INFO_KEEPS_BOUNDARIES | VIA_INFO_ATTACH | VIA_INFO_ORDERED |
                                             VIA_INFO_DEATH);
    assert_int_equal(scheme->options.count, 3);
    assert_int_equal(scheme->options.specs[0].default_number, -3);
    assert_int_equal(scheme->options.specs[0].min, -5);
    assert_int_equal(scheme->options.specs[0].max, 9);
    assert_string_equal(scheme->options.specs[1].default_text, "");
    assert_true(scheme->options.specs[1].secret);
    assert_int_equal(scheme->options.specs[1].patterns, VIA_PATTERN_TOPIC);
    assert_int_equal(scheme->options.specs[2].default_number, -1);
    via_plugin_manifest_fini(&manifest);
}

static void test_manifest__what_is_not_said_has_a_default(void **state)
{
    static const char text[] = WITH("", SCHEME_);
    via_plugin_manifest manifest;
    via_error error;

    (void)state;
    assert_int_equal(via_plugin_manifest_read(&manifest, "m.json", text, strlen(text), &error), VIA_OK);
    assert_int_equal(manifest.priority, 50);
    assert_true(!manifest.critical && manifest.enabled && !manifest.threads && !manifest.resident);
    assert_null(manifest.sha256);
    assert_true(manifest.schemes[0].listens);
    assert_int_equal(manifest.schemes[0].options.count, 0);
    assert_null(via_plugin_manifest_scheme(&manifest, "coach"));
    via_plugin_manifest_fini(&manifest);
}

static void test_manifest__a_text_above_64_kib_is_refused(void **state)
{
    load_fixture *fixture = *state;
    size_t size = 64 * 1024 + 1;
    char *text = malloc(size + 1);
    via_plugin_manifest manifest;
    via_error error;

    memset(text, ' ', size);
    text[size] = '\0';
    assert_int_equal(via_plugin_manifest_read(&manifest, "m.json", text, size, &error), VIA_EINVAL);
    load_fixture_expect(
        fixture, &error,
        "VIA_EINVAL parse m.json:1:65537 | the manifest is larger than 64 KiB | split it: one manifest a "
        "plugin, several endpoint files");
    via_plugin_manifest_fini(&manifest);
    free(text);
}

/* A key that is written with escapes is found all the same, and columns count characters. */
static void test_manifest__places_survive_escapes_and_wide_characters(void **state)
{
    static const char text[] = "{\"summary\": \"\xc3\xa4\xe2\x82\xac\", \"prior\\u0069ty\": \"high\"}";
    load_fixture *fixture = *state;
    via_plugin_manifest manifest;
    via_error error;

    assert_int_equal(via_plugin_manifest_read(&manifest, "m.json", text, strlen(text), &error), VIA_EINVAL);
    load_fixture_expect(fixture, &error,
                        "VIA_EINVAL schema m.json:1:36 /priority | \"priority\" is a string; expected a whole number | "
                        "manifests/README.md describes every field");
    via_plugin_manifest_fini(&manifest);
}

/* ---- in two steps ------------------------------------------------------------------------------------------- */

static via_status read_in_steps(via_plugin_manifest *manifest, const char *text, via_error *error)
{
    via_status status = via_plugin_manifest_outline(manifest, "m.json", text, strlen(text), error);

    return status == VIA_OK ? via_plugin_manifest_complete(manifest, "m.json", text, strlen(text), error) : status;
}

static void test_manifest__two_steps_refuse_as_one_does(void **state)
{
    load_fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        via_plugin_manifest manifest;
        via_error error;
        via_error_init(&error);
        assert_int_equal(read_in_steps(&manifest, cases[i].text, &error), VIA_EINVAL);
        load_fixture_expect(fixture, &error, cases[i].expected);
        assert_false(manifest.is_outline);
        via_plugin_manifest_fini(&manifest);
    }
}

static void test_manifest__an_outline_lacks_the_options_alone(void **state)
{
    const size_t size = strlen(every_field);
    via_plugin_manifest manifest;
    via_error error;

    (void)state;
    assert_int_equal(via_plugin_manifest_outline(&manifest, "m.json", every_field, size, &error), VIA_OK);
    assert_true(manifest.is_outline && manifest.critical && !manifest.enabled && manifest.resident);
    assert_int_equal(manifest.priority, 70);
    const via_scheme_manifest *scheme = via_plugin_manifest_scheme(&manifest, "coach");
    assert_non_null(scheme);
    assert_int_equal(scheme->max_message, 4096);
    assert_int_equal(scheme->options.count, 0);
    assert_int_equal(via_plugin_manifest_complete(&manifest, "m.json", every_field, size, &error), VIA_OK);
    assert_false(manifest.is_outline);
    assert_ptr_equal(via_plugin_manifest_scheme(&manifest, "bus"), scheme);
    assert_string_equal(scheme->name, "bus");
    assert_int_equal(scheme->options.count, 3);
    assert_string_equal(scheme->options.specs[2].name, "wait");
    assert_int_equal(via_plugin_manifest_complete(&manifest, "m.json", every_field, size, &error), VIA_OK);
    assert_int_equal(scheme->options.count, 3);
    via_plugin_manifest_fini(&manifest);
}

/* Brackets and quotes in texts are no structure; a text that is called as a key of options is none. */
static void test_manifest__an_outline_is_not_led_astray(void **state)
{
    static const char *const texts[] = {
        OPTION("{\"type\": \"string\", \"summary\": \"}{[\\\"]}\\\\\"}"),
        WITH("",
             "\"options\" \n : \t {\"rate\": {\"type\": \"bool\", \"default\": true, \"summary\": \"s\"}},\n" SCHEME_),
        WITH("", SCHEME_ ", \"x-options\": [\"options\", {\"options\": 1}], \"x-mine\": {\"a\": [[1]]},"
                         "\"rest\": \"options\", \"options\": {\"rate\": {\"type\": \"string\", \"summary\": \"s\"}}"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        via_plugin_manifest manifest;
        via_error error;
        via_error_init(&error);
        const size_t size = strlen(texts[i]);
        assert_int_equal(via_plugin_manifest_outline(&manifest, "m.json", texts[i], size, &error), VIA_OK);
        assert_true(manifest.is_outline); /* led astray, it would have been read whole */
        assert_int_equal(via_plugin_manifest_complete(&manifest, "m.json", texts[i], size, &error), VIA_OK);
        assert_int_equal(manifest.schemes[0].options.count, 1);
        assert_string_equal(manifest.schemes[0].options.specs[0].name, "rate");
        via_plugin_manifest_fini(&manifest);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, load_fixture_setup, load_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_manifest__each_refusal_names_place_and_expectation),
        TEST(test_manifest__every_field_is_read),
        TEST(test_manifest__what_is_not_said_has_a_default),
        TEST(test_manifest__a_text_above_64_kib_is_refused),
        TEST(test_manifest__places_survive_escapes_and_wide_characters),
        TEST(test_manifest__two_steps_refuse_as_one_does),
        TEST(test_manifest__an_outline_lacks_the_options_alone),
        TEST(test_manifest__an_outline_is_not_led_astray),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
