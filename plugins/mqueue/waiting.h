/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sleeping for a queue, for news of the others, and for an interrupt, all at once.
 *
 * Owns: the order that loses no wake-up: every descriptor is level-triggered and looked at by the kernel as it goes to sleep. Must never
 * put one epoll behind another in a handle for pollers.
 */
#ifndef MQUEUE_WAITING_H
#define MQUEUE_WAITING_H

#include "kit/wake.h"

typedef struct mqueue_sleep {
    via_wake *wake;
    int queue; /* -1 = not the queue */
    short queue_events;
    int control; /* readable when there is news; -1 = nobody is known */
    short control_events;
} mqueue_sleep;

/*
 * Sleeps until something shows. *news: something does at the control. VIA_OK (look again), VIA_ETIMEDOUT, VIA_ECANCELED,
 * VIA_EIO and others with errno.
 */
via_status mqueue_sleep_until(const mqueue_sleep *what, via_deadline deadline, bool *news);

/* Watches `descriptor` for `events` (EPOLLIN, EPOLLOUT, 0) in the epoll `handle`; changes what is watched already. */
via_status mqueue_watch(int handle, int descriptor, uint32_t events);

#endif
