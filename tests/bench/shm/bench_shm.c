/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What shm: is meant to hold, each line with what it is measured against, in one run of two pinned processes.
 *
 * The last column is what is wanted; whether it was reached is for the reader to see: no time decides about the exit
 * status. usage: bench_shm [--rounds N] [--time MS] [--only LETTERS]
 */
#include "channels.h"
#include "plan.h"
#include "subscribers.h"
#include "ways.h"

#include "../rounds.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)

enum { PAIRS = 1000, IDLE_S = 2 };

static uint64_t rounds = 7;
static uint64_t time_ms = 100;
static const char *letters = "abcdefg";
static cpu_set_t processors; /* all that we may have; the other parts bind us to one */
static char folder[] = "/tmp/via-shm-XXXXXX";
static size_t run_count, thrown_away;
static double nearest_ns, farthest_ns; /* the distances that most runs of each question had */

/* ---- asking ------------------------------------------------------------------------------------------------- */

struct question {
    uint32_t mode;
    unsigned wakes;
    bool more;
    uint64_t sizes[5]; /* ended by 0 */
    const struct way *ways[4];
};

static void ask(struct plan *plan, const struct question *question)
{
    *plan = (struct plan){.wakes = question->wakes, .mode = question->mode, .more = question->more, .folder = folder};
    plan->rounds = rounds;
    plan->budget.time_ns = time_ms * 1000000;
    for (; plan->size_count < 5 && question->sizes[plan->size_count] > 0; plan->size_count++)
        plan->sizes[plan->size_count] = question->sizes[plan->size_count];
    for (size_t i = 0; i < 4 && question->ways[i]; i++)
        plan_add(plan, question->ways[i], question->ways[i]->name ? NULL : "shm:");
    if (!plan_make(plan))
        way_failed("calloc", "no memory");
    plan_run(plan);
    plan_judge(plan);
    nearest_ns = nearest_ns > 0 && nearest_ns < plan->distance_ns ? nearest_ns : plan->distance_ns;
    farthest_ns = farthest_ns > plan->distance_ns ? farthest_ns : plan->distance_ns;
    run_count += plan->run_count;
    thrown_away += plan->thrown_away;
}

static const struct row *find(const struct plan *plan, const struct way *way, uint64_t size, unsigned wake)
{
    for (size_t i = 0; i < plan->row_count; i++) {
        const struct row *row = &plan->rows[i];

        if (row->who->way == way && row->job.size == size && row->job.wake == wake) {
            if (row->run_count == 0)
                way_failed(row->who->name, row->why[0] != '\0' ? row->why : row->who->why);
            return row;
        }
    }
    way_failed("a row", "it was not planned");
}

static double p50(const struct plan *plan, const struct way *way, uint64_t size, unsigned wake)
{
    return find(plan, way, size, wake)->result.p50;
}

static double rate(const struct plan *plan, const struct way *way, uint64_t size, unsigned wake)
{
    return find(plan, way, size, wake)->result.messages_per_s;
}

/* ---- telling ------------------------------------------------------------------------------------------------ */

static void tell(const char *what, double figure, const char *unit, const char *yardstick, double other,
                 const char *wanted)
{
    char against[64] = "";
    char ratio[16] = "";

    if (other > 0) {
        (void)snprintf(against, sizeof(against), "%s %.4g %s", yardstick, other, unit);
        (void)snprintf(ratio, sizeof(ratio), "%.2f", figure / other);
    }
    (void)printf("%-44s  %10.4g %-5s  %-38s  %5s  %s\n", what, figure, unit, against, ratio, wanted);
    (void)fflush(stdout);
}

static void tell_small(void)
{
    static const struct question latencies = {VIA_BENCH_LATENCY, SPIN, false, {64}, {&way_viaduct, &way_ring}};
    static const struct question singles = {
        VIA_BENCH_THROUGHPUT, SPIN, false, {64}, {&way_viaduct, &way_ring, &way_plain_ring}};
    static const struct question batches = {VIA_BENCH_THROUGHPUT, SPIN, true, {64}, {&way_viaduct}};
    struct plan latency, single, batch;
    double plain, cached, batched;

    ask(&latency, &latencies);
    tell("a  64 B, spinning: one-way p50", p50(&latency, &way_viaduct, 64, WAKE_SPIN), "ns", "hand-written ring",
         p50(&latency, &way_ring, 64, WAKE_SPIN), "<= 1.15");
    ask(&single, &singles);
    ask(&batch, &batches);
    plain = rate(&single, &way_plain_ring, 64, WAKE_SPIN) / 1e6;
    cached = rate(&single, &way_ring, 64, WAKE_SPIN) / 1e6;
    batched = rate(&batch, &way_viaduct, 64, WAKE_SPIN) / 1e6;
    tell("a  64 B: rate with VIA_MORE", batched, "M/s", "ring, one at a time", plain, ">= 1.6");
    tell("a  64 B: rate with VIA_MORE", batched, "M/s", "ring that caches indexes", cached, "");
    tell("a  64 B: rate without", rate(&single, &way_viaduct, 64, WAKE_SPIN) / 1e6, "M/s", "ring, one at a time", plain,
         "");
    plan_fini(&latency);
    plan_fini(&single);
    plan_fini(&batch);
}

static void tell_loans(void)
{
    static const struct question question = {
        VIA_BENCH_LATENCY, SPIN, false, {64, 4 * KIB, 64 * KIB, MIB, 4 * MIB}, {&way_viaduct_loan, &way_line}};
    struct plan plan;

    ask(&plan, &question);
    for (size_t i = 0; i < 5; i++) {
        uint64_t size = question.sizes[i];
        char what[64];

        (void)snprintf(what, sizeof(what), "b  loan, commit, recv, release: %llu %s",
                       (unsigned long long)(size < KIB ? size : size / KIB), size < KIB ? "B" : "KiB");
        tell(what, p50(&plan, &way_viaduct_loan, size, WAKE_SPIN), "ns", "cache line",
             p50(&plan, &way_line, 64, WAKE_SPIN), "<= 150 ns");
    }
    plan_fini(&plan);
}

/* The rate of memcpy() into the very buffers, in runs of its own between those of the copying sends. */
static void tell_copies(uint64_t size, const char *what)
{
    const struct question question = {
        VIA_BENCH_THROUGHPUT, SPIN, false, {size}, {&way_viaduct, &way_viaduct_copy, &way_ring}};
    const double gigabytes = (double)size / 1e9;
    struct way_copies *copies = way_share(sizeof(*copies));
    struct plan plan;

    way_viaduct_count_copies(copies);
    ask(&plan, &question);
    double ours = rate(&plan, &way_viaduct, size, WAKE_SPIN) * gigabytes;
    tell(what, ours, "GB/s", "memcpy, same buffers", (double)copies->bytes / (double)copies->ns, ">= 0.9");
    tell(what, ours, "GB/s", "hand-written ring", rate(&plan, &way_ring, size, WAKE_SPIN) * gigabytes, "");
    way_viaduct_count_copies(NULL);
    plan_fini(&plan);
}

static void tell_waits(void)
{
    static const struct question sleeping = {VIA_BENCH_LATENCY, BLOCK, false, {64}, {&way_viaduct, &way_futex}};
    static const struct question spinning = {VIA_BENCH_LATENCY, SPIN | HYBRID, false, {64}, {&way_viaduct}};
    struct plan blocking, hybrid;

    ask(&blocking, &sleeping);
    tell("d  64 B, blocking: one-way p50", p50(&blocking, &way_viaduct, 64, WAKE_BLOCK) / 1e3, "us", "bare futex",
         p50(&blocking, &way_futex, 64, WAKE_BLOCK) / 1e3, "<= 1.1");
    ask(&hybrid, &spinning);
    tell("e  64 B, hybrid, messages keep coming: p50", p50(&hybrid, &way_viaduct, 64, WAKE_HYBRID), "ns", "spinning",
         p50(&hybrid, &way_viaduct, 64, WAKE_SPIN), "1");
    tell("e  hybrid, idle: processor time", channels_idle_percent(folder, IDLE_S), "%", "", 0, "< 1 %");
    plan_fini(&blocking);
    plan_fini(&hybrid);
}

static void tell_channels(void)
{
    struct channels_cost cost = channels_cost(folder, PAIRS);

    (void)printf("f  %zu pairs in one process, for each end:\n", cost.pairs);
    tell("f  shared memory", cost.shared_bytes / KIB, "KiB", "ring and slots", cost.ring_bytes / KIB, "");
    tell("f  of it beside the ring", cost.control_bytes / KIB, "KiB", "", 0, "<= 4 KiB");
    tell("f  memory of the process", cost.private_bytes / KIB, "KiB", "", 0, "");
    tell("f  open, first message, close", cost.open_us, "us", "memory alone", cost.memory_us, "< 200 us");
}

static void tell_large(void)
{
    tell_copies(64 * KIB, "c  64 KiB: rate of copying sends");
    tell_copies(MIB, "c  1 MiB: rate of copying sends");
}

/* The median round of each: what a message costs changes with what else the processors do. */
static void tell_subscribers(void)
{
    static const size_t numbers[] = {1, 8, 64};
    double one[2] = {0, 0};

    (void)sched_setaffinity(0, sizeof(processors), &processors);
    for (size_t i = 0; i < 3; i++) {
        double streams[PLAN_ROUNDS], singles[PLAN_ROUNDS];
        char what[64];

        for (size_t round = 0; round < rounds; round++) {
            struct subscribers_cost cost = subscribers_cost(folder, numbers[i]);
            streams[round] = cost.stream_ns;
            singles[round] = cost.single_ns;
        }
        double costs[2] = {bench_median(streams, rounds), bench_median(singles, rounds)};
        for (size_t k = 0; k < 2; k++) {
            (void)snprintf(what, sizeof(what), "g  %s, %zu %s", k == 0 ? "bursts" : "all sleep", numbers[i],
                           i == 0 ? "subscriber" : "subscribers");
            tell(what, costs[k], "ns", "1 subscriber", i == 0 ? 0 : one[k], i == 0 ? "" : "1");
            one[k] = i == 0 ? costs[k] : one[k];
        }
    }
}

/* By the letters that their lines begin with. */
static const struct part {
    const char *letters;
    void (*tell)(void);
} parts[] = {{"a", tell_small},  {"b", tell_loans},    {"c", tell_large},
             {"de", tell_waits}, {"f", tell_channels}, {"g", tell_subscribers}};

int main(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--rounds") == 0)
            rounds = strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--time") == 0)
            time_ms = strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--only") == 0)
            letters = argv[i + 1];
    }
    (void)sched_getaffinity(0, sizeof(processors), &processors);
    if (rounds < 1 || rounds > PLAN_ROUNDS || time_ms < 1 || !clockwork_init() || !mkdtemp(folder)) {
        (void)fputs("usage: bench_shm [--rounds N] [--time MS] [--only LETTERS]; it needs two processors\n", stderr);
        return 2;
    }
    (void)printf("%-44s  %16s  %-38s  %5s  %s\n", "WHAT", "MEASURED", "AGAINST", "RATIO", "WANTED");
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (strpbrk(letters, parts[i].letters))
            parts[i].tell();
    (void)printf("distance between the processors: %.0f to %.0f ns; %zu of %zu runs thrown away\n", nearest_ns,
                 farthest_ns, thrown_away, run_count);
    (void)rmdir(folder);
    return 0;
}
