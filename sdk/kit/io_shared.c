/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams over descriptors that others use too: stdin, stdout, a terminal.
 *
 * Owns: not blocking without O_NONBLOCK, which belongs to the open file description and so to the shell as well.
 * RWF_NOWAIT does it where the file knows it (pipes, sockets); a regular file never makes us wait for anybody; for the
 * rest (terminals) poll(2) goes first. Only there may a read block after all, if another process takes the input in
 * between; the shell does the same.
 */
#include "kit/stream_internal.h"

#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WAY_UNKNOWN = 0, WAY_NOWAIT = 1, WAY_POLL = 2, WAY_PLAIN = 3 };

static uint8_t first_way(int descriptor)
{
    struct stat status;

    if (fstat(descriptor, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)))
        return WAY_PLAIN;
    return WAY_NOWAIT;
}

/* False: not now, with errno. A signal makes even a poll(2) that does not wait fail, and says nothing. */
static bool is_ready(int descriptor, short events)
{
    struct pollfd set = {.fd = descriptor, .events = events};
    int ready = poll(&set, 1, 0);

    if (ready == 0)
        errno = EAGAIN;
    return ready > 0;
}

static int64_t read_once(via_stream *stream, via_slice *into, size_t count)
{
    int descriptor = stream->config.read_fd;
    const struct iovec *vector = (const struct iovec *)into;

    if (stream->shared_read == WAY_UNKNOWN)
        stream->shared_read = first_way(descriptor);
    if (stream->shared_read == WAY_NOWAIT) {
        int64_t moved = preadv2(descriptor, vector, (int)count, -1, RWF_NOWAIT);

        if (moved >= 0 || errno != EOPNOTSUPP)
            return moved;
        stream->shared_read = WAY_POLL;
    }
    if (stream->shared_read == WAY_POLL && !is_ready(descriptor, POLLIN))
        return -1;
    return readv(descriptor, vector, (int)count);
}

static int64_t shared_read(via_stream *stream, via_slice *into, size_t count, via_deadline deadline)
{
    for (;;) {
        int64_t moved = read_once(stream, into, count);
        via_status status;

        if (moved >= 0)
            return moved;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return via_stream_status_of_errno(errno);
        if (deadline == VIA_NOW)
            return VIA_ETIMEDOUT;
        status = via_stream_sleep_for_input(stream, deadline);
        if (status != VIA_OK)
            return status;
    }
}

/* What poll(2) promises is room for PIPE_BUF bytes: no more are written at once where nothing else is known. */
static int64_t write_after_poll(int descriptor, const via_slice *from)
{
    via_slice piece = {from->data, from->size < PIPE_BUF ? from->size : PIPE_BUF};

    if (!is_ready(descriptor, POLLOUT))
        return -1;
    return via_stream_write_quietly(descriptor, &piece, 1, 0);
}

static int64_t write_once(via_stream *stream, const via_slice *from, size_t count)
{
    int descriptor = stream->config.write_fd;

    if (stream->shared_write == WAY_UNKNOWN)
        stream->shared_write = first_way(descriptor);
    if (stream->shared_write == WAY_NOWAIT) {
        int64_t moved = via_stream_write_quietly(descriptor, from, count, RWF_NOWAIT);

        if (moved >= 0 || errno != EOPNOTSUPP)
            return moved;
        stream->shared_write = WAY_POLL;
    }
    if (stream->shared_write == WAY_POLL)
        return write_after_poll(descriptor, from);
    return via_stream_write_quietly(descriptor, from, count, 0);
}

static int64_t shared_write(via_stream *stream, const via_slice *from, size_t count, via_deadline deadline)
{
    int64_t moved;
    via_status status = VIA_OK;

    while ((moved = write_once(stream, from, count)) < 0 &&
           (status = via_stream_await_room(stream, deadline)) == VIA_OK)
        ;
    return moved < 0 ? status : moved;
}

static via_status shared_finish(via_stream *stream)
{
    /* Others may hold the same description, so this is end of file for the reader only when they close it too. */
    via_stream_close_writer(stream);
    return VIA_OK;
}

static void shared_close(via_stream *stream, uint32_t how)
{
    via_stream_io_pipe.close(stream, how);
}

const via_stream_io via_stream_io_shared = {
    .read = shared_read,
    .write = shared_write,
    .finish = shared_finish,
    .close = shared_close,
};
