/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One handle for many descriptors; see pollset.h.
 *
 * Owns: the epoll descriptors. Must never wait: whoever owns the set does.
 */
#include "kit/pollset.h"

#include "kit/fail.h"

#include <errno.h>
#include <unistd.h>

via_status via_pollset_init(via_pollset *set, bool with_write)
{
    set->write = -1;
    set->main = epoll_create1(EPOLL_CLOEXEC);
    if (set->main < 0)
        return via_status_of_errno(errno);
    if (!with_write)
        return VIA_OK;
    set->write = epoll_create1(EPOLL_CLOEXEC);
    if (set->write >= 0)
        return VIA_OK;
    int code = errno;
    via_pollset_fini(set);
    errno = code;
    return via_status_of_errno(code);
}

void via_pollset_fini(via_pollset *set)
{
    if (set->main >= 0)
        (void)close(set->main);
    if (set->write >= 0)
        (void)close(set->write);
    set->main = -1;
    set->write = -1;
}

static int control(const via_pollset *set, int what, int descriptor, uint32_t events, uint32_t write_events, void *tag)
{
    struct epoll_event event = {.events = events, .data.ptr = tag};

    if (epoll_ctl(set->main, what, descriptor, &event) < 0)
        return -1;
    if (set->write < 0)
        return 0;
    event.events = events | write_events;
    return epoll_ctl(set->write, what, descriptor, &event);
}

via_status via_pollset_add(const via_pollset *set, int descriptor, uint32_t events, uint32_t write_events, void *tag)
{
    if (control(set, EPOLL_CTL_ADD, descriptor, events, write_events, tag) == 0)
        return VIA_OK;
    int code = errno;
    via_pollset_remove(set, descriptor);
    errno = code;
    return via_status_of_errno(code);
}

via_status via_pollset_change(const via_pollset *set, int descriptor, uint32_t events, uint32_t write_events, void *tag)
{
    return control(set, EPOLL_CTL_MOD, descriptor, events, write_events, tag) == 0 ? VIA_OK
                                                                                   : via_status_of_errno(errno);
}

void via_pollset_remove(const via_pollset *set, int descriptor)
{
    int code = errno;

    (void)epoll_ctl(set->main, EPOLL_CTL_DEL, descriptor, NULL);
    if (set->write >= 0)
        (void)epoll_ctl(set->write, EPOLL_CTL_DEL, descriptor, NULL);
    errno = code;
}
