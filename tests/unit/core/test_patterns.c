/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queue, topic and value through the host, the standard extensions, and a private host.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <viaduct/ext/handles.h>
#include <viaduct/ext/process.h>

static via_status publish(via_channel *channel, const char *key, const char *text)
{
    const via_meta meta = {0, 0, 0, key, NULL};
    return via_send(channel, text, strlen(text), &meta, VIA_NOW);
}

static via_counters stats_of(via_channel *channel)
{
    via_counters counters = {.size = sizeof(counters)};
    assert_int_equal(via_stats(channel, &counters), VIA_OK);
    return counters;
}

static void test_patterns__queue_shares_work_among_receivers(void **state)
{
    via_channel *first = core_join(*state, "loop:work", VIA_PULL, VIA_SIDE_DEFAULT, VIA_TWO);
    via_channel *second = core_join(*state, "loop:work", VIA_PULL, VIA_SIDE_CONNECT, VIA_TWO);
    via_channel *push = core_join(*state, "loop:work", VIA_PUSH, VIA_SIDE_DEFAULT, VIA_TWO);
    via_channel_info info = {.size = sizeof(info)};
    via_msg message;
    core_send(push, "1");
    core_send(push, "2");
    core_expect(second, "1");
    core_expect(first, "2");
    assert_int_equal(via_recv(push, VIA_NOW, &message), VIA_ENOTSUP);
    assert_int_equal(via_send(first, "x", 1, NULL, VIA_NOW), VIA_ENOTSUP);
    assert_int_equal(via_info(push, &info), VIA_OK);
    assert_int_equal(info.pattern, VIA_PATTERN_QUEUE);
    assert_int_equal(info.role, VIA_PUSH);
    assert_int_equal(info.side, VIA_SIDE_CONNECT);
    assert_int_equal(via_info(first, &info), VIA_OK);
    assert_int_equal(info.side, VIA_SIDE_BIND);
    via_close(first);
    core_send(push, "3");
    core_expect(second, "3");
    via_close(second);
    via_close(push);
}

static void test_patterns__topic_filters_and_counts_what_it_drops(void **state)
{
    via_channel *out = core_join(*state, "loop:news?overflow=drop-oldest&capacity=2", VIA_PUBLISH, 0, VIA_TWO);
    via_msg message;
    assert_int_equal(publish(out, "eu.one", "nobody hears"), VIA_OK);
    assert_int_equal(stats_of(out).dropped_nobody, 1);
    via_channel *in = core_join(*state, "loop:news?filter=eu&capacity=2", VIA_SUBSCRIBE, 0, VIA_TWO);
    assert_int_equal(publish(out, "us.one", "not for us"), VIA_OK);
    assert_int_equal(publish(out, "eu.two", "a"), VIA_OK);
    core_expect(in, "a");
    assert_int_equal(publish(out, "eu.three", "b"), VIA_OK);
    assert_int_equal(publish(out, "eu.four", "c"), VIA_OK);
    assert_int_equal(publish(out, "eu.five", "d"), VIA_OK);
    assert_int_equal(via_recv(in, VIA_NOW, &message), VIA_OK);
    assert_string_equal(message.meta.key, "eu.four");
    assert_true((message.meta.flags & VIA_MISSED) != 0);
    via_release(in, &message);
    core_expect(in, "d");
    assert_int_equal(stats_of(out).dropped_oldest, 1);
    assert_int_equal(stats_of(in).dropped_filter, 1);
    assert_int_equal(stats_of(in).missed, 1);
    via_close(in);
    via_close(out);
}

static void topic_when_full(void **state, const char *overflow, via_status expected)
{
    char address[64];
    (void)snprintf(address, sizeof(address), "loop:full?capacity=1&overflow=%s", overflow);
    via_channel *out = core_join(*state, address, VIA_PUBLISH, 0, VIA_TWO);
    via_channel *in = core_join(*state, "loop:full?capacity=1", VIA_SUBSCRIBE, 0, VIA_TWO);
    assert_int_equal(publish(out, NULL, "first"), VIA_OK);
    assert_int_equal(publish(out, NULL, "second"), expected);
    core_expect(in, "first");
    assert_int_equal(stats_of(out).sent_messages, expected == VIA_OK ? 2 : 1);
    via_close(in);
    via_close(out);
}

static void test_patterns__full_topic_does_as_its_policy_says(void **state)
{
    topic_when_full(state, "block", VIA_ETIMEDOUT);
    topic_when_full(state, "drop-newest", VIA_OK);
    topic_when_full(state, "fail", VIA_EDROPPED);
}

static void test_patterns__value_shows_the_present_content_first(void **state)
{
    via_channel *writer = core_join(*state, "loop:gauge", VIA_VALUE, 0, VIA_TWO);
    core_send(writer, "1");
    core_send(writer, "2");
    via_channel *reader = core_join(*state, "loop:gauge", VIA_VALUE, 0, VIA_MANY);
    via_msg message;
    core_expect(reader, "2");
    assert_int_equal(via_recv(reader, VIA_NOW, &message), VIA_ETIMEDOUT);
    core_send(writer, "3");
    core_send(writer, "4");
    assert_int_equal(via_recv(reader, VIA_NOW, &message), VIA_OK);
    assert_memory_equal(message.data, "4", 1);
    assert_true((message.meta.flags & VIA_MISSED) != 0);
    via_release(reader, &message);
    assert_int_equal(stats_of(reader).missed, 1);
    via_close(reader);
    via_close(writer);
}

/* ---- extensions --------------------------------------------------------------------------------------------- */

static void handles_go_with_a_message(void **state, uint32_t threads)
{
    core_pair pair = core_pair_open(*state, "loop", "?max_message=1KiB", threads);
    const intptr_t sent[VIA_HANDLES_MAX + 1] = {31, 32, 33};
    intptr_t taken[3] = {0};
    char large[1025] = "";
    size_t count = 99;
    assert_int_equal(via_handles_send(pair.client, "three", 5, sent, 3, CORE_PATIENCE), VIA_OK);
    assert_int_equal(via_handles_send(pair.client, "x", 1, sent, VIA_HANDLES_MAX + 1, VIA_NOW), VIA_EINVAL);
    assert_int_equal(via_handles_send(pair.client, large, sizeof(large), NULL, 0, VIA_NOW), VIA_ETOOBIG);
    core_expect(pair.server, "three");
    assert_int_equal(via_handles_take(pair.server, taken, 2, &count), VIA_EBUFFER);
    assert_int_equal(count, 3);
    assert_int_equal(via_handles_take(pair.server, taken, 3, &count), VIA_OK);
    assert_int_equal(taken[2], 33);
    assert_int_equal(via_handles_take(pair.server, taken, 3, &count), VIA_OK);
    assert_int_equal(count, 0);
    assert_int_equal(stats_of(pair.client).sent_messages, 1);
    assert_int_equal(via_finish(pair.client, VIA_NOW), VIA_OK);
    assert_int_equal(via_handles_send(pair.client, "x", 1, sent, 1, VIA_NOW), VIA_EINVAL);
    core_pair_close(&pair);
}

static void test_patterns__handles_go_with_a_message(void **state)
{
    handles_go_with_a_message(state, VIA_TWO);
    handles_go_with_a_message(state, VIA_MANY);
}

static void test_patterns__missing_extension_is_not_supported(void **state)
{
    core_pair pair = core_pair_open(*state, "bare", "", VIA_TWO);
    via_process_exit how = {.size = sizeof(how)};
    size_t count;
    assert_int_equal(via_handles_send(pair.client, "x", 1, NULL, 0, VIA_NOW), VIA_ENOTSUP);
    assert_int_equal(via_handles_take(pair.client, NULL, 0, &count), VIA_ENOTSUP);
    assert_int_equal(via_process_pid(pair.client), -1);
    assert_int_equal(via_process_wait(pair.client, VIA_NOW, &how), VIA_ENOTSUP);
    assert_int_equal(via_process_kill(pair.client, 15), VIA_ENOTSUP);
    core_pair_close(&pair);
}

/* ---- a private host ----------------------------------------------------------------------------------------- */

static void test_patterns__private_host_lives_with_its_channel(void **state)
{
    (void)state;
    const char *folder = getenv("CORE_PLUGIN_FOLDER");
    assert_true(folder != NULL && setenv("VIADUCT_PLUGIN_PATH", folder, 1) == 0);
    via_channel *value = core_join(NULL, "loop:private", VIA_VALUE, 0, VIA_TWO);
    via_listener *listener = NULL;
    core_send(value, "to myself");
    core_expect(value, "to myself");
    assert_int_equal(via_listen(NULL, "loop:private", NULL, &listener, NULL), VIA_OK);
    via_listener_close(listener);
    via_close(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns__queue_shares_work_among_receivers),
        cmocka_unit_test(test_patterns__topic_filters_and_counts_what_it_drops),
        cmocka_unit_test(test_patterns__full_topic_does_as_its_policy_says),
        cmocka_unit_test(test_patterns__value_shows_the_present_content_first),
        cmocka_unit_test(test_patterns__handles_go_with_a_message),
        cmocka_unit_test(test_patterns__missing_extension_is_not_supported),
        cmocka_unit_test(test_patterns__private_host_lives_with_its_channel),
    };
    return cmocka_run_group_tests(tests, core_setup, core_teardown);
}
