/* SPDX-License-Identifier: Apache-2.0 */
/* Percentiles from all samples, and medians of rounds. Owns: the arithmetic of the bench. */
#include <stdlib.h>

#include "bench.h"

static int compare_samples(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Nearest rank: the smallest sample that at least `part` of all samples do not exceed. */
static double rank(const uint64_t *sorted, size_t count, double part)
{
    size_t index = (size_t)(part * (double)count);
    if ((double)index < part * (double)count)
        index++;
    return (double)sorted[index > 0 ? index - 1 : 0];
}

void via_bench_percentiles(uint64_t *samples, size_t count, double divisor, via_bench_result *result)
{
    *result = (via_bench_result){.count = count};
    if (count == 0)
        return;
    double sum = 0;
    qsort(samples, count, sizeof *samples, compare_samples);
    for (size_t i = 0; i < count; i++)
        sum += (double)samples[i];
    result->p50 = rank(samples, count, 0.50) / divisor;
    result->p90 = rank(samples, count, 0.90) / divisor;
    result->p99 = rank(samples, count, 0.99) / divisor;
    result->p999 = rank(samples, count, 0.999) / divisor;
    result->max = (double)samples[count - 1] / divisor;
    result->messages_per_s = sum > 0 ? (double)count * divisor * 1e9 / sum : 0;
}

static int compare_figures(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The median of one figure, which lies `offset` bytes into each result. */
static double median_of(const via_bench_result *rounds, size_t count, size_t offset)
{
    enum { MOST = 1000 };
    double figures[MOST];
    size_t used = count < MOST ? count : MOST;
    for (size_t i = 0; i < used; i++)
        figures[i] = *(const double *)(const void *)((const char *)&rounds[i] + offset);
    qsort(figures, used, sizeof figures[0], compare_figures);
    return used % 2 ? figures[used / 2] : (figures[used / 2 - 1] + figures[used / 2]) / 2;
}

void via_bench_median(const via_bench_result *rounds, size_t count, via_bench_result *result)
{
    result->p50 = median_of(rounds, count, offsetof(via_bench_result, p50));
    result->p90 = median_of(rounds, count, offsetof(via_bench_result, p90));
    result->p99 = median_of(rounds, count, offsetof(via_bench_result, p99));
    result->p999 = median_of(rounds, count, offsetof(via_bench_result, p999));
    result->messages_per_s = median_of(rounds, count, offsetof(via_bench_result, messages_per_s));
    result->max = 0;
    result->count = rounds[0].count;
    for (size_t i = 0; i < count; i++) {
        if (rounds[i].max > result->max)
            result->max = rounds[i].max;
        if (rounds[i].count < result->count)
            result->count = rounds[i].count;
    }
}
