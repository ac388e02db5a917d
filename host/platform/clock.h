/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock that deadlines are measured by.
 *
 * Owns: reading it and sleeping by it. It is monotonic and never the wall clock.
 */
#ifndef VIADUCT_HOST_PLATFORM_CLOCK_H
#define VIADUCT_HOST_PLATFORM_CLOCK_H

#include <stdbool.h>
#include <viaduct/types.h>

/* Nanoseconds since an arbitrary point that is the same for every process. Any thread, signal-safe. */
uint64_t via_clock_now(void);
/* VIA_NOW has always passed, VIA_FOREVER never. */
bool via_clock_has_passed(via_deadline deadline);
/* Sleeps until that point, also when signals arrive. */
void via_clock_sleep_until(uint64_t point_ns);

#endif
