/* SPDX-License-Identifier: Apache-2.0 */
#include "serving.h"

#include <stdlib.h>

enum { MANY = 8 };

static double power_at_most(double base, int32_t exponent)
{
    return power(base, exponent % MANY);
}

static int32_t each_at_most(int32_t count, int32_t (*visit)(void *user, int32_t index, const char *name), void *user)
{
    return each(count < MANY ? count : MANY, visit, user);
}

/* Looks as often, but does not wait. */
static int32_t look_at_most(const via_rpc_context *context, uint32_t times)
{
    for (uint32_t i = 0; i < times && i < MANY; i++)
        if (context->is_cancelled(context))
            return 1;
    return 0;
}

static const via_rpc_function functions[] = {
    VIA_RPC_FUNCTION("add", add),
    VIA_RPC_FUNCTION("widest", widest),
    VIA_RPC_FUNCTION("negate", negate),
    VIA_RPC_FUNCTION("invert", invert),
    VIA_RPC_FUNCTION("halve", halve),
    VIA_RPC_FUNCTION("power", power_at_most),
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
    VIA_RPC_FUNCTION("each", each_at_most),
    VIA_RPC_FUNCTION("counter_new", counter_new),
    VIA_RPC_FUNCTION("counter_next", counter_next),
    VIA_RPC_FUNCTION("counter_free", counter_free),
    VIA_RPC_FUNCTION("who", who),
    VIA_RPC_FUNCTION("remember", remember),
    VIA_RPC_FUNCTION("recall", recall),
    VIA_RPC_FUNCTION("wait_ms", look_at_most),
};

void fuzz_serve(rpc_peer *peer)
{
    via_error error;

    if (rpc_table.serve(peer, functions, sizeof(functions) / sizeof(functions[0]), peer, &error) != VIA_OK)
        abort();
}
