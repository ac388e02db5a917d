/* SPDX-License-Identifier: Apache-2.0 */
/*
 * via_interrupt() from signal handlers: the handler may run at any instruction of the call it ends.
 *
 * The bare transport's interrupt leaves its handles quiet: there it is the host that has to wake whoever sleeps on them.
 */
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/time.h>

static _Atomic(via_channel *) target;
static _Atomic(via_listener *) target_listener;

static void interrupt_target(int signal)
{
    (void)signal;
    const int kept = errno;
    if (atomic_load(&target) != NULL)
        via_interrupt(atomic_load(&target));
    if (atomic_load(&target_listener) != NULL)
        via_listener_interrupt(atomic_load(&target_listener));
    if (errno != kept)
        abort();
}

/* The alarm comes to whichever thread: this program has one. */
static void set_alarm(long microseconds)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = interrupt_target;
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    const struct itimerval timer = {{0, 0}, {0, microseconds}};
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void receive_is_interrupted(void **state, const char *scheme, uint32_t threads)
{
    via_msg message;
    for (long delay = 1; delay < 6000; delay = delay * 3 + 7) {
        core_pair pair = core_pair_open(*state, scheme, "", threads);
        atomic_store(&target, pair.client);
        set_alarm(delay);
        assert_int_equal(via_recv(pair.client, VIA_FOREVER, &message), VIA_ECANCELED);
        assert_int_equal(via_recv(pair.client, VIA_FOREVER, &message), VIA_ECANCELED);
        atomic_store(&target, NULL);
        core_pair_close(&pair);
    }
}

static void test_interrupt__receive_ends_from_a_signal_handler(void **state)
{
    receive_is_interrupted(state, "loop", VIA_TWO);
    receive_is_interrupted(state, "loop", VIA_MANY);
    receive_is_interrupted(state, "bare", VIA_TWO);
    receive_is_interrupted(state, "bare", VIA_MANY);
}

static void send_is_interrupted(void **state, const char *scheme, uint32_t threads)
{
    for (long delay = 1; delay < 6000; delay = delay * 3 + 7) {
        core_pair pair = core_pair_open(*state, scheme, "?capacity=1", threads);
        core_send(pair.client, "full");
        atomic_store(&target, pair.client);
        set_alarm(delay);
        assert_int_equal(via_send(pair.client, "x", 1, NULL, VIA_FOREVER), VIA_ECANCELED);
        atomic_store(&target, NULL);
        core_pair_close(&pair);
    }
}

static void test_interrupt__send_ends_from_a_signal_handler(void **state)
{
    send_is_interrupted(state, "loop", VIA_TWO);
    send_is_interrupted(state, "loop", VIA_MANY);
    send_is_interrupted(state, "bare", VIA_TWO);
    send_is_interrupted(state, "bare", VIA_MANY);
}

static void drain_is_interrupted(void **state, uint32_t threads)
{
    core_pair pair = core_pair_open(*state, "loop", "?capacity=1&tail=true", threads);
    core_send(pair.client, "1");
    assert_int_equal(via_send(pair.client, "2", 1, NULL, VIA_NOW), VIA_OK); /* with time, a crowd would wait here */
    atomic_store(&target, pair.client);
    set_alarm(2000);
    assert_int_equal(via_drain(pair.client, VIA_FOREVER, NULL), VIA_ECANCELED);
    atomic_store(&target, NULL);
    core_pair_close(&pair);
}

static void test_interrupt__drain_ends_from_a_signal_handler(void **state)
{
    drain_is_interrupted(state, VIA_TWO);
    drain_is_interrupted(state, VIA_MANY);
}

static void accept_is_interrupted(void **state, uint32_t threads)
{
    for (long delay = 1; delay < 6000; delay = delay * 3 + 7) {
        via_listener *listener = NULL;
        via_channel *channel = NULL;
        via_error error;
        via_open_options options;
        via_open_options_init(&options);
        options.threads = threads;
        assert_int_equal(via_listen(*state, "loop:interrupted", &options, &listener, NULL), VIA_OK);
        atomic_store(&target_listener, listener);
        set_alarm(delay);
        assert_int_equal(via_accept(listener, VIA_FOREVER, &channel, &error), VIA_ECANCELED);
        assert_int_equal(error.status, VIA_ECANCELED);
        assert_null(channel);
        atomic_store(&target_listener, NULL);
        via_listener_close(listener);
    }
}

static void test_interrupt__accept_ends_from_a_signal_handler(void **state)
{
    accept_is_interrupted(state, VIA_TWO);
    accept_is_interrupted(state, VIA_MANY);
}

static void wait_is_interrupted(void **state, const char *scheme, uint32_t threads)
{
    for (long delay = 1; delay < 6000; delay = delay * 3 + 7) {
        core_pair pair = core_pair_open(*state, scheme, "", threads);
        via_waitset *set = NULL;
        via_ready ready[4];
        size_t count = 0;
        assert_int_equal(via_waitset_create(&set, NULL), VIA_OK);
        assert_int_equal(via_waitset_add(set, pair.server, VIA_READ, &pair), VIA_OK);
        assert_int_equal(via_waitset_add(set, pair.client, VIA_READ, NULL), VIA_OK);
        atomic_store(&target, pair.server);
        set_alarm(delay);
        assert_int_equal(via_waitset_wait(set, ready, 4, &count, VIA_FOREVER), VIA_OK);
        assert_int_equal(count, 1);
        assert_ptr_equal(ready[0].channel, pair.server);
        assert_ptr_equal(ready[0].user, &pair);
        atomic_store(&target, NULL);
        via_waitset_destroy(set);
        core_pair_close(&pair);
    }
}

static void test_interrupt__wait_ends_from_a_signal_handler(void **state)
{
    wait_is_interrupted(state, "loop", VIA_TWO);
    wait_is_interrupted(state, "bare", VIA_TWO);
    wait_is_interrupted(state, "bare", VIA_MANY);
}

static void test_interrupt__arming_says_do_not_sleep(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "", VIA_TWO);
    via_poll_handle handle = {.size = sizeof(handle)};
    assert_int_equal(via_pollable(pair.client, VIA_READ, &handle), VIA_OK);
    assert_int_equal(via_arm(pair.client, VIA_READ), VIA_OK);
    via_interrupt(pair.client);
    assert_int_equal(via_arm(pair.client, VIA_READ), VIA_EREADY);
    assert_int_equal(via_arm(pair.client, VIA_WRITE), VIA_EREADY);
    core_pair_close(&pair);
}

/* A storm of signals that ask for nothing must change nothing. */
static void ignore(int signal)
{
    (void)signal;
}

static void *echo(void *argument)
{
    via_channel *channel = argument;
    via_msg message;
    while (via_recv(channel, CORE_PATIENCE, &message) == VIA_OK) {
        if (via_send(channel, message.data, message.size, NULL, CORE_PATIENCE) != VIA_OK)
            break;
        via_release(channel, &message);
    }
    return NULL;
}

static void storm(void **state, uint32_t threads)
{
    core_pair pair = core_pair_open(*state, "loop", "?capacity=1", threads);
    pthread_t thread;
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = ignore;
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, echo, pair.server), 0);
    const struct itimerval timer = {{0, 100}, {0, 100}};
    const struct itimerval off = {{0, 0}, {0, 0}};
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
    for (int i = 0; i < 2000; i++) {
        core_send(pair.client, "again");
        core_expect(pair.client, "again");
    }
    assert_int_equal(setitimer(ITIMER_REAL, &off, NULL), 0);
    assert_int_equal(via_finish(pair.client, CORE_PATIENCE), VIA_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    core_pair_close(&pair);
}

static void test_interrupt__other_signals_end_nothing(void **state)
{
    storm(state, VIA_TWO);
    storm(state, VIA_MANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interrupt__receive_ends_from_a_signal_handler),
        cmocka_unit_test(test_interrupt__send_ends_from_a_signal_handler),
        cmocka_unit_test(test_interrupt__drain_ends_from_a_signal_handler),
        cmocka_unit_test(test_interrupt__accept_ends_from_a_signal_handler),
        cmocka_unit_test(test_interrupt__wait_ends_from_a_signal_handler),
        cmocka_unit_test(test_interrupt__arming_says_do_not_sleep),
        cmocka_unit_test(test_interrupt__other_signals_end_nothing),
    };
    return cmocka_run_group_tests(tests, core_setup, core_teardown);
}
