/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many publishers on one name: every subscriber gets everything of all of them, in an order in which no message comes before one
 * that its publisher had seen; and whoever dies, at whatever moment, takes nothing of the others along.
 */
#include "topic_scene.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MANY "?publishers=many"

enum { PUBLISHERS = 3, SUBSCRIBERS = 2, COUNT = 6000, LAST = 1000000 };

/* What is published: whose it is, and which of that one's. */
typedef struct note {
    uint64_t who, number;
} note;

static via_status publish(via_channel *channel, uint64_t who, uint64_t number, via_deadline deadline)
{
    unsigned char body[600] = {0};
    const note what = {who, number};

    memcpy(body, &what, sizeof(what));
    return via_send(channel, body, number % 5 ? sizeof(what) : sizeof(body), NULL, deadline);
}

static via_meta receive(via_channel *channel, note *what)
{
    via_msg message;
    via_status status = via_recv(channel, via_after_ms(PATIENCE_MS), &message);

    if (status != VIA_OK)
        fail_msg("nothing was received: %s", via_status_name(status));
    memcpy(what, message.data, sizeof(*what));
    via_meta meta = message.meta;
    via_release(channel, &message);
    return meta;
}

static void expect(via_channel *channel, uint64_t who, uint64_t number)
{
    note found;

    (void)receive(channel, &found);
    if (found.who != who || found.number != number)
        fail_msg("expected %llu of %llu, found %llu of %llu", (unsigned long long)number, (unsigned long long)who,
                 (unsigned long long)found.number, (unsigned long long)found.who);
}

static void expect_nothing(via_channel *channel)
{
    via_msg none;

    assert_int_equal(via_recv(channel, VIA_NOW, &none), VIA_ETIMEDOUT);
}

/* ---- all at once -------------------------------------------------------------------------------------------- */

/* Publishes COUNT, or until it is killed, from the moment that it is told who it is. */
static void publish_all(const scene *s, int line)
{
    via_channel *channel = join(s, VIA_PUBLISH, MANY "&slots=64&ring=16KiB");

    tell(line, 1);
    uint64_t who = hear(line);
    for (uint64_t i = 1; i <= COUNT; i++)
        if (publish(channel, who, i, via_after_ms(PATIENCE_MS)) != VIA_OK)
            _exit(3);
    via_close(channel);
    tell(line, 2);
    (void)hear(line);
}

/* Tells how much of each it has received in order, once everything has come of the two that live; 0 = something was wrong. */
static void receive_all(const scene *s, int line)
{
    via_channel *channel = join(s, VIA_SUBSCRIBE, MANY);
    uint64_t newest[PUBLISHERS] = {0}, sequence = 0;

    tell(line, 1);
    while (newest[0] < COUNT || newest[1] < COUNT) {
        note found;
        via_meta meta = receive(channel, &found);
        if (meta.sequence != ++sequence || found.who >= PUBLISHERS || found.number != newest[found.who] + 1)
            _exit(3);
        newest[found.who]++;
        if (found.who == 2 && found.number == COUNT / 10)
            tell(line, 2); /* time to kill it */
    }
    for (int i = 0; i < PUBLISHERS; i++)
        tell(line, newest[i]);
    via_close(channel);
}

/* Three publish to two, and one is killed in the middle. */
static void test_many__all_get_everything_and_a_death_hides_nothing(void **state)
{
    scene *s = *state;
    other publishers[PUBLISHERS], subscribers[SUBSCRIBERS];

    for (int i = 0; i < PUBLISHERS; i++) {
        publishers[i] = start(s, publish_all);
        assert_int_equal(hear(publishers[i].line), 1);
        if (i < SUBSCRIBERS) { /* so that each kind is there first once */
            subscribers[i] = start(s, receive_all);
            assert_int_equal(hear(subscribers[i].line), 1);
        }
    }
    for (int i = 0; i < PUBLISHERS; i++)
        tell(publishers[i].line, (uint64_t)i);
    for (int i = 0; i < SUBSCRIBERS; i++)
        assert_int_equal(hear(subscribers[i].line), 2);
    end(&publishers[2], SIGKILL);
    for (int i = 0; i < SUBSCRIBERS; i++) {
        assert_int_equal(hear(subscribers[i].line), COUNT);
        assert_int_equal(hear(subscribers[i].line), COUNT);
        assert_in_range(hear(subscribers[i].line), COUNT / 10, COUNT);
        end(&subscribers[i], 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(hear(publishers[i].line), 2);
        end(&publishers[i], SIGKILL);
    }
    via_close(join(s, VIA_PUBLISH, MANY)); /* clears away what the dead left */
}

/* ---- order -------------------------------------------------------------------------------------------------- */

/* One after the other publishes, and the subscriber is in no call meanwhile. */
static void test_many__messages_are_merged_in_the_order_of_publication(void **state)
{
    scene *s = *state;
    via_channel *publishers[PUBLISHERS], *subscriber;

    publishers[0] = join(s, VIA_PUBLISH, MANY);
    publishers[1] = join(s, VIA_PUBLISH, MANY);
    subscriber = join(s, VIA_SUBSCRIBE, MANY);
    publishers[2] = join(s, VIA_PUBLISH, MANY);
    for (uint64_t round = 0; round < 50; round++) {
        for (uint64_t i = 0; i < 100; i++)
            assert_int_equal(publish(publishers[i * i % 7 % PUBLISHERS], round, i, VIA_NOW), VIA_OK);
        for (uint64_t i = 0; i < 100; i++)
            expect(subscriber, round, i);
    }
    for (int i = 0; i < PUBLISHERS; i++)
        via_close(publishers[i]);
    via_close(subscriber);
}

enum { ANSWERS = 400 };

/* Publishes what it receives of `whom`, or the next number, as its own. */
static void talk(const scene *s, int line, uint64_t who, const char *whom)
{
    char options[64];
    note found = {0, 0};

    (void)snprintf(options, sizeof(options), MANY "&filter=%s", whom);
    via_channel *out = join(s, VIA_PUBLISH, MANY), *in = join(s, VIA_SUBSCRIBE, options);
    tell(line, 1);
    (void)hear(line);
    while (found.number < ANSWERS) {
        if (who == 2)
            (void)receive(in, &found);
        if (publish(out, who, found.number + (who == 1), via_after_ms(PATIENCE_MS)) != VIA_OK)
            _exit(3);
        if (who == 1)
            (void)receive(in, &found);
    }
    (void)hear(line);
}

static void ask(const scene *s, int line)
{
    talk(s, line, 1, "%02");
}

static void answer(const scene *s, int line)
{
    talk(s, line, 2, "%01");
}

/* One who spins is interrupted between any two looks. */
static void test_many__no_answer_comes_before_what_it_answers(void **state)
{
    scene *s = *state;
    other asks = start(s, ask), answers = start(s, answer);
    uint64_t asked = 0, answered = 0;
    note found;

    assert_int_equal(hear(asks.line), 1);
    assert_int_equal(hear(answers.line), 1);
    via_channel *subscriber = join(s, VIA_SUBSCRIBE, MANY "&wake=spin");
    tell(answers.line, 1);
    tell(asks.line, 1);
    while (answered < ANSWERS) {
        (void)receive(subscriber, &found);
        assert_int_equal(found.number, 1 + *(found.who == 1 ? &asked : &answered));
        *(found.who == 1 ? &asked : &answered) = found.number;
        assert_true(answered <= asked);
    }
    end(&asks, SIGKILL);
    end(&answers, SIGKILL);
    via_close(subscriber);
    via_close(join(s, VIA_PUBLISH, MANY));
}

/* ---- coming late -------------------------------------------------------------------------------------------- */

/* The subscriber is in no call from its join until everything was published, and each newcomer has gone by then. */
static void test_many__a_late_publisher_is_heard_from_its_first_message_on(void **state)
{
    scene *s = *state;
    via_channel *first = join(s, VIA_PUBLISH, MANY), *subscriber = join(s, VIA_SUBSCRIBE, MANY);

    for (uint64_t round = 0; round < 40; round++) {
        via_channel *late = join(s, VIA_PUBLISH, MANY "&slots=16");
        uint64_t published = 0;
        while (publish(late, round, published, VIA_NOW) == VIA_OK)
            published++;
        assert_int_equal(published, 16); /* then it waits for us */
        via_close(late);
        assert_int_equal(publish(first, round, published, VIA_NOW), VIA_OK);
        for (uint64_t i = 0; i <= published; i++)
            expect(subscriber, round, i);
        expect_nothing(subscriber);
    }
    via_close(subscriber);
    via_close(first);
}

enum { JOINS = 150 };

static void join_again_and_again(const scene *s, int line)
{
    for (uint64_t i = 0; i < JOINS; i++) {
        via_channel *channel = join(s, VIA_SUBSCRIBE, MANY);
        note found[2];
        tell(line, i);
        (void)receive(channel, &found[0]);
        (void)receive(channel, &found[1]);
        tell(line, found[0].who == 0 && found[1].who == 1 && found[0].number == i && found[1].number == i ? i : LAST);
        via_close(channel);
    }
}

/* The publishers are in no call from before the join until they publish. */
static void test_many__a_late_subscriber_misses_nothing(void **state)
{
    scene *s = *state;
    via_channel *publishers[2] = {join(s, VIA_PUBLISH, MANY), join(s, VIA_PUBLISH, MANY)};
    other subscriber = start(s, join_again_and_again);

    for (uint64_t i = 0; i < JOINS; i++) {
        assert_int_equal(hear(subscriber.line), i);
        for (uint64_t who = 0; who < 2; who++)
            assert_int_equal(publish(publishers[who], who, i, VIA_NOW), VIA_OK);
        assert_int_equal(hear(subscriber.line), i);
    }
    end(&subscriber, 0);
    via_close(publishers[0]);
    via_close(publishers[1]);
}

/* One who polls is woken by each message, although nobody is in any other call. */
static void test_many__a_late_publisher_wakes_who_polls(void **state)
{
    scene *s = *state;
    via_channel *first = join(s, VIA_PUBLISH, MANY), *subscriber = join(s, VIA_SUBSCRIBE, MANY), *late = NULL;
    via_poll_handle handle = {.size = sizeof(handle)};

    assert_int_equal(via_pollable(subscriber, VIA_READ, &handle), VIA_OK);
    struct pollfd waits = {(int)handle.handle, POLLIN, 0};
    for (uint64_t i = 0; i < 100; i++) {
        fall_asleep(subscriber, &waits);
        late = i == 50 ? join(s, VIA_PUBLISH, MANY) : late;
        assert_int_equal(publish(i % 3 && late ? late : first, 0, i, VIA_NOW), VIA_OK);
        assert_int_equal(poll(&waits, 1, PATIENCE_MS), 1);
        expect(subscriber, 0, i);
    }
    via_close(subscriber);
    via_close(late);
    via_close(first);
}

/* The subscriber has a message of one already, when the other lets it in. */
static void test_many__order_begins_with_the_first_message(void **state)
{
    scene *s = *state;
    via_channel *publishers[2] = {join(s, VIA_PUBLISH, MANY), join(s, VIA_PUBLISH, MANY)};

    for (uint64_t i = 0; i < 20; i++) {
        via_channel *subscriber = join(s, VIA_SUBSCRIBE, MANY);
        assert_int_equal(publish(publishers[i % 2], i, 0, VIA_NOW), VIA_OK);
        expect(subscriber, i, 0);
        assert_int_equal(publish(publishers[1 - i % 2], i, 1, VIA_NOW), VIA_OK);
        assert_int_equal(publish(publishers[i % 2], i, 2, VIA_NOW), VIA_OK);
        for (uint64_t number = 1; number < 3; number++)
            expect(subscriber, i, number);
        via_close(subscriber);
    }
    via_close(publishers[0]);
    via_close(publishers[1]);
}

/* ---- losing ------------------------------------------------------------------------------------------------- */

static void test_many__what_is_overtaken_is_counted_exactly(void **state)
{
    enum { EACH = 500, SLOTS = 16 };
    scene *s = *state;
    via_channel *publishers[2], *subscriber;
    via_counters counters = {.size = sizeof(counters)};
    uint64_t gaps = 0, sequence = 0, newest[2] = {0};
    note found = {0, 0};

    publishers[0] = join(s, VIA_PUBLISH, MANY "&overflow=drop-oldest&slots=16");
    subscriber = join(s, VIA_SUBSCRIBE, MANY);
    publishers[1] = join(s, VIA_PUBLISH, MANY "&overflow=drop-oldest&slots=16");
    for (uint64_t i = 1; i <= EACH; i++)
        for (uint64_t who = 0; who < 2; who++)
            assert_int_equal(publish(publishers[who], who, i, VIA_NOW), VIA_OK);
    while (newest[0] < EACH || newest[1] < EACH) {
        via_meta meta = receive(subscriber, &found);
        assert_int_equal(!!(meta.flags & VIA_MISSED), meta.sequence != sequence + 1);
        gaps += meta.sequence - sequence - 1;
        sequence = meta.sequence;
        assert_true(found.number > newest[found.who]);
        newest[found.who] = found.number;
    }
    assert_int_equal(sequence, 2 * EACH);
    assert_in_range(gaps, 2 * (EACH - SLOTS), 2 * EACH - 2);
    assert_int_equal(via_stats(subscriber, &counters), VIA_OK);
    assert_int_equal(counters.missed, gaps);
    via_close(subscriber);
    via_close(publishers[0]);
    via_close(publishers[1]);
}

/* ---- dying -------------------------------------------------------------------------------------------------- */

static void come_and_go(const scene *s, int line)
{
    tell(line, 1);
    for (uint64_t i = 0;; i++) {
        via_channel *out = join(s, VIA_PUBLISH, MANY "&slots=16"), *in = join(s, VIA_SUBSCRIBE, MANY);
        (void)publish(out, LAST, i, VIA_NOW);
        via_close(i % 2 ? out : in);
        via_close(i % 2 ? in : out);
    }
}

/* Of the next one that is not of those who come and go. */
static uint64_t next_number(via_channel *channel)
{
    note found;

    do
        (void)receive(channel, &found);
    while (found.who == LAST);
    return found.number;
}

/* At any instruction of joining, publishing and leaving. */
static void test_many__a_death_at_any_time_is_in_nobodys_way(void **state)
{
    scene *s = *state;
    via_channel *publisher = join(s, VIA_PUBLISH, MANY), *subscriber = join(s, VIA_SUBSCRIBE, MANY);

    srand(1);
    for (uint64_t round = 0; round < 60; round++) {
        other victim = start(s, come_and_go);
        struct timespec while_it_lives = {.tv_nsec = rand() % 3000000};
        assert_int_equal(hear(victim.line), 1);
        (void)nanosleep(&while_it_lives, NULL);
        end(&victim, SIGKILL);
        assert_int_equal(publish(publisher, 0, round, via_after_ms(PATIENCE_MS)), VIA_OK);
        assert_int_equal(next_number(subscriber), round);
    }
    via_close(subscriber);
    via_close(publisher);
    via_close(join(s, VIA_PUBLISH, MANY)); /* clears away what the dead left */
}

/* The name itself is not theirs. */
static void test_many__one_publisher_is_another_topic(void **state)
{
    scene *s = *state;
    via_channel *many = join(s, VIA_PUBLISH, MANY), *one = join(s, VIA_PUBLISH, ""), *none = NULL;
    via_channel *of_one = join(s, VIA_SUBSCRIBE, ""), *of_many = join(s, VIA_SUBSCRIBE, MANY);
    via_error error;

    assert_int_equal(publish(one, 1, 1, VIA_NOW), VIA_OK);
    assert_int_equal(publish(many, 2, 2, VIA_NOW), VIA_OK);
    expect(of_one, 1, 1);
    expect(of_many, 2, 2);
    via_close(many);
    assert_int_equal(via_join(NULL, s->name, VIA_PUBLISH, NULL, VIA_NOW, &none, &error), VIA_EBUSY);
    via_close(of_many);
    via_close(of_one);
    via_close(one);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_many__all_get_everything_and_a_death_hides_nothing),
        TEST(test_many__messages_are_merged_in_the_order_of_publication),
        TEST(test_many__no_answer_comes_before_what_it_answers),
        TEST(test_many__a_late_publisher_is_heard_from_its_first_message_on),
        TEST(test_many__a_late_subscriber_misses_nothing),
        TEST(test_many__a_late_publisher_wakes_who_polls),
        TEST(test_many__order_begins_with_the_first_message),
        TEST(test_many__what_is_overtaken_is_counted_exactly),
        TEST(test_many__a_death_at_any_time_is_in_nobodys_way),
        TEST(test_many__one_publisher_is_another_topic),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
