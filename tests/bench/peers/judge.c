/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which runs count: those whose two probes agree with each other and with the distance that most runs had. What was
 * measured near is not compared with what was measured far.
 */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

bool plan_agrees(double a_ns, double b_ns)
{
    double low = a_ns < b_ns ? a_ns : b_ns;
    double high = a_ns < b_ns ? b_ns : a_ns;

    return high <= low * (1 + PLAN_TOLERANCE);
}

static bool counts(const struct plan *plan, const struct run *run)
{
    return plan_agrees(run->before_ns, run->after_ns) && plan_agrees(run->before_ns, plan->distance_ns) &&
           plan_agrees(run->after_ns, plan->distance_ns);
}

static size_t how_many_agree(const struct plan *plan, double distance_ns)
{
    size_t count = 0;

    for (size_t i = 0; i < plan->row_count; i++)
        for (size_t r = 0; r < plan->rows[i].run_count; r++) {
            const struct run *run = &plan->rows[i].runs[r];

            count += plan_agrees(run->before_ns, distance_ns) && plan_agrees(run->after_ns, distance_ns);
        }
    return count;
}

/* The distance that most runs agree with. */
static double most_frequent_distance(const struct plan *plan)
{
    double best_ns = plan->distance_ns;
    size_t most = 0;

    for (size_t i = 0; i < plan->row_count; i++)
        for (size_t r = 0; r < plan->rows[i].run_count; r++) {
            size_t count = how_many_agree(plan, plan->rows[i].runs[r].before_ns);

            if (count > most) {
                most = count;
                best_ns = plan->rows[i].runs[r].before_ns;
            }
        }
    return best_ns;
}

static void judge_row(struct plan *plan, struct row *row, via_bench_result *results)
{
    size_t count = 0;

    for (size_t r = 0; r < row->run_count; r++)
        if (counts(plan, &row->runs[r]))
            results[count++] = row->runs[r].result;
    row->counted = count;
    plan->thrown_away += row->run_count - count;
    row->is_mixed = count == 0;
    if (row->is_mixed)
        for (size_t r = 0; r < row->run_count; r++)
            results[count++] = row->runs[r].result;
    if (count > 0)
        via_bench_median(results, count, &row->result);
}

void plan_judge(struct plan *plan)
{
    via_bench_result results[PLAN_ROUNDS * (1 + PLAN_RETRIES)];

    plan->distance_ns = most_frequent_distance(plan);
    for (size_t i = 0; i < plan->row_count; i++) {
        plan->run_count += plan->rows[i].run_count;
        judge_row(plan, &plan->rows[i], results);
    }
}
