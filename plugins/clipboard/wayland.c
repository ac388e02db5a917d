/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Wayland backend: the table, and what one turn of the worker is.
 *
 * Owns: making and freeing the state, the order of things in a turn, and the end of the channel when the connection is
 * broken. See wayland.h.
 */
#include "wayland.h"

#include "kit/fail.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void free_all(wayland *self)
{
    wayland_fetch_fini(self);
    wayland_look_fini(self);
    wayland_serve_fini(self);
    wayland_publish_fini(self);
    wayland_selection_fini(self);
    wayland_disconnect(self);
    wayland_library_close(&self->library);
    free(self);
}

/* The library's lock may be held for ever by a thread that is not here: nothing of it is called, and its memory stays. */
static void free_forked(wayland *self)
{
    self->is_forked = true;
    if (self->descriptor >= 0)
        close(self->descriptor);
    self->display = NULL;
    self->library.handle = NULL;
    free_all(self);
}

static via_status choose_selection(wayland *self, const char *name, via_error *error)
{
    self->is_primary = strcmp(name, "primary") == 0;
    if (self->is_primary || strcmp(name, "clipboard") == 0)
        return VIA_OK;
    return via_fail(self->host, error, VIA_ENOTSUP, 0, "use clipboard: or clipboard:primary, or backend=embedded",
                    "a Wayland seat has the selections \"clipboard\" and \"primary\" and no \"%s\"", name);
}

static via_status wayland_open(const clip_settings *settings, const clip_events *events, void *core,
                               via_deadline deadline, void **opened, via_error *error)
{
    wayland *self = calloc(1, sizeof(*self));
    via_status status;

    if (!self)
        return via_fail(settings->host, error, VIA_ENOMEM, 0, NULL, "no memory for a clipboard");
    self->events = events;
    self->core = core;
    self->host = settings->host;
    self->context = settings->context;
    self->reply_ns = settings->reply_ns;
    self->idle_ns = settings->idle_ns;
    self->transfer_ns = settings->transfer_ns;
    self->max_size = settings->max_size;
    self->descriptor = -1;
    self->is_empty = true;
    status = choose_selection(self, settings->name, error);
    if (status == VIA_OK)
        status = wayland_library_open(&self->library, self->host, error);
    if (status == VIA_OK)
        status = wayland_connect(self, settings->display, deadline, error);
    if (status == VIA_OK)
        *opened = self;
    else
        free_all(self);
    return status;
}

static void fail(wayland *self, via_status status, const char *what, const char *mend)
{
    self->has_failed = true;
    self->events->failed(self->core, status, 0, what, mend);
}

static void fail_if_broken(wayland *self, bool is_connected)
{
    if (self->has_failed)
        return;
    if (!is_connected) {
        char what[256];
        const char *mend;
        const via_status status = wayland_reason(self, what, sizeof(what), &mend);

        fail(self, status, what, mend);
    } else if (self->broken != VIA_OK) {
        fail(self, self->broken, "no memory for what the Wayland compositor tells", NULL);
    }
}

static size_t wayland_wants(void *backend, struct pollfd *set, via_deadline *until)
{
    wayland *self = backend;

    *until = VIA_FOREVER;
    if (self->has_failed)
        return 0;
    if (!self->is_told || self->broken != VIA_OK)
        *until = VIA_NOW;
    set[0] = (struct pollfd){.fd = self->descriptor, .events = (short)(POLLIN | (self->is_clogged ? POLLOUT : 0))};
    size_t count = 1;
    count += wayland_fetch_wants(self, set + count, until);
    return count + wayland_serve_wants(self, set + count, until);
}

/* The compositor first: what it tells may end what is under way. */
static void wayland_work(void *backend, const struct pollfd *set, size_t count)
{
    wayland *self = backend;
    bool is_connected = true;

    if (self->has_failed)
        return;
    wayland_tell_start(self);
    if (wayland_revents(set, count, self->descriptor) & (POLLIN | POLLHUP | POLLERR))
        is_connected = wayland_read(self);
    if (is_connected) {
        wayland_fetch_work(self, set, count);
        wayland_serve_work(self, set, count);
        wayland_publish_next(self);
        wayland_look_go_on(self);
        is_connected = wayland_flush(self);
    }
    fail_if_broken(self, is_connected);
}

static void wayland_offer_slot(void *backend, clip_content *content, uint64_t number)
{
    wayland *self = backend;

    if (self->has_failed)
        return;
    wayland_tell_start(self);
    wayland_publish(self, content, number);
    (void)wayland_flush(self); /* a broken connection is seen by the next turn */
}

static bool wayland_withdraw_slot(void *backend, uint64_t number)
{
    wayland *self = backend;

    if (self->has_failed)
        return false;
    wayland_withdraw(self, number);
    (void)wayland_flush(self);
    return false;
}

static void wayland_fetch_slot(void *backend, uint64_t ticket, const char *type)
{
    wayland *self = backend;

    if (self->has_failed)
        return;
    wayland_tell_start(self);
    wayland_fetch_begin(self, ticket, type);
}

static void wayland_look_slot(void *backend, uint64_t ticket)
{
    wayland *self = backend;

    if (self->has_failed)
        return;
    wayland_tell_start(self);
    wayland_look_begin(self, ticket);
    (void)wayland_flush(self);
}

static void wayland_cancel_slot(void *backend, uint64_t ticket)
{
    wayland_fetch_cancel(backend, ticket);
}

/* The compositor keeps nothing, and a manager, if one runs, has taken its copy when we set the content. */
static bool wayland_hand_over(void *backend)
{
    (void)backend;
    return false;
}

static void wayland_close(void *backend, uint32_t how)
{
    if (how == VIA_CLOSE_FORKED)
        free_forked(backend);
    else
        free_all(backend);
}

const clip_backend clip_wayland = {
    .name = "wayland",
    .open = wayland_open,
    .wants = wayland_wants,
    .work = wayland_work,
    .offer = wayland_offer_slot,
    .withdraw = wayland_withdraw_slot,
    .fetch = wayland_fetch_slot,
    .look = wayland_look_slot,
    .cancel = wayland_cancel_slot,
    .hand_over = wayland_hand_over,
    .close = wayland_close,
};
