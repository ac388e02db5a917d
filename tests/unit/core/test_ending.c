/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How channels end: finish, flush, drain, close, death.
 */
#include "support.h"

#include <pthread.h>

static void test_ending__finish_ends_sending_only(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "", VIA_TWO);
    via_msg message;
    core_send(pair.client, "last words");
    assert_int_equal(via_finish(pair.client, CORE_PATIENCE), VIA_OK);
    assert_int_equal(via_finish(pair.client, CORE_PATIENCE), VIA_OK);
    assert_int_equal(via_send(pair.client, "x", 1, NULL, VIA_NOW), VIA_EINVAL);
    assert_int_equal(via_sendv(pair.client, NULL, 0, NULL, VIA_NOW), VIA_EINVAL);
    core_expect(pair.server, "last words");
    assert_int_equal(via_recv(pair.server, CORE_PATIENCE, &message), VIA_ECLOSED);
    assert_int_equal(via_recv(pair.server, CORE_PATIENCE, &message), VIA_ECLOSED);
    core_send(pair.server, "answer");
    core_expect(pair.client, "answer");
    core_pair_close(&pair);
}

static void test_ending__finish_holds_for_many_and_for_loans(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "", VIA_MANY);
    via_msg loan;
    assert_int_equal(via_loan(pair.client, 3, VIA_NOW, &loan), VIA_OK);
    assert_int_equal(via_finish(pair.client, CORE_PATIENCE), VIA_OK);
    assert_int_equal(via_commit(pair.client, &loan, VIA_NOW), VIA_EINVAL);
    via_discard(pair.client, &loan);
    assert_int_equal(via_send(pair.client, "x", 1, NULL, VIA_NOW), VIA_EINVAL);
    core_pair_close(&pair);
}

static void test_ending__optional_slots_that_are_missing(void **state)
{
    core_pair pair = core_pair_open(*state, "bare", "", VIA_TWO);
    uint64_t undelivered = 99;
    assert_int_equal(via_finish(pair.client, VIA_NOW), VIA_ENOTSUP);
    core_send(pair.client, "still open");
    assert_int_equal(via_flush(pair.client, VIA_NOW), VIA_OK);
    assert_int_equal(via_drain(pair.client, VIA_NOW, &undelivered), VIA_OK);
    assert_int_equal(undelivered, 0);
    assert_int_equal(via_drain(pair.client, VIA_NOW, NULL), VIA_OK);
    core_pair_close(&pair);
}

static void test_ending__close_lets_the_rest_be_received(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "?capacity=1&tail=true", VIA_TWO);
    via_msg message;
    via_error failure;
    core_send(pair.client, "in the box");
    core_send(pair.client, "in the tail");
    via_close(pair.client);
    pair.client = NULL;
    core_expect(pair.server, "in the box");
    core_expect(pair.server, "in the tail");
    assert_int_equal(via_recv(pair.server, VIA_NOW, &message), VIA_ECLOSED);
    assert_int_equal(via_send(pair.server, "x", 1, NULL, VIA_NOW), VIA_ECLOSED);
    assert_int_equal(via_failure(pair.server, &failure), VIA_ENOENT);
    assert_int_equal(failure.status, VIA_OK);
    core_pair_close(&pair);
}

static void test_ending__death_has_a_lasting_reason(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "", VIA_TWO);
    via_msg message;
    via_error failure;
    core_send(pair.client, "before");
    core_kill(pair.client);
    core_expect(pair.server, "before");
    assert_int_equal(via_failure(pair.server, &failure), VIA_ENOENT);
    assert_int_equal(via_recv(pair.server, CORE_PATIENCE, &message), VIA_EPEER);
    assert_int_equal(via_failure(pair.server, &failure), VIA_OK);
    assert_int_equal(failure.status, VIA_EPEER);
    assert_int_equal(failure.stage, VIA_STAGE_DATA);
    assert_string_equal(failure.plugin, "loop");
    assert_non_null(strstr(failure.what, "killed by the test"));
    assert_non_null(strstr(failure.what, "loop:pair"));
    assert_string_equal(failure.mend, "dial again");
    assert_int_equal(via_send(pair.server, "x", 1, NULL, VIA_NOW), VIA_EPEER);
    assert_int_equal(via_failure(pair.server, &failure), VIA_OK);
    assert_non_null(strstr(failure.what, "killed by the test"));
    core_pair_close(&pair);
}

static void test_ending__transport_that_gives_no_reason_gets_one(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "", VIA_TWO);
    via_error failure;
    core_kill(pair.client);
    assert_int_equal(via_send(pair.server, "x", 1, NULL, VIA_NOW), VIA_EPEER);
    assert_int_equal(via_failure(pair.server, &failure), VIA_OK);
    assert_non_null(strstr(failure.what, "the other end died"));
    assert_string_equal(failure.mend, "see why it ended, then connect again"); /* a shell has no channel to close */
    core_pair_close(&pair);
}

/* ---- tails -------------------------------------------------------------------------------------------------- */

static void *take_two(void *argument)
{
    via_channel *channel = argument;
    via_msg message;
    for (int i = 0; i < 2; i++) {
        if (via_recv(channel, CORE_PATIENCE, &message) != VIA_OK)
            return channel;
        via_release(channel, &message);
    }
    return NULL;
}

static void flush_and_drain_wait_for_the_receiver(void **state, uint32_t threads)
{
    core_pair pair = core_pair_open(*state, "loop", "?capacity=1&tail=true", threads);
    pthread_t thread;
    void *result;
    uint64_t undelivered = 0;
    core_send(pair.client, "1");
    assert_int_equal(via_send(pair.client, "2", 1, NULL, VIA_NOW), VIA_OK); /* with time, a crowd would wait here */
    assert_int_equal(via_flush(pair.client, VIA_NOW), VIA_ETIMEDOUT);
    assert_int_equal(via_flush(pair.client, via_after_ms(3)), VIA_ETIMEDOUT);
    assert_int_equal(via_drain(pair.client, via_after_ms(3), &undelivered), VIA_ETIMEDOUT);
    assert_int_equal(undelivered, 2);
    assert_int_equal(pthread_create(&thread, NULL, take_two, pair.server), 0);
    assert_int_equal(via_flush(pair.client, CORE_PATIENCE), VIA_OK);
    assert_int_equal(via_drain(pair.client, CORE_PATIENCE, &undelivered), VIA_OK);
    assert_int_equal(undelivered, 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_null(result);
    core_pair_close(&pair);
}

static void test_ending__flush_and_drain_wait_for_the_receiver(void **state)
{
    flush_and_drain_wait_for_the_receiver(state, VIA_TWO);
}

static void test_ending__flush_and_drain_wait_in_a_crowd(void **state)
{
    flush_and_drain_wait_for_the_receiver(state, VIA_MANY);
}

static void test_ending__arming_for_work_moves_the_tail(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "?capacity=1&tail=true", VIA_TWO);
    core_pair plain = core_pair_open(*state, "loop", "", VIA_TWO);
    via_poll_handle handle = {.size = sizeof(handle)};
    assert_int_equal(via_pollable(plain.client, VIA_WORK, &handle), VIA_ENOTSUP);
    assert_int_equal(via_pollable(pair.client, VIA_WORK, &handle), VIA_OK);
    assert_int_equal(handle.kind, VIA_POLL_DESCRIPTOR);
    assert_int_equal(via_pollable(pair.client, 3, &handle), VIA_EINVAL);
    assert_int_equal(via_arm(pair.client, VIA_WORK), VIA_ENOENT);
    core_send(pair.client, "1");
    core_send(pair.client, "2");
    assert_int_equal(via_arm(pair.client, VIA_WORK), VIA_OK);
    core_expect(pair.server, "1");
    assert_int_equal(via_arm(pair.client, VIA_WORK), VIA_ENOENT);
    core_expect(pair.server, "2");
    core_pair_close(&plain);
    core_pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ending__finish_ends_sending_only),
        cmocka_unit_test(test_ending__finish_holds_for_many_and_for_loans),
        cmocka_unit_test(test_ending__optional_slots_that_are_missing),
        cmocka_unit_test(test_ending__close_lets_the_rest_be_received),
        cmocka_unit_test(test_ending__death_has_a_lasting_reason),
        cmocka_unit_test(test_ending__transport_that_gives_no_reason_gets_one),
        cmocka_unit_test(test_ending__flush_and_drain_wait_for_the_receiver),
        cmocka_unit_test(test_ending__flush_and_drain_wait_in_a_crowd),
        cmocka_unit_test(test_ending__arming_for_work_moves_the_tail),
    };
    return cmocka_run_group_tests(tests, core_setup, core_teardown);
}
