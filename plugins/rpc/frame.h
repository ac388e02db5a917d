/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parameters of one call, as C has them.
 *
 * Owns: where a parameter lies: in its cell, or behind the pointer in it.
 */
#ifndef RPC_FRAME_H
#define RPC_FRAME_H

#include "integer.h"
#include "marshal.h"

/* Scalars, handles and structs of a parameter that goes out are behind a pointer; in C all arrays always are. */
static inline bool rpc_param_is_behind(const rpc_param *param)
{
    return param->direction & RPC_OUT || param->type.kind == RPC_KIND_FIXED;
}

/* BYTES, ARRAY, and STRING in the caller's memory. */
static inline bool rpc_param_is_buffer(const rpc_param *param)
{
    rpc_kind kind = param->type.kind;

    if (kind == RPC_KIND_STRING)
        return param->direction & RPC_OUT && !param->is_full;
    return kind == RPC_KIND_BYTES || kind == RPC_KIND_ARRAY;
}

static inline size_t rpc_param_element(const rpc_param *param)
{
    return param->type.kind == RPC_KIND_ARRAY ? param->type.element->size : 1;
}

/* Where the value is: the cell, or what it points to (NULL: the caller wants it not). */
static inline void *rpc_frame_at(const rpc_frame *frame, size_t index)
{
    void *cell = frame->cells[index];

    return rpc_param_is_behind(&frame->method->params[index]) ? *(void **)cell : cell;
}

/* The number in a parameter that counts something. 0 where there is none. */
static inline uint64_t rpc_frame_number(const rpc_frame *frame, int index)
{
    const void *at = index == RPC_NONE ? NULL : rpc_frame_at(frame, (size_t)index);

    return at ? rpc_integer_load(frame->method->params[index].type.kind, at) : 0;
}

/* What an array, a string or a pointer to something points to. */
static inline void *rpc_frame_pointer(const rpc_frame *frame, size_t index)
{
    return *(void **)frame->cells[index];
}

/* The parameter that says how many elements there are. */
static inline int rpc_param_count(const rpc_param *param)
{
    return param->length_is != RPC_NONE ? param->length_is : param->size_is;
}

/* For messages about it. */
static inline rpc_rule rpc_param_rule(const rpc_param *param)
{
    return (rpc_rule){param->name, param->max, param->nullable};
}

#endif
