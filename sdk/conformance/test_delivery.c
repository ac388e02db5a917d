/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivery: a message arrives whole or not at all, in order, once; what was accepted survives close and exit.
 */
#include "conform.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- sizes -------------------------------------------------------------------------------------------------- */

/* Around the sizes that implementations like to treat unlike each other. */
static const size_t corners[] = {
    0,     1,     2,     3,      7,      8,      9,      15,      16,      17,      63,    64,      65,
    127,   128,   255,   256,    257,    1023,   1024,   1025,    4086,    4095,    4096,  4097,    8191,
    8192,  8193,  16384, 32767,  32768,  65519,  65526,  65527,   65528,   65534,   65535, 65536,   65537,
    65545, 65600, 70000, 131071, 131072, 131073, 262144, 1048575, 1048576, 1048577, 0,     3000000, 1};

static size_t corner_size(const via_conform *suite, uint64_t index)
{
    return via_conform_fit(suite, corners[index]);
}

static void pass(via_conform *suite, via_conform_link *link, const via_conform_stream *stream)
{
    via_conform_stream sending = *stream, receiving = *stream;
    via_conform_thread *sender;

    sending.suite = receiving.suite = suite;
    sending.channel = link->tx;
    receiving.channel = link->rx;
    sender = via_conform_thread_start(via_conform_run_sender, &sending);
    (void)via_conform_run_receiver(&receiving);
    (void)via_conform_thread_join(sender);
}

static void test_delivery__sizes(via_conform *suite)
{
    via_conform_link link;
    via_conform_stream stream = {.count = sizeof(corners) / sizeof(corners[0]), .size = corner_size};

    via_conform_open(suite, &link, NULL);
    pass(suite, &link, &stream);
    via_conform_expect_nothing(link.rx);
    via_conform_close(&link);
}

static void test_delivery__many(via_conform *suite)
{
    via_conform_link link;
    via_conform_stream stream = {.count = 8000, .size = via_conform_small_size};

    via_conform_open(suite, &link, NULL);
    pass(suite, &link, &stream);
    via_conform_expect_nothing(link.rx);
    via_conform_close(&link);
}

/* The listener sends and the dialer receives; in a queue and a topic the other side binds. */
static void test_delivery__other_way_round(via_conform *suite)
{
    via_conform_link link;
    via_conform_how how = {.flipped = true};
    via_conform_stream stream = {.count = 500, .size = via_conform_small_size};

    via_conform_open(suite, &link, &how);
    pass(suite, &link, &stream);
    via_conform_close(&link);
}

static void test_delivery__slices(via_conform *suite)
{
    via_conform_link link;
    unsigned char body[900];
    via_slice slices[300];

    via_conform_open(suite, &link, NULL);
    via_conform_fill(suite->seed, 0, body, sizeof(body));
    for (size_t i = 0, at = 0; i < 300; at += slices[i++].size)
        slices[i] = (via_slice){body + at, i % 3 == 0 ? 4 : i % 3 == 1 ? 0 : 5};
    CHECK_OK(via_sendv(link.tx, slices, 300, NULL, via_conform_soon()));
    CHECK_OK(via_sendv(link.tx, slices, 0, NULL, via_conform_soon()));
    slices[0] = (via_slice){NULL, 0};
    CHECK_OK(via_sendv(link.tx, slices, 1, NULL, via_conform_soon()));
    via_conform_send(suite, link.tx, 3, 10);
    via_conform_expect(suite, link.rx, 0, sizeof(body));
    via_conform_expect(suite, link.rx, 1, 0);
    via_conform_expect(suite, link.rx, 2, 0);
    via_conform_expect(suite, link.rx, 3, 10);
    via_conform_close(&link);
}

/* ---- the limit ---------------------------------------------------------------------------------------------- */

static size_t limit_for_test;

static size_t limit_size(const via_conform *suite, uint64_t index)
{
    (void)suite;
    return index ? 5 : limit_for_test;
}

static void test_delivery__limit(via_conform *suite)
{
    char wish[64];
    via_conform_link link;
    via_conform_how how = {.options = {wish}};
    via_conform_stream stream = {.count = 2, .size = limit_size};
    via_channel_info info = {.size = sizeof(info)};

    limit_for_test = via_conform_fit(suite, 2 << 20) & ~(size_t)1023;
    (void)snprintf(wish, sizeof(wish), "!max_message=%zu", limit_for_test);
    via_conform_open(suite, &link, &how);
    CHECK_OK(via_info(link.tx, &info));
    CHECK(info.max_message == limit_for_test, "via_info says max_message %llu, opened with %zu",
          (unsigned long long)info.max_message, limit_for_test);
    for (int i = 0; i < 2; i++) {
        CHECK_STATUS(VIA_ETOOBIG, via_conform_try_send(suite, link.tx, 9, limit_for_test + 1 + (size_t)i * 5000, 0,
                                                       via_conform_soon()));
        pass(suite, &link, &stream);
    }
    via_conform_expect_nothing(link.rx);
    via_conform_close(&link);
}

/* ---- what was accepted -------------------------------------------------------------------------------------- */

typedef struct via_conform_rest {
    via_conform *suite;
    via_channel *channel;
    uint64_t accepted;
} via_conform_rest;

static void *receive_rest(void *argument)
{
    const via_conform_rest *rest = argument;

    for (uint64_t i = 0; i < rest->accepted; i++)
        via_conform_expect(rest->suite, rest->channel, i, via_conform_page_size(rest->suite, i));
    return NULL;
}

/* Fills the channel, a kept tail included, and closes: all that was accepted arrives. */
static void test_close__keeps_accepted(via_conform *suite)
{
    via_conform_link link;
    via_conform_how how = {.options = {"linger=20s", "overflow=block"}};

    via_conform_open(suite, &link, &how);
    via_conform_rest rest = {suite, link.rx, via_conform_fill_up(suite, link.tx, 0, via_conform_page_size(suite, 0))};
    via_conform_thread *receiver = via_conform_thread_start(receive_rest, &rest);
    via_conform_close_sender(&link);
    (void)via_conform_thread_join(receiver);
    if (suite->claims->pattern == VIA_PATTERN_PAIR)
        via_conform_expect_end(link.rx, false);
    via_conform_close(&link);
}

/*
 * The other process: connects, sends, ends in the way that `argument` says. Before it drains, one message has been received:
 * a transport may need its peer to have come once.
 */
static void send_and_end(via_conform *suite, int control, void *argument)
{
    const bool *drains = argument;
    char address[CONFORM_ADDRESS], byte;
    via_conform_end end;
    uint64_t left = 0;
    uint64_t count = via_conform_room(suite, 20);

    via_conform_hear(control, address, sizeof(address));
    via_conform_connect(suite, &end, END_SENDS, address, NULL);
    for (uint64_t i = 0; i < count; i++) {
        via_conform_send(suite, end.channel, i, via_conform_fit(suite, 100 + i * 13));
        if (i == 0 && *drains) {
            via_conform_tell(control, "s", 1);
            via_conform_hear(control, &byte, 1);
        }
    }
    if (*drains)
        CHECK_OK(via_drain(end.channel, via_conform_soon(), &left));
    else
        via_conform_end_close(&end);
    via_conform_tell(control, &count, sizeof(count));
    if (*drains)
        (void)pause(); /* until the kill */
    _exit(0);
}

static void receive_first(via_conform *suite, via_conform_peer *peer, via_conform_end *end)
{
    char byte;

    via_conform_hear(peer->control, &byte, 1);
    via_conform_accept(end);
    via_conform_expect(suite, end->channel, 0, via_conform_fit(suite, 100));
    via_conform_tell(peer->control, "g", 1);
}

static void test_exit(via_conform *suite, bool drains)
{
    via_conform_peer peer;
    via_conform_end end;
    const via_conform_how how = {.flipped = suite->claims->pattern == VIA_PATTERN_TOPIC};
    uint64_t count = 0;

    via_conform_peer_start(suite, &peer, send_and_end, &drains);
    via_conform_bind(suite, &end, END_RECEIVES, NULL, &how);
    via_conform_tell(peer.control, end.address, sizeof(end.address));
    if (drains)
        receive_first(suite, &peer, &end);
    via_conform_hear(peer.control, &count, sizeof(count));
    if (drains) {
        via_conform_peer_kill(&peer);
    } else {
        via_conform_peer_join(&peer);
        via_conform_accept(&end);
    }
    for (uint64_t i = drains; i < count; i++)
        via_conform_expect(suite, end.channel, i, via_conform_fit(suite, 100 + i * 13));
    if (suite->claims->pattern == VIA_PATTERN_PAIR)
        via_conform_expect_end(end.channel, drains);
    via_conform_end_close(&end);
}

static void test_close__survives_exit(via_conform *suite)
{
    test_exit(suite, false);
}

static void test_drain__survives_kill(via_conform *suite)
{
    test_exit(suite, true);
}

/* Nobody receives: drain says so in time, or that nothing depends on us. Then it ends well. */
static void test_drain__deadline(via_conform *suite)
{
    via_conform_link link;
    via_conform_how how = {.options = {"overflow=block"}};
    uint64_t left = 0;

    via_conform_open(suite, &link, &how);
    via_conform_rest rest = {suite, link.rx, via_conform_fill_up(suite, link.tx, 0, via_conform_page_size(suite, 0))};
    via_status status = via_drain(link.tx, via_after_ms(50), &left);
    CHECK(status == VIA_OK || (status == VIA_ETIMEDOUT && left > 0), "via_drain answers %s with %llu undelivered",
          via_status_name(status), (unsigned long long)left);
    via_conform_thread *receiver = via_conform_thread_start(receive_rest, &rest);
    CHECK_OK(via_drain(link.tx, via_conform_soon(), NULL));
    (void)via_conform_thread_join(receiver);
    via_conform_close(&link);
}

static const via_conform_test tests[] = {
    {"delivery.sizes", "Delivery: a message of any size arrives whole, in order, once", CONFORM_ALL, NEEDS_WHOLE,
     test_delivery__sizes},
    {"delivery.many", "Delivery: messages arrive in order, once, none lost", CONFORM_ALL, NEEDS_WHOLE,
     test_delivery__many},
    {"delivery.other_way_round", "Delivery: it does not matter which side binds", CONFORM_ALL,
     NEEDS_WHOLE | NEEDS_TWO_ENDS, test_delivery__other_way_round},
    {"delivery.slices", "Delivery: slices are joined into one message, empty ones too", CONFORM_ALL, NEEDS_WHOLE,
     test_delivery__slices},
    {"delivery.limit", "Delivery: a message above max_message is VIA_ETOOBIG, and nothing of it leaves", CONFORM_ALL,
     NEEDS_WHOLE, test_delivery__limit},
    {"close.keeps_accepted", "Delivery: what a send accepted survives via_close", CONFORM_ALL,
     NEEDS_WHOLE | NEEDS_LINGER | NEEDS_TWO_ENDS, test_close__keeps_accepted},
    {"close.survives_exit", "Delivery: what a send accepted survives the end of the process", CONFORM_ALL,
     NEEDS_WHOLE | NEEDS_LINGER | NEEDS_TWO_ENDS, test_close__survives_exit},
    {"drain.survives_kill", "Delivery: after via_drain nothing depends on this process", CONFORM_ALL,
     NEEDS_WHOLE | NEEDS_TWO_ENDS, test_drain__survives_kill},
    {"drain.deadline", "Delivery: via_drain keeps its deadline, then finishes", CONFORM_ALL, NEEDS_WHOLE,
     test_drain__deadline},
};

const via_conform_group via_conform_delivery_tests = {tests, sizeof(tests) / sizeof(tests[0])};
