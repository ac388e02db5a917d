/* SPDX-License-Identifier: Apache-2.0 */
/* Loading the plugin of a layer: every refusal of negotiating, word for word. */
#include "load_fixture.h"

#include <stdio.h>
#include <string.h>

typedef struct stage_case {
    const char *plugin; /* tests/fixtures/plugins/wrong, and the layer's name */
    const char *what;
    const char *mend;
} stage_case;

#define SAME "make manifest and layer table say the same"
#define WRITE "write the missing function; <viaduct/plugin.h> says what it has to do"

static const stage_case cases[] = {
    {"layer_no_wrap", "layer \"layer_no_wrap\": the mandatory slot \"wrap\" is empty",
     "write the missing function; <viaduct/layer.h> says what it has to do"},
    {"layer_no_close", "layer \"layer_no_close\": the mandatory slot \"close\" of the channel table is empty", WRITE},
    {"layer_no_release", "layer \"layer_no_release\": the mandatory slot \"release\" of the channel table is empty",
     WRITE},
    {"layer_no_extension",
     "layer \"layer_no_extension\": the mandatory slot \"extension\" of the channel table is empty", WRITE},
    {"layer_half_loan", "layer \"layer_half_loan\": of \"loan\", \"commit\" and \"discard\" only some are filled",
     "fill all three or none"},
    {"layer_no_loan", "layer \"layer_no_loan\" sees what is sent, and loans would pass it by: it has no \"loan\"",
     "write the three functions, or add \"loan\" to \"clears\" in the manifest"},
    {"layer_changes",
     "layer \"layer_changes\": the manifest says that it is a filter that leaves bytes as they are; the library, a "
     "filter "
     "that changes bytes",
     SAME},
    {"layer_terminal",
     "layer \"layer_terminal\": the manifest says that it is a filter that leaves bytes as they are; the library, "
     "terminal",
     SAME},
    {"layer_patterns", "layer \"layer_patterns\": the manifest claims the patterns pair, the library offers queue",
     SAME},
    {"layer_other", "the library offers the layer \"somebody-else\", which the manifest does not",
     "add it to \"layers\" in the manifest"},
    {"layer_twice", "the library offers the layer \"layer_twice\" twice", "take one of the two out"},
    {"layer_both", "the manifest's kind is \"layer\", and the library offers 1 transports too",
     "make two plugins of it"},
    {"layer_transport", "the library offers 0 layers", "offer 1 to 64 layers"},
    {"layer_no_check",
     "layer \"layer_no_check\": the manifest says that it checks files with \"sums\", but the slot \"check\" is empty",
     "write the missing function, or take \"checks\" out of the manifest"},
    {"layer_older_check",
     "layer \"layer_older_check\": the manifest says that it checks files with \"sums\", but the slot \"check\" is "
     "empty",
     "write the missing function, or take \"checks\" out of the manifest"},
};

/* Resolves an address with this one layer, and loads the layer's plugin. */
static via_status load_layer(load_fixture *fixture, const char *layer, via_loaded **loaded)
{
    static const via_host_api api = {.size = sizeof(api)};
    char address[64];
    via_resolved resolved;

    (void)snprintf(address, sizeof(address), "good:x?layers=%s", layer);
    via_error_init(&fixture->error);
    via_status status = via_resolve(fixture->registry, address, VIA_PAIR, true, NULL, &resolved, &fixture->error);
    if (status == VIA_OK)
        status = via_loader_acquire(resolved.layers[0].plugin, &api, loaded, &fixture->error);
    via_resolved_fini(&resolved);
    return status;
}

static int setup(void **state)
{
    (void)load_fixture_setup(state);
    load_fixture_install(*state, "good", "p");
    return 0;
}

static void test_layer_stages__each_refusal_is_word_for_word(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *loaded = NULL;
    char expected[700];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        load_fixture_install(fixture, cases[i].plugin, "p");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(load_layer(fixture, cases[i].plugin, &loaded), VIA_EREFUSED);
        assert_null(loaded);
        (void)snprintf(expected, sizeof(expected), "VIA_EREFUSED negotiate %s $/p/%s.json:0:0 | %s | %s",
                       cases[i].plugin, cases[i].plugin, cases[i].what, cases[i].mend);
        load_fixture_expect(fixture, &fixture->error, expected);
        assert_int_equal(load_fixture_plugin(fixture, cases[i].plugin).status, VIA_PLUGIN_REFUSED);
    }
}

static void test_layer_stages__a_good_one_is_loaded_and_found(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *loaded = NULL;

    load_fixture_install(fixture, "layer_good", "p");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    if (load_layer(fixture, "layer_good", &loaded) != VIA_OK || !loaded) {
        fail_msg("%s", fixture->error.what);
        return; /* for the analyzer, which does not know that fail_msg() never comes back */
    }
    assert_int_equal(loaded->transport_count, 0);
    const via_layer *layer = via_loaded_layer(loaded, "layer_good");
    assert_non_null(layer);
    assert_null(layer->channel_ops->flush); /* empty slots stay so: they mean the channel below */
    assert_null(via_loaded_layer(loaded, "another"));
    via_loader_release(loaded);
}

/* A table that ends before the slots that came in later. */
static void test_layer_stages__an_older_table_is_enough(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *loaded = NULL;

    load_fixture_install(fixture, "layer_older", "p");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    if (load_layer(fixture, "layer_older", &loaded) != VIA_OK || !loaded) {
        fail_msg("%s", fixture->error.what);
        return; /* for the analyzer, which does not know that fail_msg() never comes back */
    }
    assert_null(via_loaded_layer(loaded, "layer_older")->check);
    via_loader_release(loaded);
}

/* A transport whose library offers layers as well is neither. */
static void test_layer_stages__a_plugin_is_of_one_kind(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *loaded = NULL;

    load_fixture_install(fixture, "layer_good", "p");
    load_fixture_edit(fixture, "p/layer_good.json", "\"layer\"", "\"transport\"");
    load_fixture_edit(fixture, "p/layer_good.json", "\"layers\"", "\"x-layers\"");
    load_fixture_edit(
        fixture, "p/layer_good.json", "\"x-layers\"",
        "\"schemes\": {\"both\": {\"patterns\": [\"pair\"], \"scope\": \"process\", \"max_message\": 9, "
        "\"guarantees\": {\"attach\": false, \"lossless\": false, \"ordered\": false, \"death\": false}}}, "
        "\"x-layers\"");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(load_fixture_load(fixture, "both:x", &loaded), VIA_EREFUSED);
    load_fixture_expect(fixture, &fixture->error,
                        "VIA_EREFUSED negotiate layer_good $/p/layer_good.json:0:0 | the library offers 0 transports | "
                        "offer 1 to 64 transports");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, load_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_layer_stages__each_refusal_is_word_for_word),
        TEST(test_layer_stages__a_good_one_is_loaded_and_found),
        TEST(test_layer_stages__an_older_table_is_enough),
        TEST(test_layer_stages__a_plugin_is_of_one_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
