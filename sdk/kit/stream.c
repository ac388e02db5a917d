/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a stream: init, waiting, interruption, close.
 *
 * Owns: the descriptors' end. Which of them stands for which event: stream_handles.c.
 */
#include "kit/stream_internal.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "kit/deadline.h"
#include "kit/fail.h"

static uint64_t message_limit(const via_stream_config *config)
{
    uint64_t limit = config->framing->max_body - config->prefix_size;

    if (limit > PTRDIFF_MAX / 4) /* so that sums of sizes never overflow */
        limit = PTRDIFF_MAX / 4;
    return config->max_message < limit ? config->max_message : limit;
}

via_status via_stream_init(via_stream *stream, const via_stream_config *config)
{
    memset(stream, 0, sizeof(*stream));
    if (config->greeting_size > 16 || config->prefix_size > sizeof(config->prefix) ||
        strlen(config->framing->trailer) > VIA_FRAME_TRAILER_MAX)
        return VIA_EINVAL;
    if (pthread_mutex_init(&stream->lock, NULL) != 0)
        return VIA_ENOMEM;
    stream->config = *config;
    via_spin_init(&stream->spin, config->spin_ns);
    stream->config.max_message = message_limit(config);
    stream->greeted = config->greeting_size == 0;
    atomic_init(&stream->answer, stream->greeted ? VIA_STREAM_ADMITTED : VIA_STREAM_UNHEARD);
    stream->answer_by = config->answer_ns ? via_deadline_after((int64_t)config->answer_ns) : VIA_NOW;
    stream->trailer_size = strlen(config->framing->trailer);
    atomic_init(&stream->ready_fd, -1);
    atomic_init(&stream->write_set, -1);
    via_wake_init(&stream->wake);
    atomic_init(&stream->over, (config->read_fd < 0 ? VIA_STREAM_OVER_RECEIVING : 0u) |
                                   (config->write_fd < 0 ? VIA_STREAM_OVER_SENDING : 0u));
    atomic_init(&stream->sleeps, false);
    atomic_init(&stream->backlog, 0);
    atomic_init(&stream->due, false);
    atomic_init(&stream->finished, false);
    if (!config->uncounted) {
        via_count(&config->counters->connects, 1);
        via_count(&config->counters->peers, 1);
    }
    return VIA_OK;
}

void via_stream_end(via_stream *stream, unsigned halves)
{
    unsigned before = atomic_fetch_or(&stream->over, halves);

    if (stream->config.uncounted || before == VIA_STREAM_OVER || (before | halves) != VIA_STREAM_OVER)
        return;
    via_count(&stream->config.counters->disconnects, 1);
    via_count(&stream->config.counters->peers, UINT64_MAX); /* one less */
}

/* On TCP that cannot be told as long as nothing is sent: the other end may go on receiving for ever. */
void via_stream_look_for_end(via_stream *stream)
{
    struct pollfd set = {.fd = stream->config.write_fd};

    if (atomic_load(&stream->over) == VIA_STREAM_OVER_RECEIVING && poll(&set, 1, 0) > 0)
        via_stream_end(stream, VIA_STREAM_OVER_SENDING);
}

void via_stream_await_greeting(via_stream *stream, via_deadline deadline)
{
    via_deadline limit = via_deadline_min(deadline, via_deadline_after(VIA_STREAM_GREETING_LINGER_NS));

    if (stream->sent == 0 || stream->greeted || stream->config.greeting_optional || stream->arrived > 0 ||
        stream->config.read_fd < 0 || stream->send_status != VIA_OK || stream->recv_status != VIA_OK)
        return;
    stream->closing = true;
    (void)via_stream_wait(stream, stream->config.read_fd, POLLIN, limit);
}

static void send_or_count(via_stream *stream, via_deadline deadline)
{
    if (stream->out_begin != stream->out_end && via_stream_send_out(stream, deadline) != VIA_OK)
        via_count(&stream->config.counters->dropped_closing, via_stream_send_count(stream));
}

void via_stream_abandon(via_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    send_or_count(stream, VIA_NOW); /* one that has only said that it sends no more may still take it */
    stream->out_begin = 0;
    stream->out_end = 0;
    stream->torn = 0;
    if (stream->send_status == VIA_OK)
        stream->send_status = VIA_EPEER;
    atomic_store_explicit(&stream->backlog, 0, memory_order_relaxed);
    atomic_store_explicit(&stream->due, false, memory_order_relaxed);
    pthread_mutex_unlock(&stream->lock);
    (void)stream->config.io->finish(stream);
}

/* What was accepted goes out, an interrupt notwithstanding, as far as it can within `linger`. */
static void linger(via_stream *stream)
{
    uint64_t ns = stream->config.linger_ns;

    stream->closing = true;
    stream->close_by = via_deadline_after(ns > INT64_MAX ? -1 : (int64_t)ns);
    send_or_count(stream, stream->close_by);
    if (ns > 0)
        via_stream_await_greeting(stream, stream->close_by);
}

void via_stream_fini(via_stream *stream, uint32_t how)
{
    if (how != VIA_CLOSE_FORKED)
        linger(stream);
    if (how != VIA_CLOSE_FORKED)
        via_stream_end(stream, VIA_STREAM_OVER);
    stream->config.io->close(stream, how);
    via_stream_handles_fini(stream);
    via_stream_receive_fini(stream);
    via_stream_send_fini(stream);
    via_wake_fini(&stream->wake);
    if (how != VIA_CLOSE_FORKED)
        pthread_mutex_destroy(&stream->lock);
}

void via_stream_close(void *self, uint32_t how)
{
    via_stream_fini(self, how);
    free(self);
}

void via_stream_interrupt(void *self)
{
    via_stream *stream = self;

    via_wake_raise(&stream->wake);
    if (stream->config.io->unblock)
        stream->config.io->unblock(stream);
}

uint64_t via_stream_unsent(const via_stream *stream)
{
    if (stream->config.write_fd < 0 || !stream->config.io->unsent)
        return 0;
    return stream->config.io->unsent(stream);
}

static bool is_broken(const via_stream *stream)
{
    return stream->config.io->broken && stream->config.io->broken(stream);
}

/*
 * No event tells that the other system has it all, so look again and again. A hang-up says no more than that both sides
 * have finished, and what was sent before that may be on its way for long.
 */
static via_status wait_for_unsent(via_stream *stream, via_deadline deadline, uint64_t *unsent)
{
    while ((*unsent = via_stream_unsent(stream)) > 0) {
        via_deadline look = via_deadline_min(deadline, via_deadline_after(VIA_STREAM_LOOK_NS));
        via_status status;

        if (is_broken(stream) && (*unsent = via_stream_unsent(stream)) > 0) /* it may just have ended well */
            return VIA_EPEER;
        status = via_stream_wait(stream, -1, 0, look);
        if (status != VIA_ETIMEDOUT || via_deadline_left(deadline) == 0)
            return status;
    }
    return VIA_OK;
}

/* The OS has it all. */
static via_status drain_flushed(via_stream *stream, via_deadline deadline, uint64_t *undelivered)
{
    via_status status = wait_for_unsent(stream, deadline, undelivered);

    if (status != VIA_OK)
        return via_stream_judge(stream, status);
    status = via_stream_await_answer(stream, deadline);
    if (status == VIA_ETIMEDOUT)
        *undelivered = stream->sent; /* any of it may still be refused */
    return status;
}

via_status via_stream_drain(void *self, via_deadline deadline, uint64_t *undelivered)
{
    via_stream *stream = self;
    via_status status = stream->config.write_fd < 0 ? VIA_OK : via_stream_flush(stream, deadline);

    if (status == VIA_OK)
        return drain_flushed(stream, deadline, undelivered);
    pthread_mutex_lock(&stream->lock);
    *undelivered = via_stream_send_count(stream);
    via_stream_send_unlock(stream);
    return status;
}

/* ---- waiting ------------------------------------------------------------------------------------------------------ */

static via_status arm_read(via_stream *stream)
{
    if (via_stream_receive_ready(stream) || via_wake_is_raised(&stream->wake))
        return VIA_EREADY;
    via_stream_receive_idle(stream);
    via_stream_send_idle(stream);
    return VIA_OK;
}

/* As a waitset does it: a receive that sleeps in another thread may have found the lock taken meanwhile. */
static void send_due(via_stream *stream)
{
    if (via_stream_send_due(stream) && atomic_load(&stream->sleeps))
        via_wake_nudge(&stream->wake);
}

static via_status arm_write(via_stream *stream)
{
    if (via_wake_is_raised(&stream->wake) || atomic_load_explicit(&stream->finished, memory_order_relaxed))
        return VIA_EREADY;
    if (atomic_load_explicit(&stream->due, memory_order_relaxed))
        send_due(stream);
    return VIA_OK; /* the handle is level-triggered: room that is there already shows at once */
}

static via_status arm_work(via_stream *stream)
{
    if (!atomic_load_explicit(&stream->due, memory_order_relaxed))
        return VIA_ENOENT;
    send_due(stream);
    return atomic_load_explicit(&stream->due, memory_order_relaxed) ? VIA_OK : VIA_ENOENT;
}

via_status via_stream_arm(void *self, uint32_t event)
{
    switch (event) {
    case VIA_READ:
        return arm_read(self);
    case VIA_WRITE:
        return arm_write(self);
    case VIA_WORK:
        return arm_work(self);
    default:
        return VIA_EINVAL;
    }
}

bool via_stream_has_message(const via_stream *stream)
{
    return via_stream_receive_ready(stream);
}

size_t via_stream_backlog(const via_stream *stream)
{
    return atomic_load_explicit(&((via_stream *)(uintptr_t)stream)->backlog, memory_order_relaxed);
}

void via_stream_info(void *self, via_channel_info *inout)
{
    const via_stream *stream = self;

    if (!stream->config.framing->keeps_boundaries)
        inout->flags &= ~(uint32_t)VIA_INFO_KEEPS_BOUNDARIES;
}

void via_stream_refresh_counters(void *self)
{
    via_stream *stream = self;

    via_stream_look_for_end(stream);
    __atomic_store_n(&stream->config.counters->backlog_bytes, via_stream_backlog(stream), __ATOMIC_RELAXED);
}
