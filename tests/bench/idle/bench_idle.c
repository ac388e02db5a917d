/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thousands of idle unix: channels in one process, in one waitset.
 *
 * A child process dials them all; this one accepts them and watches. Printed: user memory per idle channel, threads,
 * and what one wake-up costs with few and with all of them watched. Memory and threads are promises, so they decide
 * about the exit status; times are only shown. usage: bench_idle [CHANNELS]
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <viaduct/viaduct.h>

enum { FEW = 10, TRIPS = 4000, MEMORY_MOST = 4096, SPARE_DESCRIPTORS = 64 };

/* A sanitizer's own memory is not ours to promise. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif
#else
static const bool sanitized = false;
#endif

static _Noreturn void failed(const char *what, const char *why)
{
    fprintf(stderr, "bench_idle: %s: %s\n", what, why);
    exit(1);
}

static void check(via_status status, const char *what, const via_error *error)
{
    if (status != VIA_OK)
        failed(what, error ? error->what : via_status_name(status));
}

static double clock_us(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* A number out of /proc/self/status. */
static long status_field(const char *name)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    long value = -1;

    while (file && fgets(line, sizeof(line), file))
        if (strncmp(line, name, strlen(name)) == 0)
            value = strtol(line + strlen(name), NULL, 10);
    if (file)
        fclose(file);
    return value;
}

/* Descriptors for as many channels as asked for, or as many as there may be. */
static unsigned allowed_channels(unsigned wanted)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        failed("getrlimit", strerror(errno));
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        failed("setrlimit", strerror(errno));
    if (limit.rlim_cur < wanted + SPARE_DESCRIPTORS) {
        wanted = (unsigned)limit.rlim_cur - SPARE_DESCRIPTORS;
        printf("only %u channels: that is what RLIMIT_NOFILE allows\n", wanted);
    }
    return wanted;
}

/* ---- the child ---------------------------------------------------------------------------------------------- */

/* Answers on the last channel it made, until the other side closes that. */
static void echo(via_channel *channel)
{
    via_msg message;

    while (via_recv(channel, VIA_FOREVER, &message) == VIA_OK) {
        check(via_send(channel, message.data, message.size, NULL, VIA_FOREVER), "via_send", NULL);
        via_release(channel, &message);
    }
}

static void be_child(const char *address, unsigned count)
{
    via_channel *channel = NULL;
    via_error error;
    via_host *host;

    check(via_host_open(NULL, &host, &error), "via_host_open", &error);
    for (unsigned i = 0; i < count; i++) {
        check(via_dial(host, address, NULL, VIA_FOREVER, &channel, &error), "via_dial", &error);
        if (i + 1 == FEW || i + 1 == count)
            echo(channel);
    }
    exit(0); /* the others end with the process */
}

/* ---- the parent --------------------------------------------------------------------------------------------- */

/* Microseconds of this process's time for: wait, receive, send, wait again. */
static double cost_of_wake(via_waitset *set, via_channel *channel)
{
    double before;
    uint8_t body[64] = {0};

    check(via_send(channel, body, sizeof(body), NULL, VIA_FOREVER), "via_send", NULL);
    before = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    for (unsigned i = 0; i < TRIPS; i++) {
        via_ready ready[8];
        size_t count = 0;
        via_msg message;

        check(via_waitset_wait(set, ready, 8, &count, VIA_FOREVER), "via_waitset_wait", NULL);
        if (count != 1 || ready[0].channel != channel)
            failed("via_waitset_wait", "it reports a channel that is idle");
        if (via_recv(channel, VIA_NOW, &message) != VIA_OK)
            continue; /* half of it: it will be reported again */
        via_release(channel, &message);
        if (i + 1 < TRIPS)
            check(via_send(channel, body, sizeof(body), NULL, VIA_FOREVER), "via_send", NULL);
    }
    return (clock_us(CLOCK_PROCESS_CPUTIME_ID) - before) / TRIPS;
}

static via_channel *accept_one(via_listener *listener, via_waitset *set)
{
    via_channel *channel;
    via_error error;

    check(via_accept(listener, VIA_FOREVER, &channel, &error), "via_accept", &error);
    check(via_waitset_add(set, channel, VIA_READ, NULL), "via_waitset_add", NULL);
    return channel;
}

static int report(unsigned count, double memory, double few_us, double all_us)
{
    long threads = status_field("Threads:");

    printf("idle channels       %10u\n", count);
    printf("threads             %10ld\n", threads);
    printf("memory per channel  %10.0f bytes (at most %d)\n", memory, MEMORY_MOST);
    printf("a wake-up among %-4u%10.2f us\n", FEW, few_us);
    printf("a wake-up among %-4u%10.2f us   x%.2f\n", count, all_us, all_us / few_us);
    if (sanitized)
        return 0;
    return threads != 1 || memory > MEMORY_MOST;
}

int main(int argc, char **argv)
{
    unsigned count = allowed_channels(argc > 1 ? (unsigned)atoi(argv[1]) : 5000);
    char folder[] = "/tmp/via-idle-XXXXXX";
    char address[64];
    via_channel **channels = calloc(count, sizeof(*channels));
    via_listener *listener;
    via_waitset *set;
    via_error error;
    double few_us = 0;
    long memory_kib = 0;
    double all_us;
    int outcome;
    pid_t child;

    if (!channels || count <= FEW || !mkdtemp(folder))
        failed("start", "no memory, no folder, or too few channels");
    snprintf(address, sizeof(address), "unix:%s/idle", folder);
    fflush(stdout); /* or the child prints it again */
    child = fork();
    if (child == 0)
        be_child(address, count);
    check(via_listen(NULL, address, NULL, &listener, &error), "via_listen", &error);
    check(via_waitset_create(&set, &error), "via_waitset_create", &error);
    for (unsigned i = 0; i < count; i++) {
        channels[i] = accept_one(listener, set);
        if (i + 1 != FEW)
            continue;
        few_us = cost_of_wake(set, channels[i]);
        check(via_finish(channels[i], VIA_FOREVER), "via_finish", NULL); /* the child goes on dialling */
        check(via_waitset_remove(set, channels[i]), "via_waitset_remove", NULL);
        memory_kib = status_field("RssAnon:");
    }
    all_us = cost_of_wake(set, channels[count - 1]);
    memory_kib = status_field("RssAnon:") - memory_kib;
    outcome = report(count, (double)memory_kib * 1024 / (count - FEW), few_us, all_us);
    for (unsigned i = count; i > 0; i--)
        via_close(channels[i - 1]);
    via_listener_close(listener);
    via_waitset_destroy(set);
    waitpid(child, NULL, 0);
    rmdir(folder);
    free(channels);
    return outcome;
}
