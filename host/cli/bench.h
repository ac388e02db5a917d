/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via bench`: what is measured, what comes out, and how its two processes talk beside the channel that they measure.
 *
 * Owns: the words of the bench. The first process sends and keeps the clock of a pair; the other, a worker that it
 * starts from its own executable, answers.
 */
#ifndef VIADUCT_CLI_BENCH_H
#define VIADUCT_CLI_BENCH_H

#include <jansson.h>

#include "cli.h"

enum { VIA_BENCH_BOTH = 0, VIA_BENCH_LATENCY = 1, VIA_BENCH_THROUGHPUT = 2 }; /* the choices of --mode */
enum { VIA_BENCH_BLOCKING = 0, VIA_BENCH_POLLING = 1, VIA_BENCH_HYBRID = 2 }; /* the choices of --wake */

enum { VIA_BENCH_WAIT_S = 5, VIA_BENCH_STILL_S = 10 }; /* for the other end; for a message to move */

/* One measurement. The same bytes go to the worker. */
typedef struct via_bench_job {
    uint32_t pattern; /* any but VIA_PATTERN_REGION */
    uint32_t mode;
    uint32_t wake;
    uint32_t more; /* throughput announces VIA_MORE */
    uint64_t size; /* bytes in a message */
    uint64_t count;
    uint64_t warmup; /* messages before the clock starts */
} via_bench_job;

/* What one measurement came to. Times in nanoseconds, one way. */
typedef struct via_bench_result {
    double p50, p90, p99, p999, max; /* latency only */
    double messages_per_s;
    uint64_t ended_ns; /* throughput: when the last message came, in via_now_ns() of either process */
    /* Messages that were measured; fewer than asked for if a topic dropped some. Of a value: updates, seen or not. */
    uint64_t count;
} via_bench_result;

/* Sorts the samples; each is divided by `divisor` first (2 = half of a round trip). */
void via_bench_percentiles(uint64_t *samples, size_t count, double divisor, via_bench_result *result);
/* The median of each figure over the rounds, and the largest max. */
void via_bench_median(const via_bench_result *rounds, size_t count, via_bench_result *result);

enum { VIA_BENCH_MOST_SIZES = 16 };
/* Reads --size, or else `usual`. An exit status; errors are told. */
int via_bench_parse_sizes(const via_cli_args *args, const char *usual, uint64_t *sizes, size_t *count);

/* One line of the outcome. */
typedef struct via_bench_row {
    const char *address;
    via_bench_job job;
    via_bench_result result;
    via_bench_result *rounds;
    bool is_doubtful; /* --peers: measured while the distance between the processors changed */
} via_bench_row;

/* Measures once. An exit status; errors are told. */
int via_bench_run(const via_cli_args *args, via_host *host, const char *address, const via_bench_job *job,
                  via_bench_result *result);

bool via_bench_print_table(const via_bench_row *rows, size_t count);
/* One object of what --json prints; a new reference. */
json_t *via_bench_row_as_json(const via_bench_row *row);
bool via_bench_print_json(const via_bench_row *rows, size_t count);
/* Is gnuplot there, and the name one for what it draws, where it can be written? An exit status; to be asked before the measuring begins. */
int via_bench_plot_check(const char *name);
/* All in one file: latency above throughput. */
int via_bench_plot(const char *file, const via_bench_row *rows, size_t count);
/* One mode in one file: spinning receivers above sleeping ones. */
int via_bench_plot_mode(const char *file, const via_bench_row *rows, size_t count, uint32_t mode);

/* `via bench --peers`: an exit status. */
int via_bench_run_peers(const via_cli_args *args);
bool via_bench_print_peers(const via_bench_row *rows, size_t count);

/* ---- between the two processes ------------------------------------------------------------------------------ */

enum { VIA_BENCH_DESCRIPTOR = 3 }; /* the worker's end of the control socket */

typedef enum via_bench_note_kind {
    VIA_BENCH_JOB = 1, /* to the worker: do this */
    VIA_BENCH_READY,   /* from the worker: the name is taken, or the channel is open */
    VIA_BENCH_TAKEN,   /* from the worker: a message has come (latency where there is no way back) */
    VIA_BENCH_DONE     /* from the worker: here is the result */
} via_bench_note_kind;

typedef struct via_bench_note {
    uint32_t kind, reserved;
    union {
        via_bench_job job;
        via_bench_result result;
        char address[512]; /* READY of a listener: what to dial */
    };
} via_bench_note;

/* Over a SOCK_SEQPACKET socket; one note is one packet. False: the other process has ended. */
bool via_bench_note_send(int control, const via_bench_note *note);
/* Waits for a note of this kind; any other is an error. */
bool via_bench_note_recv(int control, uint32_t kind, via_bench_note *note);

/* ---- measuring ---------------------------------------------------------------------------------------------- */

/* The channel under test. Each call answers VIA_OK or why the channel is over. */
typedef struct via_bench_end {
    via_channel *channel;
    const via_bench_job *job;
    int control;
    char *message; /* job->size bytes */
} via_bench_end;

bool via_bench_end_init(via_bench_end *end, const via_bench_job *job, int control);
void via_bench_end_fini(via_bench_end *end);

/* Opens either end of a queue or a topic, and the dialing one of a pair. */
via_status via_bench_join(const via_cli_args *args, via_host *host, const char *address, const via_bench_job *job,
                          bool is_worker, via_channel **channel, via_error *error);

/* The first process's half of each measurement; the second's answers to it. */
via_status via_bench_ping(via_bench_end *end, via_bench_result *result); /* pair: there and back */
via_status via_bench_echo(via_bench_end *end);
via_status via_bench_stamp(via_bench_end *end); /* no way back: the sender's time is in the message */
via_status via_bench_read_stamps(via_bench_end *end, via_bench_result *result);
via_status via_bench_pour(via_bench_end *end, uint64_t *started_ns); /* throughput */
via_status via_bench_count(via_bench_end *end, via_bench_result *result);
void via_bench_rate(via_bench_result *result, uint64_t started_ns); /* of what was counted, from then on */

/*
 * Watches a measurement that has no deadlines of its own (they would cost what is to be measured): the channel is
 * interrupted once via_bench_progress has stood still for `limit_s` seconds.
 */
extern volatile uint64_t via_bench_progress;
void via_bench_watch(via_channel *channel, unsigned limit_s);
void via_bench_unwatch(void);

#endif
