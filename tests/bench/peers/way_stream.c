/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's byte streams, as one writes it by hand for two programs of one's own: an AF_UNIX socket, TCP over the
 * loopback interface, and two pipes. One gathering write a message, a read buffer of 64 KiB, large bodies read in place
 * into a buffer that is kept. The framing is the one that unix: has (01, u64be size). With `more` it batches, as a
 * program made for that would.
 */
#include "way.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { HEADER = 9, BUFFER = 65536, PIPE_CAPACITY = 1 << 20 };

struct stream {
    int in_fd, out_fd;
    unsigned wake;
    size_t begin, end; /* of what is in `in` */
    size_t gathered;   /* in `out` */
    uint8_t *body;     /* for messages that do not fit into `in` */
    size_t body_capacity;
    uint8_t in[BUFFER];
    uint8_t out[BUFFER];
};

/* What the two processes inherit: the client's descriptors and the server's. All end with their process. */
struct inherited {
    int in_fd[2], out_fd[2]; /* [is_server] */
};

/* ---- making ------------------------------------------------------------------------------------------------- */

static struct inherited *make_inherited(void)
{
    struct inherited *fds = calloc(1, sizeof(*fds));

    if (!fds)
        way_failed("calloc", "no memory");
    return fds;
}

static struct inherited *inherit_sockets(int client, int server)
{
    struct inherited *fds = make_inherited();

    fds->in_fd[0] = fds->out_fd[0] = client;
    fds->in_fd[1] = fds->out_fd[1] = server;
    return fds;
}

static void *prepare_unix(const struct place *place)
{
    int pair[2];

    (void)place;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        way_failed("socketpair", strerror(errno));
    return inherit_sockets(pair[0], pair[1]);
}

static void *prepare_tcp(const struct place *place)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    int server = -1;

    (void)place;
    if (bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 1) == 0 &&
        getsockname(listener, (struct sockaddr *)&address, &length) == 0 &&
        connect(client, (struct sockaddr *)&address, length) == 0)
        server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (server < 0)
        way_failed("TCP over loopback", strerror(errno));
    close(listener);
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return inherit_sockets(client, server);
}

static void *prepare_pipe(const struct place *place)
{
    struct inherited *fds = make_inherited();

    (void)place;
    for (int i = 0; i < 2; i++) {
        int ends[2];

        if (pipe2(ends, O_CLOEXEC) != 0)
            way_failed("pipe2", strerror(errno));
        (void)fcntl(ends[0], F_SETPIPE_SZ,
                    PIPE_CAPACITY); /* the usual 64 KiB are slow; where it is refused they stay */
        fds->in_fd[i] = ends[0];
        fds->out_fd[1 - i] = ends[1];
    }
    return fds;
}

static void close_both(int in_fd, int out_fd)
{
    close(in_fd);
    if (out_fd != in_fd)
        close(out_fd);
}

static void *open_stream(const struct place *place, bool is_server)
{
    struct inherited *fds = place->shared;
    struct stream *self = calloc(1, sizeof(*self));

    if (!self)
        way_failed("calloc", "no memory");
    close_both(fds->in_fd[!is_server], fds->out_fd[!is_server]);
    self->in_fd = fds->in_fd[is_server];
    self->out_fd = fds->out_fd[is_server];
    self->wake = place->wake;
    if (self->wake != WAKE_BLOCK &&
        (fcntl(self->in_fd, F_SETFL, O_NONBLOCK) != 0 || fcntl(self->out_fd, F_SETFL, O_NONBLOCK) != 0))
        way_failed("O_NONBLOCK", strerror(errno));
    return self;
}

/* ---- waiting ------------------------------------------------------------------------------------------------ */

/* After a call that moved nothing. True: try again. */
static bool wait_for(const struct stream *self, int fd, short event, unsigned *tries)
{
    struct pollfd waiting = {.fd = fd, .events = event};

    if (errno != EAGAIN && errno != EINTR)
        return false;
    if (self->wake == WAKE_HYBRID && ++*tries > WAY_HYBRID_TRIES / 20) /* one try is a system call here */
        (void)poll(&waiting, 1, -1);
    return true;
}

static size_t read_some(const struct stream *self, void *into, size_t size)
{
    unsigned tries = 0;
    ssize_t moved;

    while ((moved = read(self->in_fd, into, size)) < 0 && wait_for(self, self->in_fd, POLLIN, &tries))
        continue;
    if (moved <= 0)
        way_failed("read", moved < 0 ? strerror(errno) : "end of file");
    return (size_t)moved;
}

static size_t write_some(const struct stream *self, const struct iovec *vector, int count)
{
    unsigned tries = 0;
    ssize_t moved;

    while ((moved = writev(self->out_fd, vector, count)) < 0 && wait_for(self, self->out_fd, POLLOUT, &tries))
        continue;
    if (moved < 0)
        way_failed("writev", strerror(errno));
    return (size_t)moved;
}

/* ---- sending ------------------------------------------------------------------------------------------------ */

static void write_all(const struct stream *self, struct iovec *vector, int count)
{
    while (count > 0) {
        size_t moved = write_some(self, vector, count);

        while (count > 0 && moved >= vector->iov_len) {
            moved -= vector->iov_len;
            vector++;
            count--;
        }
        if (count > 0) {
            vector->iov_base = (uint8_t *)vector->iov_base + moved;
            vector->iov_len -= moved;
        }
    }
}

static void write_header(uint8_t *to, size_t size)
{
    uint64_t big_endian = htobe64(size);

    to[0] = 1;
    memcpy(to + 1, &big_endian, sizeof(big_endian));
}

static void send_stream(void *argument, const void *data, size_t size, bool more)
{
    struct stream *self = argument;
    uint8_t header[HEADER];
    struct iovec vector[3] = {{self->out, self->gathered}, {header, HEADER}, {(void *)(uintptr_t)data, size}};

    if (more && self->gathered + HEADER + size <= BUFFER) {
        write_header(self->out + self->gathered, size);
        memcpy(self->out + self->gathered + HEADER, data, size);
        self->gathered += HEADER + size;
        return;
    }
    write_header(header, size);
    write_all(self, self->gathered ? vector : vector + 1, self->gathered ? 3 : 2);
    self->gathered = 0;
}

/* ---- receiving ---------------------------------------------------------------------------------------------- */

/* At least `size` bytes in the buffer, which has room for them. */
static void need(struct stream *self, size_t size)
{
    if (self->begin + size > BUFFER || self->begin == self->end) {
        memmove(self->in, self->in + self->begin, self->end - self->begin);
        self->end -= self->begin;
        self->begin = 0;
    }
    while (self->end - self->begin < size)
        self->end += read_some(self, self->in + self->end, BUFFER - self->end);
}

static void receive_large(struct stream *self, size_t size)
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

static size_t receive_stream(void *argument)
{
    struct stream *self = argument;
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

static void close_stream(void *argument)
{
    struct stream *self = argument;

    free(self->body);
    free(self); /* the descriptors end with the process */
}

#define STREAM(identifier, shown, prepares)                                                                            \
    const struct way identifier = {                                                                                    \
        .name = (shown),                                                                                               \
        .wakes = SPIN | HYBRID | BLOCK,                                                                                \
        .prepare = (prepares),                                                                                         \
        .open = open_stream,                                                                                           \
        .send = send_stream,                                                                                           \
        .receive = receive_stream,                                                                                     \
        .close = close_stream,                                                                                         \
    }

STREAM(way_unix, "peer:af-unix", prepare_unix);
STREAM(way_tcp, "peer:tcp", prepare_tcp);
STREAM(way_pipe, "peer:pipe", prepare_pipe);
