/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues and topics whose members come, go, stall and lie.
 */
#include "scene.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define FIELD(name) offsetof(via_counters, name)

static via_counters stats(via_channel *channel)
{
    via_counters counters = {.size = sizeof(counters)};

    assert_int_equal(via_stats(channel, &counters), VIA_OK);
    return counters;
}

/* ---- queue -------------------------------------------------------------------------------------------------- */

static void test_queue__shares_out_in_turn(void **state)
{
    scene *s = *state;
    via_channel *push = scene_join(s, VIA_PUSH, VIA_SIDE_BIND, NULL);
    via_channel *pull[3];

    for (int i = 0; i < 3; i++)
        pull[i] = scene_join(s, VIA_PULL, VIA_SIDE_CONNECT, NULL);
    scene_wait_peers(push, 3);
    for (int i = 0; i < 9; i++)
        scene_send(push, "job");
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            scene_expect(pull[i], "job");
    for (int i = 0; i < 3; i++)
        via_close(pull[i]);
    via_close(push);
}

static void test_queue__takes_from_all_in_turn(void **state)
{
    scene *s = *state;
    via_channel *pull = scene_join(s, VIA_PULL, VIA_SIDE_BIND, NULL);
    via_channel *push[2];
    int seen[2] = {0, 0};

    for (int i = 0; i < 2; i++)
        push[i] = scene_join(s, VIA_PUSH, VIA_SIDE_CONNECT, NULL);
    for (int i = 0; i < 100; i++)
        for (int j = 0; j < 2; j++)
            scene_send(push[j], j ? "b" : "a");
    for (int i = 0; i < 20; i++) {
        via_msg message;
        assert_int_equal(via_recv(pull, scene_patience(), &message), VIA_OK);
        seen[*(const char *)message.data - 'a']++;
        via_release(pull, &message);
    }
    assert_true(seen[0] >= 8 && seen[1] >= 8);
    via_close(push[0]);
    via_close(push[1]);
    via_close(pull);
}

static void test_queue__waits_for_a_receiver(void **state)
{
    scene *s = *state;
    via_channel *push = scene_join(s, VIA_PUSH, VIA_SIDE_BIND, NULL);

    assert_int_equal(via_send(push, "x", 1, NULL, VIA_NOW), VIA_ETIMEDOUT);
    assert_int_equal(via_send(push, "x", 1, NULL, via_after_ms(20)), VIA_ETIMEDOUT);
    via_close(push);
}

static void test_queue__redials_by_itself(void **state)
{
    scene *s = *state;
    via_channel *pull = scene_join(s, VIA_PULL, VIA_SIDE_BIND, NULL);
    via_channel *push = scene_join(s, VIA_PUSH, VIA_SIDE_CONNECT, "reconnect=1ms");

    for (int round = 0; round < 3; round++) {
        scene_send(push, "before");
        scene_expect(pull, "before");
        via_close(pull);
        scene_wait_counter(push, FIELD(disconnects), (uint64_t)round + 1);
        assert_int_equal(via_send(push, "x", 1, NULL, VIA_NOW), VIA_ETIMEDOUT);
        pull = scene_join(s, VIA_PULL, VIA_SIDE_BIND, NULL);
        scene_send(push, "after"); /* waits for the redial */
        scene_expect(pull, "after");
    }
    assert_int_equal(stats(push).connects, 4);
    via_close(push);
    via_close(pull);
}

static void test_queue__a_full_receiver_does_not_stop_the_others(void **state)
{
    scene *s = *state;
    via_channel *push = scene_join(s, VIA_PUSH, VIA_SIDE_BIND, "send_buffer=8KiB");
    int stuck = scene_raw(s, SP_PULL); /* never reads */
    via_channel *pull = scene_join(s, VIA_PULL, VIA_SIDE_CONNECT, NULL);
    static char block[2048];
    int received = 0;

    scene_wait_peers(push, 2);
    for (int i = 0; i < 500; i++) {
        via_msg message;
        assert_int_equal(via_send(push, block, sizeof(block), NULL, scene_patience()), VIA_OK);
        while (via_recv(pull, VIA_NOW, &message) == VIA_OK) {
            via_release(pull, &message);
            received++;
        }
    }
    assert_true(received > 400);
    (void)close(stuck);
    via_close(pull);
    via_close(push);
}

static void test_queue__a_death_costs_nobody_else(void **state)
{
    scene *s = *state;
    via_channel *pull = scene_join(s, VIA_PULL, VIA_SIDE_BIND, NULL);
    int raw = scene_raw(s, SP_PUSH);
    via_channel *push = scene_join(s, VIA_PUSH, VIA_SIDE_CONNECT, NULL);
    via_error error;

    scene_raw_frame(raw, 4, "good", 4);
    scene_raw_frame(raw, 100, "half", 4);
    scene_expect(pull, "good");
    (void)close(raw);
    scene_send(push, "other");
    scene_expect(pull, "other");
    assert_int_equal(via_failure(pull, &error), VIA_ENOENT); /* the channel itself is well */
    assert_int_equal(stats(pull).disconnects, 1);
    via_close(push);
    via_close(pull);
}

static void test_queue__turns_strangers_away(void **state)
{
    scene *s = *state;
    via_channel *pull = scene_join(s, VIA_PULL, VIA_SIDE_BIND, NULL);
    int good = scene_raw(s, SP_PUSH), wrong = scene_raw(s, SP_PAIR);

    scene_wait_counter(pull, FIELD(protocol_errors), 1);
    assert_true(scene_raw_is_closed(wrong));
    scene_raw_frame(good, 2, "ok", 2);
    scene_expect(pull, "ok");
    (void)close(good);
    (void)close(wrong);
    via_close(pull);
}

/* Nothing that a crowd keeps waiting may keep the handle readable: who sleeps on it would spin. */
static void expect_calm(via_channel *pull)
{
    via_poll_handle handle = {.size = sizeof(handle)};

    assert_int_equal(via_pollable(pull, VIA_READ, &handle), VIA_OK);
    assert_int_equal(via_arm(pull, VIA_READ), VIA_OK);
    assert_int_equal(poll(&(struct pollfd){.fd = (int)handle.handle, .events = POLLIN}, 1, 0), 0);
}

static void test_queue__a_crowd_waits_until_one_leaves(void **state)
{
    scene *s = *state;
    via_channel *pull = scene_join(s, VIA_PULL, VIA_SIDE_BIND, "peers=2");
    int first[2] = {scene_raw(s, SP_PUSH), scene_raw(s, SP_PUSH)}, late[3];

    scene_wait_peers(pull, 2);
    for (int i = 0; i < 3; i++) {
        late[i] = scene_raw(s, SP_PUSH);
        scene_raw_frame(late[i], 4, "late", 4);
        (void)close(late[i]); /* what it has sent waits without it */
    }
    expect_calm(pull);
    scene_raw_frame(first[1], 2, "ok", 2);
    scene_expect(pull, "ok");
    expect_calm(pull);
    (void)close(first[0]);
    for (int i = 0; i < 3; i++)
        scene_expect(pull, "late");
    assert_int_equal(stats(pull).protocol_errors, 0);
    (void)close(first[1]);
    via_close(pull);
}

/* Handshakes that were under way when the last place was taken wait, too, and go on; even one that has left is heard. */
static void test_queue__a_crowd_waits_with_half_a_greeting(void **state)
{
    static const uint8_t greeting[8] = {0, 'S', 'P', 0, 0, SP_PUSH, 0, 0};
    scene *s = *state;
    via_channel *pull = scene_join(s, VIA_PULL, VIA_SIDE_BIND, "peers=1&handshake_timeout=1min");
    int slow[2] = {scene_raw(s, 0), scene_raw(s, 0)}, first = scene_raw(s, SP_PUSH);

    assert_int_equal(send(slow[0], greeting, 4, MSG_NOSIGNAL), 4);
    assert_int_equal(send(slow[1], greeting, 4, MSG_NOSIGNAL), 4);
    scene_wait_peers(pull, 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(send(slow[i], greeting + 4, 4, MSG_NOSIGNAL), 4);
        scene_raw_frame(slow[i], 4, "slow", 4);
        (void)close(slow[i]);
    }
    expect_calm(pull);
    (void)close(first);
    scene_expect(pull, "slow");
    scene_expect(pull, "slow");
    via_close(pull);
}

static void test_queue__an_oversize_frame_ends_its_sender_only(void **state)
{
    scene *s = *state;
    via_channel *pull = scene_join(s, VIA_PULL, VIA_SIDE_BIND, "max_message=1KiB");
    int liar = scene_raw(s, SP_PUSH), honest = scene_raw(s, SP_PUSH);

    scene_raw_frame(liar, UINT64_MAX / 2, "x", 1);
    scene_raw_frame(honest, 2, "ok", 2);
    scene_expect(pull, "ok");
    assert_int_equal(via_arm(pull, VIA_READ), VIA_OK); /* whoever has something has been looked at */
    assert_int_equal(stats(pull).peers, 1);
    assert_true(scene_raw_is_closed(liar));
    (void)close(liar);
    (void)close(honest);
    via_close(pull);
}

/* ---- interrupts --------------------------------------------------------------------------------------------- */

typedef struct blocked {
    via_channel *channel;
    bool sends;
    via_status status;
} blocked;

static void *block(void *user)
{
    blocked *b = user;
    via_msg message;

    b->status =
        b->sends ? via_send(b->channel, "x", 1, NULL, VIA_FOREVER) : via_recv(b->channel, VIA_FOREVER, &message);
    return NULL;
}

static void interrupt_blocked(scene *s, uint32_t role)
{
    blocked b = {scene_join(s, role, VIA_SIDE_BIND, NULL), role == VIA_PUSH, VIA_OK};
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, block, &b), 0);
    via_interrupt(b.channel);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(b.status, VIA_ECANCELED);
    via_close(b.channel);
}

static void test_hub__interrupts_wake_sleepers(void **state)
{
    for (int i = 0; i < 20; i++) {
        interrupt_blocked(*state, VIA_PUSH);
        interrupt_blocked(*state, VIA_PULL);
    }
}

/* ---- topic -------------------------------------------------------------------------------------------------- */

static void test_topic__nothing_after_join_is_missed(void **state)
{
    scene *s = *state;
    via_channel *publisher = scene_join(s, VIA_PUBLISH, VIA_SIDE_BIND, NULL);

    scene_send(publisher, "for nobody");
    assert_int_equal(stats(publisher).dropped_nobody, 1);
    for (int i = 0; i < 20; i++) {
        via_channel *subscriber = scene_join(s, VIA_SUBSCRIBE, VIA_SIDE_CONNECT, NULL);
        scene_send(publisher, "news");
        scene_expect(subscriber, "news");
        via_close(subscriber);
    }
    via_close(publisher);
}

static void test_topic__filters_by_the_beginning(void **state)
{
    scene *s = *state;
    via_channel *publisher = scene_join(s, VIA_PUBLISH, VIA_SIDE_BIND, NULL);
    via_channel *subscriber = scene_join(s, VIA_SUBSCRIBE, VIA_SIDE_CONNECT, "filter=a.,b.c");

    scene_send(publisher, "a.1");
    scene_send(publisher, "b.d");
    scene_send(publisher, "a");
    scene_send(publisher, "b.c.2");
    scene_expect(subscriber, "a.1");
    scene_expect(subscriber, "b.c.2");
    assert_int_equal(stats(subscriber).dropped_filter, 2);
    via_close(subscriber);
    via_close(publisher);
}

static void expect_keyed(via_channel *subscriber, const char *key, const char *body)
{
    via_msg message;

    assert_int_equal(via_recv(subscriber, scene_patience(), &message), VIA_OK);
    if (key)
        assert_string_equal(message.meta.key, key);
    else
        assert_null(message.meta.key);
    assert_int_equal(message.size, strlen(body));
    assert_memory_equal(message.data, body, message.size);
    via_release(subscriber, &message);
}

static void publish_keyed(via_channel *publisher, const char *key, const char *body)
{
    const via_meta meta = {.key = key};

    assert_int_equal(via_send(publisher, body, strlen(body), &meta, scene_patience()), VIA_OK);
}

static void test_topic__carries_keys(void **state)
{
    scene *s = *state;
    via_channel *publisher = scene_join(s, VIA_PUBLISH, VIA_SIDE_BIND, "key_delimiter=%3A%3A");
    via_channel *splits = scene_join(s, VIA_SUBSCRIBE, VIA_SIDE_CONNECT, "key_delimiter=%3A%3A");
    via_channel *plain = scene_join(s, VIA_SUBSCRIBE, VIA_SIDE_CONNECT, NULL);
    via_channel_info info = {.size = sizeof(info)};

    publish_keyed(publisher, "a.b", "body");
    scene_send(publisher, "keyless");
    expect_keyed(splits, "a.b", "body");
    expect_keyed(splits, NULL, "keyless");
    expect_keyed(plain, NULL, "a.b::body");
    assert_int_equal(via_info(splits, &info), VIA_OK);
    assert_true(info.flags & VIA_INFO_CARRIES_KEY);
    assert_int_equal(via_info(plain, &info), VIA_OK);
    assert_false(info.flags & VIA_INFO_CARRIES_KEY);
    via_close(plain);
    via_close(splits);
    via_close(publisher);
}

static void test_topic__puts_a_key_in_front_once(void **state)
{
    scene *s = *state;
    via_channel *publisher = scene_join(s, VIA_PUBLISH, VIA_SIDE_BIND, NULL);
    via_channel *subscriber = scene_join(s, VIA_SUBSCRIBE, VIA_SIDE_CONNECT, "filter=a.b");

    publish_keyed(publisher, "a.b", " body");
    publish_keyed(publisher, "a.b", "a.b has it");
    scene_expect(subscriber, "a.b body");
    scene_expect(subscriber, "a.b has it");
    via_close(subscriber);
    via_close(publisher);
}

/* Publishes blocks until `done` says so or the sender would have to wait; returns how many were accepted. */
static int flood(via_channel *publisher, size_t field, via_status *status)
{
    static char bytes[2048];
    int accepted = 0;

    *status = VIA_OK;
    for (uint32_t i = 0; i < 5000; i++) {
        memcpy(bytes, &i, sizeof(i));
        *status = via_send(publisher, bytes, sizeof(bytes), NULL, VIA_NOW);
        if (*status != VIA_OK)
            break;
        accepted++;
        via_counters now = stats(publisher);
        uint64_t value;
        memcpy(&value, (const char *)&now + field, sizeof(value));
        if (value >= 10)
            break;
    }
    return accepted;
}

/* Reads what a stalled subscriber has got and returns the number in its last message. */
static uint32_t read_last(int raw, via_channel *publisher)
{
    static uint8_t frame[9 + 2048];
    uint32_t last = UINT32_MAX;
    size_t have = 0;

    assert_int_equal(recv(raw, frame, 8, MSG_WAITALL), 8); /* the greeting */
    for (;;) {
        ssize_t got = recv(raw, frame + have, sizeof(frame) - have, MSG_DONTWAIT);
        if (got <= 0 && stats(publisher).backlog_bytes == 0)
            break;
        have += got > 0 ? (size_t)got : 0;
        if (have == sizeof(frame)) {
            memcpy(&last, frame + 9, sizeof(last));
            have = 0;
        }
        assert_int_equal(via_arm(publisher, VIA_WORK), VIA_OK);
    }
    assert_int_equal(have, 0); /* nothing is torn */
    return last;
}

static void test_topic__drop_oldest_keeps_the_latest(void **state)
{
    scene *s = *state;
    via_channel *publisher =
        scene_join(s, VIA_PUBLISH, VIA_SIDE_BIND, "overflow=drop-oldest&queue_limit=16KiB&send_buffer=8KiB");
    int stuck = scene_raw(s, SP_SUB);
    via_status status;
    int accepted = flood(publisher, FIELD(dropped_oldest), &status);

    assert_int_equal(status, VIA_OK);
    assert_int_equal(stats(publisher).dropped_oldest, 10);
    assert_int_equal(read_last(stuck, publisher), accepted - 1);
    (void)close(stuck);
    via_close(publisher);
}

static void test_topic__drop_newest_keeps_the_first(void **state)
{
    scene *s = *state;
    via_channel *publisher =
        scene_join(s, VIA_PUBLISH, VIA_SIDE_BIND, "overflow=drop-newest&queue_limit=16KiB&send_buffer=8KiB");
    int stuck = scene_raw(s, SP_SUB);
    via_status status;
    int accepted = flood(publisher, FIELD(dropped_newest), &status);

    assert_int_equal(status, VIA_OK);
    assert_int_equal(read_last(stuck, publisher), accepted - 11);
    (void)close(stuck);
    via_close(publisher);
}

static void test_topic__fail_says_so_and_block_waits(void **state)
{
    static const struct {
        const char *options;
        via_status status;
    } policies[] = {{"overflow=fail&queue_limit=16KiB&send_buffer=8KiB", VIA_EDROPPED},
                    {"overflow=block&queue_limit=16KiB&send_buffer=8KiB", VIA_ETIMEDOUT}};
    scene *s = *state;

    for (size_t i = 0; i < 2; i++) {
        via_channel *publisher = scene_join(s, VIA_PUBLISH, VIA_SIDE_BIND, policies[i].options);
        int stuck = scene_raw(s, SP_SUB);
        via_status status;
        int accepted = flood(publisher, FIELD(dropped_oldest), &status);
        assert_int_equal(status, policies[i].status);
        assert_int_equal(read_last(stuck, publisher), accepted - 1);
        (void)close(stuck);
        via_close(publisher);
    }
}

static void test_topic__a_talking_subscriber_is_turned_away(void **state)
{
    scene *s = *state;
    via_channel *publisher = scene_join(s, VIA_PUBLISH, VIA_SIDE_BIND, NULL);
    int talker = scene_raw(s, SP_SUB), stranger = scene_raw(s, SP_PAIR);

    scene_raw_frame(talker, 2, "hi", 2);
    scene_wait_counter(publisher, FIELD(protocol_errors), 2);
    scene_wait_peers(publisher, 0);
    assert_true(scene_raw_is_closed(talker));
    assert_true(scene_raw_is_closed(stranger));
    (void)close(talker);
    (void)close(stranger);
    via_close(publisher);
}

static void test_topic__close_lingers_for_what_was_accepted(void **state)
{
    scene *s = *state;
    via_channel *publisher = scene_join(s, VIA_PUBLISH, VIA_SIDE_BIND, "overflow=drop-newest&send_buffer=8KiB");
    via_channel *subscriber = scene_join(s, VIA_SUBSCRIBE, VIA_SIDE_CONNECT, NULL);
    enum { COUNT = 50 };
    static char bytes[4096];
    via_msg message;

    for (uint32_t i = 0; i < COUNT; i++) {
        memcpy(bytes, &i, sizeof(i));
        assert_int_equal(via_send(publisher, bytes, sizeof(bytes), NULL, VIA_NOW), VIA_OK);
    }
    assert_true(stats(publisher).backlog_bytes > 0);
    for (uint32_t i = 0; i < COUNT; i++) {
        while (via_recv(subscriber, VIA_NOW, &message) != VIA_OK)
            assert_int_equal(via_arm(publisher, VIA_WORK), VIA_OK);
        assert_memory_equal(message.data, &i, sizeof(i));
        via_release(subscriber, &message);
        if (i == COUNT - 5)
            break;
    }
    via_close(publisher);
    for (uint32_t i = COUNT - 4; i < COUNT; i++) {
        assert_int_equal(via_recv(subscriber, scene_patience(), &message), VIA_OK);
        assert_memory_equal(message.data, &i, sizeof(i));
        via_release(subscriber, &message);
    }
    via_close(subscriber);
}

/* A key counts towards max_message, and one that is too long is the caller's fault, not the subscribers'. */
static void test_topic__a_key_above_max_message_costs_no_subscriber(void **state)
{
    scene *s = *state;
    via_channel *publisher = scene_join(s, VIA_PUBLISH, VIA_SIDE_BIND, "max_message=8");
    via_channel *subscriber = scene_join(s, VIA_SUBSCRIBE, VIA_SIDE_CONNECT, NULL);
    const via_meta meta = {.key = "a.key.above.it"};

    scene_wait_peers(publisher, 1);
    assert_int_equal(via_send(publisher, "x", 1, &meta, scene_patience()), VIA_ETOOBIG);
    assert_int_equal(via_send(publisher, NULL, 0, &meta, scene_patience()), VIA_ETOOBIG);
    scene_send(publisher, "short");
    scene_expect(subscriber, "short");
    assert_int_equal(stats(publisher).disconnects, 0);
    via_close(subscriber);
    via_close(publisher);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_queue__shares_out_in_turn),
        TEST(test_queue__takes_from_all_in_turn),
        TEST(test_queue__waits_for_a_receiver),
        TEST(test_queue__redials_by_itself),
        TEST(test_queue__a_full_receiver_does_not_stop_the_others),
        TEST(test_queue__a_death_costs_nobody_else),
        TEST(test_queue__turns_strangers_away),
        TEST(test_queue__a_crowd_waits_until_one_leaves),
        TEST(test_queue__a_crowd_waits_with_half_a_greeting),
        TEST(test_queue__an_oversize_frame_ends_its_sender_only),
        TEST(test_hub__interrupts_wake_sleepers),
        TEST(test_topic__nothing_after_join_is_missed),
        TEST(test_topic__filters_by_the_beginning),
        TEST(test_topic__carries_keys),
        TEST(test_topic__puts_a_key_in_front_once),
        TEST(test_topic__drop_oldest_keeps_the_latest),
        TEST(test_topic__drop_newest_keeps_the_first),
        TEST(test_topic__fail_says_so_and_block_waits),
        TEST(test_topic__a_talking_subscriber_is_turned_away),
        TEST(test_topic__close_lingers_for_what_was_accepted),
        TEST(test_topic__a_key_above_max_message_costs_no_subscriber),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
