/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows and rounds. Contestants take turns within a round, so that a machine that is busy for a while is unjust to none
 * of them; a run whose probes disagree is repeated at once, twice at most.
 */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

volatile sig_atomic_t plan_stop;

void plan_add(struct plan *plan, const struct way *way, const char *address)
{
    struct contestant *who = &plan->contestants[plan->contestant_count];

    if (plan->contestant_count == PLAN_CONTESTANTS)
        return;
    *who = (struct contestant){.way = way, .name = address ? address : way->name};
    if (way->missing)
        (void)snprintf(who->why, sizeof(who->why), "%s", way->missing);
    plan->contestant_count++;
}

/* ---- the rows ----------------------------------------------------------------------------------------------- */

static bool takes_part(const struct plan *plan, const struct contestant *who, size_t size, uint32_t mode, unsigned wake)
{
    const struct way *way = who->way;

    if (way->missing || !(way->wakes & plan->wakes & (1u << wake)))
        return false;
    if (plan->mode != VIA_BENCH_BOTH && plan->mode != mode)
        return false;
    if (way->most > 0 && plan->sizes[size] > way->most)
        return false;
    return !way->is_limit || (size == 0 && mode == VIA_BENCH_LATENCY);
}

static bool add_row(struct plan *plan, struct contestant *who, size_t size, uint32_t mode, unsigned wake)
{
    struct row *row = &plan->rows[plan->row_count];

    *row = (struct row){.who = who};
    row->job.pattern = VIA_PATTERN_PAIR;
    row->job.mode = mode;
    row->job.wake = wake;
    row->job.more = plan->more;
    row->job.size = plan->sizes[size];
    row->runs = calloc(plan->rounds * (1 + PLAN_RETRIES), sizeof(*row->runs));
    plan->row_count++;
    return row->runs != NULL;
}

/* Rows that are to be compared are neighbours, in the table and in time. */
bool plan_make(struct plan *plan)
{
    static const unsigned order[WAKE_COUNT] = {WAKE_SPIN, WAKE_HYBRID, WAKE_BLOCK};

    plan->rows = calloc(plan->size_count * 2 * WAKE_COUNT * plan->contestant_count, sizeof(*plan->rows));
    if (!plan->rows)
        return false;
    for (size_t size = 0; size < plan->size_count; size++)
        for (uint32_t mode = VIA_BENCH_LATENCY; mode <= VIA_BENCH_THROUGHPUT; mode++)
            for (unsigned w = 0; w < WAKE_COUNT; w++)
                for (size_t c = 0; c < plan->contestant_count; c++)
                    if (takes_part(plan, &plan->contestants[c], size, mode, order[w]) &&
                        !add_row(plan, &plan->contestants[c], size, mode, order[w]))
                        return false;
    return true;
}

/* ---- running ------------------------------------------------------------------------------------------------ */

/* How much of the work is done. */
static double share_done(const struct plan *plan, uint64_t round, size_t index)
{
    return (double)(round * plan->row_count + index) / (double)(plan->rounds * plan->row_count);
}

static void show_progress(const struct plan *plan, uint64_t round, size_t index, uint64_t started_ns)
{
    static const char *const waits[WAKE_COUNT] = {"blocking", "polling", "hybrid"};
    const struct row *row = &plan->rows[index];
    double done = share_done(plan, round, index);
    double left_s = done > 0.01 ? (double)(via_now_ns() - started_ns) / 1e9 / done * (1 - done) : 0;

    if (!isatty(STDERR_FILENO))
        return;
    (void)fprintf(stderr, "\r\033[Kround %llu of %llu: %zu of %zu, %llu bytes, %s, %s", (unsigned long long)round + 1,
                  (unsigned long long)plan->rounds, index + 1, plan->row_count, (unsigned long long)row->job.size,
                  row->who->name, waits[row->job.wake]);
    if (left_s > 0)
        (void)fprintf(stderr, "; %.0f s left", left_s);
}

/* A daemon is started when its peer has its first turn. */
static bool start(struct contestant *who)
{
    if (who->way->start && !who->is_started && who->why[0] == '\0')
        who->is_started = who->way->start(who->why, sizeof(who->why));
    return who->why[0] == '\0';
}

static void stop_all(struct plan *plan)
{
    for (size_t i = 0; i < plan->contestant_count; i++)
        if (plan->contestants[i].is_started)
            plan->contestants[i].way->stop();
}

static bool run_once(struct plan *plan, struct row *row)
{
    struct run *run = &row->runs[row->run_count];

    clockwork_run(row->who->way, row->who->name, &row->job, &plan->budget, plan->folder, run);
    if (!run->is_good) {
        (void)snprintf(row->why, sizeof(row->why), "%s", run->why);
        return false;
    }
    row->run_count++;
    return true;
}

static void run_row(struct plan *plan, struct row *row, unsigned retries)
{
    const struct run *last;

    for (unsigned attempt = 0; attempt <= retries; attempt++) {
        if (!start(row->who) || !run_once(plan, row))
            return;
        last = &row->runs[row->run_count - 1];
        if (plan_agrees(last->before_ns, last->after_ns) && plan_agrees(last->before_ns, plan->distance_ns))
            return;
    }
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return (a > b) - (a < b);
}

/* What the distance is most of the time, before anything has been measured. */
static double first_distance(void)
{
    enum { PROBES = 41, PAUSE_US = 5000 };
    double probes[PROBES];

    for (size_t i = 0; i < PROBES; i++) {
        probes[i] = clockwork_distance();
        (void)usleep(PAUSE_US);
    }
    qsort(probes, PROBES, sizeof(probes[0]), compare);
    return probes[PROBES / 2];
}

static void run_round(struct plan *plan, uint64_t round, uint64_t started_ns)
{
    for (size_t i = 0; i < plan->row_count && !plan_stop; i++) {
        struct row *row = &plan->rows[i];
        double spent = (double)(via_now_ns() - started_ns) / (double)plan->limit_ns;
        bool is_late = plan->limit_ns > 0 && spent > share_done(plan, round, i) + 0.05;

        show_progress(plan, round, i, started_ns);
        if (row->why[0] == '\0' && row->who->why[0] == '\0')
            run_row(plan, row, is_late ? 0 : PLAN_RETRIES);
    }
}

/* Another round takes as long as those before it. */
static bool has_time_for(const struct plan *plan, uint64_t round, uint64_t spent_ns)
{
    return plan->limit_ns == 0 || round == 0 || spent_ns + spent_ns / round <= plan->limit_ns + plan->limit_ns / 8;
}

void plan_run(struct plan *plan)
{
    uint64_t started_ns = via_now_ns();

    plan->distance_ns = first_distance();
    for (uint64_t round = 0; round < plan->rounds && !plan_stop; round++) {
        if (!has_time_for(plan, round, via_now_ns() - started_ns))
            break;
        run_round(plan, round, started_ns);
        plan->rounds_done = round + 1;
    }
    stop_all(plan);
    if (isatty(STDERR_FILENO))
        (void)fputs("\r\033[K", stderr);
}

void plan_fini(struct plan *plan)
{
    for (size_t i = 0; i < plan->row_count; i++)
        free(plan->rows[i].runs);
    free(plan->rows);
}
