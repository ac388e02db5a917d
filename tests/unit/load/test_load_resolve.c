/* SPDX-License-Identifier: Apache-2.0 */
/* From an address to typed options: who wins, and every refusal word for word. */
#include "load_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* No library is needed: resolving runs nothing. */
static const char bus_manifest[] =
    "{\"manifest\": 1, \"kind\": \"transport\", \"name\": \"bus\", \"version\": \"1.0.0\", \"summary\": \"a bus\",\n"
    " \"library\": {\"linux-x86_64\": \"via_bus.so\", \"linux-aarch64\": \"via_bus.so\"}, \"schemes\": {\n"
    "  \"bus\": {\"patterns\": [\"pair\", \"queue\", \"topic\", \"value\", \"region\"], \"scope\": \"machine\",\n"
    "   \"guarantees\": {\"attach\": true, \"lossless\": true, \"ordered\": true, \"death\": false},\n"
    "   \"max_message\": \"1MiB\", \"aliases\": [\"coach\"], \"carries\": [\"boundaries\"], \"linger\": \"native\",\n"
    "   \"options\": {\n"
    "    \"mode\": {\"type\": \"mode\", \"default\": \"0600\", \"summary\": \"s\"},\n"
    "    \"buffer\": {\"type\": \"size\", \"default\": \"64KiB\", \"min\": \"4KiB\", \"max\": \"1MiB\", \"summary\": "
    "\"s\"},\n"
    "    \"overflow\": {\"type\": \"enum\", \"values\": [\"block\", \"drop-oldest\"], \"default\": \"block\",\n"
    "                 \"patterns\": [\"topic\"], \"summary\": \"s\"},\n"
    "    \"reconnect\": {\"type\": \"bool\", \"default\": false, \"summary\": \"s\"},\n"
    "    \"wait\": {\"type\": \"duration\", \"default\": \"1s\", \"max\": \"1min\", \"summary\": \"s\"},\n"
    "    \"token\": {\"type\": \"int\", \"default\": 0, \"max\": 9, \"secret\": true, \"summary\": \"s\"},\n"
    "    \"filter\": {\"type\": \"string\", \"summary\": \"s\"}}},\n"
    "  \"dumb\": {\"patterns\": [\"pair\"], \"scope\": \"process\", \"listens\": false, \"max_message\": 10,\n"
    "   \"guarantees\": {\"attach\": false, \"lossless\": false, \"ordered\": false, \"death\": false}}}}\n";

static const char shop_endpoints[] = "{\"manifest\": 1, \"endpoints\": {\n"
                                     "  \"orders\": {\"address\": \"bus:orders?buffer=8KiB\", \"pattern\": \"pair\",\n"
                                     "             \"options\": {\"mode\": \"0660\", \"buffer\": \"16KiB\"}},\n"
                                     "  \"wrong\": {\"address\": \"bus:w\",\n"
                                     "            \"options\": {\"mdoe\": \"0660\"}},\n"
                                     "  \"broken\": {\"address\": \"bus:w\", \"options\": {\"buffer\": \"1KiB\"}},\n"
                                     "  \"some\": {\"any_of\": [\"bus:a\", \"dumb:b\"]},\n"
                                     "  \"needs\": {\"require\": {\"pattern\": \"pair\"}},\n"
                                     "  \"busy.name-1\": {\"address\": \"bus:busy\"},\n"
                                     "  \"poor\": {\"any_of\": [\"dumb:a\", \"ferry:b\"]}}}\n";

static int setup(void **state)
{
    (void)load_fixture_setup(state);
    load_fixture_write(*state, "p/bus.json", bus_manifest);
    load_fixture_write(*state, "e/shop.json", shop_endpoints);
    assert_int_equal(load_fixture_open(*state, "p", "e"), VIA_OK);
    return 0;
}

static via_status resolve(load_fixture *fixture, const char *address, uint32_t role, bool connects,
                          const via_open_options *options, via_resolved *out)
{
    via_error_init(&fixture->error);
    return via_resolve(fixture->registry, address, role, connects, options, out, &fixture->error);
}

static const via_option *option(const via_resolved *resolved, const char *name)
{
    for (size_t i = 0; i < resolved->option_count; i++) {
        if (strcmp(resolved->options[i].name, name) == 0)
            return &resolved->options[i];
    }
    fail_msg("no option %s", name);
    return NULL;
}

static void test_resolve__an_address_gets_typed_options_and_defaults(void **state)
{
    load_fixture *fixture = *state;
    via_resolved out;

    assert_int_equal(resolve(fixture, "bus:a%20b?mode=0640&wait=2s&filter=x%26y", VIA_PAIR, true, NULL, &out), VIA_OK);
    assert_string_equal(out.address, "bus:a%20b");
    assert_string_equal(out.rest, "a%20b");
    assert_string_equal(out.scheme, "bus");
    assert_null(out.endpoint);
    assert_null(out.file);
    assert_int_equal(out.pattern, VIA_PATTERN_PAIR);
    assert_int_equal(out.side, VIA_SIDE_CONNECT);
    assert_int_equal(out.threads, VIA_TWO);
    assert_int_equal(out.max_message, 1048576);
    assert_int_equal(out.info_flags, VIA_INFO_KEEPS_BOUNDARIES | VIA_INFO_LINGER_NATIVE | VIA_INFO_ATTACH |
                                         VIA_INFO_LOSSLESS | VIA_INFO_ORDERED);
    assert_int_equal(out.option_count, 7);
    assert_string_equal(out.options[0].name, "mode"); /* the manifest's order */
    assert_int_equal(option(&out, "mode")->number, 0640);
    assert_int_equal(option(&out, "mode")->is_set, 1);
    assert_int_equal(option(&out, "mode")->type, VIA_OPTION_MODE);
    assert_int_equal(option(&out, "buffer")->number, 65536);
    assert_int_equal(option(&out, "buffer")->is_set, 0);
    assert_string_equal(option(&out, "buffer")->text, "64KiB");
    assert_int_equal(option(&out, "wait")->number, 2000000000);
    assert_string_equal(option(&out, "filter")->text, "x&y");
    via_resolved_fini(&out);
}

static void test_resolve__an_alias_means_the_scheme(void **state)
{
    load_fixture *fixture = *state;
    via_resolved out;

    assert_int_equal(resolve(fixture, "coach:///run/x", VIA_PAIR, true, NULL, &out), VIA_OK);
    assert_string_equal(out.scheme, "bus");
    assert_string_equal(out.address, "bus:///run/x");
    via_resolved_fini(&out);
}

/* endpoint < its address < the address of the call < the options of the call */
static void test_resolve__later_places_win(void **state)
{
    static const char *const call[] = {"buffer=64KiB", "filter=a=b"};
    load_fixture *fixture = *state;
    via_open_options options;
    via_resolved out;

    assert_int_equal(resolve(fixture, "orders", VIA_PAIR, true, NULL, &out), VIA_OK);
    assert_string_equal(out.endpoint, "orders");
    assert_int_equal(out.line, 2);
    assert_int_equal(option(&out, "mode")->number, 0660);
    assert_int_equal(option(&out, "buffer")->number, 8192);
    via_resolved_fini(&out);
    assert_int_equal(resolve(fixture, "orders?buffer=32KiB&mode=0600", VIA_PAIR, true, NULL, &out), VIA_OK);
    assert_int_equal(option(&out, "buffer")->number, 32768);
    assert_int_equal(option(&out, "mode")->number, 0600);
    via_resolved_fini(&out);
    via_open_options_init(&options);
    options.options = call;
    options.option_count = 2;
    assert_int_equal(resolve(fixture, "orders?buffer=32KiB", VIA_PAIR, true, &options, &out), VIA_OK);
    assert_int_equal(option(&out, "buffer")->number, 65536);
    assert_string_equal(option(&out, "filter")->text, "a=b");
    via_resolved_fini(&out);
}

typedef struct side_case {
    const char *address;
    uint32_t role;
    bool connects;
    uint32_t asked;
    uint32_t side;
} side_case;

static void test_resolve__sides_have_defaults_and_can_be_chosen(void **state)
{
    static const side_case cases[] = {
        {"bus:x", VIA_PAIR, true, VIA_SIDE_DEFAULT, VIA_SIDE_CONNECT},
        {"bus:x", VIA_PAIR, false, VIA_SIDE_DEFAULT, VIA_SIDE_BIND},
        {"bus:x", VIA_PAIR, false, VIA_SIDE_BIND, VIA_SIDE_BIND},
        {"bus:x?bind=true", VIA_PAIR, false, VIA_SIDE_DEFAULT, VIA_SIDE_BIND},
        {"bus:x", VIA_PUSH, true, VIA_SIDE_DEFAULT, VIA_SIDE_CONNECT},
        {"bus:x", VIA_PULL, true, VIA_SIDE_DEFAULT, VIA_SIDE_BIND},
        {"bus:x", VIA_PUBLISH, true, VIA_SIDE_DEFAULT, VIA_SIDE_BIND},
        {"bus:x", VIA_SUBSCRIBE, true, VIA_SIDE_DEFAULT, VIA_SIDE_CONNECT},
        {"bus:x?bind=true", VIA_PUSH, true, VIA_SIDE_DEFAULT, VIA_SIDE_BIND},
        {"bus:x?bind=false", VIA_PUBLISH, true, VIA_SIDE_DEFAULT, VIA_SIDE_CONNECT},
        {"bus:x?bind=true", VIA_PUBLISH, true, VIA_SIDE_CONNECT, VIA_SIDE_CONNECT},
        {"bus:x", VIA_PULL, true, VIA_SIDE_CONNECT, VIA_SIDE_CONNECT},
    };
    load_fixture *fixture = *state;
    via_open_options options;
    via_resolved out;

    via_open_options_init(&options);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        options.side = cases[i].asked;
        assert_int_equal(resolve(fixture, cases[i].address, cases[i].role, cases[i].connects, &options, &out), VIA_OK);
        assert_int_equal(out.side, cases[i].side);
        via_resolved_fini(&out);
    }
}

static void test_resolve__the_hosts_own_options(void **state)
{
    load_fixture *fixture = *state;
    via_open_options options;
    via_resolved out;

    assert_int_equal(resolve(fixture, "bus:x?threads=many&max_message=4KiB&reconnect=true", VIA_PAIR, true, NULL, &out),
                     VIA_OK);
    assert_int_equal(out.threads, VIA_MANY);
    assert_int_equal(out.max_message, 4096);
    assert_false(out.info_flags & VIA_INFO_REDIALS); /* whether it does so is the plugin's to say, by whatever option */
    via_resolved_fini(&out);
    via_open_options_init(&options);
    options.threads = VIA_MANY;
    assert_int_equal(resolve(fixture, "bus:x?threads=two", VIA_PUSH, true, &options, &out), VIA_OK);
    assert_int_equal(out.threads, VIA_MANY);
    via_resolved_fini(&out);
}

typedef struct refusal_case {
    const char *address;
    uint32_t role;
    bool connects;
    const char *expected;
} refusal_case;

static const refusal_case refusals[] = {
    {"ordres", VIA_PAIR, true,
     "VIA_ENOENT resolve | no endpoint is called \"ordres\"; did you mean \"orders\"? | write \"orders\""},
    {"elsewhere", VIA_PAIR, true,
     "VIA_ENOENT resolve | no endpoint is called \"elsewhere\" | define it in an endpoint manifest or in "
     "VIADUCT_ADDRESS_ELSEWHERE, or write an address: scheme:rest"},
    {"bsu:x", VIA_PAIR, true,
     "VIA_ENOENT resolve | no plugin serves \"bsu:\"; did you mean \"bus:\"? | write \"bus:\""},
    {"submarine:x", VIA_PAIR, true,
     "VIA_ENOENT resolve | no plugin serves \"submarine:\" | install a plugin for it; via plugins lists what is there"},
    {"bus:x", 7, true,
     "VIA_EINVAL resolve | the role 7; there is no such role | use VIA_PUSH, VIA_PULL, VIA_PUBLISH, ..."},
    {"bus:x?mdoe=1", VIA_PAIR, true,
     "VIA_EINVAL options | bus: has no option \"mdoe\"; did you mean \"mode\"? | write "
     "\"mode\""},
    {"bus:x?colour=1", VIA_PAIR, true,
     "VIA_EINVAL options | bus: has no option \"colour\" | take it out; via explain bus: lists the options"},
    {"bus:x?mode=rw", VIA_PAIR, true,
     "VIA_ETYPE options | option mode is \"rw\"; expected permission bits in octal such as 0600, at most 0777 | give "
     "it such "
     "a value, or leave the option out"},
    {"bus:x?buffer=2MiB", VIA_PAIR, true,
     "VIA_EINVAL options | option buffer is 2MiB; expected from 4KiB to 1MiB | give it such a value, or leave the "
     "option "
     "out"},
    {"bus:x?wait=forever&wait2=1", VIA_PAIR, true,
     "VIA_EINVAL options | option wait is forever; expected at most 1min | give it such a value, or leave the option "
     "out"},
    {"bus:x?overflow=drop", VIA_PUBLISH, true,
     "VIA_EINVAL options | option overflow is \"drop\"; expected one of block, drop-oldest | give it such a value, or "
     "leave "
     "the option out"},
    {"bus:x?overflow=block", VIA_PAIR, true,
     "VIA_EINVAL options | option overflow is for topic; this is a pair | take it out"},
    {"bus:x?token=10", VIA_PAIR, true,
     "VIA_EINVAL options | option token is (hidden); expected at most 9 | give it such a value, or leave the option "
     "out"},
    {"bus:x?token=hush", VIA_PAIR, true,
     "VIA_ETYPE options | option token is \"(hidden)\"; expected a whole number | give it such a value, or leave the "
     "option "
     "out"},
    {"bus:x?bind=yes", VIA_PUSH, true,
     "VIA_ETYPE options | option bind is \"yes\"; expected true or false | give it such a value, or leave the option "
     "out"},
    {"bus:x?bind=true", VIA_PAIR, true,
     "VIA_EINVAL options | option bind is true, but via_dial() connects | take it out, or listen"},
    {"bus:x?bind=false", VIA_PAIR, false,
     "VIA_EINVAL options | option bind is false, but via_listen() binds | take it out, or dial"},
    {"bus:x?threads=three", VIA_PAIR, true,
     "VIA_EINVAL options | option threads is \"three\"; expected two or many | give it such a value, or leave the "
     "option out"},
    {"bus:x?max_message=2MiB", VIA_PAIR, true,
     "VIA_EINVAL options | option max_message is 2MiB; bus: carries messages of 1 byte to 1MiB | write a size up "
     "to that, or choose another scheme"},
    {"bus:x?max_message=big", VIA_PAIR, true,
     "VIA_ETYPE options | option max_message is \"big\"; expected a size such as 512, 64KiB or 1GiB (units B, KiB, "
     "MiB, GiB, "
     "TiB) | give it such a value, or leave the option "
     "out"},
    {"bus:x?pattern=pair", VIA_PAIR, true,
     "VIA_EINVAL options | \"pattern\" is no option of an address | write \"pattern\" in the endpoint manifest, "
     "bind=true or "
     "bind=false in an address"},
    {"bus:x?layers=tap", VIA_PAIR, true,
     "VIA_ENOENT resolve | no plugin has the layer \"tap\" | install a plugin for it; via plugins lists what is there"},
    {"dumb:x", VIA_PUSH, true,
     "VIA_ENOTSUP resolve | dumb: does not offer the pattern queue; it offers pair | use another scheme: via "
     "explain SCHEME:x says what it offers"},
    {"dumb:x", VIA_PAIR, false, "VIA_ENOTSUP resolve | dumb: cannot be listened on | dial it"},
    {"orders", VIA_PUSH, true,
     "VIA_EINVAL resolve $/e/shop.json:2:13 | the endpoint \"orders\" is a pair; it cannot be opened as a queue | open "
     "it in "
     "the pattern that its manifest states, or change it there"},
    {"wrong", VIA_PAIR, true,
     "VIA_EINVAL options $/e/shop.json:5:33 | bus: has no option \"mdoe\"; did you mean \"mode\"? | write \"mode\""},
    {"broken", VIA_PAIR, true,
     "VIA_EINVAL options $/e/shop.json:6:56 | option buffer is 1KiB; expected from 4KiB to 1MiB | give it such a "
     "value, or "
     "leave the option out"},
    {"poor", VIA_PUSH, true,
     "VIA_ENOTSUP resolve $/e/shop.json:10:11 | no candidate of \"poor\" can be used; see each below | use another "
     "scheme: via explain SCHEME:x says what it offers | dumb:a: VIA_ENOTSUP: dumb: does not offer the pattern queue; "
     "it "
     "offers pair\nferry:b: VIA_ENOENT: no plugin serves \"ferry:\""},
    {"some?mdoe=1", VIA_PAIR, true,
     "VIA_EINVAL options | no candidate of \"some\" has an option \"mdoe\"; did you mean \"mode\"? | write \"mode\""},
    {"some?mode=rw", VIA_PAIR, true,
     "VIA_ETYPE options | option mode is \"rw\"; expected permission bits in octal such as 0600, at most 0777 | give "
     "it such a value, or "
     "leave the option out | the candidate is bus:a"},
};

static void test_resolve__each_refusal_is_word_for_word(void **state)
{
    load_fixture *fixture = *state;
    via_resolved out;

    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        assert_int_not_equal(resolve(fixture, refusals[i].address, refusals[i].role, refusals[i].connects, NULL, &out),
                             VIA_OK);
        load_fixture_expect(fixture, &fixture->error, refusals[i].expected);
    }
}

static void test_resolve__options_of_the_call_are_checked_too(void **state)
{
    static const char *const wrong[] = {"mode", "=1", "mode=rw", "colour=1"};
    static const char *const expected[] = {
        "VIA_EINVAL options | the option \"mode\" of the call is not of the form name=value | write name=value",
        "VIA_EINVAL options | the option \"=1\" of the call is not of the form name=value | write name=value",
        "VIA_ETYPE options | option mode is \"rw\"; expected permission bits in octal such as 0600, at most 0777 | "
        "give it "
        "such a value, or leave the option out | it was set in the call",
        "VIA_EINVAL options | bus: has no option \"colour\" | take it out; via explain bus: lists the options | it was "
        "set in "
        "the call",
    };
    load_fixture *fixture = *state;
    via_open_options options;
    via_resolved out;

    via_open_options_init(&options);
    options.option_count = 1;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        options.options = &wrong[i];
        assert_int_not_equal(resolve(fixture, "bus:x", VIA_PAIR, true, &options, &out), VIA_OK);
        load_fixture_expect(fixture, &fixture->error, expected[i]);
    }
}

/* ---- variables ---------------------------------------------------------------------------------------------- */

/* A host that reads the environment, but no default folder. */
static void open_with_environment(load_fixture *fixture)
{
    const char *plugins = load_fixture_path(fixture, "p"), *endpoints = load_fixture_path(fixture, "e");
    via_host_options options;

    via_host_options_init(&options);
    options.flags = VIA_HOST_NO_DEFAULT_PATHS;
    options.plugin_paths = &plugins;
    options.plugin_path_count = 1;
    options.endpoint_paths = &endpoints;
    options.endpoint_path_count = 1;
    via_registry_close(fixture->registry);
    fixture->registry = NULL;
    assert_int_equal(via_registry_open(&options, &fixture->log, &fixture->registry, &fixture->error), VIA_OK);
}

static void test_resolve__a_variable_moves_an_endpoint(void **state)
{
    load_fixture *fixture = *state;
    via_resolved out;

    (void)setenv("VIADUCT_ADDRESS_ORDERS", "dumb:other", 1);
    (void)setenv("VIADUCT_ADDRESS_BUSY_NAME_1", "bus:moved?buffer=4KiB", 1);
    (void)setenv("VIADUCT_ADDRESS_NEW", "bus:new", 1);
    (void)setenv("VIADUCT_ADDRESS_SOME", "nowhere", 1);
    open_with_environment(fixture);
    /* The options that the new scheme does not have are left out, not refused. */
    assert_int_equal(resolve(fixture, "orders", VIA_PAIR, true, NULL, &out), VIA_OK);
    assert_string_equal(out.address, "dumb:other");
    via_resolved_fini(&out);
    assert_int_equal(resolve(fixture, "busy.name-1", VIA_PAIR, true, NULL, &out), VIA_OK);
    assert_string_equal(out.rest, "moved");
    assert_int_equal(option(&out, "buffer")->number, 4096);
    via_resolved_fini(&out);
    assert_int_equal(resolve(fixture, "new?mode=0640", VIA_PAIR, true, NULL, &out), VIA_OK);
    assert_string_equal(out.endpoint, "new");
    assert_int_equal(option(&out, "mode")->number, 0640);
    via_resolved_fini(&out);
    assert_int_equal(resolve(fixture, "some", VIA_PAIR, true, NULL, &out), VIA_EINVAL);
    load_fixture_expect(fixture, &fixture->error,
                        "VIA_EINVAL resolve | the variable VIADUCT_ADDRESS_SOME: the address has no scheme | write "
                        "scheme:rest; an endpoint's name does not do here");
    (void)setenv("VIADUCT_ADDRESS_NEW", "bus:new?buffer=1", 1);
    assert_int_equal(resolve(fixture, "new", VIA_PAIR, true, NULL, &out), VIA_EINVAL);
    load_fixture_expect(
        fixture, &fixture->error,
        "VIA_EINVAL options | option buffer is 1; expected from 4KiB to 1MiB | give it such a value, or "
        "leave the option out | it was set by the variable VIADUCT_ADDRESS_NEW");
    (void)unsetenv("VIADUCT_ADDRESS_ORDERS");
    (void)unsetenv("VIADUCT_ADDRESS_BUSY_NAME_1");
    (void)unsetenv("VIADUCT_ADDRESS_NEW");
    (void)unsetenv("VIADUCT_ADDRESS_SOME");
}

static void test_resolve__no_environment_means_none(void **state)
{
    load_fixture *fixture = *state;
    via_resolved out;

    (void)setenv("VIADUCT_ADDRESS_ORDERS", "dumb:other", 1);
    assert_int_equal(resolve(fixture, "orders", VIA_PAIR, true, NULL, &out), VIA_OK);
    assert_string_equal(out.address, "bus:orders");
    via_resolved_fini(&out);
    (void)unsetenv("VIADUCT_ADDRESS_ORDERS");
}

static void test_resolve__a_misspelt_variable_is_warned_about(void **state)
{
    load_fixture *fixture = *state;

    (void)setenv("VIADUCT_PLUGINS_PATH", "/x", 1);
    (void)setenv("VIADUCT_ADDRESS_ORDRES", "bus:x", 1);
    (void)setenv("VIADUCT_COLOUR", "red", 1);
    open_with_environment(fixture);
    (void)unsetenv("VIADUCT_PLUGINS_PATH");
    (void)unsetenv("VIADUCT_ADDRESS_ORDRES");
    (void)unsetenv("VIADUCT_COLOUR");
    assert_non_null(strstr(fixture->lines,
                           "2 : the variable VIADUCT_PLUGINS_PATH means nothing to Viaduct; did you mean "
                           "VIADUCT_PLUGIN_PATH?\n"));
    assert_non_null(strstr(fixture->lines,
                           "2 : the variable VIADUCT_ADDRESS_ORDRES names no endpoint of any manifest; did "
                           "you mean VIADUCT_ADDRESS_ORDERS?\n"));
    assert_non_null(strstr(fixture->lines, "2 : the variable VIADUCT_COLOUR means nothing to Viaduct\n"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, load_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_resolve__an_address_gets_typed_options_and_defaults),
        TEST(test_resolve__an_alias_means_the_scheme),
        TEST(test_resolve__later_places_win),
        TEST(test_resolve__sides_have_defaults_and_can_be_chosen),
        TEST(test_resolve__the_hosts_own_options),
        TEST(test_resolve__each_refusal_is_word_for_word),
        TEST(test_resolve__options_of_the_call_are_checked_too),
        TEST(test_resolve__a_variable_moves_an_endpoint),
        TEST(test_resolve__no_environment_means_none),
        TEST(test_resolve__a_misspelt_variable_is_warned_about),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
