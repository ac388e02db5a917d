/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving: lent messages, and receiving into the caller's memory.
 */
#include "conform.h"

#include <string.h>

enum { HELD = 40 };

static void shuffle(via_conform *suite, unsigned order[HELD])
{
    for (unsigned i = 0; i < HELD; i++)
        order[i] = i;
    for (unsigned i = HELD; i-- > 1;) {
        unsigned j = (unsigned)via_conform_random_below(suite, i + 1);
        unsigned kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

/* As many at once as fit. */
static void take_all(via_conform *suite, const via_conform_link *link, via_msg held[HELD])
{
    uint64_t at_once = via_conform_room(suite, HELD);

    for (uint64_t sent = 0, received = 0; received < HELD;) {
        for (; sent < HELD && sent - received < at_once; sent++)
            via_conform_send(suite, link->tx, sent, sent * 7);
        for (; received < sent; received++)
            CHECK_OK(via_recv(link->rx, via_conform_soon(), &held[received]));
    }
}

static void test_receive__outstanding(via_conform *suite)
{
    via_conform_link link;
    via_msg held[HELD];
    unsigned order[HELD];

    via_conform_open(suite, &link, NULL);
    for (int round = 0; round < 20; round++) {
        take_all(suite, &link, held);
        shuffle(suite, order);
        for (unsigned i = 0; i < HELD; i++) {
            size_t chosen = order[i];
            via_conform_check_bytes(suite->seed, chosen, held[chosen].data, held[chosen].size, chosen * 7);
            via_release(link.rx, &held[chosen]);
            CHECK(!held[chosen].data && !held[chosen].size, "via_release left the message as it was");
        }
    }
    via_conform_close(&link);
}

/* Some messages are kept while hundreds of others come and go: their bytes stay what they were. */
static void test_receive__kept_untouched(via_conform *suite)
{
    via_conform_link link;
    via_msg kept[4];

    via_conform_open(suite, &link, NULL);
    for (uint64_t i = 0; i < 4; i++) {
        via_conform_send(suite, link.tx, i, 100 + i);
        CHECK_OK(via_recv(link.rx, via_conform_soon(), &kept[i]));
    }
    for (uint64_t i = 10; i < 400; i++) {
        via_conform_send(suite, link.tx, i, via_conform_small_size(suite, i));
        via_conform_expect(suite, link.rx, i, via_conform_small_size(suite, i));
    }
    for (uint64_t i = 4; i-- > 0;) {
        via_conform_check_bytes(suite->seed, i, kept[i].data, kept[i].size, 100 + i);
        via_release(link.rx, &kept[i]);
    }
    via_conform_close(&link);
}

static void test_receive__into(via_conform *suite)
{
    via_conform_link link;
    unsigned char buffer[300];
    via_meta meta;
    size_t size = 0;

    via_conform_open(suite, &link, NULL);
    for (uint64_t i = 0; i < 50; i++) {
        via_conform_send(suite, link.tx, i, 200 + i);
        CHECK_OK(via_recv_into(link.rx, buffer, sizeof(buffer), &size, &meta, via_conform_soon()));
        via_conform_check_bytes(suite->seed, i, buffer, size, 200 + i);
    }
    CHECK_STATUS(VIA_ETIMEDOUT, via_recv_into(link.rx, buffer, sizeof(buffer), &size, NULL, VIA_NOW));
    via_conform_close(&link);
}

static void test_receive__too_small_keeps(via_conform *suite)
{
    via_conform_link link;
    unsigned char buffer[300];
    size_t size = 0;

    via_conform_open(suite, &link, NULL);
    via_conform_send(suite, link.tx, 0, 250);
    via_conform_send(suite, link.tx, 1, 20);
    for (size_t capacity = 0; capacity < 250; capacity += 83) {
        CHECK_STATUS(VIA_EBUFFER, via_recv_into(link.rx, buffer, capacity, &size, NULL, via_conform_soon()));
        CHECK(size == 250, "VIA_EBUFFER reports %zu bytes for a message of 250", size);
    }
    CHECK_OK(via_recv_into(link.rx, buffer, 250, &size, NULL, via_conform_soon()));
    via_conform_check_bytes(suite->seed, 0, buffer, size, 250);
    CHECK_STATUS(VIA_EBUFFER, via_recv_into(link.rx, buffer, 0, &size, NULL, via_conform_soon()));
    via_conform_expect(suite, link.rx, 1, 20);
    via_conform_close(&link);
}

static const via_conform_test tests[] = {
    {"receive.outstanding", "Receiving: several messages may be out, released in any order", CONFORM_ALL, NEEDS_WHOLE,
     test_receive__outstanding},
    {"receive.kept_untouched", "Receiving: a lent message stays as it is until its release", CONFORM_VALUE_TOO,
     NEEDS_WHOLE, test_receive__kept_untouched},
    {"receive.into", "Receiving: via_recv_into copies one message", CONFORM_VALUE_TOO, NEEDS_WHOLE, test_receive__into},
    {"receive.too_small_keeps", "Receiving: VIA_EBUFFER tells the size and keeps the message", CONFORM_ALL, NEEDS_WHOLE,
     test_receive__too_small_keeps},
};

const via_conform_group via_conform_receive_tests = {tests, sizeof(tests) / sizeof(tests[0])};
