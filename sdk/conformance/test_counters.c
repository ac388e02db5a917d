/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters.
 */
#include "conform.h"

static void test_counters__messages(via_conform *suite)
{
    via_conform_link link;
    via_counters tx = {.size = sizeof(tx)}, rx = {.size = sizeof(rx)};
    uint64_t bytes = 0;

    via_conform_open(suite, &link, NULL);
    for (uint64_t i = 0; i < 50; i++) {
        via_conform_send(suite, link.tx, i, i * 3);
        via_conform_expect(suite, link.rx, i, i * 3);
        bytes += i * 3;
    }
    CHECK_OK(via_stats(link.tx, &tx));
    CHECK_OK(via_stats(link.rx, &rx));
    CHECK(tx.sent_messages == 50 && tx.sent_bytes == bytes, "sent 50 messages of %llu bytes, counted %llu of %llu",
          (unsigned long long)bytes, (unsigned long long)tx.sent_messages, (unsigned long long)tx.sent_bytes);
    CHECK(rx.received_messages == 50 && rx.received_bytes == bytes,
          "received 50 messages of %llu bytes, counted %llu of %llu", (unsigned long long)bytes,
          (unsigned long long)rx.received_messages, (unsigned long long)rx.received_bytes);
    CHECK(tx.dropped_oldest + tx.dropped_newest + tx.dropped_nobody + tx.dropped_closing + rx.missed == 0,
          "something counts as dropped though everything arrived");
    via_conform_close(&link);
}

static void test_counters__connections(via_conform *suite)
{
    via_conform_link link;
    int binder = via_conform_binder(suite, NULL);
    via_counters counters = {.size = sizeof(counters)};

    via_conform_open(suite, &link, NULL);
    via_conform_send(suite, link.tx, 0, 5);
    via_conform_expect(suite, link.rx, 0, 5);
    CHECK_OK(via_stats(link.ends[binder].channel, &counters));
    CHECK(counters.connects == 1 && counters.peers == 1, "one member came: connects says %llu, peers %llu",
          (unsigned long long)counters.connects, (unsigned long long)counters.peers);
    via_conform_close(&link);
}

/* What the other end's close comes to, once, whatever is called after it. */
static void test_counters__end(via_conform *suite)
{
    via_conform_link link;
    via_counters counters = {.size = sizeof(counters)};
    via_status status;
    via_msg message;

    via_conform_open(suite, &link, NULL);
    via_conform_send(suite, link.tx, 0, 5);
    via_conform_expect(suite, link.rx, 0, 5);
    CHECK_OK(via_stats(link.rx, &counters));
    CHECK(counters.connects == 1 && counters.disconnects == 0 && counters.peers == 1,
          "two are connected: connects says %llu, disconnects %llu, peers %llu", (unsigned long long)counters.connects,
          (unsigned long long)counters.disconnects, (unsigned long long)counters.peers);
    via_conform_close_sender(&link);
    for (int i = 0; i < 2; i++)
        CHECK_STATUS(VIA_ECLOSED, via_recv(link.rx, via_conform_soon(), &message));
    status =
        via_finish(link.rx, VIA_NOW); /* a wire that knows half a close cannot tell it from a whole one before that */
    (void)status;                     /* nobody is there to be told */
    CHECK_OK(via_stats(link.rx, &counters));
    CHECK(counters.connects == 1 && counters.disconnects == 1 && counters.peers == 0,
          "the other end has closed: connects says %llu, disconnects %llu, peers %llu",
          (unsigned long long)counters.connects, (unsigned long long)counters.disconnects,
          (unsigned long long)counters.peers);
    via_conform_close(&link);
}

static const via_conform_test tests[] = {
    {"counters.messages", "Knowing: messages and bytes are counted once", CONFORM_VALUE_TOO, NEEDS_WHOLE,
     test_counters__messages},
    {"counters.connections", "Knowing: connections and members are counted", VIA_PATTERN_QUEUE | VIA_PATTERN_TOPIC,
     NEEDS_WHOLE | NEEDS_TWO_ENDS, test_counters__connections},
    {"counters.end", "Knowing: a connection is counted, and its end, once", VIA_PATTERN_PAIR,
     NEEDS_WHOLE | NEEDS_TWO_ENDS, test_counters__end},
};

const via_conform_group via_conform_counters_tests = {tests, sizeof(tests) / sizeof(tests[0])};
