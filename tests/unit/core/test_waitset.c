/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The waitset by itself: what it reports, when it forgets, and that idle channels cost nothing.
 */
#include "support.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/resource.h>

typedef struct fixture {
    via_host *host;
    via_waitset *set;
    via_ready ready[8];
    size_t count;
} fixture;

static fixture begin(void **state)
{
    fixture all = {.host = *state};
    assert_int_equal(via_waitset_create(&all.set, NULL), VIA_OK);
    return all;
}

static via_status wait_for(fixture *all, via_deadline deadline)
{
    return via_waitset_wait(all->set, all->ready, 8, &all->count, deadline);
}

static void expect_only(fixture *all, const via_channel *channel, uint32_t events)
{
    assert_int_equal(wait_for(all, CORE_PATIENCE), VIA_OK);
    assert_int_equal(all->count, 1);
    assert_ptr_equal(all->ready[0].channel, channel);
    assert_int_equal(all->ready[0].events, events);
}

static void test_waitset__reports_what_is_ready_until_it_is_taken(void **state)
{
    fixture all = begin(state);
    core_pair pair = core_pair_open(all.host, "loop", "", VIA_TWO);
    int user;
    assert_int_equal(via_waitset_add(all.set, pair.server, VIA_READ, &user), VIA_OK);
    assert_int_equal(wait_for(&all, VIA_NOW), VIA_ETIMEDOUT);
    assert_int_equal(all.count, 0);
    core_send(pair.client, "one");
    core_send(pair.client, "two");
    for (int i = 0; i < 3; i++) {
        expect_only(&all, pair.server, VIA_READ);
        assert_ptr_equal(all.ready[0].user, &user);
        assert_null(all.ready[0].listener);
    }
    core_expect(pair.server, "one");
    expect_only(&all, pair.server, VIA_READ);
    core_expect(pair.server, "two");
    assert_int_equal(wait_for(&all, VIA_NOW), VIA_ETIMEDOUT);
    assert_int_equal(wait_for(&all, via_after_ms(2)), VIA_ETIMEDOUT);
    core_send(pair.client, "three");
    expect_only(&all, pair.server, VIA_READ);
    via_waitset_destroy(all.set);
    core_expect(pair.server, "three");
    core_pair_close(&pair);
}

static void test_waitset__message_that_was_there_before_is_seen(void **state)
{
    fixture all = begin(state);
    core_pair pair = core_pair_open(all.host, "loop", "", VIA_TWO);
    char byte;
    size_t size;
    core_send(pair.client, "before");
    assert_int_equal(via_waitset_add(all.set, pair.server, VIA_READ, NULL), VIA_OK);
    expect_only(&all, pair.server, VIA_READ);
    assert_int_equal(via_recv_into(pair.server, &byte, 1, &size, NULL, VIA_NOW), VIA_EBUFFER);
    expect_only(&all, pair.server, VIA_READ); /* kept by the host: the transport has nothing any more */
    core_expect(pair.server, "before");
    assert_int_equal(wait_for(&all, VIA_NOW), VIA_ETIMEDOUT);
    via_waitset_destroy(all.set);
    core_pair_close(&pair);
}

static void test_waitset__room_to_send_is_an_event(void **state)
{
    fixture all = begin(state);
    core_pair pair = core_pair_open(all.host, "loop", "?capacity=1", VIA_TWO);
    assert_int_equal(via_waitset_add(all.set, pair.client, VIA_WRITE, NULL), VIA_OK);
    expect_only(&all, pair.client, VIA_WRITE);
    core_send(pair.client, "full");
    assert_int_equal(wait_for(&all, VIA_NOW), VIA_ETIMEDOUT);
    core_expect(pair.server, "full");
    expect_only(&all, pair.client, VIA_WRITE);
    core_send(pair.server, "both");
    assert_int_equal(via_waitset_add(all.set, pair.client, VIA_READ | VIA_WRITE, NULL), VIA_OK);
    expect_only(&all, pair.client, VIA_READ | VIA_WRITE);
    assert_int_equal(via_waitset_add(all.set, pair.client, VIA_READ, NULL), VIA_OK);
    expect_only(&all, pair.client, VIA_READ);
    core_expect(pair.client, "both");
    assert_int_equal(wait_for(&all, VIA_NOW), VIA_ETIMEDOUT);
    via_waitset_destroy(all.set);
    core_pair_close(&pair);
}

static void test_waitset__listener_is_ready_when_somebody_dials(void **state)
{
    fixture all = begin(state);
    via_listener *listener = NULL;
    via_channel *client = NULL;
    via_channel *server = NULL;
    assert_int_equal(via_listen(all.host, "loop:watched", NULL, &listener, NULL), VIA_OK);
    assert_int_equal(via_waitset_add_listener(all.set, listener, &all), VIA_OK);
    assert_int_equal(wait_for(&all, VIA_NOW), VIA_ETIMEDOUT);
    assert_int_equal(via_dial(all.host, "loop:watched", NULL, VIA_NOW, &client, NULL), VIA_OK);
    assert_int_equal(wait_for(&all, CORE_PATIENCE), VIA_OK);
    assert_ptr_equal(all.ready[0].listener, listener);
    assert_null(all.ready[0].channel);
    assert_ptr_equal(all.ready[0].user, &all);
    assert_int_equal(via_accept(listener, VIA_NOW, &server, NULL), VIA_OK);
    assert_int_equal(wait_for(&all, VIA_NOW), VIA_ETIMEDOUT);
    via_listener_interrupt(listener);
    assert_int_equal(wait_for(&all, CORE_PATIENCE), VIA_OK);
    assert_int_equal(via_waitset_remove_listener(all.set, listener), VIA_OK);
    assert_int_equal(via_waitset_remove_listener(all.set, listener), VIA_ENOENT);
    via_close(client);
    via_close(server);
    via_listener_close(listener);
    via_waitset_destroy(all.set);
}

static void test_waitset__one_set_a_channel(void **state)
{
    fixture all = begin(state);
    fixture other = begin(state);
    core_pair pair = core_pair_open(all.host, "loop", "", VIA_TWO);
    assert_int_equal(via_waitset_add(all.set, pair.server, 0, NULL), VIA_EINVAL);
    assert_int_equal(via_waitset_add(all.set, pair.server, VIA_WORK, NULL), VIA_EINVAL);
    assert_int_equal(via_waitset_add(all.set, pair.server, VIA_READ, NULL), VIA_OK);
    assert_int_equal(via_waitset_add(other.set, pair.server, VIA_READ, NULL), VIA_EBUSY);
    assert_int_equal(via_waitset_remove(other.set, pair.server), VIA_ENOENT);
    assert_int_equal(via_waitset_remove(all.set, pair.server), VIA_OK);
    assert_int_equal(via_waitset_add(other.set, pair.server, VIA_READ, NULL), VIA_OK);
    core_send(pair.client, "moved");
    assert_int_equal(wait_for(&all, VIA_NOW), VIA_ETIMEDOUT);
    expect_only(&other, pair.server, VIA_READ);
    assert_int_equal(via_waitset_wait(all.set, all.ready, 0, &all.count, VIA_NOW), VIA_EINVAL);
    via_waitset_destroy(other.set);
    assert_int_equal(via_waitset_add(all.set, pair.server, VIA_READ, NULL), VIA_OK);
    expect_only(&all, pair.server, VIA_READ);
    via_waitset_destroy(all.set);
    core_pair_close(&pair);
}

static void test_waitset__closing_a_channel_removes_it(void **state)
{
    fixture all = begin(state);
    core_pair pair = core_pair_open(all.host, "loop", "", VIA_TWO);
    assert_int_equal(via_waitset_add(all.set, pair.server, VIA_READ, NULL), VIA_OK);
    assert_int_equal(via_waitset_add(all.set, pair.client, VIA_READ, NULL), VIA_OK);
    core_send(pair.client, "unread");
    expect_only(&all, pair.server, VIA_READ);
    via_close(pair.server);
    pair.server = NULL;
    expect_only(&all, pair.client, VIA_READ); /* it sees the end */
    via_close(pair.client);
    pair.client = NULL;
    assert_int_equal(wait_for(&all, VIA_NOW), VIA_ETIMEDOUT);
    core_pair_close(&pair);
    via_waitset_destroy(all.set);
}

static void test_waitset__waking_is_kept_for_the_next_wait(void **state)
{
    fixture all = begin(state);
    via_waitset_wake(all.set);
    via_waitset_wake(all.set);
    assert_int_equal(wait_for(&all, CORE_PATIENCE), VIA_OK);
    assert_int_equal(all.count, 0);
    assert_int_equal(wait_for(&all, VIA_NOW), VIA_ETIMEDOUT);
    via_waitset_destroy(all.set);
}

static void test_waitset__work_is_served_without_asking(void **state)
{
    fixture all = begin(state);
    core_pair pair = core_pair_open(all.host, "loop", "?capacity=1&tail=true", VIA_TWO);
    uint64_t undelivered;
    assert_int_equal(via_waitset_add(all.set, pair.client, VIA_READ, NULL), VIA_OK);
    assert_int_equal(wait_for(&all, VIA_NOW), VIA_ETIMEDOUT);
    core_send(pair.client, "in the box");
    core_send(pair.client, "in the tail"); /* calls attention */
    assert_int_equal(wait_for(&all, VIA_NOW), VIA_ETIMEDOUT);
    core_expect(pair.server, "in the box");
    assert_int_equal(wait_for(&all, via_after_ms(1)), VIA_ETIMEDOUT); /* nothing to report, but the tail has moved */
    core_expect(pair.server, "in the tail");
    assert_int_equal(via_drain(pair.client, VIA_NOW, &undelivered), VIA_OK);
    via_waitset_destroy(all.set);
    core_pair_close(&pair);
}

static void test_waitset__busy_channels_do_not_hide_others(void **state)
{
    enum { BUSY = 3 };
    fixture all = begin(state);
    core_pair busy[BUSY];
    core_pair quiet = core_pair_open(all.host, "loop", "", VIA_TWO);
    bool is_seen = false;
    assert_int_equal(via_waitset_add(all.set, quiet.server, VIA_READ, NULL), VIA_OK);
    for (int i = 0; i < BUSY; i++) {
        busy[i] = core_pair_open(all.host, "loop", "", VIA_TWO);
        assert_int_equal(via_waitset_add(all.set, busy[i].server, VIA_READ, NULL), VIA_OK);
        core_send(busy[i].client, "never taken");
    }
    assert_int_equal(via_waitset_wait(all.set, all.ready, 1, &all.count, CORE_PATIENCE), VIA_OK);
    core_send(quiet.client, "at last");
    for (int i = 0; i < BUSY + 2; i++) {
        assert_int_equal(via_waitset_wait(all.set, all.ready, 1, &all.count, CORE_PATIENCE), VIA_OK);
        is_seen = is_seen || all.ready[0].channel == quiet.server;
    }
    assert_true(is_seen);
    for (int i = 0; i < BUSY; i++)
        core_pair_close(&busy[i]);
    core_pair_close(&quiet);
    via_waitset_destroy(all.set);
}

/* Arming that neither looks nor clears the handle would have the wait turn round for ever. */
static void test_waitset__lazy_arming_is_not_spun_on(void **state)
{
    fixture all = begin(state);
    core_pair pair = core_pair_open(all.host, "loop", "?lazy=true", VIA_TWO);
    assert_int_equal(via_waitset_add(all.set, pair.server, VIA_READ, NULL), VIA_OK);
    assert_int_equal(wait_for(&all, VIA_NOW), VIA_ETIMEDOUT);
    core_send(pair.client, "seen on the handle only");
    expect_only(&all, pair.server, VIA_READ);
    core_expect(pair.server, "seen on the handle only");
    via_waitset_destroy(all.set);
    core_pair_close(&pair);
}

/* ---- thousands ---------------------------------------------------------------------------------------------- */

static rlim_t allow_descriptors(rlim_t wanted)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return limit.rlim_cur;
}

/*
 * No clock: the work is counted. A wake-up arms what was woken and what was reported before it, however many channels
 * are idle beside it.
 */
static void test_waitset__idle_channels_cost_nothing(void **state)
{
    enum { WAKES = 200, OWN_DESCRIPTORS = 100 };
    const size_t many = allow_descriptors(5000 + OWN_DESCRIPTORS) < 5000 + OWN_DESCRIPTORS ? 800 : 5000;
    fixture all = begin(state);
    core_pair *pairs = calloc(many, sizeof(*pairs));
    uint64_t arms = 0;
    const size_t before = mallinfo2().uordblks; /* 0 in a build with a sanitizer's allocator */
    for (size_t i = 0; i < many; i++) {
        pairs[i] = core_pair_open(all.host, "loop", "", VIA_TWO);
        assert_int_equal(via_waitset_add(all.set, pairs[i].server, VIA_READ, &pairs[i]), VIA_OK);
    }
    assert_int_equal(wait_for(&all, VIA_NOW), VIA_ETIMEDOUT);
    assert_true((mallinfo2().uordblks - before) / (2 * many) <= 4096); /* both ends are here, and a listener a pair */
    for (size_t i = 0; i < many; i++)
        arms += core_arms(pairs[i].server);
    assert_int_equal(arms, many);
    for (size_t i = 0; i < WAKES; i++) {
        core_pair *woken = &pairs[i * 7919 % many];
        core_send(woken->client, "wake up");
        expect_only(&all, woken->server, VIA_READ);
        assert_ptr_equal(all.ready[0].user, woken);
        core_expect(woken->server, "wake up");
    }
    assert_int_equal(wait_for(&all, VIA_NOW), VIA_ETIMEDOUT);
    for (size_t i = 0; i < many; i++)
        arms -= core_arms(pairs[i].server);
    assert_true(0 - arms <= UINT64_C(3) * WAKES);
    for (size_t i = 0; i < many; i++)
        core_pair_close(&pairs[i]);
    free(pairs);
    via_waitset_destroy(all.set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waitset__reports_what_is_ready_until_it_is_taken),
        cmocka_unit_test(test_waitset__message_that_was_there_before_is_seen),
        cmocka_unit_test(test_waitset__room_to_send_is_an_event),
        cmocka_unit_test(test_waitset__listener_is_ready_when_somebody_dials),
        cmocka_unit_test(test_waitset__one_set_a_channel),
        cmocka_unit_test(test_waitset__closing_a_channel_removes_it),
        cmocka_unit_test(test_waitset__waking_is_kept_for_the_next_wait),
        cmocka_unit_test(test_waitset__work_is_served_without_asking),
        cmocka_unit_test(test_waitset__busy_channels_do_not_hide_others),
        cmocka_unit_test(test_waitset__lazy_arming_is_not_spun_on),
        cmocka_unit_test(test_waitset__idle_channels_cost_nothing),
    };
    return cmocka_run_group_tests(tests, core_setup, core_teardown);
}
