/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupting: from any thread or signal handler, present and later calls, for good.
 */
#include "conform.h"

#include <signal.h>
#include <string.h>
#include <time.h>

static void *receive_for_ever(void *channel)
{
    via_msg message;
    CHECK_STATUS(VIA_ECANCELED, via_recv(channel, VIA_FOREVER, &message));
    return NULL;
}

/* At once, and after a while in which the receiver has surely gone to sleep. */
static void test_interrupt__receiver(via_conform *suite)
{
    for (uint32_t pause = 0; pause < 30000; pause += 3000) {
        via_conform_link link;
        via_conform_open(suite, &link, NULL);
        via_conform_thread *thread = via_conform_thread_start(receive_for_ever, link.rx);
        via_conform_linger(pause);
        via_interrupt(link.rx);
        (void)via_conform_thread_join(thread);
        via_conform_close(&link);
    }
}

typedef struct via_conform_waiter {
    via_conform *suite;
    via_channel *channel;
    via_listener *listener;
} via_conform_waiter;

static void *send_for_ever(void *argument)
{
    const via_conform_waiter *waiter = argument;
    via_status status;

    do {
        status = via_conform_try_send(waiter->suite, waiter->channel, 0,
                                      3000 % (waiter->suite->claims->max_message + 1), 0, VIA_FOREVER);
    } while (status == VIA_OK);
    CHECK(status == VIA_ECANCELED, "an interrupted send answers %s", via_status_name(status));
    return NULL;
}

static void test_interrupt__sender(via_conform *suite)
{
    via_conform_how how = {.options = {"overflow=block", "linger=1ms"}};

    for (uint32_t pause = 0; pause < 100000; pause += 25000) {
        via_conform_link link;
        via_conform_open(suite, &link, &how);
        via_conform_waiter waiter = {suite, link.tx, NULL};
        via_conform_thread *thread = via_conform_thread_start(send_for_ever, &waiter);
        via_conform_linger(pause);
        via_interrupt(link.tx);
        (void)via_conform_thread_join(thread);
        via_conform_close(&link);
    }
}

static void *accept_for_ever(void *argument)
{
    const via_conform_waiter *waiter = argument;
    via_channel *channel = NULL;
    via_error error;

    CHECK_STATUS(VIA_ECANCELED, via_accept(waiter->listener, VIA_FOREVER, &channel, &error));
    CHECK_STATUS(VIA_ECANCELED, via_accept(waiter->listener, VIA_FOREVER, &channel, &error));
    return NULL;
}

static void test_interrupt__listener(via_conform *suite)
{
    for (uint32_t pause = 0; pause < 30000; pause += 6000) {
        via_conform_end end;
        via_conform_bind(suite, &end, END_RECEIVES, NULL, NULL);
        via_conform_waiter waiter = {suite, NULL, end.listener};
        via_conform_thread *thread = via_conform_thread_start(accept_for_ever, &waiter);
        via_conform_linger(pause);
        via_listener_interrupt(end.listener);
        (void)via_conform_thread_join(thread);
        via_conform_end_close(&end);
    }
}

/* It is final, and it holds for calls that come later, once what had arrived is taken. */
static void test_interrupt__is_final(via_conform *suite)
{
    via_conform_link link;
    via_msg message;
    via_status status;

    via_conform_open(suite, &link, NULL);
    via_conform_send(suite, link.tx, 0, 10);
    via_interrupt(link.rx);
    via_interrupt(link.rx);
    while ((status = via_recv(link.rx, via_conform_soon(), &message)) == VIA_OK)
        via_release(link.rx, &message);
    CHECK(status == VIA_ECANCELED, "a receive after via_interrupt answers %s", via_status_name(status));
    for (int i = 0; i < 3; i++)
        CHECK_STATUS(VIA_ECANCELED, via_recv(link.rx, VIA_FOREVER, &message));
    via_conform_close(&link);
}

/* ---- from a signal handler ---------------------------------------------------------------------------------- */

static via_channel *volatile to_interrupt;

static void interrupt_now(int signal)
{
    (void)signal;
    via_interrupt(to_interrupt);
}

static void arm_timer(timer_t *timer, int signal, long first_ns, long period_ns)
{
    struct sigevent event;
    struct itimerspec times = {{0, period_ns}, {0, first_ns}};

    memset(&event, 0, sizeof(event));
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = signal;
    CHECK(timer_create(CLOCK_MONOTONIC, &event, timer) == 0 && timer_settime(*timer, 0, &times, NULL) == 0,
          "the system refused a timer");
}

static void handle(int signal, void (*handler)(int))
{
    struct sigaction action;

    memset(&action, 0, sizeof(action)); /* no SA_RESTART: every system call may be interrupted */
    action.sa_handler = handler;
    CHECK(sigaction(signal, &action, NULL) == 0, "the system refused a signal handler");
}

/*
 * ThreadSanitizer (clang 14) runs a handler late that comes just before a system call it does not know, and then nothing
 * ends that call; so there the signal comes again. Everywhere else once must be enough.
 */
#if defined(__SANITIZE_THREAD__)
#define SIGNAL_AGAIN_NS 20000000
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SIGNAL_AGAIN_NS 20000000
#endif
#endif
#ifndef SIGNAL_AGAIN_NS
#define SIGNAL_AGAIN_NS 0
#endif

static void test_interrupt__signal_handler(via_conform *suite)
{
    handle(SIGUSR1, interrupt_now);
    for (long delay_ns = 1000; delay_ns < 40000000; delay_ns *= 3) {
        via_conform_link link;
        timer_t timer;
        via_conform_open(suite, &link, NULL);
        to_interrupt = link.rx;
        arm_timer(&timer, SIGUSR1, delay_ns, SIGNAL_AGAIN_NS);
        (void)receive_for_ever(link.rx);
        (void)timer_delete(timer);
        via_conform_close(&link);
    }
}

/* ---- signals that mean nothing ------------------------------------------------------------------------------ */

static void do_nothing(int signal)
{
    (void)signal;
}

static void test_signals__storm(via_conform *suite)
{
    via_conform_link link;
    timer_t timer;
    via_msg message;

    handle(SIGUSR2, do_nothing);
    via_conform_open(suite, &link, NULL);
    arm_timer(&timer, SIGUSR2, 300000, 300000);
    via_conform_stream stream = {suite, link.tx, 0, 1500, via_conform_small_size, 0};
    via_conform_stream receiving = {suite, link.rx, 0, 1500, via_conform_small_size, 0};
    via_conform_thread *sender = via_conform_thread_start(via_conform_run_sender, &stream);
    (void)via_conform_run_receiver(&receiving);
    (void)via_conform_thread_join(sender);
    uint64_t began = via_now_ns();
    CHECK_STATUS(VIA_ETIMEDOUT, via_recv(link.rx, via_after_ms(60), &message));
    CHECK(via_now_ns() - began >= 59000000, "signals shortened a deadline");
    (void)timer_delete(timer);
    via_conform_close(&link);
}

static const via_conform_test tests[] = {
    {"interrupt.receiver", "Threads: via_interrupt ends a waiting receive with VIA_ECANCELED", CONFORM_VALUE_TOO, 0,
     test_interrupt__receiver},
    {"interrupt.sender", "Threads: via_interrupt ends a waiting send with VIA_ECANCELED", CONFORM_ALL, NEEDS_LOSSLESS,
     test_interrupt__sender},
    {"interrupt.listener", "Threads: via_listener_interrupt ends present and later accepts", VIA_PATTERN_PAIR,
     NEEDS_TWO_ENDS, test_interrupt__listener},
    {"interrupt.is_final", "Threads: via_interrupt holds for later calls too", CONFORM_VALUE_TOO, 0,
     test_interrupt__is_final},
    {"interrupt.signal_handler", "Threads: via_interrupt works in a signal handler", CONFORM_VALUE_TOO, 0,
     test_interrupt__signal_handler},
    {"signals.storm", "Threads: signals without SA_RESTART disturb nothing", CONFORM_ALL, NEEDS_WHOLE,
     test_signals__storm},
};

const via_conform_group via_conform_interrupt_tests = {tests, sizeof(tests) / sizeof(tests[0])};
