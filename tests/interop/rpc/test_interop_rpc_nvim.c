/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Neovim as the server: over its socket, and as a child over its standard streams. It speaks MessagePack-RPC, knows nothing of
 * Viaduct, and its error is `[type, "text"]`.
 */
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIPELINED = 100 };

typedef struct nvim {
    program editor; /* if it is not a child of the channel */
    char path[SOCKET_PATH];
    via_channel *channel;
} nvim;

static const char options[] = "framing=raw&layers=rpc&rpc.interface=" NVIM_INTERFACE;

static int open_socket(void **state)
{
    nvim *self = test_calloc(1, sizeof(*self));
    char address[512];

    socket_make(self->path);
    program_start(&self->editor,
                  (const char *const[]){"nvim", "--clean", "-n", "--headless", "--listen", self->path, NULL});
    (void)snprintf(address, sizeof(address), "unix:%s?%s", self->path, options);
    self->channel = must_dial(address);
    *state = self;
    return 0;
}

static int open_child(void **state)
{
    nvim *self = test_calloc(1, sizeof(*self));
    char address[512];

    (void)snprintf(address, sizeof(address), "exec:nvim --embed --clean -n --headless?%s", options);
    self->channel = must_dial(address);
    *state = self;
    return 0;
}

static int close_nvim(void **state)
{
    nvim *self = *state;

    via_close(self->channel);
    program_kill(&self->editor);
    if (self->path[0])
        socket_remove(self->path);
    test_free(self);
    return 0;
}

/* ---- calls -------------------------------------------------------------------------------------------------- */

static void test_nvim__answers_in_json(void **state)
{
    via_channel *channel = ((nvim *)*state)->channel;

    must_answer(channel, "nvim_eval", "[\"6*7\"]", "42");
    must_answer(channel, "nvim_eval", "[\"[1, -2, 0.5, v:null, v:true, 'grüße', {'a': {}}]\"]",
                "[1,-2,0.5,null,true,\"grüße\",{\"a\":{}}]");
    must_answer(channel, "nvim_eval", "[\"0x7fffffffffffffff\"]", "9223372036854775807");
    must_answer(channel, "nvim_buf_set_lines", "[0, 0, -1, true, [\"one\", \"two\"]]", "null");
    must_answer(channel, "nvim_buf_get_lines", "[0, 0, -1, true]", "[\"one\",\"two\"]");
}

/* A reply of tens of thousands of bytes, which no single read brings. */
static void test_nvim__sends_much(void **state)
{
    via_rpc_error error;
    char *answer;

    if (via_rpc_call_json(((nvim *)*state)->channel, "nvim_get_api_info", "[]", soon_enough(), &answer, NULL, NULL,
                          &error) != VIA_OK)
        fail_msg("%s", error.text);
    assert_true(strlen(answer) > 20000);
    assert_non_null(strstr(answer, "\"name\":\"nvim_get_api_info\""));
    via_free(answer);
}

static void test_nvim__errors_are_told_with_their_text(void **state)
{
    via_channel *channel = ((nvim *)*state)->channel;
    via_rpc_error error;

    must_fail(channel, "nvim_eval", "[\"no_such_variable\"]", "E121: Undefined variable: no_such_variable", &error);
    must_fail(channel, "nvim_no_such_function", "[]", "nvim_no_such_function", &error);
    must_fail(channel, "nvim_eval", "[1]", "expecting String", &error);
    must_answer(channel, "nvim_eval", "[\"1\"]", "1");
}

static void test_nvim__is_notified(void **state)
{
    via_channel *channel = ((nvim *)*state)->channel;

    assert_int_equal(via_rpc_notify_json(channel, "nvim_command", "[\"let g:seen = 41\"]", soon_enough(), NULL),
                     VIA_OK);
    assert_int_equal(via_rpc_notify_json(channel, "nvim_command", "[\"let g:seen += 1\"]", soon_enough(), NULL),
                     VIA_OK);
    must_answer(channel, "nvim_eval", "[\"g:seen\"]", "42");
}

/* ---- many at once ------------------------------------------------------------------------------------------- */

typedef struct reply {
    int number, answers;
    bool is_right;
} reply;

static void note(void *user, via_status status, const char *result, const via_rpc_error *error)
{
    reply *mine = user;

    (void)error;
    mine->answers++;
    mine->is_right = status == VIA_OK && result && strtol(result, NULL, 10) == mine->number * 7L;
}

static void test_nvim__answers_a_hundred_at_once(void **state)
{
    via_channel *channel = ((nvim *)*state)->channel;
    via_rpc_stats stats = {.size = sizeof(stats)};
    reply replies[PIPELINED];

    for (int i = 0; i < PIPELINED; i++) {
        char parameters[64];
        replies[i] = (reply){.number = i};
        (void)snprintf(parameters, sizeof(parameters), "[\"%d * 7\"]", i);
        assert_int_equal(
            via_rpc_start_json(channel, "nvim_eval", parameters, soon_enough(), note, &replies[i], NULL, NULL), VIA_OK);
    }
    do {
        assert_int_equal(via_rpc_pump(channel, soon_enough()), VIA_OK);
        assert_int_equal(via_rpc_stats_get(channel, &stats), VIA_OK);
    } while (stats.in_flight > 0);
    for (int i = 0; i < PIPELINED; i++) {
        assert_int_equal(replies[i].answers, 1);
        assert_true(replies[i].is_right);
    }
}

/* ---- as functions ------------------------------------------------------------------------------------------- */

static void assert_good(via_channel *channel)
{
    via_rpc_error error;

    if (via_rpc_last_error(channel, &error) != VIA_OK)
        fail_msg("%s: %s", error.method, error.text);
}

static void test_nvim__functions_are_called_as_if_they_were_here(void **state)
{
    via_channel *channel = ((nvim *)*state)->channel;
    int64_t (*nvim_strwidth)(const char *);
    char *(*nvim_get_current_line)(void);
    void (*nvim_set_current_line)(const char *);
    void (*nvim_set_var)(const char *, double);
    double (*nvim_get_var)(const char *);
    int64_t (*nvim_call_no_such_thing)(void);
    via_rpc_error error;

    assert_int_equal(VIA_RPC_IMPORT(channel, nvim_strwidth, NULL), VIA_OK);
    assert_int_equal(VIA_RPC_IMPORT(channel, nvim_get_current_line, NULL), VIA_OK);
    assert_int_equal(VIA_RPC_IMPORT(channel, nvim_set_current_line, NULL), VIA_OK);
    assert_int_equal(VIA_RPC_IMPORT(channel, nvim_set_var, NULL), VIA_OK);
    assert_int_equal(VIA_RPC_IMPORT(channel, nvim_get_var, NULL), VIA_OK);
    assert_int_equal(VIA_RPC_IMPORT(channel, nvim_call_no_such_thing, NULL), VIA_OK);
    assert_int_equal(nvim_strwidth("世界"), 4);
    assert_good(channel);
    nvim_set_current_line("grüße");
    assert_good(channel);
    char *line = nvim_get_current_line();
    assert_good(channel);
    assert_string_equal(line, "grüße");
    via_free(line);
    nvim_set_var("half", 0.5);
    assert_true(nvim_get_var("half") == 0.5);
    assert_good(channel);
    assert_true(nvim_get_var("nothing") == 0);
    assert_int_equal(via_rpc_last_error(channel, &error), VIA_EREMOTE);
    assert_non_null(strstr(error.text, "Key not found"));
    assert_int_equal(nvim_call_no_such_thing(), 0);
    assert_int_equal(via_rpc_last_error(channel, &error), VIA_EREMOTE);
}

#define BOTH(test)                                                                                                     \
    cmocka_unit_test_setup_teardown(test, open_socket, close_nvim),                                                    \
        cmocka_unit_test_setup_teardown(test, open_child, close_nvim)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_nvim__answers_in_json),
        BOTH(test_nvim__sends_much),
        BOTH(test_nvim__errors_are_told_with_their_text),
        BOTH(test_nvim__is_notified),
        BOTH(test_nvim__answers_a_hundred_at_once),
        BOTH(test_nvim__functions_are_called_as_if_they_were_here),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
