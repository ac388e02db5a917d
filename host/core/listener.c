/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listener in one place, via_accept() and the rest of the listener's calls; via_listen() is in core/listen.c.
 */
#include "core/listener.h"

#include "core/channel.h"
#include "core/fan.h"
#include "core/record.h"
#include "core/waitset.h"
#include "kit/error.h"
#include "platform/clock.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- making and freeing ------------------------------------------------------------------------------------- */

static via_status crowd_handle(void *object, uint32_t event, via_poll_handle *handle)
{
    (void)event;
    const via_listener *listener = object;
    return listener->ops.pollable(listener->self, handle);
}

static via_status crowd_arm(void *object, uint32_t event)
{
    (void)event;
    const via_listener *listener = object;
    return listener->ops.arm(listener->self);
}

static via_status admit_many(via_listener *listener)
{
    via_crowd *crowd = calloc(1, sizeof(*crowd));
    const via_status status = crowd != NULL ? via_crowd_init(crowd) : VIA_ENOMEM;
    if (status != VIA_OK) {
        free(crowd);
        return status;
    }
    crowd->poll_event = VIA_READ;
    crowd->object = listener;
    crowd->pollable = crowd_handle;
    crowd->arm = crowd_arm;
    crowd->is_interrupted = &listener->context.is_interrupted;
    listener->crowd = crowd;
    return VIA_OK;
}

void via_listener_free(via_listener *listener)
{
    if (listener->crowd != NULL)
        via_crowd_fini(listener->crowd, via_context_is_foreign(&listener->context));
    free(listener->crowd);
    via_slot_give(listener->slot, via_context_is_foreign(&listener->context));
    via_context_fini(&listener->context);
    free(listener);
}

static bool can_listen(const via_route *route)
{
    return route->transport->listen != NULL && route->transport->listener_ops != NULL;
}

static via_status open_listener(via_listener *listener, via_error *error)
{
    const via_route *route = listener->context.route;
    via_open open;
    if (!can_listen(route)) {
        (void)via_error_set(error, VIA_ENOTSUP, VIA_STAGE_OPEN, "dial it instead",
                            "%s: nobody can listen on scheme '%s'", route->resolved.address, route->resolved.scheme);
        return via_route_fail(route, VIA_ENOTSUP, error);
    }
    memcpy(&listener->ops, route->transport->listener_ops, sizeof(listener->ops));
    via_route_describe(route, &listener->context, &listener->slot->counters, VIA_NOW, &open);
    const via_log *outer = via_context_log_enter(route->log);
    const via_status status = route->transport->listen(route->loaded->state, &open, &listener->self, error);
    (void)via_context_log_enter(outer);
    return status == VIA_OK ? VIA_OK : via_route_fail(route, status, error);
}

via_listener *via_listener_create(via_route *route, via_error *error)
{
    via_listener *listener = calloc(1, sizeof(*listener));
    via_slot *slot = via_slot_take();
    if (listener == NULL || slot == NULL) {
        free(listener);
        via_slot_give(slot, false);
        (void)via_error_set(error, VIA_ENOMEM, VIA_STAGE_OPEN, "free some memory", "out of memory for a listener");
        return NULL;
    }
    listener->slot = slot;
    via_context_init(&listener->context, route);
    return listener;
}

via_listener *via_listener_open(via_route *route, via_error *error)
{
    via_listener *listener = via_listener_create(route, error);
    if (listener == NULL)
        return NULL;
    if (open_listener(listener, error) == VIA_OK) {
        via_route_describe_slot(route, listener->slot);
        via_slot_show(listener->slot, VIA_SLOT_LISTENER);
        via_route_note(route, "listening");
        return listener;
    }
    via_listener_free(listener);
    return NULL;
}

void via_listener_end(via_listener *listener, uint32_t how)
{
    listener->ops.close(listener->self, how);
    via_listener_free(listener);
}

via_status via_listener_finish(via_listener *listener, via_error *error)
{
    if (listener->context.route->resolved.threads != VIA_MANY)
        return VIA_OK;
    const via_status admitted = admit_many(listener);
    if (admitted == VIA_OK)
        return VIA_OK;
    return via_error_set(error, admitted, VIA_STAGE_OPEN, "raise the limit of open files (ulimit -n), or close some",
                         "%s: no event for threads=many: %s", listener->context.route->resolved.address,
                         via_status_text(admitted));
}

void via_listener_close(via_listener *listener)
{
    if (listener == NULL)
        return;
    const bool is_foreign = via_context_is_foreign(&listener->context);
    via_waitset_forget(&listener->context);
    via_listener_end(listener, is_foreign ? VIA_CLOSE_FORKED : VIA_CLOSE_FLUSH);
}

/* ---- accepting ---------------------------------------------------------------------------------------------- */

typedef struct call {
    const via_listener *listener;
    const via_open *open;
    void **self;
    via_error *error;
    via_deadline deadline; /* of the slot: VIA_NOW in a crowd */
} call;

static via_status attempt_accept(void *argument)
{
    const call *now = argument;
    return now->listener->ops.accept(now->listener->self, now->deadline, now->open, now->self, now->error);
}

static via_status accept_self(via_listener *listener, via_channel *channel, via_deadline deadline, void **self,
                              via_error *error)
{
    via_open open;
    const via_route *route = listener->context.route;
    via_route_describe(route, &channel->context, &channel->slot->counters, deadline, &open);
    call now = {listener, &open, self, error, deadline};
    via_status status;
    if (listener->crowd == NULL) {
        status = attempt_accept(&now);
    } else {
        now.deadline = VIA_NOW;
        status = via_crowd_run(listener->crowd, attempt_accept, &now, deadline);
    }
    if (status == VIA_ETIMEDOUT && error->what[0] == '\0')
        (void)via_error_set(error, status, VIA_STAGE_OPEN, "look whether dialers use this very address, or wait longer",
                            "%s: nobody dialled until the deadline", route->resolved.address);
    return status == VIA_OK ? VIA_OK : via_route_fail(route, status, error);
}

static via_status accept_one(via_listener *listener, via_deadline deadline, via_channel **channel, void **self,
                             via_error *error)
{
    *channel = via_channel_create(listener->context.route);
    if (*channel == NULL)
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_OPEN, "free some memory", "out of memory for a channel");
    const via_status status = accept_self(listener, *channel, deadline, self, error);
    if (status == VIA_OK)
        return VIA_OK;
    via_channel_free(*channel);
    return status;
}

/* ---- accepting in several places ---------------------------------------------------------------------------- */

typedef struct wide_call {
    via_listener *listener;
    via_channel **channel;
    void **self;
    via_error *error;
} wide_call;

static via_status attempt_any(void *argument)
{
    const wide_call *now = argument;
    if (via_context_is_interrupted(&now->listener->context))
        return VIA_ECANCELED;
    return via_fan_try(now->listener->fan, now->channel, now->self, now->error);
}

static via_status wait_for_any(wide_call *now, via_deadline deadline)
{
    via_status status = attempt_any(now);
    while (status == VIA_ETIMEDOUT && !via_clock_has_passed(deadline)) {
        status = via_fan_wait(now->listener->fan, deadline);
        if (status == VIA_OK || status == VIA_ETIMEDOUT)
            status = attempt_any(now);
    }
    return status;
}

static via_status accept_any(via_listener *listener, via_deadline deadline, via_channel **channel, void **self,
                             via_error *error)
{
    wide_call now = {listener, channel, self, error};
    const via_status status = listener->crowd == NULL ? wait_for_any(&now, deadline)
                                                      : via_crowd_run(listener->crowd, attempt_any, &now, deadline);
    if (status == VIA_ETIMEDOUT)
        return via_error_set(error, status, VIA_STAGE_OPEN, "look whether dialers use this very name, or wait longer",
                             "%s and %zu more: nobody dialled until the deadline",
                             listener->context.route->resolved.address, listener->fan->count - 1);
    if (status == VIA_OK || error->what[0] != '\0')
        return status;
    return via_route_fail(listener->context.route, status, error);
}

via_status via_accept(via_listener *listener, via_deadline deadline, via_channel **out, via_error *given)
{
    via_error scratch;
    via_error *error = given != NULL ? given : &scratch;
    via_channel *channel = NULL;
    void *self = NULL;
    via_error_init(error);
    *out = NULL;
    if (via_context_is_foreign(&listener->context))
        return via_error_set(error, VIA_EFORK, VIA_STAGE_OPEN, "listen anew in the child",
                             "this listener belongs to the parent process");
    via_status status = listener->fan != NULL ? accept_any(listener, deadline, &channel, &self, error)
                                              : accept_one(listener, deadline, &channel, &self, error);
    if (status != VIA_OK)
        return status;
    status = via_channel_start(channel, self, error);
    if (status != VIA_OK) {
        via_channel_free(channel);
        return status;
    }
    via_route_note(channel->context.route, "accepted");
    via_error_init(error);
    *out = channel;
    return VIA_OK;
}

/* ---- the rest ----------------------------------------------------------------------------------------------- */

via_status via_listener_ask_handle(via_listener *listener, uint32_t event, via_poll_handle *handle)
{
    if (event != VIA_READ)
        return VIA_ENOTSUP;
    return listener->ops.pollable(listener->self, handle);
}

static via_status arm(void *argument)
{
    const via_listener *listener = argument;
    return listener->ops.arm(listener->self);
}

via_status via_listener_arm_event(via_listener *listener, uint32_t event)
{
    if (event != VIA_READ)
        return VIA_ENOENT;
    if (via_context_is_interrupted(&listener->context))
        return VIA_EREADY;
    return via_crowd_call(listener->crowd, arm, listener);
}

via_status via_listener_pollable(via_listener *listener, via_poll_handle *handle)
{
    if (via_context_is_foreign(&listener->context))
        return VIA_EFORK;
    via_poll_handle full = {.size = sizeof(full)};
    const via_status status = via_listener_ask_handle(listener, VIA_READ, &full);
    return status == VIA_OK ? via_record_write(handle, &full, sizeof(full), sizeof(full)) : status;
}

via_status via_listener_arm(via_listener *listener)
{
    return via_context_is_foreign(&listener->context) ? VIA_EFORK : via_listener_arm_event(listener, VIA_READ);
}

via_status via_listener_address(via_listener *listener, char *buffer, size_t capacity)
{
    if (via_context_is_foreign(&listener->context))
        return VIA_EFORK;
    return listener->ops.address(listener->self, buffer, capacity);
}

via_status via_listener_next_address(via_listener *listener, size_t *cursor, char *buffer, size_t capacity)
{
    if (via_context_is_foreign(&listener->context))
        return VIA_EFORK;
    via_status status = VIA_ENOENT;
    if (listener->fan != NULL)
        status = via_fan_address(listener->fan, *cursor, buffer, capacity);
    else if (*cursor == 0)
        status = listener->ops.address(listener->self, buffer, capacity);
    if (status == VIA_OK)
        ++*cursor;
    return status;
}

void via_listener_interrupt(via_listener *listener)
{
    if (via_context_is_foreign(&listener->context))
        return;
    const int kept = errno;
    atomic_store(&listener->context.is_interrupted, true);
    if (listener->crowd != NULL)
        via_crowd_interrupt(listener->crowd);
    listener->ops.interrupt(listener->self);
    via_context_notify(&listener->context);
    errno = kept;
}
