/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that nobody waits for: each is told to have ended once, whatever happens. The server is pumped by the test itself, so that
 * what is under way when is known.
 */
#include "both_ends.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const way ways[] = {
    {"unix:", ""},
    {"shm:", ""},
    {"unix:", "&rpc.codec=json"},
    {"unix:", "&framing=raw"},
};

/* ---- both ends in one thread, acquainted -------------------------------------------------------------------- */

typedef struct quiet {
    both_ends ends;
    atomic_bool is_acquainted;
} quiet;

static void *pump_until_acquainted(void *argument)
{
    quiet *both = argument;

    while (!atomic_load(&both->is_acquainted))
        (void)!via_rpc_pump(both->ends.server, via_after_ms(5));
    return NULL;
}

static int open_each(void **state)
{
    quiet *both = test_calloc(1, sizeof(*both));
    int32_t one = 1, result;
    void *arguments[] = {&one, &one};

    both_ends_connect(&both->ends, *state, NULL);
    assert_int_equal(pthread_create(&both->ends.thread, NULL, pump_until_acquainted, both), 0);
    assert_int_equal(via_rpc_call(both->ends.client, "add", &result, arguments, 2, VIA_RPC_USUAL, NULL), VIA_OK);
    atomic_store(&both->is_acquainted, true);
    assert_int_equal(pthread_join(both->ends.thread, NULL), 0);
    *state = both;
    return 0;
}

static int close_each(void **state)
{
    quiet *both = *state;

    via_close(both->ends.client);
    via_close(both->ends.server);
    via_listener_close(both->ends.listener);
    via_host_close(both->ends.host);
    test_free(both);
    return 0;
}

/* ---- what is told ------------------------------------------------------------------------------------------- */

typedef struct told {
    int times;
    via_status status;
    via_rpc_error error;
    int32_t result;
} told;

static void done(void *user, via_status status, const via_rpc_error *error)
{
    told *one = user;

    one->times++;
    one->status = status;
    assert_int_equal(status != VIA_OK, error != NULL);
    if (error)
        one->error = *error;
}

static uint64_t start_add(via_channel *channel, int32_t a, int32_t b, told *one, via_deadline deadline)
{
    void *arguments[] = {&a, &b};
    uint64_t number = 0;
    via_rpc_error error;

    one->result = -1;
    if (via_rpc_start(channel, "add", &one->result, arguments, 2, deadline, done, one, &number, &error) != VIA_OK)
        fail_msg("%s", error.text);
    assert_true(number != 0);
    return number;
}

static void pump_until(via_channel *channel, const int *times, int wanted)
{
    while (*times < wanted)
        assert_int_equal(via_rpc_pump(channel, via_after_ms(5000)), VIA_OK);
}

static via_rpc_stats stats_of(via_channel *channel)
{
    via_rpc_stats stats = {.size = sizeof(stats)};

    assert_int_equal(via_rpc_stats_get(channel, &stats), VIA_OK);
    return stats;
}

/* The server serves that many. */
static void serve(via_channel *server, uint64_t count)
{
    uint64_t wanted = stats_of(server).served + count;

    while (stats_of(server).served < wanted)
        assert_int_equal(via_rpc_pump(server, via_after_ms(5000)), VIA_OK);
}

/* ---- tests -------------------------------------------------------------------------------------------------- */

static void each_is_told_once(void **state)
{
    const both_ends *ends = &((quiet *)*state)->ends;
    told all[10] = {{0}};

    for (int32_t i = 0; i < 10; i++)
        (void)start_add(ends->client, i, 100, &all[i], VIA_RPC_USUAL);
    assert_int_equal(stats_of(ends->client).in_flight, 10);
    assert_int_equal(via_rpc_pump(ends->client, VIA_NOW), VIA_ETIMEDOUT);
    serve(ends->server, 10);
    pump_until(ends->client, &all[9].times, 1);
    for (int32_t i = 0; i < 10; i++) {
        assert_int_equal(all[i].times, 1);
        assert_int_equal(all[i].status, VIA_OK);
        assert_int_equal(all[i].result, i + 100);
    }
    assert_int_equal(stats_of(ends->client).in_flight, 0);
}

/* A function that takes its time, and whose server takes in meanwhile what else is asked. */
static atomic_bool may_go_on;

static int64_t wait_for_the_test(const via_rpc_context *context, int32_t number)
{
    while (!atomic_load(&may_go_on))
        (void)context->is_cancelled(context);
    return number;
}

static const via_rpc_function slow[] = {VIA_RPC_FUNCTION("who", wait_for_the_test)};

static void make_slow(via_channel *server)
{
    assert_int_equal(via_rpc_serve(server, slow, 1, NULL, NULL), VIA_OK);
}

static void refused_above_the_most(via_channel *client)
{
    int32_t a = 1, result = 9;
    void *arguments[] = {&a, &a};
    via_rpc_error error;

    assert_int_equal(via_rpc_start(client, "add", &result, arguments, 2, VIA_RPC_USUAL, done, NULL, NULL, &error),
                     VIA_ELIMIT);
    assert_int_equal(error.origin, VIA_RPC_HERE);
    assert_int_equal(error.not_sent, 1);
    assert_int_equal(result, 0);
}

static void a_thousand_are_in_flight_and_no_more(void **state)
{
    enum { MOST = 1024 };
    told *all = test_calloc(MOST, sizeof(*all)), first = {0};
    both_ends ends;
    int32_t number = 5;
    int64_t result = 0;
    void *arguments[] = {&number};

    atomic_store(&may_go_on, false);
    both_ends_open(&ends, *state, make_slow);
    assert_int_equal(via_rpc_start(ends.client, "who", &result, arguments, 1, VIA_RPC_USUAL, done, &first, NULL, NULL),
                     VIA_OK);
    for (int32_t i = 1; i < MOST; i++)
        (void)start_add(ends.client, i, i, &all[i], VIA_RPC_USUAL);
    assert_int_equal(stats_of(ends.client).in_flight, MOST);
    refused_above_the_most(ends.client);
    atomic_store(&may_go_on, true);
    pump_until(ends.client, &all[MOST - 1].times, 1);
    assert_true(first.times == 1 && result == 5);
    for (int32_t i = 1; i < MOST; i++)
        assert_true(all[i].times == 1 && all[i].result == 2 * i);
    both_ends_close(&ends);
    test_free(all);
}

static void *pump_to_the_end(void *argument)
{
    while (via_rpc_pump(argument, VIA_FOREVER) == VIA_OK)
        ;
    return NULL;
}

/* One after the other is asked, and the second is answered first. */
static void replies_out_of_order(void **state)
{
    told first = {0}, second = {0};
    both_ends ends;
    pthread_t other;
    int32_t number = 5;
    int64_t result = 0;
    void *arguments[] = {&number};

    atomic_store(&may_go_on, false);
    both_ends_open(&ends, *state, make_slow);
    assert_int_equal(pthread_create(&other, NULL, pump_to_the_end, ends.server), 0);
    assert_int_equal(via_rpc_start(ends.client, "who", &result, arguments, 1, VIA_RPC_USUAL, done, &first, NULL, NULL),
                     VIA_OK);
    (void)start_add(ends.client, 1, 2, &second, VIA_RPC_USUAL);
    pump_until(ends.client, &second.times, 1);
    assert_int_equal(first.times, 0);
    atomic_store(&may_go_on, true);
    pump_until(ends.client, &first.times, 1);
    assert_true(result == 5 && second.result == 3);
    via_close(ends.client);
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_int_equal(pthread_join(ends.thread, NULL), 0);
    via_close(ends.server);
    via_listener_close(ends.listener);
    via_host_close(ends.host);
}

/* ---- cancelling --------------------------------------------------------------------------------------------- */

static void asked_to_stop_it_ends(void **state)
{
    both_ends ends;
    told one = {0};
    uint32_t ms = 20000;
    int32_t result = -1;
    void *arguments[] = {&ms};
    uint64_t number;

    both_ends_open(&ends, *state, NULL);
    assert_int_equal(
        via_rpc_start(ends.client, "wait_ms", &result, arguments, 1, VIA_FOREVER, done, &one, &number, NULL), VIA_OK);
    assert_int_equal(via_rpc_cancel(ends.client, number), VIA_OK);
    pump_until(ends.client, &one.times, 1);
    assert_int_equal(via_rpc_cancel(ends.client, number), VIA_ENOENT);
    if (one.status == VIA_OK) /* it ran already, and says itself that it gave up */
        assert_int_equal(result, 1);
    else
        assert_int_equal(one.error.code, -32800);
    both_ends_close(&ends);
}

static int64_t never_mind(const via_rpc_context *context, int32_t number)
{
    while (!context->is_cancelled(context) || !atomic_load(&may_go_on))
        ;
    return number;
}

static const via_rpc_function heedless[] = {VIA_RPC_FUNCTION("who", never_mind)};

static void make_heedless(via_channel *server)
{
    assert_int_equal(via_rpc_serve(server, heedless, 1, NULL, NULL), VIA_OK);
}

/* Who waits gives up at his deadline, and the function hears of it, by its own deadline or by being asked. */
static void a_deadline_is_heard_there(void **state)
{
    both_ends ends;
    int32_t number = 5, sum = 0;
    int64_t result = 9;
    void *arguments[] = {&number, &number};
    via_rpc_error error;

    atomic_store(&may_go_on, false);
    both_ends_open(&ends, *state, make_heedless);
    assert_int_equal(via_rpc_call(ends.client, "add", &sum, arguments, 2, VIA_RPC_USUAL, &error), VIA_OK);
    assert_int_equal(via_rpc_call(ends.client, "who", &result, arguments, 1, via_after_ms(50), &error), VIA_ETIMEDOUT);
    atomic_store(&may_go_on, true);
    assert_int_equal(error.origin, VIA_RPC_TRANSPORT);
    assert_int_equal(error.not_sent, 0);
    assert_true(result == 0);
    assert_int_equal(via_rpc_call(ends.client, "add", &sum, arguments, 2, VIA_RPC_USUAL, &error), VIA_OK);
    assert_int_equal(sum, 10);
    assert_int_equal(stats_of(ends.client).late_replies, 1);
    both_ends_close(&ends);
}

/* ---- deadlines ---------------------------------------------------------------------------------------------- */

static int64_t left_ms(const via_rpc_context *context, int32_t number)
{
    (void)number;
    return context->deadline == VIA_FOREVER ? -1 : (int64_t)((context->deadline - via_after_ms(0)) / 1000000);
}

static int32_t left_of_wait(const via_rpc_context *context, uint32_t number)
{
    return (int32_t)left_ms(context, (int32_t)number);
}

static const via_rpc_function telling[] = {VIA_RPC_FUNCTION("who", left_ms), VIA_RPC_FUNCTION("wait_ms", left_of_wait)};

static void make_telling(via_channel *server)
{
    assert_int_equal(via_rpc_serve(server, telling, 2, NULL, NULL), VIA_OK);
}

static void assert_about(int64_t found, int64_t expected)
{
    if (found > expected + 1 || found < expected * 3 / 5)
        fail_msg("%lld ms are left of %lld", (long long)found, (long long)expected);
}

static void deadlines_are_sent_along(void **state)
{
    const way *on = *state;
    char options[128];
    both_ends ends;
    uint32_t number = 5;
    int64_t result = 0;
    int32_t short_result = 0;
    void *arguments[] = {&number};

    (void)snprintf(options, sizeof(options), "%s&rpc.deadline=8s", on->options);
    both_ends_open(&ends, &(way){on->address, options}, make_telling);
    assert_int_equal(via_rpc_call(ends.client, "who", &result, arguments, 1, VIA_RPC_USUAL, NULL), VIA_OK);
    assert_about(result, 8000);
    assert_int_equal(via_rpc_call(ends.client, "wait_ms", &short_result, arguments, 1, VIA_RPC_USUAL, NULL), VIA_OK);
    assert_about(short_result, 5000);
    assert_int_equal(via_rpc_call(ends.client, "wait_ms", &short_result, arguments, 1, via_after_ms(3000), NULL),
                     VIA_OK);
    assert_about(short_result, 3000);
    assert_int_equal(via_rpc_call(ends.client, "who", &result, arguments, 1, VIA_FOREVER, NULL), VIA_OK);
    assert_true(result == -1);
    both_ends_close(&ends);
    both_ends_open(&ends, on, make_telling);
    assert_int_equal(via_rpc_call(ends.client, "who", &result, arguments, 1, VIA_RPC_USUAL, NULL), VIA_OK);
    assert_about(result, 25000);
    both_ends_close(&ends);
}

/* ---- threads ------------------------------------------------------------------------------------------------ */

typedef struct chain {
    via_channel *client;
    told first;
    int32_t sum;
    via_status status;
} chain;

/* Calls, and waits, in the middle of being told. */
static void call_again(void *user, via_status status, const via_rpc_error *error)
{
    chain *links = user;
    int32_t a = 40, b = 2;
    void *arguments[] = {&a, &b};

    links->status = via_rpc_call(links->client, "add", &links->sum, arguments, 2, via_after_ms(5000), NULL);
    done(&links->first, status, error);
}

static void whoever_is_told_may_call(void **state)
{
    both_ends ends;
    chain links = {.sum = 0};
    int32_t a = 1;
    void *arguments[] = {&a, &a};

    both_ends_open(&ends, *state, NULL);
    links.client = ends.client;
    assert_int_equal(via_rpc_start(ends.client, "add", &links.first.result, arguments, 2, VIA_RPC_USUAL, call_again,
                                   &links, NULL, NULL),
                     VIA_OK);
    pump_until(ends.client, &links.first.times, 1);
    assert_int_equal(links.status, VIA_OK);
    assert_int_equal(links.sum, 42);
    both_ends_close(&ends);
}

typedef struct flag {
    atomic_int times;
    atomic_int status;
} flag;

static void raise_flag(void *user, via_status status, const via_rpc_error *error)
{
    flag *one = user;

    (void)error;
    atomic_store(&one->status, (int)status);
    atomic_fetch_add(&one->times, 1);
}

/* The thread that pumps has no deadline of its own, and had begun before the call. */
static void another_thread_sees_the_deadline(void **state)
{
    quiet *both = *state;
    flag one = {0};
    pthread_t pumping;
    int32_t a = 1, result;
    void *arguments[] = {&a, &a};
    uint64_t until = via_after_ms(5000);

    assert_int_equal(pthread_create(&pumping, NULL, pump_to_the_end, both->ends.client), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(via_rpc_start(both->ends.client, "add", &result, arguments, 2, via_after_ms(10), raise_flag,
                                       &one, NULL, NULL),
                         VIA_OK);
        while (atomic_load(&one.times) <= i && via_after_ms(0) < until)
            ;
        assert_int_equal(atomic_load(&one.times), i + 1);
        assert_int_equal(atomic_load(&one.status), (int)VIA_ETIMEDOUT);
    }
    via_interrupt(both->ends.client);
    assert_int_equal(pthread_join(pumping, NULL), 0);
}

static void a_deadline_ends_it_and_the_reply_is_late(void **state)
{
    const both_ends *ends = &((quiet *)*state)->ends;
    told one = {0};

    (void)start_add(ends->client, 1, 2, &one, via_after_ms(20));
    pump_until(ends->client, &one.times, 1);
    assert_int_equal(one.status, VIA_ETIMEDOUT);
    assert_int_equal(one.error.origin, VIA_RPC_TRANSPORT);
    assert_int_equal(one.error.not_sent, 0);
    assert_string_equal(one.error.method, "add");
    assert_int_equal(one.result, 0);
    serve(ends->server, 1);
    one.result = 77;
    assert_int_equal(via_rpc_pump(ends->client, via_after_ms(5000)), VIA_OK);
    assert_int_equal(one.times, 1);
    assert_int_equal(one.result, 77);
    assert_int_equal(stats_of(ends->client).late_replies, 1);
    assert_int_equal(stats_of(ends->client).in_flight, 0);
}

static void the_end_of_the_channel_ends_it(void **state)
{
    both_ends *ends = &((quiet *)*state)->ends;
    told one = {0}, other = {0};

    (void)start_add(ends->client, 1, 2, &one, VIA_FOREVER);
    (void)start_add(ends->client, 1, 2, &other, VIA_FOREVER);
    via_close(ends->server);
    ends->server = NULL;
    while (via_rpc_pump(ends->client, via_after_ms(5000)) == VIA_OK)
        ;
    assert_true(one.times == 1 && other.times == 1);
    assert_true(one.status == VIA_ECLOSED || one.status == VIA_EPEER);
    assert_int_equal(one.error.origin, VIA_RPC_TRANSPORT);
}

static void closing_ends_it(void **state)
{
    both_ends *ends = &((quiet *)*state)->ends;
    told one = {0};

    (void)start_add(ends->client, 1, 2, &one, VIA_FOREVER);
    via_close(ends->client);
    ends->client = NULL;
    assert_int_equal(one.times, 1);
    assert_int_equal(one.status, VIA_ECLOSED);
    assert_int_equal(one.result, 0);
}

static void a_notification_has_no_answer(void **state)
{
    const both_ends *ends = &((quiet *)*state)->ends;
    int32_t value = 4711;
    void *arguments[] = {&value, &value};
    uint64_t calls = stats_of(ends->client).in_flight;

    assert_int_equal(via_rpc_notify(ends->client, "remember", arguments, 1, VIA_RPC_USUAL, NULL), VIA_OK);
    assert_int_equal(via_rpc_notify(ends->client, "add", arguments, 2, VIA_RPC_USUAL, NULL), VIA_OK);
    serve(ends->server, 2);
    assert_int_equal(recall(), 4711);
    assert_int_equal(via_rpc_pump(ends->client, VIA_NOW), VIA_ETIMEDOUT);
    assert_int_equal(stats_of(ends->client).in_flight, calls);
}

/* A channel that is full: nothing of it has left. */
static void what_is_not_sent_says_so(void **state)
{
    const both_ends *ends = &((quiet *)*state)->ends;
    int32_t value = 1, result = 9;
    void *arguments[] = {&value, &value};
    via_rpc_error error;

    assert_int_equal(via_rpc_call(ends->client, "add", &result, arguments, 2, VIA_NOW, &error), VIA_ETIMEDOUT);
    assert_int_equal(error.origin, VIA_RPC_HERE);
    assert_int_equal(error.not_sent, 1);
    assert_int_equal(result, 0);
    while (via_rpc_notify(ends->client, "remember", arguments, 1, VIA_NOW, &error) == VIA_OK)
        ;
    assert_int_equal(error.status, VIA_ETIMEDOUT);
    assert_int_equal(error.origin, VIA_RPC_TRANSPORT);
    assert_int_equal(error.not_sent, 1);
    assert_int_equal(via_rpc_call(ends->client, "add", &result, arguments, 2, via_after_ms(30), &error), VIA_ETIMEDOUT);
    assert_int_equal(error.origin, VIA_RPC_TRANSPORT);
    assert_int_equal(error.not_sent, 1);
}

static void an_event_loop(void **state)
{
    const both_ends *ends = &((quiet *)*state)->ends;
    via_waitset *set;
    via_ready ready;
    told one = {0};
    size_t count;

    assert_int_equal(via_waitset_create(&set, NULL), VIA_OK);
    assert_int_equal(via_waitset_add(set, ends->client, VIA_READ, NULL), VIA_OK);
    assert_int_equal(via_waitset_add(set, ends->server, VIA_READ, NULL), VIA_OK);
    (void)start_add(ends->client, 20, 22, &one, VIA_RPC_USUAL);
    while (one.times == 0) {
        assert_int_equal(via_waitset_wait(set, &ready, 1, &count, via_after_ms(5000)), VIA_OK);
        via_status status = via_rpc_pump(ready.channel, VIA_NOW);
        assert_true(status == VIA_OK || status == VIA_ETIMEDOUT);
    }
    assert_int_equal(one.result, 42);
    via_waitset_destroy(set);
}

#define ON(test, index)                                                                                                \
    {                                                                                                                  \
#test " " #index, test, open_each, close_each, (void *)(uintptr_t)&ways[index]                                 \
    }
/* Opens its own ends. */
#define ALONE(test, index)                                                                                             \
    {                                                                                                                  \
#test " " #index, test, NULL, NULL, (void *)(uintptr_t)&ways[index]                                            \
    }
#define EVERYWHERE(test) ON(test, 0), ON(test, 1), ON(test, 2), ON(test, 3)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVERYWHERE(each_is_told_once),
        ALONE(a_thousand_are_in_flight_and_no_more, 0),
        ALONE(a_thousand_are_in_flight_and_no_more, 1),
        ALONE(replies_out_of_order, 0),
        ALONE(replies_out_of_order, 2),
        ALONE(asked_to_stop_it_ends, 0),
        ALONE(asked_to_stop_it_ends, 2),
        ALONE(asked_to_stop_it_ends, 1),
        ALONE(a_deadline_is_heard_there, 0),
        ALONE(a_deadline_is_heard_there, 2),
        ALONE(deadlines_are_sent_along, 0),
        ALONE(deadlines_are_sent_along, 2),
        ALONE(whoever_is_told_may_call, 0),
        ALONE(whoever_is_told_may_call, 1),
        ON(another_thread_sees_the_deadline, 0),
        ON(another_thread_sees_the_deadline, 1),
        EVERYWHERE(a_deadline_ends_it_and_the_reply_is_late),
        EVERYWHERE(the_end_of_the_channel_ends_it),
        EVERYWHERE(closing_ends_it),
        EVERYWHERE(a_notification_has_no_answer),
        EVERYWHERE(what_is_not_sent_says_so),
        EVERYWHERE(an_event_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
