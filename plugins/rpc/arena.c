/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for one call; see arena.h.
 *
 * Owns: the blocks. Must never hand out more than the limit, nor believe a size before it has been checked for overflow.
 */
#include "arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = _Alignof(max_align_t), BLOCK_BYTES = 16 * 1024 };

struct rpc_block {
    rpc_block *older;
    size_t capacity;
    _Alignas(max_align_t) unsigned char bytes[];
};

void rpc_arena_init(rpc_arena *arena, size_t limit)
{
    arena->blocks = NULL;
    arena->used = 0;
    arena->taken = 0;
    arena->limit = limit;
}

void rpc_arena_reset(rpc_arena *arena)
{
    while (arena->blocks) {
        rpc_block *block = arena->blocks;

        arena->blocks = block->older;
        free(block);
    }
    arena->used = 0;
    arena->taken = 0;
}

void rpc_arena_fini(rpc_arena *arena)
{
    rpc_arena_reset(arena);
}

/* What does not fit leaves the rest of the block unused: less than itself, so that at most half of everything is lost. */
static bool add_block(rpc_arena *arena, size_t size)
{
    size_t capacity = size > BLOCK_BYTES ? size : BLOCK_BYTES;
    rpc_block *block = malloc(sizeof(*block) + capacity);

    if (!block)
        return false;
    block->older = arena->blocks;
    block->capacity = capacity;
    arena->blocks = block;
    arena->used = 0;
    return true;
}

/* Up to whole units of the alignment; 0 = too large for that. */
static size_t round_up(size_t size)
{
    if (size > SIZE_MAX / 2)
        return 0;
    return size == 0 ? ALIGNMENT : (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

void *rpc_arena_take(rpc_arena *arena, size_t size)
{
    size_t needed = round_up(size);
    size_t capacity = arena->blocks ? arena->blocks->capacity : RPC_ARENA_FIRST;
    unsigned char *taken;

    if (needed == 0 || needed > arena->limit || arena->taken > arena->limit - needed)
        return NULL;
    if (needed > capacity - arena->used && !add_block(arena, needed))
        return NULL;
    taken = (arena->blocks ? arena->blocks->bytes : arena->first) + arena->used;
    arena->used += needed;
    arena->taken += needed;
    return taken;
}

void *rpc_arena_take_array(rpc_arena *arena, size_t count, size_t size)
{
    void *taken;

    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    taken = rpc_arena_take(arena, count * size);
    if (taken)
        memset(taken, 0, count * size);
    return taken;
}
