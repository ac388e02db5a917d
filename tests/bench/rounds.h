/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is made of a figure that was taken once a round.
 *
 * Owns: medians, since the machine changes between rounds, and the processor time that rounds are measured by.
 */
#ifndef BENCH_ROUNDS_H
#define BENCH_ROUNDS_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { BENCH_ROUNDS_MOST = 199 };

static inline int bench_by_size(const void *one, const void *other)
{
    const double a = *(const double *)one, b = *(const double *)other;

    return (a > b) - (a < b);
}

/* At most BENCH_ROUNDS_MOST values; 0 of none. */
static inline double bench_median(const double *values, size_t count)
{
    double sorted[BENCH_ROUNDS_MOST];

    memcpy(sorted, values, count * sizeof(*values));
    qsort(sorted, count, sizeof(*sorted), bench_by_size);
    return count ? sorted[count / 2] : 0;
}

/* Each round beside the same round of what it is compared with. */
static inline double bench_median_ratio(const double *above, const double *below, size_t count)
{
    double ratios[BENCH_ROUNDS_MOST];

    for (size_t i = 0; i < count; i++)
        ratios[i] = above[i] / below[i];
    return bench_median(ratios, count);
}

/* Processor time so far, in nanoseconds; `who` as getrusage(2) takes it. */
static inline double bench_used_ns(int who)
{
    struct rusage usage;

    (void)getrusage(who, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e9 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3;
}

#endif
