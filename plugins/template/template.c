/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A complete transport in one file, to copy and change: the pair pattern over a Unix-domain stream socket.
 *
 * Owns: how a name becomes a socket, how a listener waits, how a dialer connects. The rest comes from the kit: a via_stream
 * does framing, gathering, deadlines, kept tails, interruption and polling for any pair of descriptors, so a plugin for
 * a serial line or a device changes template_dial() and little else. Must never include anything but <viaduct/...>, the
 * kit's headers and the system's, and never link libviaduct: what it needs from the host comes in via_host_api.
 */
#include "kit/fail.h"
#include "kit/plain.h"
#include "kit/runtime.h"
#include "kit/stream_open.h"
#include "kit/text.h"
#include "kit/unix_name.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAITING_DIALERS = 128, OWNER_ONLY = 0600, PATH_SIZE = 108 };

/* `state` in every opening slot is what init made: here only the host's functions. */
typedef struct template_listener {
    const via_host_api *host;
    via_unix_name name; /* the socket that listens */
    via_wake wake;      /* wakes whoever sleeps in accept when the listener is interrupted */
    char rest[128];     /* of the address, as it was given */
} template_listener;

/* The socket file of the name in `open->rest`: $XDG_RUNTIME_DIR/viaduct/NAME.template, or an absolute path. */
static via_status find_path(const via_host_api *host, const via_open *open, char path[PATH_SIZE], via_error *error)
{
    char *name = NULL;

    via_status status = via_text_decode(open->rest, &name);
    if (status != VIA_OK)
        return via_fail(host, error, status, 0, "write % as %25", "'%s' is not percent-encoded rightly", open->rest);
    status = via_runtime_path(host, name, ".template", path, PATH_SIZE, error);
    free(name);
    return status;
}

/* ---- channels ----------------------------------------------------------------------------------------------- */

/* Makes a channel of a connected socket, which is the channel's from now on, or closed. */
static via_status make_channel(const via_host_api *host, const via_open *open, int fd, void **channel, via_error *error)
{
    const via_stream_ends ends = {&via_stream_io_socket, fd, fd, &via_framing_length32};
    return via_stream_open(host, open, &ends, channel, error);
}

/* Never waits: where nobody listens the kit says VIA_ENOPEER, and the host tries again until the deadline. */
static via_status template_dial(void *state, const via_open *open, void **channel, via_error *error)
{
    const via_host_api *host = state;
    char path[PATH_SIZE];
    int fd = -1;

    via_status status = find_path(host, open, path, error);
    if (status == VIA_OK)
        status = via_unix_name_dial(host, path, SOCK_STREAM, &fd, error);
    if (status != VIA_OK)
        return status;
    (void)fcntl(fd, F_SETFL, 0); /* a stream's socket blocks: the kit asks for MSG_DONTWAIT where it must not wait */
    return make_channel(host, open, fd, channel, error);
}

/* ---- listeners ---------------------------------------------------------------------------------------------- */

static via_status start(template_listener *listener, const via_open *open, via_error *error)
{
    const via_host_api *host = listener->host;
    char path[PATH_SIZE];

    via_status status = find_path(host, open, path, error);
    if (status == VIA_OK)
        status = via_unix_name_take(host, path, SOCK_STREAM, OWNER_ONLY, &listener->name, error);
    if (status != VIA_OK || listen(listener->name.descriptor, WAITING_DIALERS) == 0)
        return status;
    int code = errno;
    via_unix_name_give_up(&listener->name, VIA_CLOSE_FLUSH);
    return via_fail(host, error, via_status_of_errno(code), code, NULL, "%s cannot be listened on", path);
}

static via_status template_listen(void *state, const via_open *open, void **out, via_error *error)
{
    template_listener *listener = calloc(1, sizeof(*listener));

    if (!listener)
        return via_fail(state, error, VIA_ENOMEM, 0, NULL, "no memory for a listener");
    listener->host = state;
    via_wake_init(&listener->wake);
    (void)snprintf(listener->rest, sizeof(listener->rest), "%s", open->rest);
    via_status status = start(listener, open, error);
    if (status == VIA_OK) {
        *out = listener;
        return VIA_OK;
    }
    via_wake_fini(&listener->wake);
    free(listener);
    return status;
}

static via_status template_accept(void *self, via_deadline deadline, const via_open *open, void **channel,
                                  via_error *error)
{
    template_listener *listener = self;

    for (;;) {
        int fd = accept4(listener->name.descriptor, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            return make_channel(listener->host, open, fd, channel, error);
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            return via_fail(listener->host, error, via_status_of_errno(errno), errno, NULL, "no connection to be had");
        via_status status = via_wake_poll(&listener->wake, listener->name.descriptor, POLLIN, deadline);
        if (status != VIA_OK)
            return status;
    }
}

static via_status template_address(void *self, char *buffer, size_t capacity)
{
    const template_listener *listener = self;
    int size = snprintf(buffer, capacity, "template:%s", listener->rest);
    return size < 0 || (size_t)size >= capacity ? VIA_EBUFFER : VIA_OK;
}

static via_status template_pollable(void *self, via_poll_handle *out)
{
    const template_listener *listener = self;

    out->kind = VIA_POLL_DESCRIPTOR;
    out->handle = listener->name.descriptor;
    out->wait = VIA_WAIT_READABLE;
    return VIA_OK;
}

/* A listening socket is level-triggered: there is nothing to clear, and a dialer that came meanwhile shows at once. */
static via_status template_arm(void *self)
{
    const template_listener *listener = self;
    return via_wake_is_raised(&listener->wake) ? VIA_EREADY : VIA_OK;
}

static void template_interrupt(void *self)
{
    template_listener *listener = self;
    via_wake_raise(&listener->wake);
}

/* In a forked child the name is still the parent's: only memory and descriptors go. */
static void template_close(void *self, uint32_t how)
{
    template_listener *listener = self;

    via_unix_name_give_up(&listener->name, how);
    via_wake_fini(&listener->wake);
    free(listener);
}

/* ---- the plugin --------------------------------------------------------------------------------------------- */

static const via_listener_ops listener_ops = {
    .size = sizeof(via_listener_ops),
    .accept = template_accept,
    .address = template_address,
    .pollable = template_pollable,
    .arm = template_arm,
    .interrupt = template_interrupt,
    .close = template_close,
};

static const via_transport transports[] = {
    {
        .size = sizeof(via_transport),
        .patterns = VIA_PATTERN_PAIR,
        .scheme = "template",
        .listen = template_listen,
        .dial = template_dial,
        .listener_ops = &listener_ops,
        .channel_ops = &via_stream_ops,
    },
};

VIA_PLUGIN("template", via_plain_init, via_plain_fini, transports);
