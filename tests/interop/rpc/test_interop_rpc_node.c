/* SPDX-License-Identifier: Apache-2.0 */
/*
 * npm's `neovim` and `vscode-jsonrpc`: scripts in node/ that call us, and one that we call.
 */
#include "both_ends.h"
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>

enum { AT_ONCE = 100, CANCELLED = -32800 };

/* ---- they call ---------------------------------------------------------------------------------------------- */

static void be_called_by(const char *script, const char *options, const via_rpc_function *functions, size_t count)
{
    const char *const node[] = {"node", script, NULL};
    char path[SOCKET_PATH], address[512];
    program caller;
    server ours;

    socket_make(path);
    (void)snprintf(address, sizeof(address), "unix:%s?layers=rpc&%s", path, options);
    server_start(&ours, address, functions, count);
    assert_int_equal(setenv("VIA_SOCKET", path, 1), 0);
    program_start(&caller, node);
    program_must_end_well(&caller);
    server_stop(&ours);
    socket_remove(path);
}

static void nvim_get_api_info(int32_t information[2])
{
    information[0] = 17; /* the number of the channel; the rest is not looked at */
    information[1] = 0;
}

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

static void test_node__neovim_calls(void **state)
{
    static const via_rpc_function functions[] = {
        VIA_RPC_FUNCTION("add", add),           VIA_RPC_FUNCTION("remember", remember),
        VIA_RPC_FUNCTION("recall", recall),     VIA_RPC_FUNCTION("nvim_get_api_info", nvim_get_api_info),
        VIA_RPC_FUNCTION("ask_back", ask_back),
    };

    (void)state;
    be_called_by(NODE_SCRIPTS "/neovim_calls.js", "framing=raw&rpc.interface=" VISIT_INTERFACE, functions,
                 sizeof(functions) / sizeof(functions[0]));
    assert_int_equal(recall(), 4321);
}

static void test_node__vscode_jsonrpc_calls(void **state)
{
    (void)state;
    be_called_by(NODE_SCRIPTS "/jsonrpc_calls.js",
                 "framing=content-length&rpc.codec=json&rpc.interface=" CALC_INTERFACE, calc_functions,
                 calc_function_count);
    assert_int_equal(recall(), 5678);
}

/* ---- we call ------------------------------------------------------------------------------------------------ */

static int open_child(void **state)
{
    via_channel *channel = must_dial("exec:node " NODE_SCRIPTS "/jsonrpc_serves.js?framing=content-length&linger=20s"
                                     "&layers=rpc&rpc.codec=json&rpc.interface=" CALC_INTERFACE);

    assert_int_equal(via_rpc_serve(channel, calc_functions, calc_function_count, NULL, NULL), VIA_OK);
    *state = channel;
    return 0;
}

static int close_child(void **state)
{
    via_close(*state);
    return 0;
}

static void test_node__is_called_as_if_it_were_here(void **state)
{
    int32_t (*add_there)(int32_t, int32_t), (*recall_there)(void), quotient = 9, remainder = 9;
    int32_t (*divide_there)(int32_t, int32_t, int32_t *, int32_t *);
    void (*remember_there)(int32_t);
    via_rpc_error error;

    assert_int_equal(via_rpc_import(*state, "add", &add_there, sizeof(add_there), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(*state, "divide", &divide_there, sizeof(divide_there), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(*state, "remember", &remember_there, sizeof(remember_there), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(*state, "recall", &recall_there, sizeof(recall_there), NULL), VIA_OK);
    assert_int_equal(add_there(40, 2), 42);
    assert_int_equal(divide_there(17, 5, &quotient, &remainder), 0);
    assert_int_equal(quotient, 3);
    assert_int_equal(remainder, 2);
    assert_int_equal(divide_there(17, 0, &quotient, &remainder), 1);
    assert_int_equal(via_rpc_last_error(*state, &error), VIA_EREMOTE);
    assert_int_equal(error.code, 1);
    assert_string_equal(error.name, "divide_by_zero");
    remember_there(99);
    assert_int_equal(recall_there(), 99);
}

static void test_node__is_called_in_json(void **state)
{
    via_rpc_error error;

    must_answer(*state, "echo", "[{\"deep\": [1, -0.5, null, \"grüße\"]}]", "{\"deep\":[1,-0.5,null,\"grüße\"]}");
    must_answer(*state, "keys", "{\"one\": 1, \"two\": 2}", "[\"one\",\"two\"]");
    must_answer(*state, "askBack", "[40, 1]", "42");
    must_fail(*state, "noSuchMethod", "[]", "noSuchMethod", &error);
    assert_int_equal(error.code, -32601);
}

/* ---- ... without waiting ------------------------------------------------------------------------------------ */

typedef struct reply {
    int answers;
    int *order; /* how many have come so far, of all */
    int place;
    via_status status;
    int32_t code;
    long value;
} reply;

static void note(void *user, via_status status, const char *result, const via_rpc_error *error)
{
    reply *mine = user;

    mine->answers++;
    mine->place = (*mine->order)++;
    mine->status = status;
    mine->code = error ? error->code : 0;
    mine->value = result ? strtol(result, NULL, 10) : 0;
}

static void pump_until_answered(via_channel *channel, const int *order, int count)
{
    while (*order < count)
        assert_int_equal(via_rpc_pump(channel, soon_enough()), VIA_OK);
}

/* Nothing is answered there until all have come; then the last one first. */
static void test_node__answers_in_an_order_of_its_own(void **state)
{
    reply replies[AT_ONCE];
    int order = 0;

    for (int i = 0; i < AT_ONCE; i++) {
        char parameters[32];
        replies[i] = (reply){.order = &order};
        (void)snprintf(parameters, sizeof(parameters), "[%d]", i);
        assert_int_equal(via_rpc_start_json(*state, "held", parameters, soon_enough(), note, &replies[i], NULL, NULL),
                         VIA_OK);
    }
    pump_until_answered(*state, &order, AT_ONCE);
    for (int i = 0; i < AT_ONCE; i++) {
        assert_int_equal(replies[i].answers, 1);
        assert_int_equal(replies[i].status, VIA_OK);
        assert_int_equal(replies[i].value, i);
        assert_int_equal(replies[i].place, AT_ONCE - 1 - i);
    }
}

static void test_node__is_asked_to_give_up(void **state)
{
    int order = 0;
    reply mine = {.order = &order};
    uint64_t number;

    assert_int_equal(via_rpc_start_json(*state, "until cancelled", "[]", soon_enough(), note, &mine, &number, NULL),
                     VIA_OK);
    must_answer(*state, "recall", "[]", "0"); /* so it has begun */
    assert_int_equal(mine.answers, 0);
    assert_int_equal(via_rpc_cancel(*state, number), VIA_OK);
    pump_until_answered(*state, &order, 1);
    assert_int_equal(mine.status, VIA_EREMOTE);
    assert_int_equal(mine.code, CANCELLED);
    assert_int_equal(via_rpc_cancel(*state, number), VIA_ENOENT);
}

#define CALLED(test) cmocka_unit_test_setup_teardown(test, open_child, close_child)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_node__neovim_calls),         cmocka_unit_test(test_node__vscode_jsonrpc_calls),
        CALLED(test_node__is_called_as_if_it_were_here),   CALLED(test_node__is_called_in_json),
        CALLED(test_node__answers_in_an_order_of_its_own), CALLED(test_node__is_asked_to_give_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
