/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What layers cost: messages of 4 KiB over unix: from one process to another, plain and through layers, in turn, round after
 * round, with the processor time of each; and compression by the layer beside the same library called by hand. A recording that
 * lacks messages is cheap, so it is told how many it has.
 *
 * usage: bench_layers [MESSAGES [ROUNDS]]
 */
#include "../rounds.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <viaduct/viaduct.h>
#include <zstd.h>

enum { SIZE = 4096, ROUNDS_MOST = 99, ROWS = 7 };

typedef struct row {
    const char *name, *near, *far; /* queries of the sender and the receiver */
    bool by_hand, records;
    size_t base; /* the row that it is compared with */
    double rates[ROUNDS_MOST];
    double thread_ns[ROUNDS_MOST]; /* processor time for a message: of the thread that sends, of both processes */
    double whole_ns[ROUNDS_MOST];
    double shares[ROUNDS_MOST]; /* of the messages that were recorded */
} row;

static unsigned long messages = 200000;
static size_t rounds = 9;
static unsigned char payload[SIZE];
static char recording[600];

static void must(via_status status, const via_error *error)
{
    if (status == VIA_OK)
        return;
    (void)fprintf(stderr, "bench_layers: %s: %s\n", via_status_name(status), error != NULL ? error->what : "");
    exit(1);
}

/* Text that shrinks to about a third, as protocols do. */
static void fill(void)
{
    unsigned state = 1;
    for (size_t i = 0; i < SIZE; i++) {
        state = state * 1103515245U + 12345U;
        payload[i] = (unsigned char)("etaoin shrdlu 0123456789\n"[(state >> 16) % 12 + (i % 64 < 48 ? 0 : 12)]);
    }
}

/* ---- the receiving process ---------------------------------------------------------------------------------- */

static void receive(const row *this, const char *address)
{
    via_listener *listener;
    via_channel *channel;
    via_msg message;
    via_error error;
    ZSTD_DCtx *context = this->by_hand ? ZSTD_createDCtx() : NULL;
    static unsigned char out[SIZE];
    must(via_listen(NULL, address, NULL, &listener, &error), &error);
    must(via_accept(listener, VIA_FOREVER, &channel, &error), &error);
    for (unsigned long i = 0; i < messages; i++) {
        must(via_recv(channel, VIA_FOREVER, &message), NULL);
        if (context != NULL && ZSTD_decompressDCtx(context, out, SIZE, message.data, message.size) != SIZE)
            exit(1);
        via_release(channel, &message);
    }
    must(via_send(channel, "", 0, NULL, VIA_FOREVER), NULL);
    must(via_drain(channel, VIA_FOREVER, NULL), NULL);
    via_close(channel);
    via_listener_close(listener);
    (void)ZSTD_freeDCtx(context);
    exit(0);
}

/* ---- the sending process ------------------------------------------------------------------------------------ */

static void send_all(const row *this, via_channel *channel)
{
    static unsigned char packed[SIZE * 2];
    ZSTD_CCtx *context = this->by_hand ? ZSTD_createCCtx() : NULL;
    for (unsigned long i = 0; i < messages; i++) {
        const void *data = payload;
        size_t size = SIZE;
        if (context != NULL) {
            size = ZSTD_compressCCtx(context, packed, sizeof(packed), payload, SIZE, 1);
            data = packed;
        }
        must(via_send(channel, data, size, NULL, VIA_FOREVER), NULL);
    }
    (void)ZSTD_freeCCtx(context);
}

static double used_by_all(void)
{
    return bench_used_ns(RUSAGE_SELF) + bench_used_ns(RUSAGE_CHILDREN);
}

/* The file's last block is its statistics. It is removed, so that the next one gets its name, and none fills the disk. */
static double take_share(void)
{
    enum { STATISTICS = 52, RECORDED = 24 };
    uint64_t count = 0;
    struct stat status;
    const int descriptor = open(recording, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || fstat(descriptor, &status) != 0 ||
        pread(descriptor, &count, sizeof(count), status.st_size - STATISTICS + RECORDED) != sizeof(count)) {
        perror(recording);
        exit(1);
    }
    (void)close(descriptor);
    (void)unlink(recording);
    return (double)count / (double)messages;
}

static void run_once(row *this, size_t round)
{
    const double before = used_by_all();
    char near[512], far[512];
    via_channel *channel;
    via_msg message;
    via_error error;
    static unsigned number;
    (void)snprintf(near, sizeof(near), "unix:layers-%ld-%u%s", (long)getpid(), ++number, this->near);
    (void)snprintf(far, sizeof(far), "unix:layers-%ld-%u%s", (long)getpid(), number, this->far);
    const pid_t child = fork();
    if (child == 0)
        receive(this, far);
    must(via_dial(NULL, near, NULL, via_after_ms(30000), &channel, &error), &error);
    const uint64_t began = via_now_ns();
    const double thread_before = bench_used_ns(RUSAGE_THREAD);
    send_all(this, channel);
    this->thread_ns[round] = (bench_used_ns(RUSAGE_THREAD) - thread_before) / (double)messages;
    must(via_recv(channel, VIA_FOREVER, &message), NULL);
    const double seconds = (double)(via_now_ns() - began) / 1e9;
    via_release(channel, &message);
    via_close(channel);
    (void)waitpid(child, NULL, 0);
    this->rates[round] = (double)messages / seconds;
    this->shares[round] = this->records ? take_share() : 0;
    this->whole_ns[round] = (used_by_all() - before) / (double)messages;
}

/* ---- results ------------------------------------------------------------------------------------------------ */

static void report(row *all, row *this)
{
    char share[16] = "";
    if (this->records)
        (void)snprintf(share, sizeof(share), "%.0f%%", 100 * bench_median(this->shares, rounds));
    (void)printf("%-24s %12.0f %10.0f %10.0f %10.0f %9s  %.2f of %s\n", this->name, bench_median(this->rates, rounds),
                 bench_median(this->rates, rounds) * SIZE / 1e6, bench_median(this->thread_ns, rounds),
                 bench_median(this->whole_ns, rounds), share,
                 bench_median_ratio(this->rates, all[this->base].rates, rounds), all[this->base].name);
}

int main(int argc, char **argv)
{
    char whole[700], snapped[800];
    const char *folder = getenv("XDG_RUNTIME_DIR");
    (void)snprintf(recording, sizeof(recording), "%s/bench.pcapng", folder != NULL ? folder : "/tmp");
    (void)snprintf(whole, sizeof(whole), "?layers=tap&tap.limit=1GiB&tap.file=%s", recording);
    (void)snprintf(snapped, sizeof(snapped), "%s&tap.snaplen=128B", whole);
    row rows[ROWS] = {{.name = "plain", .near = "", .far = ""},
                      {.name = "tap, off", .near = "?layers=tap&tap.allow=true", .far = ""},
                      {.name = "tap, 128 bytes of each", .near = snapped, .far = "", .records = true},
                      {.name = "tap, everything", .near = whole, .far = "", .records = true},
                      {.name = "chaos, nothing set", .near = "", .far = "?layers=chaos"},
                      {.name = "libzstd by hand", .near = "", .far = "", .by_hand = true},
                      {.name = "zstd", .near = "?layers=zstd", .far = "?layers=zstd", .base = 5}};
    if (argc > 1)
        messages = strtoul(argv[1], NULL, 10);
    if (argc > 2)
        rounds = strtoul(argv[2], NULL, 10);
    if (messages == 0 || rounds == 0 || rounds > ROUNDS_MOST)
        return 2;
    fill();
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < ROWS; i++)
            run_once(&rows[i], round);
    }
    (void)printf("%-24s %12s %10s %10s %10s %9s  %s\n", "unix:, 4 KiB", "messages/s", "MB/s", "sender ns", "all ns",
                 "recorded", "beside");
    for (size_t i = 0; i < ROWS; i++)
        report(rows, &rows[i]);
    return 0;
}
