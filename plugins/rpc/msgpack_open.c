/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands before the values of a message of MessagePack-RPC.
 *
 * Owns: that a message is one value of the right shape, with nothing after it, before anybody reads a value of it.
 * Must never give up on a wrong message before it has looked for the number of the call.
 */
#include "kit/utf8.h"
#include "msgpack.h"

enum { SHORT_COUNT = 32 };

static __attribute__((cold)) via_status wrong(rpc_reader *reader, const char *why)
{
    reader->wrong = why;
    reader->index[0] = 0;
    reader->depth = 1;
    return VIA_EPROTO;
}

/* A message that is gone over: which of its bytes comes next. */
typedef struct cursor {
    const unsigned char *data;
    size_t size;
    size_t at;
} cursor;

/* Nothing of it can be read so far. */
static void begin(rpc_reader *reader, const void *data, size_t size, rpc_arena *arena)
{
    reader->data = data;
    reader->size = size;
    reader->at = 0;
    reader->depth = 1;
    reader->elements = 0;
    reader->arena = arena;
    reader->wrong = NULL;
    reader->tree = NULL;
    reader->cursor = NULL;
    reader->index[0] = 0;
}

/* All but the fault, which is read if it is one. */
static void clear(rpc_envelope *envelope)
{
    envelope->kind = (rpc_message_kind)0;
    envelope->has_id = envelope->is_named = false;
    envelope->id = (rpc_id){0};
    envelope->method = NULL;
    envelope->method_size = envelope->count = 0;
    envelope->timeout_ms = 0;
}

static inline bool look(const cursor *message, rpc_msgpack_head *head)
{
    const size_t left = message->size - message->at;

    return left > 0 && rpc_msgpack_read_head(message->data + message->at, left, head) == VIA_OK &&
           rpc_msgpack_body(head) <= left - head->size;
}

static __attribute__((noinline)) bool take_any(cursor *message, rpc_token token, uint64_t *number)
{
    rpc_msgpack_head head;

    if (!look(message, &head) || head.token != token)
        return false;
    *number = head.value;
    message->at += head.size;
    return true;
}

/* The number in the next value's head, if the value is of that kind: RPC_NIL, RPC_UNSIGNED or RPC_LIST. Most heads are one byte. */
static inline bool take(cursor *message, rpc_token token, uint64_t *number)
{
    if (message->at == message->size)
        return false;
    const unsigned char lead = message->data[message->at];
    const rpc_msgpack_lead *meaning = &rpc_msgpack_leads[lead];
    if (meaning->token != token || meaning->width > 0)
        return take_any(message, token, number);
    *number = lead & meaning->mask;
    message->at++;
    return true;
}

/* The whole of a list that is short and has no other in it. */
static bool pass_short_list(cursor *message)
{
    cursor list = *message;
    size_t whole = 1;
    uint64_t count;

    if (!take(&list, RPC_LIST, &count) || count > SHORT_COUNT)
        return false;
    for (; count > 0 && whole > 0; count--) {
        whole = rpc_msgpack_plain_size(list.data + list.at, list.size - list.at);
        list.at += whole;
    }
    if (whole > 0)
        *message = list;
    return whole > 0;
}

static bool set_kind(rpc_envelope *envelope, uint64_t type, uint64_t count)
{
    if (type == MSGPACK_REQUEST && (count == 4 || count == 5))
        envelope->kind = RPC_REQUEST;
    else if (type == MSGPACK_REPLY && count == 4)
        envelope->kind = RPC_RESULT; /* unless there is an error */
    else if (type == MSGPACK_NOTIFICATION && count == 3)
        envelope->kind = RPC_NOTIFICATION;
    return envelope->kind != 0;
}

/* Goes over one value of the message's own list, which has to be whole. */
static bool pass_value(rpc_reader *reader, cursor *message)
{
    const char *why = "it is cut short, or claims more than it has";
    size_t whole = rpc_msgpack_plain_size(message->data + message->at, message->size - message->at);
    rpc_measure state; /* not cleared: most of it is never used */

    message->at += whole;
    if (whole > 0 || pass_short_list(message))
        return true;
    state.at = message->at;
    state.depth = 1; /* in the message's own list, of which this is one: depth is counted as in a stream */
    state.left[0] = 1;
    state.elements = reader->elements;
    if (rpc_msgpack_walk(message->data, message->size, message->size, &state, &why) != VIA_OK) {
        (void)wrong(reader, why);
        return false;
    }
    message->at = state.at;
    return true;
}

static bool is_at_end(rpc_reader *reader, const cursor *message)
{
    if (message->at == message->size)
        return true;
    (void)wrong(reader, "something follows the message");
    return false;
}

/* str, or bin as some libraries write it. */
static bool read_method(cursor *message, rpc_envelope *envelope)
{
    rpc_msgpack_head head;

    if (!look(message, &head) || (head.token != RPC_TEXT && head.token != RPC_BINARY) || head.value > RPC_NAME_BYTES)
        return false;
    envelope->method = (const char *)message->data + message->at + head.size;
    envelope->method_size = (size_t)head.value;
    message->at += head.size + envelope->method_size;
    return via_utf8_is_valid(envelope->method, envelope->method_size);
}

/* The fifth value of a request stands behind the parameters. */
static via_status read_call(rpc_reader *reader, cursor *message, bool has_timeout, rpc_envelope *envelope)
{
    uint64_t count;

    if (!read_method(message, envelope))
        return wrong(reader, "the method is not a short text");
    cursor parameters = *message;
    if (!pass_value(reader, message))
        return VIA_EPROTO;
    if (has_timeout && !take(message, RPC_UNSIGNED, &envelope->timeout_ms))
        return wrong(reader, "the time that is left is not a number");
    if (!is_at_end(reader, message))
        return VIA_EPROTO;
    if (!take(&parameters, RPC_LIST, &count) || count > parameters.size - parameters.at)
        return wrong(reader, "the parameters are not a list");
    envelope->count = (size_t)count;
    reader->at = parameters.at;
    reader->elements += count;
    reader->index[1] = (uint32_t)count;
    reader->depth = 2;
    return VIA_OK;
}

static via_status read_reply(rpc_reader *reader, cursor *message, rpc_envelope *envelope)
{
    uint64_t none;
    size_t error = message->at;
    bool is_good = take(message, RPC_NIL, &none);
    size_t result = message->at;

    if ((!is_good && !pass_value(reader, message)) || !pass_value(reader, message) || !is_at_end(reader, message))
        return VIA_EPROTO;
    reader->at = is_good ? result : error;
    reader->index[0] = 1;
    if (is_good)
        return VIA_OK;
    envelope->kind = RPC_FAULT;
    rpc_msgpack_read_fault(reader, &envelope->fault);
    reader->depth = 1; /* there is no value to read */
    reader->index[0] = 0;
    return VIA_OK;
}

via_status rpc_msgpack_open(rpc_reader *reader, const void *data, size_t size, rpc_arena *arena, rpc_envelope *envelope)
{
    cursor message = {data, size, 0};
    uint64_t count, type;

    clear(envelope);
    begin(reader, data, size, arena);
    if (!take(&message, RPC_LIST, &count) || count > message.size - message.at ||
        !take(&message, RPC_UNSIGNED, &type) || !set_kind(envelope, type, count))
        return wrong(reader, "it is no request, reply or notification");
    reader->elements = count;
    if (envelope->kind != RPC_NOTIFICATION) {
        envelope->has_id = take(&message, RPC_UNSIGNED, &envelope->id.number);
        if (!envelope->has_id)
            return wrong(reader, "the number of the call is none");
    }
    return envelope->kind == RPC_RESULT ? read_reply(reader, &message, envelope)
                                        : read_call(reader, &message, count == 5, envelope);
}
