/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that are killed, in calls of every kind: the server ends their connections at once, closes what they had open, and another
 * client notices nothing.
 */
#include "mixture.h"
#include "role.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KILLS = 60, BIG = 1024 * 1024 };

/* ---- the one that dies -------------------------------------------------------------------------------------- */

static int32_t die(void *user, int32_t index, const char *name)
{
    (void)user;
    (void)name;
    if (index == 1)
        (void)raise(SIGKILL);
    return index;
}

static void be_in_a_callback(const mixture *calls)
{
    (void)calls->each(3, die, NULL);
}

static void be_in_a_long_call(const mixture *calls)
{
    uint32_t ms = PATIENCE_MS;
    void *arguments[] = {&ms};

    (void)!via_rpc_call(calls->channel, "wait_ms", NULL, arguments, 1, VIA_FOREVER, NULL);
}

static void open_handles(const mixture *calls)
{
    for (int i = 0; i < 100; i++)
        (void)calls->counter_new(1);
}

static void send_much(const mixture *calls)
{
    static unsigned char in[BIG], out[BIG];
    size_t size = sizeof(out);

    calls->reverse(in, sizeof(in), out, &size);
}

static void do_everything(const mixture *calls)
{
    for (uint32_t i = 0; !mixture_call(calls, i); i++)
        ;
}

static void (*const lives[])(const mixture *calls) = {be_in_a_callback, be_in_a_long_call, open_handles, send_much,
                                                      do_everything};

static int live(const char *which, const char *address)
{
    mixture calls;
    via_channel *channel;
    via_host *host;

    if (via_host_open(NULL, &host, NULL) != VIA_OK ||
        via_dial(host, address, NULL, via_after_ms(PATIENCE_MS), &channel, NULL) != VIA_OK)
        return 1;
    mixture_import(&calls, channel);
    for (int i = 0; i < 5; i++)
        (void)calls.counter_new(i);
    for (;;)
        lives[strtoul(which, NULL, 10)](&calls);
}

/* ---- the one that notices nothing --------------------------------------------------------------------------- */

typedef struct steady {
    pthread_t thread;
    const char *address;
    atomic_bool is_over;
    atomic_uint calls;
    uint64_t slowest_ms;
    const char *wrong;
} steady;

static void *call_on(void *argument)
{
    steady *one = argument;
    mixture calls;
    via_channel *channel;
    via_host *host;

    if (via_host_open(NULL, &host, NULL) != VIA_OK ||
        via_dial(host, one->address, NULL, via_after_ms(PATIENCE_MS), &channel, NULL) != VIA_OK)
        abort();
    mixture_import(&calls, channel);
    while (!atomic_load(&one->is_over) && !one->wrong) {
        uint64_t begun = now_ms();
        one->wrong = mixture_call(&calls, atomic_fetch_add(&one->calls, 1));
        uint64_t took = now_ms() - begun;
        one->slowest_ms = took > one->slowest_ms ? took : one->slowest_ms;
        (void)usleep(200); /* leaves some of the machine to the others */
    }
    via_close(channel);
    via_host_close(host);
    return NULL;
}

/* ---- the server --------------------------------------------------------------------------------------------- */

static void *run(void *argument)
{
    many_server_run(argument);
    return NULL;
}

/* Waits until one has connected, which its handles show. */
static void await_handles(void)
{
    uint64_t until = now_ms() + PATIENCE_MS;

    while (calc_counters() < 5 && now_ms() < until)
        (void)usleep(500);
    assert_true(calc_counters() >= 5);
}

/* The steady one has at most one counter at a time. */
static void await_their_end(void)
{
    uint64_t until = now_ms() + AT_ONCE_MS;

    while (calc_counters() > 1 && now_ms() < until)
        (void)usleep(500);
    assert_true(calc_counters() <= 1);
}

static void kill_one(const char *address, int number)
{
    char which[8];

    (void)snprintf(which, sizeof(which), "%d", number % (int)(sizeof(lives) / sizeof(lives[0])));
    pid_t pid = role_start(which, address);
    if (strcmp(which, "0") != 0) {
        await_handles();
        (void)usleep(any_below(3000));
    }
    if (strcmp(which, "0") == 0)
        role_await(pid);
    else
        role_kill(pid);
    await_their_end();
}

static void kill_often(const char *transport)
{
    char name[64], address[512];
    many_server server;
    pthread_t thread;
    steady one = {.address = address};

    (void)snprintf(name, sizeof(name), "stays-%d", (int)getpid());
    role_address(address, sizeof(address), transport, name, "");
    many_server_open(&server, address);
    assert_int_equal(pthread_create(&thread, NULL, run, &server), 0);
    assert_int_equal(pthread_create(&one.thread, NULL, call_on, &one), 0);
    for (int i = 0; i < KILLS; i++)
        kill_one(address, i);
    atomic_store(&one.is_over, true);
    assert_int_equal(pthread_join(one.thread, NULL), 0);
    if (one.wrong)
        fail_msg("%s: a wrong result", one.wrong);
    assert_true(one.slowest_ms < AT_ONCE_MS);
    via_listener_interrupt(server.listener);
    assert_int_equal(pthread_join(thread, NULL), 0);
    many_server_close(&server);
    assert_int_equal(calc_counters(), 0);
}

static void over_unix(void **state)
{
    (void)state;
    kill_often("unix:");
}

static void over_shm(void **state)
{
    (void)state;
    kill_often("shm:");
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(over_unix), cmocka_unit_test(over_shm)};

    return count == 3 ? live(arguments[1], arguments[2]) : cmocka_run_group_tests(tests, NULL, NULL);
}
