/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The probe: a cache line that goes there and back between two pinned processes, some hundred times.
 *
 * On a virtual machine the distance between two processors changes within a second, and every result with it.
 */
#include "probe.h"

#include "way.h"

#include <sched.h>
#include <stdlib.h>
#include <time.h>

enum { BLOCKS = 15, TRIPS = 100, SPINS_BEFORE_YIELD = 100000 };

static uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void probe_meet(struct probe *probe)
{
    uint32_t meeting = (atomic_fetch_add(&probe->arrived, 1) / 2 + 1) * 2;

    for (unsigned i = 0; (int32_t)(atomic_load(&probe->arrived) - meeting) < 0; i++) {
        way_relax();
        if (i > SPINS_BEFORE_YIELD)
            (void)sched_yield();
    }
}

static void await(_Atomic(uint32_t) *word, uint32_t value)
{
    while (atomic_load_explicit(word, memory_order_acquire) != value)
        way_relax();
}

static double block_of_trips(struct probe *probe, uint32_t *turn)
{
    uint64_t before = now_ns();

    for (unsigned i = 0; i < TRIPS; i++) {
        atomic_store_explicit(&probe->ping, ++*turn, memory_order_release);
        await(&probe->pong, *turn);
    }
    return (double)(now_ns() - before) / TRIPS / 2;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return (a > b) - (a < b);
}

double probe_distance(struct probe *probe, bool is_second)
{
    double blocks[BLOCKS] = {0};
    uint32_t turn = atomic_load(&probe->pong);

    probe_meet(probe);
    if (is_second)
        for (unsigned i = 0; i < BLOCKS * TRIPS; i++) {
            await(&probe->ping, ++turn);
            atomic_store_explicit(&probe->pong, turn, memory_order_release);
        }
    else
        for (unsigned i = 0; i < BLOCKS; i++)
            blocks[i] = block_of_trips(probe, &turn);
    probe_meet(probe);
    qsort(blocks, BLOCKS, sizeof(blocks[0]), compare);
    return blocks[BLOCKS / 2];
}
