/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layer chaos: each fault alone, counted; the same faults from the same seed.
 */
#include "layers_fixture.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <viaduct/ext/chaos.h>

enum { MANY = 400 };

static via_chaos_counts counts_of(via_channel *channel)
{
    void *self = NULL;
    const via_chaos *chaos = via_extension(channel, VIA_CHAOS_ID, &self);
    via_chaos_counts counts = {.size = sizeof(counts)};

    assert_non_null(chaos);
    chaos->counts(self, &counts);
    return counts;
}

/* Sends MANY messages and gives what arrives until the other end has finished. */
static size_t pass_many(via_channel *from, via_channel *to, uint64_t got[2 * MANY])
{
    via_msg message;
    size_t count = 0;

    for (uint64_t i = 0; i < MANY; i++)
        layers_send(from, i, 8);
    assert_int_equal(via_finish(from, layers_soon()), VIA_OK);
    while (via_recv(to, layers_soon(), &message) == VIA_OK) {
        assert_true(count < 2 * (size_t)MANY);
        memcpy(&got[count++], message.data, sizeof(got[0]));
        via_release(to, &message);
    }
    return count;
}

static size_t run(const char *query, uint64_t got[2 * MANY], via_chaos_counts *counts)
{
    layers_pair pair;
    layers_open(&pair, NULL, query);
    const size_t count = pass_many(pair.near, pair.far, got);
    *counts = counts_of(pair.far);
    layers_close(&pair);
    return count;
}

static void test_chaos__leaves_all_alone_by_default(void **state)
{
    uint64_t got[2 * MANY];
    via_chaos_counts counts;
    (void)state;

    assert_int_equal(run("layers=chaos", got, &counts), MANY);
    for (uint64_t i = 0; i < MANY; i++)
        assert_int_equal(got[i], i);
    assert_int_equal(counts.seen, MANY);
    assert_int_equal(counts.dropped + counts.duplicated + counts.reordered + counts.delayed + counts.cut, 0);
}

static void test_chaos__drops_and_counts(void **state)
{
    uint64_t got[2 * MANY];
    via_chaos_counts counts;
    (void)state;

    const size_t count = run("layers=chaos&chaos.drop=1/4", got, &counts);
    assert_int_equal(count + counts.dropped, MANY);
    assert_in_range(counts.dropped, MANY / 8, MANY / 2);
    for (size_t i = 1; i < count; i++)
        assert_true(got[i] > got[i - 1]);
}

static void test_chaos__sends_less_where_it_is_told_so(void **state)
{
    uint64_t got[2 * MANY];
    layers_pair pair;
    (void)state;

    layers_open(&pair, "layers=chaos&chaos.drop=25%25&chaos.direction=send", NULL);
    const size_t count = pass_many(pair.near, pair.far, got);
    const via_chaos_counts counts = counts_of(pair.near);
    assert_int_equal(counts.seen, MANY);
    assert_int_equal(count + counts.dropped, MANY);
    assert_in_range(counts.dropped, MANY / 8, MANY / 2);
    layers_close(&pair);
}

static void test_chaos__duplicates_and_counts(void **state)
{
    uint64_t got[2 * MANY];
    via_chaos_counts counts;
    (void)state;

    const size_t count = run("layers=chaos&chaos.duplicate=50%25", got, &counts);
    assert_int_equal(count, MANY + counts.duplicated);
    assert_in_range(counts.duplicated, MANY / 4, MANY * 3 / 4);
    for (size_t i = 1; i < count; i++)
        assert_true(got[i] == got[i - 1] || got[i] == got[i - 1] + 1);
}

/* Nothing is lost, no one is overtaken by more than it may. */
static void test_chaos__reorders_within_bounds(void **state)
{
    uint64_t got[2 * MANY];
    via_chaos_counts counts;
    bool seen[MANY] = {false};
    size_t late = 0;
    (void)state;

    const size_t count =
        run("layers=chaos&chaos.reorder=20%25&chaos.reorder_by=4&chaos.reorder_wait=1min", got, &counts);
    assert_int_equal(count, MANY);
    for (size_t i = 0; i < count; i++) {
        assert_false(seen[got[i]]);
        seen[got[i]] = true;
        late += i > 0 && got[i] < got[i - 1];
    }
    assert_in_range(counts.reordered, MANY / 10, MANY * 3 / 10);
    assert_true(late > 0 && late <= counts.reordered);
}

static void test_chaos__repeats_itself_from_a_seed(void **state)
{
    static const char query[] = "layers=chaos&chaos.drop=10%25&chaos.duplicate=10%25&chaos.reorder=10%25"
                                "&chaos.reorder_wait=1min&chaos.seed=";
    uint64_t got[3][2 * MANY];
    size_t count[3];
    via_chaos_counts counts;
    char text[256];
    (void)state;

    for (int i = 0; i < 3; i++) {
        (void)snprintf(text, sizeof(text), "%s%d", query, i < 2 ? 7 : 8);
        count[i] = run(text, got[i], &counts);
    }
    assert_int_equal(count[0], count[1]);
    assert_memory_equal(got[0], got[1], count[0] * sizeof(got[0][0]));
    assert_true(count[0] != count[2] || memcmp(got[0], got[2], count[0] * sizeof(got[0][0])) != 0);
}

static void test_chaos__delays_and_keeps_the_order(void **state)
{
    layers_pair pair;
    via_msg message;
    (void)state;

    layers_open(&pair, NULL, "layers=chaos&chaos.delay=40ms&chaos.jitter=20ms");
    const uint64_t began = via_now_ns();
    for (uint64_t i = 0; i < 50; i++)
        layers_send(pair.near, i, 100);
    assert_int_equal(via_recv(pair.far, VIA_NOW, &message), VIA_ETIMEDOUT);
    for (uint64_t i = 0; i < 50; i++)
        assert_int_equal(layers_take(pair.far), i);
    assert_true(via_now_ns() - began >= UINT64_C(40000000));
    assert_int_equal(counts_of(pair.far).delayed, 50);
    layers_close(&pair);
}

/* Whoever sleeps on the handle is woken when a late message may go, and by nothing before it. */
static void test_chaos__shows_a_late_message_on_the_handle(void **state)
{
    layers_pair pair;
    via_msg message;
    via_poll_handle handle = {.size = sizeof(handle)};
    (void)state;

    layers_open(&pair, NULL, "layers=chaos&chaos.delay=60ms");
    assert_int_equal(via_pollable(pair.far, VIA_READ, &handle), VIA_OK);
    assert_int_equal(via_arm(pair.far, VIA_READ), VIA_OK);
    const uint64_t began = via_now_ns();
    layers_send(pair.near, 1, 8);
    while (via_recv(pair.far, VIA_NOW, &message) != VIA_OK) {
        struct pollfd event = {(int)handle.handle, POLLIN, 0};
        if (via_arm(pair.far, VIA_READ) == VIA_OK)
            assert_int_equal(poll(&event, 1, 30000), 1);
    }
    assert_true(via_now_ns() - began >= UINT64_C(60000000));
    via_release(pair.far, &message);
    assert_int_equal(via_arm(pair.far, VIA_READ), VIA_OK);
    layers_close(&pair);
}

static void test_chaos__hands_out_what_is_late_before_the_end(void **state)
{
    layers_pair pair;
    via_msg message;
    (void)state;

    layers_open(&pair, NULL, "layers=chaos&chaos.delay=30ms");
    layers_send(pair.near, 5, 8);
    via_close(pair.near);
    pair.near = NULL;
    assert_int_equal(layers_take(pair.far), 5);
    assert_int_equal(via_recv(pair.far, layers_soon(), &message), VIA_ECLOSED);
    assert_int_equal(via_recv(pair.far, layers_soon(), &message), VIA_ECLOSED);
    layers_close(&pair);
}

static void test_chaos__cuts_after_so_many_messages(void **state)
{
    layers_pair pair;
    via_msg message;
    via_error error;
    (void)state;

    layers_open(&pair, NULL, "layers=chaos&chaos.cut=3&chaos.drop=0%25");
    for (uint64_t i = 0; i < 5; i++)
        layers_send(pair.near, i, 8);
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(layers_take(pair.far), i);
    assert_int_equal(via_recv(pair.far, layers_soon(), &message), VIA_EPEER);
    assert_int_equal(via_send(pair.far, "x", 1, NULL, layers_soon()), VIA_EPEER);
    assert_int_equal(via_failure(pair.far, &error), VIA_OK);
    assert_int_equal(error.status, VIA_EPEER);
    assert_non_null(strstr(error.what, ": chaos has cut the connection, as it was told to, after 3 messages"));
    assert_int_equal(counts_of(pair.far).cut, 1);
    layers_close(&pair);
}

/* A receive that sleeps below is told in time, and so is whoever sleeps on a handle. */
static void test_chaos__cuts_after_a_time(void **state)
{
    layers_pair pair;
    via_msg message;
    via_poll_handle handle = {.size = sizeof(handle)};
    (void)state;

    layers_open(&pair, "layers=chaos&chaos.cut_after=50ms", "layers=chaos&chaos.cut_after=50ms");
    assert_int_equal(via_recv(pair.far, layers_soon(), &message), VIA_EPEER);
    assert_int_equal(via_pollable(pair.near, VIA_READ, &handle), VIA_OK);
    struct pollfd event = {(int)handle.handle, POLLIN, 0};
    if (via_arm(pair.near, VIA_READ) == VIA_OK)
        assert_int_equal(poll(&event, 1, 30000), 1);
    assert_int_equal(via_recv(pair.near, VIA_NOW, &message), VIA_EPEER);
    layers_close(&pair);
}

static void test_chaos__refuses_what_makes_no_sense(void **state)
{
    static const struct {
        const char *query, *what, *mend;
    } cases[] = {
        {"layers=chaos&chaos.drop=5",
         "chaos.drop: \"5\" is no chance; expected a percentage or a fraction, at most 100%",
         "write it like 5%, 0.1% or 1/200"},
        {"layers=chaos&chaos.duplicate=101%25",
         "chaos.duplicate: \"101%\" is no chance; expected a percentage or a fraction, at most 100%",
         "write it like 5%, 0.1% or 1/200"},
        {"layers=chaos&chaos.reorder=1/0",
         "chaos.reorder: \"1/0\" is no chance; expected a percentage or a fraction, at most 100%",
         "write it like 5%, 0.1% or 1/200"},
        {"layers=chaos&chaos.direction=send&chaos.delay=1ms",
         "chaos: delay, jitter and reorder act on received messages, and chaos.direction is \"send\"",
         "put the layer on the other end, or set chaos.direction to receive or both"},
    };
    via_error error;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(layers_try(cases[i].query, &error), VIA_EINVAL);
        assert_string_equal(error.what, cases[i].what);
        assert_string_equal(error.mend, cases[i].mend);
        assert_string_equal(error.plugin, "chaos");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chaos__leaves_all_alone_by_default),
        cmocka_unit_test(test_chaos__drops_and_counts),
        cmocka_unit_test(test_chaos__sends_less_where_it_is_told_so),
        cmocka_unit_test(test_chaos__duplicates_and_counts),
        cmocka_unit_test(test_chaos__reorders_within_bounds),
        cmocka_unit_test(test_chaos__repeats_itself_from_a_seed),
        cmocka_unit_test(test_chaos__delays_and_keeps_the_order),
        cmocka_unit_test(test_chaos__shows_a_late_message_on_the_handle),
        cmocka_unit_test(test_chaos__hands_out_what_is_late_before_the_end),
        cmocka_unit_test(test_chaos__cuts_after_so_many_messages),
        cmocka_unit_test(test_chaos__cuts_after_a_time),
        cmocka_unit_test(test_chaos__refuses_what_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
