/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two processes of a run. The client is a child of this program, the server a child of the client, so that nothing a
 * way does (threads, memory, a library's state) stays in this program.
 *
 * The server answers each message with another of its size (latency) or not at all (throughput), and a message of one
 * byte, which ends a stage, with one byte.
 */
#include "clockwork.h"

#include "measure.h"
#include "probe.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS_MOST = 30 };

/* What the three processes share. */
struct record {
    struct probe probe;
    struct run run;
};

static int processors[2];
static struct record *record;
static pid_t client_pid; /* in the server: whom to take along */

bool clockwork_init(void)
{
    cpu_set_t allowed;
    int found = 0;

    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0)
        for (int i = 0; i < CPU_SETSIZE && found < 2; i++)
            if (CPU_ISSET((size_t)i, &allowed))
                processors[found++] = i;
    return found == 2;
}

void clockwork_pin(bool second)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((size_t)processors[second], &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0)
        way_failed("sched_setaffinity", strerror(errno));
}

void *way_share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        way_failed("shared memory", strerror(errno));
    return memory;
}

void way_failed(const char *what, const char *why)
{
    if (record && record->run.why[0] == '\0')
        (void)snprintf(record->run.why, sizeof(record->run.why), "%s: %s", what, why);
    else if (!record)
        (void)fprintf(stderr, "%s: %s\n", what, why);
    if (client_pid > 0)
        (void)kill(client_pid, SIGKILL);
    _exit(1);
}

/* ---- the two processes -------------------------------------------------------------------------------------- */

static void be_server(const struct way *way, const struct place *place, const via_bench_job *job)
{
    void *self;

    clockwork_pin(true);
    (void)probe_distance(&record->probe, true);
    self = way->open(place, true);
    probe_meet(&record->probe);
    measure_answer(way, self, job);
    probe_meet(&record->probe);
    (void)probe_distance(&record->probe, true);
    way->close(self);
    exit(0); /* some libraries say goodbye only then */
}

static void be_client(const struct way *way, const struct place *place, const via_bench_job *job,
                      const struct budget *budget)
{
    struct run *run = &record->run;
    void *self;

    clockwork_pin(false);
    run->before_ns = probe_distance(&record->probe, false);
    probe_meet(&record->probe);
    self = way->open(place, false);
    measure_ask(way, self, job, budget, &run->result);
    probe_meet(&record->probe);
    run->after_ns = probe_distance(&record->probe, false);
    way->close(self);
}

/* In a child of this program: prepares, and becomes the client of a server that it starts. */
static void be_both(const struct way *way, struct place *place, const via_bench_job *job, const struct budget *budget)
{
    pid_t self = getpid();
    pid_t server;
    int status;

    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    (void)alarm(SECONDS_MOST);
    if (way->prepare)
        place->shared = way->prepare(place);
    server = fork();
    if (server < 0)
        way_failed("fork", strerror(errno));
    if (server == 0) {
        client_pid = self;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == self)
            be_server(way, place, job);
        _exit(1);
    }
    be_client(way, place, job, budget);
    (void)waitpid(server, &status, 0);
    record->run.is_good = record->run.why[0] == '\0';
    exit(0);
}

/* ---- from outside ------------------------------------------------------------------------------------------- */

static void explain_end(struct run *run, int status)
{
    if (run->is_good || run->why[0] != '\0')
        return;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        (void)snprintf(run->why, sizeof(run->why), "it did not end within %d seconds", SECONDS_MOST);
    else if (WIFSIGNALED(status))
        (void)snprintf(run->why, sizeof(run->why), "it was ended by signal %d", WTERMSIG(status));
    else
        (void)snprintf(run->why, sizeof(run->why), "it ended with status %d", WEXITSTATUS(status));
}

void clockwork_run(const struct way *way, const char *address, const via_bench_job *job, const struct budget *budget,
                   const char *folder, struct run *run)
{
    static unsigned runs;
    char name[64];
    struct place place = {
        .folder = folder, .name = name, .address = address, .wake = job->wake, .size = (size_t)job->size};
    int status = 0;
    pid_t child;

    (void)snprintf(name, sizeof(name), "via-bench-%d-%u", (int)getpid(), runs++);
    record = way_share(sizeof(*record));
    (void)fflush(NULL); /* or a child that ends prints it again */
    child = fork();
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        be_both(way, &place, job, budget);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (way->clean)
        way->clean(&place);
    explain_end(&record->run, status);
    *run = record->run;
    (void)munmap(record, sizeof(*record));
    record = NULL;
}

/* ---- the probe by itself ------------------------------------------------------------------------------------ */

double clockwork_distance(void)
{
    struct probe *probe = way_share(sizeof(*probe));
    pid_t child = fork();
    double distance;
    int status;

    if (child == 0) {
        clockwork_pin(true);
        (void)probe_distance(probe, true);
        _exit(0);
    }
    clockwork_pin(false);
    distance = probe_distance(probe, false);
    (void)waitpid(child, &status, 0);
    (void)munmap(probe, sizeof(*probe));
    return distance;
}
