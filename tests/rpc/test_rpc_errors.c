/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an error comes from, and what it leaves: refused here, lost on the way, or answered there; every out parameter is 0.
 */
#include "both_ends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const way ways[] = {{"unix:", ""}, {"shm:", ""}, {"unix:", "&rpc.codec=json"}};

/* ---- refused there ------------------------------------------------------------------------------------------ */

static via_status refuse_all_but_add(void *user, const via_peer_info *peer, const char *method)
{
    (void)user;
    (void)peer;
    return strcmp(method, "add") == 0 ? VIA_OK : VIA_EPERM;
}

static void let_add_only(via_channel *server)
{
    assert_int_equal(via_rpc_authorize(server, refuse_all_but_add, NULL), VIA_OK);
}

/* Nonsense for values gets the same answer as sense: nothing of it has been looked at. */
static void a_refused_peer_learns_nothing(void **state)
{
    static const char *const parameters[] = {"[[1, 2, 3]]", "[]", "[\"nonsense\", {\"x\": [1]}]", "[null, null, null]"};
    const way *on = *state;
    char options[128];
    both_ends ends;
    via_rpc_error error;
    char *result;
    int32_t a = 40, b = 2, sum = 0;
    void *arguments[] = {&a, &b};

    (void)snprintf(options, sizeof(options), "%s&rpc.greet=false", on->options);
    both_ends_open(&ends, &(way){on->address, options}, let_add_only);
    assert_int_equal(via_rpc_call(ends.client, "add", &sum, arguments, 2, VIA_RPC_USUAL, &error), VIA_OK);
    for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        via_status status =
            via_rpc_call_json(ends.client, "sum", parameters[i], VIA_RPC_USUAL, &result, NULL, NULL, &error);
        assert_null(result);
        if (status == VIA_ETYPE) /* held to the interface before it is sent */
            continue;
        assert_int_equal(status, VIA_EREMOTE);
        assert_int_equal(error.origin, VIA_RPC_THERE);
        assert_non_null(strstr(error.text, "you may not call it")); /* a stranger gets no code in MessagePack */
    }
    both_ends_close(&ends);
}

/* ---- zeroes ------------------------------------------------------------------------------------------------- */

typedef struct outs {
    int32_t quotient, remainder;
    double doubles[4];
    char text[8];
    unsigned char bytes[8];
    size_t size;
} outs;

static void fill(outs *all)
{
    memset(all, 0x5a, sizeof(*all));
    all->size = sizeof(all->bytes);
}

static void assert_zero(const void *memory, size_t size)
{
    for (size_t i = 0; i < size; i++)
        assert_int_equal(((const unsigned char *)memory)[i], 0);
}

/* By a peer that may not: refused there. */
static void everything_is_zero_after_a_refusal(void **state)
{
    both_ends ends;
    int32_t (*divide_there)(int32_t, int32_t, int32_t *, int32_t *);
    void (*double_there)(double *, size_t);
    size_t (*join_there)(const char *const *, size_t, char *, size_t);
    void (*reverse_there)(const void *, size_t, void *, size_t *);
    calc_line (*turn_there)(calc_line), line = {.label = "x", .width = 7};
    const char *const words[] = {"a"};
    via_rpc_error error;
    outs all;

    both_ends_open(&ends, *state, let_add_only);
    assert_int_equal(VIA_OK, via_rpc_import(ends.client, "divide", &divide_there, sizeof(void *), NULL));
    assert_int_equal(VIA_OK, via_rpc_import(ends.client, "double_all", &double_there, sizeof(void *), NULL));
    assert_int_equal(VIA_OK, via_rpc_import(ends.client, "join", &join_there, sizeof(void *), NULL));
    assert_int_equal(VIA_OK, via_rpc_import(ends.client, "reverse", &reverse_there, sizeof(void *), NULL));
    assert_int_equal(VIA_OK, via_rpc_import(ends.client, "turn", &turn_there, sizeof(void *), NULL));
    fill(&all);
    assert_int_equal(divide_there(7, 2, &all.quotient, &all.remainder), INT32_MIN); /* not what it returned */
    assert_int_equal(via_rpc_last_error(ends.client, &error), VIA_EREMOTE);
    assert_int_equal(error.code, -32002);
    memset(all.doubles, 0, sizeof(all.doubles));
    all.doubles[0] = 1;
    double_there(all.doubles, 4);
    assert_int_equal(join_there(words, 1, all.text, sizeof(all.text)), 0);
    reverse_there("abc", 3, all.bytes, &all.size);
    line = turn_there(line);
    assert_zero(&all.quotient, sizeof(all.quotient));
    assert_zero(&all.remainder, sizeof(all.remainder));
    assert_zero(all.doubles, sizeof(all.doubles));
    assert_zero(all.text, sizeof(all.text));
    assert_zero(all.bytes, sizeof(all.bytes));
    assert_zero(&all.size, sizeof(all.size));
    assert_zero(&line, sizeof(line));
    both_ends_close(&ends);
}

/* Refused here, before anything is sent. */
static void everything_is_zero_after_a_refusal_here(void **state)
{
    both_ends ends;
    size_t (*join_there)(const char *const *, size_t, char *, size_t);
    void (*reverse_there)(const void *, size_t, void *, size_t *);
    const char *const words[] = {"\xff\xfe"};
    via_rpc_error error;
    outs all;

    both_ends_open(&ends, *state, NULL);
    assert_int_equal(VIA_OK, via_rpc_import(ends.client, "join", &join_there, sizeof(void *), NULL));
    assert_int_equal(VIA_OK, via_rpc_import(ends.client, "reverse", &reverse_there, sizeof(void *), NULL));
    fill(&all);
    assert_int_equal(join_there(words, 1, all.text, sizeof(all.text)), 0);
    assert_int_equal(via_rpc_last_error(ends.client, &error), VIA_ETYPE);
    assert_int_equal(error.origin, VIA_RPC_HERE);
    assert_int_equal(error.not_sent, 1);
    assert_non_null(strstr(error.text, "words"));
    reverse_there(NULL, 3, all.bytes, &all.size);
    assert_int_equal(via_rpc_last_error(ends.client, &error), VIA_ETYPE);
    assert_non_null(strstr(error.text, "bytes"));
    assert_zero(all.text, sizeof(all.text));
    assert_zero(all.bytes, sizeof(all.bytes));
    assert_zero(&all.size, sizeof(all.size));
    both_ends_close(&ends);
}

/* ---- lost on the way ---------------------------------------------------------------------------------------- */

static void the_three_are_told_apart(void **state)
{
    both_ends ends;
    int32_t (*divide_there)(int32_t, int32_t, int32_t *, int32_t *), quotient, remainder;
    via_rpc_error error;

    both_ends_open(&ends, *state, NULL);
    assert_int_equal(VIA_OK, via_rpc_import(ends.client, "divide", &divide_there, sizeof(void *), NULL));
    assert_int_equal(divide_there(1, 0, &quotient, &remainder), 1);
    assert_int_equal(via_rpc_last_error(ends.client, &error), VIA_EREMOTE);
    assert_int_equal(error.origin, VIA_RPC_THERE);
    assert_string_equal(error.name, "divide_by_zero");
    assert_int_equal(divide_there(4, 2, &quotient, &remainder), 0);
    assert_int_equal(via_rpc_last_error(ends.client, &error), VIA_OK);
    assert_int_equal(error.origin, VIA_RPC_NOTHING);
    via_interrupt(ends.client);
    assert_int_equal(divide_there(4, 2, &quotient, &remainder), INT32_MIN);
    assert_int_equal(via_rpc_last_error(ends.client, &error), VIA_ECANCELED);
    assert_int_equal(error.origin, VIA_RPC_TRANSPORT);
    via_close(ends.client);
    assert_int_equal(pthread_join(ends.thread, NULL), 0);
    via_close(ends.server);
    via_listener_close(ends.listener);
    via_host_close(ends.host);
}

#define ON(test, index)                                                                                                \
    {                                                                                                                  \
#test " " #index, test, NULL, NULL, (void *)(uintptr_t)&ways[index]                                            \
    }
#define EVERYWHERE(test) ON(test, 0), ON(test, 1), ON(test, 2)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVERYWHERE(a_refused_peer_learns_nothing),
        EVERYWHERE(everything_is_zero_after_a_refusal),
        EVERYWHERE(everything_is_zero_after_a_refusal_here),
        EVERYWHERE(the_three_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
