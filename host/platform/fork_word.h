/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Knowing at the price of one load that an object came here by fork().
 *
 * Owns: a word that holds this process's generation and is zero in a fresh child. An object keeps the generation it
 * was made in; a child that makes objects of its own gets a generation that none of its inherited objects has.
 */
#ifndef VIADUCT_HOST_PLATFORM_FORK_WORD_H
#define VIADUCT_HOST_PLATFORM_FORK_WORD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

extern _Atomic(uint64_t) *via_fork_word_here;

/* The generation for a new object. 0 = there is no memory for the word. Any thread. */
uint64_t via_fork_word_enter(void);

/* True if an object of `generation` belongs to a parent process. Any thread, signal-safe. */
static inline bool via_fork_word_is_foreign(uint64_t generation)
{
    return __builtin_expect(atomic_load_explicit(via_fork_word_here, memory_order_relaxed) != generation, 0);
}

#endif
