/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that goes away in the middle of a call, and another that comes: over a pair that dials again, a call that may run twice
 * is asked again; any other says that it is not known.
 */
#include "both_ends.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

typedef struct servers {
    via_listener *listener;
    pthread_t thread;
} servers;

static void must(via_status status)
{
    assert_int_equal(status, VIA_OK);
}

/* The first one reads nothing and is gone as soon as something has come; the second one serves. */
static void *serve_in_turn(void *argument)
{
    servers *both = argument;
    via_poll_handle handle = {.size = sizeof(handle)};
    via_channel *channel;

    must(via_accept(both->listener, via_after_ms(5000), &channel, NULL));
    must(via_pollable(channel, VIA_READ, &handle));
    if (via_arm(channel, VIA_READ) == VIA_OK) {
        struct pollfd set = {.fd = (int)handle.handle, .events = POLLIN};
        assert_int_equal(poll(&set, 1, 10000), 1);
    }
    via_close(channel);
    must(via_accept(both->listener, via_after_ms(5000), &channel, NULL));
    must(via_rpc_serve(channel, calc_functions, calc_function_count, NULL, NULL));
    while (via_rpc_pump(channel, VIA_FOREVER) == VIA_OK)
        ;
    via_close(channel);
    return NULL;
}

static via_channel *open_servers(servers *both, const char *name)
{
    char address[512];
    via_channel *client;

    (void)snprintf(address, sizeof(address), "unix:%s-%d?layers=rpc&rpc.greet=false&rpc.interface=%s&redial=true", name,
                   (int)getpid(), CALC_INTERFACE);
    must(via_listen(NULL, address, NULL, &both->listener, NULL));
    must(via_dial(NULL, address, NULL, via_after_ms(5000), &client, NULL));
    assert_int_equal(pthread_create(&both->thread, NULL, serve_in_turn, both), 0);
    return client;
}

static void close_servers(servers *both, via_channel *client)
{
    via_close(client);
    assert_int_equal(pthread_join(both->thread, NULL), 0);
    via_listener_close(both->listener);
}

static uint64_t retries(via_channel *client)
{
    via_rpc_stats stats = {.size = sizeof(stats)};

    must(via_rpc_stats_get(client, &stats));
    return stats.retries;
}

static void one_that_may_run_twice_is_asked_again(void **state)
{
    int32_t a = 40, b = 2, result = 0;
    void *arguments[] = {&a, &b};
    servers both;
    via_channel *client = open_servers(&both, "twice");

    (void)state;
    must(via_rpc_call(client, "add", &result, arguments, 2, via_after_ms(10000), NULL));
    assert_int_equal(result, 42);
    assert_true(retries(client) > 0);
    close_servers(&both, client);
}

static void any_other_says_that_it_is_not_known(void **state)
{
    double base = 2, result = 9;
    int32_t exponent = 3;
    void *arguments[] = {&base, &exponent};
    via_rpc_error error;
    servers both;
    via_channel *client = open_servers(&both, "once");

    (void)state;
    assert_int_equal(via_rpc_call(client, "power", &result, arguments, 2, via_after_ms(10000), &error), VIA_EPEER);
    assert_int_equal(error.origin, VIA_RPC_TRANSPORT);
    assert_int_equal(error.not_sent, 0);
    assert_true(result == 0);
    assert_int_equal(retries(client), 0);
    must(via_rpc_call(client, "power", &result, arguments, 2, via_after_ms(10000), &error));
    assert_true(result == 8);
    close_servers(&both, client);
}

typedef struct ending {
    int count;
    via_status status;
} ending;

static void note_end(void *user, via_status status, const via_rpc_error *error)
{
    ending *seen = user;

    (void)error;
    seen->count++;
    seen->status = status;
}

static void one_that_nobody_waits_for_is_asked_again_too(void **state)
{
    int32_t a = 40, b = 2, result = 0;
    void *arguments[] = {&a, &b};
    ending seen = {0, VIA_OK};
    servers both;
    via_channel *client = open_servers(&both, "started");

    (void)state;
    must(via_rpc_start(client, "add", &result, arguments, 2, via_after_ms(10000), note_end, &seen, NULL, NULL));
    while (seen.count == 0)
        assert_int_not_equal(via_rpc_pump(client, via_after_ms(100)), VIA_EPROTO);
    assert_int_equal(seen.status, VIA_OK);
    assert_int_equal(result, 42);
    close_servers(&both, client);
    assert_int_equal(seen.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_may_run_twice_is_asked_again),
        cmocka_unit_test(any_other_says_that_it_is_not_known),
        cmocka_unit_test(one_that_nobody_waits_for_is_asked_again_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
