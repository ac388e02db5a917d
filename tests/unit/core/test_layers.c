/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channels with layers: what goes through, what is told, and whose the channel is in the end.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <terminal/terminal.h>

enum { MANY_SLICES = 40 };

static const char *const stacks[] = {"?layers=pass", "?layers=thin",      "?layers=flip",
                                     "?layers=flop", "?layers=pass,flip", "?layers=flip,thin,flop,pass"};

enum { STACKS = sizeof(stacks) / sizeof(stacks[0]) };

static via_channel_info info_of(via_channel *channel)
{
    via_channel_info info = {.size = sizeof(info)};
    assert_int_equal(via_info(channel, &info), VIA_OK);
    return info;
}

/* ---- data --------------------------------------------------------------------------------------------------- */

static void test_layers__messages_go_through_and_ends_are_told(void **state)
{
    for (size_t i = 0; i < STACKS; i++) {
        core_pair pair = core_pair_open(*state, "loop", stacks[i], VIA_TWO);
        via_msg message;
        core_send(pair.client, "there");
        core_expect(pair.server, "there");
        core_send(pair.server, "");
        core_expect(pair.client, "");
        via_close(pair.client);
        pair.client = NULL;
        assert_int_equal(via_recv(pair.server, CORE_PATIENCE, &message), VIA_ECLOSED);
        core_pair_close(&pair);
    }
}

static void test_layers__metadata_goes_with_a_message(void **state)
{
    const via_meta meta = {0, 0, 7, "a.b", "text/plain"};
    for (size_t i = 0; i < STACKS; i++) {
        core_pair pair = core_pair_open(*state, "loop", stacks[i], VIA_TWO);
        via_msg message;
        assert_int_equal(via_send(pair.client, "x", 1, &meta, CORE_PATIENCE), VIA_OK);
        assert_int_equal(via_recv(pair.server, CORE_PATIENCE, &message), VIA_OK);
        assert_int_equal(message.meta.priority, 7);
        assert_string_equal(message.meta.key, "a.b");
        assert_string_equal(message.meta.content_type, "text/plain");
        via_release(pair.server, &message);
        core_pair_close(&pair);
    }
}

static void test_layers__many_slices_are_one_message(void **state)
{
    via_slice slices[MANY_SLICES];
    for (size_t i = 0; i < MANY_SLICES; i++)
        slices[i] = (via_slice){i % 3 != 0 ? "ab" : NULL, i % 3 != 0 ? 2 : 0};
    for (size_t i = 0; i < STACKS; i++) {
        core_pair pair = core_pair_open(*state, "loop", stacks[i], VIA_TWO);
        via_msg message;
        assert_int_equal(via_sendv(pair.client, slices, MANY_SLICES, NULL, CORE_PATIENCE), VIA_OK);
        assert_int_equal(via_recv(pair.server, CORE_PATIENCE, &message), VIA_OK);
        assert_int_equal(message.size, 2 * (MANY_SLICES - (MANY_SLICES + 2) / 3));
        assert_memory_equal(message.data, "abab", 4);
        via_release(pair.server, &message);
        core_pair_close(&pair);
    }
}

/* Several are out at once, and come back in another order. */
static void test_layers__lent_messages_come_back_in_any_order(void **state)
{
    for (size_t i = 0; i < STACKS; i++) {
        core_pair pair = core_pair_open(*state, "loop", stacks[i], VIA_TWO);
        via_msg first, second;
        core_send(pair.client, "one");
        core_send(pair.client, "two");
        assert_int_equal(via_recv(pair.server, CORE_PATIENCE, &first), VIA_OK);
        assert_int_equal(via_recv(pair.server, CORE_PATIENCE, &second), VIA_OK);
        assert_memory_equal(first.data, "one", 3);
        assert_memory_equal(second.data, "two", 3);
        via_release(pair.server, &first);
        via_release(pair.server, &second);
        core_pair_close(&pair);
    }
}

static void expect_loan(core_pair *pair, bool is_native)
{
    via_msg loan;
    assert_int_equal((info_of(pair->client).flags & VIA_INFO_LOAN_NATIVE) != 0, is_native);
    assert_int_equal(via_loan(pair->client, 8, CORE_PATIENCE, &loan), VIA_OK);
    via_discard(pair->client, &loan);
    assert_int_equal(via_loan(pair->client, 8, CORE_PATIENCE, &loan), VIA_OK);
    memcpy(loan.data, "lent", 4);
    loan.size = 9;
    assert_int_equal(via_commit(pair->client, &loan, CORE_PATIENCE), VIA_EINVAL);
    loan.size = 4;
    assert_int_equal(via_commit(pair->client, &loan, CORE_PATIENCE), VIA_OK);
    core_expect(pair->server, "lent");
    core_pair_close(pair);
}

/* What sees messages on their way is not passed by with loans of the transport. */
static void test_layers__loans_go_through_or_are_emulated(void **state)
{
    static const struct {
        const char *scheme, *options;
        bool is_native;
    } cases[] = {{"loop", "?layers=pass", true},       {"loop", "?layers=thin", true},
                 {"loop", "?layers=pass,thin", true},  {"loop", "?layers=pass,flip", false},
                 {"loop", "?layers=flip,pass", false}, {"bare", "?layers=pass", false},
                 {"bare", "?layers=thin", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        core_pair pair = core_pair_open(*state, cases[i].scheme, cases[i].options, VIA_TWO);
        expect_loan(&pair, cases[i].is_native);
    }
}

static void test_layers__what_they_add_is_taken_off_the_limit(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "?layers=flip,flop&max_message=100", VIA_TWO);
    char bytes[101] = "";
    via_msg message;
    assert_int_equal(info_of(pair.client).max_message, 100);
    assert_int_equal(via_send(pair.client, bytes, 101, NULL, VIA_NOW), VIA_ETOOBIG);
    assert_int_equal(via_send(pair.client, bytes, 100, NULL, VIA_NOW), VIA_OK);
    assert_int_equal(via_recv(pair.server, CORE_PATIENCE, &message), VIA_OK);
    assert_int_equal(message.size, 100);
    via_release(pair.server, &message);
    core_pair_close(&pair);
    pair = core_pair_open(*state, "bare", "?layers=flip", VIA_TWO);
    assert_int_equal(info_of(pair.client).max_message, 1048576 - 4 - 16);
    core_pair_close(&pair);
}

/* The transport never sees a message above what it was told, whatever a layer makes of one. */
static void test_layers__one_that_adds_more_than_it_said_is_stopped(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "?layers=fat&max_message=100", VIA_TWO);
    char bytes[100] = "";
    assert_int_equal(via_send(pair.client, bytes, 97, NULL, VIA_NOW), VIA_ETOOBIG);
    assert_int_equal(via_send(pair.client, bytes, 96, NULL, VIA_NOW), VIA_OK);
    core_pair_close(&pair);
}

/* ---- knowing ------------------------------------------------------------------------------------------------ */

/* "pass" claims death and lingering in its info, which "bare" without them has not to be promised by. */
static void test_layers__promises_can_be_taken_back_only(void **state)
{
    core_pair plain = core_pair_open(*state, "bare", "", VIA_TWO);
    core_pair pass = core_pair_open(*state, "bare", "?layers=pass", VIA_TWO);
    assert_int_equal(info_of(pass.client).flags, info_of(plain.client).flags);
    assert_int_equal(info_of(pass.client).flags & VIA_INFO_DEATH, 0);
    assert_int_equal(info_of(pass.client).max_message, info_of(plain.client).max_message);
    assert_string_equal(info_of(pass.client).plugin, "loop");
    assert_string_equal(info_of(pass.client).scheme, "bare");
    core_pair_close(&plain);
    core_pair_close(&pass);
}

static void test_layers__extensions_pass_where_the_manifest_says_so(void **state)
{
    core_pair pass = core_pair_open(*state, "loop", "?layers=pass,thin", VIA_TWO);
    core_pair flip = core_pair_open(*state, "loop", "?layers=pass,flip", VIA_TWO);
    void *self = NULL;
    assert_non_null(via_extension(pass.client, VIA_LOOP_CONTROL_ID, &self));
    assert_non_null(self);
    assert_null(via_extension(flip.client, VIA_LOOP_CONTROL_ID, &self));
    assert_null(self);
    core_pair_close(&pass);
    core_pair_close(&flip);
}

static void test_layers__the_peer_and_the_counters_are_the_transports(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "?layers=thin,pass", VIA_TWO);
    via_peer_info peer = {.size = sizeof(peer)};
    via_counters counters = {.size = sizeof(counters)};
    assert_int_equal(via_peer(pair.server, &peer), VIA_OK);
    assert_int_not_equal(peer.known & VIA_PEER_PROCESS, 0);
    core_send(pair.client, "12345");
    assert_int_equal(via_stats(pair.client, &counters), VIA_OK);
    assert_int_equal(counters.sent_messages, 1);
    assert_int_equal(counters.sent_bytes, 5);
    assert_int_equal(counters.peers, 1);
    core_pair_close(&pair);
}

/* ---- terminal ----------------------------------------------------------------------------------------------- */

static const via_terminal_sum *sum_of(via_channel *channel, void **self)
{
    const via_terminal_sum *table = via_extension(channel, VIA_TERMINAL_SUM_ID, self);
    assert_non_null(table);
    return table;
}

static void test_layers__a_terminal_one_offers_an_extension_instead(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "?layers=terminal,flip", VIA_MANY);
    via_msg message;
    void *self;
    uint64_t sum = 0;
    assert_int_equal(via_send(pair.client, "x", 1, NULL, VIA_NOW), VIA_ENOTSUP);
    assert_int_equal(via_recv(pair.client, VIA_NOW, &message), VIA_ENOTSUP);
    assert_int_equal(via_loan(pair.client, 1, VIA_NOW, &message), VIA_OK);
    assert_int_equal(via_commit(pair.client, &message, VIA_NOW), VIA_ENOTSUP);
    via_discard(pair.client, &message);
    for (uint32_t i = 1; i <= 3; i++)
        assert_int_equal(sum_of(pair.client, &self)->tell(self, i, CORE_PATIENCE), VIA_OK);
    assert_int_equal(via_arm(pair.server, VIA_READ), VIA_EREADY);
    assert_int_equal(sum_of(pair.server, &self)->sum(self, &sum, CORE_PATIENCE), VIA_OK);
    assert_int_equal(sum, 6);
    core_pair_close(&pair);
}

/* ---- opening and closing ------------------------------------------------------------------------------------ */

static uint32_t status_of_plugin(via_host *host, const char *name)
{
    via_plugin_info info = {.size = sizeof(info)};
    for (size_t cursor = 0; via_plugin_next(host, &cursor, &info) == VIA_OK; info.size = sizeof(info)) {
        if (strcmp(info.name, name) == 0)
            return info.status;
    }
    return 0;
}

static void test_layers__their_plugins_are_loaded_while_they_are_used(void **state)
{
    assert_int_equal(status_of_plugin(*state, "pass"), VIA_PLUGIN_READY);
    core_pair pair = core_pair_open(*state, "loop", "?layers=pass", VIA_TWO);
    via_close(pair.client);
    via_listener_close(pair.listener);
    assert_int_equal(status_of_plugin(*state, "pass"), VIA_PLUGIN_LOADED);
    via_close(pair.server);
    assert_int_equal(status_of_plugin(*state, "pass"), VIA_PLUGIN_READY);
}

/* The layer below and the transport are closed, and the other end sees it. */
static void test_layers__one_that_refuses_leaves_nothing_open(void **state)
{
    via_listener *listener = NULL;
    via_channel *client = NULL;
    via_channel *server = NULL;
    via_error error;
    via_msg message;
    assert_int_equal(via_listen(*state, "loop:refuses?layers=pass,flip&pass.fail=true", NULL, &listener, &error),
                     VIA_OK);
    assert_int_equal(via_dial(*state, "loop:refuses", NULL, CORE_PATIENCE, &client, &error), VIA_OK);
    assert_int_equal(via_accept(listener, CORE_PATIENCE, &server, &error), VIA_EPERM);
    assert_null(server);
    assert_string_equal(error.plugin, "pass");
    assert_string_equal(error.what, "it was told to refuse");
    assert_string_equal(error.mend, "set pass.fail=false");
    assert_int_equal(error.stage, VIA_STAGE_OPEN);
    assert_int_equal(via_recv(client, CORE_PATIENCE, &message), VIA_ECLOSED);
    via_close(client);
    assert_int_equal(via_dial(*state, "loop:refuses?layers=pass&pass.fail=true", NULL, CORE_PATIENCE, &client, &error),
                     VIA_EPERM);
    assert_null(client);
    via_listener_close(listener);
}

static void note_line(void *user, uint32_t level, const char *plugin, const char *text)
{
    (void)level;
    if (plugin != NULL && strcmp(plugin, "pass") == 0)
        (void)snprintf(user, 64, "%s", text);
}

static void test_layers__one_speaks_in_its_own_name(void **state)
{
    char line[64] = "";
    via_listener *listener = NULL;
    via_channel *client = NULL;
    via_error error;
    via_open_options options;
    via_open_options_init(&options);
    options.log = note_line;
    options.log_user = line;
    assert_int_equal(via_listen(*state, "loop:speaks", NULL, &listener, &error), VIA_OK);
    assert_int_equal(
        via_dial(*state, "loop:speaks?layers=pass&pass.note=hello", &options, CORE_PATIENCE, &client, &error), VIA_OK);
    assert_string_equal(line, "hello");
    via_close(client);
    via_listener_close(listener);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, core_setup, core_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_layers__messages_go_through_and_ends_are_told),
        TEST(test_layers__metadata_goes_with_a_message),
        TEST(test_layers__many_slices_are_one_message),
        TEST(test_layers__lent_messages_come_back_in_any_order),
        TEST(test_layers__loans_go_through_or_are_emulated),
        TEST(test_layers__what_they_add_is_taken_off_the_limit),
        TEST(test_layers__one_that_adds_more_than_it_said_is_stopped),
        TEST(test_layers__promises_can_be_taken_back_only),
        TEST(test_layers__extensions_pass_where_the_manifest_says_so),
        TEST(test_layers__the_peer_and_the_counters_are_the_transports),
        TEST(test_layers__a_terminal_one_offers_an_extension_instead),
        TEST(test_layers__their_plugins_are_loaded_while_they_are_used),
        TEST(test_layers__one_that_refuses_leaves_nothing_open),
        TEST(test_layers__one_speaks_in_its_own_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
