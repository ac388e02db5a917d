/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads: one sends while another receives; VIA_MANY lifts that.
 */
#include "conform.h"

#include <stdatomic.h>
#include <string.h>

/* Both ends of a pair send and receive at once, in four threads. An echo has two. */
static void test_threads__both_ways(via_conform *suite)
{
    via_conform_link link;
    via_conform_thread *threads[4] = {NULL};

    via_conform_open(suite, &link, NULL);
    bool twice = link.tx != link.rx;
    via_conform_stream streams[4] = {{suite, link.tx, 0, 3000, via_conform_small_size, 0},
                                     {suite, link.rx, 0, 3000, via_conform_small_size, 0},
                                     {suite, link.rx, 9000, 3000, via_conform_small_size, 3},
                                     {suite, link.tx, 9000, 3000, via_conform_small_size, 0}};
    for (int i = 0; i < (twice ? 4 : 2); i++)
        threads[i] = via_conform_thread_start(i % 2 ? via_conform_run_receiver : via_conform_run_sender, &streams[i]);
    for (int i = 0; i < (twice ? 4 : 2); i++)
        (void)via_conform_thread_join(threads[i]);
    via_conform_close(&link);
}

/* ---- many --------------------------------------------------------------------------------------------------- */

enum { CROWD = 4, PER_THREAD = 400 };

typedef struct via_conform_crowd {
    via_conform_link link;
    atomic_uint received;
    atomic_uchar seen[CROWD][PER_THREAD];
} via_conform_crowd;

typedef struct via_conform_member {
    via_conform_crowd *crowd;
    uint32_t number;
} via_conform_member;

/* Body: who, which, and some bytes of padding that say the same. */
typedef struct via_conform_token {
    uint32_t who, which;
    uint32_t padding[30];
} via_conform_token;

static void *send_many(void *argument)
{
    const via_conform_member *member = argument;
    via_conform_token token;

    for (uint32_t i = 0; i < PER_THREAD; i++) {
        token.who = member->number;
        token.which = i;
        for (uint32_t j = 0; j < 30; j++)
            token.padding[j] = member->number * 1000 + i;
        CHECK_OK(via_send(member->crowd->link.tx, &token, sizeof(token), NULL, via_conform_soon()));
    }
    CHECK_OK(via_flush(member->crowd->link.tx, via_conform_soon()));
    return NULL;
}

static void *receive_many(void *argument)
{
    via_conform_crowd *crowd = ((const via_conform_member *)argument)->crowd;
    via_deadline limit = via_conform_soon();
    via_conform_token token;
    via_msg message;
    int64_t last[CROWD] = {-1, -1, -1, -1};

    while (atomic_load(&crowd->received) < CROWD * PER_THREAD) {
        via_status status = via_recv(crowd->link.rx, via_after_ms(20), &message);
        CHECK(via_now_ns() < limit, "%u of %d messages arrived in time", atomic_load(&crowd->received),
              CROWD * PER_THREAD);
        if (status == VIA_ETIMEDOUT)
            continue;
        CHECK(status == VIA_OK && message.size == sizeof(token), "via_recv answers %s", via_status_name(status));
        memcpy(&token, message.data, sizeof(token));
        via_release(crowd->link.rx, &message);
        CHECK(token.who < CROWD && token.which < PER_THREAD, "a torn message arrived");
        for (uint32_t j = 0; j < 30; j++)
            CHECK(token.padding[j] == token.who * 1000 + token.which, "a message is mixed from two");
        CHECK((int64_t)token.which > last[token.who], "thread %u's message %u came after %lld", token.who, token.which,
              (long long)last[token.who]);
        last[token.who] = token.which;
        CHECK(atomic_exchange(&crowd->seen[token.who][token.which], 1) == 0, "a message came twice");
        atomic_fetch_add(&crowd->received, 1);
    }
    return NULL;
}

static void test_threads__many(via_conform *suite)
{
    static via_conform_crowd crowd;
    via_conform_how how = {.threads = VIA_MANY};
    via_conform_member members[CROWD];
    via_conform_thread *threads[2 * CROWD];

    via_conform_open(suite, &crowd.link, &how);
    for (uint32_t i = 0; i < CROWD; i++) {
        members[i] = (via_conform_member){&crowd, i};
        threads[i] = via_conform_thread_start(receive_many, &members[i]);
        threads[CROWD + i] = via_conform_thread_start(send_many, &members[i]);
    }
    for (int i = 0; i < 2 * CROWD; i++)
        (void)via_conform_thread_join(threads[i]);
    via_conform_expect_nothing(crowd.link.rx);
    via_conform_close(&crowd.link);
}

/* With VIA_MANY a waiting receiver does not keep a sender out, and deadlines hold for each. */
static void *wait_in_vain(void *argument)
{
    via_msg message;
    uint64_t began = via_now_ns();
    CHECK_STATUS(VIA_ETIMEDOUT, via_recv(argument, via_after_ms(100), &message));
    CHECK((via_now_ns() - began) / 1000000 >= 99, "a waiting receiver gave up too early");
    return NULL;
}

static void test_threads__many_deadlines(via_conform *suite)
{
    via_conform_link link;
    via_conform_how how = {.threads = VIA_MANY};
    via_conform_thread *threads[CROWD];

    via_conform_open(suite, &link, &how);
    for (int i = 0; i < CROWD; i++)
        threads[i] = via_conform_thread_start(wait_in_vain, link.rx);
    for (int i = 0; i < CROWD; i++)
        (void)via_conform_thread_join(threads[i]);
    via_conform_send(suite, link.tx, 0, 9);
    via_conform_expect(suite, link.rx, 0, 9);
    via_conform_close(&link);
}

/* ---- many, and more than fits ------------------------------------------------------------------------------- */

enum {
    LARGE_SIZE = 4 << 20, /* above what any socket or pipe holds by default */
    TAIL_SIZE = 1 << 20   /* enough for a piece of it to find no room */
};

typedef struct via_conform_bulk {
    via_conform *suite;
    const via_conform_link *link;
    size_t size;
    uint64_t count; /* messages there, and as many back */
    bool answered;
} via_conform_bulk;

/* One message that is too large to leave at once, or as many as it takes. */
static via_conform_bulk make_bulk(via_conform *suite, const via_conform_link *link)
{
    via_conform_bulk bulk = {suite, link, via_conform_fit(suite, LARGE_SIZE), 1, false};
    while (bulk.count * bulk.size < LARGE_SIZE)
        bulk.count++;
    bulk.answered = suite->claims->pattern == VIA_PATTERN_PAIR && link->tx != link->rx;
    return bulk;
}

/* Sends all, and is then in no call at all, or in one that waits for the answer. */
static void *send_bulk(void *argument)
{
    const via_conform_bulk *bulk = argument;

    for (uint64_t i = 0; i < bulk->count; i++)
        CHECK_OK(via_conform_try_send(bulk->suite, bulk->link->tx, i, bulk->size, 0, via_conform_soon()));
    for (uint64_t i = 0; bulk->answered && i < bulk->count; i++)
        via_conform_expect(bulk->suite, bulk->link->tx, 1000 + i, bulk->size);
    return NULL;
}

static void test_threads__many_large(via_conform *suite)
{
    via_conform_link link;
    via_conform_how how = {.threads = VIA_MANY, .options = {"overflow=block"}};

    via_conform_open(suite, &link, &how);
    via_conform_bulk bulk = make_bulk(suite, &link);
    for (int round = 0; round < 2; round++) {
        via_conform_thread *sender = via_conform_thread_start(send_bulk, &bulk);
        for (uint64_t i = 0; i < bulk.count; i++)
            via_conform_expect(suite, link.rx, i, bulk.size);
        for (uint64_t i = 0; bulk.answered && i < bulk.count; i++)
            via_conform_send(suite, link.rx, 1000 + i, bulk.size);
        (void)via_conform_thread_join(sender);
    }
    via_conform_close(&link);
}

static void *wait_for_answer(void *argument)
{
    const via_conform_bulk *bulk = argument;
    via_conform_expect(bulk->suite, bulk->link->tx, 1000, bulk->size);
    return NULL;
}

/* What a send with VIA_NOW left behind leaves with the thread that waits on the channel, whichever of them came first. */
static void test_threads__many_tail(via_conform *suite)
{
    via_conform_link link;
    via_conform_how how = {.threads = VIA_MANY};
    via_conform_thread *receiver = NULL;

    via_conform_open(suite, &link, &how);
    via_conform_bulk bulk = {suite, &link, via_conform_fit(suite, TAIL_SIZE), 0, true};
    for (int round = 0; round < 4; round++) {
        if (round % 2)
            receiver = via_conform_thread_start(wait_for_answer, &bulk);
        uint64_t sent = via_conform_fill_up(suite, link.tx, 0, bulk.size);
        if (!(round % 2))
            receiver = via_conform_thread_start(wait_for_answer, &bulk);
        for (uint64_t i = 0; i < sent; i++)
            via_conform_expect(suite, link.rx, i, bulk.size);
        via_conform_send(suite, link.rx, 1000, bulk.size);
        (void)via_conform_thread_join(receiver);
    }
    via_conform_close(&link);
}

static const via_conform_test tests[] = {
    {"threads.both_ways", "Threads: one thread may send while another receives", VIA_PATTERN_PAIR, NEEDS_WHOLE,
     test_threads__both_ways},
    {"threads.many", "Threads: with VIA_MANY any number send and receive", CONFORM_ALL, NEEDS_WHOLE,
     test_threads__many},
    {"threads.many_deadlines", "Threads: with VIA_MANY each waiter's deadline is kept", CONFORM_VALUE_TOO, NEEDS_WHOLE,
     test_threads__many_deadlines},
    {"threads.many_large", "Threads: with VIA_MANY a send goes on with a message that does not fit at once",
     CONFORM_ALL, NEEDS_WHOLE, test_threads__many_large},
    {"threads.many_tail", "Progress: with VIA_MANY a kept tail moves inside a receive on the channel", VIA_PATTERN_PAIR,
     NEEDS_WHOLE | NEEDS_TWO_ENDS, test_threads__many_tail},
};

const via_conform_group via_conform_threads_tests = {tests, sizeof(tests) / sizeof(tests[0])};
