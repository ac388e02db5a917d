/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for many handles by epoll(7).
 */
#include "platform/poller.h"

#include "platform/clock.h"
#include "platform/os.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BATCH = 64 };

via_status via_poller_open(via_poller *poller, int32_t *os_code)
{
    *poller = epoll_create1(EPOLL_CLOEXEC);
    *os_code = *poller < 0 ? errno : 0;
    return via_os_error_status(*os_code);
}

void via_poller_close(via_poller poller)
{
    if (poller >= 0)
        (void)close((int)poller);
}

static via_status control(via_poller poller, int operation, intptr_t handle, uint32_t wait, uint64_t tag)
{
    struct epoll_event event = {0};
    event.events = ((wait & VIA_WAIT_READABLE) != 0 ? EPOLLIN : 0u) | ((wait & VIA_WAIT_WRITABLE) != 0 ? EPOLLOUT : 0u);
    event.data.u64 = tag;
    if (epoll_ctl((int)poller, operation, (int)handle, &event) == 0)
        return VIA_OK;
    return errno == EEXIST ? VIA_EBUSY : via_os_error_status(errno);
}

via_status via_poller_add(via_poller poller, intptr_t handle, uint32_t wait, uint64_t tag)
{
    return control(poller, EPOLL_CTL_ADD, handle, wait, tag);
}

via_status via_poller_change(via_poller poller, intptr_t handle, uint32_t wait, uint64_t tag)
{
    return control(poller, EPOLL_CTL_MOD, handle, wait, tag);
}

void via_poller_remove(via_poller poller, intptr_t handle)
{
    (void)control(poller, EPOLL_CTL_DEL, handle, 0, 0);
}

intptr_t via_poller_second(intptr_t handle)
{
    return fcntl((int)handle, F_DUPFD_CLOEXEC, 3);
}

void via_poller_second_close(intptr_t handle)
{
    (void)close((int)handle);
}

bool via_poller_shows(intptr_t handle, uint32_t wait)
{
    struct pollfd place = {(int)handle, 0, 0};
    place.events =
        (short)(((wait & VIA_WAIT_READABLE) != 0 ? POLLIN : 0) | ((wait & VIA_WAIT_WRITABLE) != 0 ? POLLOUT : 0));
    return poll(&place, 1, 0) > 0;
}

/* For kernels without epoll_pwait2(2): whole milliseconds, rounded up, so that no wait ends early. */
static int wait_by_milliseconds(via_poller poller, struct epoll_event *events, int capacity, uint64_t left_ns)
{
    const uint64_t left_ms = left_ns / 1000000u + (left_ns % 1000000u != 0 ? 1u : 0u);
    return epoll_wait((int)poller, events, capacity, left_ms < INT_MAX ? (int)left_ms : INT_MAX);
}

static int wait_once(via_poller poller, struct epoll_event *events, int capacity, via_deadline deadline)
{
    if (deadline == VIA_FOREVER)
        return epoll_wait((int)poller, events, capacity, -1);
    const uint64_t now = deadline == VIA_NOW ? 0 : via_clock_now();
    const uint64_t left = deadline > now ? deadline - now : 0;
    if (left == 0)
        return epoll_wait((int)poller, events, capacity, 0);
    const struct timespec time = {(time_t)(left / UINT64_C(1000000000)), (long)(left % UINT64_C(1000000000))};
    const int shown = epoll_pwait2((int)poller, events, capacity, &time, NULL);
    return shown < 0 && errno == ENOSYS ? wait_by_milliseconds(poller, events, capacity, left) : shown;
}

via_status via_poller_wait(via_poller poller, uint64_t *tags, size_t capacity, size_t *count, via_deadline deadline)
{
    struct epoll_event events[BATCH];
    int shown;
    *count = 0;
    do {
        shown = wait_once(poller, events, capacity < BATCH ? (int)capacity : BATCH, deadline);
    } while (shown < 0 && errno == EINTR);
    if (shown < 0)
        return VIA_EIO;
    for (int i = 0; i < shown; i++)
        tags[i] = events[i].data.u64;
    *count = (size_t)shown;
    return shown > 0 ? VIA_OK : VIA_ETIMEDOUT;
}
