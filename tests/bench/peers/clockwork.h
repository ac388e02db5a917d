/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of one way: two pinned processes, the distance between their cores before and after, and the clock.
 *
 * Owns: everything that is the same for every way, so that nothing but the way differs.
 */
#ifndef BENCH_PEERS_CLOCKWORK_H
#define BENCH_PEERS_CLOCKWORK_H

#include "bench.h" /* of host/cli: jobs, results, percentiles */
#include "way.h"

/* How long a run takes. */
struct budget {
    uint64_t count;   /* messages at most; 0 = as many as the time allows */
    uint64_t time_ns; /* of measuring; a tenth of it again to warm up */
};

struct run {
    via_bench_result result;
    double before_ns, after_ns; /* the distance: a cache line's way there and back, halved */
    bool is_good;
    char why[256]; /* if not */
};

/* Picks two processors that this process may use. False: there is only one. */
bool clockwork_init(void);

/* Runs once. `job` says size, mode, wake and more; `address` is for a way that takes one. */
void clockwork_run(const struct way *way, const char *address, const via_bench_job *job, const struct budget *budget,
                   const char *folder, struct run *run);

/* The distance between the two processors now, in ns. */
double clockwork_distance(void);

/* Pins the calling process to the first or the second of the two. */
void clockwork_pin(bool second);

#endif
