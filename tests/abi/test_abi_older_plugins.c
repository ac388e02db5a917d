/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plugins that were built with the headers of ABI 1.0 do what they did: as they were, with a shorter record, and with tables
 * that go on behind what this host knows (tests/fixtures/abi).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <viaduct/viaduct.h>

enum { PATIENCE_MS = 20000 };

static const char *const plugins[] = {"attic", "atticshort", "atticlong"};
enum { PLUGINS = sizeof(plugins) / sizeof(plugins[0]) };

static via_host *open_host(void)
{
    const char *folder = getenv("ABI_PLUGIN_FOLDER");
    via_host *host = NULL;
    via_host_options options;
    via_error error;

    assert_non_null(folder);
    via_host_options_init(&options);
    options.plugin_paths = &folder;
    options.plugin_path_count = 1;
    options.flags = VIA_HOST_NO_ENVIRONMENT | VIA_HOST_NO_DEFAULT_PATHS;
    if (via_host_open(&options, &host, &error) != VIA_OK)
        fail_msg("%s", error.what);
    return host;
}

static via_channel *join(via_host *host, const char *plugin, const char *rest, uint32_t role)
{
    char address[64];
    via_channel *channel = NULL;
    via_error error;

    (void)snprintf(address, sizeof(address), "%s:%s", plugin, rest);
    if (via_join(host, address, role, NULL, via_after_ms(PATIENCE_MS), &channel, &error) != VIA_OK)
        fail_msg("%s: %s", address, error.what);
    return channel;
}

static void test_abi__plugins_of_1_0_are_found_and_not_refused(void **unused)
{
    (void)unused;
    via_host *host = open_host();
    via_plugin_info info = {.size = sizeof(info)};
    size_t found = 0;

    for (size_t cursor = 0; via_plugin_next(host, &cursor, &info) == VIA_OK; found++, info.size = sizeof(info)) {
        if (info.status != VIA_PLUGIN_READY)
            fail_msg("%s is refused: %s", info.name, info.error.what);
    }
    assert_int_equal(found, PLUGINS);
    via_host_close(host);
}

static void exchange(via_channel *push, via_channel *pull)
{
    const via_slice slices[] = {{"good ", 5}, {"morning", 7}};
    const via_meta meta = {.priority = -7, .key = "a.b.c"};
    via_msg message;

    assert_int_equal(via_recv(pull, VIA_NOW, &message), VIA_ETIMEDOUT);
    assert_int_equal(via_sendv(push, slices, 2, &meta, VIA_NOW), VIA_OK);
    assert_int_equal(via_recv(pull, via_after_ms(PATIENCE_MS), &message), VIA_OK);
    assert_int_equal(message.size, 12);
    assert_memory_equal(message.data, "good morning", 12);
    assert_int_equal(message.meta.priority, -7);
    assert_string_equal(message.meta.key, "a.b.c");
    via_release(pull, &message);
}

static void test_abi__messages_go_through_plugins_of_1_0(void **unused)
{
    (void)unused;
    via_host *host = open_host();
    for (size_t i = 0; i < PLUGINS; i++) {
        via_channel *pull = join(host, plugins[i], "box", VIA_PULL), *push = join(host, plugins[i], "box", VIA_PUSH);
        exchange(push, pull);
        via_interrupt(pull);
        via_msg message;
        assert_int_equal(via_recv(pull, VIA_FOREVER, &message), VIA_ECANCELED);
        via_close(push);
        via_close(pull);
    }
    via_host_close(host);
}

static void test_abi__options_and_counters_are_where_1_0_looks_for_them(void **unused)
{
    (void)unused;
    via_host *host = open_host();
    for (size_t i = 0; i < PLUGINS; i++) {
        via_counters counters = {.size = sizeof(counters)};
        via_channel *push = join(host, plugins[i], "box?room=3", VIA_PUSH);
        for (int n = 0; n < 3; n++)
            assert_int_equal(via_send(push, "x", 1, NULL, VIA_NOW), VIA_OK);
        assert_int_equal(via_send(push, "x", 1, NULL, VIA_NOW), VIA_EDROPPED);
        assert_int_equal(via_stats(push, &counters), VIA_OK);
        assert_int_equal(counters.sent_messages, 3);
        assert_int_equal(counters.dropped_newest, 1);
        via_close(push);
    }
    via_host_close(host);
}

static void test_abi__records_that_1_0_fills_arrive(void **unused)
{
    (void)unused;
    via_host *host = open_host();
    for (size_t i = 0; i < PLUGINS; i++) {
        char address[64];
        via_channel *channel = NULL;
        via_channel_info info = {.size = sizeof(info)};
        via_poll_handle handle = {.size = sizeof(handle)};
        via_error error;

        (void)snprintf(address, sizeof(address), "%s:cellar", plugins[i]);
        assert_int_equal(via_join(host, address, VIA_PUSH, NULL, VIA_NOW, &channel, &error), VIA_ENOENT);
        assert_string_equal(error.what, "there is no such box in the attic");
        assert_string_equal(error.mend, "write attic:box");
        assert_string_equal(error.plugin, plugins[i]);

        channel = join(host, plugins[i], "box", VIA_PULL);
        assert_int_equal(via_info(channel, &info), VIA_OK);
        assert_string_equal(info.address, "attic:found");
        assert_int_equal(via_pollable(channel, VIA_READ, &handle), VIA_OK);
        assert_int_equal(handle.kind, VIA_POLL_DESCRIPTOR);
        assert_int_equal(via_arm(channel, VIA_READ), VIA_OK);
        assert_int_equal(via_drain(channel, VIA_NOW, NULL), VIA_OK); /* a slot that 1.0 left empty */
        via_close(channel);
    }
    via_host_close(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_abi__plugins_of_1_0_are_found_and_not_refused),
        cmocka_unit_test(test_abi__messages_go_through_plugins_of_1_0),
        cmocka_unit_test(test_abi__options_and_counters_are_where_1_0_looks_for_them),
        cmocka_unit_test(test_abi__records_that_1_0_fills_arrive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
