/* SPDX-License-Identifier: Apache-2.0 */
#include "calls.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 5 };

static unsigned started, ended;

/* ---- what is called back ------------------------------------------------------------------------------------ */

static int32_t visit(void *user, int32_t index, const char *name)
{
    if (user != &started)
        abort();
    return index + (name ? (int32_t)(strlen(name) % 100) : 0) > 0 ? 1 : 0;
}

static void on_event(void *user, const char *parameters, char *result, size_t capacity)
{
    if (user != &started || parameters[0] != '[' || capacity < 2)
        abort();
    memcpy(result, "7", 2);
}

static void on_done(void *user, via_status status, const via_rpc_error *error)
{
    if (user != &started || (status == VIA_OK) != (error == NULL))
        abort();
    ended++;
}

static void on_json(void *user, via_status status, const char *result, const via_rpc_error *error)
{
    if (result && status != VIA_OK)
        abort();
    on_done(user, status, error);
}

/* ---- calls: what they write lies in memory of exactly its size ---------------------------------------------- */

static void *room_of(size_t size)
{
    void *room = calloc(1, size);

    if (!room)
        abort();
    return room;
}

static void call(rpc_peer *peer, const char *method, void *result, void *const *arguments, size_t count)
{
    via_rpc_error error;

    via_rpc_error_init(&error);
    if (rpc_table.call(peer, method, result, arguments, count, VIA_RPC_USUAL, &error) != error.status)
        abort();
}

static void call_add(rpc_peer *peer)
{
    int32_t a = 40, b = 2, result;
    void *const arguments[] = {&a, &b};

    call(peer, "add", &result, arguments, 2);
}

static void call_each(rpc_peer *peer)
{
    int32_t count = 3, result, (*function)(void *, int32_t, const char *) = visit;
    void *user = &started;
    void *const arguments[] = {&count, (void *)&function, (void *)&user};

    call(peer, "each", &result, arguments, 3);
}

static void call_outs(rpc_peer *peer)
{
    int32_t a = 7, b = 2, *quotient = room_of(sizeof(int32_t)), *remainder = room_of(sizeof(int32_t));
    size_t room = ROOM, *size = room_of(sizeof(size_t)), result;
    double *doubles = room_of(ROOM * sizeof(double));
    char *text = room_of(ROOM);
    const char *const words[] = {"x", NULL}, *const *at = words;
    void *const divided[] = {&a, &b, (void *)&quotient, (void *)&remainder};
    void *const doubled[] = {(void *)&doubles, &room}, *const joined[] = {(void *)&at, &(size_t){2}, (void *)&text,
                                                                          &room};
    void *const reversed[] = {(void *)&text, &room, (void *)&doubles, (void *)&size};

    *size = ROOM;
    call(peer, "divide", NULL, divided, 4);
    call(peer, "double_all", NULL, doubled, 2);
    call(peer, "join", &result, joined, 4);
    call(peer, "reverse", NULL, reversed, 4);
    free(quotient);
    free(remainder);
    free(size);
    free(doubles);
    free(text);
}

/* Texts, structs, handles. */
static void call_rest(rpc_peer *peer)
{
    char *greeting = NULL, *name;
    const char *who = "you";
    struct {
        double ends[4];
        const char *label;
        int16_t width;
        bool is_dashed;
    } line = {.label = "label"}, turned;
    void *counter = NULL, *const with_counter[] = {(void *)&counter};
    int32_t number = 1;
    void *const with_number[] = {&number}, *const with_line[] = {&line}, *const with_name[] = {(void *)&who};

    call(peer, "greet", (void *)&greeting, with_name, 1);
    call(peer, "name_of", (void *)&name, with_number, 1);
    call(peer, "turn", &turned, with_line, 1);
    call(peer, "counter_new", (void *)&counter, with_number, 1);
    call(peer, "counter_free", NULL, with_counter, 1);
    free(greeting);
}

static void call_json(rpc_peer *peer)
{
    via_rpc_error error;
    char *result, *text;

    if (rpc_table.call_json(peer, "each", "[3, \"here\"]", VIA_RPC_USUAL, &result, on_event, &started, &error) !=
            VIA_OK &&
        result)
        abort();
    free(result);
    (void)rpc_table.describe(peer, VIA_RPC_USUAL, &text, &error);
    free(text);
    (void)rpc_table.call_json(peer, "unheard_of", "[1, {\"x\": null}]", VIA_RPC_USUAL, &result, NULL, NULL, &error);
    free(result);
}

/* ---- calls that nobody waits for: what they write has to stay ------------------------------------------------ */

static void start_some(rpc_peer *peer)
{
    static int32_t a, b, count, result, (*function)(void *, int32_t, const char *);
    static void *user;
    void *const sum[] = {&a, &b}, *const visited[] = {&count, (void *)&function, (void *)&user};
    uint64_t first, second;

    a = b = count = 3;
    function = visit;
    user = &started;
    started += rpc_table.start(peer, "add", &result, sum, 2, VIA_RPC_USUAL, on_done, &started, &first, NULL) == VIA_OK;
    if (rpc_table.start(peer, "each", &result, visited, 3, VIA_RPC_USUAL, on_done, &started, &second, NULL) == VIA_OK) {
        started++;
        (void)rpc_table.cancel(peer, second);
    }
    (void)rpc_table.notify(peer, "remember", sum, 1, VIA_RPC_USUAL, NULL);
}

static void start_json(rpc_peer *peer)
{
    uint64_t number;

    for (int i = 0; i < 3; i++)
        started +=
            rpc_table.start_json(peer, "sum", "[[1, 2, 3]]", VIA_RPC_USUAL, on_json, &started, &number, NULL) == VIA_OK;
    (void)rpc_table.notify_json(peer, "remember", "[5]", VIA_RPC_USUAL, NULL);
    call_add(peer);
}

void fuzz_call(rpc_peer *peer, unsigned which)
{
    static void (*const calls[FUZZ_CALLS])(rpc_peer *) = {NULL,      call_add,  call_each,  call_outs,
                                                          call_rest, call_json, start_some, start_json};

    started = ended = 0;
    if (calls[which])
        calls[which](peer);
}

void fuzz_calls_check(void)
{
    if (started != ended)
        abort();
}
