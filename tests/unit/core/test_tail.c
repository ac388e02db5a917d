/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VIA_MANY and the kept tail: whoever is inside a call on the channel moves it.
 *
 * In the loop transport with `tail=true` a full receiver is sent one message more, which stays with the sender until
 * somebody flushes or arms for work. Nobody here does, and where a tail is forgotten the test runs into its time limit.
 */
#include "support.h"

#include <pthread.h>
#include <sched.h>

typedef struct task {
    via_channel *channel;
    via_deadline deadline;
    uint32_t flags;
    via_status status;
} task;

static void *send_text(void *argument)
{
    task *it = argument;
    const via_meta meta = {.flags = it->flags};
    it->status = via_send(it->channel, "tail", 4, &meta, it->deadline);
    return NULL;
}

static void *send_loan(void *argument)
{
    task *it = argument;
    via_msg loan;
    it->status = via_loan(it->channel, 4, it->deadline, &loan);
    if (it->status != VIA_OK)
        return NULL;
    memcpy(loan.data, "tail", 4);
    it->status = via_commit(it->channel, &loan, it->deadline);
    return NULL;
}

static void *receive_answer(void *argument)
{
    task *it = argument;
    via_msg message;
    it->status = via_recv(it->channel, it->deadline, &message);
    if (it->status == VIA_OK)
        via_release(it->channel, &message);
    return NULL;
}

static core_pair open_pair(void **state)
{
    return core_pair_open(*state, "loop", "?capacity=1&tail=true", VIA_MANY);
}

static void send_at_once(via_channel *channel, const char *text)
{
    assert_int_equal(via_send(channel, text, strlen(text), NULL, VIA_NOW), VIA_OK);
}

static void await_tail(via_channel *channel)
{
    via_counters counters = {.size = sizeof(counters)};
    while (counters.backlog_bytes == 0) {
        (void)sched_yield();
        assert_int_equal(via_stats(channel, &counters), VIA_OK);
    }
}

static void sender_goes_on(void **state, void *(*run)(void *))
{
    core_pair pair = open_pair(state);
    task it = {.channel = pair.client, .deadline = VIA_FOREVER, .status = VIA_EIO};
    pthread_t thread;
    send_at_once(pair.client, "in the box");
    assert_int_equal(pthread_create(&thread, NULL, run, &it), 0);
    await_tail(pair.client);
    core_expect(pair.server, "in the box");
    core_expect(pair.server, "tail");
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(it.status, VIA_OK);
    core_pair_close(&pair);
}

static void test_tail__a_send_goes_on_with_it(void **state)
{
    sender_goes_on(state, send_text);
}

static void test_tail__a_commit_goes_on_with_it(void **state)
{
    sender_goes_on(state, send_loan);
}

static void test_tail__a_deadline_and_more_leave_it(void **state)
{
    core_pair pair = open_pair(state);
    task late = {.channel = pair.client, .deadline = via_after_ms(5), .status = VIA_EIO};
    send_at_once(pair.client, "in the box");
    (void)send_text(&late);
    assert_int_equal(late.status, VIA_OK);
    core_expect(pair.server, "in the box");
    assert_int_equal(via_flush(pair.client, VIA_NOW), VIA_OK);
    task more = {.channel = pair.client, .deadline = VIA_FOREVER, .flags = VIA_MORE, .status = VIA_EIO};
    (void)send_text(&more); /* returns, although nobody receives */
    assert_int_equal(more.status, VIA_OK);
    core_expect(pair.server, "tail");
    assert_int_equal(via_flush(pair.client, VIA_NOW), VIA_OK);
    core_expect(pair.server, "tail");
    core_pair_close(&pair);
}

static void test_tail__an_interrupt_ends_the_wait_for_it(void **state)
{
    core_pair pair = open_pair(state);
    task it = {.channel = pair.client, .deadline = VIA_FOREVER, .status = VIA_EIO};
    pthread_t thread;
    send_at_once(pair.client, "in the box");
    assert_int_equal(pthread_create(&thread, NULL, send_text, &it), 0);
    via_interrupt(pair.client);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(it.status == VIA_OK || it.status == VIA_ECANCELED); /* accepted before, or not */
    core_pair_close(&pair);
}

/* Nobody sends any more: the thread that waits for an answer is the only one inside the channel. */
static void answer_when_all_has_come(core_pair *pair, pthread_t receiver, const task *it)
{
    core_expect(pair->server, "in the box");
    core_expect(pair->server, "tail");
    core_send(pair->server, "answer");
    assert_int_equal(pthread_join(receiver, NULL), 0);
    assert_int_equal(it->status, VIA_OK);
    core_pair_close(pair);
}

static void test_tail__a_receiver_moves_what_was_left_before(void **state)
{
    core_pair pair = open_pair(state);
    task it = {.channel = pair.client, .deadline = VIA_FOREVER, .status = VIA_EIO};
    pthread_t thread;
    send_at_once(pair.client, "in the box");
    send_at_once(pair.client, "tail");
    assert_int_equal(pthread_create(&thread, NULL, receive_answer, &it), 0);
    answer_when_all_has_come(&pair, thread, &it);
}

static void test_tail__a_receiver_moves_what_is_left_while_it_sleeps(void **state)
{
    core_pair pair = open_pair(state);
    task it = {.channel = pair.client, .deadline = VIA_FOREVER, .status = VIA_EIO};
    pthread_t thread;
    const uint64_t arms = core_arms(pair.client);
    assert_int_equal(pthread_create(&thread, NULL, receive_answer, &it), 0);
    while (core_arms(pair.client) < arms + 2) /* for work, and for reading */
        (void)sched_yield();
    send_at_once(pair.client, "in the box");
    send_at_once(pair.client, "tail");
    answer_when_all_has_come(&pair, thread, &it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tail__a_send_goes_on_with_it),
        cmocka_unit_test(test_tail__a_commit_goes_on_with_it),
        cmocka_unit_test(test_tail__a_deadline_and_more_leave_it),
        cmocka_unit_test(test_tail__an_interrupt_ends_the_wait_for_it),
        cmocka_unit_test(test_tail__a_receiver_moves_what_was_left_before),
        cmocka_unit_test(test_tail__a_receiver_moves_what_is_left_while_it_sleeps),
    };
    return cmocka_run_group_tests(tests, core_setup, core_teardown);
}
