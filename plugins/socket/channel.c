/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host holds as a channel; see channel.h.
 *
 * Owns: handing each slot to the stream or to the hub. Must never know how a connection was made.
 */
#include "channel.h"

#include "kit/fail.h"
#include "kit/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- making ------------------------------------------------------------------------------------------------- */

static via_status start_pair(socket_channel *channel, const socket_settings *settings,
                             const socket_connection *connection)
{
    via_stream_config config = {0};

    socket_connection_describe(settings, connection, &config);
    if (settings->handles) {
        config.io = &socket_handles_io;
        channel->handles = socket_handles_create(&channel->stream);
        if (!channel->handles)
            return VIA_ENOMEM;
    }
    return via_stream_init(&channel->stream, &config);
}

via_status socket_channel_create_pair(const socket_settings *settings, const socket_connection *connection,
                                      void **channel, via_error *error)
{
    socket_channel *made = calloc(1, sizeof(*made));
    via_status status = made ? start_pair(made, settings, connection) : VIA_ENOMEM;

    if (status != VIA_OK) {
        if (made)
            socket_handles_destroy(made->handles);
        free(made);
        return via_fail(settings->host, error, status, 0, NULL, "cannot set up a channel");
    }
    *channel = made;
    return VIA_OK;
}

via_status socket_channel_create_hub(const via_host_api *host, void *hub, bool is_pair, const char *address,
                                     void **channel, via_error *error)
{
    socket_channel *made = calloc(1, sizeof(*made));

    if (!made)
        return via_fail(host, error, VIA_ENOMEM, 0, NULL, "no memory for a channel");
    made->hub = hub;
    made->is_pair = is_pair;
    (void)snprintf(made->address, sizeof(made->address), "%s", address);
    *channel = made;
    return VIA_OK;
}

/* ---- the slots ---------------------------------------------------------------------------------------------- */

static via_status channel_send(void *self, const via_slice *slices, size_t count, const via_meta *meta,
                               via_deadline deadline)
{
    socket_channel *channel = self;

    return channel->hub ? via_hub_send(channel->hub, slices, count, meta, deadline)
                        : via_stream_send(&channel->stream, slices, count, meta, deadline);
}

static via_status receive_with_handles(socket_channel *channel, via_deadline deadline, via_msg *out)
{
    via_status status = via_stream_recv(&channel->stream, deadline, out);

    if (status == VIA_OK)
        socket_handles_next_message(channel->handles);
    return status;
}

static via_status channel_recv(void *self, via_deadline deadline, via_msg *out)
{
    socket_channel *channel = self;

    if (channel->hub)
        return via_hub_recv(channel->hub, deadline, out);
    return channel->handles ? receive_with_handles(channel, deadline, out)
                            : via_stream_recv(&channel->stream, deadline, out);
}

static void channel_release(void *self, via_msg *message)
{
    socket_channel *channel = self;

    if (channel->hub)
        via_hub_release(channel->hub, message);
    else
        via_stream_release(&channel->stream, message);
}

static via_status channel_flush(void *self, via_deadline deadline)
{
    socket_channel *channel = self;

    return channel->hub ? via_hub_flush(channel->hub, deadline) : via_stream_flush(&channel->stream, deadline);
}

static via_status channel_finish(void *self, via_deadline deadline)
{
    socket_channel *channel = self;

    return channel->hub ? via_hub_finish(channel->hub, deadline) : via_stream_finish(&channel->stream, deadline);
}

static via_status channel_drain(void *self, via_deadline deadline, uint64_t *undelivered)
{
    socket_channel *channel = self;

    return channel->hub ? via_hub_drain(channel->hub, deadline, undelivered)
                        : via_stream_drain(&channel->stream, deadline, undelivered);
}

static via_status channel_pollable(void *self, uint32_t event, via_poll_handle *out)
{
    socket_channel *channel = self;

    return channel->hub ? via_hub_pollable(channel->hub, event, out)
                        : via_stream_pollable(&channel->stream, event, out);
}

static via_status channel_arm(void *self, uint32_t event)
{
    socket_channel *channel = self;

    return channel->hub ? via_hub_arm(channel->hub, event) : via_stream_arm(&channel->stream, event);
}

static void channel_interrupt(void *self)
{
    socket_channel *channel = self;

    if (channel->hub)
        via_hub_interrupt(channel->hub);
    else
        via_stream_interrupt(&channel->stream);
}

static void channel_close(void *self, uint32_t how)
{
    socket_channel *channel = self;

    if (channel->hub) {
        via_hub_close(channel->hub, how);
    } else {
        via_stream_fini(&channel->stream, how);
        socket_handles_destroy(channel->handles);
    }
    free(channel);
}

static via_status channel_peer(void *self, via_peer_info *out)
{
    socket_channel *channel = self;

    if (!channel->hub)
        return socket_connection_peer(channel->stream.config.read_fd, out);
    return channel->is_pair ? via_hub_ask_peer(channel->hub, socket_connection_peer, out) : VIA_ENOTSUP;
}

static void channel_info(void *self, via_channel_info *inout)
{
    socket_channel *channel = self;

    if (channel->address[0])
        (void)snprintf(inout->address, sizeof(inout->address), "%s", channel->address);
    if (channel->hub)
        via_hub_info(channel->hub, inout);
    else
        via_stream_info(&channel->stream, inout);
}

static void channel_refresh_counters(void *self)
{
    socket_channel *channel = self;

    if (channel->hub)
        via_hub_refresh_counters(channel->hub);
    else
        via_stream_refresh_counters(&channel->stream);
}

static const void *channel_extension(void *self, const char *id, void **object)
{
    socket_channel *channel = self;

    if (channel->hub || !channel->handles || strcmp(id, VIA_HANDLES_ID) != 0)
        return NULL;
    *object = channel->handles;
    return &socket_handles_table;
}

const via_channel_ops socket_channel_ops = {
    .size = sizeof(via_channel_ops),
    .send = channel_send,
    .recv = channel_recv,
    .release = channel_release,
    .flush = channel_flush,
    .finish = channel_finish,
    .drain = channel_drain,
    .pollable = channel_pollable,
    .arm = channel_arm,
    .interrupt = channel_interrupt,
    .close = channel_close,
    .peer = channel_peer,
    .info = channel_info,
    .refresh_counters = channel_refresh_counters,
    .extension = channel_extension,
};
