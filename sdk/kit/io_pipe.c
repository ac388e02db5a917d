/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams over pipes, FIFOs, terminals and devices of our own: descriptors with O_NONBLOCK.
 *
 * Owns: trying and sleeping in the order that costs least. Must never be given a descriptor whose open file
 * description somebody else uses: that is what io_shared is for.
 */
#include "kit/stream_internal.h"

#include <sys/uio.h>
#include <unistd.h>

static int64_t pipe_read(via_stream *stream, via_slice *into, size_t count, via_deadline deadline)
{
    bool wait_first = stream->read_starved && deadline != VIA_NOW;

    for (;;) {
        ssize_t moved;

        if (wait_first) {
            via_status status = via_stream_sleep_for_input(stream, deadline);

            if (status != VIA_OK)
                return status;
        }
        moved = readv(stream->config.read_fd, (const struct iovec *)into, (int)count);
        if (moved >= 0) {
            stream->read_starved = moved > 0 && (size_t)moved < into[0].size;
            return moved;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return via_stream_status_of_errno(errno);
        if (deadline == VIA_NOW)
            return VIA_ETIMEDOUT;
        wait_first = true;
    }
}

static int64_t pipe_write(via_stream *stream, const via_slice *from, size_t count, via_deadline deadline)
{
    int64_t moved;
    via_status status = VIA_OK;

    while ((moved = via_stream_write_quietly(stream->config.write_fd, from, count, 0)) < 0 &&
           (status = via_stream_await_room(stream, deadline)) == VIA_OK)
        ;
    return moved < 0 ? status : moved;
}

static via_status pipe_finish(via_stream *stream)
{
    via_stream_close_writer(stream);
    return VIA_OK;
}

static void pipe_close(via_stream *stream, uint32_t how)
{
    int read_fd = stream->config.read_fd;
    int write_fd = stream->config.write_fd;

    (void)how;
    if (read_fd >= 0)
        close(read_fd);
    if (write_fd >= 0 && write_fd != read_fd)
        close(write_fd);
}

/* A device has one descriptor for both ways, and no way to say that one of them is over. */
static via_status device_finish(via_stream *stream)
{
    (void)stream;
    return VIA_OK;
}

const via_stream_io via_stream_io_device = {
    .read = pipe_read,
    .write = pipe_write,
    .finish = device_finish,
    .close = pipe_close,
};

const via_stream_io via_stream_io_pipe = {
    .read = pipe_read,
    .write = pipe_write,
    .finish = pipe_finish,
    .close = pipe_close,
};
