/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unix: against a program written by hand, nng and libzmq.
 *
 * Two processes, each on a core of its own (--free leaves that to the scheduler), both blocking. In every round each
 * contestant has its turn, so that a machine that is busy for a while is unjust to all of them; what is printed is the
 * median over the rounds (--best: the best of them) and how it compares with the program written by hand.
 */
#include "ways.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS_MOST = 99, WAY_COUNT = 4, HAND = 1 };

static const struct way *const ways[WAY_COUNT] = {&way_viaduct, &way_hand, &way_nng, &way_zmq};

struct task {
    const char *title;
    bool latency;
    bool more;
    size_t size;
    unsigned count;
};

static const struct task tasks[] = {
    {"one-way latency, 64 B", true, false, 64, 4000},         {"one-way latency, 4 KiB", true, false, 4096, 4000},
    {"one-way latency, 1 MiB", true, false, 1 << 20, 300},    {"throughput, 64 B", false, false, 64, 200000},
    {"throughput, 4 KiB", false, false, 4096, 60000},         {"throughput, 1 MiB", false, false, 1 << 20, 800},
    {"throughput, 64 B, VIA_MORE", false, true, 64, 2000000},
};
enum { TASK_COUNT = sizeof(tasks) / sizeof(tasks[0]) };

static bool pinned = true;

void way_failed(const char *what, const char *why)
{
    fprintf(stderr, "bench_unix: %s: %s\n", what, why);
    exit(1);
}

static volatile uint8_t seen;

void way_look(const void *data, size_t size)
{
    const uint8_t *bytes = data;

    if (size > 0)
        seen = (uint8_t)(bytes[0] + bytes[size - 1]);
}

static void pin(int core)
{
    cpu_set_t set;

    if (!pinned)
        return;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    sched_setaffinity(0, sizeof(set), &set); /* where it is refused, the scheduler decides */
}

static double now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}

static bool show_best;

/* The median, or with --best the round that was disturbed least. */
static double typical(double *values, size_t count, bool less_is_better)
{
    double middle = median(values, count);

    if (!show_best)
        return middle;
    return less_is_better ? values[0] : values[count - 1];
}

/* ---- the two processes -------------------------------------------------------------------------------------- */

/* Ends when `until` does: not every library sends what it has accepted before it closes. */
static void run_server(const struct way *way, const char *path, const struct task *task, int until)
{
    char nothing;

    void *self;
    uint8_t *body = calloc(1, task->size);

    pin(1);
    self = way->bind(path);
    if (!body || way->receive(self) != task->size) /* "are you there" */
        way_failed("server", "cannot begin");
    way->send(self, body, task->size, false);
    for (unsigned i = 0; i < task->count; i++) {
        if (way->receive(self) != task->size)
            way_failed("server", "a message of another size");
        if (task->latency)
            way->send(self, body, task->size, false);
    }
    if (!task->latency)
        way->send(self, body, 1, false);
    if (read(until, &nothing, 1) != 0)
        way_failed("read", "the parent sent something");
    way->close(self);
    free(body);
}

static double measure_latency(const struct way *way, void *self, const uint8_t *body, const struct task *task)
{
    double *trips = calloc(task->count, sizeof(*trips));
    double result;

    if (!trips)
        way_failed("calloc", "no memory");
    for (unsigned i = 0; i < task->count; i++) {
        double before = now_us();

        way->send(self, body, task->size, false);
        way->receive(self);
        trips[i] = (now_us() - before) / 2;
    }
    result = median(trips, task->count);
    free(trips);
    return result;
}

/* Messages in a second, until the other side says that it has the last one. */
static double measure_throughput(const struct way *way, void *self, const uint8_t *body, const struct task *task)
{
    double before = now_us();

    for (unsigned i = 0; i < task->count; i++)
        way->send(self, body, task->size, task->more && i + 1 < task->count);
    way->receive(self);
    return task->count / (now_us() - before) * 1e6;
}

static double run_client(const struct way *way, const char *path, const struct task *task)
{
    uint8_t *body = calloc(1, task->size);
    void *self;
    double result;

    pin(0);
    self = way->connect(path);
    if (!body)
        way_failed("calloc", "no memory");
    way->send(self, body, task->size, false);
    way->receive(self);
    result = task->latency ? measure_latency(way, self, body, task) : measure_throughput(way, self, body, task);
    way->close(self);
    free(body);
    return result;
}

enum { READ = 0, WRITE = 1, SECONDS_MOST = 120 };

static pid_t start_server(const struct way *way, const char *path, const struct task *task, const int until[2])
{
    pid_t child = fork();

    if (child == 0) {
        alarm(SECONDS_MOST);
        close(until[WRITE]);
        run_server(way, path, task, until[READ]);
        exit(0);
    }
    return child;
}

static pid_t start_client(const struct way *way, const char *path, const struct task *task, const int until[2],
                          int answer)
{
    pid_t child = fork();

    if (child == 0) {
        double result;

        alarm(SECONDS_MOST);
        close(until[WRITE]);
        result = run_client(way, path, task);
        if (write(answer, &result, sizeof(result)) != sizeof(result))
            way_failed("write", strerror(errno));
        exit(0);
    }
    return child;
}

static double run_once(const struct way *way, const char *folder, const struct task *task)
{
    static unsigned number;
    char path[96];
    double result = 0;
    int until[2];
    int answer[2];
    pid_t server;
    pid_t client;

    snprintf(path, sizeof(path), "%s/%u.ipc", folder, number++);
    if (pipe(until) != 0 || pipe(answer) != 0)
        way_failed("pipe", strerror(errno));
    server = start_server(way, path, task, until);
    client = start_client(way, path, task, until, answer[WRITE]);
    close(answer[WRITE]);
    if (server < 0 || client < 0 || read(answer[READ], &result, sizeof(result)) != sizeof(result))
        way_failed(way->name, "no result");
    close(until[WRITE]);
    close(until[READ]);
    close(answer[READ]);
    waitpid(server, NULL, 0);
    waitpid(client, NULL, 0);
    unlink(path);
    return result;
}

/* ---- the table ---------------------------------------------------------------------------------------------- */

/* nng has nothing like VIA_MORE: its row would be the one above again. */
static bool takes_part(const struct task *task, unsigned w, unsigned chosen)
{
    return (chosen & (1u << w)) && !(task->more && ways[w] == &way_nng);
}

static void print_row(const struct task *task, double medians[WAY_COUNT], unsigned chosen)
{
    printf("%s\n", task->title);
    for (unsigned w = 0; w < WAY_COUNT; w++) {
        /* Above 1 = worse than by hand. */
        double ratio = task->latency ? medians[w] / medians[HAND] : medians[HAND] / medians[w];

        if (!takes_part(task, w, chosen))
            continue;
        if (task->latency)
            printf("  %-12s %10.2f us", ways[w]->name, medians[w]);
        else
            printf("  %-12s %10.0f msg/s %8.0f MB/s", ways[w]->name, medians[w], medians[w] * (double)task->size / 1e6);
        if (chosen & (1u << HAND))
            printf("   x%.2f of by hand", ratio);
        printf("\n");
    }
    fflush(stdout);
}

static void run_task(const struct task *task, const char *folder, unsigned rounds, unsigned chosen)
{
    double results[WAY_COUNT][ROUNDS_MOST];
    double medians[WAY_COUNT] = {0};

    for (unsigned round = 0; round < rounds; round++)
        for (unsigned i = 0; i < WAY_COUNT; i++) {
            unsigned w = (i + round) % WAY_COUNT; /* nobody is always the first */

            if (takes_part(task, w, chosen))
                results[w][round] = run_once(ways[w], folder, task);
        }
    for (unsigned w = 0; w < WAY_COUNT; w++)
        if (takes_part(task, w, chosen))
            medians[w] = typical(results[w], rounds, task->latency);
    print_row(task, medians, chosen);
}

static _Noreturn void usage(void)
{
    fprintf(
        stderr,
        "usage: bench_unix [--free] [--best] [--rounds N] [--options OPTION=VALUE&...] [--task N]... [--way N]...\n");
    exit(2);
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/via-bench-XXXXXX";
    unsigned chosen_tasks = 0;
    unsigned chosen_ways = 0;
    unsigned rounds = 9;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--free") == 0)
            pinned = false;
        else if (strcmp(argv[i], "--best") == 0)
            show_best = true;
        else if (i + 1 < argc && strcmp(argv[i], "--rounds") == 0)
            rounds = (unsigned)atoi(argv[++i]);
        else if (i + 1 < argc && strcmp(argv[i], "--options") == 0)
            way_viaduct_options = argv[++i];
        else if (i + 1 < argc && strcmp(argv[i], "--task") == 0)
            chosen_tasks |= 1u << (atoi(argv[++i]) % TASK_COUNT);
        else if (i + 1 < argc && strcmp(argv[i], "--way") == 0)
            chosen_ways |= 1u << (atoi(argv[++i]) % WAY_COUNT);
        else
            usage();
    }
    if (rounds < 1 || rounds > ROUNDS_MOST || !mkdtemp(folder))
        usage();
    for (unsigned t = 0; t < TASK_COUNT; t++)
        if (!chosen_tasks || (chosen_tasks & (1u << t)))
            run_task(&tasks[t], folder, rounds, chosen_ways ? chosen_ways : (1u << WAY_COUNT) - 1);
    rmdir(folder);
    return 0;
}
