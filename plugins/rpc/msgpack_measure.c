/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a MessagePack value ends.
 *
 * Owns: counting what arrays and maps still lack, and every limit of a message: bytes, values, depth. Must never recurse, allocate,
 * or look twice at a value that is complete.
 */
#include "msgpack.h"

/* One value is complete, and with it perhaps what it is the last of. */
static void finish(rpc_measure *state)
{
    while (state->depth > 0 && --state->left[state->depth - 1] == 0)
        state->depth--;
}

/* Each claimed value is at least one byte: all together cannot be more than the message may be long. */
static via_status descend(rpc_measure *state, uint64_t count, size_t limit, const char **why)
{
    if (state->depth == RPC_DEPTH) {
        *why = "lists and maps are nested too deeply";
        return VIA_EPROTO;
    }
    if (count == 0) {
        finish(state);
        return VIA_OK;
    }
    state->elements += count;
    if (state->elements > RPC_ELEMENTS)
        *why = "there are too many values in one message";
    if (state->elements > RPC_ELEMENTS || state->elements >= limit)
        return VIA_ETOOBIG;
    state->left[state->depth++] = count;
    return VIA_OK;
}

/* Any one value, also where something is wrong with it. */
static via_status step(const unsigned char *data, size_t size, size_t limit, rpc_measure *state, const char **why)
{
    rpc_msgpack_head head;
    via_status status;
    uint64_t whole;

    if (state->at >= limit)
        return VIA_ETOOBIG;
    if (state->at >= size)
        return VIA_ETIMEDOUT;
    status = rpc_msgpack_read_head(data + state->at, size - state->at, &head);
    if (status == VIA_EPROTO)
        *why = "the byte c1 begins no value of MessagePack";
    if (status == VIA_ETIMEDOUT && size >= limit)
        return VIA_ETOOBIG;
    if (status != VIA_OK)
        return status;
    whole = head.size + rpc_msgpack_body(&head);
    if (whole > limit - state->at)
        return VIA_ETOOBIG;
    if (whole > size - state->at)
        return VIA_ETIMEDOUT;
    state->at += (size_t)whole;
    if (head.token == RPC_LIST)
        return descend(state, head.value, limit, why);
    if (head.token == RPC_MAP)
        return descend(state, 2 * head.value, limit, why);
    finish(state);
    return VIA_OK;
}

/* Values of the innermost list or map that hold no others. True: it is complete. */
static bool pass_plain(const unsigned char *data, size_t size, rpc_measure *state)
{
    uint64_t left = state->left[state->depth - 1];
    size_t at = state->at, whole;

    while (left > 0 && at < size && (whole = rpc_msgpack_plain_size(data + at, size - at)) > 0) {
        at += whole;
        left--;
    }
    state->left[state->depth - 1] = left;
    state->at = at;
    return left == 0;
}

via_status rpc_msgpack_walk(const unsigned char *data, size_t size, size_t limit, rpc_measure *state, const char **why)
{
    via_status status = VIA_OK;

    do {
        if (state->depth > 0 && pass_plain(data, size < limit ? size : limit, state)) {
            state->depth--;
            finish(state);
            continue;
        }
        status = step(data, size, limit, state, why);
    } while (status == VIA_OK && state->depth > 0);
    return status;
}

/* A stream that is something else altogether is found out by its first bytes, not when some limit is met. */
static via_status check_outermost(const unsigned char *data, size_t size, size_t limit, const char **why)
{
    rpc_msgpack_head head;
    via_status status = rpc_msgpack_read_head(data, size, &head);

    if (status == VIA_ETIMEDOUT)
        return status;
    if (status == VIA_OK && head.token == RPC_LIST && head.value >= limit)
        return VIA_ETOOBIG;
    if (status == VIA_OK && head.token == RPC_LIST && head.value >= 3 && head.value <= 5)
        return VIA_OK;
    *why = "a message of MessagePack-RPC is a list of three to five values";
    return VIA_EPROTO;
}

via_status rpc_msgpack_measure(const unsigned char *data, size_t size, size_t limit, rpc_measure *state, size_t *used,
                               const char **why)
{
    via_status status;

    *why = NULL;
    if (size == 0)
        return VIA_ETIMEDOUT;
    status = state->at == 0 ? check_outermost(data, size, limit, why) : VIA_OK;
    if (status == VIA_OK)
        status = rpc_msgpack_walk(data, size, limit, state, why);
    if (status == VIA_OK)
        *used = state->at;
    if (status == VIA_ETOOBIG && !*why)
        *why = "the message is larger than it may be";
    return status;
}
