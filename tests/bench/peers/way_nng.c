/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nng, pair0 over ipc://, messages without a copy on receive. Its own threads do the work, on the processor of their
 * process, which a polling receiver would take from them: it only blocks.
 */
#include "way.h"

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <stdio.h>
#include <stdlib.h>

static void check(int result, const char *what)
{
    if (result != 0)
        way_failed(what, nng_strerror(result));
}

static nng_socket *make(const struct place *place, char url[256])
{
    nng_socket *self = malloc(sizeof(*self));

    if (!self)
        way_failed("malloc", "no memory");
    (void)snprintf(url, 256, "ipc://%s/%s", place->folder, place->name);
    check(nng_pair0_open(self), "nng_pair0_open");
    check(nng_socket_set_size(*self, NNG_OPT_RECVMAXSZ, 0), "nng_socket_set_size");
    return self;
}

static void *open_nng(const struct place *place, bool is_server)
{
    char url[256];
    nng_socket *self = make(place, url);

    if (is_server)
        check(nng_listen(*self, url, NULL, 0), "nng_listen");
    else
        check(nng_dial(*self, url, NULL, 0), "nng_dial");
    return self;
}

static void send_nng(void *self, const void *data, size_t size, bool more)
{
    (void)more;
    check(nng_send(*(nng_socket *)self, (void *)(uintptr_t)data, size, 0), "nng_send");
}

static size_t receive_nng(void *self)
{
    nng_msg *message;
    size_t size;

    check(nng_recvmsg(*(nng_socket *)self, &message, 0), "nng_recvmsg");
    size = nng_msg_len(message);
    way_look(nng_msg_body(message), size);
    nng_msg_free(message);
    return size;
}

static void close_nng(void *self)
{
    nng_close(*(nng_socket *)self);
    free(self);
}

const struct way way_nng = {
    .name = "peer:nng",
    .wakes = BLOCK,
    .open = open_nng,
    .send = send_nng,
    .receive = receive_nng,
    .close = close_nng,
};
