/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers that are killed: inside a function, inside a callback, while an answer is written, at any moment. Whoever waits is told at
 * once, by the transport's error, and every later call too.
 */
#include "mixture.h"
#include "role.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { KILLS = 12, BIG = 1024 * 1024 };

typedef struct victim {
    pid_t pid;
    via_host *host;
    via_channel *channel;
    mixture calls;
} victim;

static void open_victim(victim *dying, const char *transport, int serial)
{
    char name[64], address[512];
    via_error error;

    (void)snprintf(name, sizeof(name), "dies-%d-%d", (int)getpid(), serial);
    role_address(address, sizeof(address), transport, name, "");
    dying->pid = role_start("server", address);
    assert_int_equal(via_host_open(NULL, &dying->host, &error), VIA_OK);
    if (via_dial(dying->host, address, NULL, via_after_ms(PATIENCE_MS), &dying->channel, &error) != VIA_OK)
        fail_msg("%s", error.what);
    mixture_import(&dying->calls, dying->channel);
    assert_int_equal(dying->calls.add(1, 2), 3);
}

/* Dead already: this one is told so, too. */
static void close_victim(victim *dying)
{
    via_rpc_error error;
    uint64_t begun = now_ms();

    assert_int_equal(dying->calls.add(1, 2), 0);
    assert_int_not_equal(via_rpc_last_error(dying->channel, &error), VIA_OK);
    assert_int_equal(error.origin, VIA_RPC_TRANSPORT);
    assert_true(now_ms() - begun < AT_ONCE_MS);
    via_close(dying->channel);
    via_host_close(dying->host);
}

/* ---- a killer of its own ------------------------------------------------------------------------------------ */

typedef struct killer {
    pthread_t thread;
    pid_t pid;
    uint32_t after_us;
    uint64_t killed_ms;
} killer;

static void *kill_soon(void *argument)
{
    killer *one = argument;
    const struct timespec pause = {0, (long)one->after_us * 1000};

    (void)nanosleep(&pause, NULL);
    role_kill(one->pid);
    one->killed_ms = now_ms();
    return NULL;
}

static void send_killer(killer *one, const victim *dying)
{
    *one = (killer){.pid = dying->pid, .after_us = any_below(3000)};
    assert_int_equal(pthread_create(&one->thread, NULL, kill_soon, one), 0);
}

/* The call has ended now: soon enough? */
static void await_killer(killer *one)
{
    uint64_t ended_ms = now_ms();

    assert_int_equal(pthread_join(one->thread, NULL), 0);
    assert_true(ended_ms < one->killed_ms + AT_ONCE_MS);
}

/* ---- where it dies ------------------------------------------------------------------------------------------ */

static void in_a_function(victim *dying)
{
    uint32_t ms = PATIENCE_MS;
    int32_t result = 9;
    void *arguments[] = {&ms};
    via_rpc_error error;
    killer one;

    send_killer(&one, dying);
    via_status status = via_rpc_call(dying->channel, "wait_ms", &result, arguments, 1, VIA_RPC_USUAL, &error);
    await_killer(&one);
    assert_true(status == VIA_EPEER || status == VIA_ECLOSED);
    assert_int_equal(error.origin, VIA_RPC_TRANSPORT);
    assert_int_equal(result, 0);
}

static int32_t kill_it(void *user, int32_t index, const char *name)
{
    (void)name;
    if (index == 1)
        role_kill(((victim *)user)->pid);
    return index;
}

static void in_a_callback(victim *dying)
{
    uint64_t begun = now_ms();

    assert_int_equal(dying->calls.each(3, kill_it, dying), 0);
    assert_int_not_equal(via_rpc_last_error(dying->channel, NULL), VIA_OK);
    assert_true(now_ms() - begun < AT_ONCE_MS);
}

/* Both the question and the answer take many pieces. */
static void in_an_answer(victim *dying)
{
    static unsigned char in[BIG], out[BIG];
    size_t size = sizeof(out);
    killer one;

    send_killer(&one, dying);
    do {
        dying->calls.reverse(in, sizeof(in), out, &size);
    } while (via_rpc_last_error(dying->channel, NULL) == VIA_OK);
    await_killer(&one);
    assert_int_equal(size, 0);
}

static void at_any_moment(victim *dying)
{
    killer one;

    send_killer(&one, dying);
    for (uint32_t i = any_below(100); !mixture_call(&dying->calls, i); i++)
        ;
    await_killer(&one);
}

static void started(void *user, via_status status, const via_rpc_error *error)
{
    (void)error;
    assert_int_not_equal(status, VIA_OK);
    ++*(int *)user;
}

static void with_calls_that_were_started(victim *dying)
{
    uint32_t ms = PATIENCE_MS;
    void *arguments[] = {&ms};
    int told = 0;
    killer one;

    for (int i = 0; i < 20; i++)
        assert_int_equal(
            via_rpc_start(dying->channel, "wait_ms", NULL, arguments, 1, VIA_RPC_USUAL, started, &told, NULL, NULL),
            VIA_OK);
    send_killer(&one, dying);
    while (via_rpc_pump(dying->channel, VIA_FOREVER) == VIA_OK)
        ;
    await_killer(&one);
    assert_int_equal(told, 20);
}

/* ---- all ---------------------------------------------------------------------------------------------------- */

static void (*const deaths[])(victim *dying) = {in_a_function, in_a_callback, in_an_answer, at_any_moment,
                                                with_calls_that_were_started};

static void kill_often(const char *transport, void (*die)(victim *))
{
    static int serial;
    victim dying;

    for (int i = 0; i < KILLS; i++) {
        open_victim(&dying, transport, serial++);
        die(&dying);
        close_victim(&dying);
    }
}

static void over_unix(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++)
        kill_often("unix:", deaths[i]);
}

static void over_shm(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++)
        kill_often("shm:", deaths[i]);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(over_unix), cmocka_unit_test(over_shm)};
    many_server server;

    if (count != 3)
        return cmocka_run_group_tests(tests, NULL, NULL);
    many_server_open(&server, arguments[2]);
    many_server_run(&server);
    many_server_close(&server);
    return 0;
}
