/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending: one gathering write a message, or one for many of them.
 *
 * Owns: the buffer `out`, which holds what was accepted and has not left: messages gathered under VIA_MORE, or the tail
 * of the one message whose first byte has left. Everything here runs under `lock`, which a sender keeps while it waits
 * for the OS; whoever else wants to help (a receiver, a waitset) only tries it.
 */
#include "kit/stream_internal.h"

#include <stdlib.h>
#include <string.h>

#include "kit/fail.h"

enum {
    GATHER_SIZE = 64 * 1024,
    PACKED_SIZE = 1024, /* up to here copying is cheaper than a vector */
    FRAME_MOST =
        VIA_FRAME_HEADER_MAX + VIA_FRAME_TRAILER_MAX + 16, /* what goes around a body: header, prefix, trailer */
    WINDOW = 64                                            /* slices handed to one write */
};

/* A message on its way: header and prefix, the caller's slices, trailer. */
struct parcel {
    uint8_t header[FRAME_MOST];
    size_t header_size;
    const via_slice *slices;
    size_t count;
    const char *trailer;
    size_t trailer_size;
    size_t body; /* bytes of the slices */
    size_t sent; /* bytes of all three */
};

static size_t parcel_size(const struct parcel *parcel)
{
    return parcel->header_size + parcel->body + parcel->trailer_size;
}

/* ---- what is to be written ---------------------------------------------------------------------------------- */

/* Adds [data, data + size) without its first *skip bytes. */
static void add_piece(via_slice *window, size_t *count, const void *data, size_t size, size_t *skip)
{
    if (*skip >= size) {
        *skip -= size;
        return;
    }
    if (*count < WINDOW) {
        window[*count].data = (const uint8_t *)data + *skip;
        window[*count].size = size - *skip;
        (*count)++;
    }
    *skip = 0;
}

/* The unsent bytes, buffer first, as far as a window takes them. `parcel` may be NULL. */
static size_t fill_window(const via_stream *stream, const struct parcel *parcel, via_slice *window)
{
    size_t count = 0;
    size_t skip = stream->out_begin;

    if (stream->out_begin < stream->out_end)
        add_piece(window, &count, stream->out, stream->out_end, &skip);
    if (!parcel)
        return count;
    skip = parcel->sent;
    add_piece(window, &count, parcel->header, parcel->header_size, &skip);
    for (size_t i = 0; i < parcel->count && count < WINDOW; i++)
        add_piece(window, &count, parcel->slices[i].data, parcel->slices[i].size, &skip);
    add_piece(window, &count, parcel->trailer, parcel->trailer_size, &skip);
    return count;
}

static void set_out(via_stream *stream, size_t begin, size_t end)
{
    if (begin == end) {
        begin = 0;
        end = 0;
        stream->torn = 0;
        if (stream->out_capacity > GATHER_SIZE) /* a tail was in it; such a one is rare */
            via_stream_send_fini(stream);
        atomic_store_explicit(&stream->due, false, memory_order_relaxed);
    }
    stream->out_begin = begin;
    stream->out_end = end;
    if (end - begin == atomic_load_explicit(&stream->backlog, memory_order_relaxed))
        return;
    atomic_store_explicit(&stream->backlog, end - begin, memory_order_relaxed);
    if (!stream->config.uncounted) /* for those who look from outside; a hub adds its streams up when it is asked */
        __atomic_store_n(&stream->config.counters->backlog_bytes, end - begin, __ATOMIC_RELAXED);
}

static void account(via_stream *stream, struct parcel *parcel, size_t moved)
{
    size_t from_out = stream->out_end - stream->out_begin;

    if (from_out > moved)
        from_out = moved;
    if (from_out > 0)
        set_out(stream, stream->out_begin + from_out, stream->out_end);
    if (parcel)
        parcel->sent += moved - from_out;
}

static via_status end_sending(via_stream *stream, via_status status, int os_code)
{
    status = via_stream_judge(stream, status);
    stream->send_status = status;
    via_stream_end(stream, status == VIA_ECLOSED ? VIA_STREAM_OVER_SENDING : VIA_STREAM_OVER);
    atomic_store_explicit(&stream->due, false, memory_order_relaxed); /* nothing can be done about it any more */
    if (status == VIA_ECLOSED)
        return status;
    return via_fail_channel(stream->config.host, stream->config.context, status, os_code, via_stream_mend_for(os_code),
                            "sending (framing %s): the connection broke", stream->config.framing->name);
}

/* Writes the buffer, then the parcel. VIA_OK = everything has left. */
static via_status write_all(via_stream *stream, struct parcel *parcel, via_deadline deadline)
{
    via_slice window[WINDOW];
    size_t count;

    while ((count = fill_window(stream, parcel, window)) > 0) {
        int64_t moved = stream->config.io->write(stream, window, count, deadline);

        if (moved > 0) {
            account(stream, parcel, (size_t)moved);
            continue;
        }
        if (moved == VIA_ETIMEDOUT || moved == VIA_ECANCELED || moved == VIA_ENOMEM || moved == VIA_ELIMIT)
            return (via_status)moved;
        return end_sending(stream, moved < 0 ? (via_status)moved : VIA_EIO, errno);
    }
    return VIA_OK;
}

/* ---- the buffer --------------------------------------------------------------------------------------------- */

static via_status reserve(via_stream *stream, size_t more)
{
    size_t wanted = stream->out_end + more;
    uint8_t *grown;

    if (wanted <= stream->out_capacity)
        return VIA_OK;
    if (wanted < GATHER_SIZE)
        wanted = GATHER_SIZE;
    grown = realloc(stream->out, wanted);
    if (!grown)
        return VIA_ENOMEM;
    stream->out = grown;
    stream->out_capacity = wanted;
    return VIA_OK;
}

static uint8_t *copy_piece(uint8_t *to, const void *data, size_t size, size_t *skip)
{
    if (*skip >= size) {
        *skip -= size;
        return to;
    }
    size -= *skip;
    memcpy(to, (const uint8_t *)data + *skip, size);
    *skip = 0;
    return to + size;
}

/* Copies what has not been sent of the parcel. */
static void copy_parcel(const struct parcel *parcel, uint8_t *to)
{
    size_t skip = parcel->sent;

    to = copy_piece(to, parcel->header, parcel->header_size, &skip);
    for (size_t i = 0; i < parcel->count; i++)
        to = copy_piece(to, parcel->slices[i].data, parcel->slices[i].size, &skip);
    copy_piece(to, parcel->trailer, parcel->trailer_size, &skip);
}

static via_status gather(via_stream *stream, const struct parcel *parcel)
{
    size_t rest = parcel_size(parcel) - parcel->sent;
    via_status status = reserve(stream, rest);

    if (status != VIA_OK)
        return status;
    copy_parcel(parcel, stream->out + stream->out_end);
    set_out(stream, stream->out_begin, stream->out_end + rest);
    return VIA_OK;
}

/* The deadline has come, and part of the message has left: the rest becomes the tail. */
static via_status keep_tail(via_stream *stream, const struct parcel *parcel)
{
    if (gather(stream, parcel) != VIA_OK) /* there is no way back: the peer has half a message */
        return end_sending(stream, VIA_ENOMEM, ENOMEM);
    stream->torn = stream->out_end;
    return VIA_OK;
}

/* Something stays behind: `out` is due from now on. True: it was not before, so the host has to hear of it. */
static bool become_due(via_stream *stream)
{
    if (stream->out_begin == stream->out_end || stream->send_status != VIA_OK)
        return false;
    return !atomic_exchange(&stream->due, true);
}

/* Gives the lock back and tells who has to move what stays behind. */
static void leave(via_stream *stream, bool newly_due)
{
    via_stream_send_unlock(stream);
    if (newly_due)
        stream->config.host->attention(stream->config.context);
}

/* ---- the slots ---------------------------------------------------------------------------------------------- */

static via_status may_send(const via_stream *stream)
{
    if (via_wake_is_raised(&stream->wake))
        return VIA_ECANCELED;
    if (atomic_load_explicit(&stream->finished, memory_order_relaxed))
        return VIA_EINVAL;
    return stream->config.write_fd < 0 ? VIA_ENOTSUP : stream->send_status;
}

/* Checks the message and adds up its bytes. */
static via_status measure(const via_stream *stream, const via_slice *slices, size_t count, size_t *body)
{
    const via_stream_config *config = &stream->config;

    *body = 0;
    for (size_t i = 0; i < count; i++) {
        if (slices[i].size > config->max_message - *body)
            return VIA_ETOOBIG;
        *body += slices[i].size;
    }
    if (config->framing->check)
        return config->framing->check(slices, count);
    return VIA_OK;
}

static size_t compose_header(const via_stream *stream, size_t body, uint8_t *to)
{
    const via_stream_config *config = &stream->config;
    size_t size = config->framing->header(body + config->prefix_size, to);

    if (config->prefix_size > 0)
        memcpy(to + size, config->prefix, config->prefix_size);
    return size + config->prefix_size;
}

/* Writes a whole frame to `to`, which has room for body + FRAME_MOST bytes. Returns its size. */
static size_t compose(const via_stream *stream, const via_slice *slices, size_t count, size_t body, uint8_t *to)
{
    uint8_t *at = to + compose_header(stream, body, to);

    for (size_t i = 0; i < count; i++) {
        if (slices[i].size > 0)
            memcpy(at, slices[i].data, slices[i].size);
        at += slices[i].size;
    }
    if (stream->trailer_size > 0)
        memcpy(at, stream->config.framing->trailer, stream->trailer_size);
    return (size_t)(at - to) + stream->trailer_size;
}

static via_status transmit_parcel(via_stream *stream, struct parcel *parcel, via_deadline deadline)
{
    via_status status = write_all(stream, parcel, deadline);

    if (status != VIA_OK && parcel->sent > 0 && stream->send_status == VIA_OK)
        return keep_tail(stream, parcel);
    return status;
}

static via_status transmit_large(via_stream *stream, const via_slice *slices, size_t count, size_t body,
                                 via_deadline deadline)
{
    struct parcel parcel;

    parcel.header_size = compose_header(stream, body, parcel.header);
    parcel.slices = slices;
    parcel.count = count;
    parcel.trailer = stream->config.framing->trailer;
    parcel.trailer_size = stream->trailer_size;
    parcel.body = body;
    parcel.sent = 0;
    return transmit_parcel(stream, &parcel, deadline);
}

/* A small message goes out in one piece: the kernel then has one slice to look at. */
static via_status transmit_small(via_stream *stream, const via_slice *slices, size_t count, size_t body,
                                 via_deadline deadline)
{
    uint8_t packed[PACKED_SIZE + FRAME_MOST];
    via_slice slice = {packed, compose(stream, slices, count, body, packed)};
    struct parcel parcel;

    parcel.header_size = 0;
    parcel.slices = &slice;
    parcel.count = 1;
    parcel.trailer_size = 0;
    parcel.body = slice.size;
    parcel.sent = 0;
    return transmit_parcel(stream, &parcel, deadline);
}

static via_status gather_message(via_stream *stream, const via_slice *slices, size_t count, size_t body)
{
    via_status status = reserve(stream, body + FRAME_MOST);

    if (status == VIA_OK)
        set_out(stream, stream->out_begin,
                stream->out_end + compose(stream, slices, count, body, stream->out + stream->out_end));
    return status;
}

static via_status send_locked(via_stream *stream, const via_slice *slices, size_t count, bool more,
                              via_deadline deadline)
{
    size_t body;
    via_status status = may_send(stream);

    if (status == VIA_OK)
        status = measure(stream, slices, count, &body);
    if (status != VIA_OK)
        return status;
    if (more && stream->out_end + body + FRAME_MOST <= GATHER_SIZE)
        return gather_message(stream, slices, count, body);
    if (body <= PACKED_SIZE)
        return transmit_small(stream, slices, count, body, deadline);
    return transmit_large(stream, slices, count, body, deadline);
}

via_status via_stream_send(void *self, const via_slice *slices, size_t count, const via_meta *meta,
                           via_deadline deadline)
{
    via_stream *stream = self;
    via_status status;
    bool more = meta && (meta->flags & VIA_MORE);
    bool newly_due = false;

    pthread_mutex_lock(&stream->lock);
    status = send_locked(stream, slices, count, more, deadline);
    if (status == VIA_OK)
        stream->sent++;
    if (!more || status != VIA_OK || stream->torn > 0)
        newly_due = become_due(stream);
    leave(stream, newly_due);
    return status;
}

void via_stream_send_unlock(via_stream *stream)
{
    pthread_mutex_unlock(&stream->lock);
    if (atomic_load(&stream->due) && atomic_load(&stream->sleeps))
        via_wake_nudge(&stream->wake);
}

via_status via_stream_send_out(via_stream *stream, via_deadline deadline)
{
    if (stream->send_status != VIA_OK)
        return stream->send_status;
    return write_all(stream, NULL, deadline);
}

bool via_stream_send_due(via_stream *stream)
{
    bool still_due;

    if (pthread_mutex_trylock(&stream->lock) != 0)
        return false;
    if (atomic_load_explicit(&stream->due, memory_order_relaxed))
        (void)via_stream_send_out(stream, VIA_NOW);
    still_due = atomic_load_explicit(&stream->due, memory_order_relaxed);
    pthread_mutex_unlock(&stream->lock);
    return still_due;
}

via_status via_stream_flush(void *self, via_deadline deadline)
{
    via_stream *stream = self;
    via_status status;

    pthread_mutex_lock(&stream->lock);
    status = via_wake_is_raised(&stream->wake) ? VIA_ECANCELED : via_stream_send_out(stream, deadline);
    leave(stream, become_due(stream));
    return status;
}

via_status via_stream_finish(void *self, via_deadline deadline)
{
    via_stream *stream = self;
    via_status status;

    if (atomic_load_explicit(&stream->finished, memory_order_relaxed))
        return VIA_OK;
    if (stream->config.write_fd < 0)
        return VIA_ENOTSUP;
    status = via_stream_flush(stream, deadline);
    if (status != VIA_OK)
        return status;
    atomic_store(&stream->finished, true);
    via_stream_end(stream, VIA_STREAM_OVER_SENDING);
    return stream->config.io->finish(stream);
}

void via_stream_send_idle(via_stream *stream)
{
    if (pthread_mutex_trylock(&stream->lock) != 0)
        return;
    if (stream->out_begin == stream->out_end)
        via_stream_send_fini(stream);
    via_stream_send_unlock(stream);
}

uint64_t via_stream_send_count(const via_stream *stream)
{
    const via_stream_config *config = &stream->config;
    size_t at = stream->torn;
    uint64_t messages = at > stream->out_begin ? 1 : 0;

    while (at < stream->out_end) {
        via_frame frame = {0};

        if (config->framing->parse(stream->out + at, stream->out_end - at, UINT64_MAX, &frame) != VIA_OK)
            return messages + 1;
        at += frame.header + frame.body + frame.trailer;
        if (at > stream->out_begin)
            messages++;
    }
    return messages;
}

void via_stream_send_fini(via_stream *stream)
{
    free(stream->out);
    stream->out = NULL;
    stream->out_capacity = 0;
}
