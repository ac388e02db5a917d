/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VIA_MORE: what may be held back, and what ends it.
 */
#include "conform.h"

static void send_more(via_conform *suite, via_channel *channel, uint64_t first, uint64_t count)
{
    via_conform_step("sending %llu messages with VIA_MORE", (unsigned long long)count);
    for (uint64_t i = first; i < first + count; i++)
        CHECK_OK(via_conform_try_send(suite, channel, i, 40, VIA_MORE, via_conform_soon()));
}

static void expect(via_conform *suite, via_channel *channel, uint64_t first, uint64_t count)
{
    for (uint64_t i = first; i < first + count; i++)
        via_conform_expect(suite, channel, i, 40);
}

static void test_more__ended_by_send(via_conform *suite)
{
    via_conform_link link;

    via_conform_open(suite, &link, NULL);
    for (uint64_t i = 0; i < 100; i += 10) {
        send_more(suite, link.tx, i, 9);
        via_conform_send(suite, link.tx, i + 9, 40);
        expect(suite, link.rx, i, 10);
    }
    via_conform_close(&link);
}

static void test_more__ended_by_flush(via_conform *suite)
{
    via_conform_link link;

    via_conform_open(suite, &link, NULL);
    for (uint64_t i = 0; i < 100; i += 10) {
        send_more(suite, link.tx, i, 10);
        CHECK_OK(via_flush(link.tx, via_conform_soon()));
        expect(suite, link.rx, i, 10);
    }
    via_conform_close(&link);
}

static void test_more__ended_by_drain(via_conform *suite)
{
    via_conform_link link;

    via_conform_open(suite, &link, NULL);
    via_conform_send(suite, link.tx, 10, 40); /* some transports need their peer to have come once */
    via_conform_expect(suite, link.rx, 10, 40);
    send_more(suite, link.tx, 0, 10);
    CHECK_OK(via_drain(link.tx, via_conform_soon(), NULL));
    expect(suite, link.rx, 0, 10);
    via_conform_close(&link);
}

static void test_more__ended_by_finish(via_conform *suite)
{
    via_conform_link link;

    via_conform_open(suite, &link, NULL);
    send_more(suite, link.tx, 0, 10);
    CHECK_OK(via_finish(link.tx, via_conform_soon()));
    expect(suite, link.rx, 0, 10);
    via_conform_expect_end(link.rx, false);
    via_conform_close(&link);
}

static void test_more__ended_by_close(via_conform *suite)
{
    via_conform_link link;

    via_conform_open(suite, &link, NULL);
    send_more(suite, link.tx, 0, 10);
    via_conform_close_sender(&link);
    expect(suite, link.rx, 0, 10);
    via_conform_close(&link);
}

/* A stream that never says "last": full buffers keep it moving. */
static void test_more__stream(via_conform *suite)
{
    via_conform_link link;

    via_conform_open(suite, &link, NULL);
    via_conform_stream sending = {suite, link.tx, 0, 8192, via_conform_small_size, 4096};
    via_conform_stream receiving = {suite, link.rx, 0, 8192, via_conform_small_size, 0};
    via_conform_thread *sender = via_conform_thread_start(via_conform_run_sender, &sending);
    (void)via_conform_run_receiver(&receiving);
    (void)via_conform_thread_join(sender);
    via_conform_close(&link);
}

static const via_conform_test tests[] = {
    {"more.ended_by_send", "VIA_MORE: a send without it lets everything go", CONFORM_ALL, NEEDS_WHOLE,
     test_more__ended_by_send},
    {"more.ended_by_flush", "VIA_MORE: via_flush lets everything go", CONFORM_ALL, NEEDS_WHOLE,
     test_more__ended_by_flush},
    {"more.ended_by_drain", "VIA_MORE: via_drain lets everything go", CONFORM_ALL, NEEDS_WHOLE,
     test_more__ended_by_drain},
    {"more.ended_by_finish", "VIA_MORE: via_finish lets everything go", VIA_PATTERN_PAIR, NEEDS_WHOLE | NEEDS_ENDING,
     test_more__ended_by_finish},
    {"more.ended_by_close", "VIA_MORE: via_close lets everything go", CONFORM_ALL,
     NEEDS_WHOLE | NEEDS_LINGER | NEEDS_TWO_ENDS, test_more__ended_by_close},
    {"more.stream", "VIA_MORE: a full buffer lets everything go", CONFORM_ALL, NEEDS_WHOLE, test_more__stream},
};

const via_conform_group via_conform_more_tests = {tests, sizeof(tests) / sizeof(tests[0])};
