/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Neovim as the client: calls.vim calls us with rpcrequest() and rpcnotify(), and answers what we ask while it waits. Before 0.10
 * it wants the replies of calls in each other in the reverse order of their requests.
 */
#include "calc.h"
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>

/* calls.vim asks back itself from there, so the served function runs in itself. */
static int32_t ask_back(const via_rpc_context *context, const char *expression, int64_t *value)
{
    const server *self = context->user;
    char parameters[256], *answer;

    (void)snprintf(parameters, sizeof(parameters), "[\"%s\"]", expression);
    if (via_rpc_call_json(self->channel, "nvim_eval", parameters, soon_enough(), &answer, NULL, NULL, NULL) != VIA_OK)
        return 7;
    *value = strtoll(answer, NULL, 10);
    via_free(answer);
    return 0;
}

static const via_rpc_function functions[] = {
    VIA_RPC_FUNCTION("add", add),
    VIA_RPC_FUNCTION("remember", remember),
    VIA_RPC_FUNCTION("recall", recall),
    VIA_RPC_FUNCTION("ask_back", ask_back),
};

static void test_nvim__calls(void **state)
{
    static const char *const nvim[] = {"nvim", "--clean", "-n", "--headless", "-S", CALLS_SCRIPT, NULL};
    char path[SOCKET_PATH], address[512];
    program editor;
    server ours;

    (void)state;
    socket_make(path);
    (void)snprintf(address, sizeof(address), "unix:%s?framing=raw&layers=rpc&rpc.interface=%s", path, VISIT_INTERFACE);
    server_start(&ours, address, functions, sizeof(functions) / sizeof(functions[0]));
    assert_int_equal(setenv("VIA_SOCKET", path, 1), 0);
    program_start(&editor, nvim);
    program_must_end_well(&editor);
    server_stop(&ours);
    socket_remove(path);
    assert_int_equal(recall(), 1234);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nvim__calls)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
