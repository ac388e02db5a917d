/* SPDX-License-Identifier: Apache-2.0 */
/*
 * via_interrupt() from a signal handler ends a blocked call, for good.
 */
#include "ways.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>

static via_channel *volatile target;
static via_listener *volatile target_listener;

static void interrupt(int signal)
{
    (void)signal;
    if (target)
        via_interrupt(target);
    if (target_listener)
        via_listener_interrupt(target_listener);
}

/* The handler runs again and again: no moment in the blocked call may be deaf to it. */
static void start_timer(void)
{
    struct itimerval often = {{0, 2000}, {0, 2000}};

    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
}

static void stop_timer(void)
{
    struct itimerval never = {0};

    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    target = NULL;
    target_listener = NULL;
}

static void interrupt_receiver(via_ends *ends)
{
    via_msg message;

    target = ends->receiver;
    start_timer();
    assert_int_equal(via_recv(ends->receiver, VIA_FOREVER, &message), VIA_ECANCELED);
    stop_timer();
    assert_int_equal(via_recv(ends->receiver, VIA_FOREVER, &message), VIA_ECANCELED);
    assert_int_equal(via_recv(ends->receiver, VIA_NOW, &message), VIA_ECANCELED);
}

static void interrupt_sender(via_ends *ends)
{
    static char body[65536];
    via_status status = VIA_OK;

    target = ends->sender;
    start_timer();
    while (status == VIA_OK)
        status = via_send(ends->sender, body, sizeof body, NULL, VIA_FOREVER);
    assert_int_equal(status, VIA_ECANCELED);
    stop_timer();
    assert_int_equal(via_send(ends->sender, body, sizeof body, NULL, VIA_FOREVER), VIA_ECANCELED);
}

static void interrupt_listener(via_ends *ends)
{
    via_channel *channel = NULL;

    target_listener = ends->listener;
    start_timer();
    assert_int_equal(via_accept(ends->listener, VIA_FOREVER, &channel, NULL), VIA_ECANCELED);
    stop_timer();
    assert_null(channel);
    assert_int_equal(via_accept(ends->listener, VIA_FOREVER, &channel, NULL), VIA_ECANCELED);
}

static void test_interrupted(void **state)
{
    const via_way *way = *state;
    via_ends ends;

    via_way_open(way, &ends);
    if (ends.listener)
        interrupt_listener(&ends);
    interrupt_receiver(&ends);
    via_way_close(&ends);

    via_way_open(way, &ends);
    interrupt_sender(&ends);
    via_way_close(&ends);
}

int main(void)
{
    struct sigaction action = {.sa_handler = interrupt};

    if (sigaction(SIGALRM, &action, NULL) != 0)
        return 1;
    return via_ways_run("interrupted", test_interrupted);
}
