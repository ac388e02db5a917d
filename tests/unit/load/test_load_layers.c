/* SPDX-License-Identifier: Apache-2.0 */
/* Layers of an address or endpoint: what is read, who wins, what stands on what, and every refusal word for word. */
#include "load_fixture.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <viaduct/layer.h>

/* No library is needed: resolving runs nothing. */
static const char bus_manifest[] =
    "{\"manifest\": 1, \"kind\": \"transport\", \"name\": \"bus\", \"version\": \"1.0.0\", \"summary\": \"a bus\",\n"
    " \"library\": {\"linux-x86_64\": \"via_bus.so\", \"linux-aarch64\": \"via_bus.so\"}, \"schemes\": {\n"
    "  \"bus\": {\"patterns\": [\"pair\", \"queue\"], \"scope\": \"machine\", \"max_message\": \"1MiB\",\n"
    "   \"carries\": [\"key\", \"boundaries\"], \"loan\": \"native\", \"linger\": \"native\",\n"
    "   \"guarantees\": {\"attach\": true, \"lossless\": true, \"ordered\": true, \"death\": true},\n"
    "   \"options\": {\"file\": {\"type\": \"string\", \"summary\": \"s\"}}},\n"
    "  \"slot\": {\"patterns\": [\"pair\"], \"scope\": \"machine\", \"max_message\": 20,\n"
    "   \"guarantees\": {\"attach\": true, \"lossless\": true, \"ordered\": true, \"death\": true}}}}\n";

static const char layer_manifest[] =
    "{\"manifest\": 1, \"kind\": \"layer\", \"name\": \"lot\", \"version\": \"1.0.0\", \"summary\": \"layers\",\n"
    " \"library\": {\"linux-x86_64\": \"via_lot.so\", \"linux-aarch64\": \"via_lot.so\"}, \"layers\": {\n"
    "  \"tap\": {\"patterns\": [\"pair\", \"queue\"], \"bytes\": \"kept\", \"passes\": [\"via.handles/1\"],\n"
    "   \"options\": {\"file\": {\"type\": \"path\", \"summary\": \"s\"},\n"
    "               \"depth\": {\"type\": \"int\", \"default\": 3, \"min\": 1, \"max\": 9, \"summary\": \"s\"},\n"
    "               \"share\": {\"type\": \"bool\", \"default\": false, \"patterns\": [\"queue\"], \"summary\": "
    "\"s\"},\n"
    "               \"key\": {\"type\": \"string\", \"secret\": true, \"summary\": \"s\"}}},\n"
    "  \"zip\": {\"patterns\": [\"pair\", \"queue\"], \"bytes\": \"changed\", \"overhead\": 8, \"clears\": "
    "[\"linger\"]},\n"
    "  \"seal\": {\"patterns\": [\"pair\"], \"bytes\": \"changed\", \"overhead\": 32},\n"
    "  \"call\": {\"patterns\": [\"pair\"], \"bytes\": \"own\", \"terminal\": true, \"max_message\": \"64KiB\",\n"
    "   \"options\": {\"interface\": {\"type\": \"path\", \"summary\": \"s\"}}}}}\n";

static const char shop_endpoints[] =
    "{\"manifest\": 1, \"endpoints\": {\n"
    "  \"orders\": {\"address\": \"bus:orders\", \"pattern\": \"pair\",\n"
    "             \"layers\": [{\"layer\": \"tap\", \"file\": \"/tmp/a\", \"depth\": 4}, {\"layer\": \"zip\"}]},\n"
    "  \"calc\": {\"address\": \"bus:calc?call.interface=a.json\",\n"
    "           \"layers\": [{\"layer\": \"call\", \"interface\": \"b.json\"}]},\n"
    "  \"twice\": {\"address\": \"bus:x\", \"layers\": [{\"layer\": \"tap\"}, {\"layer\": \"tap\"}]},\n"
    "  \"wrong\": {\"address\": \"bus:x\",\n"
    "            \"layers\": [{\"layer\": \"tap\", \"dpth\": 4}]}}}\n";

static int setup(void **state)
{
    (void)load_fixture_setup(state);
    load_fixture_write(*state, "p/bus.json", bus_manifest);
    load_fixture_write(*state, "p/lot.json", layer_manifest);
    load_fixture_write(*state, "e/shop.json", shop_endpoints);
    assert_int_equal(load_fixture_open(*state, "p", "e"), VIA_OK);
    return 0;
}

static via_status resolve(load_fixture *fixture, const char *address, const char *layers, uint32_t role,
                          via_resolved *out)
{
    via_open_options options;

    via_open_options_init(&options);
    options.layers = layers;
    via_error_init(&fixture->error);
    return via_resolve(fixture->registry, address, role, true, &options, out, &fixture->error);
}

static void expect_layers(const via_resolved *resolved, const char *names)
{
    char text[128] = "";
    size_t at = 0;

    for (size_t i = 0; i < resolved->layer_count; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i ? "," : "", resolved->layers[i].name);
    assert_string_equal(text, names);
}

/* ---- what is read ------------------------------------------------------------------------------------------- */

static void test_layers__an_endpoint_has_them_with_their_options(void **state)
{
    via_resolved out;

    assert_int_equal(resolve(*state, "orders", NULL, VIA_PAIR, &out), VIA_OK);
    expect_layers(&out, "tap,zip");
    assert_int_equal(out.layers[0].option_count, 4);
    assert_string_equal(out.layers[0].options[0].name, "file");
    assert_string_equal(out.layers[0].options[0].text, "/tmp/a");
    assert_int_equal(out.layers[0].options[0].is_set, 1);
    assert_int_equal(out.layers[0].options[1].number, 4);
    assert_int_equal(out.layers[0].options[2].is_set, 0);
    assert_int_equal(out.layers[1].option_count, 0);
    via_resolved_fini(&out);
}

static void test_layers__an_address_names_them_and_sets_their_options(void **state)
{
    via_resolved out;

    assert_int_equal(resolve(*state, "bus:x?layers=zip,tap&tap.depth=7&file=y", NULL, VIA_PAIR, &out), VIA_OK);
    expect_layers(&out, "zip,tap");
    assert_int_equal(out.layers[1].options[1].number, 7);
    assert_string_equal(out.options[0].text, "y"); /* the scheme's own, although a layer has one of that name */
    assert_string_equal(out.layers[1].options[0].text, "");
    via_resolved_fini(&out);
    assert_int_equal(resolve(*state, "bus:x", NULL, VIA_PAIR, &out), VIA_OK);
    assert_int_equal(out.layer_count, 0);
    assert_int_equal(out.stack_id, 0);
    via_resolved_fini(&out);
}

/* A path in an endpoint's file begins at that file's folder, wherever the program runs; one of the caller's does not. */
static void test_layers__a_path_in_a_file_begins_there(void **state)
{
    via_resolved out;

    assert_int_equal(resolve(*state, "calc", NULL, VIA_PAIR, &out), VIA_OK);
    assert_string_equal(out.layers[0].options[0].text, load_fixture_path(*state, "e/a.json"));
    via_resolved_fini(&out);
    assert_int_equal(resolve(*state, "calc?call.interface=c.json", NULL, VIA_PAIR, &out), VIA_OK);
    assert_string_equal(out.layers[0].options[0].text, "c.json");
    via_resolved_fini(&out);
    assert_int_equal(resolve(*state, "orders", NULL, VIA_PAIR, &out), VIA_OK);
    assert_string_equal(out.layers[0].options[0].text, "/tmp/a");
    via_resolved_fini(&out);
}

/* What a layer has no use for the channel below does not take either, unless somebody asks for it. */
static void test_layers__one_may_lower_the_largest_message(void **state)
{
    via_resolved out;

    assert_int_equal(resolve(*state, "bus:x?layers=call", NULL, VIA_PAIR, &out), VIA_OK);
    assert_int_equal(out.max_message, 65536);
    assert_int_equal(out.transport_max_message, 65536);
    via_resolved_fini(&out);
    assert_int_equal(resolve(*state, "bus:x?layers=call&max_message=512KiB", NULL, VIA_PAIR, &out), VIA_OK);
    assert_int_equal(out.max_message, 524288);
    via_resolved_fini(&out);
    assert_int_equal(resolve(*state, "slot:x?layers=call", NULL, VIA_PAIR, &out), VIA_OK);
    assert_int_equal(out.max_message, 20);
    via_resolved_fini(&out);
}

/* endpoint < its address < the address of the call < the call */
static void test_layers__the_last_place_that_names_them_wins(void **state)
{
    via_resolved out;

    assert_int_equal(resolve(*state, "orders?layers=seal", NULL, VIA_PAIR, &out), VIA_OK);
    expect_layers(&out, "seal"); /* and the options of tap are left out */
    via_resolved_fini(&out);
    assert_int_equal(resolve(*state, "orders?layers=seal", "tap", VIA_PAIR, &out), VIA_OK);
    expect_layers(&out, "tap");
    assert_string_equal(out.layers[0].options[0].text, "/tmp/a");
    via_resolved_fini(&out);
    assert_int_equal(resolve(*state, "orders", "", VIA_PAIR, &out), VIA_OK);
    expect_layers(&out, "");
    via_resolved_fini(&out);
    assert_int_equal(resolve(*state, "orders?tap.depth=9", NULL, VIA_PAIR, &out), VIA_OK);
    expect_layers(&out, "tap,zip");
    assert_int_equal(out.layers[0].options[1].number, 9);
    via_resolved_fini(&out);
    assert_int_equal(resolve(*state, "calc", NULL, VIA_PAIR, &out), VIA_OK);
    assert_string_equal(out.layers[0].options[0].text, load_fixture_path(*state, "e/a.json"));
    via_resolved_fini(&out);
}

/* Where an endpoint points may change; what it is wrapped in stays, unless somebody says so. */
static void test_layers__a_variable_that_moves_an_endpoint_keeps_them(void **state)
{
    load_fixture *fixture = *state;
    const char *plugins = load_fixture_path(fixture, "p"), *endpoints = load_fixture_path(fixture, "e");
    via_host_options options;
    via_resolved out;

    (void)setenv("VIADUCT_ADDRESS_ORDERS", "bus:elsewhere", 1);
    (void)setenv("VIADUCT_ADDRESS_CALC", "bus:elsewhere?layers=", 1);
    via_host_options_init(&options);
    options.flags = VIA_HOST_NO_DEFAULT_PATHS;
    options.plugin_paths = &plugins;
    options.endpoint_paths = &endpoints;
    options.plugin_path_count = options.endpoint_path_count = 1;
    via_registry_close(fixture->registry);
    fixture->registry = NULL;
    assert_int_equal(via_registry_open(&options, &fixture->log, &fixture->registry, &fixture->error), VIA_OK);
    assert_int_equal(resolve(fixture, "orders", NULL, VIA_PAIR, &out), VIA_OK);
    assert_string_equal(out.address, "bus:elsewhere");
    expect_layers(&out, "tap,zip");
    via_resolved_fini(&out);
    assert_int_equal(resolve(fixture, "calc", NULL, VIA_PAIR, &out), VIA_OK);
    expect_layers(&out, "");
    via_resolved_fini(&out);
    (void)unsetenv("VIADUCT_ADDRESS_ORDERS");
    (void)unsetenv("VIADUCT_ADDRESS_CALC");
}

/* ---- what it comes to --------------------------------------------------------------------------------------- */

static void test_layers__each_takes_what_the_one_above_it_adds(void **state)
{
    via_resolved out;

    assert_int_equal(resolve(*state, "bus:x?layers=seal,zip,tap&max_message=1000", NULL, VIA_PAIR, &out), VIA_OK);
    assert_int_equal(out.max_message, 1000);
    assert_int_equal(out.layers[0].max_message, 1000);
    assert_int_equal(out.layers[1].max_message, 1032);
    assert_int_equal(out.layers[2].max_message, 1040 + VIA_MARK_SIZE); /* below the mark */
    assert_int_equal(out.transport_max_message, 1040 + VIA_MARK_SIZE);
    assert_int_equal(out.above_mark, 2);
    via_resolved_fini(&out);
    assert_int_equal(resolve(*state, "bus:x?layers=zip", NULL, VIA_PAIR, &out), VIA_OK);
    assert_int_equal(out.max_message, 1048576 - 8 - VIA_MARK_SIZE);
    assert_int_equal(out.transport_max_message, 1048576);
    via_resolved_fini(&out);
}

static void test_layers__only_what_changes_bytes_makes_stacks_unlike(void **state)
{
    static const struct {
        const char *layers;
        const char *same;
        const char *other;
    } cases[] = {{"tap", "", "zip"},
                 {"zip", "tap,zip", "seal"},
                 {"zip,tap", "zip", "zip,seal"},
                 {"seal,zip", "seal,tap,zip", "zip,seal"}};
    via_resolved one, same, other;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(resolve(*state, "bus:x", cases[i].layers, VIA_PAIR, &one), VIA_OK);
        assert_int_equal(resolve(*state, "bus:x", cases[i].same, VIA_PAIR, &same), VIA_OK);
        assert_int_equal(resolve(*state, "bus:x", cases[i].other, VIA_PAIR, &other), VIA_OK);
        assert_int_equal(one.stack_id, same.stack_id);
        assert_int_not_equal(one.stack_id, other.stack_id);
        via_resolved_fini(&one);
        via_resolved_fini(&same);
        via_resolved_fini(&other);
    }
    assert_int_equal(resolve(*state, "bus:x", "zip", VIA_PAIR, &one), VIA_OK);
    assert_int_equal(one.stack_id, 0xb25c245c); /* FNV-1a of "zip" and its NUL: other programs reckon it too */
    via_resolved_fini(&one);
}

static void test_layers__promises_are_taken_back_before_anything_runs(void **state)
{
    via_resolved out;

    assert_int_equal(resolve(*state, "bus:x", "tap", VIA_PAIR, &out), VIA_OK);
    assert_true(out.info_flags & VIA_INFO_LINGER_NATIVE && out.info_flags & VIA_INFO_LOAN_NATIVE);
    via_resolved_fini(&out);
    assert_int_equal(resolve(*state, "bus:x", "tap,zip", VIA_PAIR, &out), VIA_OK);
    assert_int_equal(out.info_flags & (VIA_INFO_LINGER_NATIVE | VIA_INFO_LOAN_NATIVE), 0);
    assert_true(out.info_flags & VIA_INFO_DEATH);
    via_resolved_fini(&out);
}

/* ---- explaining --------------------------------------------------------------------------------------------- */

static json_t *explain(load_fixture *fixture, const char *address, via_status expected)
{
    char *text = NULL;

    assert_int_equal(via_registry_explain(fixture->registry, address, NULL, &text, &fixture->error), expected);
    json_t *root = json_loads(text, 0, NULL);
    free(text);
    assert_non_null(root);
    return root;
}

/* The element of this name in an array. */
static json_t *named(const json_t *array, const char *name)
{
    size_t index;
    json_t *element;

    json_array_foreach(array, index, element)
    {
        if (strcmp(json_string_value(json_object_get(element, "name")), name) == 0)
            return element;
    }
    fail_msg("nothing is called %s", name);
    return NULL;
}

/* Explaining looks at the library, and runs nothing: any will do. */
static void give_libraries(load_fixture *fixture)
{
    load_fixture_install(fixture, "good", "p");
    assert_int_equal(link(load_fixture_path(fixture, "p/via_good.so"), load_fixture_path(fixture, "p/via_bus.so")), 0);
    assert_int_equal(link(load_fixture_path(fixture, "p/via_good.so"), load_fixture_path(fixture, "p/via_lot.so")), 0);
}

static void expect_text(const json_t *object, const char *key, const char *expected)
{
    assert_string_equal(json_string_value(json_object_get(object, key)), expected);
}

static void test_layers__explaining_shows_options_with_origins_and_what_is_left(void **state)
{
    give_libraries(*state);
    json_t *root = explain(*state, "orders?tap.depth=5&tap.key=hush", VIA_OK);
    const json_t *layers = json_object_get(root, "layers"), *tap = json_array_get(layers, 0);
    const json_t *options = json_object_get(tap, "options");

    assert_int_equal(json_array_size(layers), 2);
    expect_text(tap, "name", "tap");
    expect_text(tap, "plugin", "lot");
    expect_text(tap, "bytes", "kept");
    expect_text(json_array_get(layers, 1), "bytes", "changed");
    expect_text(named(options, "file"), "value", "/tmp/a");
    expect_text(named(options, "file"), "origin", "endpoint");
    expect_text(named(options, "depth"), "value", "5");
    expect_text(named(options, "depth"), "origin", "address");
    expect_text(named(options, "share"), "origin", "default");
    assert_true(json_is_null(json_object_get(named(options, "key"), "value"))); /* a secret */
    expect_text(json_object_get(root, "guarantees"), "linger", "none");
    expect_text(json_object_get(root, "guarantees"), "loan", "emulated");
    expect_text(named(json_object_get(root, "host_options"), "layers"), "value", "tap,zip");
    expect_text(named(json_object_get(root, "host_options"), "max_message"), "value", "1048552");
    json_decref(root);
}

static void test_layers__explaining_names_what_was_left_out_or_is_wrong(void **state)
{
    give_libraries(*state);
    json_t *root = explain(*state, "orders?layers=zip", VIA_OK);

    assert_int_equal(json_array_size(json_object_get(root, "left_out")), 2);
    (void)named(json_object_get(root, "left_out"), "tap.file");
    (void)named(json_object_get(root, "left_out"), "tap.depth");
    json_decref(root);
    root = explain(*state, "orders?layers=tap,zpi", VIA_ENOENT);
    assert_int_equal(json_array_size(json_object_get(root, "layers")), 1); /* as far as they could be chosen */
    expect_text(json_object_get(root, "error"), "mend", "write \"zip\"");
    assert_int_equal(json_array_size(json_object_get(root, "options")), 1);
    json_decref(root);
    assert_int_equal(unlink(load_fixture_path(*state, "p/via_lot.so")), 0);
    assert_int_equal(load_fixture_open(*state, "p", "e"), VIA_OK);
    root = explain(*state, "orders", VIA_ENOENT);
    expect_text(json_object_get(root, "error"), "plugin", "lot");
    expect_text(json_object_get(root, "error"), "stage", "discover");
    json_decref(root);
}

/* ---- refusals ----------------------------------------------------------------------------------------------- */

typedef struct layer_case {
    const char *address;
    const char *layers;
    uint32_t role;
    const char *expected;
} layer_case;

static const layer_case refusals[] = {
    {"bus:x?layers=tpa", NULL, VIA_PAIR,
     "VIA_ENOENT resolve | no plugin has the layer \"tpa\"; did you mean \"tap\"? | write \"tap\""},
    {"bus:x?layers=bus", NULL, VIA_PAIR,
     "VIA_ENOENT resolve | no plugin has the layer \"bus\" | install a plugin for it; via plugins lists what is there"},
    {"bus:x?layers=tap,", NULL, VIA_PAIR,
     "VIA_EINVAL options | \"\" is no layer's name | write names with commas between them, as layers=ONE,TWO; via "
     "plugins lists the layers"},
    {"bus:x", "tap,zip,tap", VIA_PAIR,
     "VIA_EINVAL options | the layer \"tap\" is there twice | take one of the two out | it was set in the call"},
    {"twice", NULL, VIA_PAIR,
     "VIA_EINVAL options $/e/shop.json:6:43 | the layer \"tap\" is there twice | take one of the two out"},
    {"bus:x?layers=tap,call", NULL, VIA_PAIR,
     "VIA_EINVAL options | nothing can stand on the layer \"call\", which carries no messages; \"tap\" does | write it "
     "first"},
    {"bus:x?layers=seal", NULL, VIA_PUSH,
     "VIA_ENOTSUP options | the layer \"seal\" is for pair; this is a queue | take it out, or use another layer"},
    {"slot:x?layers=zip", NULL, VIA_PAIR,
     "VIA_ENOTSUP options | the layers add 24 bytes to a message; slot: carries 20 at most | take a layer out, or "
     "choose another scheme"},
    {"bus:x?tap.depth=3", NULL, VIA_PAIR,
     "VIA_EINVAL options | option tap.depth: no layer \"tap\" is on this channel | name the layer in \"layers\", from "
     "the program to the transport, or take the option out"},
    {"bus:x?layers=tap&tpa.depth=3", NULL, VIA_PAIR,
     "VIA_EINVAL options | option tpa.depth: no layer \"tpa\" is on this channel; did you mean \"tap\"? | name the "
     "layer "
     "in \"layers\", from the program to the transport, or take the option out"},
    {"bus:x?layers=tap&tap.dpth=3", NULL, VIA_PAIR,
     "VIA_EINVAL options | the layer tap: has no option \"dpth\"; did you mean \"depth\"? | write \"depth\""},
    {"bus:x?layers=tap&tap.=3", NULL, VIA_PAIR,
     "VIA_EINVAL options | the layer tap: has no option \"\" | take it out; via explain ADDRESS lists the options of "
     "its "
     "layers"},
    {"wrong", NULL, VIA_PAIR,
     "VIA_EINVAL options $/e/shop.json:8:49 | the layer tap: has no option \"dpth\"; did you mean \"depth\"? | write "
     "\"depth\""},
    {"bus:x?layers=tap&tap.depth=10", NULL, VIA_PAIR,
     "VIA_EINVAL options | option tap.depth is 10; expected from 1 to 9 | give it such a value, or leave the option "
     "out"},
    {"bus:x?layers=tap&tap.share=true", NULL, VIA_PAIR,
     "VIA_EINVAL options | option tap.share is for queue; this is a pair | take it out"},
    {"bus:x?layers=tap", "zip", VIA_PAIR, NULL}, /* the call replaces what the address names */
};

static void test_layers__each_refusal_is_word_for_word(void **state)
{
    load_fixture *fixture = *state;
    via_resolved out;

    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const layer_case *now = &refusals[i];
        via_status status = resolve(fixture, now->address, now->layers, now->role, &out);
        if (now->expected)
            load_fixture_expect(fixture, &fixture->error, now->expected);
        else
            assert_int_equal(status, VIA_OK);
        via_resolved_fini(&out);
    }
}

static void test_layers__at_most_eight(void **state)
{
    load_fixture *fixture = *state;
    via_resolved out;

    assert_int_equal(resolve(fixture, "bus:x?layers=a,b,c,d,e,f,g,h,i", NULL, VIA_PAIR, &out), VIA_EINVAL);
    load_fixture_expect(fixture, &fixture->error,
                        "VIA_EINVAL options | more than 8 layers on one channel | take some out");
}

static void test_layers__a_disabled_or_refused_plugin_is_named(void **state)
{
    load_fixture *fixture = *state;
    via_resolved out;

    load_fixture_edit(fixture, "p/lot.json", "\"name\"", "\"enabled\": false, \"name\"");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(resolve(fixture, "bus:x?layers=tap", NULL, VIA_PAIR, &out), VIA_ENOENT);
    load_fixture_expect(fixture, &fixture->error,
                        "VIA_ENOENT resolve lot $/p/lot.json:0:0 | the plugin \"lot\", which has the layer \"tap\", is "
                        "disabled | set \"enabled\" to true in its manifest");
    load_fixture_edit(fixture, "p/lot.json", "\"enabled\": false, ", "");
    load_fixture_edit(fixture, "p/lot.json", "\"summary\": \"layers\"", "\"summary\": \"\"");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(resolve(fixture, "bus:x?layers=tap", NULL, VIA_PAIR, &out), VIA_ENOENT);
}

static void test_layers__the_listing_names_them(void **state)
{
    via_plugin_info info = load_fixture_plugin(*state, "lot");

    assert_string_equal(info.kind, "layer");
    assert_string_equal(info.schemes, "tap zip seal call");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, load_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_layers__an_endpoint_has_them_with_their_options),
        TEST(test_layers__an_address_names_them_and_sets_their_options),
        TEST(test_layers__a_path_in_a_file_begins_there),
        TEST(test_layers__one_may_lower_the_largest_message),
        TEST(test_layers__the_last_place_that_names_them_wins),
        TEST(test_layers__a_variable_that_moves_an_endpoint_keeps_them),
        TEST(test_layers__each_takes_what_the_one_above_it_adds),
        TEST(test_layers__only_what_changes_bytes_makes_stacks_unlike),
        TEST(test_layers__promises_are_taken_back_before_anything_runs),
        TEST(test_layers__explaining_shows_options_with_origins_and_what_is_left),
        TEST(test_layers__explaining_names_what_was_left_out_or_is_wrong),
        TEST(test_layers__each_refusal_is_word_for_word),
        TEST(test_layers__at_most_eight),
        TEST(test_layers__a_disabled_or_refused_plugin_is_named),
        TEST(test_layers__the_listing_names_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
