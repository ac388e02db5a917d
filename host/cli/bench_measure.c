/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loops that are timed, both halves of each.
 *
 * Owns: the clock and the samples. Nothing in a timed loop allocates, prints or has a deadline; bench_watch.c sees to
 * it that none lasts for ever.
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

bool via_bench_end_init(via_bench_end *end, const via_bench_job *job, int control)
{
    *end = (via_bench_end){.job = job, .control = control};
    end->message = malloc(job->size > 0 ? job->size : 1);
    if (end->message)
        memset(end->message, 'v', job->size > 0 ? job->size : 1);
    return end->message != NULL;
}

void via_bench_end_fini(via_bench_end *end)
{
    free(end->message);
    end->message = NULL;
}

static via_status take(const via_bench_end *end, via_msg *message)
{
    via_status status;
    if (end->job->wake == VIA_BENCH_POLLING) {
        do
            status = via_recv(end->channel, VIA_NOW, message);
        while (status == VIA_ETIMEDOUT);
    } else {
        status = via_recv(end->channel, VIA_FOREVER, message);
    }
    via_bench_progress++;
    return status;
}

static via_status give(const via_bench_end *end, const void *data, size_t size, uint32_t flags)
{
    via_meta meta = {.flags = flags};
    via_bench_progress++;
    return via_send(end->channel, data, size, flags ? &meta : NULL, VIA_FOREVER);
}

static uint64_t total(const via_bench_end *end)
{
    return end->job->warmup + end->job->count;
}

/* ---- there and back ----------------------------------------------------------------------------------------- */

static via_status ping_once(const via_bench_end *end, uint64_t *ns)
{
    via_msg message;
    uint64_t start = via_now_ns();
    via_status status = give(end, end->message, end->job->size, 0);
    if (status == VIA_OK)
        status = take(end, &message);
    *ns = via_now_ns() - start;
    if (status != VIA_OK)
        return status;
    bool is_whole = message.size == end->job->size;
    via_release(end->channel, &message);
    return is_whole ? VIA_OK : VIA_EPROTO;
}

via_status via_bench_ping(via_bench_end *end, via_bench_result *result)
{
    uint64_t *samples = calloc(end->job->count, sizeof *samples), warm;
    via_status status = samples ? VIA_OK : VIA_ENOMEM;
    for (uint64_t i = 0; i < end->job->warmup && status == VIA_OK; i++)
        status = ping_once(end, &warm);
    for (uint64_t i = 0; i < end->job->count && status == VIA_OK; i++)
        status = ping_once(end, &samples[i]);
    if (status == VIA_OK)
        via_bench_percentiles(samples, end->job->count, 2, result);
    free(samples);
    return status;
}

via_status via_bench_echo(via_bench_end *end)
{
    via_status status = VIA_OK;
    for (uint64_t i = 0; i < total(end) && status == VIA_OK; i++) {
        via_msg message;
        status = take(end, &message);
        if (status != VIA_OK)
            break;
        status = give(end, message.data, message.size, 0);
        via_release(end->channel, &message);
    }
    return status;
}

/* ---- one way, with the time in the message ------------------------------------------------------------------ */

/* The next message waits until this one has come: latency, not a queue. */
via_status via_bench_stamp(via_bench_end *end)
{
    via_bench_note note;
    via_status status = VIA_OK;
    for (uint64_t i = 0; i < total(end) && status == VIA_OK; i++) {
        uint64_t now = via_now_ns();
        memcpy(end->message, &now, sizeof now);
        status = give(end, end->message, end->job->size, 0);
        if (status == VIA_OK && !via_bench_note_recv(end->control, VIA_BENCH_TAKEN, &note))
            status = VIA_EPEER;
    }
    return status;
}

/* A value of another size is what somebody had put there before. */
static via_status take_own(const via_bench_end *end, via_msg *message)
{
    via_status status = take(end, message);
    while (status == VIA_OK && end->job->pattern == VIA_PATTERN_VALUE && message->size != end->job->size) {
        via_release(end->channel, message);
        status = take(end, message);
    }
    return status;
}

static via_status read_stamp(via_bench_end *end, uint64_t *ns)
{
    via_msg message;
    uint64_t sent;
    via_bench_note taken = {.kind = VIA_BENCH_TAKEN};
    via_status status = take_own(end, &message);
    if (status != VIA_OK)
        return status;
    uint64_t now = via_now_ns();
    bool is_whole = message.size == end->job->size && message.size >= sizeof sent;
    if (is_whole)
        memcpy(&sent, message.data, sizeof sent), *ns = now - sent;
    via_release(end->channel, &message);
    if (!is_whole)
        return VIA_EPROTO;
    return via_bench_note_send(end->control, &taken) ? VIA_OK : VIA_EPEER;
}

via_status via_bench_read_stamps(via_bench_end *end, via_bench_result *result)
{
    uint64_t *samples = calloc(end->job->count, sizeof *samples), warm;
    via_status status = samples ? VIA_OK : VIA_ENOMEM;
    for (uint64_t i = 0; i < end->job->warmup && status == VIA_OK; i++)
        status = read_stamp(end, &warm);
    for (uint64_t i = 0; i < end->job->count && status == VIA_OK; i++)
        status = read_stamp(end, &samples[i]);
    if (status == VIA_OK)
        via_bench_percentiles(samples, end->job->count, 1, result);
    free(samples);
    return status;
}

/* ---- throughput --------------------------------------------------------------------------------------------- */

/*
 * The clock starts with the first message after the warm-up, at the sender: a receiver that lags finds many in the
 * kernel's buffers, and would time its own reading only.
 */
via_status via_bench_pour(via_bench_end *end, uint64_t *started_ns)
{
    uint64_t last = total(end) - 1;
    uint32_t more = end->job->more ? VIA_MORE : 0;
    via_status status = VIA_OK;
    for (uint64_t i = 0; i <= last && status == VIA_OK; i++) {
        if (i == end->job->warmup)
            *started_ns = via_now_ns();
        if (end->job->pattern == VIA_PATTERN_VALUE)
            memcpy(end->message, &i, sizeof i);
        status = give(end, end->message, end->job->size, i < last ? more : 0);
    }
    return status;
}

/* A topic may drop: there, silence ends the count. */
static via_status count_one(const via_bench_end *end)
{
    via_msg message;
    via_status status;
    if (end->job->pattern == VIA_PATTERN_TOPIC) {
        status = via_recv(end->channel, VIA_NOW, &message);
        if (status == VIA_ETIMEDOUT)
            status = via_recv(end->channel, via_after_ms(1000), &message);
        via_bench_progress++;
    } else {
        status = take(end, &message);
    }
    if (status == VIA_OK)
        via_release(end->channel, &message);
    return status;
}

/* Of many values only the last is sure to come: it is known by its number. */
static via_status await_last(via_bench_end *end, via_bench_result *result)
{
    uint64_t number = 0;
    while (number != total(end) - 1) {
        via_msg message;
        via_status status = take_own(end, &message);
        if (status != VIA_OK)
            return status;
        memcpy(&number, message.data, sizeof number);
        via_release(end->channel, &message);
    }
    *result = (via_bench_result){.count = end->job->count, .ended_ns = via_now_ns()};
    return VIA_OK;
}

/* The clock stops with the last message that came; via_bench_rate() knows when it started. */
via_status via_bench_count(via_bench_end *end, via_bench_result *result)
{
    uint64_t taken = 0, now = 0;
    via_status status = VIA_OK;
    if (end->job->pattern == VIA_PATTERN_VALUE)
        return await_last(end, result);
    while (taken < total(end)) {
        status = count_one(end);
        if (status != VIA_OK)
            break;
        taken++;
        if (taken == total(end) || end->job->pattern == VIA_PATTERN_TOPIC)
            now = via_now_ns();
    }
    bool may_drop = end->job->pattern == VIA_PATTERN_TOPIC && status == VIA_ETIMEDOUT;
    if (status != VIA_OK && !may_drop)
        return status;
    *result = (via_bench_result){.count = taken > end->job->warmup ? taken - end->job->warmup : 0};
    result->ended_ns = now;
    return VIA_OK;
}

void via_bench_rate(via_bench_result *result, uint64_t started_ns)
{
    if (result->ended_ns > started_ns)
        result->messages_per_s = (double)result->count * 1e9 / (double)(result->ended_ns - started_ns);
}
