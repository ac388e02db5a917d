/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One publisher and many who subscribe; see subscribers.h.
 */
#include "subscribers.h"

#include "way.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <viaduct/viaduct.h>

enum {
    BYTES = 64,
    BURST = 512,
    BURSTS = 8,
    SINGLES = 100,
    ALL = 1 + BURST * BURSTS + SINGLES,
    PATIENCE_MS = 60000,
    PAUSE_NS = 20000000
};

static void check(via_status status, const char *what, const via_error *error)
{
    if (status != VIA_OK)
        way_failed(what, error && error->what[0] != '\0' ? error->what : via_status_name(status));
}

static via_channel *join(via_host **host, const char *folder, uint32_t role)
{
    char address[512];
    via_channel *joined;
    via_error error;

    via_error_init(&error);
    (void)snprintf(address, sizeof(address), "shm:%s/subscribers?overflow=block&wake=block&slots=%d", folder, BURST);
    check(via_host_open(NULL, host, &error), "via_host_open", &error);
    check(via_join(*host, address, role, NULL, via_after_ms(PATIENCE_MS), &joined, &error), "via_join", &error);
    return joined;
}

/* ---- who subscribes ----------------------------------------------------------------------------------------- */

static void subscribe(const char *folder, int joined)
{
    via_host *host;
    via_channel *channel = join(&host, folder, VIA_SUBSCRIBE);
    via_msg message;

    if (write(joined, "", 1) != 1)
        way_failed("write", "nobody is told");
    for (uint64_t i = 1; i <= ALL; i++) {
        check(via_recv(channel, via_after_ms(PATIENCE_MS), &message), "via_recv", NULL);
        if (message.meta.sequence != i)
            way_failed("via_recv", "a message is missing");
        via_release(channel, &message);
    }
    via_close(channel);
    via_host_close(host);
    _exit(0);
}

/* They look for the publisher until there is one. */
static void start(const char *folder, size_t subscribers, int joined)
{
    for (size_t i = 0; i < subscribers; i++) {
        pid_t pid = fork();
        if (pid < 0)
            way_failed("fork", "no process");
        if (pid == 0)
            subscribe(folder, joined);
    }
}

static void end(size_t subscribers)
{
    int status;

    for (size_t i = 0; i < subscribers; i++)
        if (wait(&status) < 0 || status != 0)
            way_failed("a subscriber", "it lacks messages");
}

/* ---- who publishes ------------------------------------------------------------------------------------------ */

static double used_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void pause_for(long ns)
{
    const struct timespec time = {0, ns};

    (void)nanosleep(&time, NULL);
}

static double publish(via_channel *channel, size_t messages)
{
    static const char body[BYTES];
    double before = used_ns();

    for (size_t i = 0; i < messages; i++)
        check(via_send(channel, body, sizeof(body), NULL, via_after_ms(PATIENCE_MS)), "via_send", NULL);
    return used_ns() - before;
}

/* The mean of all. */
static double repeat(via_channel *channel, size_t times, size_t messages)
{
    double sum = 0;

    for (size_t i = 0; i < times; i++) {
        pause_for(PAUSE_NS);
        sum += publish(channel, messages);
    }
    return sum / (double)(times * messages);
}

struct subscribers_cost subscribers_cost(const char *folder, size_t subscribers)
{
    struct subscribers_cost cost;
    via_host *host;
    int joined[2];
    char ignored;

    if (pipe(joined) != 0)
        way_failed("pipe", "no descriptor");
    via_channel *channel = join(&host, folder, VIA_PUBLISH);
    start(folder, subscribers, joined[1]);
    for (size_t i = 0; i < subscribers; i++)
        if (read(joined[0], &ignored, 1) != 1)
            way_failed("read", "a subscriber has ended");
    (void)publish(channel, 1); /* lets them in */
    cost.stream_ns = repeat(channel, BURSTS, BURST);
    cost.single_ns = repeat(channel, SINGLES, 1);
    via_close(channel);
    end(subscribers);
    via_host_close(host);
    (void)close(joined[0]);
    (void)close(joined[1]);
    return cost;
}
