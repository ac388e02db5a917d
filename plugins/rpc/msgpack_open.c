/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands before the values of a message of MessagePack-RPC.
 *
 * Owns: that a message is one value of the right shape, with nothing after it, before anybody reads a value of it.
 * Must never give up on a wrong message before it has looked for the number of the call.
 */
#include "kit/utf8.h"
#include "msgpack.h"

static via_status wrong(rpc_reader *reader, const char *why)
{
    reader->wrong = why;
    reader->index[0] = 0;
    reader->depth = 1;
    return VIA_EPROTO;
}

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
    reader->index[0] = 1;
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

/* The message's own list is the outermost one: it takes the place of what it stands in. */
static bool read_kind(rpc_reader *reader, size_t *values, rpc_envelope *envelope)
{
    uint64_t type;
    size_t count;

    if (!rpc_msgpack_enter_list(reader, values))
        return false;
    count = *values;
    reader->index[0] = (uint32_t)count;
    reader->depth = 1;
    if (!rpc_msgpack_get_unsigned(reader, &type))
        return false;
    if (type == MSGPACK_REQUEST && (count == 4 || count == 5))
        envelope->kind = RPC_REQUEST;
    else if (type == MSGPACK_REPLY && count == 4)
        envelope->kind = RPC_RESULT; /* unless there is an error */
    else if (type == MSGPACK_NOTIFICATION && count == 3)
        envelope->kind = RPC_NOTIFICATION;
    else
        return false;
    return true;
}

/* Goes over one value of the message's own list, which has to be whole. */
static bool pass_value(rpc_reader *reader)
{
    const char *why = "it is cut short, or claims more than it has";
    rpc_measure state; /* not cleared: most of it is never used */

    if (rpc_msgpack_skip_plain(reader))
        return true;
    state.at = reader->at;
    state.depth = 1; /* in the message's own list, of which this is one: depth is counted as in a stream */
    state.left[0] = 1;
    state.elements = reader->elements;
    if (rpc_msgpack_walk(reader->data, reader->size, reader->size, &state, &why) != VIA_OK) {
        (void)wrong(reader, why);
        return false;
    }
    reader->at = state.at;
    reader->index[0]--;
    return true;
}

static bool is_at_end(rpc_reader *reader)
{
    if (reader->at == reader->size)
        return true;
    (void)wrong(reader, "something follows the message");
    return false;
}

/* Where the values to be read stand, once all of the message has been looked at. */
static void go_back(rpc_reader *reader, size_t at)
{
    reader->at = at;
    reader->index[0] = 1;
    reader->wrong = NULL;
}

/* str, or bin as some libraries write it. */
static bool read_method(rpc_reader *reader, rpc_envelope *envelope)
{
    const unsigned char *bytes;

    if (!rpc_msgpack_get_bytes(reader, &bytes, &envelope->method_size))
        return false;
    envelope->method = (const char *)bytes;
    return envelope->method_size <= RPC_NAME_BYTES && via_utf8_is_valid(envelope->method, envelope->method_size);
}

/* The fifth value of a request stands behind the parameters. */
static via_status read_call(rpc_reader *reader, size_t count, rpc_envelope *envelope)
{
    if (!read_method(reader, envelope))
        return wrong(reader, "the method is not a short text");
    size_t parameters = reader->at;
    if (!pass_value(reader))
        return VIA_EPROTO;
    if (count == 5 && !rpc_msgpack_get_unsigned(reader, &envelope->timeout_ms))
        return wrong(reader, "the time that is left is not a number");
    if (!is_at_end(reader))
        return VIA_EPROTO;
    go_back(reader, parameters);
    if (!rpc_msgpack_enter_list(reader, &envelope->count))
        return wrong(reader, "the parameters are not a list");
    return VIA_OK;
}

static via_status read_reply(rpc_reader *reader, rpc_envelope *envelope)
{
    size_t error = reader->at;
    bool is_good = rpc_msgpack_get_nil(reader);
    size_t result = reader->at;

    if ((!is_good && !pass_value(reader)) || !pass_value(reader) || !is_at_end(reader))
        return VIA_EPROTO;
    go_back(reader, is_good ? result : error);
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
    size_t count;

    clear(envelope);
    begin(reader, data, size, arena);
    if (!read_kind(reader, &count, envelope))
        return wrong(reader, "it is no request, reply or notification");
    if (envelope->kind != RPC_NOTIFICATION) {
        envelope->has_id = rpc_msgpack_get_unsigned(reader, &envelope->id.number);
        if (!envelope->has_id)
            return wrong(reader, "the number of the call is none");
    }
    return envelope->kind == RPC_RESULT ? read_reply(reader, envelope) : read_call(reader, count, envelope);
}
