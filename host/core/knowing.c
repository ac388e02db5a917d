/* SPDX-License-Identifier: Apache-2.0 */
/*
 * via_peer(), via_info(), via_stats(), via_failure(), via_extension().
 *
 * Owns: what an application can find out about a channel. Must never change anything in it.
 */
#include "core/channel.h"
#include "core/record.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

via_status via_peer(via_channel *channel, via_peer_info *info)
{
    if (via_context_is_foreign(&channel->context))
        return VIA_EFORK;
    via_peer_info full;
    memset(&full, 0, sizeof(full));
    full.size = sizeof(full);
    full.pid = full.uid = full.gid = -1;
    const via_status status = channel->ops.peer(channel->self, &full);
    if (status != VIA_OK)
        return status;
    return via_record_write(info, &full, sizeof(full), offsetof(via_peer_info, pid));
}

static void describe(const via_channel *channel, via_channel_info *info)
{
    const via_route *route = channel->context.route;
    const via_resolved *resolved = &route->resolved;
    memset(info, 0, sizeof(*info));
    info->size = sizeof(*info);
    info->pattern = resolved->pattern;
    info->role = resolved->role;
    info->side = resolved->side;
    info->threads = resolved->threads;
    info->flags = resolved->info_flags & ~(uint32_t)VIA_INFO_LOAN_NATIVE;
    if (channel->lends)
        info->flags |= VIA_INFO_LOAN_NATIVE;
    info->max_message = resolved->max_message;
    (void)snprintf(info->plugin, sizeof(info->plugin), "%s", route->loaded->name);
    (void)snprintf(info->scheme, sizeof(info->scheme), "%s", resolved->scheme);
    (void)snprintf(info->endpoint, sizeof(info->endpoint), "%s", resolved->endpoint != NULL ? resolved->endpoint : "");
    (void)snprintf(info->address, sizeof(info->address), "%s", resolved->address);
}

via_status via_info(via_channel *channel, via_channel_info *info)
{
    if (via_context_is_foreign(&channel->context))
        return VIA_EFORK;
    via_channel_info full;
    describe(channel, &full);
    channel->ops.info(channel->self, &full);
    return via_record_write(info, &full, sizeof(full), offsetof(via_channel_info, max_message));
}

/* A snapshot, word by word: the plugin may count meanwhile. */
static void read_counters(const via_counters *from, via_counters *to)
{
    const uint64_t *source = &from->sent_messages;
    uint64_t *target = &to->sent_messages;
    const size_t count = (sizeof(*from) - offsetof(via_counters, sent_messages)) / sizeof(uint64_t);
    for (size_t i = 0; i < count; i++)
        target[i] = __atomic_load_n(&source[i], __ATOMIC_RELAXED);
}

via_status via_stats(via_channel *channel, via_counters *counters)
{
    if (via_context_is_foreign(&channel->context))
        return VIA_EFORK;
    via_counters full = {.size = sizeof(full)};
    channel->ops.refresh_counters(channel->self);
    read_counters(&channel->slot->counters, &full);
    full.sent_messages = atomic_load_explicit(&channel->slot->sender.messages, memory_order_relaxed);
    full.sent_bytes = atomic_load_explicit(&channel->slot->sender.bytes, memory_order_relaxed);
    full.received_messages = atomic_load_explicit(&channel->slot->receiver.messages, memory_order_relaxed);
    full.received_bytes = atomic_load_explicit(&channel->slot->receiver.bytes, memory_order_relaxed);
    return via_record_write(counters, &full, sizeof(full), offsetof(via_counters, sent_messages));
}

via_status via_failure(via_channel *channel, via_error *error)
{
    if (via_context_is_foreign(&channel->context))
        return VIA_EFORK;
    const via_error *failure = atomic_load(&channel->context.failure);
    if (failure == NULL) {
        via_error_init(error);
        return VIA_ENOENT;
    }
    *error = *failure;
    return VIA_OK;
}

const void *via_extension(via_channel *channel, const char *id, void **self)
{
    void *found = NULL;
    const void *table = NULL;
    if (!via_context_is_foreign(&channel->context) && id != NULL)
        table = channel->ops.extension(channel->self, id, &found);
    if (self != NULL)
        *self = found;
    return table;
}
