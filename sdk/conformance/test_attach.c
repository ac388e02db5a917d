/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attached: what dial and join promise when they return, and how long they wait.
 */
#include "conform.h"

#include <string.h>

static void publish_number(via_channel *channel, uint64_t number, uint32_t flags)
{
    via_meta meta = {0, flags, 0, NULL, NULL};
    CHECK_OK(via_send(channel, &number, sizeof(number), &meta, via_conform_soon()));
}

static uint64_t receive_number(via_channel *channel)
{
    uint64_t number = 0;
    via_msg message;

    CHECK_OK(via_recv(channel, via_conform_soon(), &message));
    CHECK(message.size == sizeof(number), "a message of %zu bytes came as one of %zu", sizeof(number), message.size);
    memcpy(&number, message.data, sizeof(number));
    via_release(channel, &message);
    return number;
}

static void expect_numbers(via_channel *channel, uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end; i++) {
        uint64_t found = receive_number(channel);
        CHECK(found == i, "expected message %llu, got %llu", (unsigned long long)i, (unsigned long long)found);
    }
}

/* A subscriber that comes in the middle of a series may get what has not left by then; of the rest it misses nothing. */
static void join_in_a_series(via_conform *suite, const via_conform_end *publisher, uint64_t first, bool flush)
{
    via_conform_end late;
    uint64_t end = first + 5, found;

    for (uint64_t i = first; i < end; i++) {
        if (i == first + 2)
            via_conform_connect(suite, &late, END_RECEIVES, publisher->address, NULL);
        publish_number(publisher->channel, i, flush || i + 1 < end ? VIA_MORE : 0);
    }
    if (flush)
        CHECK_OK(via_flush(publisher->channel, via_conform_soon()));
    found = receive_number(late.channel);
    CHECK(found >= first && found <= first + 2,
          "a subscriber that joined before message %llu of a series got %llu first", (unsigned long long)first + 2,
          (unsigned long long)found);
    expect_numbers(late.channel, found + 1, end);
    via_conform_end_close(&late);
}

static void nothing_missed_in_a_series(via_conform *suite)
{
    via_conform_end publisher, early;

    via_conform_bind(suite, &publisher, END_SENDS, NULL, NULL);
    via_conform_connect(suite, &early, END_RECEIVES, publisher.address, NULL);
    for (uint64_t round = 0; round < 10; round++) {
        join_in_a_series(suite, &publisher, round * 5, round % 2);
        expect_numbers(early.channel, round * 5, round * 5 + 5);
    }
    via_conform_end_close(&early);
    via_conform_end_close(&publisher);
}

/* The binding end is in no call from the connect until all has been sent. */
static void test_attach__nothing_missed(via_conform *suite)
{
    for (uint64_t round = 0; round < 20; round++) {
        via_conform_link link;
        via_conform_open(suite, &link, NULL);
        for (uint64_t i = 0; i < 3; i++)
            via_conform_send(suite, link.tx, round * 3 + i, 30);
        for (uint64_t i = 0; i < 3; i++)
            via_conform_expect(suite, link.rx, round * 3 + i, 30);
        via_conform_close(&link);
    }
    if (suite->claims->pattern == VIA_PATTERN_TOPIC)
        nothing_missed_in_a_series(suite);
}

/* A dialer that came, sent and went before anybody accepted. */
static void test_attach__accept_later(via_conform *suite)
{
    via_conform_end binder, guests[3];

    via_conform_bind(suite, &binder, END_RECEIVES, NULL, NULL);
    for (uint64_t i = 0; i < 3; i++) {
        via_conform_connect(suite, &guests[i], END_SENDS, binder.address, NULL);
        via_conform_send(suite, guests[i].channel, i, 200);
        via_conform_end_close(&guests[i]);
    }
    for (uint64_t i = 0; i < 3; i++) {
        via_conform_accept(&binder);
        via_conform_expect(suite, binder.channel, i, 200);
        via_conform_expect_end(binder.channel, false);
        via_close(binder.channel);
    }
    binder.channel = NULL;
    via_conform_end_close(&binder);
}

/* The listener's side sends before the dialer receives, both ways at once. */
static void test_attach__both_ways(via_conform *suite)
{
    const uint64_t count = via_conform_room(suite, 20);
    via_conform_link link;

    via_conform_open(suite, &link, NULL);
    for (uint64_t i = 0; i < count; i++) {
        via_conform_send(suite, link.rx, i, 100);
        via_conform_send(suite, link.tx, 100 + i, 100);
    }
    for (uint64_t i = 0; i < count; i++) {
        via_conform_expect(suite, link.tx, i, 100);
        via_conform_expect(suite, link.rx, 100 + i, 100);
    }
    via_conform_close(&link);
}

typedef struct via_conform_late {
    via_conform *suite;
    const char *address;
    int job;
    via_conform_end end;
} via_conform_late;

static void *connect_early(void *argument)
{
    via_conform_late *late = argument;
    via_conform_connect(late->suite, &late->end, late->job, late->address, NULL);
    return NULL;
}

/* A name that was used and given up: it is well-formed, and nobody serves it. */
static void abandon(via_conform *suite, int job, char address[CONFORM_ADDRESS])
{
    via_conform_end end;

    via_conform_bind(suite, &end, job, NULL, NULL);
    (void)snprintf(address, CONFORM_ADDRESS, "%s", end.address);
    via_conform_end_close(&end);
}

static void test_attach__waits_for_listener(via_conform *suite)
{
    int binder = via_conform_binder(suite, NULL);
    char address[CONFORM_ADDRESS];
    via_conform_end end;

    abandon(suite, binder, address);
    via_conform_late late = {.suite = suite, .address = address, .job = 1 - binder};
    via_conform_thread *thread = via_conform_thread_start(connect_early, &late);
    via_conform_linger(120000);
    via_conform_bind(suite, &end, binder, address, NULL);
    via_conform_accept(&end);
    (void)via_conform_thread_join(thread);
    via_channel *tx = binder == END_SENDS ? end.channel : late.end.channel;
    via_channel *rx = binder == END_SENDS ? late.end.channel : end.channel;
    via_conform_send(suite, tx, 0, 99);
    via_conform_expect(suite, rx, 0, 99);
    via_conform_end_close(&late.end);
    via_conform_end_close(&end);
}

static void test_attach__no_peer(via_conform *suite)
{
    int binder = via_conform_binder(suite, NULL);
    char address[CONFORM_ADDRESS];
    via_conform_end end;
    via_error error;

    abandon(suite, binder, address);
    for (unsigned wait_ms = 0; wait_ms <= 120; wait_ms += 60) {
        uint64_t began = via_now_ns();
        via_deadline deadline = wait_ms ? via_after_ms(wait_ms) : VIA_NOW;
        via_status status = via_conform_try_connect(suite, &end, 1 - binder, address, NULL, deadline, &error);
        uint64_t took_ms = (via_now_ns() - began) / 1000000;
        via_conform_check_error(__FILE__, __LINE__, status, VIA_ENOPEER, "connecting where nobody is", &error);
        CHECK(!end.channel, "a failed connect left a channel behind");
        CHECK(took_ms + 1 >= wait_ms, "gave up after %llu of %u ms", (unsigned long long)took_ms, wait_ms);
        CHECK(took_ms < CONFORM_PATIENCE_MS, "took %llu ms for a deadline of %u", (unsigned long long)took_ms, wait_ms);
    }
}

/* Members of queues and topics find each other again after the binding side was away. */
static void test_attach__redials(via_conform *suite)
{
    int binder = via_conform_binder(suite, NULL);
    via_conform_link link;
    via_conform_how how = {.options = {"reconnect=1ms"}};
    char address[CONFORM_ADDRESS];
    via_channel_info info = {.size = sizeof(info)};

    via_conform_open(suite, &link, &how);
    via_conform_send(suite, link.tx, 0, 10);
    via_conform_expect(suite, link.rx, 0, 10);
    CHECK_OK(via_info(link.ends[1 - binder].channel, &info));
    CHECK(info.flags & VIA_INFO_REDIALS, "via_info does not say that a member redials");
    (void)snprintf(address, sizeof(address), "%s", link.ends[binder].address);
    via_conform_end_close(&link.ends[binder]);
    via_conform_bind(suite, &link.ends[binder], binder, address, &how);
    link.tx = link.ends[END_SENDS].channel;
    link.rx = link.ends[END_RECEIVES].channel;
    via_deadline limit = via_conform_soon();
    via_msg message;
    via_status status = VIA_ETIMEDOUT;
    while (status == VIA_ETIMEDOUT && via_now_ns() < limit) { /* what is sent while apart may be lost */
        status = via_conform_try_send(suite, link.tx, 7, 70, 0, via_after_ms(10));
        CHECK(status == VIA_OK || status == VIA_ETIMEDOUT, "a send while apart answers %s", via_status_name(status));
        status = via_recv(link.rx, via_after_ms(10), &message);
    }
    CHECK(status == VIA_OK, "nothing arrives after the name was served again: %s", via_status_name(status));
    via_conform_check_bytes(suite->seed, 7, message.data, message.size, 70);
    via_release(link.rx, &message);
    via_conform_close(&link);
}

static const via_conform_test tests[] = {
    {"attach.nothing_missed", "Attached: nothing sent after dial or join returned is missed", CONFORM_ALL, NEEDS_WHOLE,
     test_attach__nothing_missed},
    {"attach.accept_later", "Attached: a dialer needs nobody inside a call to send and leave", VIA_PATTERN_PAIR,
     NEEDS_WHOLE | NEEDS_LINGER | NEEDS_TWO_ENDS, test_attach__accept_later},
    {"attach.both_ways", "Attached: both ends may send first", VIA_PATTERN_PAIR, NEEDS_WHOLE | NEEDS_TWO_ENDS,
     test_attach__both_ways},
    {"attach.waits_for_listener", "Attached: dial and join wait for a listener", CONFORM_ALL,
     NEEDS_WHOLE | NEEDS_TWO_ENDS, test_attach__waits_for_listener},
    {"attach.no_peer", "Attached: VIA_ENOPEER when nobody came until the deadline", CONFORM_ALL,
     NEEDS_TWO_ENDS | NEEDS_OWNERS, test_attach__no_peer},
    {"attach.redials", "Attached: members of queues and topics redial by themselves",
     VIA_PATTERN_QUEUE | VIA_PATTERN_TOPIC, NEEDS_ATTACH | NEEDS_BOUNDARIES | NEEDS_TWO_ENDS, test_attach__redials},
};

const via_conform_group via_conform_attach_tests = {tests, sizeof(tests) / sizeof(tests[0])};
