/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where messages are written that are too large for a slot.
 *
 * Owns: blocks in the part of the shared memory that only this process writes. They are taken one after the other around the
 * arena, always in one piece, and given back in any order; what is given back behind one that is still out is free again
 * only after that one. The heads of the blocks lie before them: the other end can read, and never change them.
 */
#ifndef SHM_ARENA_H
#define SHM_ARENA_H

#include <stdbool.h>
#include <stdint.h>

typedef struct shm_arena {
    unsigned char *base;
    uint64_t size;
    uint64_t put;  /* where the next block begins */
    uint64_t get;  /* the oldest that is out */
    uint64_t used; /* bytes between them, heads and gaps included */
} shm_arena;

#define SHM_ARENA_NONE UINT64_MAX

void shm_arena_init(shm_arena *arena, void *base, uint64_t size);
/* The largest block that ever fits. */
uint64_t shm_arena_limit(const shm_arena *arena);
/* Would shm_arena_take() succeed now? */
bool shm_arena_fits(const shm_arena *arena, uint64_t size);
/* The offset of `size` bytes, aligned to a cache line, or SHM_ARENA_NONE. */
uint64_t shm_arena_take(shm_arena *arena, uint64_t size);
/* How many bytes were asked for at `offset`. */
uint64_t shm_arena_holds(const shm_arena *arena, uint64_t offset);
void shm_arena_give(shm_arena *arena, uint64_t offset);
/* Marks a block as a loan of the application, or no more. */
void shm_arena_lend(shm_arena *arena, uint64_t offset, bool lent);
/* Is it such a loan that keeps the rest from becoming free? */
bool shm_arena_is_held_by_loan(const shm_arena *arena);

#endif
