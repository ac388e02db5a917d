/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Those who connect to a publisher and keep silent.
 */
#include "scene.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define FIELD(name) offsetof(via_counters, name)

enum { FRAME_HEADER = 9, BLOCK = 2048, MANY = 200 };

static const uint8_t sub_greeting[8] = {0, 'S', 'P', 0, 0, SP_SUB, 0, 0};

static via_counters stats(via_channel *channel)
{
    via_counters counters = {.size = sizeof(counters)};

    assert_int_equal(via_stats(channel, &counters), VIA_OK);
    return counters;
}

static void publish_block(via_channel *publisher, uint32_t number)
{
    static char block[BLOCK];

    memcpy(block, &number, sizeof(number));
    assert_int_equal(via_send(publisher, block, sizeof(block), NULL, scene_patience()), VIA_OK);
}

/* Reads exactly that much and lets the publisher do its work meanwhile. */
static void read_whole(int raw, via_channel *publisher, uint8_t *into, size_t size)
{
    via_deadline end = scene_patience();

    while (size > 0 && via_now_ns() < end) {
        ssize_t got = recv(raw, into, size, MSG_DONTWAIT);
        assert_int_not_equal(got, 0);
        if (got > 0) {
            into += got;
            size -= (size_t)got;
        } else {
            assert_int_equal(via_arm(publisher, VIA_WORK), VIA_OK);
        }
    }
    assert_int_equal(size, 0);
}

static void expect_block(int raw, via_channel *publisher, uint32_t number)
{
    uint8_t frame[FRAME_HEADER + BLOCK];

    read_whole(raw, publisher, frame, sizeof(frame));
    assert_memory_equal(frame + FRAME_HEADER, &number, sizeof(number));
}

static void test_topic__silence_is_ended_and_counted(void **state)
{
    scene *s = *state;
    via_channel *publisher = scene_join(s, VIA_PUBLISH, VIA_SIDE_BIND, "handshake_timeout=20ms");
    int silent = scene_raw(s, 0), half = scene_raw(s, 0);

    scene_raw_send(half, sub_greeting, 3);
    scene_wait_counter(publisher, FIELD(protocol_errors), 2);
    scene_wait_peers(publisher, 0);
    assert_true(scene_raw_is_closed(silent));
    assert_true(scene_raw_is_closed(half));
    (void)close(silent);
    (void)close(half);
    via_close(publisher);
}

static void test_topic__silence_keeps_nothing_from_the_others(void **state)
{
    static const char *const policies[] = {
        "overflow=block&queue_limit=4KiB&send_buffer=8KiB&handshake_timeout=1h",
        "overflow=fail&queue_limit=4KiB&send_buffer=8KiB&handshake_timeout=1h",
    };
    scene *s = *state;

    for (size_t i = 0; i < 2; i++) {
        via_channel *publisher = scene_join(s, VIA_PUBLISH, VIA_SIDE_BIND, policies[i]);
        int silent = scene_raw(s, 0);
        scene_wait_peers(publisher, 1);
        for (uint32_t n = 0; n < MANY; n++)
            publish_block(publisher, n);
        via_channel *subscriber = scene_join(s, VIA_SUBSCRIBE, VIA_SIDE_CONNECT, NULL);
        for (uint32_t n = 0; n < MANY; n++) {
            via_msg message;
            publish_block(publisher, n);
            assert_int_equal(via_recv(subscriber, scene_patience(), &message), VIA_OK);
            assert_memory_equal(message.data, &n, sizeof(n));
            via_release(subscriber, &message);
        }
        assert_true(stats(publisher).dropped_newest > 0);
        assert_int_equal(stats(publisher).peers, 2);
        (void)close(silent);
        via_close(subscriber);
        via_close(publisher);
    }
}

static void test_topic__a_late_greeting_has_missed_nothing(void **state)
{
    scene *s = *state;
    via_channel *publisher =
        scene_join(s, VIA_PUBLISH, VIA_SIDE_BIND, "send_buffer=8KiB&handshake_timeout=1h&queue_limit=1MiB");
    int late = scene_raw(s, 0);
    uint8_t theirs[8];

    for (uint32_t n = 0; n < MANY; n++)
        publish_block(publisher, n);
    scene_raw_send(late, sub_greeting, sizeof(sub_greeting));
    read_whole(late, publisher, theirs, sizeof(theirs));
    for (uint32_t n = 0; n < MANY; n++)
        expect_block(late, publisher, n);
    /* From here on it is a subscriber as any other: whoever blocks waits for it. */
    via_status status = VIA_OK;
    for (uint32_t n = 0; n < 100 * MANY && status == VIA_OK; n++)
        status = via_send(publisher, sub_greeting, sizeof(sub_greeting), NULL, VIA_NOW);
    assert_int_equal(status, VIA_ETIMEDOUT);
    assert_int_equal(stats(publisher).dropped_newest, 0);
    (void)close(late);
    via_close(publisher);
}

/* The publisher is in no call while the greeting comes and the time passes. */
static void test_topic__a_greeting_in_time_counts_whenever_it_is_read(void **state)
{
    scene *s = *state;
    via_channel *publisher = scene_join(s, VIA_PUBLISH, VIA_SIDE_BIND, "handshake_timeout=1ms");
    int early = -1;

    for (int tries = 0; early < 0 && tries < 1000; tries++) {
        early = scene_raw(s, 0);
        assert_int_equal(via_arm(publisher, VIA_WORK), VIA_OK);
        if (stats(publisher).peers == 1)
            continue;
        (void)close(early); /* this machine is too busy for 1 ms: it has been ended already */
        early = -1;
    }
    scene_raw_send(early, sub_greeting, sizeof(sub_greeting));
    for (via_deadline end = via_after_ms(2); via_now_ns() < end;)
        (void)poll(NULL, 0, 1);
    assert_int_equal(via_arm(publisher, VIA_WORK), VIA_OK);
    assert_int_equal(stats(publisher).peers, 1);
    (void)close(early);
    via_close(publisher);
}

static void test_topic__a_silent_crowd_is_bounded(void **state)
{
    scene *s = *state;
    via_channel *publisher =
        scene_join(s, VIA_PUBLISH, VIA_SIDE_BIND, "handshake_limit=2&peers=16&handshake_timeout=1h");
    via_channel *subscriber[2];
    int crowd[10];

    for (int i = 0; i < 2; i++)
        subscriber[i] = scene_join(s, VIA_SUBSCRIBE, VIA_SIDE_CONNECT, NULL);
    scene_wait_peers(publisher, 2);
    for (int i = 0; i < 10; i++)
        crowd[i] = scene_raw(s, 0);
    scene_wait_counter(publisher, FIELD(protocol_errors), 8);
    assert_int_equal(stats(publisher).peers, 4);
    scene_send(publisher, "news");
    for (int i = 0; i < 2; i++) {
        scene_expect(subscriber[i], "news");
        via_close(subscriber[i]);
    }
    for (int i = 0; i < 10; i++)
        (void)close(crowd[i]);
    via_close(publisher);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_topic__silence_is_ended_and_counted),
        TEST(test_topic__silence_keeps_nothing_from_the_others),
        TEST(test_topic__a_late_greeting_has_missed_nothing),
        TEST(test_topic__a_greeting_in_time_counts_whenever_it_is_read),
        TEST(test_topic__a_silent_crowd_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
