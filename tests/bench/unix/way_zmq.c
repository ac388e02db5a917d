/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libzmq, ZMQ_PAIR over ipc://. Its I/O thread batches small messages whether asked or not.
 */
#include "ways.h"

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

static struct ends *make(const char *path, char url[256])
{
    struct ends *self = malloc(sizeof(*self));

    if (!self)
        way_failed("malloc", "no memory");
    snprintf(url, 256, "ipc://%s", path);
    self->context = zmq_ctx_new();
    self->socket = zmq_socket(self->context, ZMQ_PAIR);
    check(self->socket != NULL, "zmq_socket");
    return self;
}

static void *bind_zmq(const char *path)
{
    char url[256];
    struct ends *self = make(path, url);

    check(zmq_bind(self->socket, url) == 0, "zmq_bind");
    return self;
}

static void *connect_zmq(const char *path)
{
    char url[256];
    struct ends *self = make(path, url);

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
    zmq_msg_close(&message);
    return size;
}

static void close_zmq(void *argument)
{
    struct ends *self = argument;

    zmq_close(self->socket);
    zmq_ctx_term(self->context);
    free(self);
}

const struct way way_zmq = {"libzmq 4.3", bind_zmq, connect_zmq, send_zmq, receive_zmq, close_zmq};
