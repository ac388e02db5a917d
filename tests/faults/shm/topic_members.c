/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of a topic that come late, stop, die, and come back: the others get what they were promised.
 */
#include "topic_scene.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4000, CROWD = 64 };

static via_status publish(via_channel *channel, uint64_t number, size_t size, via_deadline deadline)
{
    unsigned char body[PAGE] = {0};

    memcpy(body, &number, sizeof(number));
    return via_send(channel, body, size, NULL, deadline);
}

/* The number of the next message; its gap is added to *missed. UINT64_MAX: none came. */
static uint64_t receive(via_channel *channel, uint64_t *last_sequence, uint64_t *missed)
{
    via_msg message;
    uint64_t number = UINT64_MAX;

    if (via_recv(channel, via_after_ms(PATIENCE_MS), &message) != VIA_OK || message.size < sizeof(number))
        return UINT64_MAX;
    memcpy(&number, message.data, sizeof(number));
    if (missed)
        *missed += message.meta.sequence - *last_sequence - 1;
    if (last_sequence)
        *last_sequence = message.meta.sequence;
    via_release(channel, &message);
    return number;
}

static void expect(via_channel *channel, uint64_t number)
{
    assert_int_equal(receive(channel, NULL, NULL), number);
}

/* ---- coming ------------------------------------------------------------------------------------------------- */

enum { JOINS = 200 };

static void join_again_and_again(const scene *s, int line)
{
    for (uint64_t i = 0; i < JOINS; i++) {
        via_channel *channel = join(s, VIA_SUBSCRIBE, "");
        tell(line, i);
        tell(line, receive(channel, NULL, NULL));
        via_close(channel);
    }
}

/* The publisher is in no call from before the join until it publishes, and makes no other call afterwards. */
static void test_topic__nothing_is_missed_after_a_join_has_returned(void **state)
{
    scene *s = *state;
    via_channel *publisher = join(s, VIA_PUBLISH, "");
    other subscriber = start(s, join_again_and_again);

    for (uint64_t i = 0; i < JOINS; i++) {
        assert_int_equal(hear(subscriber.line), i);
        assert_int_equal(publish(publisher, i, 100, VIA_NOW), VIA_OK);
        assert_int_equal(hear(subscriber.line), i);
    }
    end(&subscriber, 0);
    via_close(publisher);
}

/* The board cannot be found, so that the publisher's next call has to answer. */
static void test_topic__without_a_door_a_join_waits_for_the_publisher(void **state)
{
    scene *s = *state;
    via_channel *publisher = join(s, VIA_PUBLISH, ""), *none = NULL;
    via_error error;
    char door[128];

    (void)snprintf(door, sizeof(door), "%s.door", s->name + strlen("shm:"));
    assert_int_equal(unlink(door), 0);
    assert_int_equal(symlink("sysv:1:00", door), 0);
    assert_int_equal(via_join(NULL, s->name, VIA_SUBSCRIBE, NULL, via_after_ms(30), &none, &error), VIA_ENOPEER);
    assert_true(error.what[0] && error.mend[0]);
    other subscriber = start(s, join_again_and_again);
    for (uint64_t i = 0; i < 3; i++) {
        struct pollfd told = {subscriber.line, POLLIN, 0};
        while (poll(&told, 1, 1) == 0)
            assert_int_equal(via_arm(publisher, VIA_WORK), VIA_OK);
        assert_int_equal(hear(subscriber.line), i);
        assert_int_equal(publish(publisher, i, 100, VIA_NOW), VIA_OK);
        assert_int_equal(hear(subscriber.line), i);
    }
    end(&subscriber, SIGKILL);
    via_close(publisher);
}

/* Whoever serves the name says why not, and join passes it on. */
static void test_topic__a_listener_of_pairs_is_no_publisher(void **state)
{
    scene *s = *state;
    via_listener *listener = NULL;
    via_channel *none = NULL;
    via_error error;
    pid_t joiner;
    int result = -1;

    assert_int_equal(via_listen(NULL, s->name, NULL, &listener, NULL), VIA_OK);
    joiner = fork();
    if (joiner == 0) {
        via_status status = via_join(NULL, s->name, VIA_SUBSCRIBE, NULL, via_after_ms(PATIENCE_MS), &none, &error);
        _exit(status == VIA_EPROTO && strstr(error.what, "pattern") ? 0 : 1);
    }
    while (waitpid(joiner, &result, WNOHANG) == 0) /* it is answered by whoever accepts */
        assert_int_equal(via_accept(listener, via_after_ms(20), &none, NULL), VIA_ETIMEDOUT);
    assert_int_equal(result, 0);
    via_listener_close(listener);
}

static void test_topic__late_ones_get_the_last_that_they_ask_for(void **state)
{
    scene *s = *state;
    via_channel *publisher = join(s, VIA_PUBLISH, "?slots=16");
    via_channel *late[3];

    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(publish(publisher, i, 50, VIA_NOW), VIA_OK);
    late[0] = join(s, VIA_SUBSCRIBE, "?history=5");
    late[1] = join(s, VIA_SUBSCRIBE, "?history=1000"); /* the ring has 16 */
    late[2] = join(s, VIA_SUBSCRIBE, "");
    assert_int_equal(via_arm(publisher, VIA_WORK), VIA_OK); /* nothing more is published */
    for (uint64_t i = 84; i < 100; i++)
        expect(late[1], i);
    for (uint64_t i = 95; i < 100; i++)
        expect(late[0], i);
    assert_int_equal(publish(publisher, 100, 50, VIA_NOW), VIA_OK);
    for (int i = 0; i < 3; i++)
        expect(late[i], 100);
    via_close(late[0]);
    via_close(late[1]);
    via_close(late[2]);
    via_close(publisher);
}

/* Waiting for one's own loan would be for ever. */
static void test_topic__texts_that_a_loan_leaves_no_room_for_are_refused(void **state)
{
    scene *s = *state;
    via_channel *publisher = join(s, VIA_PUBLISH, "?ring=4KiB");
    char key[251];
    via_meta meta = {.key = key};
    via_msg loan;

    memset(key, 'k', sizeof(key) - 1);
    key[sizeof(key) - 1] = '\0';
    assert_int_equal(via_loan(publisher, 3800, VIA_NOW, &loan), VIA_OK);
    assert_int_equal(via_send(publisher, key, 100, &meta, via_after_ms(PATIENCE_MS)), VIA_ENOMEM);
    via_discard(publisher, &loan);
    assert_int_equal(via_send(publisher, key, 100, &meta, via_after_ms(PATIENCE_MS)), VIA_OK);
    via_close(publisher);
}

/* ---- many --------------------------------------------------------------------------------------------------- */

static void test_topic__a_crowd_loses_nothing_under_block(void **state)
{
    scene *s = *state;
    via_channel *publisher = join(s, VIA_PUBLISH, "?slots=64"), *crowd[CROWD];
    uint64_t published = 0, next[CROWD] = {0};

    for (int i = 0; i < CROWD; i++)
        crowd[i] = join(s, VIA_SUBSCRIBE, "");
    for (int round = 0; round < 60; round++) {
        while (publish(publisher, published, 8 + published % 900, VIA_NOW) == VIA_OK)
            published++;
        for (int i = 0; i < CROWD; i++) { /* each at a pace of its own, the first the slowest */
            for (uint64_t goal = published - (uint64_t)(CROWD - i) / 4; next[i] < goal; next[i]++)
                expect(crowd[i], next[i]);
        }
    }
    assert_true(published > 1000);
    for (int i = 0; i < CROWD; i++) {
        for (; next[i] < published; next[i]++)
            expect(crowd[i], next[i]);
        via_close(crowd[i]);
    }
    via_close(publisher);
}

static via_channel *join_from(const scene *s, uint32_t role, uint32_t side)
{
    via_channel *channel = NULL;
    via_open_options how;

    via_open_options_init(&how);
    how.side = side;
    assert_int_equal(via_join(NULL, s->name, role, &how, via_after_ms(PATIENCE_MS), &channel, NULL), VIA_OK);
    return channel;
}

/* A subscriber that binds never has to wait, and lets the second publisher in all the same. */
static void test_topic__a_busy_publisher_keeps_no_other_out(void **state)
{
    scene *s = *state;
    via_channel *subscriber = join_from(s, VIA_SUBSCRIBE, VIA_SIDE_BIND);
    via_channel *busy = join_from(s, VIA_PUBLISH, VIA_SIDE_CONNECT), *second = NULL;
    uint64_t found = 0;

    for (int i = 0; i < 2000 && found != 2; i++) {
        assert_int_equal(publish(busy, 1, 8, via_after_ms(PATIENCE_MS)), VIA_OK);
        if (i == 10) {
            second = join_from(s, VIA_PUBLISH, VIA_SIDE_CONNECT);
            assert_int_equal(publish(second, 2, 8, VIA_NOW), VIA_OK);
        }
        found = receive(subscriber, NULL, NULL);
    }
    assert_int_equal(found, 2);
    via_close(busy);
    via_close(second);
    via_close(subscriber);
}

/* Also before the publisher has read who it is. */
static void test_topic__a_binding_subscriber_is_woken_by_every_message(void **state)
{
    scene *s = *state;
    via_channel *subscriber = join_from(s, VIA_SUBSCRIBE, VIA_SIDE_BIND);
    via_channel *publisher = join_from(s, VIA_PUBLISH, VIA_SIDE_CONNECT);
    via_poll_handle handle = {.size = sizeof(handle)};

    assert_int_equal(via_pollable(subscriber, VIA_READ, &handle), VIA_OK);
    struct pollfd waits = {(int)handle.handle, POLLIN, 0};
    for (uint64_t i = 0; i < 5; i++) {
        assert_int_equal(publish(publisher, i, 8, VIA_NOW), VIA_OK);
        assert_int_equal(poll(&waits, 1, PATIENCE_MS), 1);
        expect(subscriber, i);
        fall_asleep(subscriber, &waits);
    }
    via_close(publisher);
    via_close(subscriber);
}

/* The system writes into a buffer of ours; into the publisher's memory it does not. */
static void test_topic__nobody_can_write_what_is_received(void **state)
{
    scene *s = *state;
    via_channel *publisher = join(s, VIA_PUBLISH, ""), *subscriber = join(s, VIA_SUBSCRIBE, "");
    via_msg message;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(publish(publisher, 7, 100, VIA_NOW), VIA_OK);
    assert_int_equal(via_recv(subscriber, via_after_ms(PATIENCE_MS), &message), VIA_OK);
    assert_int_equal(read(ends[0], message.data, 1), -1);
    assert_int_equal(errno, EFAULT);
    via_release(subscriber, &message);
    (void)close(ends[0]), (void)close(ends[1]);
    via_close(subscriber);
    via_close(publisher);
}

/* ---- stopping and dying ------------------------------------------------------------------------------------- */

static void join_and_sit(const scene *s, int line)
{
    (void)join(s, VIA_SUBSCRIBE, "");
    tell(line, 1);
    (void)hear(line);
}

static void test_topic__a_killed_subscriber_holds_nobody_up(void **state)
{
    scene *s = *state;
    other idle = start(s, join_and_sit);
    via_channel *publisher = join(s, VIA_PUBLISH, ""), *subscriber = join(s, VIA_SUBSCRIBE, "");
    uint64_t published = 0;

    assert_int_equal(hear(idle.line), 1);
    for (; publish(publisher, published, PAGE, VIA_NOW) == VIA_OK; published++)
        expect(subscriber, published);
    assert_true(published > 10);
    assert_int_equal(publish(publisher, published, PAGE, via_after_ms(120)), VIA_ETIMEDOUT);
    end(&idle, SIGKILL);
    for (uint64_t goal = published + 500; published < goal; published++) {
        assert_int_equal(publish(publisher, published, PAGE, via_after_ms(2000)), VIA_OK);
        expect(subscriber, published);
    }
    via_close(subscriber);
    via_close(publisher);
}

static void receive_to_the_last(const scene *s, int line)
{
    via_channel *channel = join(s, VIA_SUBSCRIBE, "");
    via_counters counters = {.size = sizeof(counters)};
    uint64_t last = 0, received = 0, missed = 0, sequence = 0;

    tell(line, 1);
    while (last != UINT64_MAX - 1) {
        last = receive(channel, &sequence, &missed);
        if (last == UINT64_MAX)
            _exit(3);
        received++;
    }
    if (via_stats(channel, &counters) != VIA_OK)
        _exit(4);
    tell(line, received);
    tell(line, missed);
    tell(line, counters.missed);
    via_close(channel);
}

static void test_topic__a_stopped_subscriber_loses_exactly_what_is_counted(void **state)
{
    enum { COUNT = 20000 };
    scene *s = *state;
    other slow = start(s, receive_to_the_last);
    via_channel *publisher = join(s, VIA_PUBLISH, "?overflow=drop-oldest"), *quick = join(s, VIA_SUBSCRIBE, "");
    via_counters counters = {.size = sizeof(counters)};
    uint64_t received, missed;

    assert_int_equal(hear(slow.line), 1);
    for (uint64_t i = 0; i < COUNT; i++) {
        if (i == 1000)
            assert_int_equal(kill(slow.pid, SIGSTOP), 0);
        assert_int_equal(publish(publisher, i, i % PAGE < 8 ? 8 : i % PAGE, VIA_NOW), VIA_OK);
        expect(quick, i);
    }
    assert_int_equal(kill(slow.pid, SIGCONT), 0);
    assert_int_equal(publish(publisher, UINT64_MAX - 1, 8, VIA_NOW), VIA_OK);
    received = hear(slow.line);
    missed = hear(slow.line);
    assert_true(missed > 1000);
    assert_int_equal(hear(slow.line), missed);
    assert_int_equal(received + missed, COUNT + 1);
    assert_int_equal(via_stats(publisher, &counters), VIA_OK);
    assert_int_equal(counters.dropped_oldest, missed);
    end(&slow, 0);
    via_close(quick);
    via_close(publisher);
}

enum { FLOOD_SIZE = 48 * 1024, FLOOD_RECEIVED = 2000 };

/* Each message is one number all over, and takes the place of the one before it after a while of varying length. */
static void flood(const scene *s, int line)
{
    static uint64_t body[FLOOD_SIZE / sizeof(uint64_t)];
    via_channel *channel = join(s, VIA_PUBLISH, "?overflow=drop-oldest&slots=16&ring=64KiB");

    tell(line, 1);
    for (uint64_t number = 0;; number++) {
        for (size_t i = 0; i < sizeof(body) / sizeof(body[0]); i++)
            body[i] = number;
        for (volatile uint64_t spin = 0; spin < number % 16 * 2000; spin++)
            ;
        if (via_send(channel, body, sizeof(body), NULL, VIA_NOW) != VIA_OK)
            _exit(3);
    }
}

/* Who is overtaken while it copies gets another message, and never two halves. */
static void test_topic__a_lapped_subscriber_gets_no_torn_message(void **state)
{
    scene *s = *state;
    other publisher = start(s, flood);
    uint64_t torn = 0;

    assert_int_equal(hear(publisher.line), 1);
    via_channel *subscriber = join(s, VIA_SUBSCRIBE, "");
    for (int received = 0; received < FLOOD_RECEIVED; received++) {
        via_msg message;
        assert_int_equal(via_recv(subscriber, via_after_ms(PATIENCE_MS), &message), VIA_OK);
        assert_int_equal(message.size, FLOOD_SIZE);
        const uint64_t *body = message.data;
        for (size_t i = 1; i < FLOOD_SIZE / sizeof(uint64_t); i++)
            torn += body[i] != body[0];
        via_release(subscriber, &message);
        for (volatile int spin = 0; spin < received % 29 * 1000; spin++)
            ;
    }
    assert_int_equal(torn, 0);
    end(&publisher, SIGKILL);
    via_close(subscriber);
    via_close(join(s, VIA_PUBLISH, "")); /* clears away what the dead one left */
}

enum { PARTING = 5 };

static void publish_and_wait(const scene *s, int line)
{
    via_channel *channel = join(s, VIA_PUBLISH, "");
    via_counters counters = {.size = sizeof(counters)};

    tell(line, 1);
    do {
        if (via_arm(channel, VIA_WORK) != VIA_OK || via_stats(channel, &counters) != VIA_OK)
            _exit(3);
    } while (counters.peers == 0);
    for (uint64_t i = 0; i < PARTING; i++)
        if (publish(channel, i, 1000, VIA_NOW) != VIA_OK)
            _exit(4);
    tell(line, 2);
    (void)hear(line);
}

/* What the dead one had published is received; then the next one is followed, on the same channel and the same handle. */
static void test_topic__a_subscriber_outlives_its_publisher(void **state)
{
    scene *s = *state;
    via_poll_handle before = {.size = sizeof(before)}, after = {.size = sizeof(after)};
    via_counters counters = {.size = sizeof(counters)};
    other publisher = start(s, publish_and_wait);

    assert_int_equal(hear(publisher.line), 1);
    via_channel *subscriber = join(s, VIA_SUBSCRIBE, "?reconnect=1ms");
    assert_int_equal(via_pollable(subscriber, VIA_READ, &before), VIA_OK);
    for (unsigned life = 0; life < 3; life++) {
        struct pollfd handle = {(int)before.handle, POLLIN, 0};
        assert_int_equal(hear(publisher.line), 2); /* it publishes as soon as we are there */
        end(&publisher, SIGKILL);
        for (uint64_t i = 0; i < PARTING; i++) {
            while (via_arm(subscriber, VIA_READ) == VIA_OK)
                assert_int_equal(poll(&handle, 1, PATIENCE_MS), 1);
            expect(subscriber, i);
        }
        publisher = start(s, publish_and_wait);
        assert_int_equal(hear(publisher.line), 1);
        assert_int_equal(via_pollable(subscriber, VIA_READ, &after), VIA_OK);
        assert_int_equal(before.handle, after.handle);
        do {
            assert_int_not_equal(via_arm(subscriber, VIA_READ), VIA_EIO);
            assert_int_equal(via_stats(subscriber, &counters), VIA_OK);
        } while (counters.connects < life + 2);
    }
    assert_int_equal(counters.disconnects, 3);
    end(&publisher, SIGKILL);
    via_close(subscriber);
    via_close(join(s, VIA_PUBLISH, "")); /* clears away what the dead one left */
}

/* What is lent stays readable while its publisher comes to an end, and afterwards. */
static void test_topic__lent_messages_outlive_their_publisher(void **state)
{
    scene *s = *state;
    via_channel *publisher = join(s, VIA_PUBLISH, ""), *subscriber = join(s, VIA_SUBSCRIBE, "");
    via_msg lent, none;
    uint64_t number = 0;

    assert_int_equal(publish(publisher, 41, PAGE, VIA_NOW), VIA_OK);
    assert_int_equal(via_recv(subscriber, via_after_ms(PATIENCE_MS), &lent), VIA_OK);
    via_close(publisher);
    assert_int_equal(via_recv(subscriber, via_after_ms(60), &none), VIA_ETIMEDOUT);
    publisher = join(s, VIA_PUBLISH, "");
    do /* until it has dialed again */
        assert_int_equal(publish(publisher, 42, PAGE, VIA_NOW), VIA_OK);
    while (via_recv(subscriber, via_after_ms(5), &none) != VIA_OK);
    memcpy(&number, lent.data, sizeof(number));
    assert_int_equal(number, 41);
    via_release(subscriber, &none);
    via_release(subscriber, &lent);
    via_close(subscriber);
    via_close(publisher);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_topic__nothing_is_missed_after_a_join_has_returned),
        TEST(test_topic__without_a_door_a_join_waits_for_the_publisher),
        TEST(test_topic__a_listener_of_pairs_is_no_publisher),
        TEST(test_topic__late_ones_get_the_last_that_they_ask_for),
        TEST(test_topic__texts_that_a_loan_leaves_no_room_for_are_refused),
        TEST(test_topic__a_crowd_loses_nothing_under_block),
        TEST(test_topic__a_busy_publisher_keeps_no_other_out),
        TEST(test_topic__a_binding_subscriber_is_woken_by_every_message),
        TEST(test_topic__nobody_can_write_what_is_received),
        TEST(test_topic__a_killed_subscriber_holds_nobody_up),
        TEST(test_topic__a_stopped_subscriber_loses_exactly_what_is_counted),
        TEST(test_topic__a_lapped_subscriber_gets_no_torn_message),
        TEST(test_topic__a_subscriber_outlives_its_publisher),
        TEST(test_topic__lent_messages_outlive_their_publisher),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
