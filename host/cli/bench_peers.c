/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via bench --peers`: has via-bench-peers do the measuring, and shows it as every bench is shown.
 *
 * That program, which is built with the benchmarks and knows the other libraries, is a process of its own: `via` links
 * none of them. Owns: where it is found, and the reading of the lines that it prints (tests/bench/peers/peers.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

extern char **environ;

static const char usual_sizes[] = "64,1KiB,16KiB,64KiB,1MiB,16MiB";
static const char beside[] = "../libexec/viaduct/via-bench-peers"; /* from the folder of `via` */

enum { MOST_ROWS = 16 * 2 * 3 * 64, MOST_NAMES = 128, MOST_WORDS = 160, PEERS_MOST_ROUNDS = 50 };

struct peers {
    const via_cli_args *args;
    char program[4096];
    char sizes[VIA_BENCH_MOST_SIZES * 21], count[24], rounds[24], wake[8], mode[8];
    const char *words[MOST_WORDS];
    size_t word_count;
    via_bench_row *rows;
    size_t row_count;
    char *names[MOST_NAMES]; /* rows of one contestant share one */
    size_t name_count;
    bool is_complete;
};

/* ---- before it ---------------------------------------------------------------------------------------------- */

static int check_options(const via_cli_args *args)
{
    const uint64_t goes = VIA_CLI_TAKES(VIA_CLI_PEERS) | VIA_CLI_TAKES(VIA_CLI_SIZE) | VIA_CLI_TAKES(VIA_CLI_COUNT) |
                          VIA_CLI_TAKES(VIA_CLI_ROUNDS) | VIA_CLI_TAKES(VIA_CLI_MODE) | VIA_CLI_TAKES(VIA_CLI_WAKE) |
                          VIA_CLI_TAKES(VIA_CLI_MORE) | VIA_CLI_TAKES(VIA_CLI_JSON) | VIA_CLI_TAKES(VIA_CLI_PLOT);
    if (args->given & ~goes)
        return via_cli_usage(args->command, "leave the others out; options of a transport go into its address",
                             "--peers goes with --size, --count, --rounds, --mode, --wake, --more, --json, --plot");
    if (via_cli_given(args, VIA_CLI_ROUNDS) && (args->rounds < 1 || args->rounds > PEERS_MOST_ROUNDS))
        return via_cli_usage(args->command, NULL, "with --peers, --rounds wants 1 to %d", PEERS_MOST_ROUNDS);
    if (via_cli_given(args, VIA_CLI_COUNT) && (args->count < 2 || args->count > UINT32_MAX))
        return via_cli_usage(args->command, NULL, "with --peers, --count wants 2 to %lu", (unsigned long)UINT32_MAX);
    if (args->operands.count > 32)
        return via_cli_usage(args->command, NULL, "with --peers, 32 addresses at most");
    return VIA_EXIT_OK;
}

static int check_sizes(const via_cli_args *args, const uint64_t *sizes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (sizes[i] < 2 || sizes[i] > UINT64_C(1) << 30)
            return via_cli_usage(args->command, NULL, "with --peers, --size wants 2 bytes to 1GiB");
    return VIA_EXIT_OK;
}

static int find_program(struct peers *peers)
{
    char self[2048];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash)
        slash[1] = '\0';
    (void)snprintf(peers->program, sizeof peers->program, "%s%s", self, beside);
    if (access(peers->program, X_OK) == 0)
        return VIA_EXIT_OK;
    return via_cli_complain(VIA_EXIT_FAILED,
                            "build it in Viaduct's source tree: make bench, then build/bench/bin/via bench --peers",
                            "--peers needs via-bench-peers, which is not at %s", peers->program);
}

static void add_word(struct peers *peers, const char *word)
{
    if (peers->word_count + 1 < MOST_WORDS)
        peers->words[peers->word_count++] = word;
}

static void add_number(struct peers *peers, const char *option, uint64_t value, char *buffer, size_t capacity)
{
    (void)snprintf(buffer, capacity, "%llu", (unsigned long long)value);
    add_word(peers, option);
    add_word(peers, buffer);
}

static int make_words(struct peers *peers)
{
    const via_cli_args *args = peers->args;
    uint64_t sizes[VIA_BENCH_MOST_SIZES];
    size_t count, used = 0;
    int result = via_bench_parse_sizes(args, usual_sizes, sizes, &count);
    if (result == VIA_EXIT_OK)
        result = check_sizes(args, sizes, count);
    if (result != VIA_EXIT_OK)
        return result;
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(peers->sizes + used, sizeof peers->sizes - used, "%s%llu", i ? "," : "",
                                 (unsigned long long)sizes[i]);
    add_word(peers, "via-bench-peers");
    add_word(peers, "--size");
    add_word(peers, peers->sizes);
    if (via_cli_given(args, VIA_CLI_COUNT))
        add_number(peers, "--count", args->count, peers->count, sizeof peers->count);
    if (via_cli_given(args, VIA_CLI_ROUNDS))
        add_number(peers, "--rounds", args->rounds, peers->rounds, sizeof peers->rounds);
    if (via_cli_given(args, VIA_CLI_WAKE))
        add_number(peers, "--wake", (uint64_t)args->wake, peers->wake, sizeof peers->wake);
    add_number(peers, "--mode", (uint64_t)args->mode, peers->mode, sizeof peers->mode);
    if (args->more)
        add_word(peers, "--more");
    for (size_t i = 0; i < args->operands.count; i++)
        add_word(peers, args->operands.items[i]);
    return VIA_EXIT_OK;
}

/* ---- what it prints ----------------------------------------------------------------------------------------- */

static const char *intern(struct peers *peers, const char *name)
{
    for (size_t i = 0; i < peers->name_count; i++)
        if (strcmp(peers->names[i], name) == 0)
            return peers->names[i];
    if (peers->name_count == MOST_NAMES || !(peers->names[peers->name_count] = strdup(name)))
        return NULL;
    return peers->names[peers->name_count++];
}

static bool take_row(struct peers *peers, char *fields)
{
    via_bench_row row = {.job.pattern = VIA_PATTERN_PAIR};
    via_bench_result *result = &row.result;
    unsigned long long size, count;
    int mixed;
    char *name = strsep(&fields, "\t");
    if (!fields || peers->row_count == MOST_ROWS ||
        sscanf(fields, "%u %u %llu %llu %lf %lf %lf %lf %lf %lf %*u %d", &row.job.wake, &row.job.mode, &size, &count,
               &result->p50, &result->p90, &result->p99, &result->p999, &result->max, &result->messages_per_s,
               &mixed) != 11)
        return false;
    if (row.job.wake > VIA_BENCH_HYBRID)
        return false;
    row.address = intern(peers, name);
    row.job.size = size;
    result->count = count;
    row.is_doubtful = mixed != 0;
    peers->rows[peers->row_count++] = row;
    return row.address != NULL;
}

static void tell_end(struct peers *peers, const char *fields)
{
    double distance_ns, tolerance;
    unsigned long runs, thrown, rounds, planned;
    if (sscanf(fields, "%lf %lu %lu %lf %lu %lu", &distance_ns, &runs, &thrown, &tolerance, &rounds, &planned) != 6)
        return;
    peers->is_complete = true;
    if (rounds < planned)
        (void)fprintf(stderr, "%lu of %lu rounds: there was no time for more; --rounds takes it.\n", rounds, planned);
    (void)fprintf(
        stderr,
        "%lu of %lu runs thrown away: the distance between the processors was not within %.0f%% of the %.0f ns "
        "that most runs had, before and after.\n",
        thrown, runs, tolerance * 100, distance_ns);
}

static bool take_line(struct peers *peers, char *line)
{
    char *fields = line;
    line[strcspn(line, "\n")] = '\0';
    const char *kind = strsep(&fields, "\t");
    if (fields && strcmp(kind, "row") == 0)
        return take_row(peers, fields);
    if (fields && strcmp(kind, "not") == 0) {
        const char *name = strsep(&fields, "\t");
        (void)fprintf(stderr, "not measured: %s: %s\n", name, fields ? fields : "");
        return true;
    }
    if (fields && strcmp(kind, "end") == 0)
        tell_end(peers, fields);
    return fields != NULL;
}

static bool take_lines(struct peers *peers, FILE *from)
{
    char *line = NULL;
    size_t capacity = 0;
    bool good = true;
    while (good && getline(&line, &capacity, from) > 0)
        good = take_line(peers, line);
    free(line);
    return good && peers->is_complete;
}

/* ---- running it --------------------------------------------------------------------------------------------- */

static int spawn(struct peers *peers, int output, pid_t *child)
{
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", 0, 0);
    int failed = posix_spawn(child, peers->program, &actions, NULL, (char **)(uintptr_t)peers->words, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static int run(struct peers *peers)
{
    int ends[2], status = 0;
    pid_t child;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return via_cli_os_error("pipe", errno, "close some files, or raise 'ulimit -n'");
    int failed = spawn(peers, ends[1], &child);
    (void)close(ends[1]);
    FILE *from = fdopen(ends[0], "r");
    bool good = !failed && from && take_lines(peers, from);
    if (from)
        (void)fclose(from);
    if (failed)
        return via_cli_os_error(peers->program, failed, "raise 'ulimit -u', or build it again");
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (good && status == 0)
        return VIA_EXIT_OK;
    return via_cli_complain(VIA_EXIT_FAILED, "see what it wrote above; build it again if it is of another version",
                            "via-bench-peers ended before it was done, with status %d",
                            WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* ---- what is shown ------------------------------------------------------------------------------------------ */

static int plot(const struct peers *peers, uint32_t mode, const char *suffix)
{
    char file[4096];
    const char *name = peers->args->plot;
    if (peers->args->mode != VIA_BENCH_BOTH && peers->args->mode != (int64_t)mode)
        return VIA_EXIT_OK;
    (void)snprintf(file, sizeof file, "%.*s-%s.svg", (int)(strlen(name) - strlen(".svg")), name, suffix);
    return via_bench_plot_mode(file, peers->rows, peers->row_count, mode);
}

static int show(const struct peers *peers)
{
    bool printed = peers->args->json ? via_bench_print_json(peers->rows, peers->row_count)
                                     : via_bench_print_peers(peers->rows, peers->row_count);
    int result = printed ? VIA_EXIT_OK : via_cli_out_of_memory();
    if (result == VIA_EXIT_OK && peers->args->plot)
        result = plot(peers, VIA_BENCH_LATENCY, "latency");
    if (result == VIA_EXIT_OK && peers->args->plot)
        result = plot(peers, VIA_BENCH_THROUGHPUT, "throughput");
    return result;
}

int via_bench_run_peers(const via_cli_args *args)
{
    static struct peers peers; /* large, and there is one */
    peers.args = args;
    int result = check_options(args);
    if (result == VIA_EXIT_OK)
        result = make_words(&peers);
    if (result == VIA_EXIT_OK)
        result = find_program(&peers);
    if (result == VIA_EXIT_OK && args->plot)
        result = via_bench_plot_check(args->plot);
    if (result == VIA_EXIT_OK && !(peers.rows = calloc(MOST_ROWS, sizeof *peers.rows)))
        result = via_cli_out_of_memory();
    if (result == VIA_EXIT_OK)
        result = run(&peers);
    if (result == VIA_EXIT_OK)
        result = show(&peers);
    for (size_t i = 0; i < peers.name_count; i++)
        free(peers.names[i]);
    free(peers.rows);
    return result;
}
