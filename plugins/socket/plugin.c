/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket plugin: what it offers to the host.
 *
 * Owns: the table of schemes and the dial slot. Must never hold state but the host's table.
 */
#include "channel.h"
#include "dialer.h"
#include "kit/deadline.h"
#include "kit/fail.h"
#include "listener.h"
#include "member.h"

#include <errno.h>
#include <poll.h>

/* The only state is the host's table, which outlives every channel. */
static via_status socket_init(const via_host_api *host, void **state, via_error *error)
{
    (void)error;
    *state = (void *)(uintptr_t)host;
    return VIA_OK;
}

static void socket_fini(void *state)
{
    (void)state;
}

static via_status socket_listen(void *state, const via_open *open, void **listener, via_error *error)
{
    return socket_listener_open(state, open, listener, error);
}

/* Waits for an attempt to be decided. */
static void wait_writable(int descriptor, via_deadline deadline)
{
    struct pollfd state = {.fd = descriptor, .events = POLLOUT};
    struct timespec left;

    (void)ppoll(&state, 1, via_deadline_timespec(deadline, &left), NULL);
}

static via_status connect_until(socket_dialer *dialer, via_deadline deadline, socket_connection *connection,
                                via_error *error)
{
    via_status status;

    while ((status = socket_dialer_step(dialer, connection, error)) == VIA_ETIMEDOUT) {
        if (via_deadline_left(deadline) == 0)
            return via_fail(dialer->settings.host, error, VIA_ENOPEER, ETIMEDOUT,
                            "check address and firewall, or allow more time", "no answer before the deadline");
        wait_writable(dialer->descriptor, deadline);
    }
    return status;
}

static via_status socket_dial(void *state, const via_open *open, void **channel, via_error *error)
{
    socket_settings settings;
    socket_address address;
    socket_dialer dialer;
    socket_connection connection = {-1, 0, false};
    via_status status = socket_settings_read(state, open, &settings, error);

    if (status == VIA_OK && settings.redials)
        return socket_member_join(state, open, channel, error);
    if (status == VIA_OK)
        status = socket_address_resolve(state, open, &address, error);
    if (status != VIA_OK)
        return status;
    socket_dialer_init(&dialer, &settings, &address);
    status = connect_until(&dialer, open->deadline, &connection, error);
    socket_dialer_cancel(&dialer);
    if (status == VIA_OK)
        status = socket_channel_create_pair(&settings, &connection, channel, error);
    if (status != VIA_OK)
        socket_connection_close(&connection);
    return status;
}

static via_status socket_join(void *state, const via_open *open, void **channel, via_error *error)
{
    return socket_member_join(state, open, channel, error);
}

#define SOCKET_TRANSPORT(name)                                                                                         \
    {                                                                                                                  \
        .size = sizeof(via_transport), .patterns = VIA_PATTERN_PAIR | VIA_PATTERN_QUEUE | VIA_PATTERN_TOPIC,           \
        .scheme = (name), .listen = socket_listen, .dial = socket_dial, .join = socket_join,                           \
        .listener_ops = &socket_listener_ops, .channel_ops = &socket_channel_ops,                                      \
    }

static const via_transport socket_transports[] = {
    SOCKET_TRANSPORT("unix"),
    SOCKET_TRANSPORT("tcp"),
};

VIA_PLUGIN("socket", socket_init, socket_fini, socket_transports);
