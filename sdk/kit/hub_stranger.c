/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has connected to a publisher and not said yet who it is.
 *
 * Owns: how long they may take, how many of them there may be, and the timerfd for it. Such a one gets what is published, so
 * that a subscriber misses nothing after its connect; but nobody waits for it.
 */
#include "kit/hub_internal.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "kit/deadline.h"
#include "kit/fail.h"

/* ---- time --------------------------------------------------------------------------------------------------- */

/* All may take equally long, so the first in the ring is the first to be late. */
static void set_timer(via_hub *hub)
{
    via_deadline next = VIA_FOREVER;
    struct itimerspec when = {.it_value = {0, 0}};

    if (!via_hub_ring_is_empty(&hub->strangers))
        next = VIA_HUB_PEER_OF(hub->strangers.next, stranger)->greet_by;
    if (next == hub->patience_until)
        return;
    if (next != VIA_FOREVER)
        when.it_value = (struct timespec){(time_t)(next / 1000000000U), (long)(next % 1000000000U)};
    (void)timerfd_settime(hub->patience, TFD_TIMER_ABSTIME, &when, NULL);
    hub->patience_until = next;
}

/* ---- coming and going --------------------------------------------------------------------------------------- */

void via_hub_stranger_forget(via_hub *hub, via_hub_peer *peer)
{
    if (!via_hub_is_stranger(peer))
        return;
    via_hub_link_remove(&peer->stranger);
    hub->stranger_count--;
}

void via_hub_listen(via_hub *hub, via_hub_peer *peer)
{
    via_msg message;
    via_status status = via_stream_recv(&peer->stream, VIA_NOW, &message);

    if (status == VIA_ETIMEDOUT) {
        if (peer->stream.greeted)
            via_hub_stranger_forget(hub, peer);
        (void)via_stream_arm(&peer->stream, VIA_READ); /* gives the buffer back */
        return;
    }
    if (status == VIA_OK) {
        via_stream_release(&peer->stream, &message);
        via_count(&hub->config.stream.counters->protocol_errors, 1);
        status = VIA_EPROTO;
    }
    if (status != VIA_ENOMEM)
        via_hub_peer_remove(hub, peer, status);
}

/* Its greeting may have come while nobody was inside a call. */
static void end_the_oldest(via_hub *hub, const char *why)
{
    const via_stream_config *stream = &hub->config.stream;
    via_hub_peer *peer = VIA_HUB_PEER_OF(hub->strangers.next, stranger);

    via_hub_listen(hub, peer);
    if (!via_hub_is_stranger(peer))
        return;
    via_count(&stream->counters->protocol_errors, 1);
    via_note(stream->host, stream->context, VIA_LOG_WARNING, "a connection was turned away: %s", why);
    via_hub_peer_remove(hub, peer, VIA_EPROTO);
}

void via_hub_stranger_add(via_hub *hub, via_hub_peer *peer)
{
    if (hub->config.greeting_ns == 0 || peer->stream.greeted)
        return;
    peer->greet_by = via_deadline_after((int64_t)hub->config.greeting_ns);
    via_hub_link_append(&hub->strangers, &peer->stranger);
    hub->stranger_count++;
    via_hub_listen(hub, peer); /* as a rule it has been sent already */
    while (hub->stranger_count > hub->config.greeting_limit)
        end_the_oldest(hub, "handshake_limit is reached, and it was the slowest");
    set_timer(hub);
}

void via_hub_stranger_expire(via_hub *hub)
{
    uint64_t now = via_deadline_clock();

    while (!via_hub_ring_is_empty(&hub->strangers) && VIA_HUB_PEER_OF(hub->strangers.next, stranger)->greet_by <= now)
        end_the_oldest(hub, "no greeting within handshake_timeout");
    set_timer(hub);
}

/* ---- life --------------------------------------------------------------------------------------------------- */

via_status via_hub_stranger_watch(via_hub *hub)
{
    if (hub->config.greeting_ns == 0)
        return VIA_OK;
    hub->patience = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    return hub->patience < 0 ? via_status_of_errno(errno)
                             : via_pollset_add(&hub->set, hub->patience, EPOLLIN, 0, &hub->strangers);
}
