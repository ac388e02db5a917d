/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random kills and redials, for as long as you like; then: was anything lost, duplicated, reordered or torn?
 *
 *     soak [--seconds N] [--seed N] [--lose] [PATTERN=ADDRESS...]
 *
 * Owns: the processes. Each lane (a pattern over an address) has senders and receivers in processes of their own; this
 * one kills them with SIGKILL at random moments and starts new ones. It never opens a channel itself.
 */
#include "roles.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROLES = 4, LANES = 16, PATIENCE_S = 90, GRACE_S = 30 };

typedef struct soak_role {
    void (*play)(via_lane *lane);
    bool sends;
    bool judges; /* when it is killed, what was under way may be lost */
} soak_role;

typedef struct pattern {
    const char *name;
    bool joins_late;
    bool skips;
    soak_role role[ROLES];
} pattern;

typedef struct soak_lane {
    const pattern *pattern;
    char address[128];
    via_ledger *ledger;
    pid_t pid[ROLES];
} soak_lane;

static const pattern patterns[] = {
    {"pair", false, false, {{via_role_take, false, true}, {via_role_post, true, false}}},
    {"queue", false, false, {{via_role_pull, false, true}, {via_role_push, true, false}, {via_role_push, true, false}}},
    /* so many that a publisher leaves some of them to another thread */
    {"topic",
     true,
     false,
     {{via_role_subscribe, false, true},
      {via_role_publish, true, false},
      {via_role_watch, false, false},
      {via_role_watch, false, false}}},
    {"value", true, true, {{via_role_read, false, true}, {via_role_set, true, false}, {via_role_keep, false, false}}},
};

static soak_lane lanes[LANES];
static size_t lane_count;
static bool loses;

static double seconds_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- lanes -------------------------------------------------------------------------------------------------- */

/* A port that was free a moment ago; the lane's receivers come back to it again and again. */
static unsigned free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&address, size) != 0 ||
        getsockname(descriptor, (struct sockaddr *)&address, &size) != 0) {
        perror("soak: no free port");
        exit(1);
    }
    (void)close(descriptor);
    return ntohs(address.sin_port);
}

static void add_lane(const char *name, const char *address)
{
    soak_lane *new = &lanes[lane_count];

    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        if (strcmp(patterns[i].name, name) == 0)
            new->pattern = &patterns[i];
    if (!new->pattern || lane_count == LANES - 1) {
        fprintf(stderr, "soak: %s=%s: expected pair, queue, topic or value, at most %d times\n", name, address,
                LANES - 1);
        exit(2);
    }
    (void)snprintf(new->address, sizeof new->address, "%s", address);
    new->ledger = via_ledger_create();
    new->ledger->joins_late = new->pattern->joins_late;
    new->ledger->skips = new->pattern->skips;
    new->ledger->loses = loses;
    lane_count++;
}

static void add_default_lanes(void)
{
    static const struct {
        const char *scheme, *patterns;
    } offers[] = {{"unix", "pair queue topic"}, {"pipe", "pair queue"}, {"shm", "pair topic value"}};
    char address[64];

    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        const char *name = patterns[i].name;
        for (size_t j = 0; j < sizeof offers / sizeof *offers; j++) {
            (void)snprintf(address, sizeof address, "%s:soak-%s-%d", offers[j].scheme, name, getpid());
            if (strstr(offers[j].patterns, name))
                add_lane(name, address);
        }
        (void)snprintf(address, sizeof address, "tcp://127.0.0.1:%u", free_port());
        if (!patterns[i].skips)
            add_lane(name, address);
    }
}

/* ---- processes ---------------------------------------------------------------------------------------------- */

static void start(soak_lane *lane, size_t index, uint64_t seed)
{
    via_lane view = {lane->ledger, lane->address, seed};
    pid_t parent = getpid();

    lane->pid[index] = fork();
    if (lane->pid[index] < 0) {
        perror("soak: fork");
        exit(1);
    }
    if (lane->pid[index] > 0)
        return;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    lane->pattern->role[index].play(&view);
    exit(0); /* not _exit: leaks are to be seen */
}

/* A role that ends by itself has failed, or sees the ledger's word; a killed one has not. */
static void reap(soak_lane *lane, size_t index, bool killed)
{
    int status = 0;

    while (waitpid(lane->pid[index], &status, 0) < 0 && errno == EINTR)
        continue;
    if (!killed && status != 0)
        via_ledger_fault(lane->ledger, "process %zu of the lane ended with wait status %#x", index, (unsigned)status);
    lane->pid[index] = 0;
}

/* One at least. */
static size_t roles_of(const pattern *of)
{
    size_t count = 1;

    while (count < ROLES && of->role[count].play)
        count++;
    return count;
}

static void kill_one(uint64_t *random)
{
    soak_lane *lane = &lanes[via_letter_random(random) % lane_count];
    size_t index = via_letter_random(random) % roles_of(lane->pattern);
    const soak_role *role = &lane->pattern->role[index];

    (void)kill(lane->pid[index], SIGKILL);
    reap(lane, index, true);
    atomic_fetch_add(&lane->ledger->kills, 1);
    if (role->judges)
        via_ledger_excuse(lane->ledger);
    start(lane, index, via_letter_random(random));
}

static bool anything_wrong(void)
{
    for (size_t i = 0; i < lane_count; i++)
        if (atomic_load(&lanes[i].ledger->wrong))
            return true;
    return false;
}

/* On a machine that is busy elsewhere a lane may not have had its turn yet. */
static bool everyone_served(void)
{
    for (size_t i = 0; i < lane_count; i++)
        if (atomic_load(&lanes[i].ledger->letters) == 0)
            return false;
    return true;
}

static void wait_for(bool senders)
{
    for (size_t i = 0; i < lane_count; i++)
        for (size_t j = 0; j < ROLES; j++)
            if (lanes[i].pid[j] != 0 && lanes[i].pattern->role[j].sends == senders)
                reap(&lanes[i], j, false);
}

static void run(double seconds, uint64_t *random)
{
    double end = seconds_now() + seconds;

    for (size_t i = 0; i < lane_count; i++)
        for (size_t j = 0; j < ROLES; j++)
            if (lanes[i].pattern->role[j].play)
                start(&lanes[i], j, via_letter_random(random));
    while ((seconds_now() < end || (!everyone_served() && seconds_now() < end + GRACE_S)) && !anything_wrong()) {
        struct timespec pause = {0, (long)(via_letter_random(random) % 60000000)};
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
        if (seconds_now() < end)
            kill_one(random);
    }
    (void)alarm(PATIENCE_S); /* a process that hangs is a fault too: this one dies, and the others with it */
    for (size_t i = 0; i < lane_count; i++)
        atomic_store(&lanes[i].ledger->stop, true);
    wait_for(true);
    for (size_t i = 0; i < lane_count; i++)
        atomic_store(&lanes[i].ledger->finish, true);
    wait_for(false);
}

static int report(void)
{
    int result = 0;

    printf("%-8s%-32s%10s%12s%10s%8s  %s\n", "PATTERN", "ADDRESS", "RUNS", "MESSAGES", "MB", "KILLS", "VERDICT");
    for (size_t i = 0; i < lane_count; i++) {
        via_ledger *ledger = lanes[i].ledger;
        if (atomic_load(&ledger->letters) == 0)
            via_ledger_fault(ledger, "nothing arrived at all");
        printf("%-8s%-32s%10llu%12llu%10llu%8llu  %s\n", lanes[i].pattern->name, lanes[i].address,
               (unsigned long long)atomic_load(&ledger->runs), (unsigned long long)atomic_load(&ledger->letters),
               (unsigned long long)atomic_load(&ledger->bytes) / 1000000,
               (unsigned long long)atomic_load(&ledger->kills), atomic_load(&ledger->wrong) ? ledger->verdict : "ok");
        if (atomic_load(&ledger->wrong))
            result = 1;
        via_ledger_destroy(ledger);
    }
    return result;
}

int main(int argc, char **argv)
{
    static const struct option words[] = {{"seconds", required_argument, NULL, 's'},
                                          {"seed", required_argument, NULL, 'r'},
                                          {"lose", no_argument, NULL, 'l'},
                                          {0}};
    double seconds = 600;
    uint64_t seed = (uint64_t)time(NULL) * 1000003u ^ (uint64_t)getpid();
    int letter;

    while ((letter = getopt_long(argc, argv, "", words, NULL)) != -1) {
        if (letter == 's')
            seconds = strtod(optarg, NULL);
        else if (letter == 'r')
            seed = strtoull(optarg, NULL, 10);
        else if (letter == 'l')
            loses = true;
        else
            return 2;
    }
    for (; optind < argc; optind++) {
        char *equals = strchr(argv[optind], '=');
        if (!equals) {
            fprintf(stderr, "usage: soak [--seconds N] [--seed N] [--lose] [PATTERN=ADDRESS...]\n");
            return 2;
        }
        *equals = '\0';
        add_lane(argv[optind], equals + 1);
    }
    if (lane_count == 0)
        add_default_lanes();
    printf("seed %llu, %g s\n", (unsigned long long)seed, seconds);
    (void)fflush(stdout);
    seed |= 1;
    run(seconds, &seed);
    return report();
}
