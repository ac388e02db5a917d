/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sleeping that can be interrupted.
 *
 * Owns: the "interrupted" flag of one channel and the eventfd that wakes its sleepers, made by the first sleeper
 * that needs it, so that an idle channel costs no descriptor. Final: what was raised stays raised. One sleeper may have
 * an eventfd of its own, which a nudge wakes as well: a nudge is over when it has been taken.
 */
#ifndef VIADUCT_KIT_WAKE_H
#define VIADUCT_KIT_WAKE_H

#include "kit/atomic.h"

#include <viaduct/plugin.h>

typedef struct via_wake {
    via_atomic_int raised;
    via_atomic_int descriptor; /* -1 until somebody sleeps */
    via_atomic_int nudged;     /* the eventfd of the one who can be nudged; -1 until he sleeps */
} via_wake;

void via_wake_init(via_wake *wake);
void via_wake_fini(via_wake *wake);

/* Wakes every present and later sleeper. Any thread, signal-safe. */
void via_wake_raise(via_wake *wake);

static inline bool via_wake_is_raised(const via_wake *wake)
{
#ifdef __cplusplus
    return __atomic_load_n(&wake->raised, __ATOMIC_RELAXED) != 0;
#else
    return atomic_load_explicit(&((via_wake *)wake)->raised, memory_order_relaxed) != 0;
#endif
}

/* The eventfd, readable once raised, for a poll set of one's own. -1 with errno if it cannot be made. Any thread. */
int via_wake_descriptor(via_wake *wake);
/* The same for the one sleeper that can be nudged, readable after a nudge, too. */
int via_wake_nudge_descriptor(via_wake *wake);
/* Makes that sleeper look again. Lost if it has never slept, so look for it first. Any thread. */
void via_wake_nudge(via_wake *wake);
/* That sleeper has seen it. */
void via_wake_take_nudge(via_wake *wake);

/*
 * Sleeps until one of `events` (POLLIN, POLLOUT) or an error shows on `descriptor`.
 * VIA_OK, VIA_ETIMEDOUT, VIA_ECANCELED, VIA_ELIMIT, VIA_EIO.
 */
via_status via_wake_poll(via_wake *wake, int descriptor, short events, via_deadline deadline);

#endif
