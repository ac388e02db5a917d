/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One handle for an event of the channel below and a point in time; see timed.h.
 *
 * Owns: the epoll and the timer. The timer is set to an absolute time, so that one that has passed shows at once.
 */
#include "kit/timed.h"

#include "kit/fail.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { NS_PER_SECOND = 1000000000 };

void via_timed_init(via_timed *timed)
{
    *timed = (via_timed){.set = -1, .timer = -1, .watched = -1, .due = VIA_FOREVER};
}

void via_timed_fini(via_timed *timed)
{
    if (timed->set >= 0)
        (void)close(timed->set);
    if (timed->timer >= 0)
        (void)close(timed->timer);
    via_timed_init(timed);
}

static via_status add(int set, int descriptor, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = descriptor};
    return epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event) == 0 ? VIA_OK : via_status_of_errno(errno);
}

via_status via_timed_open(via_timed *timed, const via_poll_handle *below)
{
    timed->set = epoll_create1(EPOLL_CLOEXEC);
    timed->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    timed->watched = (int)below->handle;
    timed->events = below->wait == VIA_WAIT_WRITABLE ? EPOLLOUT : EPOLLIN;
    via_status status = timed->set < 0 || timed->timer < 0 ? via_status_of_errno(errno) : VIA_OK;
    if (status == VIA_OK)
        status = add(timed->set, timed->timer, EPOLLIN);
    if (status == VIA_OK)
        status = add(timed->set, timed->watched, timed->events);
    if (status != VIA_OK) {
        const int code = errno;
        via_timed_fini(timed);
        errno = code;
        return status;
    }
    timed->watches = true;
    return VIA_OK;
}

void via_timed_handle(const via_timed *timed, via_poll_handle *out)
{
    out->kind = VIA_POLL_DESCRIPTOR;
    out->handle = timed->set;
    out->wait = VIA_WAIT_READABLE;
}

/*
 * One that is not watched is taken out, not set to no events: epoll shows a hang-up even then. Where the transport has
 * closed the descriptor meanwhile there is nothing to be changed.
 */
static via_status watch(via_timed *timed, bool watches)
{
    struct epoll_event event = {.events = timed->events, .data.fd = timed->watched};
    if (watches == timed->watches)
        return VIA_OK;
    const int what = watches ? EPOLL_CTL_ADD : EPOLL_CTL_DEL;
    if (epoll_ctl(timed->set, what, timed->watched, &event) != 0 && errno != ENOENT && errno != EBADF)
        return VIA_EIO;
    timed->watches = watches;
    return VIA_OK;
}

via_status via_timed_set(via_timed *timed, via_deadline due, bool watches)
{
    struct itimerspec at = {{0, 0}, {0, 0}};
    if (due != VIA_FOREVER) {
        at.it_value.tv_sec = (time_t)(due / NS_PER_SECOND);
        at.it_value.tv_nsec = (long)(due % NS_PER_SECOND);
        if (due == 0)
            at.it_value.tv_nsec = 1; /* 0 would mean never */
    }
    const bool is_set = due == VIA_FOREVER && timed->due == VIA_FOREVER;
    if (!is_set && timerfd_settime(timed->timer, TFD_TIMER_ABSTIME, &at, NULL) != 0)
        return VIA_EIO;
    timed->due = due;
    return watch(timed, watches);
}
