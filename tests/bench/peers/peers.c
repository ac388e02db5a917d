/* SPDX-License-Identifier: Apache-2.0 */
/*
 * via-bench-peers: measures Viaduct's addresses and the peers, for `via bench --peers`, which shows the result.
 *
 * Owns: its command line, and the lines that it prints, whose fields are separated by tabs:
 *
 *   row NAME WAKE MODE SIZE COUNT P50 P90 P99 P999 MAX MESSAGES/S ROUNDS MIXED    wake and mode as the numbers of bench.h, ns
 *   not NAME WHY                                                                 it was not measured
 *   end DISTANCE RUNS THROWN TOLERANCE ROUNDS PLANNED                           the last line
 *
 * COUNT is of one round; MIXED is 1 if no round's probes agreed with the distance that most runs had.
 */
#include "plan.h"
#include "ways.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

_Static_assert((int)WAKE_BLOCK == (int)VIA_BENCH_BLOCKING && (int)WAKE_SPIN == (int)VIA_BENCH_POLLING &&
                   (int)WAKE_HYBRID == (int)VIA_BENCH_HYBRID,
               "waits have one number each");

enum { USUAL_ROUNDS = 3, LIMIT_S = 240 }; /* the limit is for the usual rounds: who asks for more gets them */
static const char *const usual_addresses[] = {"shm:", "unix:", "pipe:", "tcp://127.0.0.1:0", NULL};
static const char usual_sizes[] = "64,1024,16384,65536,1048576,16777216";

static _Noreturn void usage(void)
{
    (void)fputs("usage: via-bench-peers [--size BYTES,...] [--count N] [--time MS] [--rounds N] [--wake NUMBER]\n"
                "                       [--mode NUMBER] [--more] [ADDRESS | PEER]...\n"
                "'via bench --peers' runs it and shows what it measured.\n",
                stderr);
    exit(2);
}

static uint64_t number(const char *text, uint64_t least, uint64_t most)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);

    if (end == text || *end != '\0' || value < least || value > most)
        usage();
    return value;
}

static void parse_sizes(struct plan *plan, const char *text)
{
    plan->size_count = 0;
    while (*text) {
        char word[24];
        size_t length = strcspn(text, ",");

        if (length == 0 || length >= sizeof(word) || plan->size_count == PLAN_SIZES)
            usage();
        (void)snprintf(word, sizeof(word), "%.*s", (int)length, text);
        plan->sizes[plan->size_count++] = number(word, 2, 1u << 30);
        text += length + (text[length] == ',');
    }
}

/* ---- who takes part ----------------------------------------------------------------------------------------- */

static bool names_peer(const char *word)
{
    return strncmp(word, "peer:", 5) == 0 || strncmp(word, "limit:", 6) == 0;
}

static const struct way *find_peer(const char *name)
{
    for (size_t i = 0; ways[i]; i++)
        if (strcmp(ways[i]->name, name) == 0)
            return ways[i];
    (void)fprintf(stderr, "via-bench-peers: there is no %s; there are:", name);
    for (size_t i = 0; ways[i]; i++)
        (void)fprintf(stderr, " %s", ways[i]->name);
    (void)fputc('\n', stderr);
    exit(2);
}

/* The words that are left: addresses, and peers by their names. No peer = all of them, nothing = all and the usual addresses. */
static void add_contestants(struct plan *plan, const char *const *words, size_t count)
{
    size_t peers = 0;

    for (size_t i = 0; count == 0 && usual_addresses[i]; i++)
        plan_add(plan, &way_viaduct, usual_addresses[i]);
    for (size_t i = 0; i < count; i++) {
        peers += names_peer(words[i]);
        if (names_peer(words[i]))
            plan_add(plan, find_peer(words[i]), NULL);
        else
            plan_add(plan, &way_viaduct, words[i]);
    }
    for (size_t i = 0; peers == 0 && ways[i]; i++)
        plan_add(plan, ways[i], NULL);
}

static bool take_option(struct plan *plan, const char *option, const char *value)
{
    if (strcmp(option, "--size") == 0)
        parse_sizes(plan, value);
    else if (strcmp(option, "--count") == 0)
        plan->budget.count = number(value, 1, UINT32_MAX);
    else if (strcmp(option, "--time") == 0)
        plan->budget.time_ns = number(value, 1, 20000) * 1000000;
    else if (strcmp(option, "--rounds") == 0)
        plan->rounds = number(value, 1, PLAN_ROUNDS);
    else if (strcmp(option, "--wake") == 0)
        plan->wakes = 1u << number(value, 0, WAKE_COUNT - 1);
    else if (strcmp(option, "--mode") == 0)
        plan->mode = (uint32_t)number(value, VIA_BENCH_BOTH, VIA_BENCH_THROUGHPUT);
    else
        return false;
    return true;
}

static void parse(struct plan *plan, char **words)
{
    const char *names[PLAN_CONTESTANTS / 2];
    size_t count = 0;

    for (; *words; words++) {
        if (strcmp(words[0], "--more") == 0)
            plan->more = true;
        else if (words[0][0] == '-' && words[1] && take_option(plan, words[0], words[1]))
            words++;
        else if (words[0][0] != '-' && count < PLAN_CONTESTANTS / 2)
            names[count++] = words[0];
        else
            usage();
    }
    add_contestants(plan, names, count);
}

/* ---- what comes out ----------------------------------------------------------------------------------------- */

static void print_row(const struct row *row)
{
    const via_bench_result *result = &row->result;

    (void)printf("row\t%s\t%u\t%u\t%llu\t%llu\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%zu\t%d\n", row->who->name,
                 row->job.wake, row->job.mode, (unsigned long long)row->job.size, (unsigned long long)result->count,
                 result->p50, result->p90, result->p99, result->p999, result->max, result->messages_per_s, row->counted,
                 row->is_mixed);
}

/* Modes and waits share most reasons. */
static bool was_told(const struct plan *plan, size_t index)
{
    const struct row *row = &plan->rows[index];

    for (size_t i = 0; i < index; i++)
        if (plan->rows[i].who == row->who && plan->rows[i].job.size == row->job.size &&
            strcmp(plan->rows[i].why, row->why) == 0)
            return true;
    return false;
}

static void print_absent(const struct plan *plan)
{
    for (size_t i = 0; i < plan->contestant_count; i++)
        if (plan->contestants[i].why[0] != '\0')
            (void)printf("not\t%s\t%s\n", plan->contestants[i].name, plan->contestants[i].why);
    for (size_t i = 0; i < plan->row_count; i++)
        if (plan->rows[i].why[0] != '\0' && !was_told(plan, i))
            (void)printf("not\t%s\t%llu bytes: %s\n", plan->rows[i].who->name,
                         (unsigned long long)plan->rows[i].job.size, plan->rows[i].why);
}

static void print(const struct plan *plan)
{
    for (size_t i = 0; i < plan->row_count; i++)
        if (plan->rows[i].run_count > 0)
            print_row(&plan->rows[i]);
    print_absent(plan);
    (void)printf("end\t%.1f\t%zu\t%zu\t%.2f\t%llu\t%llu\n", plan->distance_ns, plan->run_count, plan->thrown_away,
                 PLAN_TOLERANCE, (unsigned long long)plan->rounds_done, (unsigned long long)plan->rounds);
}

/* Names that a run left, which was ended from outside. */
static void remove_folder(const char *folder)
{
    DIR *names = opendir(folder);
    const struct dirent *entry;

    while (names && (entry = readdir(names)) != NULL)
        (void)unlinkat(dirfd(names), entry->d_name, 0);
    if (names)
        (void)closedir(names);
    (void)rmdir(folder);
}

static void on_signal(int number)
{
    (void)number;
    plan_stop = 1;
}

/* Ends with `via`, and after the run that is under way. */
static void listen_to_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
}

static int measure(struct plan *plan)
{
    if (!plan_make(plan)) {
        (void)fputs("via-bench-peers: out of memory\n", stderr);
        return 1;
    }
    plan_run(plan);
    if (plan_stop)
        return 1;
    plan_judge(plan);
    print(plan);
    return 0;
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/via-peers-XXXXXX";
    struct plan plan = {.wakes = SPIN | HYBRID | BLOCK, .budget = {.time_ns = 70000000}};
    int status;

    (void)argc;
    parse_sizes(&plan, usual_sizes);
    parse(&plan, argv + 1);
    if (!clockwork_init()) {
        (void)puts("not\tany of them\tboth processes would share the one processor that this program may use\n"
                   "end\t0\t0\t0\t0\t0\t0");
        return 0;
    }
    if (!mkdtemp(folder)) {
        (void)fprintf(stderr, "via-bench-peers: /tmp: %s\n", strerror(errno));
        return 1;
    }
    plan.folder = folder;
    if (!plan.rounds) {
        plan.rounds = USUAL_ROUNDS;
        plan.limit_ns = LIMIT_S * UINT64_C(1000000000);
    }
    listen_to_signals();
    status = measure(&plan);
    plan_fini(&plan);
    remove_folder(folder);
    return status;
}
