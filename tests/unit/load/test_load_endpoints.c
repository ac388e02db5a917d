/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoint manifests and addresses: what is read, and every refusal word for word. */
#include "load_fixture.h"

#include "load/address.h"
#include "manifest/endpoint_manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct refusal_case {
    const char *text;
    const char *expected;
} refusal_case;

#define FILE_(endpoint) "{\"manifest\": 1, \"endpoints\": {\n\"orders\": " endpoint "}}"

static const refusal_case endpoint_cases[] = {
    {"{\"manifest\": 1}",
     "VIA_EINVAL schema e.json:1:1 | the manifest lacks the key \"endpoints\" | add \"endpoints\" here"},
    {"{\"manifest\": 1, \"endpoint\": {}}", "VIA_EINVAL schema e.json:1:17 /endpoint | unknown key \"endpoint\"; did "
                                            "you mean \"endpoints\"? | write \"endpoints\""},
    {"{\"manifest\": 1, \"endpoints\": []}",
     "VIA_EINVAL schema e.json:1:30 /endpoints | \"endpoints\" is an array; expected an object of endpoints | "
     "manifests/README.md describes every field"},
    {"{\"manifest\": 1, \"endpoints\": {\"or ders\": {}}}",
     "VIA_EINVAL schema e.json:1:31 /endpoints/or ders | \"or ders\" is no endpoint name; expected 1 to 63 letters, "
     "digits, \"_\", \".\" and \"-\" | manifests/README.md describes every field"},
    {FILE_("{}"),
     "VIA_EINVAL schema e.json:2:11 /endpoints/orders | \"orders\" says nowhere to go; expected \"address\", "
     "\"any_of\" or \"require\" | add \"address\" here"},
    {FILE_("{\"address\": \"unix:a\", \"any_of\": [\"unix:b\"]}"),
     "VIA_EINVAL schema e.json:2:11 /endpoints/orders | \"orders\" has more than one of \"address\", \"any_of\" and "
     "\"require\" | keep one of them"},
    {FILE_("{\"adress\": \"unix:a\"}"), "VIA_EINVAL schema e.json:2:12 /endpoints/orders/adress | unknown key "
                                        "\"adress\"; did you mean \"address\"? | write "
                                        "\"address\""},
    {FILE_("{\"address\": \"unix:a?b\"}"), "VIA_EINVAL schema e.json:2:23 /endpoints/orders/address | address "
                                           "\"unix:a?...\": an option lacks \"=\", at character "
                                           "8 | write option=value, for a switch option=true"},
    {FILE_("{\"address\": \"billing\"}"),
     "VIA_EINVAL schema e.json:2:23 /endpoints/orders/address | \"billing\" has no scheme; expected scheme:rest, since "
     "endpoints do not name endpoints | write the other endpoint's address here"},
    {FILE_("{\"address\": \"unix:a\", \"pattern\": \"par\"}"),
     "VIA_EINVAL schema e.json:2:44 /endpoints/orders/pattern | \"pattern\" is \"par\"; expected one of pair, queue, "
     "topic, "
     "value, region | write \"pair\""},
    {FILE_("{\"address\": \"unix:a\", \"options\": {\"mode\": 1.5}}"),
     "VIA_EINVAL schema e.json:2:53 /endpoints/orders/options/mode | \"mode\" is a number with a fraction; expected a "
     "string, a whole number, true or false | manifests/README.md describes every field"},
    {FILE_("{\"address\": \"unix:a\", \"options\": {\"Mode\": 1}}"),
     "VIA_EINVAL schema e.json:2:45 /endpoints/orders/options/Mode | \"Mode\" is no option name; expected lower-case "
     "letters, digits and \"_\" | manifests/README.md describes every field"},
    {FILE_("{\"any_of\": []}"),
     "VIA_EINVAL schema e.json:2:22 /endpoints/orders/any_of | \"any_of\" is to be an array of 1 "
     "to 16 addresses, the best first | manifests/README.md describes every field"},
    {FILE_("{\"any_of\": [\"unix:a\", \"unix:a\"]}"),
     "VIA_EINVAL schema e.json:2:33 /endpoints/orders/any_of/1 | \"unix:a\" is there twice | take it out"},
    {FILE_("{\"require\": {\"scope\": \"machine\"}}"), "VIA_EINVAL schema e.json:2:23 /endpoints/orders/require | "
                                                       "\"require\" lacks the key \"pattern\" | add \"pattern\" "
                                                       "here"},
    {FILE_("{\"require\": {\"pattern\": \"pair\"}, \"pattern\": \"pair\"}"),
     "VIA_EINVAL schema e.json:2:44 /endpoints/orders/pattern | \"pattern\" stands beside \"require\" | move it into "
     "\"require\""},
    {FILE_("{\"address\": \"unix:a\", \"layers\": []}"),
     "VIA_EINVAL schema e.json:2:43 /endpoints/orders/layers | \"layers\" is to be an array of 1 to 8 layers, the one "
     "that the program sees first | manifests/README.md describes every field"},
    {FILE_("{\"address\": \"unix:a\", \"layers\": [\"tap\"]}"),
     "VIA_EINVAL schema e.json:2:44 /endpoints/orders/layers/0 | element 1 is a string; expected an object such as "
     "{\"layer\": \"NAME\"} | manifests/README.md describes every field"},
    {FILE_("{\"address\": \"unix:a\", \"layers\": [{\"file\": \"x\"}]}"),
     "VIA_EINVAL schema e.json:2:44 /endpoints/orders/layers/0 | a layer lacks its name, the key \"layer\" | add "
     "\"layer\" here"},
    {FILE_("{\"address\": \"unix:a\", \"layers\": [{\"layer\": \"Tap\"}]}"),
     "VIA_EINVAL schema e.json:2:54 /endpoints/orders/layers/0/layer | \"Tap\" is no layer's name; expected a "
     "lower-case letter, then lower-case letters, digits, \"_\" and \"-\" | via plugins lists the layers"},
    {FILE_("{\"address\": \"unix:a\", \"layers\": [{\"layer\": \"tap\", \"File\": 1}]}"),
     "VIA_EINVAL schema e.json:2:61 /endpoints/orders/layers/0/File | \"File\" is no option name; expected lower-case "
     "letters, digits and \"_\" | manifests/README.md describes every field"},
};

static void test_endpoints__each_refusal_names_place_and_expectation(void **state)
{
    load_fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(endpoint_cases) / sizeof(endpoint_cases[0]); i++) {
        via_endpoints endpoints;
        via_error error;
        via_error_init(&error);
        const char *text = endpoint_cases[i].text;
        via_status status = via_endpoints_read(&endpoints, "e.json", text, strlen(text), &error);
        assert_int_equal(status, error.status);
        load_fixture_expect(fixture, &error, endpoint_cases[i].expected);
        via_endpoints_fini(&endpoints);
    }
}

static void test_endpoints__every_field_is_read(void **state)
{
    static const char text[] =
        "{\"manifest\": 1, \"endpoints\": {\n"
        "  \"a\": {\"address\": \"unix:a\", \"pattern\": \"queue\", \"summary\": \"s\",\n"
        "        \"options\": {\"mode\": \"0660\", \"size\": 12, \"flag\": true}, \"x-owner\": \"me\"},\n"
        "  \"b\": {\"any_of\": [\"unix:b\", \"tcp://127.0.0.1:1\"]},\n"
        "  \"c\": {\"require\": {\"pattern\": \"topic\", \"scope\": \"machine\", \"features\": [\"handles\"],\n"
        "                    \"max_message\": \"64KiB\"}}}}";
    via_endpoints endpoints;
    via_error error;

    (void)state;
    assert_int_equal(via_endpoints_read(&endpoints, "e.json", text, strlen(text), &error), VIA_OK);
    assert_int_equal(endpoints.count, 3);
    const via_endpoint_manifest *a = &endpoints.list[0];
    assert_string_equal(a->address, "unix:a");
    assert_int_equal(a->pattern, VIA_PATTERN_QUEUE);
    assert_string_equal(a->summary, "s");
    assert_int_equal(a->line, 2);
    assert_int_equal(a->column, 8);
    assert_int_equal(a->option_count, 3);
    assert_string_equal(a->options[0].value, "0660");
    assert_string_equal(a->options[1].value, "12");
    assert_string_equal(a->options[2].value, "true");
    assert_int_equal(a->options[1].line, 3);
    assert_int_equal(a->options[1].column, 45);
    assert_int_equal(json_array_size(endpoints.list[1].any_of), 2);
    assert_int_equal(endpoints.list[2].need->pattern, VIA_PATTERN_TOPIC);
    assert_int_equal(endpoints.list[2].need->max_message, 65536);
    via_endpoints_fini(&endpoints);
}

/* ---- addresses ---------------------------------------------------------------------------------------------- */

typedef struct address_case {
    const char *text;
    const char *scheme; /* NULL = an endpoint's name */
    const char *rest;
    const char *options; /* "name=value;" each */
} address_case;

static const address_case right_addresses[] = {
    {"unix:orders", "unix", "orders", ""},
    {"unix:/run/a%20b", "unix", "/run/a%20b", ""},
    {"tcp://[::1]:7000?nodelay=true&backlog=5", "tcp", "//[::1]:7000", "nodelay=true;backlog=5;"},
    {"tcp://h:1?a=1?b", "tcp", "//h:1", "a=1?b;"},
    {"exec:sort -r?env=A%3D1 B%3D2&dir=/tmp", "exec", "sort -r", "env=A=1 B=2;dir=/tmp;"},
    {"exec:echo a+b", "exec", "echo a+b", ""},
    {"unix:x?a=1+1", "unix", "x", "a=1+1;"},
    {"unix:x?a=", "unix", "x", "a=;"},
    {"unix:x?a=b=c", "unix", "x", "a=b=c;"},
    {"unix:x?", "unix", "x", ""},
    {"stdio:", "stdio", "", ""},
    {"pipe:x?delimiter=%0A", "pipe", "x", "delimiter=\n;"},
    {"orders", NULL, "orders", ""},
    {"orders?overflow=block", NULL, "orders", "overflow=block;"},
    {"Orders_1.a-b", NULL, "Orders_1.a-b", ""},
    {"orders?x=a:b", NULL, "orders", "x=a:b;"},
    {"unix:\xc3\xa4", "unix", "\xc3\xa4", ""},
    {"unix:x#y", "unix", "x#y", ""},
};

static void test_address__is_split_and_decoded(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(right_addresses) / sizeof(right_addresses[0]); i++) {
        const address_case *expected = &right_addresses[i];
        via_address address;
        via_error error;
        char options[256] = "";
        if (via_address_parse(expected->text, &address, &error) != VIA_OK)
            fail_msg("%s: %s", expected->text, error.what);
        for (size_t j = 0; j < address.option_count; j++)
            (void)snprintf(options + strlen(options), sizeof(options) - strlen(options), "%s=%s;",
                           address.options[j].name, address.options[j].value);
        assert_string_equal(address.scheme ? address.scheme : "(none)", expected->scheme ? expected->scheme : "(none)");
        assert_string_equal(address.rest, expected->rest);
        assert_string_equal(options, expected->options);
        via_address_fini(&address);
    }
}

static const refusal_case wrong_addresses[] = {
    {"", "VIA_EINVAL resolve | the address is empty | write scheme:rest or the name of an endpoint"},
    {"?a=b", "VIA_EINVAL resolve | the address is empty | write scheme:rest or the name of an endpoint"},
    {":x", "VIA_EINVAL resolve | address \":x\": the scheme before \":\" is missing, at character 1 | write "
           "scheme:rest, such "
           "as unix:orders"},
    {"Unix:x",
     "VIA_EINVAL resolve | address \"Unix:x\": a scheme is lower-case letters, digits, \"+\", \".\" and \"-\", at "
     "character 1 | via plugins lists the schemes"},
    {"1unix:x",
     "VIA_EINVAL resolve | address \"1unix:x\": a scheme begins with a letter, at character 1 | via plugins lists "
     "the schemes"},
    {"abcdefghijklmnopqrstuvwxyzabcdef:x", "VIA_EINVAL resolve | address \"abcdefghijklmnopqrstuvwxyzabcdef:x\": a "
                                           "scheme has at most 31 characters, at character "
                                           "32 | via plugins lists the schemes"},
    {"/run/orders",
     "VIA_EINVAL resolve | address \"/run/orders\": without a scheme it is an endpoint's name, of letters, "
     "digits, \"_\", \".\" and \"-\", at character 1 | write scheme:rest, such as unix:/run/orders, or the "
     "name of an endpoint"},
    {"a b",
     "VIA_EINVAL resolve | address \"a b\": without a scheme it is an endpoint's name, of letters, digits, \"_\", "
     "\".\" and \"-\", at character 2 | write scheme:rest, such as unix:/run/orders, or the name of an endpoint"},
    {"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl",
     "VIA_EINVAL resolve | address \"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl\": an endpoint's "
     "name "
     "has at most 63 characters, at character 64 | shorten it"},
    {"unix:a\nb",
     "VIA_EINVAL resolve | the address holds a control character, at character 7 | write it percent-encoded, a "
     "newline as %0A"},
    {"unix:a\xff", "VIA_EINVAL resolve | the address holds a byte that is not UTF-8, at character 7 | write the byte "
                   "percent-encoded, as %E4"},
    {"unix:\xc0\xaf",
     "VIA_EINVAL resolve | the address holds a byte that is not UTF-8, at character 6 | write the byte "
     "percent-encoded, as %E4"},
    {"unix:a%00", "VIA_EINVAL resolve | address \"unix:a%00\": %00 stands for a NUL byte, which no name can hold, at "
                  "character 7 | take it out"},
    {"unix:a%2",
     "VIA_EINVAL resolve | address \"unix:a%2\": \"%\" is not followed by two hexadecimal digits, at character 7 "
     "| write a percent sign itself as %25"},
    {"unix:a?b=%zz", "VIA_EINVAL resolve | address \"unix:a?...\": \"%\" is not followed by two hexadecimal digits, at "
                     "character 10 | write a percent sign itself as %25"},
    {"unix:a?b",
     "VIA_EINVAL resolve | address \"unix:a?...\": an option lacks \"=\", at character 8 | write option=value, "
     "for a switch option=true"},
    {"unix:a?=b", "VIA_EINVAL resolve | address \"unix:a?...\": an option lacks its name, at character 8 | write "
                  "option=value"},
    {"unix:a?b=1&&c=2",
     "VIA_EINVAL resolve | address \"unix:a?...\": an option is missing, at character 12 | take the extra "
     "\"&\" out"},
    {"unix:a?b=1&b=2",
     "VIA_EINVAL resolve | address \"unix:a?...\": an option is there twice, at character 12 | take one "
     "of the two out"},
};

static void test_address__each_refusal_names_the_character(void **state)
{
    load_fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(wrong_addresses) / sizeof(wrong_addresses[0]); i++) {
        via_address address;
        via_error error;
        via_error_init(&error);
        assert_int_equal(via_address_parse(wrong_addresses[i].text, &address, &error), VIA_EINVAL);
        load_fixture_expect(fixture, &error, wrong_addresses[i].expected);
    }
}

static void test_address__has_limits(void **state)
{
    char text[VIA_ADDRESS_BYTES + 2] = "unix:x?";
    via_address address;
    via_error error;

    (void)state;
    for (size_t i = 0; i < VIA_ADDRESS_OPTIONS + 1; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%so%zu=1", i ? "&" : "", i);
    assert_int_equal(via_address_parse(text, &address, &error), VIA_EINVAL);
    assert_non_null(strstr(error.what, "more than 64 options"));
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    memcpy(text, "unix:", 5);
    assert_int_equal(via_address_parse(text, &address, &error), VIA_EINVAL);
    assert_string_equal(error.what, "the address is longer than 4096 bytes");
    text[VIA_ADDRESS_BYTES] = '\0';
    assert_int_equal(via_address_parse(text, &address, &error), VIA_OK);
    via_address_fini(&address);
    assert_int_equal(via_address_parse(NULL, &address, &error), VIA_EINVAL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, load_fixture_setup, load_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_endpoints__each_refusal_names_place_and_expectation),
        TEST(test_endpoints__every_field_is_read),
        TEST(test_address__is_split_and_decoded),
        TEST(test_address__each_refusal_names_the_character),
        TEST(test_address__has_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
