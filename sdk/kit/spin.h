/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long one who waits spins before it sleeps.
 *
 * Owns: what is learnt from the waits before. Must never spin on and on in vain, nor give up for good: two who have both
 * given up wake each other for ever, in tens of microseconds, though either one's patience would let both go on spinning.
 */
#ifndef VIADUCT_KIT_SPIN_H
#define VIADUCT_KIT_SPIN_H

#include "kit/deadline.h"

enum {
    VIA_SPIN_MOST_NS =
        50 * 1000, /* wake=hybrid: longer than one who spins takes to answer from a processor of its own */
    VIA_SPIN_LEAST_NS = 1000,
    VIA_SPIN_HOPE = 16 /* of so many waits in vain, one gets all its time again */
};

typedef struct via_spin {
    uint64_t most_ns; /* UINT64_MAX = for ever, 0 = never */
    uint64_t now_ns;
    uint32_t in_vain;
} via_spin;

static inline void via_spin_init(via_spin *spin, uint64_t most_ns)
{
    spin->most_ns = most_ns;
    spin->now_ns = most_ns;
    spin->in_vain = 0;
}

/* The most for a word of an option wake=: spin (for ever), hybrid, block. Any thread. */
uint64_t via_spin_most_of(const char *word);

/* Until when a wait that began then spins. */
static inline via_deadline via_spin_until(const via_spin *spin, uint64_t began, via_deadline deadline)
{
    return via_deadline_min(deadline, spin->now_ns == UINT64_MAX ? VIA_FOREVER : began + spin->now_ns);
}

/* After a wait that ended asleep. A short one: spinning would have been right. */
static inline void via_spin_learn(via_spin *spin, uint64_t waited_ns)
{
    const uint64_t half = spin->now_ns / 2, least = VIA_SPIN_LEAST_NS;

    if (waited_ns < spin->most_ns || ++spin->in_vain % VIA_SPIN_HOPE == 0)
        spin->now_ns = spin->most_ns;
    else
        spin->now_ns = half > least ? half : least;
    if (spin->now_ns > spin->most_ns)
        spin->now_ns = spin->most_ns;
}

/* When a wait begins, and what is learnt once it has ended asleep. Who never spins is spared the clock, which is slow just after a sleep. */
static inline uint64_t via_spin_begin(const via_spin *spin)
{
    return spin->most_ns > 0 ? via_deadline_clock() : 0;
}

static inline void via_spin_end(via_spin *spin, uint64_t began)
{
    if (spin->most_ns > 0)
        via_spin_learn(spin, via_deadline_clock() - began);
}

/* Between two looks of one that spins: lets the other half of the processor work, and its caches be. */
static inline void via_spin_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
