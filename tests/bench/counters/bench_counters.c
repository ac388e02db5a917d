/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What counting in a page that others can read costs: messages of 64 bytes from one process to another, with VIADUCT_STATS=0 and without
 * it in turn, round after round.
 *
 * Printed: medians of the rates and of the processor time that the sender's thread takes for a message, and the median of the ratios within
 * a round. Figures are only shown. usage: bench_counters [MESSAGES [ROUNDS]]
 */
#include "../rounds.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <viaduct/viaduct.h>

enum { SIZE = 64 };
enum { PRIVATE = 0, PAGE = 1, WAYS = 2 };

typedef struct row {
    const char *scheme;
    unsigned long factor; /* of messages: a run of a fast one is to last as long */
    double rates[WAYS][BENCH_ROUNDS_MOST];
    double used_ns[WAYS][BENCH_ROUNDS_MOST];
} row;

static unsigned long messages = 20000;
static size_t rounds = 71;
static const unsigned char payload[SIZE];

static void must(via_status status, const via_error *error)
{
    if (status == VIA_OK)
        return;
    (void)fprintf(stderr, "bench_counters: %s: %s\n", via_status_name(status), error != NULL ? error->what : "");
    exit(1);
}

static void receive(const char *address, unsigned long count)
{
    via_listener *listener;
    via_channel *channel;
    via_msg message;
    via_error error;
    must(via_listen(NULL, address, NULL, &listener, &error), &error);
    must(via_accept(listener, VIA_FOREVER, &channel, &error), &error);
    for (unsigned long i = 0; i < count; i++) {
        must(via_recv(channel, VIA_FOREVER, &message), NULL);
        via_release(channel, &message);
    }
    must(via_send(channel, "", 0, NULL, VIA_FOREVER), NULL);
    must(via_drain(channel, VIA_FOREVER, NULL), NULL);
    via_close(channel);
    via_listener_close(listener);
    exit(0);
}

/* Both processes open a host of their own after the variable is set, and read it then. */
static pid_t start_receiver(const char *address, int way, unsigned long count)
{
    if (way == PAGE)
        (void)unsetenv("VIADUCT_STATS");
    else
        (void)setenv("VIADUCT_STATS", "0", 1);
    const pid_t child = fork();
    if (child == 0)
        receive(address, count);
    return child;
}

static void run_once(row *this, int way, size_t round)
{
    static unsigned number;
    char address[128];
    const unsigned long count = messages * this->factor;
    via_channel *channel;
    via_msg message;
    via_error error;
    (void)snprintf(address, sizeof(address), "%s:counters-%ld-%u", this->scheme, (long)getpid(), ++number);
    const pid_t child = start_receiver(address, way, count);
    must(via_dial(NULL, address, NULL, via_after_ms(30000), &channel, &error), &error);
    const uint64_t began = via_now_ns();
    const double before = bench_used_ns(RUSAGE_THREAD);
    for (unsigned long i = 0; i < count; i++)
        must(via_send(channel, payload, SIZE, NULL, VIA_FOREVER), NULL);
    this->used_ns[way][round] = (bench_used_ns(RUSAGE_THREAD) - before) / (double)count;
    must(via_recv(channel, VIA_FOREVER, &message), NULL);
    this->rates[way][round] = (double)count * 1e9 / (double)(via_now_ns() - began);
    via_release(channel, &message);
    via_close(channel);
    (void)waitpid(child, NULL, 0);
}

static void show(const row *this)
{
    static const char *const names[WAYS] = {[PRIVATE] = "VIADUCT_STATS=0", [PAGE] = "page"};
    for (int way = 0; way < WAYS; way++)
        (void)printf("%-6s %-16s %12.0f messages/s %8.1f ns\n", this->scheme, names[way],
                     bench_median(this->rates[way], rounds), bench_median(this->used_ns[way], rounds));
    (void)printf("%-6s %-16s %12.3f            %8.3f\n", this->scheme, "page beside it",
                 bench_median_ratio(this->rates[PAGE], this->rates[PRIVATE], rounds),
                 bench_median_ratio(this->used_ns[PAGE], this->used_ns[PRIVATE], rounds));
}

int main(int argc, char **argv)
{
    static row rows[] = {{.scheme = "unix", .factor = 1}, {.scheme = "shm", .factor = 10}};
    enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
    if (argc > 1)
        messages = strtoul(argv[1], NULL, 10);
    if (argc > 2)
        rounds = strtoul(argv[2], NULL, 10);
    if (messages == 0 || rounds == 0 || rounds > BENCH_ROUNDS_MOST)
        return 2;
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < (size_t)ROWS * WAYS; i++) /* who comes first takes turns, too */
            run_once(&rows[i / WAYS], (int)((i + round) % WAYS), round);
    }
    (void)printf("%-6s %-16s %23s %11s\n", "64 B", "", "", "sender");
    for (size_t i = 0; i < ROWS; i++)
        show(&rows[i]);
    return 0;
}
