/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first process of a measurement: starts the worker, opens its own end, runs its half, collects the result.
 *
 * Owns: the control socket and the worker's life: no worker outlives a measurement.
 */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "session.h"
#include "wait.h"

extern char **environ;

struct run {
    const via_cli_args *args;
    via_host *host;
    const char *address;
    pid_t worker; /* 0 = none */
    via_bench_end end;
    uint64_t started_ns; /* throughput: when the first message that counts was sent */
};

/* ---- the worker's life -------------------------------------------------------------------------------------- */

static size_t add_list(const char **words, size_t used, const char *option, const via_cli_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        words[used++] = option;
        words[used++] = list->items[i];
    }
    return used;
}

/* The worker gets what decides where plugins and endpoints come from, and how the channel is opened. */
static const char **make_words(const struct run *run, char *timeout, size_t capacity)
{
    const via_cli_args *args = run->args;
    size_t lists = args->plugins.count + args->endpoints.count + args->trust.count + args->options.count, used = 0;
    const char **words = calloc(2 * lists + 7, sizeof *words);
    if (!words)
        return NULL;
    words[used++] = "via";
    words[used++] = "bench-worker";
    used = add_list(words, used, "--plugins", &args->plugins);
    used = add_list(words, used, "--endpoints", &args->endpoints);
    used = add_list(words, used, "--trust", &args->trust);
    used = add_list(words, used, "--option", &args->options);
    if (via_cli_given(args, VIA_CLI_TIMEOUT) && args->timeout_ns != UINT64_MAX) {
        (void)snprintf(timeout, capacity, "%lluns", (unsigned long long)args->timeout_ns);
        words[used++] = "--timeout";
        words[used++] = timeout;
    }
    words[used++] = "--";
    words[used++] = run->address;
    return words;
}

static int spawn(struct run *run, int control)
{
    char timeout[32];
    const char **words = make_words(run, timeout, sizeof timeout);
    posix_spawn_file_actions_t actions;
    if (!words)
        return ENOMEM;
    (void)posix_spawn_file_actions_init(&actions);
    int failed = posix_spawn_file_actions_adddup2(&actions, control, VIA_BENCH_DESCRIPTOR);
    if (!failed)
        failed = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", 0, 0);
    if (!failed)
        failed = posix_spawn(&run->worker, "/proc/self/exe", &actions, NULL, (char **)(uintptr_t)words, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    free(words);
    return failed;
}

static int start_worker(struct run *run)
{
    int pair[2];
    via_bench_note job = {.kind = VIA_BENCH_JOB, .job = *run->end.job};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return via_cli_os_error("socketpair", errno, "close some files, or raise 'ulimit -n'");
    run->end.control = pair[0];
    int failed = spawn(run, pair[1]);
    (void)close(pair[1]);
    if (failed)
        return via_cli_os_error("the worker process", failed, "raise 'ulimit -u', and see that /proc is mounted");
    if (!via_bench_note_send(run->end.control, &job))
        return VIA_EXIT_PEER;
    return VIA_EXIT_OK;
}

/* Waits for its end; a worker that is not wanted any more is told to end. Its exit status, or the usual one. */
static int reap(struct run *run, bool is_wanted)
{
    int status = 0;
    if (run->worker == 0)
        return VIA_EXIT_OK;
    if (!is_wanted)
        (void)kill(run->worker, SIGTERM);
    while (waitpid(run->worker, &status, 0) < 0 && errno == EINTR)
        continue;
    run->worker = 0;
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    if (!is_wanted)
        return VIA_EXIT_OK;
    return via_cli_complain(VIA_EXIT_FAILED, "set VIADUCT_LOG=debug and try again to see more",
                            "%s: the worker process was ended by signal %d", run->address, WTERMSIG(status));
}

/* ---- opening ------------------------------------------------------------------------------------------------ */

/* An address is dialed where the worker says that it listens (a port may have been chosen); a name stays a name. */
static void choose_address(const struct run *run, const char *reported, char *buffer, size_t capacity)
{
    const char *query = strchr(run->address, '?');
    size_t scheme = strcspn(run->address, ":/?");
    bool is_name = run->address[scheme] != ':';
    if (is_name || reported[0] == '\0')
        (void)snprintf(buffer, capacity, "%s", run->address);
    else
        (void)snprintf(buffer, capacity, "%s%s", reported, query && !strchr(reported, '?') ? query : "");
}

static int open_end(struct run *run, const char *address)
{
    via_error error;
    via_error_init(&error);
    via_status status = via_bench_join(run->args, run->host, address, run->end.job, false, &run->end.channel, &error);
    if (status != VIA_OK)
        return via_cli_error(run->address, &error);
    via_channel_info info = {.size = sizeof info};
    if (via_info(run->end.channel, &info) != VIA_OK || info.flags & VIA_INFO_KEEPS_BOUNDARIES)
        return VIA_EXIT_OK;
    return via_cli_complain(VIA_EXIT_FAILED, "give it a framing that keeps messages apart",
                            "%s: a stream of bytes has no messages to count", run->address);
}

/* A worker that is not ready has told why. */
static int wait_for_worker(struct run *run, via_bench_note *ready)
{
    if (via_bench_note_recv(run->end.control, VIA_BENCH_READY, ready))
        return VIA_EXIT_OK;
    int result = reap(run, true);
    return result == VIA_EXIT_OK ? VIA_EXIT_PEER : result;
}

/* A publisher sees its subscriber some time after the subscriber sees it. */
static int wait_for_subscriber(struct run *run)
{
    via_deadline deadline = via_after_ms(VIA_BENCH_WAIT_S * UINT64_C(1000));
    for (;;) {
        via_counters counters = {.size = sizeof counters};
        via_status status = via_stats(run->end.channel, &counters);
        if (status != VIA_OK || counters.peers > 0)
            return status == VIA_OK ? VIA_EXIT_OK : via_cli_status(run->address, run->end.channel, status);
        if (via_now_ns() >= deadline)
            return via_cli_status(run->address, NULL, VIA_ENOPEER);
        (void)via_cli_wait(run->end.channel, 0, via_after_ms(5));
    }
}

static int open_both(struct run *run)
{
    via_bench_note ready;
    char address[4096];
    int result = VIA_EXIT_OK;
    bool binds_here = run->end.job->pattern == VIA_PATTERN_TOPIC;
    if (run->args->echo)
        return open_end(run, run->address);
    if (binds_here)
        result = open_end(run, run->address);
    if (result == VIA_EXIT_OK)
        result = start_worker(run);
    if (result == VIA_EXIT_OK)
        result = wait_for_worker(run, &ready);
    if (result != VIA_EXIT_OK)
        return result;
    if (binds_here)
        return wait_for_subscriber(run);
    choose_address(run, ready.address, address, sizeof address);
    return open_end(run, address);
}

/* ---- measuring ---------------------------------------------------------------------------------------------- */

static via_status measure(struct run *run, via_bench_result *result)
{
    via_bench_end *end = &run->end;
    if (end->job->mode == VIA_BENCH_THROUGHPUT) {
        via_status status = via_bench_pour(end, &run->started_ns);
        bool stays = end->job->pattern == VIA_PATTERN_VALUE; /* here, until another is put in its place */
        return status == VIA_OK && !stays ? via_drain(end->channel, VIA_FOREVER, NULL) : status;
    }
    return end->job->pattern == VIA_PATTERN_PAIR ? via_bench_ping(end, result) : via_bench_stamp(end);
}

static int collect(struct run *run, via_bench_result *result)
{
    via_bench_note done;
    if (run->worker == 0)
        return VIA_EXIT_OK;
    bool is_done = via_bench_note_recv(run->end.control, VIA_BENCH_DONE, &done);
    int ended = reap(run, true);
    if (!is_done)
        return ended == VIA_EXIT_OK ? VIA_EXIT_PEER : ended;
    if (run->end.job->mode == VIA_BENCH_THROUGHPUT || run->end.job->pattern != VIA_PATTERN_PAIR)
        *result = done.result;
    if (run->end.job->mode == VIA_BENCH_THROUGHPUT)
        via_bench_rate(result, run->started_ns);
    return VIA_EXIT_OK;
}

static int measure_and_collect(struct run *run, via_bench_result *result)
{
    via_bench_watch(run->end.channel, VIA_BENCH_STILL_S);
    via_status status = measure(run, result);
    via_bench_unwatch();
    if (status == VIA_OK)
        return collect(run, result);
    if (status == VIA_ECANCELED)
        return via_cli_complain(VIA_EXIT_TIMEOUT, "see that the other end answers every message with the same bytes",
                                "%s: nothing moved for %d seconds", run->address, VIA_BENCH_STILL_S);
    return via_cli_status(run->address, run->end.channel, status);
}

int via_bench_run(const via_cli_args *args, via_host *host, const char *address, const via_bench_job *job,
                  via_bench_result *result)
{
    struct run run = {.args = args, .host = host, .address = address};
    if (!via_bench_end_init(&run.end, job, -1))
        return via_cli_out_of_memory();
    int status = open_both(&run);
    if (status == VIA_EXIT_OK)
        status = measure_and_collect(&run, result);
    (void)reap(&run, false); /* first, or it would complain that this end is gone */
    via_close(run.end.channel);
    if (run.end.control >= 0)
        (void)close(run.end.control);
    via_bench_end_fini(&run.end);
    return status;
}
