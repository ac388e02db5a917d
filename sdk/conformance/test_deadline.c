/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines: VIA_NOW never blocks, the others are kept. Bounds are generous: no test measures speed.
 */
#include "conform.h"

/* Nothing to wait for anywhere: each answers at once. A whole second is far beyond any scheduling delay here. */
static void test_deadline__now(via_conform *suite)
{
    via_conform_link link;
    via_msg message;

    via_conform_open(suite, &link, NULL);
    for (int i = 0; i < 100; i++) {
        uint64_t began = via_now_ns();
        CHECK_STATUS(VIA_ETIMEDOUT, via_recv(link.rx, VIA_NOW, &message));
        CHECK_STATUS(VIA_ETIMEDOUT, via_recv(link.rx, began - 1, &message));
        CHECK_OK(via_flush(link.tx, VIA_NOW));
        uint64_t took_ms = (via_now_ns() - began) / 1000000;
        CHECK(took_ms < 5000, "VIA_NOW took %llu ms", (unsigned long long)took_ms);
    }
    via_conform_send(suite, link.tx, 0, 12);
    via_conform_expect(suite, link.rx, 0, 12);
    via_conform_close(&link);
}

static void test_deadline__receive(via_conform *suite)
{
    via_conform_link link;
    via_msg message;

    via_conform_open(suite, &link, NULL);
    for (uint64_t wait_ms = 0; wait_ms <= 120; wait_ms = wait_ms * 2 + 1) {
        uint64_t began = via_now_ns();
        CHECK_STATUS(VIA_ETIMEDOUT, via_recv(link.rx, via_after_ms(wait_ms), &message));
        uint64_t took_us = (via_now_ns() - began) / 1000;
        CHECK(took_us + 1 >= wait_ms * 1000, "a receive with %llu ms gave up after %llu us",
              (unsigned long long)wait_ms, (unsigned long long)took_us);
        CHECK(took_us < (uint64_t)CONFORM_PATIENCE_MS * 1000, "a receive with %llu ms took %llu us",
              (unsigned long long)wait_ms, (unsigned long long)took_us);
    }
    via_conform_close(&link);
}

static void test_deadline__accept(via_conform *suite)
{
    via_conform_end binder;
    via_channel *channel = NULL;
    via_error error;

    via_conform_bind(suite, &binder, END_RECEIVES, NULL, NULL);
    for (uint64_t wait_ms = 0; wait_ms <= 120; wait_ms += 40) {
        uint64_t began = via_now_ns();
        CHECK_STATUS(VIA_ETIMEDOUT,
                     via_accept(binder.listener, wait_ms ? via_after_ms(wait_ms) : VIA_NOW, &channel, &error));
        uint64_t took_us = (via_now_ns() - began) / 1000;
        CHECK(took_us + 1 >= wait_ms * 1000 && took_us < (uint64_t)CONFORM_PATIENCE_MS * 1000,
              "an accept with %llu ms took %llu us", (unsigned long long)wait_ms, (unsigned long long)took_us);
    }
    via_conform_end_close(&binder);
}

static const via_conform_test tests[] = {
    {"deadline.now", "Deadlines: VIA_NOW and the past never block", CONFORM_VALUE_TOO, NEEDS_ATTACH,
     test_deadline__now},
    {"deadline.receive", "Deadlines: a receive waits as long as it may, no longer", CONFORM_VALUE_TOO, NEEDS_ATTACH,
     test_deadline__receive},
    {"deadline.accept", "Deadlines: an accept waits as long as it may, no longer", VIA_PATTERN_PAIR, NEEDS_TWO_ENDS,
     test_deadline__accept},
};

const via_conform_group via_conform_deadline_tests = {tests, sizeof(tests) / sizeof(tests[0])};
