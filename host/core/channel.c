/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making and freeing channels, their handles and their arming.
 *
 * Owns: the life of the object. What goes through it is in send.c, receive.c and loan.c, its end in ending.c.
 */
#include "core/channel.h"

#include "core/loan.h"
#include "core/record.h"
#include "core/turn.h"
#include "core/waitset.h"
#include "kit/error.h"
#include <stdlib.h>
#include <string.h>

/* ---- making and freeing ------------------------------------------------------------------------------------- */

via_channel *via_channel_create(via_route *route)
{
    const via_channel_ops *ops = route->transport->channel_ops;
    via_channel *channel = aligned_alloc(VIA_CACHE_LINE, sizeof(*channel));
    if (channel == NULL)
        return NULL;
    memset(channel, 0, sizeof(*channel));
    channel->slot = via_slot_take();
    if (channel->slot == NULL) {
        free(channel);
        return NULL;
    }
    channel->sender.counts = &channel->slot->sender;
    channel->receiver.counts = &channel->slot->receiver;
    via_context_init(&channel->context, route);
    channel->max_message = route->resolved.max_message;
    channel->sender.short_limit = channel->max_message < UINT64_MAX ? channel->max_message + 1 : UINT64_MAX;
    channel->lends = ops->loan != NULL; /* negotiated: all of loan, commit, discard, or none */
    channel->ops = *ops;
    if (route->resolved.stack_id == 0)
        via_lane_set(&channel->receiver, VIA_DETOUR_FIRST, true);
    return channel;
}

/* Asked once, alone: the handle is constant, and both crowds sleep on it. */
static via_status ask_for_work(via_channel *channel, via_crowd *crowd)
{
    via_poll_handle handle = {.size = sizeof(handle)};
    const via_status status = channel->ops.pollable(channel->self, VIA_WORK, &handle);
    if (status == VIA_OK)
        crowd->work = handle;
    return status == VIA_ENOTSUP ? VIA_OK : status;
}

static via_crowd *make_crowd(via_channel *channel, uint32_t event, via_status *status)
{
    via_crowd *crowd = calloc(1, sizeof(*crowd));
    *status = crowd != NULL ? via_crowd_init(crowd) : VIA_ENOMEM;
    if (*status != VIA_OK) {
        free(crowd);
        return NULL;
    }
    crowd->poll_event = event;
    crowd->object = channel->self;
    crowd->pollable = channel->ops.pollable;
    crowd->arm = channel->ops.arm;
    crowd->is_interrupted = &channel->context.is_interrupted;
    *status = ask_for_work(channel, crowd);
    return crowd;
}

static via_status admit_many(via_channel *channel)
{
    via_status status = VIA_OK;
    channel->sender.crowd = make_crowd(channel, VIA_WRITE, &status);
    if (status != VIA_OK)
        return status;
    channel->receiver.crowd = make_crowd(channel, VIA_READ, &status);
    if (status != VIA_OK)
        return status;
    via_lane_set(&channel->sender, VIA_DETOUR_MANY, true);
    via_lane_set(&channel->receiver, VIA_DETOUR_MANY, true);
    atomic_store(&channel->context.crowds[0], channel->sender.crowd);
    atomic_store(&channel->context.crowds[1], channel->receiver.crowd);
    via_turn_init(channel);
    return VIA_OK;
}

static via_status put_layers(via_channel *channel, void *self, via_error *error)
{
    channel->self = self;
    if (channel->context.route->layer_count == 0)
        return VIA_OK;
    const via_status status =
        via_stack_create(&channel->context, &channel->slot->counters, self, &channel->stack, error);
    if (status != VIA_OK)
        return status;
    channel->self = via_stack_top(channel->stack);
    channel->ops = via_inner_ops;
    channel->lends = via_stack_top(channel->stack)->lends;
    return VIA_OK;
}

/* From now on others see it. */
static void show(via_channel *channel)
{
    via_slot *slot = channel->slot;
    via_peer_info peer = {.size = sizeof(peer), .pid = -1};
    if (slot->is_private)
        return;
    if (channel->ops.peer(channel->self, &peer) == VIA_OK)
        slot->peer_pid = peer.pid;
    channel->ops.refresh_counters(channel->self);
    via_route_describe_slot(channel->context.route, slot);
    via_slot_show(slot, VIA_SLOT_CHANNEL);
}

via_status via_channel_start(via_channel *channel, void *self, via_error *error)
{
    via_status status = put_layers(channel, self, error);
    if (status != VIA_OK)
        return status;
    status = channel->context.route->resolved.threads == VIA_MANY ? admit_many(channel) : VIA_OK;
    if (status == VIA_OK) {
        show(channel);
        return VIA_OK;
    }
    channel->ops.close(channel->self, VIA_CLOSE_FLUSH);
    return via_error_set(error, status, VIA_STAGE_OPEN, "raise the limit of open files (ulimit -n), or close some",
                         "%s: no event for threads=many: %s", channel->context.route->resolved.address,
                         via_status_text(status));
}

static void free_crowd(via_crowd *crowd, bool is_foreign)
{
    if (crowd == NULL)
        return;
    via_crowd_fini(crowd, is_foreign);
    free(crowd);
}

void via_channel_free(via_channel *channel)
{
    const bool is_foreign = via_context_is_foreign(&channel->context);
    free_crowd(channel->sender.crowd, is_foreign);
    free_crowd(channel->receiver.crowd, is_foreign);
    via_loan_forget(channel);
    via_stack_free(channel->stack);
    via_slot_give(channel->slot, is_foreign);
    via_context_fini(&channel->context);
    free(channel);
}

/* Those that end a channel (plugin.h). VIA_ESTALLED does not: who has stopped may go on. */
via_status via_channel_note(via_channel *channel, via_status status)
{
    if (status == VIA_EPEER || status == VIA_EPROTO || status == VIA_EIO)
        via_context_fail(&channel->context, status, 0, NULL, NULL);
    return status;
}

/* ---- handles and arming ------------------------------------------------------------------------------------- */

static via_crowd *crowd_of(const via_channel *channel, uint32_t event)
{
    return event == VIA_READ ? channel->receiver.crowd : channel->sender.crowd;
}

via_status via_channel_ask_handle(via_channel *channel, uint32_t event, via_poll_handle *handle)
{
    via_crowd *crowd = crowd_of(channel, event);
    if (crowd == NULL)
        return channel->ops.pollable(channel->self, event, handle);
    via_mutex_take(&crowd->lock);
    const via_status status = channel->ops.pollable(channel->self, event, handle);
    via_mutex_give(&crowd->lock);
    return status;
}

typedef struct arming {
    via_channel *channel;
    uint32_t event;
} arming;

/* A buffer for loans is kept for a sender at work, not for an idle channel. */
static via_status arm(void *argument)
{
    via_channel *channel = ((const arming *)argument)->channel;
    const uint32_t event = ((const arming *)argument)->event;
    if (event == VIA_READ && (via_lane_detours(&channel->receiver) & (VIA_DETOUR_UNREAD | VIA_DETOUR_UNLIKE)) != 0)
        return VIA_EREADY;
    const via_status status = channel->ops.arm(channel->self, event);
    if (status == VIA_OK)
        via_loan_forget(channel);
    return status;
}

via_status via_channel_arm_event(via_channel *channel, uint32_t event)
{
    arming now = {channel, event};
    if (via_context_is_interrupted(&channel->context))
        return event == VIA_WORK ? VIA_ENOENT : VIA_EREADY;
    return via_crowd_call(event == VIA_WORK ? NULL : crowd_of(channel, event), arm, &now);
}

static bool is_event(uint32_t event)
{
    return event == VIA_READ || event == VIA_WRITE || event == VIA_WORK;
}

via_status via_pollable(via_channel *channel, uint32_t event, via_poll_handle *handle)
{
    if (via_context_is_foreign(&channel->context))
        return VIA_EFORK;
    via_poll_handle full = {.size = sizeof(full)};
    if (!is_event(event) || handle->size < sizeof(full))
        return VIA_EINVAL;
    const via_status status = via_channel_ask_handle(channel, event, &full);
    if (status != VIA_OK)
        return status;
    return via_record_write(handle, &full, sizeof(full), sizeof(full));
}

via_status via_arm(via_channel *channel, uint32_t event)
{
    if (via_context_is_foreign(&channel->context))
        return VIA_EFORK;
    return is_event(event) ? via_channel_arm_event(channel, event) : VIA_EINVAL;
}
