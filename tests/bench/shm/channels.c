/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channels in one process, both ends of each. Dialing never needs the listener to be inside a call, so one thread does
 * for both.
 */
#include "channels.h"

#include "way.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <viaduct/viaduct.h>

enum {
    BYTES = 256 * 1024,
    SLOTS = 512,
    SLOT = 128,
    RING = BYTES + SLOTS * SLOT,
    DESCRIPTORS_PER_PAIR = 16,
    ROUNDS = 201,
    KIB = 1024
};

struct pair {
    via_channel *dialed, *accepted;
};

static void check(via_status status, const char *what, const via_error *error)
{
    if (status != VIA_OK)
        way_failed(what, error && error->what[0] != '\0' ? error->what : via_status_name(status));
}

static via_listener *listen_at(via_host *host, const char *folder, const char *wait, char *address, size_t capacity)
{
    via_listener *listener;
    via_error error;

    via_error_init(&error);
    (void)snprintf(address, capacity, "shm:%s/channels?ring=%d&slots=%d&backlog=1024&wake=%s", folder, BYTES, SLOTS,
                   wait);
    check(via_listen(host, address, NULL, &listener, &error), "via_listen", &error);
    return listener;
}

static struct pair open_pair(via_host *host, via_listener *listener, const char *address)
{
    struct pair pair;
    via_error error;

    via_error_init(&error);
    check(via_dial(host, address, NULL, via_after_ms(5000), &pair.dialed, &error), "via_dial", &error);
    check(via_accept(listener, via_after_ms(5000), &pair.accepted, &error), "via_accept", &error);
    return pair;
}

static void pass_one(const struct pair *pair)
{
    const char body[64] = "first";
    via_msg message;

    check(via_send(pair->dialed, body, sizeof(body), NULL, VIA_FOREVER), "via_send", NULL);
    check(via_recv(pair->accepted, VIA_FOREVER, &message), "via_recv", NULL);
    via_release(pair->accepted, &message);
}

static void close_pair(const struct pair *pair)
{
    via_close(pair->dialed);
    via_close(pair->accepted);
}

static via_host *open_host(void)
{
    via_host *host;
    via_error error;

    via_error_init(&error);
    check(via_host_open(NULL, &host, &error), "via_host_open", &error);
    return host;
}

/* ---- idle --------------------------------------------------------------------------------------------------- */

static double used_s(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

double channels_idle_percent(const char *folder, unsigned seconds)
{
    char address[512];
    via_host *host = open_host();
    via_listener *listener = listen_at(host, folder, "hybrid", address, sizeof(address));
    struct pair pair = open_pair(host, listener, address);
    via_msg message;
    double before;
    double percent;

    pass_one(&pair);
    before = used_s();
    if (via_recv(pair.accepted, via_after_ms(seconds * UINT64_C(1000)), &message) != VIA_ETIMEDOUT)
        way_failed("via_recv", "something came that nobody sent");
    percent = (used_s() - before) / seconds * 100;
    close_pair(&pair);
    via_listener_close(listener);
    via_host_close(host);
    return percent;
}

/* ---- a thousand --------------------------------------------------------------------------------------------- */

/* A number of kibibytes out of a file of /proc, in bytes. */
static double field_of(const char *name, const char *field)
{
    FILE *file = fopen(name, "re");
    char line[256];
    double value = 0;

    while (file && fgets(line, sizeof(line), file))
        if (strncmp(line, field, strlen(field)) == 0)
            value = strtod(line + strlen(field), NULL) * KIB;
    if (file)
        (void)fclose(file);
    return value;
}

/*
 * All anonymous files that are mapped, which are allocated in full; both ends of a pair map both. The machine's own count (Shmem) is of
 * pages that each processor adds up now and then, half a KiB for each of a thousand.
 */
static double shared_now(void)
{
    FILE *file = fopen("/proc/self/maps", "re");
    char line[512];
    uint64_t sum = 0;

    while (file && fgets(line, sizeof(line), file)) {
        char *rest;
        const uint64_t from = strtoull(line, &rest, 16), to = strtoull(rest + 1, NULL, 16);
        sum += strstr(line, "/memfd:") ? to - from : 0;
    }
    if (file)
        (void)fclose(file);
    return (double)sum / 2;
}

static double private_now(void)
{
    return field_of("/proc/self/status", "RssAnon:");
}

static size_t allowed(size_t pairs)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur / DESCRIPTORS_PER_PAIR < pairs ? limit.rlim_cur / DESCRIPTORS_PER_PAIR : pairs;
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

static double median_us(uint64_t *samples)
{
    const uint64_t *median = &samples[ROUNDS / 2];

    qsort(samples, ROUNDS, sizeof(samples[0]), compare);
    return (double)*median / 1e3;
}

static void open_and_close(via_host *host, via_listener *listener, const char *address)
{
    struct pair pair = open_pair(host, listener, address);

    pass_one(&pair);
    close_pair(&pair);
}

static void allocate_and_free(size_t bytes)
{
    int memory = memfd_create("bench", MFD_CLOEXEC);

    if (memory < 0 || fallocate(memory, 0, 0, (off_t)bytes) != 0)
        way_failed("fallocate", "no memory");
    (void)close(memory);
}

/* With all the others there. By turns, since it is the system that has slow times: its part differs by a factor of two. */
static void measure_opening(via_host *host, via_listener *listener, const char *address, struct channels_cost *cost)
{
    uint64_t open[ROUNDS], memory[ROUNDS];

    for (size_t i = 0; i < ROUNDS; i++) {
        uint64_t before = via_now_ns();
        open_and_close(host, listener, address);
        uint64_t between = via_now_ns();
        allocate_and_free((size_t)cost->shared_bytes);
        allocate_and_free((size_t)cost->shared_bytes);
        open[i] = between - before;
        memory[i] = via_now_ns() - between;
    }
    cost->open_us = median_us(open);
    cost->memory_us = median_us(memory);
}

struct channels_cost channels_cost(const char *folder, size_t pairs)
{
    struct channels_cost cost = {.pairs = allowed(pairs), .ring_bytes = RING};
    struct pair *all = calloc(pairs, sizeof(*all));
    char address[512];
    via_host *host = open_host();
    via_listener *listener = listen_at(host, folder, "hybrid", address, sizeof(address));
    double shared;
    double own;

    if (!all || cost.pairs == 0)
        way_failed("memory or descriptors", "too few");
    memset(all, 0, pairs * sizeof(*all));
    shared = shared_now();
    own = private_now();
    for (size_t i = 0; i < cost.pairs; i++) {
        all[i] = open_pair(host, listener, address);
        pass_one(&all[i]);
    }
    cost.shared_bytes = (shared_now() - shared) / (double)cost.pairs / 2;
    cost.private_bytes = (private_now() - own) / (double)cost.pairs / 2;
    cost.control_bytes = cost.shared_bytes - cost.ring_bytes;
    measure_opening(host, listener, address, &cost);
    for (size_t i = 0; i < cost.pairs; i++)
        close_pair(&all[i]);
    via_listener_close(listener);
    via_host_close(host);
    free(all);
    return cost;
}
