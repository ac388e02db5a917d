/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dialers that a listener refuses, keeps waiting or leaves, and dialers that leave while it takes them up: what they sent
 * is delivered, or they hear that it is not.
 */
#include "pipe_fixture.h"

#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DIALERS = 25, ROUNDS = 200 };

static via_channel *join(const char *address, uint32_t role)
{
    via_channel *channel = NULL;
    via_error error;

    if (via_join(NULL, address, role, NULL, soon_enough(), &channel, &error) != VIA_OK)
        fail_msg("%s: %s; %s", address, error.what, error.mend);
    return channel;
}

static via_counters stats(via_channel *channel)
{
    via_counters counters = {.size = sizeof(counters)};

    assert_int_equal(via_stats(channel, &counters), VIA_OK);
    return counters;
}

/* ---- refused ------------------------------------------------------------------------------------------------ */

/* As fast as can be, so that the listener meets it at any step. */
static void send_and_go(const char *address, int news)
{
    via_status status;
    uint64_t left;

    (void)news;
    for (int i = 0; i < DIALERS; i++) {
        via_channel *channel = dial_to(address);

        status = via_send(channel, "hi", 2, NULL, soon_enough());
        if (status == VIA_OK)
            status = via_drain(channel, soon_enough(), &left);
        if (status != VIA_EPROTO)
            _exit(1);
        via_close(channel);
    }
}

static void test_refused__always_hears_it_and_is_counted_once(void **state)
{
    char address[ADDRESS_SIZE];
    via_channel *pull;
    child dialer;
    struct pollfd end = {.events = POLLIN};
    via_msg message;

    (void)state;
    new_address(address);
    pull = join(address, VIA_PULL);
    dialer = start_child(send_and_go, address);
    end.fd = dialer.news;
    while (poll(&end, 1, 0) == 0)
        assert_int_equal(via_recv(pull, via_after_ms(1), &message), VIA_ETIMEDOUT);
    join_child(&dialer);
    assert_int_equal(via_recv(pull, VIA_NOW, &message), VIA_ETIMEDOUT);
    assert_int_equal(stats(pull).protocol_errors, DIALERS);
    assert_int_equal(stats(pull).connects, 0);
    via_close(pull);
    assert_int_equal(count_files(), 0);
}

static void test_refused__says_why(void **state)
{
    static const char *const reasons[] = {"framing", "pattern"};
    char address[ADDRESS_SIZE];
    char other[ADDRESS_SIZE + 32];
    via_channel *pull;
    uint64_t left;

    (void)state;
    new_address(address);
    pull = join(address, VIA_PULL);
    (void)snprintf(other, sizeof(other), "%s?framing=line", address);
    for (int i = 0; i < 2; i++) {
        via_channel *channel = NULL;
        via_error error;

        if (i == 0) { /* a queue is not joined at all */
            assert_int_equal(via_join(NULL, other, VIA_PUSH, NULL, soon_enough(), &channel, &error), VIA_EPROTO);
        } else {
            via_poll_handle handle = {.size = sizeof(handle)};

            channel = dial_to(address);
            assert_int_equal(via_pollable(channel, VIA_READ, &handle), VIA_OK);
            assert_int_equal(via_arm(channel, VIA_READ), VIA_EREADY);
            assert_int_equal(via_drain(channel, VIA_NOW, &left), VIA_EPROTO);
            assert_int_equal(via_send(channel, "x", 1, NULL, VIA_NOW), VIA_EPROTO);
            expect_end(channel, VIA_EPROTO);
            assert_int_equal(via_failure(channel, &error), VIA_OK);
            via_close(channel);
        }
        assert_non_null(strstr(error.what, reasons[i]));
        assert_string_not_equal(error.mend, "");
    }
    via_close(pull);
    assert_int_equal(count_files(), 0);
}

/* ---- claimed ------------------------------------------------------------------------------------------------ */

/* The name `up` of the only dialer, and a reader of it, as a listener has that has begun to take the dialer up. */
typedef struct claim {
    char up[512];
    char away[520];
    int reader;
} claim;

static void claim_dialer(const char *address, claim *claimed)
{
    char path[280];
    char pattern[300];
    glob_t found;

    fifo_path(address, path, sizeof(path));
    (void)snprintf(pattern, sizeof(pattern), "%s.*.up", path);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 1);
    (void)snprintf(claimed->up, sizeof(claimed->up), "%s", found.gl_pathv[0]);
    (void)snprintf(claimed->away, sizeof(claimed->away), "%s.away", claimed->up);
    globfree(&found);
    claimed->reader = open(claimed->up, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(claimed->reader >= 0);
    assert_int_equal(rename(claimed->up, claimed->away), 0);
}

/* Lets the real listener go on from there. */
static void hand_over(claim *claimed)
{
    assert_int_equal(rename(claimed->away, claimed->up), 0);
}

/* Nobody knows yet what the listener makes of it, so it is neither delivered nor refused. */
static void test_claimed__drain_waits_for_the_word(void **state)
{
    char address[ADDRESS_SIZE];
    via_listener *listener;
    via_channel *channel;
    via_channel *accepted;
    claim claimed;
    uint64_t left;

    (void)state;
    new_address(address);
    listener = listen_at(address);
    channel = dial_to(address);
    send_number(channel, 1, 100);
    claim_dialer(address, &claimed);
    assert_int_equal(via_drain(channel, VIA_NOW, &left), VIA_ETIMEDOUT);
    assert_int_equal(via_drain(channel, via_after_ms(1), &left), VIA_ETIMEDOUT);
    hand_over(&claimed);
    accepted = accept_from(listener);
    close(claimed.reader);
    assert_int_equal(via_drain(channel, VIA_NOW, &left), VIA_OK);
    expect_number(accepted, 1, 100);
    via_close(channel);
    expect_end(accepted, VIA_ECLOSED);
    via_close(accepted);
    via_listener_close(listener);
    assert_int_equal(count_files(), 0);
}

/* What it left in its file and what is in its pipe are both heard, though it has gone before the listener answered. */
static void test_claimed__dialer_that_closes_is_heard(void **state)
{
    (void)state;
    for (int drained = 0; drained < 2; drained++) {
        char address[ADDRESS_SIZE];
        via_listener *listener;
        via_channel *channel;
        claim claimed;
        uint64_t left;

        new_address(address);
        listener = listen_at(address);
        channel = dial_to(address);
        send_number(channel, 1, 100);
        if (drained)
            assert_int_equal(via_drain(channel, VIA_NOW, &left), VIA_OK);
        send_number(channel, 2, 200);
        claim_dialer(address, &claimed);
        via_close(channel);
        hand_over(&claimed);
        channel = accept_from(listener);
        close(claimed.reader);
        expect_number(channel, 1, 100);
        expect_number(channel, 2, 200);
        expect_end(channel, VIA_ECLOSED);
        assert_int_not_equal(via_send(channel, "x", 1, NULL, VIA_NOW), VIA_OK);
        via_close(channel);
        via_listener_close(listener);
        assert_int_equal(count_files(), 0);
    }
}

static void send_drain_close(const char *address, int news)
{
    (void)news;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        via_channel *channel = dial_to(address);
        uint64_t left;

        send_number(channel, i, 100);
        if (i % 2 && via_drain(channel, soon_enough(), &left) != VIA_OK)
            _exit(1);
        via_close(channel);
    }
}

static void test_claimed__any_order_of_steps_delivers(void **state)
{
    char address[ADDRESS_SIZE];
    via_listener *listener;
    child dialer;

    (void)state;
    new_address(address);
    listener = listen_at(address);
    dialer = start_child(send_drain_close, address);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        via_channel *channel = accept_from(listener);

        expect_number(channel, i, 100);
        expect_end(channel, VIA_ECLOSED);
        via_close(channel);
    }
    join_child(&dialer);
    via_listener_close(listener);
    assert_int_equal(count_files(), 0);
}

/* ---- left --------------------------------------------------------------------------------------------------- */

static void test_left__pair_hears_that_nobody_took_it(void **state)
{
    char address[ADDRESS_SIZE];
    via_listener *listener;
    via_channel *channel;
    via_error error;
    uint64_t left;

    (void)state;
    new_address(address);
    for (int drained = 0; drained < 2; drained++) {
        listener = listen_at(address);
        channel = dial_to(address);
        send_number(channel, 1, 100);
        if (drained)
            assert_int_equal(via_drain(channel, VIA_NOW, &left), VIA_OK);
        via_listener_close(listener);
        listener = listen_at(address); /* the next one has nothing to do with it */
        assert_int_equal(via_drain(channel, soon_enough(), &left), VIA_EPEER);
        assert_int_equal(via_failure(channel, &error), VIA_OK);
        assert_string_not_equal(error.mend, "");
        via_close(channel);
        via_listener_close(listener);
    }
    assert_int_equal(count_files(), 0);
}

static void test_left__queue_hears_it_once_and_goes_on(void **state)
{
    char address[ADDRESS_SIZE];
    via_channel *pull;
    via_channel *push;
    uint64_t left;

    (void)state;
    new_address(address);
    pull = join(address, VIA_PULL);
    push = join(address, VIA_PUSH);
    send_number(push, 1, 100);
    via_close(pull);
    assert_int_equal(via_drain(push, soon_enough(), &left), VIA_EPEER);
    pull = join(address, VIA_PULL);
    while (stats(push).connects < 2)
        assert_int_equal(via_arm(push, VIA_WORK), VIA_OK);
    send_number(push, 2, 100);
    assert_int_equal(via_drain(push, soon_enough(), &left), VIA_OK);
    expect_number(pull, 2, 100);
    via_close(pull);
    via_close(push);
    assert_int_equal(count_files(), 0);
}

/* ---- kept waiting ------------------------------------------------------------------------------------------- */

static void expect_calm(via_channel *pull)
{
    via_poll_handle handle = {.size = sizeof(handle)};

    assert_int_equal(via_pollable(pull, VIA_READ, &handle), VIA_OK);
    assert_int_equal(via_arm(pull, VIA_READ), VIA_OK);
    assert_int_equal(poll(&(struct pollfd){.fd = (int)handle.handle, .events = POLLIN}, 1, 0), 0);
}

/* All places are taken: others wait unread, also those who have gone, and nobody spins meanwhile. */
static void test_waiting__a_crowd_is_heard_when_one_leaves(void **state)
{
    char address[ADDRESS_SIZE];
    char limited[ADDRESS_SIZE + 16];
    via_channel *pull;
    via_channel *first;
    via_channel *late;
    uint64_t left;

    (void)state;
    new_address(address);
    (void)snprintf(limited, sizeof(limited), "%s?peers=1", address);
    pull = join(limited, VIA_PULL);
    first = join(address, VIA_PUSH);
    send_number(first, 1, 100);
    expect_number(pull, 1, 100);
    late = join(address, VIA_PUSH);
    send_number(late, 2, 100);
    assert_int_equal(via_drain(late, soon_enough(), &left), VIA_OK);
    via_close(late);
    late = join(address, VIA_PUSH);
    send_number(late, 3, 100);
    expect_calm(pull);
    send_number(first, 4, 100);
    expect_number(pull, 4, 100);
    expect_calm(pull);
    via_close(first);
    expect_number(pull, 2, 100);
    expect_number(pull, 3, 100);
    assert_int_equal(stats(pull).protocol_errors, 0);
    via_close(late);
    via_close(pull);
    assert_int_equal(count_files(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused__always_hears_it_and_is_counted_once),
        cmocka_unit_test(test_refused__says_why),
        cmocka_unit_test(test_claimed__drain_waits_for_the_word),
        cmocka_unit_test(test_claimed__dialer_that_closes_is_heard),
        cmocka_unit_test(test_claimed__any_order_of_steps_delivers),
        cmocka_unit_test(test_left__pair_hears_that_nobody_took_it),
        cmocka_unit_test(test_left__queue_hears_it_once_and_goes_on),
        cmocka_unit_test(test_waiting__a_crowd_is_heard_when_one_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
