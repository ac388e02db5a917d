/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for one call.
 *
 * Owns: everything that is allocated while a message is decoded, given back at once. Bounded: what a message claims about its
 * own size is never believed, and what it really takes is counted.
 */
#ifndef RPC_ARENA_H
#define RPC_ARENA_H

#include <stddef.h>

enum { RPC_ARENA_FIRST = 2048 };

typedef struct rpc_block rpc_block;

typedef struct rpc_arena {
    rpc_block *blocks; /* the newest first; NULL = only `first` is used */
    size_t used;       /* of the newest, or of `first` */
    size_t taken;      /* bytes handed out in all */
    size_t limit;      /* of `taken` */
    _Alignas(max_align_t) unsigned char first[RPC_ARENA_FIRST];
} rpc_arena;

void rpc_arena_init(rpc_arena *arena, size_t limit);
/* Frees everything and starts again. */
void rpc_arena_reset(rpc_arena *arena);
void rpc_arena_fini(rpc_arena *arena);
/* `size` bytes for any type, not cleared; NULL: no memory, or above the limit. `size` 0 is one byte. */
void *rpc_arena_take(rpc_arena *arena, size_t size);
/* `count` times `size`, cleared; NULL also if the product overflows. */
void *rpc_arena_take_array(rpc_arena *arena, size_t count, size_t size);

#endif
