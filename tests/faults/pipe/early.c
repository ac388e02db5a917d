/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens before the listener has taken a dialer up: one of the two closes, drains or dies.
 */
#include "pipe_fixture.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LARGE = 5 * 1024 * 1024 + 17 }; /* more than the pipe holds */

/* ---- the dialer goes first ---------------------------------------------------------------------------------- */

static void test_early__dialer_that_closed_is_heard(void **state)
{
    char address[ADDRESS_SIZE];
    via_listener *listener;
    via_channel *channel;

    (void)state;
    new_address(address);
    listener = listen_at(address);
    channel = dial_to(address);
    for (uint64_t i = 0; i < 100; i++)
        send_number(channel, i, 100 + i);
    via_close(channel);
    channel = accept_from(listener);
    for (uint64_t i = 0; i < 100; i++)
        expect_number(channel, i, 100 + i);
    expect_end(channel, VIA_ECLOSED);
    assert_int_not_equal(via_send(channel, "x", 1, NULL, VIA_NOW), VIA_OK);
    via_close(channel);
    via_listener_close(listener);
    assert_int_equal(count_files(), 0);
}

static void test_early__dialer_that_said_nothing_is_accepted(void **state)
{
    char address[ADDRESS_SIZE];
    via_listener *listener;
    via_channel *channel;

    (void)state;
    new_address(address);
    listener = listen_at(address);
    via_close(dial_to(address));
    channel = accept_from(listener);
    expect_end(channel, VIA_ECLOSED);
    via_close(channel);
    via_listener_close(listener);
    assert_int_equal(count_files(), 0);
}

/* A message larger than the pipe, of which the sender keeps the tail. */
static void test_early__large_tail_survives_close(void **state)
{
    char address[ADDRESS_SIZE];
    uint8_t *bytes = test_calloc(1, LARGE);
    via_listener *listener;
    via_channel *channel;
    via_msg message;

    (void)state;
    new_address(address);
    listener = listen_at(address);
    channel = dial_to(address);
    assert_int_equal(via_send(channel, bytes, LARGE, NULL, VIA_NOW), VIA_OK);
    via_close(channel);
    channel = accept_from(listener);
    assert_int_equal(via_recv(channel, soon_enough(), &message), VIA_OK);
    assert_int_equal(message.size, LARGE);
    assert_memory_equal(message.data, bytes, LARGE);
    via_release(channel, &message);
    expect_end(channel, VIA_ECLOSED);
    via_close(channel);
    via_listener_close(listener);
    test_free(bytes);
    assert_int_equal(count_files(), 0);
}

/* Drained again and again, and used between that and afterwards: one stream of messages without a seam. */
static void test_early__drain_and_go_on(void **state)
{
    char address[ADDRESS_SIZE];
    via_listener *listener;
    via_channel *channel;
    via_channel *accepted;
    uint64_t left;
    uint64_t number = 0;

    (void)state;
    new_address(address);
    listener = listen_at(address);
    channel = dial_to(address);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 20; i++, number++)
            send_number(channel, number, 3000);
        assert_int_equal(via_drain(channel, soon_enough(), &left), VIA_OK);
        assert_int_equal(via_drain(channel, VIA_NOW, &left), VIA_OK);
    }
    send_number(channel, number++, 10);
    accepted = accept_from(listener);
    send_number(channel, number++, 20);
    send_number(accepted, 7, 70);
    for (uint64_t i = 0; i < number; i++)
        expect_number(accepted, i, i < 100 ? 3000 : i == 100 ? 10 : 20);
    expect_number(channel, 7, 70);
    via_close(channel);
    expect_end(accepted, VIA_ECLOSED);
    via_close(accepted);
    via_listener_close(listener);
    assert_int_equal(count_files(), 0);
}

static void finish_early(const char *address, int news)
{
    via_channel *channel = dial_to(address);

    send_number(channel, 1, 10);
    if (via_finish(channel, VIA_NOW) != VIA_OK)
        _exit(1);
    tell(news);
    expect_number(channel, 2, 20);
    expect_end(channel, VIA_ECLOSED);
    via_close(channel);
}

static void test_early__finish_shows_in_a_waitset(void **state)
{
    char address[ADDRESS_SIZE];
    via_listener *listener;
    via_channel *channel;
    via_waitset *set = NULL;
    via_ready ready;
    size_t count;
    child dialer;
    via_msg message;

    (void)state;
    new_address(address);
    listener = listen_at(address);
    dialer = start_child(finish_early, address);
    await_news(&dialer);
    channel = accept_from(listener);
    expect_number(channel, 1, 10);
    assert_int_equal(via_waitset_create(&set, NULL), VIA_OK);
    assert_int_equal(via_waitset_add(set, channel, VIA_READ, NULL), VIA_OK);
    assert_int_equal(via_waitset_wait(set, &ready, 1, &count, soon_enough()), VIA_OK);
    assert_int_equal(via_recv(channel, VIA_NOW, &message), VIA_ECLOSED);
    send_number(channel, 2, 20);
    via_close(channel);
    via_waitset_destroy(set);
    join_child(&dialer);
    via_listener_close(listener);
    assert_int_equal(count_files(), 0);
}

static void send_and_wait(const char *address, int news)
{
    via_channel *channel = dial_to(address);

    send_number(channel, 1, 1000);
    tell(news);
    (void)pause();
}

/* Killed before it was taken up, nothing drained: it has never been there. */
static void test_early__dialer_that_was_killed_is_no_peer(void **state)
{
    char address[ADDRESS_SIZE];
    via_listener *listener;
    via_channel *channel = NULL;
    via_error error;
    child dialer;

    (void)state;
    new_address(address);
    listener = listen_at(address);
    dialer = start_child(send_and_wait, address);
    await_news(&dialer);
    kill_child(&dialer);
    assert_int_equal(via_accept(listener, VIA_NOW, &channel, &error), VIA_ETIMEDOUT);
    assert_int_equal(count_files(), 2); /* the listener's FIFO and lock */
    via_listener_close(listener);
    assert_int_equal(count_files(), 0);
}

/* ---- the listener goes first -------------------------------------------------------------------------------- */

static void listen_and_wait(const char *address, int news)
{
    via_listener *listener = listen_at(address);

    tell(news);
    (void)pause();
    via_listener_close(listener);
}

static void test_early__listener_that_was_killed_is_seen(void **state)
{
    char address[ADDRESS_SIZE];
    via_channel *receiving;
    via_channel *sending;
    via_channel *waiting;
    via_waitset *set = NULL;
    via_ready ready;
    size_t count;
    via_error error;
    child listener;
    via_status status = VIA_OK;
    uint8_t page[4096] = {0};

    (void)state;
    new_address(address);
    listener = start_child(listen_and_wait, address);
    await_news(&listener);
    receiving = dial_to(address);
    sending = dial_to(address);
    waiting = dial_to(address);
    assert_int_equal(via_waitset_create(&set, NULL), VIA_OK);
    assert_int_equal(via_waitset_add(set, waiting, VIA_READ, NULL), VIA_OK);
    assert_int_equal(via_waitset_wait(set, &ready, 1, &count, VIA_NOW), VIA_ETIMEDOUT);
    while (via_send(sending, page, sizeof(page), NULL, VIA_NOW) == VIA_OK)
        ;
    kill_child(&listener);
    expect_end(receiving, VIA_EPEER);
    assert_int_equal(via_failure(receiving, &error), VIA_OK);
    assert_string_not_equal(error.what, "");
    status = via_send(sending, page, sizeof(page), NULL, soon_enough());
    assert_int_equal(status, VIA_EPEER);
    assert_int_equal(via_waitset_wait(set, &ready, 1, &count, soon_enough()), VIA_OK);
    assert_int_equal(count, 1);
    expect_end(waiting, VIA_EPEER);
    via_close(receiving);
    via_close(sending);
    via_close(waiting);
    via_waitset_destroy(set);
    via_listener_close(listen_at(address));
    assert_int_equal(count_files(), 0);
}

struct receiver {
    via_channel *channel;
    atomic_long thread;
    via_status status;
};

static void *receive_once(void *argument)
{
    struct receiver *receiver = argument;
    via_msg message;

    atomic_store(&receiver->thread, syscall(SYS_gettid));
    receiver->status = via_recv(receiver->channel, soon_enough(), &message);
    return NULL;
}

/* Waits until a thread of ours has gone to sleep. */
static void await_sleep(struct receiver *receiver)
{
    char state = 0;

    while (state != 'S') {
        char path[64];
        FILE *file;

        (void)snprintf(path, sizeof(path), "/proc/self/task/%ld/stat", atomic_load(&receiver->thread));
        file = fopen(path, "re");
        if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
            state = 0;
        if (file)
            (void)fclose(file);
        (void)sched_yield();
    }
}

/* The part of a message that did not fit is still to be sent, and nobody will ever take it. */
static void test_early__listener_that_was_killed_is_seen_with_a_tail(void **state)
{
    struct receiver receiver = {NULL, 0, VIA_OK};
    char address[ADDRESS_SIZE];
    uint8_t *bytes = test_calloc(1, LARGE);
    pthread_t thread;
    child listener;

    (void)state;
    new_address(address);
    listener = start_child(listen_and_wait, address);
    await_news(&listener);
    receiver.channel = dial_to(address);
    assert_int_equal(via_send(receiver.channel, bytes, LARGE, NULL, VIA_NOW), VIA_OK);
    assert_int_equal(pthread_create(&thread, NULL, receive_once, &receiver), 0);
    await_sleep(&receiver);
    kill_child(&listener);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(receiver.status, VIA_EPEER);
    via_close(receiver.channel);
    test_free(bytes);
    via_listener_close(listen_at(address));
    assert_int_equal(count_files(), 0);
}

static void test_early__listener_that_closed_says_so(void **state)
{
    char address[ADDRESS_SIZE];
    via_listener *listener;
    via_channel *channel;

    (void)state;
    new_address(address);
    listener = listen_at(address);
    channel = dial_to(address);
    via_listener_close(listener);
    expect_end(channel, VIA_ECLOSED);
    assert_int_equal(via_send(channel, "x", 1, NULL, VIA_NOW), VIA_ECLOSED);
    via_close(channel);
    assert_int_equal(count_files(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_early__dialer_that_closed_is_heard),
        cmocka_unit_test(test_early__dialer_that_said_nothing_is_accepted),
        cmocka_unit_test(test_early__large_tail_survives_close),
        cmocka_unit_test(test_early__drain_and_go_on),
        cmocka_unit_test(test_early__finish_shows_in_a_waitset),
        cmocka_unit_test(test_early__dialer_that_was_killed_is_no_peer),
        cmocka_unit_test(test_early__listener_that_was_killed_is_seen),
        cmocka_unit_test(test_early__listener_that_was_killed_is_seen_with_a_tail),
        cmocka_unit_test(test_early__listener_that_closed_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
