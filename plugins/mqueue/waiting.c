/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sleeping for a queue, for news and for an interrupt; see waiting.h.
 */
#include "waiting.h"

#include "kit/deadline.h"
#include "kit/fail.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>

enum { SLICE_NS = 10 * 1000 * 1000, QUEUE = 0, CONTROL = 1, WAKE = 2, SLEEPS_ON };

/* Without a descriptor to be woken by (the limit of open files) the flag is looked at between short sleeps instead. */
static via_deadline limit_of(const struct pollfd *set, via_deadline deadline)
{
    if (deadline == VIA_NOW || set[WAKE].fd >= 0)
        return deadline;
    return via_deadline_min(deadline, via_deadline_after(SLICE_NS));
}

via_status mqueue_sleep_until(const mqueue_sleep *what, via_deadline deadline, bool *news)
{
    struct pollfd set[SLEEPS_ON] = {
        {what->queue, what->queue_events, 0}, {what->control, what->control_events, 0}, {-1, POLLIN, 0}};
    struct timespec storage;

    if (deadline != VIA_NOW)
        set[WAKE].fd = via_wake_descriptor(what->wake);
    via_deadline limit = limit_of(set, deadline);
    int ready = ppoll(set, SLEEPS_ON, via_deadline_timespec(limit, &storage), NULL);
    if (via_wake_is_raised(what->wake))
        return VIA_ECANCELED;
    if (ready < 0 && errno != EINTR)
        return via_status_of_errno(errno);
    *news = ready > 0 && set[CONTROL].revents != 0;
    return ready == 0 && limit == deadline ? VIA_ETIMEDOUT : VIA_OK;
}

via_status mqueue_watch(int handle, int descriptor, uint32_t events)
{
    struct epoll_event event = {.events = events};

    if (epoll_ctl(handle, EPOLL_CTL_ADD, descriptor, &event) == 0)
        return VIA_OK;
    if (errno == EEXIST && epoll_ctl(handle, EPOLL_CTL_MOD, descriptor, &event) == 0)
        return VIA_OK;
    return via_status_of_errno(errno);
}
