/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CLOCK_MONOTONIC.
 */
#include "platform/clock.h"

#include <errno.h>
#include <time.h>

static const uint64_t second_ns = UINT64_C(1000000000);

uint64_t via_clock_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * second_ns + (uint64_t)now.tv_nsec;
}

bool via_clock_has_passed(via_deadline deadline)
{
    return deadline == VIA_NOW || (deadline != VIA_FOREVER && via_clock_now() >= deadline);
}

void via_clock_sleep_until(uint64_t point_ns)
{
    const struct timespec point = {(time_t)(point_ns / second_ns), (long)(point_ns % second_ns)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &point, NULL) == EINTR) {
    }
}
