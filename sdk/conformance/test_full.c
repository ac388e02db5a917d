/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Full channels and the kept tail.
 */
#include "conform.h"

#include <stdlib.h>

static const via_conform_how blocking = {.options = {"overflow=block", "linger=20s"}};

/* A full channel makes the sender wait until its deadline, no shorter, and then takes nothing. */
static void test_full__blocks(via_conform *suite)
{
    via_conform_link link;
    size_t size = via_conform_page_size(suite, 0);

    via_conform_open(suite, &link, &blocking);
    uint64_t accepted = via_conform_fill_up(suite, link.tx, 0, size);
    for (int i = 0; i < 3;) { /* what is full may stretch a little */
        uint64_t began = via_now_ns();
        via_status status = via_conform_try_send(suite, link.tx, accepted, size, 0, via_after_ms(40));
        uint64_t took_ms = (via_now_ns() - began) / 1000000;
        CHECK(took_ms < CONFORM_PATIENCE_MS, "a send with 40 ms took %llu ms", (unsigned long long)took_ms);
        if (status == VIA_OK) {
            CHECK(++accepted < ((uint64_t)256 << 20) / size, "256 MiB were accepted while nobody received");
            continue;
        }
        CHECK(status == VIA_ETIMEDOUT, "a send on a full channel answers %s", via_status_name(status));
        CHECK(took_ms >= 39, "a send with 40 ms on a full channel gave up after %llu ms", (unsigned long long)took_ms);
        i++;
    }
    for (uint64_t i = 0; i < accepted; i++)
        via_conform_expect_moving(suite, &link, i, size);
    via_conform_expect_nothing(link.rx);
    via_conform_close(&link);
}

/* A sender that waits goes on as soon as the receiver makes room. */
static void test_full__goes_on(via_conform *suite)
{
    via_conform_link link;
    size_t size = via_conform_page_size(suite, 0);

    via_conform_open(suite, &link, &blocking);
    uint64_t accepted = via_conform_fill_up(suite, link.tx, 0, size);
    via_conform_stream rest = {suite, link.tx, accepted, 200, via_conform_page_size, 0};
    via_conform_thread *sender = via_conform_thread_start(via_conform_run_sender, &rest);
    for (uint64_t i = 0; i < accepted; i++)
        via_conform_expect(suite, link.rx, i, size);
    for (uint64_t i = accepted; i < accepted + 200; i++)
        via_conform_expect(suite, link.rx, i, size);
    (void)via_conform_thread_join(sender);
    via_conform_close(&link);
}

/*
 * The receiver takes one message at a time, the sender tries with VIA_NOW: what is accepted arrives whole and once, what is
 * refused not at all. The last accepted message's tail moves by via_flush alone.
 */
static void test_tail__kept(via_conform *suite)
{
    via_conform_link link;
    size_t size = via_conform_page_size(suite, 0);
    uint64_t received = 0;

    via_conform_open(suite, &link, &blocking);
    uint64_t accepted = via_conform_fill_up(suite, link.tx, 0, size);
    for (int i = 0; i < 100; i++) {
        via_conform_expect_moving(suite, &link, received++, size);
        while (via_conform_try_send(suite, link.tx, accepted, size, 0, VIA_NOW) == VIA_OK)
            accepted++;
    }
    while (received < accepted)
        via_conform_expect_moving(suite, &link, received++, size);
    via_conform_expect_nothing(link.rx);
    CHECK_OK(via_flush(link.tx, via_conform_soon()));
    via_conform_send(suite, link.tx, accepted, size);
    via_conform_expect(suite, link.rx, accepted, size);
    via_conform_close(&link);
}

/* One message that is larger than any buffer: its deadline passes with the first bytes gone, and it arrives. */
static void test_tail__large(via_conform *suite)
{
    via_conform_link link;
    size_t size = via_conform_fit(suite, 3 << 20);
    uint64_t count = 0;

    via_conform_open(suite, &link, &blocking);
    while (count < 10 && via_conform_try_send(suite, link.tx, count, size, 0, via_after_ms(20)) == VIA_OK)
        count++;
    for (uint64_t i = 0; i < count; i++)
        via_conform_expect_moving(suite, &link, i, size);
    via_conform_expect_nothing(link.rx);
    via_conform_close(&link);
}

static const via_conform_test tests[] = {
    {"full.blocks", "Full: the sender is blocked until its deadline, and nothing is lost", CONFORM_ALL, NEEDS_WHOLE,
     test_full__blocks},
    {"full.goes_on", "Full: a blocked sender goes on when there is room", CONFORM_ALL, NEEDS_WHOLE, test_full__goes_on},
    {"tail.kept", "Delivery: a failed send leaves nothing, an accepted one arrives whole; via_flush moves a tail",
     CONFORM_ALL, NEEDS_WHOLE, test_tail__kept},
    {"tail.large", "Delivery: once a message's first byte has left, the call succeeds and the tail is kept",
     CONFORM_ALL, NEEDS_WHOLE, test_tail__large},
};

const via_conform_group via_conform_full_tests = {tests, sizeof(tests) / sizeof(tests[0])};
