/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns: how a stream sleeps, and what an errno means to it.
 */
#include "kit/stream_internal.h"

#include <poll.h>

#include "kit/deadline.h"
#include "kit/fail.h"

static via_status poll_regardless(int descriptor, short events, via_deadline deadline)
{
    struct pollfd set = {.fd = descriptor, .events = events};
    struct timespec storage;
    int ready;

    do
        ready = ppoll(&set, 1, via_deadline_timespec(deadline, &storage), NULL);
    while (ready < 0 && errno == EINTR);
    if (ready < 0)
        return via_status_of_errno(errno);
    return ready == 0 ? VIA_ETIMEDOUT : VIA_OK;
}

via_status via_stream_wait(via_stream *stream, int descriptor, short events, via_deadline deadline)
{
    if (stream->closing)
        return poll_regardless(descriptor, events, deadline);
    return via_wake_poll(&stream->wake, descriptor, events, deadline);
}

static via_status poll_three(via_stream *stream, short *readable, via_deadline deadline)
{
    struct pollfd set[3] = {{.fd = stream->config.read_fd, .events = POLLIN},
                            {.fd = stream->config.write_fd, .events = POLLOUT},
                            {.fd = via_wake_descriptor(&stream->wake), .events = POLLIN}};
    struct timespec storage;
    int ready;

    if (set[2].fd < 0)
        return via_status_of_errno(errno);
    if (via_wake_is_raised(&stream->wake))
        return VIA_ECANCELED;
    ready = ppoll(set, 3, via_deadline_timespec(deadline, &storage), NULL);
    if (ready < 0 && errno != EINTR)
        return via_status_of_errno(errno);
    *readable = set[0].revents;
    return ready == 0 ? VIA_ETIMEDOUT : VIA_OK;
}

via_status via_stream_wait_both(via_stream *stream, via_deadline deadline)
{
    while (via_stream_send_due(stream) && deadline != VIA_NOW) {
        short readable = 0;
        via_status status = poll_three(stream, &readable, deadline);

        if (status != VIA_OK)
            return status;
        if (readable)
            return VIA_OK;
    }
    return VIA_OK;
}

via_status via_stream_status_of_errno(int os_code)
{
    switch (os_code) {
    case ETIMEDOUT: /* keepalive or TCP_USER_TIMEOUT gave the peer up */
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case ENETRESET:
        return VIA_EPEER;
    case EBADF:
    case EINVAL:
    case ENOTCONN:
        return VIA_EIO;
    default:
        return via_status_of_errno(os_code);
    }
}
