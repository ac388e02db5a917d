/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends serve and call: functions that call back while their caller waits, how deep that goes, callbacks that fail, and two ends
 * that send more than the other reads.
 */
#include "both_ends.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const way ways[] = {{"unix:", "&send_buffer=4KiB"},
                           {"shm:", "&ring=16KiB"},
                           {"unix:", "&rpc.codec=json"},
                           {"shm:", "&rpc.codec=json"},
                           {"unix:", "&framing=raw"}};

/* ---- what both ends serve ----------------------------------------------------------------------------------- */

enum { SERVER, CLIENT };

static int32_t (*count_down_at[2])(int32_t); /* imported from that end */
static const char *(*borrow_from_client)(int32_t);
static via_channel *channel_of[2];
static _Atomic int32_t refusal; /* the last code that a nested call was refused with */

/* What is called at one end calls the other. */
static int32_t go_on(int here, int32_t steps)
{
    via_rpc_error error;

    if (steps == 0)
        return 1;
    int32_t rest = count_down_at[!here](steps - 1);
    if (via_rpc_last_error(channel_of[here], &error) != VIA_OK)
        atomic_store(&refusal, error.code);
    return rest == 0 ? 0 : rest + 1;
}

static int32_t count_down_here(int32_t steps)
{
    return go_on(SERVER, steps);
}

static int32_t count_down_there(int32_t steps)
{
    return go_on(CLIENT, steps);
}

static int64_t total(const int64_t *values, size_t count)
{
    return sum(values, count);
}

static double twice(double (*measure)(void *), void *user)
{
    return 2 * measure(user);
}

static const char *borrow(int32_t number)
{
    static char text[64 * 1024];

    (void)number;
    memset(text, 'x', sizeof(text) - 1);
    return text;
}

static int32_t borrow_often(int32_t times)
{
    int32_t good = 0;

    for (int32_t i = 0; i < times; i++) {
        const char *text = borrow_from_client(i);
        good += text && strlen(text) == 64 * 1024 - 1;
    }
    return good;
}

#define COMMON                                                                                                         \
    VIA_RPC_FUNCTION("total", total), VIA_RPC_FUNCTION("twice", twice), VIA_RPC_FUNCTION("borrow", borrow),            \
        VIA_RPC_FUNCTION("borrow_often", borrow_often)

static const via_rpc_function at_server[] = {VIA_RPC_FUNCTION("count_down", count_down_here), COMMON};
static const via_rpc_function at_client[] = {VIA_RPC_FUNCTION("count_down", count_down_there), COMMON};

/* ---- both ends ---------------------------------------------------------------------------------------------- */

static void *pump(void *argument)
{
    both_ends *ends = argument;

    while ((ends->ended = via_rpc_pump(ends->server, VIA_FOREVER)) == VIA_OK)
        ;
    return NULL;
}

static void connect_both(both_ends *ends, const way *on, const char *limits)
{
    static int serial;
    char address[512];
    via_error error;

    (void)snprintf(address, sizeof(address), "%snested-%d-%d?layers=rpc&rpc.interface=%s%s%s", on->address,
                   (int)getpid(), serial++, QUESTIONS_INTERFACE, limits, on->options);
    assert_int_equal(via_host_open(NULL, &ends->host, &error), VIA_OK);
    if (via_listen(ends->host, address, NULL, &ends->listener, &error) != VIA_OK)
        fail_msg("%s", error.what);
    if (via_dial(ends->host, address, NULL, via_after_ms(5000), &ends->client, &error) != VIA_OK)
        fail_msg("%s", error.what);
    assert_int_equal(via_accept(ends->listener, via_after_ms(5000), &ends->server, &error), VIA_OK);
    assert_int_equal(via_rpc_serve(ends->server, at_server, 5, NULL, NULL), VIA_OK);
    assert_int_equal(via_rpc_serve(ends->client, at_client, 5, NULL, NULL), VIA_OK);
    channel_of[SERVER] = ends->server;
    channel_of[CLIENT] = ends->client;
    assert_int_equal(via_rpc_import(ends->client, "count_down", &count_down_at[SERVER], sizeof(void *), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(ends->server, "count_down", &count_down_at[CLIENT], sizeof(void *), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(ends->server, "borrow", &borrow_from_client, sizeof(void *), NULL), VIA_OK);
}

static int open_to(void **state, const char *limits)
{
    both_ends *ends = test_calloc(1, sizeof(*ends));

    connect_both(ends, *state, limits);
    assert_int_equal(pthread_create(&ends->thread, NULL, pump, ends), 0);
    *state = ends;
    return 0;
}

static int open_each(void **state)
{
    return open_to(state, "&rpc.depth=3&rpc.memory=1MiB");
}

/* A thread that waits for a callback serves the others' calls meanwhile: in each other, as many as there are callers. */
static int open_deep(void **state)
{
    return open_to(state, "&rpc.depth=32");
}

static int close_each(void **state)
{
    both_ends *ends = *state;

    via_close(ends->client);
    assert_int_equal(pthread_join(ends->thread, NULL), 0);
    via_close(ends->server);
    via_listener_close(ends->listener);
    via_host_close(ends->host);
    test_free(ends);
    return 0;
}

/* ---- depth -------------------------------------------------------------------------------------------------- */

/* Three at each end; the first is the server's. */
static void as_deep_as_is_allowed(void **state)
{
    const both_ends *ends = *state;
    via_rpc_stats stats = {.size = sizeof(stats)};

    for (int32_t steps = 0; steps < 6; steps++)
        assert_int_equal(count_down_at[SERVER](steps), steps + 1);
    for (int32_t steps = 6; steps < 9; steps++) {
        atomic_store(&refusal, 0);
        assert_int_equal(count_down_at[SERVER](steps), 0);
        assert_int_equal(atomic_load(&refusal), -32003);
    }
    assert_int_equal(count_down_at[SERVER](5), 6);
    assert_int_equal(via_rpc_stats_get(ends->client, &stats), VIA_OK);
    assert_int_equal(stats.in_flight, 0);
}

/* What a function has borrowed with its calls does not add up. */
static void what_is_borrowed_is_given_back(void **state)
{
    const both_ends *ends = *state;
    int32_t (*borrow_often_there)(int32_t);

    assert_int_equal(via_rpc_import(ends->client, "borrow_often", &borrow_often_there, sizeof(void *), NULL), VIA_OK);
    assert_int_equal(borrow_often_there(40), 40);
}

/* ---- callbacks ---------------------------------------------------------------------------------------------- */

static double measure_it(void *user)
{
    return *(double *)user;
}

static void a_callback_returns_no_number(void **state)
{
    const both_ends *ends = *state;
    double (*twice_there)(double (*)(void *), void *);
    double number = 1.5, none = NAN;
    via_rpc_error error;

    assert_int_equal(via_rpc_import(ends->client, "twice", &twice_there, sizeof(void *), NULL), VIA_OK);
    assert_true(twice_there(measure_it, &number) == 3);
    assert_true(twice_there(measure_it, &none) == 0);
    assert_int_equal(via_rpc_last_error(ends->client, &error), VIA_EREMOTE);
    assert_true(twice_there(measure_it, &number) == 3);
}

static double interrupt_it(void *user)
{
    via_interrupt(user);
    return 1;
}

static void a_callback_ends_the_channel(void **state)
{
    both_ends *ends = *state;
    double (*twice_there)(double (*)(void *), void *);
    via_rpc_error error;

    assert_int_equal(via_rpc_import(ends->client, "twice", &twice_there, sizeof(void *), NULL), VIA_OK);
    assert_true(twice_there(interrupt_it, ends->client) == 0);
    assert_int_equal(via_rpc_last_error(ends->client, &error), VIA_ECANCELED);
    assert_int_equal(error.origin, VIA_RPC_TRANSPORT);
}

/* ---- threads ------------------------------------------------------------------------------------------------ */

typedef struct caller {
    pthread_t thread;
    double (*twice_there)(double (*)(void *), void *);
    int32_t wrong;
} caller;

/* Calls in its turn. */
static double measure_in_my_thread(void *user)
{
    const caller *mine = user;

    return pthread_equal(mine->thread, pthread_self()) && count_down_at[SERVER](0) == 1 ? 21 : 0;
}

static void *call_often(void *argument)
{
    caller *mine = argument;

    mine->thread = pthread_self();
    for (int i = 0; i < 300; i++)
        mine->wrong += mine->twice_there(measure_in_my_thread, mine) != 42;
    return NULL;
}

static void callbacks_in_their_callers_thread(void **state)
{
    const both_ends *ends = *state;
    caller callers[8] = {{0}};
    pthread_t threads[8];

    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(via_rpc_import(ends->client, "twice", &callers[i].twice_there, sizeof(void *), NULL), VIA_OK);
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
    }
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(callers[i].wrong, 0);
}

/* ---- more than is read -------------------------------------------------------------------------------------- */

enum { VALUES = 256 * 1024, TURNS = 8 };

typedef struct sender {
    via_channel *channel;
    const int64_t *values;
    atomic_int *finished;
    int wrong;
} sender;

/* No thread but these two: each serves the other while it sends and waits. */
static void *send_much(void *argument)
{
    sender *mine = argument;
    int64_t (*total_there)(const int64_t *, size_t);

    if (via_rpc_import(mine->channel, "total", &total_there, sizeof(void *), NULL) != VIA_OK)
        abort();
    for (int i = 0; i < TURNS; i++)
        mine->wrong += total_there(mine->values, VALUES) != total(mine->values, VALUES);
    atomic_fetch_add(mine->finished, 1);
    while (atomic_load(mine->finished) < 2)
        (void)!via_rpc_pump(mine->channel, via_after_ms(5));
    return NULL;
}

static void both_send_more_than_is_read(void **state)
{
    both_ends ends;
    atomic_int finished = 0;
    pthread_t threads[2];
    int64_t *values = test_malloc(VALUES * sizeof(*values));

    for (size_t i = 0; i < VALUES; i++)
        values[i] = (int64_t)(i * 7 % 100003);
    connect_both(&ends, *state, "&rpc.depth=3");
    sender senders[] = {{ends.client, values, &finished, 0}, {ends.server, values, &finished, 0}};
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_much, &senders[i]), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(senders[0].wrong + senders[1].wrong, 0);
    via_close(ends.client);
    via_close(ends.server);
    via_listener_close(ends.listener);
    via_host_close(ends.host);
    test_free(values);
}

#define ON(test, index)                                                                                                \
    {                                                                                                                  \
#test " " #index, test, open_each, close_each, (void *)(uintptr_t)&ways[index]                                 \
    }
#define DEEP(test, index)                                                                                              \
    {                                                                                                                  \
#test " " #index, test, open_deep, close_each, (void *)(uintptr_t)&ways[index]                                 \
    }
#define EVERYWHERE(test) ON(test, 0), ON(test, 1), ON(test, 2), ON(test, 3), ON(test, 4)
#define ALONE(test, index)                                                                                             \
    {                                                                                                                  \
#test " " #index, test, NULL, NULL, (void *)(uintptr_t)&ways[index]                                            \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVERYWHERE(as_deep_as_is_allowed),          EVERYWHERE(what_is_borrowed_is_given_back),
        ON(a_callback_returns_no_number, 2),        ON(a_callback_returns_no_number, 3),
        EVERYWHERE(a_callback_ends_the_channel),    DEEP(callbacks_in_their_callers_thread, 0),
        DEEP(callbacks_in_their_callers_thread, 1), DEEP(callbacks_in_their_callers_thread, 2),
        DEEP(callbacks_in_their_callers_thread, 4), ALONE(both_send_more_than_is_read, 0),
        ALONE(both_send_more_than_is_read, 1),      ALONE(both_send_more_than_is_read, 2),
        ALONE(both_send_more_than_is_read, 4),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
