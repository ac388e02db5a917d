/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A subscriber that waits; see topic_subscriber.h.
 *
 * Owns: when it spins, when it sleeps, and on what: on a word in the memory of its publisher if there is one, otherwise on the sockets.
 * A sleep ends by itself every 50 ms, since a dead process wakes nobody.
 */
#include "futex.h"
#include "kit/deadline.h"
#include "ring.h"
#include "topic_subscriber.h"

#include <poll.h>

enum {
    LOOK_NS = 50 * 1000 * 1000, /* how long a death may stay unnoticed */
    GLANCE_NS = 1000 * 1000,    /* the same for one who tries without waiting */
    TURNS = 32,                 /* spins between two looks at the clock */
    LEAST_SPIN_NS = 1000
};

/* Does everything that can come come through one memory? */
static bool is_simple(const topic_subscriber_end *end)
{
    const topic_link *link = end->links;

    return link && !link->next && link->control && link->socket >= 0 && !end->meeting.acceptor;
}

static void call(topic_link *link, uint32_t how)
{
    topic_call(&link->desk->read_call, link->door.board, how);
}

static void call_all(topic_subscriber_end *end)
{
    for (topic_link *link = end->links; link; link = link->next)
        if (link->socket >= 0)
            call(link, SHM_CALL_BELL);
}

static void look_sometimes(topic_subscriber_end *end, uint64_t interval_ns)
{
    if (!is_simple(end) || via_deadline_clock() - end->looked_ns >= interval_ns)
        topic_subscriber_look(end);
}

static via_status try_once(topic_subscriber_end *end)
{
    look_sometimes(end, GLANCE_NS);
    return topic_subscriber_find(end) ? VIA_OK : VIA_ETIMEDOUT;
}

/* VIA_ETIMEDOUT: it is time to sleep, or too late. */
static via_status spin(topic_subscriber_end *end, via_deadline until)
{
    do {
        for (int turn = 0; turn < TURNS; turn++) {
            if (topic_subscriber_find(end))
                return VIA_OK;
            via_spin_pause();
        }
        if (via_wake_is_raised(&end->wake))
            return VIA_ECANCELED;
        look_sometimes(end, LOOK_NS);
    } while (end->links && via_deadline_left(until) > 0);
    return VIA_ETIMEDOUT;
}

static bool is_quiet(topic_link *link)
{
    return topic_link_look(link) == VIA_ETIMEDOUT && !(SHM_LOOK(&link->control->ended) & SHM_GOODBYE);
}

static void sleep_for_news(topic_subscriber_end *end, topic_link *link, via_deadline until)
{
    shm_word32 *ours = &link->desk->read_call;
    const shm_word32 *news = &link->control->news;
    uint32_t seen = SHM_LOOK(news);

    call(link, SHM_CALL_FUTEX | (SHM_GET(ours) & SHM_CALL_BELL));
    if (is_quiet(link) && !via_wake_is_raised(&end->wake))
        shm_futex_sleep(news, seen, &end->wake, until);
    shm_call_off(ours);
}

static void sleep_once(topic_subscriber_end *end, via_deadline deadline)
{
    via_deadline until = via_deadline_min(deadline, via_deadline_after(LOOK_NS));

    if (is_simple(end)) {
        sleep_for_news(end, end->links, until);
    } else {
        call_all(end);
        if (!topic_subscriber_find(end))
            (void)via_wake_poll(&end->wake, end->set.main, POLLIN, until);
    }
    look_sometimes(end, LOOK_NS);
}

via_status topic_subscriber_await(topic_subscriber_end *end, via_deadline deadline)
{
    if (via_deadline_left(deadline) == 0)
        return try_once(end);
    uint64_t began = via_spin_begin(&end->spin);
    if (end->spin.now_ns > 0) {
        via_status status = spin(end, via_spin_until(&end->spin, began, deadline));
        if (status != VIA_ETIMEDOUT)
            return status;
    }
    do {
        if (via_wake_is_raised(&end->wake))
            return VIA_ECANCELED;
        sleep_once(end, deadline);
        if (topic_subscriber_find(end)) {
            via_spin_end(&end->spin, began);
            return VIA_OK;
        }
    } while (via_deadline_left(deadline) > 0);
    return via_wake_is_raised(&end->wake) ? VIA_ECANCELED : VIA_ETIMEDOUT;
}

/* ---- polling ------------------------------------------------------------------------------------------------ */

/* What rings is a word on the socket, so there is nothing to make. */
via_status topic_subscriber_pollable(void *channel, uint32_t event, via_poll_handle *out)
{
    const topic_subscriber_end *end = channel;

    if (event != VIA_READ)
        return VIA_ENOTSUP;
    out->kind = VIA_POLL_DESCRIPTOR;
    out->handle = end->set.main;
    out->wait = VIA_WAIT_READABLE;
    return VIA_OK;
}

via_status topic_subscriber_arm(void *channel, uint32_t event)
{
    topic_subscriber_end *end = channel;

    if (event != VIA_READ)
        return event == VIA_WORK ? VIA_ENOENT : VIA_ENOTSUP;
    if (via_wake_is_raised(&end->wake))
        return VIA_EREADY;
    topic_subscriber_look(end);
    if (topic_subscriber_find(end))
        return VIA_EREADY;
    call_all(end);
    return topic_subscriber_find(end) ? VIA_EREADY : VIA_OK;
}
