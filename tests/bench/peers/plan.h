/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be measured: every contestant in every wait it has, at every size, in rounds.
 *
 * Owns: contestants, rows, and which of a row's runs count.
 */
#ifndef BENCH_PEERS_PLAN_H
#define BENCH_PEERS_PLAN_H

#include "clockwork.h"

#include <signal.h>

enum { PLAN_SIZES = 16, PLAN_CONTESTANTS = 64, PLAN_ROUNDS = 50, PLAN_RETRIES = 2 };

/* A way, and the address of one that takes an address. */
struct contestant {
    const struct way *way;
    const char *name;
    char why[256]; /* it cannot take part */
    bool is_started;
};

/* One contestant at one size in one mode and wait. */
struct row {
    struct contestant *who;
    via_bench_job job;
    struct run *runs;
    size_t run_count;
    size_t counted; /* of them; the others are thrown away */
    via_bench_result result;
    bool is_mixed; /* no run has probes that agree with the others': all of them count */
    char why[256]; /* it has no run */
};

struct plan {
    uint64_t sizes[PLAN_SIZES];
    size_t size_count;
    unsigned wakes; /* mask of BLOCK, SPIN, HYBRID */
    uint32_t mode;  /* VIA_BENCH_BOTH, ... */
    bool more;
    uint64_t rounds;
    uint64_t limit_ns; /* of the whole: runs are repeated only while on schedule, late rounds are left out; 0 = none */
    struct budget budget;
    struct contestant contestants[PLAN_CONTESTANTS];
    size_t contestant_count;
    struct row *rows;
    size_t row_count;
    const char *folder;

    double distance_ns; /* that most runs had */
    size_t run_count, thrown_away;
    uint64_t rounds_done;
};

/* Set by a signal handler: plan_run() returns after the run that is under way. */
extern volatile sig_atomic_t plan_stop;

/* Adds a contestant; `address` is NULL for a way that has a name of its own. */
void plan_add(struct plan *plan, const struct way *way, const char *address);
/* Makes the rows. False: no memory. */
bool plan_make(struct plan *plan);
/* Runs all rounds; says on stderr how far it is. */
void plan_run(struct plan *plan);
/* Decides which runs count, and makes the medians. */
void plan_judge(struct plan *plan);
void plan_fini(struct plan *plan);

/* Probes agree if neither is more than this above the other. */
#define PLAN_TOLERANCE 0.25
bool plan_agrees(double a_ns, double b_ns);

#endif
