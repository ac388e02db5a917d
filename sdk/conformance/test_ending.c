/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending: closed, finished, and sending to somebody who has left.
 */
#include "conform.h"

#include <signal.h>
#include <unistd.h>

static void test_ending__closed_after_all(via_conform *suite)
{
    const uint64_t count = via_conform_room(suite, 100);
    via_conform_link link;

    via_conform_open(suite, &link, NULL);
    for (uint64_t i = 0; i < count; i++)
        via_conform_send(suite, link.tx, i, via_conform_small_size(suite, i) % 200);
    via_conform_close_sender(&link);
    for (uint64_t i = 0; i < count; i++)
        via_conform_expect(suite, link.rx, i, via_conform_small_size(suite, i) % 200);
    via_conform_expect_end(link.rx, false);
    via_conform_close(&link);
}

static void test_finish__half_close(via_conform *suite)
{
    via_conform_link link;

    via_conform_open(suite, &link, NULL);
    for (uint64_t i = 0; i < 10; i++)
        via_conform_send(suite, link.tx, i, 50);
    CHECK_OK(via_finish(link.tx, via_conform_soon()));
    CHECK_STATUS(VIA_EINVAL, via_conform_try_send(suite, link.tx, 10, 50, 0, via_conform_soon()));
    for (uint64_t i = 0; i < 10; i++)
        via_conform_expect(suite, link.rx, i, 50);
    via_conform_expect_end(link.rx, false);
    via_conform_close(&link);
}

static void test_finish__receiving_goes_on(via_conform *suite)
{
    via_conform_link link;

    via_conform_open(suite, &link, NULL);
    CHECK_OK(via_finish(link.tx, via_conform_soon()));
    via_conform_expect_end(link.rx, false);
    for (uint64_t i = 0; i < 10; i++)
        via_conform_send(suite, link.rx, i, 500);
    for (uint64_t i = 0; i < 10; i++)
        via_conform_expect(suite, link.tx, i, 500);
    CHECK_OK(via_finish(link.rx, via_conform_soon()));
    via_conform_expect_end(link.tx, false);
    via_conform_close(&link);
}

/* The receiver has gone: sends fail soon, never block, and say so every time. */
static void test_ending__sends_fail(via_conform *suite)
{
    via_conform_link link;
    via_status status = VIA_OK;
    uint64_t sent = 0;

    via_conform_open(suite, &link, NULL);
    via_conform_close_receiver(&link);
    while (sent < 100000 &&
           (status = via_conform_try_send(suite, link.tx, sent, 1000, 0, via_conform_soon())) == VIA_OK)
        sent++;
    for (int i = 0; i < 3; i++) {
        CHECK(status == VIA_EPEER || status == VIA_ECLOSED, "after %llu sends to a closed channel: %s",
              (unsigned long long)sent, via_status_name(status));
        status = via_conform_try_send(suite, link.tx, sent, 1000, 0, via_conform_soon());
    }
    via_conform_close(&link);
}

static void sit_until_killed(via_conform *suite, int control, void *argument)
{
    char address[CONFORM_ADDRESS];
    via_conform_end end;

    (void)argument;
    via_conform_hear(control, address, sizeof(address));
    via_conform_connect(suite, &end, END_SENDS, address, NULL);
    via_conform_tell(control, "c", 1);
    for (;;)
        (void)pause();
}

/* The reason stays; a channel that merely closed has none. */
static void test_ending__failure_says_why(via_conform *suite)
{
    via_conform_peer peer;
    via_conform_end end;
    via_error error;
    via_msg message;
    char byte;

    via_conform_peer_start(suite, &peer, sit_until_killed, NULL);
    via_conform_bind(suite, &end, END_RECEIVES, NULL, NULL);
    via_conform_tell(peer.control, end.address, sizeof(end.address));
    via_conform_hear(peer.control, &byte, 1);
    via_conform_accept(&end);
    CHECK_STATUS(VIA_ENOENT, via_failure(end.channel, &error));
    via_conform_peer_kill(&peer);
    via_status status = via_recv(end.channel, via_conform_soon(), &message);
    if (status == VIA_EPEER) {
        CHECK_OK(via_failure(end.channel, &error));
        CHECK(error.status == status && error.what[0], "via_failure says %s (\"%s\") where receiving answers %s",
              via_status_name(error.status), error.what, via_status_name(status));
    }
    via_conform_end_close(&end);
}

/* SIGPIPE has its default: it would end this process. */
static void test_signals__no_sigpipe(via_conform *suite)
{
    via_conform_link link;
    static char large[100000];

    (void)signal(SIGPIPE, SIG_DFL);
    via_conform_open(suite, &link, NULL);
    via_conform_close_receiver(&link);
    for (int i = 0; i < 20; i++) {
        via_meta more = {0, i % 2 ? VIA_MORE : 0, 0, NULL, NULL};
        size_t size = via_conform_fit(suite, i % 3 ? 10 : sizeof(large));
        via_status sent = via_send(link.tx, large, size, &more, via_after_ms(20));
        via_status flushed = via_flush(link.tx, via_after_ms(20));
        (void)sent, (void)flushed;
    }
    via_conform_close(&link);
}

static const via_conform_test tests[] = {
    {"ending.closed_after_all", "Ending: VIA_ECLOSED after everything was received, and again ever after",
     VIA_PATTERN_PAIR, NEEDS_WHOLE | NEEDS_LINGER | NEEDS_TWO_ENDS, test_ending__closed_after_all},
    {"finish.half_close", "Ending: via_finish shows as VIA_ECLOSED after everything; own sends are VIA_EINVAL",
     VIA_PATTERN_PAIR, NEEDS_WHOLE | NEEDS_ENDING, test_finish__half_close},
    {"finish.receiving_goes_on", "Ending: after via_finish receiving goes on", VIA_PATTERN_PAIR,
     NEEDS_WHOLE | NEEDS_TWO_ENDS, test_finish__receiving_goes_on},
    {"ending.sends_fail", "Ending: a send to somebody who has left fails and never blocks", VIA_PATTERN_PAIR,
     NEEDS_ATTACH | NEEDS_TWO_ENDS, test_ending__sends_fail},
    {"ending.failure_says_why", "Ending: via_failure keeps the reason why a channel ended", VIA_PATTERN_PAIR,
     NEEDS_ATTACH | NEEDS_TWO_ENDS, test_ending__failure_says_why},
    {"signals.no_sigpipe", "Ending: no SIGPIPE, ever", CONFORM_ALL, NEEDS_ATTACH | NEEDS_TWO_ENDS,
     test_signals__no_sigpipe},
};

const via_conform_group via_conform_ending_tests = {tests, sizeof(tests) / sizeof(tests[0])};
