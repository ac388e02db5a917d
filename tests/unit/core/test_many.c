/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VIA_MANY: any number of threads on one channel or listener. Nothing is lost, nothing comes twice, nobody sleeps on.
 *
 * The loop transport undoes an arming with every call of the same direction, so a leader that is not stirred when
 * somebody else has tried never wakes again, and the test runs into its time limit.
 */
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <viaduct/ext/handles.h>

enum { THREADS = 4, EACH = 1500, TOTAL = THREADS * EACH };

typedef struct traffic {
    via_channel *out;
    via_channel *in;
    atomic_uint next;
    atomic_uint received;
    atomic_uint failures;
    atomic_uchar seen[TOTAL];
} traffic;

static void *send_some(void *argument)
{
    traffic *all = argument;
    for (uint32_t i = 0; i < EACH; i++) {
        const uint32_t number = atomic_fetch_add(&all->next, 1);
        if (via_send(all->out, &number, sizeof(number), NULL, CORE_PATIENCE) != VIA_OK)
            atomic_fetch_add(&all->failures, 1);
    }
    return NULL;
}

static void tick_off(traffic *all, const via_msg *message)
{
    uint32_t number = TOTAL;
    memcpy(&number, message->data, sizeof(number));
    if (message->size != sizeof(number) || number >= TOTAL || atomic_fetch_add(&all->seen[number], 1) != 0)
        atomic_fetch_add(&all->failures, 1);
}

static bool take_one(traffic *all, via_deadline deadline)
{
    via_msg message;
    const via_status status = via_recv(all->in, deadline, &message);
    if (status == VIA_ETIMEDOUT)
        return false;
    if (status != VIA_OK) {
        atomic_fetch_add(&all->failures, 1);
        return false;
    }
    tick_off(all, &message);
    via_release(all->in, &message);
    return true;
}

/* Each takes its share and no more, so that nobody waits for what will not come. */
static void *receive_share(void *argument)
{
    traffic *all = argument;
    while (atomic_fetch_add(&all->received, 1) < TOTAL) {
        if (!take_one(all, CORE_PATIENCE))
            atomic_fetch_add(&all->failures, 1);
    }
    return NULL;
}

/* The same with a mind of its own about waiting: never, a moment, or long. */
static void *receive_fickly(void *argument)
{
    traffic *all = argument;
    uint32_t round = 0;
    while (atomic_fetch_add(&all->received, 1) < TOTAL) {
        bool has_taken = false;
        while (!has_taken) {
            round++;
            const via_deadline moment = via_now_ns() + 20000;
            has_taken = take_one(all, round % 3 == 0 ? VIA_NOW : round % 3 == 1 ? moment : CORE_PATIENCE);
        }
    }
    return NULL;
}

static void run_traffic(via_channel *out, via_channel *in, void *(*odd)(void *), void *(*even)(void *))
{
    traffic *all = calloc(1, sizeof(*all));
    pthread_t senders[THREADS];
    pthread_t receivers[THREADS];
    all->out = out;
    all->in = in;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&receivers[i], NULL, i % 2 == 0 ? even : odd, all), 0);
        assert_int_equal(pthread_create(&senders[i], NULL, send_some, all), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(senders[i], NULL), 0);
        assert_int_equal(pthread_join(receivers[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&all->failures), 0);
    for (int i = 0; i < TOTAL; i++)
        assert_int_equal(atomic_load(&all->seen[i]), 1);
    free(all);
}

static void test_many__each_message_comes_once_through_a_pair(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "?capacity=3", VIA_MANY);
    via_counters counters = {.size = sizeof(counters)};
    run_traffic(pair.client, pair.server, receive_share, receive_share);
    assert_int_equal(via_stats(pair.client, &counters), VIA_OK);
    assert_int_equal(counters.sent_messages, TOTAL);
    assert_int_equal(via_stats(pair.server, &counters), VIA_OK);
    assert_int_equal(counters.received_messages, TOTAL);
    core_pair_close(&pair);
}

static void test_many__impatient_callers_do_not_strand_the_leader(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "?capacity=1", VIA_MANY);
    run_traffic(pair.client, pair.server, receive_fickly, receive_share);
    core_pair_close(&pair);
}

static void test_many__queue_between_crowds(void **state)
{
    via_channel *pull = core_join(*state, "loop:crowds?capacity=5", VIA_PULL, VIA_SIDE_DEFAULT, VIA_MANY);
    via_channel *push = core_join(*state, "loop:crowds?capacity=5", VIA_PUSH, VIA_SIDE_DEFAULT, VIA_MANY);
    run_traffic(push, pull, receive_fickly, receive_fickly);
    via_close(push);
    via_close(pull);
}

static void test_many__option_in_the_address_is_enough(void **state)
{
    core_pair pair = core_pair_open(*state, "bare", "?threads=many&capacity=2", VIA_TWO);
    run_traffic(pair.client, pair.server, receive_share, receive_share);
    core_pair_close(&pair);
}

/* ---- deadlines and interrupts ------------------------------------------------------------------------------- */

typedef struct waiter {
    via_channel *channel;
    via_deadline deadline;
    via_status status;
} waiter;

static void *wait_for_message(void *argument)
{
    waiter *task = argument;
    via_msg message;
    task->status = via_recv(task->channel, task->deadline, &message);
    if (task->status == VIA_OK)
        via_release(task->channel, &message);
    return NULL;
}

static void *wait_for_room(void *argument)
{
    waiter *task = argument;
    task->status = via_send(task->channel, "x", 1, NULL, task->deadline);
    return NULL;
}

static void test_many__every_follower_keeps_its_own_deadline(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "", VIA_MANY);
    waiter waiters[6];
    pthread_t threads[6];
    for (int i = 0; i < 6; i++) {
        waiters[i] = (waiter){pair.server, i < 3 ? via_after_ms((uint64_t)i * 3) : CORE_PATIENCE, VIA_EIO};
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_message, &waiters[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(waiters[i].status, VIA_ETIMEDOUT);
    }
    for (int i = 3; i < 6; i++)
        core_send(pair.client, "for one of you");
    for (int i = 3; i < 6; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(waiters[i].status, VIA_OK);
    }
    core_pair_close(&pair);
}

static void test_many__interrupt_ends_leader_and_followers(void **state)
{
    core_pair pair = core_pair_open(*state, "bare", "?capacity=1", VIA_MANY);
    waiter waiters[8];
    pthread_t threads[8];
    core_send(pair.client, "full");
    for (int i = 0; i < 8; i++) {
        waiters[i] = (waiter){pair.client, VIA_FOREVER, VIA_EIO};
        assert_int_equal(pthread_create(&threads[i], NULL, i % 2 == 0 ? wait_for_message : wait_for_room, &waiters[i]),
                         0);
    }
    via_interrupt(pair.client);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(waiters[i].status, VIA_ECANCELED);
    }
    assert_int_equal(via_flush(pair.client, VIA_FOREVER), VIA_ECANCELED);
    core_pair_close(&pair);
}

/* ---- calls beside the leader -------------------------------------------------------------------------------- */

/* Returns when somebody waits on the channel: the loop has been armed once more than `before`. */
static void await_leader(via_channel *channel, uint64_t before)
{
    while (core_arms(channel) == before)
        (void)sched_yield();
}

/*
 * `call` undoes the arming of the leader, which must arm again, or it never sees the message that comes then. Without
 * a deadline: at its deadline a leader looks once more.
 */
static void leader_outlives(via_channel *receiver, via_channel *sender, void (*call)(void *), void *argument)
{
    waiter task = {receiver, VIA_FOREVER, VIA_EIO};
    pthread_t thread;
    const uint64_t arms = core_arms(receiver);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_message, &task), 0);
    await_leader(receiver, arms);
    call(argument);
    core_send(sender, "for the leader");
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(task.status, VIA_OK);
}

typedef struct lent {
    via_channel *channel;
    via_msg message;
} lent;

static void give_back(void *argument)
{
    lent *it = argument;
    via_release(it->channel, &it->message);
}

static void take_no_handles(void *argument)
{
    lent *it = argument;
    size_t count = 0;
    assert_int_equal(via_handles_take(it->channel, NULL, 0, &count), VIA_OK);
}

static void test_many__giving_back_does_not_strand_the_leader(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "?touchy=true", VIA_MANY);
    lent it = {.channel = pair.server};
    core_send(pair.client, "lent");
    assert_int_equal(via_recv(pair.server, CORE_PATIENCE, &it.message), VIA_OK);
    leader_outlives(pair.server, pair.client, give_back, &it);
    leader_outlives(pair.server, pair.client, take_no_handles, &it);
    core_pair_close(&pair);
}

static void test_many__discarding_does_not_strand_the_leader(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "?touchy=true&capacity=1", VIA_MANY);
    waiter task = {pair.client, VIA_FOREVER, VIA_EIO};
    via_msg loan;
    pthread_t thread;
    const uint64_t arms = core_arms(pair.client);
    assert_int_equal(via_loan(pair.client, 4, CORE_PATIENCE, &loan), VIA_OK);
    core_send(pair.client, "full");
    assert_int_equal(pthread_create(&thread, NULL, wait_for_room, &task), 0);
    await_leader(pair.client, arms);
    via_discard(pair.client, &loan);
    core_expect(pair.server, "full");
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(task.status, VIA_OK);
    core_pair_close(&pair);
}

typedef struct arming {
    via_channel *channel;
    atomic_bool is_over;
} arming;

static void *arm_always(void *argument)
{
    arming *task = argument;
    while (!atomic_load(&task->is_over)) {
        const via_status status = via_arm(task->channel, VIA_READ);
        if (status != VIA_OK && status != VIA_EREADY)
            return task;
    }
    return NULL;
}

/* Arming clears the handle, perhaps between a message that raised it and the leader that it was to wake. */
static void test_many__arming_does_not_strand_the_leader(void **state)
{
    enum { MESSAGES = 2000 };
    core_pair pair = core_pair_open(*state, "loop", "", VIA_MANY);
    arming task = {.channel = pair.server};
    waiter one = {pair.server, VIA_FOREVER, VIA_EIO};
    pthread_t armer;
    void *failed;
    assert_int_equal(pthread_create(&armer, NULL, arm_always, &task), 0);
    for (int i = 0; i < MESSAGES; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, wait_for_message, &one), 0);
        core_send(pair.client, "x");
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(one.status, VIA_OK);
    }
    atomic_store(&task.is_over, true);
    assert_int_equal(pthread_join(armer, &failed), 0);
    assert_null(failed);
    core_pair_close(&pair);
}

/* ---- accepting ---------------------------------------------------------------------------------------------- */

typedef struct accepter {
    via_listener *listener;
    atomic_uint accepted;
    atomic_uint canceled;
} accepter;

static void *accept_until_interrupted(void *argument)
{
    accepter *task = argument;
    via_channel *channel;
    via_status status;
    while ((status = via_accept(task->listener, VIA_FOREVER, &channel, NULL)) == VIA_OK) {
        atomic_fetch_add(&task->accepted, 1);
        core_send(channel, "welcome");
        via_close(channel);
    }
    if (status == VIA_ECANCELED)
        atomic_fetch_add(&task->canceled, 1);
    return NULL;
}

static void test_many__many_threads_accept(void **state)
{
    enum { DIALERS = 100 };
    accepter task = {NULL, 0, 0};
    pthread_t threads[THREADS];
    via_open_options options;
    via_open_options_init(&options);
    options.threads = VIA_MANY;
    assert_int_equal(via_listen(*state, "loop:doors?backlog=2", &options, &task.listener, NULL), VIA_OK);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, accept_until_interrupted, &task), 0);
    for (int i = 0; i < DIALERS; i++) {
        via_channel *channel = NULL;
        assert_int_equal(via_dial(*state, "loop:doors", NULL, CORE_PATIENCE, &channel, NULL), VIA_OK);
        core_expect(channel, "welcome");
        via_close(channel);
    }
    via_listener_interrupt(task.listener);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&task.accepted), DIALERS);
    assert_int_equal(atomic_load(&task.canceled), THREADS);
    via_listener_close(task.listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many__each_message_comes_once_through_a_pair),
        cmocka_unit_test(test_many__impatient_callers_do_not_strand_the_leader),
        cmocka_unit_test(test_many__queue_between_crowds),
        cmocka_unit_test(test_many__option_in_the_address_is_enough),
        cmocka_unit_test(test_many__every_follower_keeps_its_own_deadline),
        cmocka_unit_test(test_many__interrupt_ends_leader_and_followers),
        cmocka_unit_test(test_many__giving_back_does_not_strand_the_leader),
        cmocka_unit_test(test_many__discarding_does_not_strand_the_leader),
        cmocka_unit_test(test_many__arming_does_not_strand_the_leader),
        cmocka_unit_test(test_many__many_threads_accept),
    };
    return cmocka_run_group_tests(tests, core_setup, core_teardown);
}
