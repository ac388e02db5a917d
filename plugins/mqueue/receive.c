/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving one message.
 *
 * Owns: the short way, when a receive spins, and the reference whose body could not be had yet. Takes one message at a time out of the queue, so that
 * a receiver that dies takes no more than that with it.
 */
#include "channel.h"

#include "kit/fail.h"

#include <string.h>

enum { LOOK_AFTER = 256 }; /* tries without a pause, until the others are looked at all the same */

typedef struct taking {
    mqueue_buffer *buffer;
    size_t size;
    unsigned priority;
} taking;

/* A queue that was followed to may have larger messages (plain.c). */
static bool make_fit(mqueue_channel *channel, taking *what)
{
    mqueue_buffers_resize(&channel->buffers, channel->in.size);
    mqueue_buffer *larger = mqueue_buffers_take(&channel->buffers, 0);

    if (!larger)
        return false;
    mqueue_buffers_give(&channel->buffers, what->buffer);
    what->buffer = larger;
    return true;
}

static via_status take_now(mqueue_channel *channel, void *argument)
{
    taking *what = argument;

    if (what->buffer->size < channel->in.size && !make_fit(channel, what))
        return VIA_ENOMEM;
    what->size = what->buffer->size;
    return mqueue_kernel_receive(&channel->in, what->buffer->bytes, &what->size, &what->priority);
}

static void look_now_and_then(mqueue_channel *channel)
{
    if (++channel->tries < LOOK_AFTER)
        return;
    channel->tries = 0;
    channel->pattern->look(channel);
}

/* Each look at an empty queue takes its lock, which a sender needs as well. */
static void pause_between_tries(void)
{
    enum { PAUSES = 8 };

    for (int i = 0; i < PAUSES; i++)
        via_spin_pause();
}

/* Going to sleep and being woken takes longer than the message does, so this comes first, as long as it has been worth it lately. */
static via_status take_spinning(mqueue_channel *channel, taking *what, via_deadline until)
{
    via_status status = VIA_ETIMEDOUT;

    while (status == VIA_ETIMEDOUT && via_deadline_left(until) > 0) {
        pause_between_tries();
        if (via_wake_is_raised(&channel->wake))
            return VIA_ECANCELED;
        look_now_and_then(channel);
        status = mqueue_channel_try(channel, VIA_READ, take_now, what);
    }
    return status;
}

static via_status take_later(mqueue_channel *channel, taking *what, via_deadline deadline)
{
    via_spin *spin = &channel->spin;
    via_status status = VIA_ETIMEDOUT;
    uint64_t began = 0;

    if (spin->now_ns > 0 && deadline != VIA_NOW) {
        began = via_deadline_clock();
        status = take_spinning(channel, what, via_spin_until(spin, began, deadline));
    }
    if (status != VIA_ETIMEDOUT)
        return status;
    status = mqueue_channel_try_until(channel, VIA_READ, take_now, what, deadline);
    if (status == VIA_OK && began > 0)
        via_spin_learn(spin, via_deadline_clock() - began);
    return status;
}

/*
 * Who does not spin and found the queue empty the last time will find it so again, as a rule: then a try is saved by sleeping
 * first. Every other time it is made all the same, or a queue that has filled meanwhile would be slept for before each message.
 */
static via_status take(mqueue_channel *channel, taking *what, via_deadline deadline)
{
    if (via_wake_is_raised(&channel->wake))
        return VIA_ECANCELED;
    look_now_and_then(channel);
    if (!channel->is_idle || deadline == VIA_NOW) {
        via_status status = take_now(channel, what);
        if (status != VIA_ETIMEDOUT)
            return status;
    }
    channel->is_idle = !channel->is_idle && channel->spin.most_ns == 0;
    return take_later(channel, what, deadline);
}

static void hand_out(mqueue_buffer *buffer, size_t from, size_t size, unsigned priority, via_msg *out)
{
    *out = (via_msg){.data = buffer->bytes + from, .size = size};
    out->meta.priority = (int32_t)priority;
    out->token[0] = (uintptr_t)buffer;
}

/* ---- large messages ----------------------------------------------------------------------------------------- */

static via_status give_up_pending(mqueue_channel *channel, const char *why)
{
    via_status status = channel->pattern->refuse(channel, why);

    channel->pending.is_there = false;
    return status == VIA_OK ? VIA_EDROPPED : status;
}

/* VIA_OK; VIA_EDROPPED: it was none, and the next one may be one; others: the reference stays for the next call. */
static via_status take_pending(mqueue_channel *channel, via_msg *out)
{
    const mqueue_pending *pending = &channel->pending;

    if (pending->header.size > channel->settings.max_message)
        return give_up_pending(channel, "it is larger than max_message allows here");
    mqueue_buffer *buffer = mqueue_buffers_take(&channel->buffers, (size_t)pending->header.size);
    if (!buffer)
        return VIA_ENOMEM;
    via_status status = channel->pattern->fetch(channel, &pending->header, buffer->bytes);
    if (status == VIA_OK) {
        hand_out(buffer, 0, (size_t)pending->header.size, pending->priority, out);
        channel->pending.is_there = false;
        return VIA_OK;
    }
    mqueue_buffers_give(&channel->buffers, buffer);
    return status == VIA_EPROTO ? give_up_pending(channel, "its body is not there") : status;
}

/* ---- what came out of the queue ----------------------------------------------------------------------------- */

/* VIA_OK: handed out; VIA_EDROPPED: it was no message; others: the channel has ended. The buffer is gone or lent. */
static via_status unwrap(mqueue_channel *channel, const taking *what, via_msg *out)
{
    mqueue_header header;
    const char *why = "";

    if (channel->settings.is_bare) {
        hand_out(what->buffer, 0, what->size, what->priority, out);
        return VIA_OK;
    }
    via_status status = mqueue_header_read(what->buffer->bytes, what->size, &header, &why);
    if (status == VIA_OK && header.kind == MQUEUE_WHOLE) {
        hand_out(what->buffer, MQUEUE_HEADER_SIZE, (size_t)header.size, what->priority, out);
        return VIA_OK;
    }
    mqueue_buffers_give(&channel->buffers, what->buffer);
    if (status != VIA_OK) {
        status = channel->pattern->refuse(channel, why);
        return status == VIA_OK ? VIA_EDROPPED : status;
    }
    channel->pending = (mqueue_pending){true, header, what->priority};
    return take_pending(channel, out);
}

static via_status take_next(mqueue_channel *channel, via_deadline deadline, via_msg *out)
{
    taking what = {.buffer = mqueue_buffers_take(&channel->buffers, 0)};

    if (!what.buffer)
        return VIA_ENOMEM;
    via_status status = take(channel, &what, deadline);
    if (status == VIA_OK)
        return unwrap(channel, &what, out);
    mqueue_buffers_give(&channel->buffers, what.buffer);
    return status;
}

via_status mqueue_channel_receive(void *self, via_deadline deadline, via_msg *out)
{
    mqueue_channel *channel = self;
    via_status status = VIA_EDROPPED;

    if (channel->in.descriptor < 0)
        return VIA_ENOTSUP;
    if (channel->pending.is_there)
        status = take_pending(channel, out);
    while (status == VIA_EDROPPED)
        status = take_next(channel, deadline, out);
    return status;
}

void mqueue_channel_release(void *self, via_msg *message)
{
    mqueue_channel *channel = self;

    mqueue_buffers_give(&channel->buffers, (mqueue_buffer *)message->token[0]);
}
