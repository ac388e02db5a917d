/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork(): in the child every object of the parent answers VIA_EFORK and can only be closed, and the parent's are not
 * touched by it.
 *
 * A child may not use cmocka: it answers by its exit status, the number of the line that failed.
 */
#include "support.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return __LINE__;                                                                                           \
    } while (0)

typedef struct inherited {
    via_host *host;
    core_pair pair;
    via_waitset *set;
    via_msg loan;
} inherited;

static int data_calls_answer(inherited *all)
{
    via_channel *channel = all->pair.client;
    via_msg message;
    size_t size;
    uint64_t undelivered;
    CHECK(via_send(channel, "x", 1, NULL, VIA_NOW) == VIA_EFORK);
    CHECK(via_sendv(channel, NULL, 0, NULL, VIA_NOW) == VIA_EFORK);
    CHECK(via_loan(channel, 1, VIA_NOW, &message) == VIA_EFORK);
    CHECK(via_commit(channel, &all->loan, VIA_NOW) == VIA_EFORK);
    CHECK(via_recv(channel, VIA_NOW, &message) == VIA_EFORK);
    CHECK(via_recv_into(channel, NULL, 0, &size, NULL, VIA_NOW) == VIA_EFORK);
    CHECK(via_flush(channel, VIA_NOW) == VIA_EFORK);
    CHECK(via_finish(channel, VIA_NOW) == VIA_EFORK);
    CHECK(via_drain(channel, VIA_NOW, &undelivered) == VIA_EFORK);
    via_interrupt(channel);
    return 0;
}

static int other_calls_answer(inherited *all)
{
    via_channel *channel = all->pair.client;
    via_channel *fresh = NULL;
    via_listener *listener = NULL;
    via_poll_handle handle = {.size = sizeof(handle)};
    via_peer_info peer = {.size = sizeof(peer)};
    via_channel_info info = {.size = sizeof(info)};
    via_counters counters = {.size = sizeof(counters)};
    via_error error;
    via_plugin_info plugin = {.size = sizeof(plugin)};
    size_t cursor = 0;
    via_ready ready;
    void *self;
    CHECK(via_pollable(channel, VIA_READ, &handle) == VIA_EFORK);
    CHECK(via_arm(channel, VIA_READ) == VIA_EFORK);
    CHECK(via_peer(channel, &peer) == VIA_EFORK);
    CHECK(via_info(channel, &info) == VIA_EFORK);
    CHECK(via_stats(channel, &counters) == VIA_EFORK);
    CHECK(via_failure(channel, &error) == VIA_EFORK);
    CHECK(via_extension(channel, VIA_LOOP_CONTROL_ID, &self) == NULL);
    CHECK(via_accept(all->pair.listener, VIA_NOW, &fresh, &error) == VIA_EFORK && error.mend[0] != '\0');
    CHECK(via_listener_arm(all->pair.listener) == VIA_EFORK);
    CHECK(via_listener_pollable(all->pair.listener, &handle) == VIA_EFORK);
    CHECK(via_waitset_add(all->set, channel, VIA_READ, NULL) == VIA_EFORK);
    CHECK(via_waitset_remove(all->set, channel) == VIA_EFORK);
    CHECK(via_waitset_wait(all->set, &ready, 1, &cursor, VIA_NOW) == VIA_EFORK);
    CHECK(via_dial(all->host, "loop:x", NULL, VIA_NOW, &fresh, &error) == VIA_EFORK);
    CHECK(via_listen(all->host, "loop:x", NULL, &listener, &error) == VIA_EFORK);
    CHECK(via_plugin_next(all->host, &cursor, &plugin) == VIA_EFORK);
    CHECK(via_host_scan(all->host, &error) == VIA_EFORK);
    return 0;
}

static int close_everything(inherited *all)
{
    via_close(all->pair.server);
    via_waitset_destroy(all->set);
    via_close(all->pair.client);
    via_listener_close(all->pair.listener);
    via_host_close(all->host);
    return 0;
}

static int child(inherited *all)
{
    int line = data_calls_answer(all);
    if (line == 0)
        line = other_calls_answer(all);
    if (line == 0)
        line = close_everything(all);
    return line;
}

/* Runs `body` in a child and answers what it answered. */
static int in_child(int (*body)(inherited *), inherited *all)
{
    int status = 0;
    const pid_t pid = fork();
    if (pid == 0)
        _exit(body(all) % 256); /* a line divisible by 256 would look like success: this file is shorter */
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static inherited open_everything(void **state, uint32_t threads)
{
    inherited all = {*state, core_pair_open(*state, "loop", "", threads), NULL, {0}};
    assert_int_equal(via_waitset_create(&all.set, NULL), VIA_OK);
    assert_int_equal(via_waitset_add(all.set, all.pair.server, VIA_READ, NULL), VIA_OK);
    assert_int_equal(via_waitset_add(all.set, all.pair.client, VIA_READ, NULL), VIA_OK);
    return all;
}

static void child_can_only_close(void **state, uint32_t threads)
{
    inherited all = open_everything(state, threads);
    via_ready ready[2];
    size_t count;
    assert_int_equal(in_child(child, &all), 0);
    core_send(all.pair.client, "the parent goes on");
    assert_int_equal(via_waitset_wait(all.set, ready, 2, &count, CORE_PATIENCE), VIA_OK);
    assert_int_equal(count, 1);
    assert_ptr_equal(ready[0].channel, all.pair.server);
    core_expect(all.pair.server, "the parent goes on");
    via_waitset_destroy(all.set);
    core_pair_close(&all.pair);
}

static void test_fork__child_can_only_close(void **state)
{
    child_can_only_close(state, VIA_TWO);
    child_can_only_close(state, VIA_MANY);
}

static void *receive_until_interrupted(void *channel)
{
    via_msg message;
    while (via_recv(channel, CORE_PATIENCE, &message) == VIA_OK)
        via_release(channel, &message);
    return NULL;
}

static int close_in_time(inherited *all)
{
    (void)alarm(20); /* or a child that hangs would keep us waiting */
    return close_everything(all);
}

/* The copies of the parent's sleeping threads keep nobody in the child. Several forks, since no call tells who sleeps. */
static void test_fork__child_closes_while_the_parents_threads_sleep(void **state)
{
    inherited all = open_everything(state, VIA_MANY);
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, receive_until_interrupted, all.pair.server), 0);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(in_child(close_in_time, &all), 0);
        core_send(all.pair.client, "stir");
    }
    via_interrupt(all.pair.server);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    via_waitset_destroy(all.set);
    core_pair_close(&all.pair);
}

static int talk_to_itself(inherited *all)
{
    via_listener *listener = NULL;
    via_channel *client = NULL;
    via_channel *server = NULL;
    char text[8];
    size_t size;
    via_host *host = core_host_open();
    CHECK(via_listen(host, "loop:child", NULL, &listener, NULL) == VIA_OK);
    CHECK(via_dial(host, "loop:child", NULL, VIA_NOW, &client, NULL) == VIA_OK);
    CHECK(via_accept(listener, VIA_NOW, &server, NULL) == VIA_OK);
    CHECK(via_send(client, "mine", 4, NULL, VIA_NOW) == VIA_OK);
    CHECK(via_recv_into(server, text, sizeof(text), &size, NULL, VIA_NOW) == VIA_OK && size == 4);
    CHECK(via_send(all->pair.client, "x", 1, NULL, VIA_NOW) == VIA_EFORK);
    via_close(client);
    via_close(server);
    via_listener_close(listener);
    via_host_close(host);
    return 0;
}

static int grandchild(inherited *all)
{
    core_pair own = core_pair_open(core_host_open(), "loop", "", VIA_TWO);
    inherited mine = {NULL, own, NULL, {0}};
    int status;
    (void)all;
    const pid_t pid = fork();
    if (pid == 0)
        _exit(via_send(mine.pair.client, "x", 1, NULL, VIA_NOW) == VIA_EFORK ? 0 : 1);
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(via_send(mine.pair.client, "x", 1, NULL, VIA_NOW) == VIA_OK);
    return 0;
}

static void test_fork__child_may_open_a_host_of_its_own(void **state)
{
    inherited all = open_everything(state, VIA_TWO);
    assert_int_equal(in_child(talk_to_itself, &all), 0);
    assert_int_equal(in_child(grandchild, &all), 0);
    core_send(all.pair.client, "undisturbed");
    core_expect(all.pair.server, "undisturbed");
    via_waitset_destroy(all.set);
    core_pair_close(&all.pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fork__child_can_only_close),
        cmocka_unit_test(test_fork__child_closes_while_the_parents_threads_sleep),
        cmocka_unit_test(test_fork__child_may_open_a_host_of_its_own),
    };
    return cmocka_run_group_tests(tests, core_setup, core_teardown);
}
