/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns: arithmetic on deadlines. Never sleeps.
 */
#include "kit/deadline.h"

enum { NS_PER_SECOND = 1000000000 };

uint64_t via_deadline_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

via_deadline via_deadline_after(int64_t ns)
{
    uint64_t now = via_deadline_clock();

    if (ns < 0 || (uint64_t)ns >= VIA_FOREVER - now)
        return VIA_FOREVER;
    return now + (uint64_t)ns;
}

uint64_t via_deadline_left(via_deadline deadline)
{
    uint64_t now;

    if (deadline == VIA_FOREVER || deadline == VIA_NOW)
        return deadline;
    now = via_deadline_clock();
    return deadline > now ? deadline - now : 0;
}

const struct timespec *via_deadline_timespec(via_deadline deadline, struct timespec *storage)
{
    uint64_t left;

    if (deadline == VIA_FOREVER)
        return NULL;
    left = via_deadline_left(deadline);
    storage->tv_sec = (time_t)(left / NS_PER_SECOND);
    storage->tv_nsec = (long)(left % NS_PER_SECOND);
    return storage;
}
