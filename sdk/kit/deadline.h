/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines and the clock they are measured by (CLOCK_MONOTONIC, nanoseconds).
 */
#ifndef VIADUCT_KIT_DEADLINE_H
#define VIADUCT_KIT_DEADLINE_H

#include <time.h>
#include <viaduct/types.h>

uint64_t via_deadline_clock(void);
/* The point `ns` from now; a negative `ns` (an option's "forever") or an overflow gives VIA_FOREVER. */
via_deadline via_deadline_after(int64_t ns);
/* Time left; 0 when passed. VIA_FOREVER stays UINT64_MAX. */
uint64_t via_deadline_left(via_deadline deadline);
/* The earlier of the two. */
static inline via_deadline via_deadline_min(via_deadline a, via_deadline b)
{
    return a < b ? a : b;
}
/* Time left as ppoll(2) and epoll_pwait2(2) want it; NULL (for ever) with VIA_FOREVER. Uses *storage. */
const struct timespec *via_deadline_timespec(via_deadline deadline, struct timespec *storage);

#endif
