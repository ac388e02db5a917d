/* SPDX-License-Identifier: Apache-2.0 */
#include "measure.h"

#include <stdlib.h>
#include <string.h>

enum { MEASURE_STAGES = 3 }; /* hello, warm-up, what is measured */
enum { SAMPLES_MOST = 1 << 20, SAMPLES_LEAST = 3, LARGE = 4096, BATCH = 64 };

static volatile unsigned char seen;

void way_look(const void *data, size_t size)
{
    const unsigned char *bytes = data;

    if (size > 0)
        seen = (unsigned char)(bytes[0] + bytes[size - 1]);
}

/* Written to, so that every page is there. */
static void *make_body(const via_bench_job *job)
{
    void *body = malloc(job->size);

    if (!body)
        way_failed("malloc", "no memory");
    memset(body, 'v', job->size);
    return body;
}

/* ---- the server --------------------------------------------------------------------------------------------- */

/* Answers until a message of one byte comes, which is answered too: everything before it has been received then. */
static void serve_stage(const struct way *way, void *self, const void *body, const via_bench_job *job)
{
    size_t size;

    while ((size = way->receive(self)) == job->size)
        if (job->mode == VIA_BENCH_LATENCY)
            way->send(self, body, size, false);
    if (size != 1)
        way_failed("a message", "it has another size than was sent");
    way->send(self, body, 1, false);
}

void measure_answer(const struct way *way, void *self, const via_bench_job *job)
{
    void *body = make_body(job);

    for (unsigned stage = 0; stage < MEASURE_STAGES; stage++)
        serve_stage(way, self, body, job);
    free(body);
}

/* ---- the client --------------------------------------------------------------------------------------------- */

static void end_stage(const struct way *way, void *self, const void *body)
{
    way->send(self, body, 1, false);
    if (way->receive(self) != 1)
        way_failed("an answer of one byte", "it has another size than was sent");
}

/* The end of one trip is the start of the next: the clock is read once for each. */
static size_t ping(const struct way *way, void *self, const void *body, const via_bench_job *job, uint64_t *samples,
                   uint64_t most, uint64_t time_ns)
{
    uint64_t started = via_now_ns();
    uint64_t before = started;
    size_t count = 0;

    while (count < most && (before - started < time_ns || count < SAMPLES_LEAST)) {
        uint64_t now;

        way->send(self, body, job->size, false);
        if (way->receive(self) != job->size)
            way_failed("an answer", "it has another size than was sent");
        now = via_now_ns();
        samples[count++] = now - before;
        before = now;
    }
    return count;
}

/* As much shorter in messages as it is in time. */
static uint64_t warmup_most(uint64_t most)
{
    return most / 10 + 1;
}

static void measure_latency(const struct way *way, void *self, const void *body, const via_bench_job *job,
                            const struct budget *budget, via_bench_result *result)
{
    uint64_t most = budget->count && budget->count < SAMPLES_MOST ? budget->count : SAMPLES_MOST;
    uint64_t *samples = malloc(most * sizeof(*samples));
    size_t count;

    if (!samples)
        way_failed("malloc", "no memory");
    memset(samples, 1, most * sizeof(*samples)); /* a page fault within the loop would be measured */
    (void)ping(way, self, body, job, samples, warmup_most(most), budget->time_ns / 10);
    end_stage(way, self, body);
    count = ping(way, self, body, job, samples, most, budget->time_ns);
    end_stage(way, self, body);
    via_bench_percentiles(samples, count, 2, result);
    free(samples);
}

/* Messages in `time_ns`, at most `most`. The clock is read after some of them only, where they are small. */
static uint64_t pour(const struct way *way, void *self, const void *body, const via_bench_job *job, uint64_t most,
                     uint64_t time_ns)
{
    uint64_t started = via_now_ns();
    uint64_t batch = job->size < LARGE ? BATCH : 1;
    uint64_t count = 0;

    while (count < most && (count < SAMPLES_LEAST || via_now_ns() - started < time_ns)) {
        uint64_t until = count + batch < most ? count + batch : most;

        for (; count < until; count++)
            way->send(self, body, job->size, job->more);
    }
    return count;
}

/* The clock stops when the server says that it has the last one. */
static void measure_throughput(const struct way *way, void *self, const void *body, const via_bench_job *job,
                               const struct budget *budget, via_bench_result *result)
{
    uint64_t most = budget->count ? budget->count : UINT64_MAX;
    uint64_t started;

    (void)pour(way, self, body, job, warmup_most(most), budget->time_ns / 10);
    end_stage(way, self, body);
    started = via_now_ns();
    *result = (via_bench_result){.count = pour(way, self, body, job, most, budget->time_ns)};
    end_stage(way, self, body);
    result->ended_ns = via_now_ns();
    result->messages_per_s = (double)result->count * 1e9 / (double)(result->ended_ns - started);
}

void measure_ask(const struct way *way, void *self, const via_bench_job *job, const struct budget *budget,
                 via_bench_result *result)
{
    void *body = make_body(job);

    end_stage(way, self, body); /* the server is there */
    if (job->mode == VIA_BENCH_LATENCY)
        measure_latency(way, self, body, job, budget, result);
    else
        measure_throughput(way, self, body, job, budget, result);
    free(body);
}
