/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The atomic operations of plugins/shm/atomics.h for Relacy, a checker of the C11 memory model.
 *
 * Owns: the mutants. `model_mutant` names a function of ring.h or topic_ring.h whose memory order is weakened; "" is the ring as it ships.
 */
#ifndef SHM_MODEL_ATOMICS_H
#define SHM_MODEL_ATOMICS_H

#include <relacy/relacy.hpp>
#include <string.h>

typedef rl::atomic<uint32_t> shm_word32;
typedef rl::atomic<uint64_t> shm_word64;
typedef rl::var<uint64_t> shm_plain64;

extern const char *model_mutant;
#define SHM_WEAK() (strcmp(__func__, model_mutant) == 0)

#define SHM_PUBLISH(word, value) (word)->store((value), SHM_WEAK() ? rl::mo_relaxed : rl::mo_release, $)
#define SHM_LOOK(word) (word)->load(SHM_WEAK() ? rl::mo_relaxed : rl::mo_acquire, $)
#define SHM_PUT(word, value) (word)->store((value), rl::mo_relaxed, $)
#define SHM_GET(word) (word)->load(rl::mo_relaxed, $)
#define SHM_CROSS_HERE() SHM_CROSS() /* together with the barrier of the other end it is one */
#define SHM_CROSS() (SHM_WEAK() ? (void)0 : rl::atomic_thread_fence(rl::mo_seq_cst, $))
#define SHM_BEFORE() (SHM_WEAK() ? (void)0 : rl::atomic_thread_fence(rl::mo_release, $))
#define SHM_AFTER() (SHM_WEAK() ? (void)0 : rl::atomic_thread_fence(rl::mo_acquire, $))
#define SHM_BUMP(word) (void)(word)->fetch_add(1, SHM_WEAK() ? rl::mo_relaxed : rl::mo_release, $)

#define SHM_ADD(word, value) (word)->fetch_add((value), rl::mo_relaxed, $)
#define SHM_SET(word, bits) (word)->fetch_or((bits), rl::mo_relaxed, $)
#define SHM_SWAP(word, value) (word)->exchange((value), rl::mo_relaxed, $)
#define SHM_CHANGE_IF(word, before, value, order)                                                                      \
    (word)->compare_exchange_strong(*(before), (value), (order), $, rl::mo_relaxed, $)
#define SHM_TAKE_IF(word, before, value)                                                                               \
    SHM_CHANGE_IF(word, before, value, SHM_WEAK() ? rl::mo_relaxed : rl::mo_acquire)
#define SHM_GIVE_IF(word, before, value)                                                                               \
    SHM_CHANGE_IF(word, before, value, SHM_WEAK() ? rl::mo_relaxed : rl::mo_release)
#define SHM_NOTE_IF(word, before, value) SHM_CHANGE_IF(word, before, value, rl::mo_relaxed)

#endif
