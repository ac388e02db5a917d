/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nng, pair0 over ipc://, messages without a copy on receive.
 */
#include "ways.h"

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <nng/supplemental/util/platform.h>
#include <stdio.h>
#include <stdlib.h>

static void check(int result, const char *what)
{
    if (result != 0)
        way_failed(what, nng_strerror(result));
}

static nng_socket *make(const char *path, char url[256])
{
    nng_socket *self = malloc(sizeof(*self));

    if (!self)
        way_failed("malloc", "no memory");
    snprintf(url, 256, "ipc://%s", path);
    check(nng_pair0_open(self), "nng_pair0_open");
    check(nng_socket_set_size(*self, NNG_OPT_RECVMAXSZ, 0), "nng_socket_set_size");
    return self;
}

static void *bind_nng(const char *path)
{
    char url[256];
    nng_socket *self = make(path, url);

    check(nng_listen(*self, url, NULL, 0), "nng_listen");
    return self;
}

static void *connect_nng(const char *path)
{
    char url[256];
    nng_socket *self = make(path, url);
    int result;

    while ((result = nng_dial(*self, url, NULL, 0)) == NNG_ECONNREFUSED || result == NNG_ENOENT)
        nng_msleep(1);
    check(result, "nng_dial");
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

const struct way way_nng = {"nng 1.5", bind_nng, connect_nng, send_nng, receive_nng, close_nng};
