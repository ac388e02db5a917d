/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program requires in a call: a name that no text file defines is opened on the best mechanism, at both ends.
 */
#include "support.h"

#include <stddef.h>

static via_open_options require(const char *text)
{
    via_open_options options;
    via_open_options_init(&options);
    options.require = text;
    return options;
}

static void expect_scheme(via_channel *channel, const char *scheme)
{
    via_channel_info info = {.size = sizeof(info)};
    assert_int_equal(via_info(channel, &info), VIA_OK);
    assert_string_equal(info.scheme, scheme);
}

static void expect_meeting(void **state, const char *listens, const char *dials, const char *scheme)
{
    const via_open_options own = require(listens), other = require(dials);
    via_listener *listener = NULL;
    via_channel *client = NULL, *server = NULL;
    via_error error;
    if (via_listen(*state, "orders", &own, &listener, &error) != VIA_OK ||
        via_dial(*state, "orders", &other, CORE_PATIENCE, &client, &error) != VIA_OK)
        fail_msg("%s (%s)", error.what, error.more);
    assert_int_equal(via_accept(listener, CORE_PATIENCE, &server, NULL), VIA_OK);
    expect_scheme(client, scheme);
    core_send(client, "by need");
    core_expect(server, "by need");
    via_close(client);
    via_close(server);
    via_listener_close(listener);
}

/* "bare" comes before "loop" by name, and costs the same: only its lack of a feature leaves "loop". */
static void test_require__both_ends_come_to_the_same_choice(void **state)
{
    expect_meeting(state, "message=64", "message=64", "bare");
    expect_meeting(state, "feature=handles", "feature=handles", "loop");
    expect_meeting(state, "max_message=2MiB", "max_message=2MiB", "loop");
}

static void test_require__a_dialer_goes_on_to_the_next(void **state)
{
    const via_open_options own = require("feature=handles"), other = require("scope=process");
    via_listener *listener = NULL;
    via_channel *client = NULL;
    assert_int_equal(via_listen(*state, "loop:orders", &own, &listener, NULL), VIA_OK);
    assert_int_equal(via_dial(*state, "orders", &other, CORE_PATIENCE, &client, NULL), VIA_OK);
    via_close(client);
    via_listener_close(listener);
}

static void test_require__who_listens_takes_the_best_alone(void **state)
{
    const via_open_options own = require("message=64");
    via_listener *listener = NULL, *second = NULL;
    char address[64];
    size_t cursor = 0;
    via_error error;
    assert_int_equal(via_listen(*state, "orders", &own, &listener, NULL), VIA_OK);
    assert_int_equal(via_listener_next_address(listener, &cursor, address, sizeof(address)), VIA_OK);
    assert_int_equal(via_listener_next_address(listener, &cursor, address, sizeof(address)), VIA_ENOENT);
    assert_int_equal(via_listen(*state, "orders", &own, &second, &error), VIA_EBUSY); /* and does not go elsewhere */
    assert_string_equal(error.more, "it is a candidate of \"orders\": bare:orders");
    via_listener_close(listener);
}

static void test_require__queues_are_joined_by_need(void **state)
{
    const via_open_options own = require("message=64");
    via_channel *receiver = NULL, *sender = NULL, *second = NULL;
    via_error error;
    assert_int_equal(via_join(*state, "jobs", VIA_PULL, &own, VIA_NOW, &receiver, &error), VIA_OK);
    expect_scheme(receiver, "bare");
    assert_int_equal(via_join(*state, "jobs", VIA_PUSH, &own, CORE_PATIENCE, &sender, &error), VIA_OK);
    core_send(sender, "work");
    core_expect(receiver, "work");
    assert_int_equal(via_join(*state, "jobs", VIA_PULL, &own, VIA_NOW, &second, &error), VIA_EBUSY);
    via_close(sender);
    via_close(receiver);
}

static void test_require__an_older_program_requires_nothing(void **state)
{
    via_open_options options = require("scope=moon");
    via_channel *channel = NULL;
    options.size = offsetof(via_open_options, require);
    assert_int_equal(via_dial(*state, "loop:nobody", &options, VIA_NOW, &channel, NULL), VIA_ENOPEER);
    assert_int_equal(via_dial(*state, "nobody", &options, VIA_NOW, &channel, NULL), VIA_ENOENT);
    options.size = sizeof(options);
    assert_int_equal(via_dial(*state, "loop:nobody", &options, VIA_NOW, &channel, NULL), VIA_EINVAL);
}

static void test_require__a_program_can_ask_for_advice(void **state)
{
    char *json = NULL;
    via_error error;
    assert_int_equal(via_advise(*state, "pattern=queue,feature=handles", &json, &error), VIA_OK);
    assert_non_null(strstr(json, "\"scheme\": \"loop\""));
    assert_non_null(strstr(json, "lacks the feature \\\"handles\\\""));
    via_free(json);
    assert_int_equal(via_advise(*state, "scope=process", &json, &error), VIA_EINVAL);
    assert_null(json);
    assert_string_equal(error.what, "what is required: the pattern is missing");
    assert_string_equal(error.mend, "add pattern=pair, queue, topic, value or region");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, core_setup, core_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_require__both_ends_come_to_the_same_choice), TEST(test_require__a_dialer_goes_on_to_the_next),
        TEST(test_require__who_listens_takes_the_best_alone),  TEST(test_require__queues_are_joined_by_need),
        TEST(test_require__an_older_program_requires_nothing), TEST(test_require__a_program_can_ask_for_advice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
