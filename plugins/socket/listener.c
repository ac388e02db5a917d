/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listener of pairs; see listener.h.
 *
 * Owns: waiting for a dialer. Must never wait for the handshake of one in particular.
 */
#include "listener.h"

#include "channel.h"
#include "handshake.h"
#include "kit/deadline.h"
#include "kit/fail.h"
#include "kit/wake.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct socket_listener {
    const via_host_api *host;
    socket_settings settings;
    socket_listening listening;
    via_acceptor *acceptor;
    via_pollset set;
    via_wake wake;
    pthread_mutex_t lock; /* of the acceptor: one thread accepts while a waitset's arms */
    char *rest;           /* of a unix: address, as it was given */
} socket_listener;

/* ---- opening ------------------------------------------------------------------------------------------------ */

static via_status start(socket_listener *listener, const via_open *open, via_error *error)
{
    socket_address address;
    via_status status = socket_settings_read(listener->host, open, &listener->settings, error);

    if (status == VIA_OK)
        status = socket_address_resolve(listener->host, open, &address, error);
    if (status == VIA_OK)
        status = socket_listening_open(&listener->settings, &address, &listener->listening, error);
    if (status != VIA_OK)
        return status;
    status = socket_handshake_accept_on(&listener->listening, &listener->settings, &listener->set, NULL,
                                        &listener->acceptor, error);
    if (status != VIA_OK)
        socket_listening_close(&listener->listening, VIA_CLOSE_FLUSH);
    return status;
}

/* An interrupt shows on the handle too. */
static via_status watch_wake(socket_listener *listener, via_error *error)
{
    int descriptor = via_wake_descriptor(&listener->wake);

    if (descriptor >= 0 && via_pollset_add(&listener->set, descriptor, EPOLLIN, 0, NULL) == VIA_OK)
        return VIA_OK;
    return via_fail(listener->host, error, via_status_of_errno(errno), errno, "raise the limit of open files",
                    "cannot make an eventfd");
}

static void release(socket_listener *listener)
{
    via_pollset_fini(&listener->set);
    via_wake_fini(&listener->wake);
    (void)pthread_mutex_destroy(&listener->lock);
    free(listener->rest);
    free(listener);
}

via_status socket_listener_open(const via_host_api *host, const via_open *open, void **listener, via_error *error)
{
    socket_listener *made = calloc(1, sizeof(*made));
    via_status status;

    if (!made)
        return via_fail(host, error, VIA_ENOMEM, 0, NULL, "no memory for a listener");
    made->host = host;
    made->set = (via_pollset){-1, -1};
    via_wake_init(&made->wake);
    (void)pthread_mutex_init(&made->lock, NULL);
    made->rest = strdup(open->rest);
    if (!made->rest)
        status = via_fail(host, error, VIA_ENOMEM, 0, NULL, "no memory for a listener");
    else if ((status = via_pollset_init(&made->set, false)) != VIA_OK)
        (void)via_fail(host, error, status, errno, "raise the limit of open files", "cannot make an epoll");
    else
        status = watch_wake(made, error);
    if (status == VIA_OK)
        status = start(made, open, error);
    if (status == VIA_OK)
        *listener = made;
    else
        release(made);
    return status;
}

/* ---- the slots ---------------------------------------------------------------------------------------------- */

static via_status next(socket_listener *listener, socket_connection *connection)
{
    (void)pthread_mutex_lock(&listener->lock);
    via_status status = socket_handshake_next(listener->acceptor, connection);
    (void)pthread_mutex_unlock(&listener->lock);
    return status;
}

static via_status wait_for_next(socket_listener *listener, via_deadline deadline, socket_connection *connection)
{
    for (;;) {
        if (via_wake_is_raised(&listener->wake))
            return VIA_ECANCELED;
        via_status status = next(listener, connection);
        if (status != VIA_ETIMEDOUT || via_deadline_left(deadline) == 0)
            return status; /* strangers may keep the handle readable for ever */
        status = via_wake_poll(&listener->wake, listener->set.main, POLLIN, deadline);
        if (status != VIA_OK)
            return status;
    }
}

static via_status listener_accept(void *self, via_deadline deadline, const via_open *open, void **channel,
                                  via_error *error)
{
    socket_listener *listener = self;
    socket_settings settings = listener->settings;
    socket_connection connection = {-1, 0, false};
    via_status status = wait_for_next(listener, deadline, &connection);
    int code = errno;

    if (status == VIA_ETIMEDOUT || status == VIA_ECANCELED)
        return listener->host->error(error, status, 0, NULL, NULL);
    if (status != VIA_OK)
        return via_fail(listener->host, error, status, code, "raise the limit of open files (ulimit -n)",
                        "cannot accept a connection now; it waits in the backlog");
    settings.context = open->context;
    settings.counters = open->counters;
    status = socket_channel_create_pair(&settings, &connection, channel, error);
    if (status != VIA_OK)
        socket_connection_close(&connection);
    return status;
}

static via_status listener_address(void *self, char *buffer, size_t capacity)
{
    socket_listener *listener = self;
    char text[160];
    int size;

    if (listener->settings.is_unix) {
        size = snprintf(buffer, capacity, "unix:%s", listener->rest);
    } else {
        socket_address_print(&listener->listening.bound, text, sizeof(text));
        size = snprintf(buffer, capacity, "%s", text);
    }
    return size >= 0 && (size_t)size < capacity ? VIA_OK : VIA_EBUFFER;
}

static via_status listener_pollable(void *self, via_poll_handle *out)
{
    socket_listener *listener = self;

    out->kind = VIA_POLL_DESCRIPTOR;
    out->handle = listener->set.main;
    out->wait = VIA_WAIT_READABLE;
    return VIA_OK;
}

static via_status listener_arm(void *self)
{
    socket_listener *listener = self;

    if (via_wake_is_raised(&listener->wake))
        return VIA_EREADY;
    (void)pthread_mutex_lock(&listener->lock);
    bool ready = via_acceptor_ready(listener->acceptor);
    (void)pthread_mutex_unlock(&listener->lock);
    return ready ? VIA_EREADY : VIA_OK;
}

static void listener_interrupt(void *self)
{
    socket_listener *listener = self;

    via_wake_raise(&listener->wake);
}

static void listener_close(void *self, uint32_t how)
{
    socket_listener *listener = self;

    via_acceptor_destroy(listener->acceptor, how);
    socket_listening_close(&listener->listening, how);
    release(listener);
}

const via_listener_ops socket_listener_ops = {
    .size = sizeof(via_listener_ops),
    .accept = listener_accept,
    .address = listener_address,
    .pollable = listener_pollable,
    .arm = listener_arm,
    .interrupt = listener_interrupt,
    .close = listener_close,
};
