/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What mq: is meant to hold beside a hand-written program in the same run: a queue beside mq_send and a mq_receive that blocks, a pair
 * beside poll and mq_receive. As it comes, a receiver of mq: spins for a while before it sleeps; and told to sleep at once, as those do.
 *
 * The last column is what is wanted; no time decides about the exit status. usage: bench_mq [--rounds N] [--time MS]
 */
#include "contest.h"
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t rounds = 15;
static uint64_t time_ms = 100;
static char folder[] = "/tmp/via-mq-XXXXXX";

struct contest {
    const char *what;
    const struct way *ours;
    const char *address; /* of ours; of a queue, its options */
    const struct way *theirs;
};

static const struct contest contests[] = {
    {"queue", &way_mq_queue, "?messages=8&wake=hybrid", &way_mq},
    {"pair", &way_viaduct, "mq:?messages=8&wake=hybrid", &way_mq_poll},
    {"queue, asleep", &way_mq_queue, "?messages=8&wake=block", &way_mq},
    {"pair, asleep", &way_viaduct, "mq:?messages=8&wake=block", &way_mq_poll},
};
static const uint64_t sizes[] = {64, 4096};

static const struct row *find(const struct plan *plan, const struct way *way, uint64_t size)
{
    for (size_t i = 0; i < plan->row_count; i++) {
        const struct row *row = &plan->rows[i];

        if (row->who->way != way || row->job.size != size)
            continue;
        if (row->run_count == 0)
            way_failed(row->who->name, row->why[0] != '\0' ? row->why : row->who->why);
        return row;
    }
    way_failed("a row", "it was not planned");
}

static void tell(const struct contest *contest, const struct plan *plan, uint64_t size)
{
    const via_bench_result *ours = &find(plan, contest->ours, size)->result;
    const via_bench_result *theirs = &find(plan, contest->theirs, size)->result;

    if (plan->mode == VIA_BENCH_LATENCY)
        (void)printf("%-13s %5llu B  one-way p50, us      %9.2f  %9.2f  %6.2f  <= 1.15\n", contest->what,
                     (unsigned long long)size, ours->p50 / 1e3, theirs->p50 / 1e3, ours->p50 / theirs->p50);
    else
        (void)printf("%-13s %5llu B  messages, thousand/s %9.0f  %9.0f  %6.2f  <= 1.15\n", contest->what,
                     (unsigned long long)size, ours->messages_per_s / 1e3, theirs->messages_per_s / 1e3,
                     theirs->messages_per_s / ours->messages_per_s);
    (void)fflush(stdout);
}

static void run(const struct contest *contest, uint32_t mode)
{
    struct plan plan = {.wakes = BLOCK, .mode = mode, .folder = folder, .rounds = rounds, .size_count = 2};

    plan.budget.time_ns = time_ms * 1000000;
    memcpy(plan.sizes, sizes, sizeof(sizes));
    plan_add(&plan, contest->ours, contest->address);
    plan_add(&plan, contest->theirs, NULL);
    if (!plan_make(&plan))
        way_failed("calloc", "no memory");
    plan_run(&plan);
    plan_judge(&plan);
    for (size_t i = 0; i < 2; i++)
        tell(contest, &plan, sizes[i]);
    plan_fini(&plan);
}

int main(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--rounds") == 0)
            rounds = strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--time") == 0)
            time_ms = strtoul(argv[i + 1], NULL, 10);
    }
    if (rounds < 1 || rounds > PLAN_ROUNDS || time_ms < 1 || !clockwork_init() || !mkdtemp(folder)) {
        (void)fputs("usage: bench_mq [--rounds N] [--time MS]; it needs two processors\n", stderr);
        return 2;
    }
    (void)printf("%-22s %-22s %9s  %9s  %6s  %s\n", "WHAT", "", "MQ:", "BY HAND", "RATIO", "WANTED");
    for (size_t i = 0; i < sizeof(contests) / sizeof(contests[0]); i++) {
        run(&contests[i], VIA_BENCH_LATENCY);
        run(&contests[i], VIA_BENCH_THROUGHPUT);
    }
    (void)rmdir(folder);
    return 0;
}
