/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via bench`: the plan of all measurements, in what order they run, and what is shown.
 *
 * Owns: rows and rounds. Addresses take turns within a round, so that a machine that is busy for a while is unjust to
 * none of them.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "facts.h"
#include "session.h"

enum { MOST_ROUNDS = 1000, USUAL_LATENCY_COUNT = 2000, MOST_THROUGHPUT_COUNT = 100000 };
static const uint64_t usual_bytes = UINT64_C(64) << 20;
static const uint64_t patience_ns = UINT64_C(1000000000); /* before progress is shown */

struct plan {
    const via_cli_args *args;
    via_host *host;
    uint64_t sizes[VIA_BENCH_MOST_SIZES];
    size_t size_count;
    uint64_t rounds;
    via_bench_row *rows;
    size_t row_count;
    uint64_t started_ns;
};

/* ---- the plan ----------------------------------------------------------------------------------------------- */

static int wrong_sizes(const via_cli_args *args)
{
    return via_cli_usage(args->command, NULL, "--size wants up to %d sizes such as 64,4KiB,1MiB, not '%s'",
                         VIA_BENCH_MOST_SIZES, args->sizes);
}

int via_bench_parse_sizes(const via_cli_args *args, const char *usual, uint64_t *sizes, size_t *count)
{
    const char *next = args->sizes ? args->sizes : usual;
    *count = 0;
    while (*next) {
        char word[32];
        size_t length = strcspn(next, ",");
        if (length >= sizeof word || *count == VIA_BENCH_MOST_SIZES)
            return wrong_sizes(args);
        memcpy(word, next, length);
        word[length] = '\0';
        if (!via_cli_parse_size(word, &sizes[(*count)++]))
            return wrong_sizes(args);
        next += length + (next[length] == ',');
    }
    return *count > 0 ? VIA_EXIT_OK : wrong_sizes(args);
}

static uint64_t usual_count(const via_bench_job *job)
{
    if (job->mode == VIA_BENCH_LATENCY)
        return USUAL_LATENCY_COUNT;
    uint64_t count = usual_bytes / (job->size ? job->size : 1);
    if (count > MOST_THROUGHPUT_COUNT)
        return MOST_THROUGHPUT_COUNT;
    return count < 100 ? 100 : count;
}

static via_bench_job make_job(const struct plan *plan, uint32_t pattern, uint64_t size, uint32_t mode)
{
    const via_cli_args *args = plan->args;
    via_bench_job job = {.pattern = pattern, .mode = mode, .size = size, .more = args->more};
    job.wake = (uint32_t)args->wake;
    job.count = via_cli_given(args, VIA_CLI_COUNT) ? args->count : usual_count(&job);
    job.warmup = via_cli_given(args, VIA_CLI_WARMUP) ? args->warmup : job.count / 10;
    return job;
}

/* True: this mode is asked for. */
static bool wants(const via_cli_args *args, uint32_t mode)
{
    if (mode == VIA_BENCH_THROUGHPUT && args->echo)
        return false;
    return args->mode == VIA_BENCH_BOTH || args->mode == (int64_t)mode;
}

static int check_row(const struct plan *plan, const via_bench_row *row)
{
    const via_bench_job *job = &row->job;
    if (job->pattern == VIA_PATTERN_REGION)
        return via_cli_usage(plan->args->command, "choose --pattern pair, queue, topic or value",
                             "%s: a region has no messages that a bench could measure", row->address);
    if (plan->args->echo && job->pattern != VIA_PATTERN_PAIR)
        return via_cli_usage(plan->args->command, NULL, "%s: --echo is for pairs", row->address);
    if (job->pattern != VIA_PATTERN_PAIR && job->mode == VIA_BENCH_LATENCY && job->size < 8)
        return via_cli_usage(plan->args->command, "use --size 8 or more",
                             "%s: the latency of a queue, topic or value needs 8 bytes for the time", row->address);
    if (job->pattern == VIA_PATTERN_VALUE && job->size < 8)
        return via_cli_usage(plan->args->command, "use --size 8 or more", "%s: values need 8 bytes for their number",
                             row->address);
    return VIA_EXIT_OK;
}

/* Before anything is allocated or started: the size may be beyond all memory. */
static int check_sizes(const struct plan *plan, const char *address)
{
    char limit[32];
    uint64_t most = via_cli_max_message_of(plan->args, plan->host, address);
    for (size_t i = 0; i < plan->size_count; i++) {
        if (plan->sizes[i] <= most)
            continue;
        via_cli_format_size(most, limit, sizeof limit);
        return via_cli_usage(plan->args->command, "choose a smaller --size, or raise max_message if it was lowered",
                             "%s: --size %llu is above the %s that it carries at most", address,
                             (unsigned long long)plan->sizes[i], limit);
    }
    return VIA_EXIT_OK;
}

static int add_row(struct plan *plan, const char *address, uint64_t size, uint32_t mode)
{
    via_bench_row *row = &plan->rows[plan->row_count];
    row->address = address;
    row->job = make_job(plan, via_cli_pattern(plan->args, plan->host, address), size, mode);
    row->rounds = calloc(plan->rounds, sizeof *row->rounds);
    plan->row_count++;
    return row->rounds ? check_row(plan, row) : via_cli_out_of_memory();
}

/* Sizes outside, addresses inside: rows that are to be compared are neighbours, in the table and in time. */
static int add_rows(struct plan *plan)
{
    const via_cli_list *addresses = &plan->args->operands;
    int result = VIA_EXIT_OK;
    for (size_t a = 0; a < addresses->count && result == VIA_EXIT_OK; a++)
        result = check_sizes(plan, addresses->items[a]);
    if (result != VIA_EXIT_OK)
        return result;
    /* NOLINTNEXTLINE(clang-analyzer-optin.portability.UnixAPI): check_args() has seen to one of each */
    plan->rows = calloc(addresses->count * plan->size_count * 2, sizeof *plan->rows);
    if (!plan->rows)
        return via_cli_out_of_memory();
    for (size_t s = 0; s < plan->size_count; s++)
        for (uint32_t mode = VIA_BENCH_LATENCY; mode <= VIA_BENCH_THROUGHPUT; mode++)
            for (size_t a = 0; a < addresses->count && wants(plan->args, mode) && result == VIA_EXIT_OK; a++)
                result = add_row(plan, addresses->items[a], plan->sizes[s], mode);
    return result;
}

static int check_args(struct plan *plan)
{
    const via_cli_args *args = plan->args;
    plan->rounds = via_cli_given(args, VIA_CLI_ROUNDS) ? args->rounds : 3;
    if (args->operands.count == 0)
        return via_cli_usage(args->command, NULL, "'via bench' wants: %s", args->command->operands);
    if (args->wake == VIA_BENCH_HYBRID)
        return via_cli_usage(args->command,
                             "leave out --wake: a transport that can spin for a while has an option for it",
                             "--wake hybrid is for --peers");
    if (plan->rounds < 1 || plan->rounds > MOST_ROUNDS)
        return via_cli_usage(args->command, NULL, "--rounds wants 1 to %d", MOST_ROUNDS);
    if (via_cli_given(args, VIA_CLI_COUNT) && args->count < 2)
        return via_cli_usage(args->command, NULL, "--count wants 2 or more, or there is nothing to measure");
    if (args->echo && args->mode == VIA_BENCH_THROUGHPUT)
        return via_cli_usage(args->command, "leave out --echo, or use --mode latency",
                             "an echo has no throughput of its own");
    return args->plot ? via_bench_plot_check(args->plot) : VIA_EXIT_OK;
}

/* ---- running ------------------------------------------------------------------------------------------------ */

static void show_progress(const struct plan *plan, uint64_t round, size_t row)
{
    char size[32];
    if (!isatty(STDERR_FILENO) || via_now_ns() - plan->started_ns < patience_ns)
        return;
    via_cli_format_size(plan->rows[row].job.size, size, sizeof size);
    (void)fprintf(stderr, "\r\033[Kround %llu of %llu: %zu of %zu, %s %s", (unsigned long long)round + 1,
                  (unsigned long long)plan->rounds, row + 1, plan->row_count, size, plan->rows[row].address);
}

static void end_progress(void)
{
    if (isatty(STDERR_FILENO))
        (void)fputs("\r\033[K", stderr);
}

static int run_rounds(struct plan *plan)
{
    int result = VIA_EXIT_OK;
    plan->started_ns = via_now_ns();
    for (uint64_t round = 0; round < plan->rounds && result == VIA_EXIT_OK; round++) {
        for (size_t i = 0; i < plan->row_count && result == VIA_EXIT_OK; i++) {
            via_bench_row *row = &plan->rows[i];
            show_progress(plan, round, i);
            result = via_bench_run(plan->args, plan->host, row->address, &row->job, &row->rounds[round]);
        }
    }
    end_progress();
    for (size_t i = 0; i < plan->row_count; i++)
        via_bench_median(plan->rows[i].rounds, plan->rounds, &plan->rows[i].result);
    return result;
}

static int show(const struct plan *plan)
{
    bool printed = plan->args->json ? via_bench_print_json(plan->rows, plan->row_count)
                                    : via_bench_print_table(plan->rows, plan->row_count);
    if (!printed)
        return via_cli_out_of_memory();
    return plan->args->plot ? via_bench_plot(plan->args->plot, plan->rows, plan->row_count) : VIA_EXIT_OK;
}

int via_cli_run_bench(const via_cli_args *args)
{
    struct plan plan = {.args = args};
    if (args->peers)
        return via_bench_run_peers(args);
    int result = check_args(&plan);
    if (result == VIA_EXIT_OK)
        result = via_bench_parse_sizes(args, "64,4KiB,64KiB", plan.sizes, &plan.size_count);
    if (result == VIA_EXIT_OK)
        result = via_cli_host_open(args, &plan.host);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread yet */
    (void)setenv("VIADUCT_LOG", "off", 0); /* what this host warned of, each round's worker need not say again */
    if (result == VIA_EXIT_OK)
        result = add_rows(&plan);
    if (result == VIA_EXIT_OK)
        result = run_rounds(&plan);
    if (result == VIA_EXIT_OK)
        result = show(&plan);
    for (size_t i = 0; i < plan.row_count; i++)
        free(plan.rows[i].rounds);
    free(plan.rows);
    via_host_close(plan.host);
    return result;
}
