/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closing a child's channel without losing what was accepted.
 *
 * Owns: the patience with a child. Whatever it says meanwhile is read and thrown away: it may have to say it before it
 * reads on.
 */
#include "exec_state.h"

#include "descriptors.h"
#include "kit/deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LOOK_NS = 2 * 1000 * 1000 }; /* between two looks at what the child has read */

/* The file behind a descriptor of ours, opened anew. */
static int reopen(int descriptor, int flags)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
    return open(path, flags | O_CLOEXEC);
}

/* The pipe can be asked how much is in it as long as there is a descriptor of it, even one that neither reads nor writes. */
void pipe_exec_keep_input(exec_channel *channel)
{
    channel->input = reopen(channel->stream.config.write_fd, O_PATH);
}

static bool has_reader(int writer)
{
    struct pollfd set = {.fd = writer};

    return poll(&set, 1, 0) == 0;
}

static bool is_read(int writer)
{
    int unread = 0;

    return ioctl(writer, FIONREAD, &unread) != 0 || unread == 0;
}

/* The child has read everything, or never will. */
static bool is_delivered(exec_channel *channel)
{
    via_stream *stream = &channel->stream;
    int writer = stream->config.write_fd;
    bool delivered;

    if (via_stream_flush(stream, VIA_NOW) == VIA_ETIMEDOUT)
        return false;
    if (!atomic_load(&stream->finished))
        return !has_reader(writer) || is_read(writer);
    writer = channel->input >= 0 ? reopen(channel->input, O_WRONLY | O_NONBLOCK) : -1; /* ENXIO: nobody reads it */
    delivered = writer < 0 || is_read(writer);
    pipe_descriptors_close(&writer);
    return delivered;
}

/* Reads what the child says, since it may have to say it before it reads on. */
static void hear_out(exec_channel *channel, via_deadline deadline)
{
    const via_stream_config *config = &channel->stream.config;
    bool has_tail = via_stream_backlog(&channel->stream) > 0;
    struct pollfd set[2] = {{.fd = channel->output_ended ? -1 : config->read_fd, .events = POLLIN},
                            {.fd = has_tail ? config->write_fd : -1, .events = POLLOUT}};
    struct timespec storage;
    char scrap[4096];

    if (ppoll(set, 2, via_deadline_timespec(deadline, &storage), NULL) > 0 && set[0].revents &&
        read(set[0].fd, scrap, sizeof(scrap)) == 0)
        channel->output_ended = true;
}

/* No event tells that a pipe has been read, so look again and again. An interrupted channel has no patience. */
void pipe_exec_deliver(exec_channel *channel)
{
    uint64_t ns = channel->deliver_ns;
    via_deadline deadline = via_deadline_after(ns > INT64_MAX ? -1 : (int64_t)ns);

    while (via_deadline_left(deadline) > 0 && !via_wake_is_raised(&channel->stream.wake) && !is_delivered(channel) &&
           !pipe_child_has_ended(&channel->child))
        hear_out(channel, via_deadline_min(deadline, via_deadline_after(LOOK_NS)));
}

bool pipe_exec_outlive(exec_channel *channel, via_deadline deadline)
{
    char scrap[4096];
    struct pollfd set[2] = {{.fd = channel->stream.config.read_fd, .events = POLLIN},
                            {.fd = channel->child.pidfd, .events = POLLIN}};

    while (!pipe_child_has_ended(&channel->child)) {
        struct timespec storage;
        int ready = ppoll(set, 2, via_deadline_timespec(deadline, &storage), NULL);

        if (ready == 0 || (ready < 0 && errno != EINTR))
            return false;
        if (ready > 0 && set[0].revents && read(set[0].fd, scrap, sizeof(scrap)) == 0)
            set[0].fd = -1;
    }
    return true;
}
