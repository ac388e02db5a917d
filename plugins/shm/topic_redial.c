/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a member of a topic dials again; see topic_redial.h.
 */
#include "topic_redial.h"

#include "kit/deadline.h"
#include "kit/fail.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { BACKOFF_STEPS = 20 }; /* the longest pause is so many times the first */

via_status topic_redial_init(topic_redial *redial, uint64_t first_ns, const via_pollset *set)
{
    *redial = (topic_redial){.first_ns = first_ns};
    redial->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    return redial->timer < 0 ? via_status_of_errno(errno) : via_pollset_add(set, redial->timer, EPOLLIN, 0, redial);
}

void topic_redial_fini(topic_redial *redial)
{
    if (redial->timer >= 0)
        (void)close(redial->timer);
    redial->timer = -1;
}

static void set_timer(const topic_redial *redial)
{
    struct itimerspec when = {.it_value = {(time_t)(redial->at / 1000000000U), (long)(redial->at % 1000000000U)}};

    (void)timerfd_settime(redial->timer, TFD_TIMER_ABSTIME, &when, NULL); /* 0 stops it and makes it unreadable */
}

/* A connection that held for a while starts the pauses over; one that broke at once does not. */
void topic_redial_plan(topic_redial *redial)
{
    if (redial->timer < 0)
        return;
    if (redial->backoff_ns == 0 ||
        (redial->connected_at && via_deadline_clock() - redial->connected_at > 2 * redial->backoff_ns))
        redial->backoff_ns = redial->first_ns;
    else
        redial->backoff_ns = via_deadline_min(2 * redial->backoff_ns, BACKOFF_STEPS * redial->first_ns);
    redial->connected_at = 0;
    redial->at = via_deadline_after((int64_t)redial->backoff_ns);
    set_timer(redial);
}

void topic_redial_done(topic_redial *redial)
{
    redial->connected_at = via_deadline_clock();
    redial->at = 0;
    set_timer(redial);
}

bool topic_redial_is_due(const topic_redial *redial)
{
    return redial->at && via_deadline_clock() >= redial->at;
}
