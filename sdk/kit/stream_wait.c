/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns: how a stream sleeps, and what an errno means to it.
 */
#include "kit/stream_internal.h"

#include <poll.h>
#include <string.h>

#include "kit/deadline.h"
#include "kit/fail.h"

enum { SLICE_NS = 10 * 1000 * 1000 };

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

via_status via_stream_await_room(via_stream *stream, via_deadline deadline)
{
    if (errno == EINTR)
        return VIA_OK;
    if (errno != EAGAIN)
        return via_stream_status_of_errno(errno);
    return deadline == VIA_NOW ? VIA_ETIMEDOUT : via_stream_wait(stream, stream->config.write_fd, POLLOUT, deadline);
}

/* One sleep. Without a descriptor to be nudged by (the limit of open files) a short one; VIA_OK then: look again. */
static via_status sleep_once(via_stream *stream, struct pollfd *set, size_t count, via_deadline deadline)
{
    const struct pollfd *nudge = &set[count - 1];
    via_deadline slice = deadline;
    struct timespec storage;
    int ready;

    if (nudge->fd < 0)
        slice = via_deadline_min(deadline, via_deadline_after(SLICE_NS));
    ready = ppoll(set, count, via_deadline_timespec(slice, &storage), NULL);
    if (ready < 0) {
        for (size_t i = 0; i < count; i++)
            set[i].revents = 0;
        return errno == EINTR ? VIA_OK : via_status_of_errno(errno);
    }
    if (nudge->revents)
        via_wake_take_nudge(&stream->wake);
    return ready == 0 && slice == deadline ? VIA_ETIMEDOUT : VIA_OK;
}

static bool shows(const struct pollfd *set, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (set[i].revents != 0)
            return true;
    return false;
}

/*
 * There has to be something to nudge before `sleeps` is set. That is set before the lock is tried, and whoever has the lock looks at it after giving the lock back: so either
 * we see the tail, or its sender sees us.
 */
via_status via_stream_sleep(via_stream *stream, struct pollfd *set, size_t count, via_deadline deadline)
{
    struct pollfd all[VIA_STREAM_SLEEP_MOST + 2];
    via_status status;

    memcpy(all, set, count * sizeof(*set));
    do {
        all[count] = (struct pollfd){.fd = -1, .events = POLLOUT};
        all[count + 1] = (struct pollfd){.fd = via_wake_nudge_descriptor(&stream->wake), .events = POLLIN};
        (void)atomic_exchange(&stream->sleeps, true);
        if (via_stream_send_due(stream))
            all[count].fd = stream->config.write_fd;
        if (via_wake_is_raised(&stream->wake))
            status = VIA_ECANCELED;
        else
            status = sleep_once(stream, all, count + 2, deadline);
        atomic_store(&stream->sleeps, false);
    } while (status == VIA_OK && !shows(all, count));
    memcpy(set, all, count * sizeof(*set));
    return status;
}

via_status via_stream_sleep_for_input(via_stream *stream, via_deadline deadline)
{
    struct pollfd input = {.fd = stream->config.read_fd, .events = POLLIN};

    return via_stream_sleep(stream, &input, 1, deadline);
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
    case ENOSPC: /* no limit of ours, as where something is made: what is sent has nowhere to go */
    case EDQUOT:
        return VIA_EIO;
    default:
        return via_status_of_errno(os_code);
    }
}

const char *via_stream_mend_for(int os_code)
{
    switch (os_code) {
    case ENOSPC:
    case EDQUOT:
        return "make room where the output goes";
    case EBADF:
        return "start the program with what it writes to (its stdout, say) open for writing";
    default:
        return NULL;
    }
}
