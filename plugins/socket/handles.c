/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that travel with a message; see handles.h.
 *
 * Owns: sendmsg and recvmsg with SCM_RIGHTS. Must never leave a descriptor that came in open when nobody took it.
 */
#include "handles.h"

#include "channel.h"
#include "kit/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define CONTROL_SIZE CMSG_SPACE(VIA_HANDLES_MAX * sizeof(int))

/* What came with one read. */
typedef struct batch {
    struct batch *next;
    uint64_t mark; /* position in the incoming stream where that read ended */
    size_t count;
    int descriptors[VIA_HANDLES_MAX];
} batch;

struct socket_handles {
    via_stream *stream;
    const int *outgoing; /* to go with the next byte written */
    size_t outgoing_count;
    batch *arrived;     /* oldest first */
    size_t ready_count; /* of the message received last */
    int ready[VIA_HANDLES_MAX];
};

typedef union control_space {
    char bytes[CONTROL_SIZE];
    struct cmsghdr align;
} control_space;

static void close_all(const int *descriptors, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)close(descriptors[i]);
}

static socket_handles *handles_of(via_stream *stream)
{
    socket_channel *channel = (socket_channel *)(void *)((char *)stream - offsetof(socket_channel, stream));

    return channel->handles;
}

/* ---- receiving ---------------------------------------------------------------------------------------------- */

static size_t unpack(struct msghdr *header, int *descriptors)
{
    size_t count = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(descriptors + count, CMSG_DATA(c), here * sizeof(int));
        count += here;
    }
    return count;
}

/* How many more may wait: all that do so belong to the message under way, since the ones before were handed out. */
static size_t room_left(const socket_handles *handles)
{
    size_t count = 0;

    for (const batch *i = handles->arrived; i; i = i->next)
        count += i->count;
    return VIA_HANDLES_MAX - count;
}

/* Puts it at the end of the list, without those that are too many for one message. */
static void append(socket_handles *handles, batch *made)
{
    size_t room = room_left(handles);
    batch **end = &handles->arrived;

    if (made->count > room) {
        close_all(made->descriptors + room, made->count - room);
        made->count = room;
    }
    if (made->count == 0) {
        free(made);
        return;
    }
    while (*end)
        end = &(*end)->next;
    *end = made;
}

static via_status keep(socket_handles *handles, struct msghdr *header, uint64_t mark)
{
    batch *made = malloc(sizeof(*made));

    if (!made) {
        int lost[VIA_HANDLES_MAX];
        close_all(lost, unpack(header, lost));
        errno = ENOMEM;
        return VIA_EIO;
    }
    *made = (batch){.mark = mark};
    made->count = unpack(header, made->descriptors);
    append(handles, made);
    if (!(header->msg_flags & MSG_CTRUNC))
        return VIA_OK;
    errno = EMFILE; /* the kernel has thrown some away: ours is full, or more than VIA_HANDLES_MAX were sent */
    return VIA_EIO;
}

static int64_t receive_once(via_stream *stream, via_slice *into, size_t count)
{
    control_space control;
    struct msghdr header = {.msg_iov = (struct iovec *)into,
                            .msg_iovlen = count,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof(control.bytes)};
    ssize_t got;

    do
        got = recvmsg(stream->config.read_fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0) /* a peer that closes with unread input resets us: no sign of death, and all it sent is here */
        return errno == ECONNRESET ? 0 : via_status_of_errno(errno);
    if (header.msg_controllen == 0 && !(header.msg_flags & MSG_CTRUNC))
        return got;
    via_status status = keep(handles_of(stream), &header, stream->arrived + (uint64_t)got);
    return status == VIA_OK ? got : status;
}

static int64_t handles_read(via_stream *stream, via_slice *into, size_t count, via_deadline deadline)
{
    for (;;) {
        int64_t got = receive_once(stream, into, count);
        if (got != VIA_ETIMEDOUT || deadline == VIA_NOW)
            return got;
        via_status status = via_stream_sleep_for_input(stream, deadline);
        if (status != VIA_OK)
            return status;
    }
}

void socket_handles_next_message(socket_handles *handles)
{
    uint64_t end = handles->stream->taken;

    close_all(handles->ready, handles->ready_count);
    handles->ready_count = 0;
    while (handles->arrived && handles->arrived->mark <= end) {
        batch *old = handles->arrived;
        size_t room = VIA_HANDLES_MAX - handles->ready_count;
        size_t fit = old->count < room ? old->count : room;

        memcpy(handles->ready + handles->ready_count, old->descriptors, fit * sizeof(int));
        close_all(old->descriptors + fit, old->count - fit);
        handles->ready_count += fit;
        handles->arrived = old->next;
        free(old);
    }
}

static via_status handles_take(void *self, intptr_t *out, size_t capacity, size_t *count)
{
    socket_handles *handles = self;

    *count = handles->ready_count;
    if (handles->ready_count > capacity)
        return VIA_EBUFFER;
    for (size_t i = 0; i < handles->ready_count; i++)
        out[i] = handles->ready[i];
    handles->ready_count = 0;
    return VIA_OK;
}

/* ---- sending ------------------------------------------------------------------------------------------------ */

static int64_t send_with_handles(const socket_handles *handles, const via_slice *from, size_t count)
{
    control_space control;
    size_t size = handles->outgoing_count * sizeof(int);
    struct msghdr header = {.msg_iov = (struct iovec *)from,
                            .msg_iovlen = count,
                            .msg_control = control.bytes,
                            .msg_controllen = CMSG_SPACE(size)};
    struct cmsghdr *c;
    ssize_t sent;

    memset(&control, 0, sizeof(control));
    c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(c), handles->outgoing, size);
    do
        sent = sendmsg(handles->stream->config.write_fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return sent;
    return errno == ETOOMANYREFS ? VIA_ELIMIT : via_status_of_errno(errno);
}

static int64_t handles_write(via_stream *stream, const via_slice *from, size_t count, via_deadline deadline)
{
    socket_handles *handles = handles_of(stream);

    if (!handles || handles->outgoing_count == 0)
        return via_stream_io_socket.write(stream, from, count, deadline);
    for (;;) {
        int64_t sent = send_with_handles(handles, from, count);
        if (sent >= 0)
            handles->outgoing_count = 0;
        if (sent != VIA_ETIMEDOUT || deadline == VIA_NOW)
            return sent;
        via_status status = via_wake_poll(&stream->wake, stream->config.write_fd, POLLOUT, deadline);
        if (status != VIA_OK)
            return status;
    }
}

static bool are_open(const int *descriptors, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (descriptors[i] < 0 || fcntl(descriptors[i], F_GETFD) < 0)
            return false;
    return true;
}

static via_status handles_send(void *self, const void *data, size_t bytes, const intptr_t *out, size_t count,
                               via_deadline deadline)
{
    socket_handles *handles = self;
    via_slice slice = {data, bytes};
    int descriptors[VIA_HANDLES_MAX];

    if (count > VIA_HANDLES_MAX)
        return VIA_EINVAL;
    for (size_t i = 0; i < count; i++)
        descriptors[i] = (int)out[i];
    if (!are_open(descriptors, count))
        return VIA_EINVAL;
    via_status status = via_stream_flush(handles->stream, deadline); /* they go with a message's first byte */
    if (status != VIA_OK)
        return status;
    handles->outgoing = descriptors;
    handles->outgoing_count = count;
    status = via_stream_send(handles->stream, &slice, 1, NULL, deadline);
    handles->outgoing = NULL;
    handles->outgoing_count = 0;
    return status;
}

/* ---- the rest is the kit's ---------------------------------------------------------------------------------- */

static via_status handles_finish(via_stream *stream)
{
    return via_stream_io_socket.finish(stream);
}

static void handles_unblock(via_stream *stream)
{
    via_stream_io_socket.unblock(stream);
}

static int64_t handles_peek(const via_stream *stream, uint8_t *into, size_t size)
{
    return via_stream_io_socket.peek(stream, into, size);
}

static uint64_t handles_unsent(const via_stream *stream)
{
    return via_stream_io_socket.unsent ? via_stream_io_socket.unsent(stream) : 0;
}

static void handles_close(via_stream *stream, uint32_t how)
{
    via_stream_io_socket.close(stream, how);
}

socket_handles *socket_handles_create(via_stream *stream)
{
    socket_handles *handles = calloc(1, sizeof(*handles));

    if (handles)
        handles->stream = stream;
    return handles;
}

void socket_handles_destroy(socket_handles *handles)
{
    if (!handles)
        return;
    close_all(handles->ready, handles->ready_count);
    while (handles->arrived) {
        batch *old = handles->arrived;
        handles->arrived = old->next;
        close_all(old->descriptors, old->count);
        free(old);
    }
    free(handles);
}

const via_stream_io socket_handles_io = {
    .read = handles_read,
    .write = handles_write,
    .finish = handles_finish,
    .unblock = handles_unblock,
    .peek = handles_peek,
    .unsent = handles_unsent,
    .close = handles_close,
};

const via_handles socket_handles_table = {
    .size = sizeof(via_handles),
    .send = handles_send,
    .take = handles_take,
};
