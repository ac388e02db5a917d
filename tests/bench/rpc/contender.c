/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two processes of a contender, and the clock; see contender.h.
 */
#include "contender.h"

#include <errno.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLES_MOST = 1 << 20, SECONDS_MOST = 60, WARM_UP = 10 /* a tenth of the time */ };

static pid_t server;
static char folder[80]; /* below the runtime folder */
static char path[sizeof(folder) + 2];

/* ---- ending ------------------------------------------------------------------------------------------------- */

static int remove_one(const char *name, const struct stat *about, int kind, struct FTW *at)
{
    (void)about;
    (void)kind;
    (void)at;
    return remove(name);
}

static void clean(void)
{
    if (server > 0) {
        (void)kill(server, SIGKILL);
        (void)waitpid(server, NULL, 0);
    }
    (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void contender_failed(const char *what, const char *why)
{
    (void)fprintf(stderr, "%s: %s\n", what, why);
    if (server > 0)
        clean();
    _exit(1);
}

void contender_wait(const char *at)
{
    const struct timespec pause = {0, 1000000};
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    bool is_there = false;

    (void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", at);
    while (!is_there) { /* or the alarm */
        int attempt = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        is_there = connect(attempt, (const struct sockaddr *)&name, sizeof(name)) == 0;
        (void)close(attempt);
        (void)nanosleep(&pause, NULL);
    }
}

/* ---- where -------------------------------------------------------------------------------------------------- */

/* The first or the second processor that this process may use. */
static void pin(bool second)
{
    cpu_set_t allowed, one;
    bool skip = second;

    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
        contender_failed("sched_getaffinity", strerror(errno));
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++) {
        if (!CPU_ISSET(i, &allowed))
            continue;
        if (!skip)
            CPU_SET(i, &one);
        skip = false;
    }
    if (CPU_COUNT(&one) == 0 || sched_setaffinity(0, sizeof(one), &one) != 0)
        contender_failed("pinning", "it needs two processors");
}

static void start_server(const struct contender *contender, bool is_pinned)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    pid_t self = getpid();

    (void)snprintf(folder, sizeof(folder), "%s/bench-XXXXXX", runtime && *runtime ? runtime : "/tmp");
    if (!mkdtemp(folder))
        contender_failed(folder, strerror(errno));
    (void)snprintf(path, sizeof(path), "%s/s", folder);
    if ((server = fork()) < 0)
        contender_failed("fork", strerror(errno));
    if (server > 0)
        return;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (is_pinned)
        pin(true);
    if (getppid() == self)
        contender->serve(path);
    _exit(1);
}

/* ---- when --------------------------------------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static size_t measure(const struct contender *contender, void *self, uint64_t time_ns, uint64_t *samples)
{
    uint64_t begun = now_ns(), before = begun;
    size_t count = 0;

    while (before - begun < time_ns && count < SAMPLES_MOST) {
        if (contender->add(self, CONTENDER_A, CONTENDER_B) != CONTENDER_A + CONTENDER_B)
            contender_failed("add", "a wrong result");
        uint64_t after = now_ns();
        samples[count++] = after - before;
        before = after;
    }
    return count;
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

static void run(const struct contender *contender, uint64_t time_ns)
{
    uint64_t *samples = malloc(SAMPLES_MOST * sizeof(*samples));
    void *self = contender->open(path);

    if (!samples)
        contender_failed("malloc", "no memory");
    memset(samples, 0, SAMPLES_MOST * sizeof(*samples)); /* no page is new when it counts */
    (void)measure(contender, self, time_ns / WARM_UP, samples);
    size_t count = measure(contender, self, time_ns, samples);
    contender->close(self);
    qsort(samples, count, sizeof(*samples), compare);
    (void)printf("%llu %llu\n", (unsigned long long)samples[count / 2], (unsigned long long)samples[count * 99 / 100]);
    free(samples);
}

int contender_main(const struct contender *contender, int argc, char **argv)
{
    uint64_t time_ms = 200;
    bool is_pinned = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--pinned") == 0)
            is_pinned = true;
        else if (strcmp(argv[i], "--time") == 0 && i + 1 < argc)
            time_ms = strtoull(argv[++i], NULL, 10);
    }
    (void)alarm(SECONDS_MOST);
    start_server(contender, is_pinned);
    if (is_pinned)
        pin(false);
    run(contender, time_ms * 1000000);
    clean();
    return 0;
}
