/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The waitset among threads: the hunt for a wake-up that is lost.
 *
 * Each round trip sleeps in the set; one lost wake-up, and the test runs into its deadline.
 */
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { PEERS = 4, ROUNDS = 1500 };

typedef struct peer {
    via_channel *channel;
    via_status status;
} peer;

static void *ask_and_hear(void *argument)
{
    peer *task = argument;
    via_msg message;
    task->status = VIA_OK;
    for (uint32_t i = 0; i < ROUNDS && task->status == VIA_OK; i++) {
        task->status = via_send(task->channel, &i, sizeof(i), NULL, CORE_PATIENCE);
        if (task->status == VIA_OK)
            task->status = via_recv(task->channel, CORE_PATIENCE, &message);
        if (task->status != VIA_OK)
            break;
        if (message.size != sizeof(i) || memcmp(message.data, &i, sizeof(i)) != 0)
            task->status = VIA_EPROTO;
        via_release(task->channel, &message);
    }
    return NULL;
}

static void answer_one(via_channel *channel)
{
    via_msg message;
    assert_int_equal(via_recv(channel, VIA_NOW, &message), VIA_OK);
    assert_int_equal(via_send(channel, message.data, message.size, NULL, CORE_PATIENCE), VIA_OK);
    via_release(channel, &message);
}

static void serve(via_waitset *set, size_t answers)
{
    via_ready ready[3];
    size_t count;
    while (answers > 0) {
        assert_int_equal(via_waitset_wait(set, ready, 3, &count, CORE_PATIENCE), VIA_OK);
        assert_true(count >= 1);
        for (size_t i = 0; i < count; i++, answers--)
            answer_one(ready[i].channel);
    }
}

static void no_wake_up_is_lost(void **state, const char *options, uint32_t threads)
{
    core_pair pairs[PEERS];
    peer peers[PEERS];
    pthread_t running[PEERS];
    via_waitset *set = NULL;
    assert_int_equal(via_waitset_create(&set, NULL), VIA_OK);
    for (int i = 0; i < PEERS; i++) {
        pairs[i] = core_pair_open(*state, "loop", options, threads);
        peers[i] = (peer){pairs[i].client, VIA_EIO};
        assert_int_equal(via_waitset_add(set, pairs[i].server, VIA_READ, NULL), VIA_OK);
        assert_int_equal(pthread_create(&running[i], NULL, ask_and_hear, &peers[i]), 0);
    }
    serve(set, (size_t)PEERS * ROUNDS);
    for (int i = 0; i < PEERS; i++) {
        assert_int_equal(pthread_join(running[i], NULL), 0);
        assert_int_equal(peers[i].status, VIA_OK);
        core_pair_close(&pairs[i]);
    }
    via_waitset_destroy(set);
}

static void test_waitset_threads__no_wake_up_is_lost(void **state)
{
    no_wake_up_is_lost(state, "", VIA_TWO);
    no_wake_up_is_lost(state, "?capacity=1", VIA_MANY);
}

/* ---- work --------------------------------------------------------------------------------------------------- */

typedef struct trickle {
    via_channel *channel;
    atomic_bool is_over;
    via_waitset *set;
    atomic_int failures;
} trickle;

static void *serve_work(void *argument)
{
    trickle *task = argument;
    via_ready ready;
    size_t count;
    while (!atomic_load(&task->is_over)) {
        if (via_waitset_wait(task->set, &ready, 1, &count, CORE_PATIENCE) != VIA_OK)
            atomic_fetch_add(&task->failures, 1);
    }
    return NULL;
}

/* Every second message is left as a tail, which only the waitset moves: the sender does not come back to it. */
static void test_waitset_threads__tails_are_moved_by_the_waiting_thread(void **state)
{
    core_pair pair = core_pair_open(*state, "loop", "?capacity=1&tail=true", VIA_TWO);
    trickle task = {.channel = pair.client};
    pthread_t thread;
    assert_int_equal(via_waitset_create(&task.set, NULL), VIA_OK);
    assert_int_equal(via_waitset_add(task.set, pair.client, VIA_READ, NULL), VIA_OK);
    assert_int_equal(pthread_create(&thread, NULL, serve_work, &task), 0);
    for (int i = 0; i < ROUNDS; i++) {
        core_send(pair.client, "box");
        core_send(pair.client, "tail");
        core_expect(pair.server, "box");
        core_expect(pair.server, "tail");
    }
    atomic_store(&task.is_over, true);
    via_waitset_wake(task.set);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(atomic_load(&task.failures), 0);
    via_waitset_destroy(task.set);
    core_pair_close(&pair);
}

/* ---- coming and going --------------------------------------------------------------------------------------- */

/* Channels are added, interrupted and closed by others while one thread waits. */
static void test_waitset_threads__members_come_and_go_during_a_wait(void **state)
{
    trickle task = {.channel = NULL};
    pthread_t thread;
    assert_int_equal(via_waitset_create(&task.set, NULL), VIA_OK);
    assert_int_equal(pthread_create(&thread, NULL, serve_work, &task), 0);
    for (int i = 0; i < 300; i++) {
        core_pair pair = core_pair_open(*state, "loop", "", VIA_MANY);
        assert_int_equal(via_waitset_add(task.set, pair.server, VIA_READ, NULL), VIA_OK);
        core_send(pair.client, "look");
        if (i % 3 == 0)
            via_interrupt(pair.server);
        if (i % 3 == 1)
            assert_int_equal(via_waitset_remove(task.set, pair.server), VIA_OK);
        core_pair_close(&pair);
    }
    atomic_store(&task.is_over, true);
    via_waitset_wake(task.set);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(atomic_load(&task.failures), 0);
    via_waitset_destroy(task.set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waitset_threads__no_wake_up_is_lost),
        cmocka_unit_test(test_waitset_threads__tails_are_moved_by_the_waiting_thread),
        cmocka_unit_test(test_waitset_threads__members_come_and_go_during_a_wait),
    };
    return cmocka_run_group_tests(tests, core_setup, core_teardown);
}
