/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending one message.
 *
 * Owns: the short way, which is one system call. A message is in the queue whole or not at all, so nothing is ever kept here, and
 * VIA_MORE gathers nothing.
 */
#include "channel.h"

#include "kit/fail.h"

#include <stdlib.h>
#include <string.h>

typedef struct letter {
    const void *data;
    size_t size;
    unsigned priority;
} letter;

static via_status send_now(mqueue_channel *channel, void *argument)
{
    const letter *what = argument;

    return mqueue_kernel_send(&channel->out, what->data, what->size, what->priority);
}

static via_status post(mqueue_channel *channel, const letter *what, via_deadline deadline)
{
    if (atomic_load_explicit(&channel->write_state, memory_order_relaxed) == VIA_OK &&
        !via_wake_is_raised(&channel->wake)) {
        via_status status = mqueue_kernel_send(&channel->out, what->data, what->size, what->priority);
        if (status != VIA_ETIMEDOUT)
            return status;
    }
    return mqueue_channel_try_until(channel, VIA_WRITE, send_now, (void *)(uintptr_t)what, deadline);
}

static void gather(unsigned char *to, const via_slice *slices, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slices[i].size > 0)
            memcpy(to, slices[i].data, slices[i].size);
        to += slices[i].size;
    }
}

/* A queue that was followed to may have larger messages (plain.c). */
static bool make_fit(mqueue_channel *channel)
{
    if (channel->outbox_size >= channel->out.size)
        return true;
    unsigned char *larger = realloc(channel->outbox, channel->out.size);
    if (!larger)
        return false;
    channel->outbox = larger;
    channel->outbox_size = channel->out.size;
    return true;
}

/* A program that knows nothing of us reads it: the bytes and no others. */
static via_status send_bare(mqueue_channel *channel, const mqueue_load *load, via_deadline deadline)
{
    if (load->size > channel->out.size)
        return VIA_ETOOBIG;
    if (!make_fit(channel))
        return VIA_ENOMEM;
    letter what = {channel->outbox, (size_t)load->size, load->priority};
    if (load->count == 1)
        what.data = load->slices[0].size > 0 ? load->slices[0].data : (const void *)channel->outbox;
    else
        gather(channel->outbox, load->slices, load->count);
    return post(channel, &what, deadline);
}

static via_status send_whole(mqueue_channel *channel, const mqueue_load *load, via_deadline deadline)
{
    const mqueue_header header = {.kind = MQUEUE_WHOLE, .size = load->size};
    size_t at = mqueue_header_write(&header, channel->outbox);
    letter what = {channel->outbox, at + (size_t)load->size, load->priority};

    gather(channel->outbox + at, load->slices, load->count);
    return post(channel, &what, deadline);
}

static via_status refuse_priority(mqueue_channel *channel, int32_t priority)
{
    via_note(channel->settings.host, channel->settings.context, VIA_LOG_WARNING,
             "priority %d is refused: a message queue has 0 (normal) to %d (most urgent)", priority,
             MQUEUE_PRIORITIES - 1);
    return VIA_EINVAL;
}

via_status mqueue_channel_send(void *self, const via_slice *slices, size_t count, const via_meta *meta,
                               via_deadline deadline)
{
    mqueue_channel *channel = self;
    mqueue_load load = {.slices = slices, .count = count};

    if (channel->out.descriptor < 0)
        return VIA_ENOTSUP;
    if (meta && (meta->priority < 0 || meta->priority >= MQUEUE_PRIORITIES))
        return refuse_priority(channel, meta->priority);
    load.priority = meta ? (unsigned)meta->priority : 0;
    for (size_t i = 0; i < count; i++)
        load.size += slices[i].size;
    if (channel->settings.is_bare)
        return send_bare(channel, &load, deadline);
    if (load.size + MQUEUE_HEADER_SIZE <= channel->out.size)
        return send_whole(channel, &load, deadline);
    return channel->pattern->send_large(channel, &load, deadline);
}
