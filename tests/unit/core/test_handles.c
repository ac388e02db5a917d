/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The waitset and handles that a transport closes before their time: neither another channel nor the wait itself
 * suffers from it.
 */
#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct fixture {
    via_host *host;
    via_waitset *set;
    via_ready ready[8];
    size_t count;
    core_pair pair; /* the client cannot send, so that its handle for writing is in the poller */
} fixture;

static via_status wait_for(fixture *all, via_deadline deadline)
{
    return via_waitset_wait(all->set, all->ready, 8, &all->count, deadline);
}

static fixture begin(void **state, const char *options)
{
    fixture all = {.host = *state};
    assert_int_equal(via_waitset_create(&all.set, NULL), VIA_OK);
    all.pair = core_pair_open(all.host, "loop", options, VIA_TWO);
    core_send(all.pair.client, "full");
    assert_int_equal(via_waitset_add(all.set, all.pair.client, VIA_READ | VIA_WRITE, NULL), VIA_OK);
    assert_int_equal(wait_for(&all, VIA_NOW), VIA_ETIMEDOUT);
    return all;
}

static void end(fixture *all)
{
    core_pair_close(&all->pair);
    via_waitset_destroy(all->set);
}

static intptr_t handle_of(via_channel *channel, uint32_t event)
{
    via_poll_handle handle = {.size = sizeof(handle)};
    assert_int_equal(via_pollable(channel, event, &handle), VIA_OK);
    return handle.handle;
}

/* A channel whose handle for reading has the number that `handle` had. */
static core_pair open_as(fixture *all, intptr_t handle, core_pair others[], size_t most, size_t *count)
{
    for (*count = 0; *count < most; (*count)++) {
        core_pair pair = core_pair_open(all->host, "loop", "", VIA_TWO);
        if (handle_of(pair.server, VIA_READ) == handle)
            return pair;
        others[*count] = pair;
    }
    fail_msg("no handle has taken the number %ld over", (long)handle);
    return (core_pair){NULL, NULL, NULL};
}

static void test_handles__finish_may_end_those_for_writing(void **state)
{
    enum { MOST = 16 };
    fixture all = begin(state, "?capacity=1&shuts=true");
    const intptr_t handle = handle_of(all.pair.client, VIA_WRITE);
    core_pair others[MOST];
    size_t count;
    assert_int_equal(via_finish(all.pair.client, VIA_NOW), VIA_OK);
    core_pair heir = open_as(&all, handle, others, MOST, &count);
    assert_int_equal(via_waitset_add(all.set, heir.server, VIA_READ, NULL), VIA_OK);
    assert_int_equal(wait_for(&all, VIA_NOW), VIA_ETIMEDOUT);
    assert_int_equal(via_waitset_remove(all.set, all.pair.client), VIA_OK);
    core_send(heir.client, "seen?");
    assert_int_equal(wait_for(&all, via_after_ms(20000)), VIA_OK);
    assert_ptr_equal(all.ready[0].channel, heir.server);
    core_pair_close(&heir);
    while (count > 0)
        core_pair_close(&others[--count]);
    end(&all);
}

static void test_handles__finish_leaves_reading_in_the_set(void **state)
{
    fixture all = begin(state, "?capacity=1&shuts=true");
    assert_int_equal(via_finish(all.pair.client, VIA_NOW), VIA_OK);
    assert_int_equal(wait_for(&all, VIA_NOW), VIA_ETIMEDOUT);
    core_send(all.pair.server, "answer");
    assert_int_equal(wait_for(&all, CORE_PATIENCE), VIA_OK);
    assert_int_equal(all.ready[0].events, VIA_READ);
    core_expect(all.pair.client, "answer");
    end(&all);
}

/* It fails with VIA_ETIMEDOUT, and room to send is waited for again. */
static void test_handles__failed_finish_leaves_writing_in_the_set(void **state)
{
    fixture all = begin(state, "?capacity=1");
    core_pair tail = core_pair_open(all.host, "loop", "?capacity=1&tail=true", VIA_TWO);
    core_send(tail.client, "box");
    core_send(tail.client, "tail");
    assert_int_equal(via_waitset_add(all.set, tail.client, VIA_WRITE, NULL), VIA_OK);
    assert_int_equal(wait_for(&all, VIA_NOW), VIA_ETIMEDOUT);
    assert_int_equal(via_finish(tail.client, VIA_NOW), VIA_ETIMEDOUT);
    assert_int_equal(wait_for(&all, VIA_NOW), VIA_ETIMEDOUT);
    core_expect(tail.server, "box");
    core_expect(all.pair.server, "full");
    assert_int_equal(wait_for(&all, CORE_PATIENCE), VIA_OK);
    core_pair_close(&tail);
    end(&all);
}

/* The handle lives on under another name, as it does in a forked child, and shows for ever. */
static void test_handles__unknown_ones_are_got_rid_of(void **state)
{
    fixture all = begin(state, "?capacity=1");
    core_pair other = core_pair_open(all.host, "loop", "", VIA_TWO);
    const int name = fcntl((int)handle_of(all.pair.client, VIA_WRITE), F_DUPFD_CLOEXEC, 0);
    assert_true(name >= 0);
    core_shut(all.pair.client);
    assert_int_equal(via_waitset_remove(all.set, all.pair.client), VIA_OK);
    assert_int_equal(eventfd_write(name, 1), 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(wait_for(&all, i == 0 ? VIA_NOW : via_after_ms(2)), VIA_ETIMEDOUT);
        assert_int_equal(all.count, 0);
    }
    assert_int_equal(via_waitset_add(all.set, other.server, VIA_READ, NULL), VIA_OK);
    assert_int_equal(wait_for(&all, VIA_NOW), VIA_ETIMEDOUT);
    core_send(other.client, "seen?");
    assert_int_equal(wait_for(&all, CORE_PATIENCE), VIA_OK);
    assert_ptr_equal(all.ready[0].channel, other.server);
    (void)close(name);
    core_pair_close(&other);
    end(&all);
}

static void test_handles__useless_events_do_not_outlast_a_deadline(void **state)
{
    fixture all = begin(state, "?capacity=1&restless=true");
    assert_int_equal(wait_for(&all, VIA_NOW), VIA_ETIMEDOUT);
    assert_int_equal(wait_for(&all, via_after_ms(5)), VIA_ETIMEDOUT);
    core_send(all.pair.server, "of use");
    assert_int_equal(wait_for(&all, CORE_PATIENCE), VIA_OK);
    assert_int_equal(all.ready[0].events, VIA_READ);
    end(&all);
}

/* ---- among threads ------------------------------------------------------------------------------------------ */

enum { PAIRS = 200 };

static void *finish_many(void *argument)
{
    core_pair *pairs = argument;
    for (int i = 0; i < PAIRS; i++) {
        if (via_finish(pairs[i].client, CORE_PATIENCE) != VIA_OK)
            return argument;
    }
    return NULL;
}

static void *wait_always(void *argument)
{
    via_ready ready[4];
    size_t count = 1;
    while (via_waitset_wait(argument, ready, 4, &count, CORE_PATIENCE) == VIA_OK && count > 0) {
    }
    return NULL;
}

/* Channels are finished by one thread while another adds and removes them, and a third one waits. */
static void test_handles__finish_among_threads(void **state)
{
    static core_pair pairs[PAIRS];
    via_waitset *set;
    pthread_t waiter, finisher;
    void *failed;
    assert_int_equal(via_waitset_create(&set, NULL), VIA_OK);
    for (int i = 0; i < PAIRS; i++)
        pairs[i] = core_pair_open(*state, "loop", "?shuts=true", VIA_MANY);
    assert_int_equal(pthread_create(&waiter, NULL, wait_always, set), 0);
    assert_int_equal(pthread_create(&finisher, NULL, finish_many, pairs), 0);
    for (int i = 0; i < PAIRS; i++) {
        assert_int_equal(via_waitset_add(set, pairs[i].client, VIA_READ, NULL), VIA_OK);
        if (i % 2 == 0)
            assert_int_equal(via_waitset_remove(set, pairs[i].client), VIA_OK);
    }
    assert_int_equal(pthread_join(finisher, &failed), 0);
    assert_null(failed);
    via_waitset_wake(set);
    assert_int_equal(pthread_join(waiter, NULL), 0);
    for (int i = 0; i < PAIRS; i++)
        core_pair_close(&pairs[i]);
    via_waitset_destroy(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handles__finish_may_end_those_for_writing),
        cmocka_unit_test(test_handles__finish_leaves_reading_in_the_set),
        cmocka_unit_test(test_handles__failed_finish_leaves_writing_in_the_set),
        cmocka_unit_test(test_handles__unknown_ones_are_got_rid_of),
        cmocka_unit_test(test_handles__useless_events_do_not_outlast_a_deadline),
        cmocka_unit_test(test_handles__finish_among_threads),
    };
    return cmocka_run_group_tests(tests, core_setup, core_teardown);
}
