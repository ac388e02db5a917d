/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading MessagePack, value by value.
 *
 * Owns: where the reader stands: `index` has how many values each list and map that was entered still holds. What is given out
 * lies in the message. Must never rely on an earlier look at the message: it may lie in memory that the other end can still write to,
 * so each value is checked against the size again.
 */
#include "kit/utf8.h"
#include "msgpack.h"
#include "number.h"

#include <string.h>

/* The head of the next value, whose body may not be there. */
static inline bool look_at_head(const rpc_reader *reader, rpc_msgpack_head *head)
{
    const size_t left = reader->size - reader->at;

    return reader->index[reader->depth - 1] > 0 && left > 0 &&
           rpc_msgpack_read_head(reader->data + reader->at, left, head) == VIA_OK;
}

/* The next value's head; false: there is none. */
static inline bool look(const rpc_reader *reader, rpc_msgpack_head *head)
{
    return look_at_head(reader, head) && rpc_msgpack_body(head) <= reader->size - reader->at - head->size;
}

/* Counts the value that ends `size` bytes from here as read. */
static inline void take(rpc_reader *reader, size_t size)
{
    reader->at += size;
    reader->index[reader->depth - 1]--;
}

/* The next value is not what was asked for. */
static __attribute__((noinline, cold)) bool refuse(rpc_reader *reader)
{
    rpc_msgpack_head head;

    reader->wrong = rpc_token_words(look(reader, &head) ? head.token : RPC_NOTHING);
    return false;
}

rpc_token rpc_msgpack_next(rpc_reader *reader)
{
    rpc_msgpack_head head;

    return look(reader, &head) ? head.token : RPC_NOTHING;
}

bool rpc_msgpack_get_nil(rpc_reader *reader)
{
    rpc_msgpack_head head;

    if (!look_at_head(reader, &head) || head.token != RPC_NIL)
        return refuse(reader);
    take(reader, head.size);
    return true;
}

bool rpc_msgpack_get_bool(rpc_reader *reader, bool *value)
{
    rpc_msgpack_head head;

    if (!look_at_head(reader, &head) || head.token != RPC_BOOLEAN)
        return refuse(reader);
    *value = head.value != 0;
    take(reader, head.size);
    return true;
}

bool rpc_msgpack_get_unsigned(rpc_reader *reader, uint64_t *value)
{
    rpc_msgpack_head head;

    if (!look_at_head(reader, &head) || head.token != RPC_UNSIGNED)
        return refuse(reader);
    *value = head.value;
    take(reader, head.size);
    return true;
}

bool rpc_msgpack_get_signed(rpc_reader *reader, int64_t *value)
{
    rpc_msgpack_head head;

    if (!look_at_head(reader, &head) || (head.token != RPC_UNSIGNED && head.token != RPC_NEGATIVE))
        return refuse(reader);
    if (head.token == RPC_UNSIGNED && head.value > INT64_MAX) {
        reader->wrong = "an integer that is too large";
        return false;
    }
    *value = (int64_t)head.value;
    take(reader, head.size);
    return true;
}

static double float_of(const rpc_msgpack_head *head)
{
    uint32_t single_bits = (uint32_t)head->value;
    float single;
    double value;

    if (head->lead == MSGPACK_FLOAT32) {
        memcpy(&single, &single_bits, sizeof(single));
        return single;
    }
    memcpy(&value, &head->value, sizeof(value));
    return value;
}

bool rpc_msgpack_get_float(rpc_reader *reader, double *value)
{
    rpc_msgpack_head head;
    bool is_exact = true;

    if (!look_at_head(reader, &head))
        return refuse(reader);
    if (head.token == RPC_FLOAT)
        *value = float_of(&head);
    else if (head.token == RPC_UNSIGNED)
        is_exact = rpc_unsigned_as_float(head.value, value);
    else if (head.token == RPC_NEGATIVE)
        is_exact = rpc_signed_as_float((int64_t)head.value, value);
    else
        return refuse(reader);
    if (!is_exact) {
        reader->wrong = "an integer that no floating point number is equal to";
        return false;
    }
    take(reader, head.size);
    return true;
}

bool rpc_msgpack_get_text(rpc_reader *reader, const char **text, size_t *size)
{
    rpc_msgpack_head head;
    const char *body;

    if (!look(reader, &head) || head.token != RPC_TEXT)
        return refuse(reader);
    body = (const char *)reader->data + reader->at + head.size;
    if (!via_utf8_is_valid(body, (size_t)head.value)) {
        reader->wrong = "text that is not UTF-8";
        return false;
    }
    *text = body;
    *size = (size_t)head.value;
    take(reader, head.size + (size_t)head.value);
    return true;
}

bool rpc_msgpack_get_bytes(rpc_reader *reader, const unsigned char **bytes, size_t *size)
{
    rpc_msgpack_head head;

    if (!look(reader, &head) || (head.token != RPC_BINARY && head.token != RPC_TEXT))
        return refuse(reader);
    *bytes = reader->data + reader->at + head.size;
    *size = (size_t)head.value;
    take(reader, head.size + (size_t)head.value);
    return true;
}

/* ---- lists and maps ----------------------------------------------------------------------------------------- */

static bool enter(rpc_reader *reader, rpc_token token, uint64_t values_each, size_t *count)
{
    rpc_msgpack_head head;
    uint64_t values;

    if (!look(reader, &head) || head.token != token)
        return refuse(reader);
    values = head.value * values_each;
    if (reader->depth == RPC_DEPTH || values > RPC_ELEMENTS || values > reader->size - reader->at - head.size) {
        reader->wrong = "more values than the message has";
        return false;
    }
    take(reader, head.size);
    reader->elements += values;
    reader->index[reader->depth++] = (uint32_t)values;
    *count = (size_t)head.value;
    return true;
}

bool rpc_msgpack_enter_list(rpc_reader *reader, size_t *count)
{
    return enter(reader, RPC_LIST, 1, count);
}

bool rpc_msgpack_enter_map(rpc_reader *reader, size_t *count)
{
    return enter(reader, RPC_MAP, 2, count);
}

/* The message has changed since it was opened: nothing of it can be read any more. */
static bool give_up(rpc_reader *reader)
{
    reader->at = reader->size;
    reader->wrong = rpc_token_words(RPC_NOTHING);
    return false;
}

bool rpc_msgpack_skip(rpc_reader *reader)
{
    size_t left = reader->size - reader->at, whole;
    rpc_measure state;

    if (reader->index[reader->depth - 1] == 0) {
        reader->wrong = rpc_token_words(RPC_NOTHING);
        return false;
    }
    if ((whole = rpc_msgpack_plain_size(reader->data + reader->at, left)) > 0) {
        take(reader, whole);
        return true;
    }
    state.at = 0;
    state.depth = 0;
    state.elements = 0;
    if (rpc_msgpack_walk(reader->data + reader->at, left, left, &state, &reader->wrong) != VIA_OK)
        return give_up(reader);
    take(reader, state.at);
    return true;
}

void rpc_msgpack_leave_entered(rpc_reader *reader)
{
    if (reader->depth <= 1)
        return;
    while (reader->index[reader->depth - 1] > 0 && rpc_msgpack_skip(reader))
        ;
    reader->depth--;
}
