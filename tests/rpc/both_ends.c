/* SPDX-License-Identifier: Apache-2.0 */
#include "both_ends.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const via_rpc_function calc_functions[] = {
    VIA_RPC_FUNCTION("add", add),
    VIA_RPC_FUNCTION("widest", widest),
    VIA_RPC_FUNCTION("negate", negate),
    VIA_RPC_FUNCTION("invert", invert),
    VIA_RPC_FUNCTION("halve", halve),
    VIA_RPC_FUNCTION("power", power),
    VIA_RPC_FUNCTION("divide", divide),
    VIA_RPC_FUNCTION("sum", sum),
    VIA_RPC_FUNCTION("double_all", double_all),
    VIA_RPC_FUNCTION("join", join),
    VIA_RPC_FUNCTION("greet", greet),
    VIA_RPC_FUNCTION("free", free),
    VIA_RPC_FUNCTION("name_of", name_of),
    VIA_RPC_FUNCTION("mirror", mirror),
    VIA_RPC_FUNCTION("turn", turn),
    VIA_RPC_FUNCTION("reverse", reverse),
    VIA_RPC_FUNCTION("determinant", determinant),
    VIA_RPC_FUNCTION("each", each),
    VIA_RPC_FUNCTION("counter_new", counter_new),
    VIA_RPC_FUNCTION("counter_next", counter_next),
    VIA_RPC_FUNCTION("counter_free", counter_free),
    VIA_RPC_FUNCTION("who", who),
    VIA_RPC_FUNCTION("remember", remember),
    VIA_RPC_FUNCTION("recall", recall),
    VIA_RPC_FUNCTION("wait_ms", wait_ms),
};
const size_t calc_function_count = sizeof(calc_functions) / sizeof(calc_functions[0]);

static void *pump(void *argument)
{
    both_ends *ends = argument;

    while ((ends->ended = via_rpc_pump(ends->server, VIA_FOREVER)) == VIA_OK)
        ;
    return NULL;
}

/* A failure says why. */
static void must(via_status status, const via_error *error)
{
    if (status != VIA_OK)
        fail_msg("%s: %s", via_status_name(status), error->what);
}

void both_ends_connect(both_ends *ends, const way *on, void (*change)(via_channel *server))
{
    static int serial;
    char address[512];
    via_error error;

    (void)snprintf(address, sizeof(address), "%srpc-%d-%d?layers=rpc&rpc.interface=%s%s", on->address, (int)getpid(),
                   serial++, CALC_INTERFACE, on->options);
    must(via_host_open(NULL, &ends->host, &error), &error);
    must(via_listen(ends->host, address, NULL, &ends->listener, &error), &error);
    must(via_dial(ends->host, address, NULL, via_after_ms(5000), &ends->client, &error), &error);
    must(via_accept(ends->listener, via_after_ms(5000), &ends->server, &error), &error);
    must(via_rpc_serve(ends->server, calc_functions, calc_function_count, ends, &error), &error);
    if (change)
        change(ends->server);
}

void both_ends_open(both_ends *ends, const way *on, void (*change)(via_channel *server))
{
    both_ends_connect(ends, on, change);
    assert_int_equal(pthread_create(&ends->thread, NULL, pump, ends), 0);
}

void both_ends_close(both_ends *ends)
{
    via_close(ends->client);
    assert_int_equal(pthread_join(ends->thread, NULL), 0);
    assert_int_equal(ends->ended, VIA_ECLOSED);
    via_close(ends->server);
    via_listener_close(ends->listener);
    via_host_close(ends->host);
}
