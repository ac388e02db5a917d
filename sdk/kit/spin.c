/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the words of an option wake= come to on this machine; see spin.h.
 */
#include "kit/spin.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* The library opens files to know. */
static bool has_one_processor(void)
{
    static atomic_long processors;
    long known = atomic_load_explicit(&processors, memory_order_relaxed);

    if (known == 0) {
        known = sysconf(_SC_NPROCESSORS_ONLN);
        atomic_store_explicit(&processors, known, memory_order_relaxed);
    }
    return known < 2;
}

uint64_t via_spin_most_of(const char *word)
{
    if (strcmp(word, "spin") == 0)
        return UINT64_MAX;
    /* With a single processor whoever spins keeps the other end from running. */
    return strcmp(word, "block") == 0 || has_one_processor() ? 0 : VIA_SPIN_MOST_NS;
}
