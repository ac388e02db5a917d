/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking part in a queue or topic; see member.h.
 *
 * Owns: an acceptor or a dialer, whichever the side needs. Must never move a message: that is the hub's.
 */
#include "member.h"
#include "channel.h"
#include "dialer.h"
#include "handshake.h"
#include "kit/fail.h"
#include "kit/hub.h"
#include "kit/text.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct socket_port {
    socket_settings settings;
    socket_listening listening;
    via_acceptor *acceptor; /* NULL = this side connects */
    socket_dialer dialer;
    const via_pollset *set;
    void *tag;
    int watched; /* the dialer's descriptor in the set, or -1 */
} socket_port;

/* ---- binding ------------------------------------------------------------------------------------------------ */

static via_status port_accept(void *user, via_stream_config *out)
{
    socket_port *port = user;
    socket_connection connection;
    via_status status = socket_handshake_next(port->acceptor, &connection);

    if (status == VIA_OK)
        socket_connection_describe(&port->settings, &connection, out);
    return status;
}

static void port_hold(void *user, bool full)
{
    socket_port *port = user;

    via_acceptor_hold(port->acceptor, full);
}

static via_status bind_watch(void *user, const via_pollset *set, void *tag)
{
    socket_port *port = user;
    via_error ignored;

    via_error_init(&ignored);
    return socket_handshake_accept_on(&port->listening, &port->settings, set, tag, &port->acceptor, &ignored);
}

static void bind_close(void *user, uint32_t how)
{
    socket_port *port = user;

    via_acceptor_destroy(port->acceptor, how);
    socket_listening_close(&port->listening, how);
    free(port);
}

/* ---- connecting --------------------------------------------------------------------------------------------- */

/* The descriptor of an attempt is in the set only while nobody knows how it ends. */
static void watch_attempt(socket_port *port, bool wanted)
{
    if (port->watched >= 0 && (!wanted || port->watched != port->dialer.descriptor)) {
        via_pollset_remove(port->set, port->watched);
        port->watched = -1;
    }
    if (wanted && port->watched < 0 &&
        via_pollset_add(port->set, port->dialer.descriptor, EPOLLOUT, 0, port->tag) == VIA_OK)
        port->watched = port->dialer.descriptor;
}

static via_status port_connect(void *user, via_stream_config *out, via_error *error)
{
    socket_port *port = user;
    socket_connection connection;

    watch_attempt(port, false);
    via_status status = socket_dialer_step(&port->dialer, &connection, error);
    if (status == VIA_ETIMEDOUT)
        watch_attempt(port, true);
    if (status == VIA_OK)
        socket_connection_describe(&port->settings, &connection, out);
    return status;
}

static via_status connect_watch(void *user, const via_pollset *set, void *tag)
{
    socket_port *port = user;

    port->set = set;
    port->tag = tag;
    return VIA_OK;
}

static void connect_close(void *user, uint32_t how)
{
    socket_port *port = user;

    if (how != VIA_CLOSE_FORKED)
        watch_attempt(port, false);
    socket_dialer_cancel(&port->dialer);
    free(port);
}

/* ---- joining ------------------------------------------------------------------------------------------------ */

static const via_hub_port bind_port = {
    .accept = port_accept,
    .watch = bind_watch,
    .hold = port_hold,
    .close = bind_close,
};

static const via_hub_port connect_port = {
    .connect = port_connect,
    .watch = connect_watch,
    .close = connect_close,
};

static via_status make_port(const via_host_api *host, const via_open *open, socket_port *port, via_error *error)
{
    socket_address address;
    via_status status = socket_settings_read(host, open, &port->settings, error);

    if (status == VIA_OK)
        status = socket_address_resolve(host, open, &address, error);
    if (status != VIA_OK)
        return status;
    if (open->side == VIA_SIDE_BIND)
        return socket_listening_open(&port->settings, &address, &port->listening, error);
    socket_dialer_init(&port->dialer, &port->settings, &address);
    return VIA_OK;
}

static void describe_hub(const via_open *open, socket_port *port, via_hub_config *config)
{
    const socket_connection nobody = {-1, port->settings.protocol, false};

    socket_connection_describe(&port->settings, &nobody, &config->stream);
    config->port = open->side == VIA_SIDE_BIND ? &bind_port : &connect_port;
    config->user = port;
    config->role = open->role;
    config->overflow = (uint32_t)via_option_find(open, "overflow")->number;
    config->queue_limit = (uint64_t)via_option_find(open, "queue_limit")->number;
    config->reconnect_ns = port->settings.reconnect_ns;
    config->peer_limit = open->role == VIA_PAIR ? 1 : (uint32_t)via_option_find(open, "peers")->number;
    if (open->side == VIA_SIDE_BIND && open->role == VIA_PUBLISH && port->settings.speaks_sp) {
        config->greeting_ns = port->settings.handshake_ns;
        config->greeting_limit = port->settings.handshake_limit;
    }
    config->filter = via_option_find(open, "filter")->text;
    config->key_delimiter = via_option_find(open, "key_delimiter")->text;
}

via_status socket_member_join(const via_host_api *host, const via_open *open, void **channel, via_error *error)
{
    socket_port *port = calloc(1, sizeof(*port));
    via_hub_config config = {0};
    void *hub = NULL;
    char address[160] = "";

    if (!port)
        return via_fail(host, error, VIA_ENOMEM, 0, NULL, "no memory for a channel");
    port->watched = -1;
    via_status status = make_port(host, open, port, error);
    if (status != VIA_OK) {
        free(port);
        return status;
    }
    describe_hub(open, port, &config);
    if (open->side == VIA_SIDE_BIND && !port->settings.is_unix)
        socket_address_print(&port->listening.bound, address, sizeof(address));
    status = via_hub_create(&config, open->deadline, &hub, error);
    if (status != VIA_OK) /* the port went with it */
        return status;
    status = socket_channel_create_hub(host, hub, open->role == VIA_PAIR, address, channel, error);
    if (status != VIA_OK)
        via_hub_close(hub, VIA_CLOSE_FLUSH);
    return status;
}
