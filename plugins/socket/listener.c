/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listener of pairs; see listener.h.
 *
 * Owns: waiting for a dialer. Must never wait for the handshake of one in particular.
 */
#include "listener.h"

#include "channel.h"
#include "handshake.h"
#include "kit/fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct socket_listener {
    via_gate gate; /* first: it has slots of its own */
    const via_host_api *host;
    socket_settings settings;
    socket_listening listening;
    char *rest; /* of a unix: address, as it was given */
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
    status = socket_handshake_accept_on(&listener->listening, &listener->settings, &listener->gate.set, NULL,
                                        &listener->gate.acceptor, error);
    if (status != VIA_OK)
        socket_listening_close(&listener->listening, VIA_CLOSE_FLUSH);
    return status;
}

static void release(socket_listener *listener)
{
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
    status = via_gate_init(&made->gate, host, error);
    made->rest = strdup(open->rest);
    if (status == VIA_OK && !made->rest)
        status = via_fail(host, error, VIA_ENOMEM, 0, NULL, "no memory for a listener");
    if (status == VIA_OK)
        status = start(made, open, error);
    if (status == VIA_OK) {
        *listener = made;
        return VIA_OK;
    }
    via_gate_fini(&made->gate, VIA_CLOSE_FLUSH);
    release(made);
    return status;
}

/* ---- the slots ---------------------------------------------------------------------------------------------- */

static via_status listener_accept(void *self, via_deadline deadline, const via_open *open, void **channel,
                                  via_error *error)
{
    socket_listener *listener = self;
    socket_settings settings = listener->settings;
    socket_connection connection = {-1, 0, false};
    via_status status = socket_handshake_wait(&listener->gate, deadline, &connection, error);

    if (status != VIA_OK)
        return status;
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

static void listener_close(void *self, uint32_t how)
{
    socket_listener *listener = self;

    via_gate_fini(&listener->gate, how);
    socket_listening_close(&listener->listening, how);
    release(listener);
}

const via_listener_ops socket_listener_ops = {
    .size = sizeof(via_listener_ops),
    .accept = listener_accept,
    .address = listener_address,
    .pollable = via_gate_pollable,
    .arm = via_gate_arm,
    .interrupt = via_gate_interrupt,
    .close = listener_close,
};
