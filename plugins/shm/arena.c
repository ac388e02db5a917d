/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where messages are written that are too large for a slot; see arena.h.
 *
 * Owns: the heads of the blocks. Must never read a byte that the other end may have written.
 */
#include "arena.h"

#include "layout.h"

enum { FREE, OUT, LENT };

/* One line before each block. A gap at the end of the arena is a block that is free from the start. */
typedef struct head {
    uint64_t size;  /* with the head */
    uint64_t asked; /* bytes that were asked for */
    uint32_t state;
} head;

static head *head_at(const shm_arena *arena, uint64_t offset)
{
    return (head *)(void *)(arena->base + offset);
}

void shm_arena_init(shm_arena *arena, void *base, uint64_t size)
{
    *arena = (shm_arena){.base = base, .size = size & ~(uint64_t)(SHM_LINE - 1)};
}

uint64_t shm_arena_limit(const shm_arena *arena)
{
    return arena->size - SHM_LINE;
}

static uint64_t place(shm_arena *arena, uint64_t whole, uint64_t asked, uint32_t state)
{
    uint64_t offset = arena->put;

    *head_at(arena, offset) = (head){whole, asked, state};
    arena->used += whole;
    arena->put = offset + whole == arena->size ? 0 : offset + whole;
    return offset + SHM_LINE;
}

static uint64_t whole_of(uint64_t size)
{
    return ((size + SHM_LINE - 1) & ~(uint64_t)(SHM_LINE - 1)) + SHM_LINE;
}

/* An empty arena begins at its beginning again. */
static uint64_t to_end_of(const shm_arena *arena)
{
    return arena->used == 0 ? arena->size : arena->size - arena->put;
}

bool shm_arena_fits(const shm_arena *arena, uint64_t size)
{
    if (size > shm_arena_limit(arena))
        return false;
    uint64_t whole = whole_of(size), to_end = to_end_of(arena), room = arena->size - arena->used;

    return whole <= to_end ? whole <= room : to_end + whole <= room;
}

uint64_t shm_arena_take(shm_arena *arena, uint64_t size)
{
    if (!shm_arena_fits(arena, size))
        return SHM_ARENA_NONE;
    uint64_t whole = whole_of(size), to_end = to_end_of(arena);

    if (arena->used == 0)
        arena->put = arena->get = 0;
    if (whole > to_end)
        (void)place(arena, to_end, 0, FREE);
    return place(arena, whole, size, OUT);
}

uint64_t shm_arena_holds(const shm_arena *arena, uint64_t offset)
{
    return head_at(arena, offset - SHM_LINE)->asked;
}

void shm_arena_give(shm_arena *arena, uint64_t offset)
{
    head_at(arena, offset - SHM_LINE)->state = FREE;
    while (arena->used > 0 && head_at(arena, arena->get)->state == FREE) {
        uint64_t size = head_at(arena, arena->get)->size;
        arena->used -= size;
        arena->get = arena->get + size == arena->size ? 0 : arena->get + size;
    }
}

void shm_arena_lend(shm_arena *arena, uint64_t offset, bool lent)
{
    head_at(arena, offset - SHM_LINE)->state = lent ? LENT : OUT;
}

bool shm_arena_is_held_by_loan(const shm_arena *arena)
{
    return arena->used > 0 && head_at(arena, arena->get)->state == LENT;
}
