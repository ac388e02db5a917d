/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two queues of the pattern queue through the public ABI, one each way: each end owns the one that it receives from.
 */
#include "contest.h"

#include <stdio.h>
#include <stdlib.h>
#include <viaduct/viaduct.h>

enum { ADDRESS_SIZE = 192 };

struct ends {
    char there[ADDRESS_SIZE]; /* where we send */
    via_channel *in;
    via_channel *out; /* joined by the first send, when the other end is there for certain */
};

static void write_address(const struct place *place, int number, char address[ADDRESS_SIZE])
{
    (void)snprintf(address, ADDRESS_SIZE, "mq:%s-queue-%d%s", place->name, number, place->address);
}

static via_channel *join(const char *address, uint32_t role)
{
    via_channel *channel = NULL;
    via_error error;

    if (via_join(NULL, address, role, NULL, VIA_FOREVER, &channel, &error) != VIA_OK)
        way_failed("via_join", error.what);
    return channel;
}

static void *open_ends(const struct place *place, bool is_server)
{
    struct ends *self = calloc(1, sizeof(*self));
    char here[ADDRESS_SIZE];

    if (!self)
        way_failed("calloc", "no memory");
    write_address(place, is_server, here);
    write_address(place, !is_server, self->there);
    self->in = join(here, VIA_PULL);
    return self;
}

static void send_one(void *argument, const void *data, size_t size, bool more)
{
    struct ends *self = argument;

    (void)more;
    if (!self->out)
        self->out = join(self->there, VIA_PUSH);
    via_status status = via_send(self->out, data, size, NULL, VIA_FOREVER);
    if (status != VIA_OK)
        way_failed("via_send", via_status_name(status));
}

static size_t receive_one(void *argument)
{
    struct ends *self = argument;
    via_msg message;
    via_status status = via_recv(self->in, VIA_FOREVER, &message);

    if (status != VIA_OK)
        way_failed("via_recv", via_status_name(status));
    size_t size = message.size;
    way_look(message.data, size);
    via_release(self->in, &message);
    return size;
}

static void close_ends(void *argument)
{
    struct ends *self = argument;

    via_close(self->out);
    via_close(self->in);
    free(self);
}

const struct way way_mq_queue = {
    .name = "mq: queue",
    .wakes = BLOCK,
    .open = open_ends,
    .send = send_one,
    .receive = receive_one,
    .close = close_ends,
};
