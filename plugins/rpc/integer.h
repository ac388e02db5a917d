/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Integers of every width.
 *
 * Owns: what lies behind a pointer to an integer of a kind that is known only at run time.
 */
#ifndef RPC_INTEGER_H
#define RPC_INTEGER_H

#include "interface.h"

enum {
    RPC_SIGNED_KINDS =
        1 << RPC_KIND_I8 | 1 << RPC_KIND_I16 | 1 << RPC_KIND_I32 | 1 << RPC_KIND_I64 | 1 << RPC_KIND_STATUS,
    RPC_INTEGER_KINDS = RPC_SIGNED_KINDS | 1 << RPC_KIND_U8 | 1 << RPC_KIND_U16 | 1 << RPC_KIND_U32 |
                        1 << RPC_KIND_U64 | 1 << RPC_KIND_SIZE
};

static inline bool rpc_kind_is_signed(rpc_kind kind)
{
    return (unsigned)RPC_SIGNED_KINDS >> kind & 1;
}

static inline bool rpc_kind_is_integer(rpc_kind kind)
{
    return (unsigned)RPC_INTEGER_KINDS >> kind & 1;
}

int64_t rpc_kind_least(rpc_kind kind);
uint64_t rpc_kind_most(rpc_kind kind);

/* Of a signed kind; of any other, and of BOOL. */
int64_t rpc_signed_load(rpc_kind kind, const void *from);
uint64_t rpc_unsigned_load(rpc_kind kind, const void *from);
/* Of either; negative ones count as 0. For lengths. */
uint64_t rpc_integer_load(rpc_kind kind, const void *from);
/* Cut to the width of the kind. */
void rpc_integer_store(rpc_kind kind, void *to, uint64_t value);

#endif
