/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clangd, a child that speaks JSON-RPC over its standard streams: parameters by name, replies in any order, notifications that
 * nobody here serves, and cancelling as the Language Server Protocol has it.
 */
#include "peer.h"

#include <string.h>
#include <viaduct/ext/process.h>

enum { NO_SUCH_METHOD = -32601, CANCELLED = -32800, ENOUGH = 20 };

#define URI "file:///tmp/viaduct-clangd.c"
/* In the second line of the document. */
#define POSITION(character)                                                                                            \
    "{\"textDocument\": {\"uri\": \"" URI "\"}, \"position\": {\"line\": 1, \"character\": " character "}}"
#define SECONDS "24"
#define NOTHING "11"

static const char address[] = "exec:clangd --log=error --background-index=false"
                              "?framing=content-length&linger=20s&layers=rpc&rpc.codec=json";
static const char initialize[] = "{\"processId\": null, \"rootUri\": null, \"capabilities\": {}}";
static const char document[] = "{\"textDocument\": {\"uri\": \"" URI "\", \"languageId\": \"c\", \"version\": 1, "
                               "\"text\": \"unsigned long long seconds;\\nint f(void) { return seconds > 1; }\\n\"}}";

static void notify(via_channel *channel, const char *method, const char *parameters)
{
    assert_int_equal(via_rpc_notify_json(channel, method, parameters, soon_enough(), NULL), VIA_OK);
}

static int open_clangd(void **state)
{
    via_channel *channel = must_dial(address);

    must_answer(channel, "initialize", initialize, NULL);
    notify(channel, "initialized", "{}");
    notify(channel, "textDocument/didOpen", document);
    *state = channel;
    return 0;
}

/* As the protocol wants it: a proper end, with status 0. */
static int close_clangd(void **state)
{
    via_process_exit how = {.size = sizeof(how)};
    via_channel *channel = *state;

    must_answer(channel, "shutdown", "[]", "null");
    notify(channel, "exit", "[]");
    assert_int_equal(via_process_wait(channel, soon_enough(), &how), VIA_OK);
    assert_int_equal(how.code, 0);
    via_close(channel);
    return 0;
}

static void test_clangd__tells_the_type_of_what_the_cursor_is_on(void **state)
{
    via_rpc_error error;
    char *answer;

    if (via_rpc_call_json(*state, "textDocument/hover", POSITION(SECONDS), soon_enough(), &answer, NULL, NULL,
                          &error) != VIA_OK)
        fail_msg("%d: %s", error.code, error.text);
    assert_non_null(strstr(answer, "Type: unsigned long long"));
    via_free(answer);
    must_answer(*state, "textDocument/hover", POSITION(NOTHING), "null");
}

static void test_clangd__says_that_it_has_no_such_method(void **state)
{
    via_rpc_error error;

    must_fail(*state, "textDocument/noSuchThing", "{}", "not found", &error);
    assert_int_equal(error.code, NO_SUCH_METHOD);
}

/* ---- cancelling --------------------------------------------------------------------------------------------- */

typedef struct reply {
    int answers;
    via_status status;
    int32_t code;
} reply;

static void note(void *user, via_status status, const char *result, const via_rpc_error *error)
{
    reply *mine = user;

    (void)result;
    mine->answers++;
    mine->status = status;
    mine->code = error ? error->code : 0;
}

/* It may be done already; whichever it is, it is told once. */
static void test_clangd__answers_what_was_cancelled(void **state)
{
    via_rpc_stats stats = {.size = sizeof(stats)};
    reply replies[ENOUGH] = {{0}};
    uint64_t number;

    for (int i = 0; i < ENOUGH; i++) {
        assert_int_equal(via_rpc_start_json(*state, "textDocument/documentSymbol",
                                            "{\"textDocument\": {\"uri\": \"" URI "\"}}", soon_enough(), note,
                                            &replies[i], &number, NULL),
                         VIA_OK);
        assert_int_equal(via_rpc_cancel(*state, number), VIA_OK);
    }
    do {
        assert_int_equal(via_rpc_pump(*state, soon_enough()), VIA_OK);
        assert_int_equal(via_rpc_stats_get(*state, &stats), VIA_OK);
    } while (stats.in_flight > 0);
    for (int i = 0; i < ENOUGH; i++) {
        assert_int_equal(replies[i].answers, 1);
        assert_true(replies[i].status == VIA_OK || (replies[i].status == VIA_EREMOTE && replies[i].code == CANCELLED));
    }
    assert_int_equal(stats.late_replies, 0);
}

/* ---- what nobody here serves -------------------------------------------------------------------------------- */

/* Diagnostics come as notifications: they are counted, and nothing else happens. */
static void test_clangd__tells_what_nobody_wants_to_know(void **state)
{
    via_rpc_stats stats = {.size = sizeof(stats)};

    do {
        assert_int_equal(via_rpc_pump(*state, soon_enough()), VIA_OK);
        assert_int_equal(via_rpc_stats_get(*state, &stats), VIA_OK);
    } while (stats.refused == 0);
    must_answer(*state, "textDocument/hover", POSITION(NOTHING), "null");
}

/* To apply a fix it asks its client to do so, workspace/applyEdit; what it is answered is its own answer. */
static void test_clangd__is_told_that_nobody_serves_what_it_asks(void **state)
{
    static const char fix[] = "{\"command\": \"clangd.applyFix\", \"arguments\": [{\"changes\": {\"" URI "\": []}}]}";
    via_rpc_error error;

    must_fail(*state, "workspace/executeCommand", fix, "workspace/applyEdit: there is no such method", &error);
    assert_int_equal(error.code, NO_SUCH_METHOD);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, open_clangd, close_clangd)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(test_clangd__tells_the_type_of_what_the_cursor_is_on),
        EACH(test_clangd__says_that_it_has_no_such_method),
        EACH(test_clangd__answers_what_was_cancelled),
        EACH(test_clangd__tells_what_nobody_wants_to_know),
        EACH(test_clangd__is_told_that_nobody_serves_what_it_asks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
