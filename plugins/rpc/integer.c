/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Integers of every width; see integer.h.
 */
#include "integer.h"

#define LOAD(type) (*(const type *)from)
#define STORE(type) (*(type *)to = (type)value)

int64_t rpc_signed_load(rpc_kind kind, const void *from)
{
    switch (kind) {
    case RPC_KIND_I8:
        return LOAD(int8_t);
    case RPC_KIND_I16:
        return LOAD(int16_t);
    case RPC_KIND_I32:
    case RPC_KIND_STATUS:
        return LOAD(int32_t);
    default:
        return LOAD(int64_t);
    }
}

uint64_t rpc_unsigned_load(rpc_kind kind, const void *from)
{
    switch (kind) {
    case RPC_KIND_BOOL:
        return LOAD(bool);
    case RPC_KIND_U8:
        return LOAD(uint8_t);
    case RPC_KIND_U16:
        return LOAD(uint16_t);
    case RPC_KIND_U32:
        return LOAD(uint32_t);
    case RPC_KIND_SIZE:
        return LOAD(size_t);
    default:
        return LOAD(uint64_t);
    }
}

uint64_t rpc_integer_load(rpc_kind kind, const void *from)
{
    if (!rpc_kind_is_signed(kind))
        return rpc_unsigned_load(kind, from);
    int64_t value = rpc_signed_load(kind, from);
    return value < 0 ? 0 : (uint64_t)value;
}

void rpc_integer_store(rpc_kind kind, void *to, uint64_t value)
{
    switch (kind) {
    case RPC_KIND_I8:
    case RPC_KIND_U8:
        STORE(uint8_t);
        break;
    case RPC_KIND_I16:
    case RPC_KIND_U16:
        STORE(uint16_t);
        break;
    case RPC_KIND_I32:
    case RPC_KIND_U32:
    case RPC_KIND_STATUS:
        STORE(uint32_t);
        break;
    case RPC_KIND_SIZE:
        STORE(size_t);
        break;
    default:
        STORE(uint64_t);
    }
}

static const struct {
    int64_t least;
    uint64_t most;
} ranges[] = {
    [RPC_KIND_I8] = {INT8_MIN, INT8_MAX},    [RPC_KIND_U8] = {0, UINT8_MAX},
    [RPC_KIND_I16] = {INT16_MIN, INT16_MAX}, [RPC_KIND_U16] = {0, UINT16_MAX},
    [RPC_KIND_I32] = {INT32_MIN, INT32_MAX}, [RPC_KIND_U32] = {0, UINT32_MAX},
    [RPC_KIND_I64] = {INT64_MIN, INT64_MAX}, [RPC_KIND_U64] = {0, UINT64_MAX},
    [RPC_KIND_SIZE] = {0, SIZE_MAX},         [RPC_KIND_STATUS] = {INT32_MIN, INT32_MAX},
};

int64_t rpc_kind_least(rpc_kind kind)
{
    return ranges[kind].least;
}

uint64_t rpc_kind_most(rpc_kind kind)
{
    return ranges[kind].most;
}
