/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Knowing at the price of one load that an object came here by fork().
 *
 * Owns: a word that holds this process's generation and is zero in a fresh child. An object keeps the generation it
 * was made in; a child that makes objects of its own gets a generation that none of its inherited objects has.
 */
#ifndef VIADUCT_HOST_PLATFORM_FORK_WORD_H
#define VIADUCT_HOST_PLATFORM_FORK_WORD_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { VIA_FORK_PAGE = 4096 };

/* Alone on its page: the kernel wipes whole pages. Static, so that reading it needs no pointer. */
typedef struct via_fork_page {
    alignas(VIA_FORK_PAGE) _Atomic(uint64_t) word;
    char rest[VIA_FORK_PAGE - sizeof(uint64_t)];
} via_fork_page;

extern via_fork_page via_fork_word_page __attribute__((visibility("hidden")));

/* The generation for a new object, never 0. Any thread. */
uint64_t via_fork_word_enter(void);

/* True if an object of `generation` belongs to a parent process. Any thread, signal-safe. */
static inline bool via_fork_word_is_foreign(uint64_t generation)
{
    return __builtin_expect(atomic_load_explicit(&via_fork_word_page.word, memory_order_relaxed) != generation, 0);
}

#endif
