/* SPDX-License-Identifier: Apache-2.0 */
/*
 * via_recv(), via_release(), via_recv_into().
 *
 * Owns: the message that via_recv_into() keeps: unread because the caller's buffer was too small, or lent because its
 * texts are valid until the next receive. Must never copy a message that the caller did not ask to be copied.
 */
#include "core/channel.h"
#include "core/mark.h"

#include <string.h>

#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

enum { KEPT = VIA_DETOUR_UNREAD | VIA_DETOUR_LENT };

typedef struct call {
    via_channel *channel;
    via_msg *message; /* via_recv */
    void *buffer;     /* via_recv_into, from here on */
    size_t capacity;
    size_t *size;
    via_meta *meta;
    via_deadline deadline; /* of the slot: VIA_NOW in a crowd */
} call;

/* Gives the lent message back: its texts were valid until now. */
static void give_back_lent(via_channel *channel)
{
    if ((via_lane_detours(&channel->receiver) & VIA_DETOUR_LENT) == 0)
        return;
    channel->ops.release(channel->self, &channel->kept);
    via_lane_set(&channel->receiver, VIA_DETOUR_LENT, false);
}

/* A mark on it means that the other end has layers, and what follows is not what was sent. */
static via_status look_at_first(via_channel *channel, via_msg *message)
{
    via_lane_set(&channel->receiver, VIA_DETOUR_FIRST, false);
    if (!via_mark_is_on(message))
        return VIA_OK;
    channel->ops.release(channel->self, message);
    via_lane_set(&channel->receiver, VIA_DETOUR_UNLIKE, true);
    via_mark_fail_plain(&channel->context);
    return VIA_EPROTO;
}

/* The unread message if there is one, else the next from the transport. */
static via_status take(via_channel *channel, via_deadline deadline, via_msg *message)
{
    give_back_lent(channel);
    if ((via_lane_detours(&channel->receiver) & VIA_DETOUR_UNLIKE) != 0)
        return VIA_EPROTO;
    if ((via_lane_detours(&channel->receiver) & VIA_DETOUR_UNREAD) != 0) {
        *message = channel->kept;
        via_lane_set(&channel->receiver, VIA_DETOUR_UNREAD, false);
        return VIA_OK;
    }
    const via_status status = channel->ops.recv(channel->self, deadline, message);
    if (status == VIA_OK && (via_lane_detours(&channel->receiver) & VIA_DETOUR_FIRST) != 0)
        return look_at_first(channel, message);
    return status;
}

static void keep(via_channel *channel, const via_msg *message, uint32_t how)
{
    channel->kept = *message;
    via_lane_set(&channel->receiver, how, true);
}

/* ---- via_recv ----------------------------------------------------------------------------------------------- */

static via_status attempt_recv(void *argument)
{
    const call *now = argument;
    const via_status status = take(now->channel, now->deadline, now->message);
    if (status == VIA_OK)
        via_lane_count(&now->channel->receiver, now->message->size);
    return status;
}

static __attribute__((noinline, cold)) via_status take_detour(via_channel *channel, via_deadline deadline,
                                                              via_msg *message)
{
    call now = {.channel = channel, .message = message, .deadline = deadline};
    if (channel->receiver.crowd == NULL)
        return via_channel_note(channel, attempt_recv(&now));
    now.deadline = VIA_NOW;
    return via_channel_note(channel, via_crowd_run(channel->receiver.crowd, attempt_recv, &now, deadline));
}

via_status via_recv(via_channel *channel, via_deadline deadline, via_msg *message)
{
    if (via_context_is_foreign(&channel->context))
        return VIA_EFORK;
    if (UNLIKELY(via_lane_detours(&channel->receiver) != 0))
        return take_detour(channel, deadline, message);
    const via_status status = channel->ops.recv(channel->self, deadline, message);
    if (UNLIKELY(status != VIA_OK))
        return via_channel_note(channel, status);
    via_lane_count(&channel->receiver, message->size);
    return VIA_OK;
}

static via_status release(void *argument)
{
    const call *now = argument;
    now->channel->ops.release(now->channel->self, now->message);
    return VIA_OK;
}

void via_release(via_channel *channel, via_msg *message)
{
    if (via_context_is_foreign(&channel->context))
        return;
    call now = {.channel = channel, .message = message};
    (void)via_crowd_call(channel->receiver.crowd, release, &now);
    memset(message, 0, sizeof(*message));
}

/* ---- via_recv_into ------------------------------------------------------------------------------------------ */

static bool lends_texts(const call *now, const via_msg *message)
{
    return now->meta != NULL && (message->meta.key != NULL || message->meta.content_type != NULL);
}

static void hand_out(const call *now, via_msg *message)
{
    via_channel *channel = now->channel;
    if (message->size > 0)
        memcpy(now->buffer, message->data, message->size);
    if (now->meta != NULL)
        *now->meta = message->meta;
    via_lane_count(&channel->receiver, message->size);
    if (lends_texts(now, message))
        keep(channel, message, VIA_DETOUR_LENT);
    else
        channel->ops.release(channel->self, message);
}

static via_status attempt_into(void *argument)
{
    const call *now = argument;
    via_msg message;
    const via_status status = take(now->channel, now->deadline, &message);
    if (status != VIA_OK)
        return status;
    *now->size = message.size;
    if (message.size > now->capacity) {
        keep(now->channel, &message, VIA_DETOUR_UNREAD);
        return VIA_EBUFFER;
    }
    hand_out(now, &message);
    return VIA_OK;
}

via_status via_recv_into(via_channel *channel, void *buffer, size_t capacity, size_t *size, via_meta *meta,
                         via_deadline deadline)
{
    if (via_context_is_foreign(&channel->context))
        return VIA_EFORK;
    size_t ignored;
    call now = {.channel = channel,
                .buffer = buffer,
                .capacity = capacity,
                .size = size != NULL ? size : &ignored,
                .meta = meta,
                .deadline = deadline};
    *now.size = 0;
    if (channel->receiver.crowd == NULL)
        return via_channel_note(channel, attempt_into(&now));
    now.deadline = VIA_NOW;
    return via_channel_note(channel, via_crowd_run(channel->receiver.crowd, attempt_into, &now, deadline));
}
