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

static const via_conform_test tests[] = {
    {"threads.both_ways", "Threads: one thread may send while another receives", VIA_PATTERN_PAIR, NEEDS_WHOLE,
     test_threads__both_ways},
    {"threads.many", "Threads: with VIA_MANY any number send and receive", CONFORM_ALL, NEEDS_WHOLE,
     test_threads__many},
    {"threads.many_deadlines", "Threads: with VIA_MANY each waiter's deadline is kept", CONFORM_ALL, NEEDS_WHOLE,
     test_threads__many_deadlines},
};

const via_conform_group via_conform_threads_tests = {tests, sizeof(tests) / sizeof(tests[0])};
