/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waitsets: channels and listeners of the transport, many at once.
 */
#include "conform.h"

#include <stdatomic.h>

enum { LINKS = 6 };

/* Waits until exactly `user` is reported for `events`. */
static void expect_ready(via_waitset *set, const void *user, uint32_t events)
{
    via_ready ready[2 * LINKS];
    size_t count = 0;
    via_status status = via_waitset_wait(set, ready, sizeof(ready) / sizeof(ready[0]), &count, via_conform_soon());

    CHECK(status == VIA_OK && count == 1, "via_waitset_wait answers %s with %zu ready instead of one",
          via_status_name(status), count);
    CHECK(ready[0].user == user && (ready[0].events & events), "something else is ready (events %u)", ready[0].events);
}

static void expect_quiet(via_waitset *set)
{
    via_ready ready[4];
    size_t count = 0;
    via_status status = via_waitset_wait(set, ready, 4, &count, via_after_ms(30));
    CHECK(status == VIA_ETIMEDOUT, "via_waitset_wait answers %s with %zu ready where nothing happened",
          via_status_name(status), count);
}

static void test_waitset__channels(via_conform *suite)
{
    via_conform_link links[LINKS];
    via_waitset *set = NULL;
    unsigned count = suite->claims->peer == PEER_LOOPBACK ? 1 : LINKS;

    CHECK_OK(via_waitset_create(&set, NULL));
    for (unsigned i = 0; i < count; i++) {
        via_conform_open(suite, &links[i], NULL);
        CHECK_OK(via_waitset_add(set, links[i].rx, VIA_READ, &links[i]));
    }
    expect_quiet(set);
    for (uint64_t round = 0; round < 60; round++) {
        via_conform_link *chosen = &links[via_conform_random_below(suite, count)];
        via_conform_send(suite, chosen->tx, round, 64);
        via_conform_step("waiting for the channel that has a message");
        expect_ready(set, chosen, VIA_READ);
        expect_ready(set, chosen, VIA_READ); /* level-triggered */
        via_conform_expect(suite, chosen->rx, round, 64);
        if (round % 8 == 0)
            expect_quiet(set);
    }
    CHECK_OK(via_waitset_remove(set, links[0].rx));
    via_conform_send(suite, links[0].tx, 0, 64);
    expect_quiet(set);
    via_waitset_wake(set);
    via_ready ready[2];
    size_t woken = 9;
    CHECK_OK(via_waitset_wait(set, ready, 2, &woken, via_conform_soon()));
    CHECK(woken == 0, "a wake reports %zu ready", woken);
    for (unsigned i = 0; i < count; i++)
        via_conform_close(&links[i]);
    expect_quiet(set);
    via_waitset_destroy(set);
}

/* A channel that is full, watched for room; its tail moves because the waitset serves it. */
static void test_waitset__writing(via_conform *suite)
{
    via_conform_link link;
    via_conform_how how = {.options = {"overflow=block"}};
    via_waitset *set = NULL;
    via_ready ready[2];
    size_t size = via_conform_page_size(suite, 0), count = 0;

    via_conform_open(suite, &link, &how);
    CHECK_OK(via_waitset_create(&set, NULL));
    CHECK_OK(via_waitset_add(set, link.tx, VIA_WRITE, &link));
    expect_ready(set, &link, VIA_WRITE);
    uint64_t sent = via_conform_fill_up(suite, link.tx, 0, size), goal = sent + 400;
    via_conform_stream stream = {suite, link.rx, 0, goal, via_conform_page_size, 0};
    via_conform_thread *receiver = via_conform_thread_start(via_conform_run_receiver, &stream);
    while (sent < goal) {
        CHECK_OK(via_waitset_wait(set, ready, 2, &count, via_conform_soon()));
        CHECK(count == 1 && ready[0].events & VIA_WRITE, "%zu ready, events %u", count, ready[0].events);
        while (sent < goal && via_conform_try_send(suite, link.tx, sent, size, 0, VIA_NOW) == VIA_OK)
            sent++;
    }
    CHECK_OK(via_flush(link.tx, via_conform_soon()));
    (void)via_conform_thread_join(receiver);
    via_conform_close(&link);
    via_waitset_destroy(set);
}

typedef struct via_conform_reader {
    via_conform_stream stream;
    via_waitset *set;
    atomic_bool done;
} via_conform_reader;

static void *receive_and_wake(void *argument)
{
    via_conform_reader *reader = argument;
    (void)via_conform_run_receiver(&reader->stream);
    atomic_store(&reader->done, true);
    via_waitset_wake(reader->set);
    return NULL;
}

/* Nobody sends, flushes or arms the sender any more: the waitset alone moves its tail. A pair waits for messages that never
 * come, the others for room. */
static void test_waitset__work(via_conform *suite)
{
    via_conform_link link;
    via_conform_how how = {.options = {"overflow=block"}};
    uint32_t event = suite->claims->pattern == VIA_PATTERN_PAIR ? VIA_READ : VIA_WRITE;
    via_waitset *set = NULL;
    via_ready ready[2];
    via_msg message;
    size_t count = 0;

    via_conform_open(suite, &link, &how);
    CHECK_OK(via_waitset_create(&set, NULL));
    CHECK_OK(via_waitset_add(set, link.tx, event, &link));
    uint64_t sent = via_conform_fill_up(suite, link.tx, 0, via_conform_page_size(suite, 0));
    via_conform_reader reader = {{suite, link.rx, 0, sent, via_conform_page_size, 0}, set, false};
    via_conform_thread *thread = via_conform_thread_start(receive_and_wake, &reader);
    via_conform_step("the waitset moves what waits in a sender");
    while (!atomic_load(&reader.done)) {
        CHECK_OK(via_waitset_wait(set, ready, 2, &count, via_conform_soon()));
        if (count && event == VIA_READ) /* a false alarm is allowed, a message is not */
            CHECK_STATUS(VIA_ETIMEDOUT, via_recv(link.tx, VIA_NOW, &message));
    }
    (void)via_conform_thread_join(thread);
    via_conform_close(&link);
    via_waitset_destroy(set);
}

static void test_waitset__listener(via_conform *suite)
{
    via_conform_end binder, guest;
    via_waitset *set = NULL;
    via_ready ready[4];
    size_t count = 0;
    via_error error;

    via_conform_bind(suite, &binder, END_RECEIVES, NULL, NULL);
    CHECK_OK(via_waitset_create(&set, NULL));
    CHECK_OK(via_waitset_add_listener(set, binder.listener, &binder));
    expect_quiet(set);
    for (uint64_t i = 0; i < 5; i++) {
        via_conform_connect(suite, &guest, END_SENDS, binder.address, NULL);
        do {
            CHECK_OK(via_waitset_wait(set, ready, 4, &count, via_conform_soon()));
            CHECK(count == 1 && ready[0].listener == binder.listener && ready[0].user == &binder,
                  "%zu ready instead of the listener", count);
        } while (via_accept(binder.listener, VIA_NOW, &binder.channel, &error) == VIA_ETIMEDOUT);
        via_conform_send(suite, guest.channel, i, 20);
        via_conform_expect(suite, binder.channel, i, 20);
        via_conform_end_close(&guest);
        via_close(binder.channel);
        binder.channel = NULL;
    }
    CHECK_OK(via_waitset_remove_listener(set, binder.listener));
    via_conform_end_close(&binder);
    via_waitset_destroy(set);
}

static const via_conform_test tests[] = {
    {"waitset.channels", "Polling: a waitset reports exactly the channels that are ready", CONFORM_VALUE_TOO,
     NEEDS_WHOLE | NEEDS_NAMES, test_waitset__channels},
    {"waitset.writing", "Polling: a waitset reports room to write", CONFORM_ALL, NEEDS_WHOLE, test_waitset__writing},
    {"waitset.work", "Progress: a waitset moves what waits in a sender by itself", CONFORM_ALL,
     NEEDS_WHOLE | NEEDS_TWO_ENDS, test_waitset__work},
    {"waitset.listener", "Polling: a waitset reports a listener that somebody dials", VIA_PATTERN_PAIR,
     NEEDS_WHOLE | NEEDS_TWO_ENDS, test_waitset__listener},
};

const via_conform_group via_conform_waitset_tests = {tests, sizeof(tests) / sizeof(tests[0])};
