/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transport over a library that has a thread of its own and calls back with what has arrived.
 *
 * Owns: the channel, and the two directions of it: what the vendor's thread hands in goes through the kit's inbox, which
 * keeps that thread waiting while it is full; what is sent goes straight to the vendor, and waits for `room` where that has
 * none. The manifest says "threads": true. Must never call an application's code, or the host, from the vendor's thread.
 */
#include "vendor.h"

#include "kit/fail.h"
#include "kit/inbox.h"
#include "kit/plain.h"
#include "kit/room.h"
#include "kit/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { INBOX_MOST = 64 };

typedef struct my_callback_channel {
    vendor_bus *bus;
    via_inbox inbox;
    via_room room; /* shows whether a send is worth a try */
    via_wake wake; /* ends the waiting of whoever sleeps here when the channel is interrupted */
    uint64_t max_message;
} my_callback_channel;

/* ---- what the vendor's thread calls ------------------------------------------------------------------------- */

/* Waits while the application does not keep up: the vendor's thread is the vendor's queue. */
static void on_message(void *user, const void *data, size_t size)
{
    my_callback_channel *channel = user;
    const via_status status = via_inbox_put(&channel->inbox, data, size);
    (void)status; /* the channel is being closed: nobody wants it any more */
}

static void on_room(void *user)
{
    const my_callback_channel *channel = user;
    via_room_show(&channel->room, true);
}

/* ---- slots -------------------------------------------------------------------------------------------------- */

static size_t size_of(const via_slice *slices, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += slices[i].size;
    return size;
}

/* The vendor wants one piece of memory. */
static unsigned char *join(const via_slice *slices, size_t count, size_t size)
{
    unsigned char *bytes = malloc(size > 0 ? size : 1);
    size_t at = 0;

    for (size_t i = 0; bytes && i < count; at += slices[i++].size)
        if (slices[i].size > 0)
            memcpy(bytes + at, slices[i].data, slices[i].size);
    return bytes;
}

/* Says first that there is no room, so that a callback in between is not lost. */
static via_status give(my_callback_channel *channel, const void *bytes, size_t size, via_deadline deadline)
{
    for (;;) {
        if (via_wake_is_raised(&channel->wake))
            return VIA_ECANCELED;
        via_room_show(&channel->room, false);
        if (vendor_send(channel->bus, bytes, size)) {
            via_room_show(&channel->room, true);
            return VIA_OK;
        }
        if (errno != EAGAIN)
            return via_status_of_errno(errno);
        const via_status status = via_room_wait(&channel->room, &channel->wake, deadline);
        if (status != VIA_OK)
            return status;
    }
}

static via_status my_callback_send(void *self, const via_slice *slices, size_t count, const via_meta *meta,
                                   via_deadline deadline)
{
    my_callback_channel *channel = self;
    const size_t size = size_of(slices, count);

    (void)meta; /* the wire carries the bytes only, and the manifest says so */
    if (size > channel->max_message)
        return VIA_ETOOBIG;
    unsigned char *bytes = join(slices, count, size);
    if (!bytes)
        return VIA_ENOMEM;
    const via_status status = give(channel, bytes, size, deadline);
    free(bytes);
    return status;
}

static via_status my_callback_recv(void *self, via_deadline deadline, via_msg *out)
{
    my_callback_channel *channel = self;
    return via_inbox_recv(&channel->inbox, &channel->wake, deadline, out);
}

static void my_callback_release(void *self, via_msg *message)
{
    (void)self;
    via_inbox_release(message);
}

static via_status my_callback_pollable(void *self, uint32_t event, via_poll_handle *out)
{
    const my_callback_channel *channel = self;

    if (event == VIA_WORK) /* nothing is ever held back */
        return VIA_ENOTSUP;
    out->kind = VIA_POLL_DESCRIPTOR;
    out->handle = event == VIA_READ ? channel->inbox.descriptor : channel->room.descriptor;
    out->wait = VIA_WAIT_READABLE;
    return VIA_OK;
}

static via_status my_callback_arm(void *self, uint32_t event)
{
    my_callback_channel *channel = self;

    if (event == VIA_WORK)
        return VIA_ENOENT;
    if (via_wake_is_raised(&channel->wake))
        return VIA_EREADY;
    if (event == VIA_READ)
        return via_inbox_arm(&channel->inbox);
    return via_room_is_shown(&channel->room) ? VIA_EREADY : VIA_OK;
}

static void my_callback_interrupt(void *self)
{
    my_callback_channel *channel = self;
    via_wake_raise(&channel->wake);
}

/* In a forked child the vendor's thread is not there, and its locks may be held by nobody: descriptors and memory only. */
static void my_callback_close(void *self, uint32_t how)
{
    my_callback_channel *channel = self;

    if (how == VIA_CLOSE_FORKED) {
        via_inbox_forget(&channel->inbox);
    } else {
        via_inbox_shut(&channel->inbox);
        vendor_close(channel->bus);
        via_inbox_fini(&channel->inbox);
    }
    via_wake_fini(&channel->wake);
    via_room_fini(&channel->room);
    free(channel);
}

/* ---- opening ------------------------------------------------------------------------------------------------ */

static via_status start(my_callback_channel *channel, const via_host_api *host, const char *name, via_error *error)
{
    const vendor_callbacks callbacks = {on_message, on_room, channel};

    if (via_room_init(&channel->room) != VIA_OK)
        return via_fail(host, error, VIA_ELIMIT, errno, "raise ulimit -n", "no descriptor for a channel");
    if (via_inbox_init(&channel->inbox, INBOX_MOST) != VIA_OK) {
        via_room_fini(&channel->room);
        return via_fail(host, error, VIA_ELIMIT, errno, "raise ulimit -n", "no descriptor for a channel");
    }
    channel->bus = vendor_open(name, &callbacks);
    if (channel->bus)
        return VIA_OK;
    const int code = errno;
    via_inbox_fini(&channel->inbox);
    via_room_fini(&channel->room);
    return via_fail(host, error, via_status_of_errno(code), code, NULL, "the bus %s cannot be opened", name);
}

static via_status my_callback_dial(void *state, const via_open *request, void **out, via_error *error)
{
    my_callback_channel *channel = calloc(1, sizeof(*channel));
    char *name = NULL;

    if (!channel)
        return via_fail(state, error, VIA_ENOMEM, 0, NULL, "no memory for a channel");
    channel->max_message = request->max_message;
    via_wake_init(&channel->wake);
    via_status status = via_text_decode(request->rest, &name);
    if (status != VIA_OK)
        status =
            via_fail(state, error, status, 0, "write % as %25", "'%s' is not percent-encoded rightly", request->rest);
    else
        status = start(channel, state, name, error);
    free(name);
    if (status == VIA_OK)
        *out = channel;
    else
        free(channel);
    return status;
}

static const via_channel_ops channel_ops = {
    .size = sizeof(via_channel_ops),
    .send = my_callback_send,
    .recv = my_callback_recv,
    .release = my_callback_release,
    .pollable = my_callback_pollable,
    .arm = my_callback_arm,
    .interrupt = my_callback_interrupt,
    .close = my_callback_close,
};

static const via_transport transports[] = {
    {
        .size = sizeof(via_transport),
        .patterns = VIA_PATTERN_PAIR,
        .scheme = "my-callback",
        .dial = my_callback_dial,
        .channel_ops = &channel_ops,
    },
};

VIA_PLUGIN("my_callback", via_plain_init, via_plain_fini, transports);
