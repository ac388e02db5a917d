/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libzmq, ZMQ_PAIR over ipc://. Its I/O thread batches small messages whether asked or not.
 */
#include "way.h"

#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

struct ends {
    void *context;
    void *socket;
};

static void check(bool good, const char *what)
{
    if (!good)
        way_failed(what, zmq_strerror(zmq_errno()));
}

/* At most as many messages wait as make some megabytes. */
static int high_water_mark(size_t size)
{
    enum { WAITING_MOST = 1000, WAITING_BYTES = 64 << 20 };
    size_t count = WAITING_BYTES / size;

    return count < 2 ? 2 : count > WAITING_MOST ? WAITING_MOST : (int)count;
}

static struct ends *make(const struct place *place, char url[256])
{
    struct ends *self = malloc(sizeof(*self));
    int mark = high_water_mark(place->size);

    if (!self)
        way_failed("malloc", "no memory");
    (void)snprintf(url, 256, "ipc://%s/%s", place->folder, place->name);
    self->context = zmq_ctx_new();
    self->socket = zmq_socket(self->context, ZMQ_PAIR);
    check(self->socket != NULL, "zmq_socket");
    check(zmq_setsockopt(self->socket, ZMQ_SNDHWM, &mark, sizeof(mark)) == 0, "ZMQ_SNDHWM");
    check(zmq_setsockopt(self->socket, ZMQ_RCVHWM, &mark, sizeof(mark)) == 0, "ZMQ_RCVHWM");
    return self;
}

static void *open_zmq(const struct place *place, bool is_server)
{
    char url[256];
    struct ends *self = make(place, url);

    if (is_server)
        check(zmq_bind(self->socket, url) == 0, "zmq_bind");
    else
        check(zmq_connect(self->socket, url) == 0, "zmq_connect");
    return self;
}

static void send_zmq(void *argument, const void *data, size_t size, bool more)
{
    struct ends *self = argument;

    (void)more;
    check(zmq_send(self->socket, data, size, 0) == (int)size, "zmq_send");
}

static size_t receive_zmq(void *argument)
{
    struct ends *self = argument;
    zmq_msg_t message;
    size_t size;

    check(zmq_msg_init(&message) == 0, "zmq_msg_init");
    check(zmq_msg_recv(&message, self->socket, 0) >= 0, "zmq_msg_recv");
    size = zmq_msg_size(&message);
    way_look(zmq_msg_data(&message), size);
    (void)zmq_msg_close(&message);
    return size;
}

static void close_zmq(void *argument)
{
    struct ends *self = argument;

    (void)zmq_close(self->socket);
    (void)zmq_ctx_term(self->context);
    free(self);
}

const struct way way_zmq = {
    .name = "peer:libzmq",
    .wakes = BLOCK,
    .open = open_zmq,
    .send = send_zmq,
    .receive = receive_zmq,
    .close = close_zmq,
};
