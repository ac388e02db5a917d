/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Getting rid of what was accepted.
 *
 * Owns: the order of a peer's two stores: first what its stream holds, then its queue. Must never drop anything.
 */
#include "kit/deadline.h"
#include "kit/hub_internal.h"

enum { LOOK_NS = 1000000 }; /* no event tells that a peer's system has everything */

via_status via_hub_flush_peer(via_hub *hub, via_hub_peer *peer)
{
    via_status status = via_stream_flush(&peer->stream, VIA_NOW);
    const via_hub_item *item;

    while (status == VIA_OK && (item = via_hub_queue_first(&peer->queue)) != NULL) {
        const via_slice slice = {item->data, item->size};
        const via_meta meta = {.flags = peer->queue.count > 1 ? VIA_MORE : 0};
        status = via_stream_send(&peer->stream, &slice, 1, &meta, VIA_NOW);
        if (status == VIA_OK)
            via_hub_queue_drop_first(&peer->queue);
    }
    if (status == VIA_OK || status == VIA_ETIMEDOUT || status == VIA_ENOMEM || status == VIA_ELIMIT)
        via_hub_peer_watch(hub, peer);
    else
        via_hub_peer_remove(hub, peer, status);
    return status;
}

/* Tries all. True: something is left that is worth waiting for. */
static bool try_all(via_hub *hub, bool for_strangers)
{
    via_hub_link *next;
    bool left = false;

    for (via_hub_link *i = hub->peers.next; i != &hub->peers; i = next) {
        via_hub_peer *peer = VIA_HUB_PEER_OF(i, all);
        next = i->next;
        if (via_stream_backlog(&peer->stream) == 0 && peer->queue.count == 0)
            continue;
        bool counts = for_strangers || !via_hub_is_stranger(peer);
        via_status status = via_hub_flush_peer(hub, peer);
        left = left || (counts && (status == VIA_ETIMEDOUT || status == VIA_ENOMEM || status == VIA_ELIMIT));
    }
    return left;
}

static via_status flush_until(via_hub *hub, via_deadline deadline, bool for_strangers)
{
    while (try_all(hub, for_strangers)) {
        if (deadline == VIA_NOW)
            return VIA_ETIMEDOUT;
        via_status status = via_hub_sleep(hub, via_hub_epoll_of_tails(hub), &deadline);
        if (status != VIA_OK)
            return status;
    }
    return VIA_OK;
}

via_status via_hub_flush_all(via_hub *hub, via_deadline deadline)
{
    return flush_until(hub, deadline, true);
}

via_status via_hub_flush_known(via_hub *hub, via_deadline deadline)
{
    return flush_until(hub, deadline, false);
}

/* Something is in the hands of our system, or of one that may still refuse it. */
static bool any_unsent(const via_hub *hub)
{
    for (const via_hub_link *i = hub->peers.next; i != &hub->peers; i = i->next) {
        via_stream *stream = &VIA_HUB_PEER_OF(i, all)->stream;
        if (via_stream_unsent(stream) > 0 || via_stream_is_unanswered(stream))
            return true;
    }
    return false;
}

/* A look may take the only sign that there is, such as a reset: whoever is found to have refused is gone. */
static bool is_refused(via_hub *hub)
{
    via_hub_link *next;

    for (via_hub_link *i = hub->peers.next; i != &hub->peers; i = next) {
        via_hub_peer *peer = VIA_HUB_PEER_OF(i, all);
        via_status answer = peer->stream.sent > 0 ? via_stream_answer(&peer->stream) : VIA_OK;
        next = i->next;
        if (answer != VIA_OK && answer != VIA_ETIMEDOUT)
            via_hub_peer_remove(hub, peer, answer);
    }
    return hub->refusal != VIA_OK;
}

/* Once: what is sent from here on may go to a better one. */
static via_status take_refusal(via_hub *hub)
{
    via_status refusal = hub->refusal;

    hub->refusal = VIA_OK;
    via_stream_tell_refusal(&hub->config.stream, refusal);
    return refusal;
}

/* Of a pair no handle is quiet: one shows input that nobody takes, the other room. */
static via_status pause_until(via_hub *hub, via_deadline *deadline)
{
    via_status status;

    if (hub->config.role != VIA_PAIR)
        return via_hub_sleep(hub, hub->set.main, deadline);
    (void)pthread_mutex_unlock(&hub->lock);
    status = via_wake_poll(&hub->wake, -1, 0, *deadline);
    (void)pthread_mutex_lock(&hub->lock);
    via_hub_work(hub);
    return status == VIA_ETIMEDOUT ? VIA_OK : status;
}

via_status via_hub_drain_all(via_hub *hub, via_deadline deadline)
{
    via_status status;

    via_hub_work(hub); /* what has come may say that something was refused */
    while ((status = via_hub_flush_all(hub, deadline)) == VIA_OK && !is_refused(hub) && any_unsent(hub)) {
        via_deadline look = via_deadline_min(deadline, via_deadline_after(LOOK_NS));
        if (deadline == VIA_NOW)
            return VIA_ETIMEDOUT;
        status = pause_until(hub, &look);
        if (status != VIA_OK)
            return status;
        if (via_deadline_left(deadline) == 0)
            deadline = VIA_NOW;
    }
    return is_refused(hub) ? take_refusal(hub) : status;
}

void via_hub_await_greetings(via_hub *hub, via_deadline deadline)
{
    via_deadline limit = via_deadline_min(deadline, via_deadline_after(VIA_STREAM_GREETING_LINGER_NS));

    for (via_hub_link *i = hub->peers.next; i != &hub->peers; i = i->next)
        via_stream_await_greeting(&VIA_HUB_PEER_OF(i, all)->stream, limit);
}

uint64_t via_hub_undelivered(const via_hub *hub)
{
    uint64_t messages = 0;

    for (const via_hub_link *i = hub->peers.next; i != &hub->peers; i = i->next) {
        via_hub_peer *peer = VIA_HUB_PEER_OF(i, all);
        uint64_t here = 0;
        if (via_stream_drain(&peer->stream, VIA_NOW, &here) != VIA_OK)
            messages += here;
        messages += peer->queue.count;
    }
    return messages;
}
