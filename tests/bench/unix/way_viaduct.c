/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libviaduct and its socket plugin, through the public ABI.
 */
#include "ways.h"

#include <stdio.h>
#include <stdlib.h>

#include <viaduct/viaduct.h>

const char *way_viaduct_options = "";

struct ends {
    via_listener *listener;
    via_channel *channel;
};

static void *bind_viaduct(const char *path)
{
    struct ends *self = calloc(1, sizeof(*self));
    char address[256];
    via_error error;

    snprintf(address, sizeof(address), "unix:%s?%s", path, way_viaduct_options);
    if (!self || via_listen(NULL, address, NULL, &self->listener, &error) != VIA_OK)
        way_failed("via_listen", error.what);
    return self;
}

static void *connect_viaduct(const char *path)
{
    struct ends *self = calloc(1, sizeof(*self));
    char address[256];
    via_error error;

    snprintf(address, sizeof(address), "unix:%s?%s", path, way_viaduct_options);
    if (!self || via_dial(NULL, address, NULL, VIA_FOREVER, &self->channel, &error) != VIA_OK)
        way_failed("via_dial", error.what);
    return self;
}

static via_channel *channel_of(struct ends *self)
{
    via_error error;

    if (!self->channel && via_accept(self->listener, VIA_FOREVER, &self->channel, &error) != VIA_OK)
        way_failed("via_accept", error.what);
    return self->channel;
}

static void send_viaduct(void *self, const void *data, size_t size, bool more)
{
    const via_meta meta = {.flags = more ? VIA_MORE : 0};

    if (via_send(channel_of(self), data, size, &meta, VIA_FOREVER) != VIA_OK)
        way_failed("via_send", "no");
}

static size_t receive_viaduct(void *self)
{
    via_channel *channel = channel_of(self);
    via_msg message;
    size_t size;

    if (via_recv(channel, VIA_FOREVER, &message) != VIA_OK)
        way_failed("via_recv", "no");
    size = message.size;
    way_look(message.data, size);
    via_release(channel, &message);
    return size;
}

static void close_viaduct(void *argument)
{
    struct ends *self = argument;

    via_close(self->channel);
    via_listener_close(self->listener);
    free(self);
}

const struct way way_viaduct = {"viaduct", bind_viaduct, connect_viaduct, send_viaduct, receive_viaduct, close_viaduct};
