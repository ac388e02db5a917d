/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The atomic operations that the algorithms use, by the names of what they are for.
 *
 * Owns: every memory order of the ring. A model checker compiles ring.h with definitions of its own in their place, so
 * nothing there may use <stdatomic.h> directly.
 */
#ifndef SHM_ATOMICS_H
#define SHM_ATOMICS_H

#ifndef SHM_MODEL
#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic(uint32_t) shm_word32;
typedef _Atomic(uint64_t) shm_word64;
typedef uint64_t shm_plain64; /* a field that a publication covers; the model checker watches it for races */

/* What was written before a publication is seen by whoever looks at it. */
#define SHM_PUBLISH(word, value) atomic_store_explicit((word), (value), memory_order_release)
#define SHM_LOOK(word) atomic_load_explicit((word), memory_order_acquire)
/* Values that order nothing by themselves. */
#define SHM_PUT(word, value) atomic_store_explicit((word), (value), memory_order_relaxed)
#define SHM_GET(word) atomic_load_explicit((word), memory_order_relaxed)
/* Between writing one word and looking at another, when the other end does the same crosswise. */
#define SHM_CROSS() atomic_thread_fence(memory_order_seq_cst)
/* The same, where the other end makes both cross: only the compiler has to keep the order. */
#define SHM_CROSS_HERE() atomic_signal_fence(memory_order_seq_cst)
/* What is written from here on is seen by nobody who does not see what was written before. */
#define SHM_BEFORE() atomic_thread_fence(memory_order_release)
/* What is looked at from here on is at least as new as what was read before. */
#define SHM_AFTER() atomic_thread_fence(memory_order_acquire)
/* One more, by any of several writers. */
#define SHM_BUMP(word) (void)atomic_fetch_add_explicit((word), 1, memory_order_release)

/* For words that several write. The changes answer what was there before. */
#define SHM_ADD(word, value) atomic_fetch_add_explicit((word), (value), memory_order_relaxed)
#define SHM_SET(word, bits) atomic_fetch_or_explicit((word), (bits), memory_order_relaxed)
#define SHM_SWAP(word, value) atomic_exchange_explicit((word), (value), memory_order_relaxed)
/* If the word is still *before: a lock is taken, given, or something is noted on it. */
#define SHM_TAKE_IF(word, before, value)                                                                               \
    atomic_compare_exchange_strong_explicit((word), (before), (value), memory_order_acquire, memory_order_relaxed)
#define SHM_GIVE_IF(word, before, value)                                                                               \
    atomic_compare_exchange_strong_explicit((word), (before), (value), memory_order_release, memory_order_relaxed)
#define SHM_NOTE_IF(word, before, value)                                                                               \
    atomic_compare_exchange_strong_explicit((word), (before), (value), memory_order_relaxed, memory_order_relaxed)
#endif

#endif
