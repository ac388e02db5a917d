/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarders to the standard extensions: <viaduct/ext/...>.
 *
 * Owns: finding the table, bounded by its size, and the rules that hold for every send: turns in a crowd, counting.
 */
#include "core/channel.h"
#include "core/send.h"
#include "core/turn.h"
#include <viaduct/ext/handles.h>
#include <viaduct/ext/process.h>
#include <viaduct/ext/region.h>

#include "core/record.h"

/* True if the table is there and reaches as far as the field. */
#define OFFERS(table, type, field)                                                                                     \
    ((table) != NULL && (table)->size >= offsetof(type, field) + sizeof((table)->field) && (table)->field != NULL)

/* ---- via.handles/1 ------------------------------------------------------------------------------------------ */

typedef struct handles_call {
    via_channel *channel;
    const via_handles *table;
    void *self;
    const void *data;
    size_t bytes;
    const intptr_t *handles;
    size_t count;
    via_deadline deadline;
} handles_call;

static via_status attempt_handles(void *argument)
{
    const handles_call *now = argument;
    via_status status = via_send_check(now->channel, NULL);
    if (status != VIA_OK)
        return status;
    status = now->table->send(now->self, now->data, now->bytes, now->handles, now->count, now->deadline);
    if (status == VIA_OK)
        via_lane_count(&now->channel->sender, now->bytes);
    return status;
}

via_status via_handles_send(via_channel *channel, const void *data, size_t bytes, const intptr_t *handles, size_t count,
                            via_deadline deadline)
{
    if (via_context_is_foreign(&channel->context))
        return VIA_EFORK;
    handles_call now = {channel, NULL, NULL, data, bytes, handles, count, deadline};
    now.table = via_extension(channel, VIA_HANDLES_ID, &now.self);
    if (!OFFERS(now.table, via_handles, send))
        return VIA_ENOTSUP;
    if (count > VIA_HANDLES_MAX)
        return VIA_EINVAL;
    if (bytes > channel->max_message)
        return VIA_ETOOBIG;
    if (channel->sender.crowd == NULL) {
        via_lane_begin(&channel->sender);
        const via_status status = attempt_handles(&now);
        return status == VIA_OK ? VIA_OK : via_send_failed(channel, status);
    }
    now.deadline = VIA_NOW;
    via_turn turn = {.channel = channel, .send = attempt_handles, .argument = &now};
    return via_turn_take(&turn, deadline);
}

typedef struct take_call {
    const via_handles *table;
    void *self;
    intptr_t *handles;
    size_t capacity;
    size_t *count;
} take_call;

static via_status take_handles(void *argument)
{
    const take_call *now = argument;
    return now->table->take(now->self, now->handles, now->capacity, now->count);
}

via_status via_handles_take(via_channel *channel, intptr_t *handles, size_t capacity, size_t *count)
{
    if (via_context_is_foreign(&channel->context))
        return VIA_EFORK;
    take_call now = {.handles = handles, .capacity = capacity, .count = count};
    now.table = via_extension(channel, VIA_HANDLES_ID, &now.self);
    if (!OFFERS(now.table, via_handles, take))
        return VIA_ENOTSUP;
    return via_crowd_call(channel->receiver.crowd, take_handles, &now);
}

/* ---- via.process/1 ------------------------------------------------------------------------------------------ */

int64_t via_process_pid(via_channel *channel)
{
    void *self;
    const via_process *table = via_extension(channel, VIA_PROCESS_ID, &self);
    return OFFERS(table, via_process, pid) ? table->pid(self) : -1;
}

via_status via_process_wait(via_channel *channel, via_deadline deadline, via_process_exit *exit)
{
    if (via_context_is_foreign(&channel->context))
        return VIA_EFORK;
    void *self;
    const via_process *table = via_extension(channel, VIA_PROCESS_ID, &self);
    return OFFERS(table, via_process, wait) ? table->wait(self, deadline, exit) : VIA_ENOTSUP;
}

via_status via_process_kill(via_channel *channel, int32_t signal)
{
    if (via_context_is_foreign(&channel->context))
        return VIA_EFORK;
    void *self;
    const via_process *table = via_extension(channel, VIA_PROCESS_ID, &self);
    return OFFERS(table, via_process, kill) ? table->kill(self, signal) : VIA_ENOTSUP;
}

/* ---- via.region/1 ------------------------------------------------------------------------------------------- */

/* Its functions are safe from any thread, so no turn is taken. */
static const via_region *region_of(via_channel *channel, void **self)
{
    return via_context_is_foreign(&channel->context) ? NULL : via_extension(channel, VIA_REGION_ID, self);
}

static via_status no_region(const via_channel *channel)
{
    return via_context_is_foreign(&channel->context) ? VIA_EFORK : VIA_ENOTSUP;
}

via_status via_region_map(via_channel *channel, via_region_view *view)
{
    void *self;
    const via_region *table = region_of(channel, &self);
    via_region_view full = {.size = sizeof(full)};
    if (!OFFERS(table, via_region, map))
        return no_region(channel);
    const via_status status = table->map(self, &full);
    return status == VIA_OK ? via_record_write(view, &full, sizeof(full), sizeof(full)) : status;
}

via_status via_region_lock(via_channel *channel, via_deadline deadline, uint32_t *state)
{
    void *self;
    uint32_t ignored;
    const via_region *table = region_of(channel, &self);
    if (!OFFERS(table, via_region, lock))
        return no_region(channel);
    return table->lock(self, deadline, state != NULL ? state : &ignored);
}

via_status via_region_repaired(via_channel *channel)
{
    void *self;
    const via_region *table = region_of(channel, &self);
    return OFFERS(table, via_region, repaired) ? table->repaired(self) : no_region(channel);
}

via_status via_region_unlock(via_channel *channel)
{
    void *self;
    const via_region *table = region_of(channel, &self);
    return OFFERS(table, via_region, unlock) ? table->unlock(self) : no_region(channel);
}

via_status via_region_notify(via_channel *channel)
{
    void *self;
    const via_region *table = region_of(channel, &self);
    return OFFERS(table, via_region, notify) ? table->notify(self) : no_region(channel);
}

via_status via_region_wait(via_channel *channel, uint64_t *generation, via_deadline deadline)
{
    void *self;
    const via_region *table = region_of(channel, &self);
    return OFFERS(table, via_region, wait) ? table->wait(self, generation, deadline) : no_region(channel);
}

via_status via_region_grow(via_channel *channel, uint64_t bytes)
{
    void *self;
    const via_region *table = region_of(channel, &self);
    return OFFERS(table, via_region, grow) ? table->grow(self, bytes) : no_region(channel);
}
