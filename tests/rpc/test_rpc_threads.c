/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many threads, one connection: every result is its own call's, callbacks run in the thread that made the call, nothing is left
 * behind and memory stays flat. VIADUCT_RPC_CALLS says how many calls there are in all (1000000 before a release).
 */
#include "both_ends.h"
#include "mixture.h"
#include "sanitized.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { THREADS = 8, USUAL_CALLS = 40000, GROWTH_KIB = 8 * 1024 };

static const way ways[] = {
    {"unix:", ""}, {"shm:", ""}, {"unix:", "&rpc.codec=json"}, {"shm:", "&rpc.codec=json"}, {"unix:", "&framing=raw"},
};

typedef struct crowd {
    mixture calls;
    uint32_t count;
    atomic_uint next;
    _Atomic(const char *) wrong;
} crowd;

static void *call_often(void *argument)
{
    crowd *shared = argument;
    uint32_t number;

    while (!atomic_load(&shared->wrong) && (number = atomic_fetch_add(&shared->next, 1)) < shared->count) {
        const char *wrong = mixture_call(&shared->calls, number);
        if (wrong)
            atomic_store(&shared->wrong, wrong);
    }
    return NULL;
}

static void call_from_all(crowd *shared, uint32_t count)
{
    pthread_t threads[THREADS];

    shared->count = count;
    atomic_store(&shared->next, 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, shared), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    if (atomic_load(&shared->wrong))
        fail_msg("%s: a wrong result", atomic_load(&shared->wrong));
}

static uint32_t how_many(void)
{
    const char *text = getenv("VIADUCT_RPC_CALLS");

    return text ? (uint32_t)strtoul(text, NULL, 10) : IS_SANITIZED ? USUAL_CALLS / 10 : USUAL_CALLS;
}

static long peak_kib(void)
{
    struct rusage usage;

    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

static void nothing_is_left(via_channel *channel)
{
    via_rpc_stats stats = {.size = sizeof(stats)};

    assert_int_equal(via_rpc_stats_get(channel, &stats), VIA_OK);
    assert_int_equal(stats.in_flight, 0);
    assert_int_equal(stats.late_replies, 0);
    assert_int_equal(stats.handles, 0);
}

static void every_result_is_right(void **state)
{
    both_ends ends;
    crowd shared = {.wrong = NULL};

    both_ends_open(&ends, *state, NULL);
    mixture_import(&shared.calls, ends.client);
    call_from_all(&shared, how_many() / 10);
    long before = peak_kib();
    call_from_all(&shared, how_many());
    long growth = peak_kib() - before;
    print_message("%u calls, and %ld KiB more than after %u\n", how_many(), growth, how_many() / 10);
    if (!IS_SANITIZED)
        assert_true(growth < GROWTH_KIB);
    nothing_is_left(ends.client);
    nothing_is_left(ends.server);
    both_ends_close(&ends);
}

/* The server too has more than one thread. */
static void *pump(void *argument)
{
    while (via_rpc_pump(argument, VIA_FOREVER) == VIA_OK)
        ;
    return NULL;
}

static void many_serve(void **state)
{
    both_ends ends;
    crowd shared = {.wrong = NULL};
    pthread_t more[3];

    both_ends_open(&ends, *state, NULL);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&more[i], NULL, pump, ends.server), 0);
    mixture_import(&shared.calls, ends.client);
    call_from_all(&shared, how_many() / 4);
    nothing_is_left(ends.client);
    via_interrupt(ends.client);
    via_close(ends.client);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_join(more[i], NULL), 0);
    assert_int_equal(pthread_join(ends.thread, NULL), 0);
    via_close(ends.server);
    via_listener_close(ends.listener);
    via_host_close(ends.host);
}

typedef struct watcher {
    via_channel *channel;
    atomic_bool is_over;
} watcher;

/* An event loop of one channel: arm, sleep on the handle, pump. */
static void *watch(void *argument)
{
    watcher *self = argument;
    via_poll_handle handle = {.size = sizeof(handle)};

    if (via_pollable(self->channel, VIA_READ, &handle) != VIA_OK)
        return "no handle";
    while (!atomic_load(&self->is_over)) {
        struct pollfd set = {.fd = (int)handle.handle, .events = POLLIN};
        if (via_arm(self->channel, VIA_READ) == VIA_OK)
            (void)poll(&set, 1, 20);
        via_status status = via_rpc_pump(self->channel, VIA_NOW);
        if (status != VIA_OK && status != VIA_ETIMEDOUT)
            return "the pump ended";
    }
    return NULL;
}

/* One thread sleeps on the handle while others call, and so read the channel. */
static void one_watches(void **state)
{
    both_ends ends;
    crowd shared = {.wrong = NULL};
    pthread_t thread;
    void *wrong;

    both_ends_open(&ends, *state, NULL);
    watcher watching = {.channel = ends.client};
    assert_int_equal(pthread_create(&thread, NULL, watch, &watching), 0);
    mixture_import(&shared.calls, ends.client);
    call_from_all(&shared, how_many() / 4);
    atomic_store(&watching.is_over, true);
    assert_int_equal(pthread_join(thread, &wrong), 0);
    if (wrong)
        fail_msg("%s", (const char *)wrong);
    nothing_is_left(ends.client);
    both_ends_close(&ends);
}

#define ON(test, index)                                                                                                \
    {                                                                                                                  \
#test " " #index, test, NULL, NULL, (void *)(uintptr_t)&ways[index]                                            \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(every_result_is_right, 0),
        ON(every_result_is_right, 1),
        ON(every_result_is_right, 2),
        ON(every_result_is_right, 4),
        ON(one_watches, 0),
        ON(one_watches, 1),
        ON(one_watches, 2),
        ON(one_watches, 4),
        ON(many_serve, 0),
        ON(many_serve, 1),
        ON(many_serve, 3),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
