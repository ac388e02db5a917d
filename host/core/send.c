/* SPDX-License-Identifier: Apache-2.0 */
/*
 * via_send() and via_sendv().
 *
 * Owns: the short path. It must stay free of allocation, locks and system calls: one load for the fork word, one
 * comparison for the size and all detours, one for the texts, one indirect call, three counters.
 * tests/bench/host_cost counts its instructions.
 */
#include "core/send.h"

#include "core/turn.h"
#include <string.h>

enum { SLICE_LIMIT = 1024, TEXT_LIMIT = 255 };

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

typedef struct call {
    via_channel *channel;
    const via_slice *slices;
    size_t count;
    size_t size;
    const via_meta *meta;
} call;

static bool is_short(const char *text)
{
    return text == NULL || strnlen(text, TEXT_LIMIT + 1) <= TEXT_LIMIT;
}

via_status via_send_check(const via_channel *channel, const via_meta *meta)
{
    if ((via_lane_detours(&channel->sender) & VIA_DETOUR_FINISHED) != 0)
        return VIA_EINVAL;
    if (meta != NULL && !(is_short(meta->key) && is_short(meta->content_type)))
        return VIA_EINVAL;
    return VIA_OK;
}

__attribute__((noinline, cold)) via_status via_send_failed(via_channel *channel, via_status status)
{
    via_lane_fail(&channel->sender, status);
    return via_channel_note(channel, status);
}

/* One try, made by whoever's turn it is. */
static via_status attempt(void *argument)
{
    const call *now = argument;
    via_status status = via_send_check(now->channel, now->meta);
    if (status != VIA_OK)
        return status;
    status = now->channel->ops.send(now->channel->self, now->slices, now->count, now->meta, VIA_NOW);
    if (status == VIA_OK)
        via_lane_count(&now->channel->sender, now->size);
    return status;
}

/* The order of the arguments is the slot's, so that the short path need not move them. */
static __attribute__((noinline, cold)) via_status take_detour(via_channel *channel, const via_slice *slices,
                                                              size_t count, const via_meta *meta, via_deadline deadline,
                                                              size_t size)
{
    if (size > channel->max_message)
        return VIA_ETOOBIG;
    if (channel->sender.crowd != NULL) {
        call now = {channel, slices, count, size, meta};
        via_turn turn = {
            .channel = channel, .send = attempt, .argument = &now, .flags = meta != NULL ? meta->flags : 0};
        return via_turn_take(&turn, deadline);
    }
    via_status status = via_send_check(channel, meta);
    if (status != VIA_OK)
        return status;
    via_lane_begin(&channel->sender);
    status = channel->ops.send(channel->self, slices, count, meta, deadline);
    if (status != VIA_OK)
        return via_send_failed(channel, status);
    via_lane_count(&channel->sender, size);
    return VIA_OK;
}

static inline bool has_texts(const via_meta *meta)
{
    return meta != NULL && (meta->key != NULL || meta->content_type != NULL);
}

static inline bool is_short_way(const via_channel *channel, size_t size, const via_meta *meta)
{
    return LIKELY(size < channel->sender.short_limit && !has_texts(meta));
}

via_status via_send_slices(via_channel *channel, const via_slice *slices, size_t count, size_t size,
                           const via_meta *meta, via_deadline deadline)
{
    if (!is_short_way(channel, size, meta))
        return take_detour(channel, slices, count, meta, deadline, size);
    via_lane_begin(&channel->sender);
    const via_status status = channel->ops.send(channel->self, slices, count, meta, deadline);
    if (UNLIKELY(status != VIA_OK))
        return via_send_failed(channel, status);
    via_lane_count(&channel->sender, size);
    return VIA_OK;
}

/*
 * Written out for one slice: this is the call that the measurement is about. The slice is read back after the call so
 * that the size needs no register of its own; it holds no array for a stack protector to guard.
 */
__attribute__((no_stack_protector)) via_status via_send(via_channel *channel, const void *data, size_t size,
                                                        const via_meta *meta, via_deadline deadline)
{
    if (via_context_is_foreign(&channel->context))
        return VIA_EFORK;
    via_slice slice = {data, size};
    if (!is_short_way(channel, size, meta))
        return take_detour(channel, &slice, 1, meta, deadline, size);
    via_lane_begin(&channel->sender);
    const via_status status = channel->ops.send(channel->self, &slice, 1, meta, deadline);
    if (UNLIKELY(status != VIA_OK))
        return via_send_failed(channel, status);
    via_lane_count(&channel->sender, slice.size);
    return VIA_OK;
}

via_status via_sendv(via_channel *channel, const via_slice *slices, size_t count, const via_meta *meta,
                     via_deadline deadline)
{
    if (via_context_is_foreign(&channel->context))
        return VIA_EFORK;
    if (count > SLICE_LIMIT)
        return VIA_EINVAL;
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (__builtin_add_overflow(size, slices[i].size, &size))
            return VIA_ETOOBIG;
    }
    return via_send_slices(channel, slices, count, size, meta, deadline);
}
