/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one writes by hand for two programs of one's own: blocking calls, one gathering write a message, a read buffer of
 * 64 KiB, large bodies read in place into a buffer that is kept. The framing is the one that unix: has (01, u64be size).
 * With `more` it batches, as a program made for that would.
 */
#include "ways.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { HEADER = 9, BUFFER = 65536, SMALL = 4096 };

struct hand {
    int listener;
    int socket;
    size_t begin, end; /* of what is in `in` */
    size_t gathered;   /* in `out` */
    uint8_t *body;     /* for messages that do not fit into `in` */
    size_t body_capacity;
    uint8_t in[BUFFER];
    uint8_t out[BUFFER];
};

static struct hand *make(const char *path, struct sockaddr_un *address, int *descriptor)
{
    struct hand *self = calloc(1, sizeof(*self));

    *descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!self || *descriptor < 0)
        way_failed("socket", strerror(errno));
    self->listener = -1;
    self->socket = -1;
    address->sun_family = AF_UNIX;
    snprintf(address->sun_path, sizeof(address->sun_path), "%s", path);
    return self;
}

static void *bind_hand(const char *path)
{
    struct sockaddr_un address;
    int descriptor;
    struct hand *self = make(path, &address, &descriptor);

    if (bind(descriptor, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(descriptor, 8) != 0)
        way_failed("bind", strerror(errno));
    self->listener = descriptor;
    return self;
}

static void *connect_hand(const char *path)
{
    struct sockaddr_un address;
    struct hand *self;
    int descriptor;

    self = make(path, &address, &descriptor);
    while (connect(descriptor, (struct sockaddr *)&address, sizeof(address)) != 0)
        if (errno != ENOENT && errno != ECONNREFUSED)
            way_failed("connect", strerror(errno));
    self->socket = descriptor;
    return self;
}

static int socket_of(struct hand *self)
{
    if (self->socket < 0 && (self->socket = accept4(self->listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
        way_failed("accept", strerror(errno));
    return self->socket;
}

static void write_both(struct hand *self, struct iovec *vector, int count)
{
    int descriptor = socket_of(self);

    while (count > 0) {
        ssize_t moved = writev(descriptor, vector, count);

        if (moved < 0)
            way_failed("writev", strerror(errno));
        while (count > 0 && (size_t)moved >= vector->iov_len) {
            moved -= (ssize_t)vector->iov_len;
            vector++;
            count--;
        }
        if (count > 0) {
            vector->iov_base = (uint8_t *)vector->iov_base + moved;
            vector->iov_len -= (size_t)moved;
        }
    }
}

static void write_header(uint8_t *to, size_t size)
{
    uint64_t big_endian = htobe64(size);

    to[0] = 1;
    memcpy(to + 1, &big_endian, sizeof(big_endian));
}

static void send_hand(void *argument, const void *data, size_t size, bool more)
{
    struct hand *self = argument;
    uint8_t header[HEADER];
    struct iovec vector[3] = {{self->out, self->gathered}, {header, HEADER}, {(void *)(uintptr_t)data, size}};

    if (more && self->gathered + HEADER + size <= BUFFER) {
        write_header(self->out + self->gathered, size);
        memcpy(self->out + self->gathered + HEADER, data, size);
        self->gathered += HEADER + size;
        return;
    }
    write_header(header, size);
    write_both(self, self->gathered ? vector : vector + 1, self->gathered ? 3 : 2);
    self->gathered = 0;
}

static size_t read_some(struct hand *self, void *into, size_t size)
{
    ssize_t moved = recv(socket_of(self), into, size, 0);

    if (moved <= 0)
        way_failed("recv", moved < 0 ? strerror(errno) : "end of file");
    return (size_t)moved;
}

/* At least `size` bytes in the buffer, which has room for them. */
static void need(struct hand *self, size_t size)
{
    if (self->begin + size > BUFFER || self->begin == self->end) {
        memmove(self->in, self->in + self->begin, self->end - self->begin);
        self->end -= self->begin;
        self->begin = 0;
    }
    while (self->end - self->begin < size)
        self->end += read_some(self, self->in + self->end, BUFFER - self->end);
}

static void receive_large(struct hand *self, size_t size)
{
    size_t have = self->end - self->begin;

    if (size > self->body_capacity) {
        free(self->body);
        self->body = malloc(size);
        self->body_capacity = size;
        if (!self->body)
            way_failed("malloc", "no memory");
    }
    have = have < size ? have : size;
    memcpy(self->body, self->in + self->begin, have);
    self->begin += have;
    while (have < size)
        have += read_some(self, self->body + have, size - have);
    way_look(self->body, size);
}

static size_t receive_hand(void *argument)
{
    struct hand *self = argument;
    uint64_t big_endian;
    size_t size;

    need(self, HEADER);
    if (self->in[self->begin] != 1)
        way_failed("framing", "wrong first byte");
    memcpy(&big_endian, self->in + self->begin + 1, sizeof(big_endian));
    size = be64toh(big_endian);
    self->begin += HEADER;
    if (size > BUFFER / 2) {
        receive_large(self, size);
        return size;
    }
    need(self, size);
    way_look(self->in + self->begin, size);
    self->begin += size;
    return size;
}

static void close_hand(void *argument)
{
    struct hand *self = argument;

    close(self->socket);
    if (self->listener >= 0)
        close(self->listener);
    free(self->body);
    free(self);
}

const struct way way_hand = {"by hand", bind_hand, connect_hand, send_hand, receive_hand, close_hand};
