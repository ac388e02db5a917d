/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child of fork() that uses and closes its parent's channel: it is refused, and the parent goes on.
 */
#include "both_ends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const way ways[] = {{"unix:", ""}, {"shm:", ""}, {"unix:", "&rpc.codec=json"}};

typedef struct imported {
    int32_t (*add)(int32_t, int32_t);
    int32_t (*divide)(int32_t, int32_t, int32_t *, int32_t *);
    calc_line (*turn)(calc_line);
    int8_t (*negate)(int8_t);
    char *(*greet)(const char *);
    void (*remember)(int32_t);
} imported;

static void done(void *user, via_status status, const via_rpc_error *error)
{
    (void)status;
    (void)error;
    *(int *)user += 1;
}

/* What a child finds wrong; NULL = nothing. No cmocka here: it is another process. */
static const char *pointers_refuse(const imported *calls)
{
    int32_t quotient = 9, remainder = 9;
    calc_line line = {.label = "x", .width = 5};

    if (calls->add(1, 2) != 0)
        return "add";
    if (calls->divide(7, 2, &quotient, &remainder) != INT32_MIN)
        return "divide";
    line = calls->turn(line);
    if (line.label || line.width)
        return "turn";
    if (calls->negate(3) != 0 || calls->greet("x"))
        return "negate or greet";
    calls->remember(3);
    return NULL;
}

static const char *calls_refuse(via_channel *channel)
{
    int32_t a = 1, b = 2, result = 9;
    void *arguments[] = {&a, &b};
    via_rpc_stats stats = {.size = sizeof(stats)};
    via_rpc_error error;
    uint64_t number;
    char *text;
    int told = 0;

    via_rpc_error_init(&error);
    if (via_rpc_last_error(channel, &error) != VIA_EFORK || error.status != VIA_EFORK)
        return "via_rpc_last_error";
    via_rpc_error_init(&error);
    if (via_rpc_call(channel, "add", &result, arguments, 2, VIA_RPC_USUAL, &error) != VIA_EFORK ||
        error.status != VIA_EFORK || error.origin != VIA_RPC_HERE)
        return "via_rpc_call";
    if (via_rpc_start(channel, "add", &result, arguments, 2, VIA_RPC_USUAL, done, &told, &number, &error) !=
            VIA_EFORK ||
        told != 0)
        return "via_rpc_start";
    if (via_rpc_notify(channel, "remember", arguments, 1, VIA_RPC_USUAL, &error) != VIA_EFORK)
        return "via_rpc_notify";
    if (via_rpc_call_json(channel, "add", "[1,2]", VIA_RPC_USUAL, &text, NULL, NULL, &error) != VIA_EFORK || text)
        return "via_rpc_call_json";
    if (via_rpc_describe(channel, VIA_RPC_USUAL, &text, &error) != VIA_EFORK)
        return "via_rpc_describe";
    if (via_rpc_pump(channel, VIA_NOW) != VIA_EFORK || via_rpc_cancel(channel, 1) != VIA_EFORK ||
        via_rpc_stats_get(channel, &stats) != VIA_EFORK)
        return "pump, cancel or stats";
    if (via_rpc_import(channel, "add", &number, sizeof(void *), NULL) != VIA_EFORK)
        return "via_rpc_import";
    if (via_rpc_serve(channel, calc_functions, 1, NULL, NULL) != VIA_EFORK ||
        via_rpc_authorize(channel, NULL, NULL) != VIA_EFORK)
        return "via_rpc_serve or via_rpc_authorize";
    return NULL;
}

static void import_all(imported *calls, via_channel *channel)
{
    assert_int_equal(via_rpc_import(channel, "add", &calls->add, sizeof(calls->add), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(channel, "divide", &calls->divide, sizeof(calls->divide), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(channel, "turn", &calls->turn, sizeof(calls->turn), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(channel, "negate", &calls->negate, sizeof(calls->negate), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(channel, "greet", &calls->greet, sizeof(calls->greet), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(channel, "remember", &calls->remember, sizeof(calls->remember), NULL), VIA_OK);
}

static void be_a_child(const both_ends *ends, const imported *calls)
{
    const char *wrong = pointers_refuse(calls);

    if (!wrong)
        wrong = calls_refuse(ends->client);
    via_close(ends->client);
    via_close(ends->server);
    if (wrong)
        (void)fprintf(stderr, "in the child: %s\n", wrong);
    _exit(wrong ? 1 : 0);
}

static void a_child_is_refused(void **state)
{
    both_ends ends;
    imported calls;
    calc_counter *(*new_there)(int32_t);
    int32_t (*next_there)(calc_counter *);
    int status;

    both_ends_open(&ends, *state, NULL);
    import_all(&calls, ends.client);
    assert_int_equal(via_rpc_import(ends.client, "counter_new", &new_there, sizeof(new_there), NULL), VIA_OK);
    assert_int_equal(via_rpc_import(ends.client, "counter_next", &next_there, sizeof(next_there), NULL), VIA_OK);
    calc_counter *counter = new_there(5);
    assert_int_equal(calls.add(1, 2), 3);
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0)
            be_a_child(&ends, &calls);
        assert_true(child > 0);
        assert_int_equal(calls.add(i, 2), i + 2);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_int_equal(next_there(counter), 5 + i);
    }
    both_ends_close(&ends);
    assert_int_equal(calc_counters(), 0);
}

#define ON(test, index)                                                                                                \
    {                                                                                                                  \
#test " " #index, test, NULL, NULL, (void *)(uintptr_t)&ways[index]                                            \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {ON(a_child_is_refused, 0), ON(a_child_is_refused, 1), ON(a_child_is_refused, 2)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
