/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call of `int32_t add(int32_t, int32_t)` in another process: Viaduct's RPC against the channel below it, and against other
 * RPC libraries. Each contender is a program of its own; their runs alternate, and each figure is the median of its runs.
 *
 * The last column is what is wanted; whether it was reached is for the reader to see: no time decides about the exit
 * status. usage: bench_rpc FOLDER [--rounds N] [--time MS], FOLDER has the contenders' programs.
 */
#include "../rounds.h"

#include <errno.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { ROUNDS_MOST = 101 };

typedef enum contender { RPC_UNIX, ECHO_UNIX, SDBUS, CAPNP, GRPC, RPC_SHM, ECHO_SHM, CONTENDERS } contender;

static const struct {
    const char *program, *argument, *package;
} programs[CONTENDERS] = {
    [RPC_UNIX] = {"contend_viaduct", "unix", ""},
    [ECHO_UNIX] = {"contend_echo", "unix", ""},
    [SDBUS] = {"contend_sdbus", "", "libsystemd-dev"},
    [CAPNP] = {"contend_capnp", "", "capnproto libcapnp-dev"},
    [GRPC] = {"contend_grpc", "", "libgrpc++-dev libprotobuf-dev protobuf-compiler-grpc"},
    [RPC_SHM] = {"contend_viaduct", "shm", ""},
    [ECHO_SHM] = {"contend_echo", "shm", ""},
};

/* What one contender's runs have shown, in ns, in the order of the rounds. */
typedef struct figures {
    size_t count;
    double p50[ROUNDS_MOST], p99[ROUNDS_MOST];
} figures;

static figures seen[CONTENDERS];
static const char *folder;
static unsigned long rounds = 7;
static const char *time_ms = "200";

/* ---- running ------------------------------------------------------------------------------------------------ */

/* Runs a program and reads its one line. */
static bool run(const char *const *arguments, char *line, size_t capacity)
{
    posix_spawn_file_actions_t actions;
    int ends[2], status = 1;
    pid_t pid;

    if (pipe(ends) != 0)
        return false;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    bool is_started = posix_spawn(&pid, arguments[0], &actions, NULL, (char *const *)arguments, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    ssize_t size = is_started ? read(ends[0], line, capacity - 1) : -1;
    (void)close(ends[0]);
    while (is_started && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    line[size > 0 ? size : 0] = '\0';
    return size > 0 && status == 0;
}

static void run_once(contender which, bool is_pinned)
{
    char program[512], line[128], *end;
    const char *const arguments[] = {program, programs[which].argument,      "--time",
                                     time_ms, is_pinned ? "--pinned" : NULL, NULL};
    figures *its = &seen[which];

    (void)snprintf(program, sizeof(program), "%s/%s", folder, programs[which].program);
    if (access(program, X_OK) != 0 || !run(arguments, line, sizeof(line)))
        return;
    its->p50[its->count] = strtod(line, &end);
    its->p99[its->count++] = strtod(end, NULL);
}

/* Two that spin are measured only where each has a processor for itself. */
static void run_all(bool is_pinned)
{
    int count = is_pinned ? CONTENDERS : RPC_SHM;

    memset(seen, 0, sizeof(seen));
    for (unsigned long round = 0; round < rounds; round++)
        for (int i = 0; i < count; i++)
            run_once((contender)(round % 2 ? count - 1 - i : i), is_pinned);
}

/* ---- judging ------------------------------------------------------------------------------------------------ */

/* The median of what one takes longer than the other in the same round. */
static double median_of_more(const figures *one, const figures *other)
{
    double more[ROUNDS_MOST];

    for (size_t i = 0; i < one->count; i++)
        more[i] = one->p50[i] - other->p50[i];
    return bench_median(more, one->count);
}

/* ---- telling ------------------------------------------------------------------------------------------------ */

typedef struct line {
    const char *what;
    contender measured;
    const char *yardstick;
    contender against;
    const char *wanted; /* "%.2f": by how many us it takes longer */
} line;

static void tell(const line *told)
{
    const figures *its = &seen[told->measured], *other = &seen[told->against];
    double p50 = bench_median(its->p50, its->count) / 1e3, p99 = bench_median(its->p99, its->count) / 1e3;
    double yardstick = bench_median(other->p50, other->count) / 1e3;
    char against[64], wanted[64];

    if (its->count != rounds || other->count != rounds) {
        const char *package = programs[its->count == rounds ? told->against : told->measured].package;
        (void)printf("%-40s  %s%s\n", told->what, *package ? "not measured; it needs " : "it failed", package);
        return;
    }
    bool is_ahead = yardstick > p50 && told->against != ECHO_UNIX && told->against != ECHO_SHM;
    (void)snprintf(against, sizeof(against), "%s %.2f us", told->yardstick, yardstick);
    (void)snprintf(wanted, sizeof(wanted), told->wanted, median_of_more(its, other) / 1e3);
    (void)printf("%-40s  %8.2f us  %8.2f us  %-30s  %5.2f  %s\n", told->what, p50, p99, against,
                 is_ahead ? yardstick / p50 : p50 / yardstick, wanted);
}

static void tell_all(bool is_pinned)
{
    static const line lines[] = {
        {"a  add() over unix:", RPC_UNIX, "echo of its bytes", ECHO_UNIX, "<= 1.0 us more: %.2f"},
        {"b  add() over unix:", RPC_UNIX, "sd-bus", SDBUS, ">= 1.5 times ahead"},
        {"c  add() over unix:", RPC_UNIX, "Cap'n Proto", CAPNP, ">= 4 times ahead"},
        {"d  add() over unix:", RPC_UNIX, "gRPC C++", GRPC, ">= 8 times ahead"},
        {"e  add() over shm:, spinning", RPC_SHM, "echo of its bytes", ECHO_SHM, "<= 1.0 us more: %.2f"},
    };

    (void)printf("%s\n%-40s  %11s  %11s  %-30s  %5s  %s\n",
                 is_pinned ? "client and server pinned to two processors"
                           : "client and server where the system puts them",
                 "WHAT", "p50", "p99", "AGAINST (p50)", "RATIO", "WANTED");
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (is_pinned || lines[i].measured != RPC_SHM)
            tell(&lines[i]);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    folder = argc > 1 ? argv[1] : "";
    for (int i = 2; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--rounds") == 0)
            rounds = strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--time") == 0)
            time_ms = argv[i + 1];
    }
    if (argc < 2 || rounds < 1 || rounds > ROUNDS_MOST) {
        (void)fputs("usage: bench_rpc FOLDER [--rounds N] [--time MS]\n", stderr);
        return 2;
    }
    for (int is_pinned = 0; is_pinned < 2; is_pinned++) {
        run_all(is_pinned);
        tell_all(is_pinned);
    }
    return 0;
}
