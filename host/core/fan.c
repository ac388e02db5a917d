/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several listeners as one.
 *
 * Why no wake-up is lost: the handles of the parts are level-triggered and stay in the poller, so what comes after a part was
 * armed shows on the poller's handle; what came before makes the arming say so.
 */
#include "core/fan.h"

#include "core/channel.h"
#include "kit/error.h"
#include <stdlib.h>
#include <string.h>

enum { EVENT_TAG = 0, BATCH = 4 };

/* ---- making and freeing ------------------------------------------------------------------------------------- */

static void free_fan(via_fan *fan, uint32_t how)
{
    for (size_t i = 0; i < fan->count; i++) {
        if (fan->spares[i] != NULL)
            via_channel_free(fan->spares[i]);
        via_listener_end(fan->parts[i], how);
    }
    via_event_close(fan->event);
    via_poller_close(fan->poller); /* in a child it is the parent's too: what is in it has to stay */
    free(fan);
}

static via_status add_part(via_fan *fan, size_t index)
{
    via_poll_handle handle = {.size = sizeof(handle)};
    const via_status status = via_listener_ask_handle(fan->parts[index], VIA_READ, &handle);
    if (status != VIA_OK)
        return status;
    if (handle.kind != VIA_POLL_DESCRIPTOR)
        return VIA_ENOTSUP;
    return via_poller_add(fan->poller, handle.handle, handle.wait, index + 1);
}

static via_status start(via_fan *fan, int32_t *os_code)
{
    via_status status = via_poller_open(&fan->poller, os_code);
    if (status == VIA_OK)
        status = via_event_open(&fan->event, os_code);
    if (status == VIA_OK)
        status = via_poller_add(fan->poller, fan->event, VIA_WAIT_READABLE, EVENT_TAG);
    for (size_t i = 0; i < fan->count && status == VIA_OK; i++)
        status = add_part(fan, i);
    return status;
}

static void end_parts(via_listener *const *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        via_listener_end(parts[i], VIA_CLOSE_FLUSH);
}

via_status via_fan_create(via_listener *whole, via_listener *const *parts, size_t count, via_fan **out,
                          via_error *error)
{
    int32_t os_code = 0;
    via_fan *fan = calloc(1, sizeof(*fan));
    if (fan == NULL) {
        end_parts(parts, count);
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_OPEN, "free some memory", "out of memory for a listener");
    }
    memcpy(fan->parts, parts, count * sizeof(*parts));
    fan->count = count;
    fan->poller = VIA_POLLER_NONE;
    fan->event = VIA_EVENT_NONE;
    for (size_t i = 0; i < count; i++)
        parts[i]->context.whole = &whole->context; /* what its plugin says wakes the waitset of the whole */
    const via_status status = start(fan, &os_code);
    if (status == VIA_OK) {
        *out = fan;
        return VIA_OK;
    }
    free_fan(fan, VIA_CLOSE_FLUSH);
    (void)via_error_set(error, status, VIA_STAGE_OPEN, "raise the limit of open files (ulimit -n), or close some",
                        "cannot wait for several listeners at once: %s", via_status_text(status));
    via_error_os(error, os_code);
    return status;
}

/* ---- accepting ---------------------------------------------------------------------------------------------- */

static via_status ask_part(via_fan *fan, size_t index, void **self, via_error *error)
{
    via_listener *part = fan->parts[index];
    via_open open;
    if (fan->spares[index] == NULL)
        fan->spares[index] = via_channel_create(part->context.route);
    via_channel *channel = fan->spares[index];
    if (channel == NULL)
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_OPEN, "free some memory", "out of memory for a channel");
    via_route_describe(part->context.route, &channel->context, &channel->slot->counters, VIA_NOW, &open);
    const via_status status = part->ops.accept(part->self, VIA_NOW, &open, self, error);
    return status == VIA_OK || status == VIA_ETIMEDOUT ? status : via_route_fail(part->context.route, status, error);
}

via_status via_fan_try(via_fan *fan, via_channel **channel, void **self, via_error *error)
{
    for (size_t i = 0; i < fan->count; i++) {
        const size_t index = (fan->next + i) % fan->count;
        via_error_init(error);
        const via_status status = ask_part(fan, index, self, error);
        if (status == VIA_ETIMEDOUT)
            continue;
        fan->next = (index + 1) % fan->count;
        if (status != VIA_OK)
            return status;
        *channel = fan->spares[index];
        fan->spares[index] = NULL;
        return VIA_OK;
    }
    return VIA_ETIMEDOUT;
}

static via_status arm(void *object)
{
    const via_fan *fan = object;
    for (size_t i = 0; i < fan->count; i++) {
        const via_status status = fan->parts[i]->ops.arm(fan->parts[i]->self);
        if (status != VIA_OK)
            return status;
    }
    return VIA_OK;
}

via_status via_fan_wait(via_fan *fan, via_deadline deadline)
{
    uint64_t tags[BATCH];
    size_t count = 0;
    const via_status status = arm(fan);
    if (status != VIA_OK)
        return status == VIA_EREADY ? VIA_OK : status;
    return via_poller_wait(fan->poller, tags, BATCH, &count, deadline);
}

/* ---- the rest ----------------------------------------------------------------------------------------------- */

via_status via_fan_address(const via_fan *fan, size_t index, char *buffer, size_t capacity)
{
    if (index >= fan->count)
        return VIA_ENOENT;
    return fan->parts[index]->ops.address(fan->parts[index]->self, buffer, capacity);
}

static via_status first_address(void *object, char *buffer, size_t capacity)
{
    return via_fan_address(object, 0, buffer, capacity);
}

static via_status pollable(void *object, via_poll_handle *handle)
{
    const via_fan *fan = object;
    handle->kind = VIA_POLL_DESCRIPTOR;
    handle->handle = fan->poller;
    handle->wait = VIA_WAIT_READABLE;
    return VIA_OK;
}

static void interrupt(void *object)
{
    via_fan *fan = object;
    for (size_t i = 0; i < fan->count; i++)
        fan->parts[i]->ops.interrupt(fan->parts[i]->self);
    via_event_raise(fan->event);
}

static void end(void *object, uint32_t how)
{
    free_fan(object, how);
}

const via_listener_ops via_fan_ops = {
    .size = sizeof(via_listener_ops),
    .address = first_address,
    .pollable = pollable,
    .arm = arm,
    .interrupt = interrupt,
    .close = end,
};
