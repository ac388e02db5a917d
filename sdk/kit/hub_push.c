/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Push: each message goes to one of the peers that can take it now, in turn. A pair has one of them at most.
 *
 * Owns: whose turn it is. Must never wait for one peer while another could take the message.
 */
#include "kit/hub_internal.h"

static bool is_about_the_message(via_status status)
{
    return status == VIA_ETOOBIG || status == VIA_EINVAL || status == VIA_ENOTSUP || status == VIA_ENOMEM ||
           status == VIA_ELIMIT;
}

/* One round. VIA_ETIMEDOUT: nobody can take it now. */
static via_status offer(via_hub *hub, const via_slice *slices, size_t count, const via_meta *meta, via_hub_peer **taker)
{
    for (size_t left = hub->peer_count; left > 0; left--) {
        via_hub_peer *peer = VIA_HUB_PEER_OF(hub->peers.next, all);
        via_hub_link_append(&hub->peers, &peer->all);
        if (peer->wants_out)
            continue;
        via_status status = via_stream_send(&peer->stream, slices, count, meta, VIA_NOW);
        *taker = peer;
        if (status == VIA_OK || is_about_the_message(status))
            return status;
        if (status != VIA_ETIMEDOUT)
            via_hub_peer_remove(hub, peer, status);
    }
    return VIA_ETIMEDOUT;
}

/*
 * A long message has begun to leave: as in a pair, the call goes on with it until its deadline. Who calls keeps `peer`
 * in memory.
 */
static void wait_for_tail(via_hub *hub, via_hub_peer *peer, via_deadline deadline)
{
    while (!peer->gone && via_stream_backlog(&peer->stream) > 0 && deadline != VIA_NOW)
        if (via_hub_sleep(hub, via_hub_epoll_of_tails(hub), &deadline) != VIA_OK)
            break;
}

/* The last of a series: whoever got one of it gets it now. */
static void end_series(via_hub *hub, via_hub_peer *taker, via_deadline deadline)
{
    taker->lent++; /* keeps it in memory, even if it leaves */
    if (hub->gathering)
        (void)via_hub_flush_all(hub, VIA_NOW);
    hub->gathering = false;
    if (!taker->gone && via_stream_backlog(&taker->stream) > 0) {
        via_hub_peer_watch(hub, taker);
        wait_for_tail(hub, taker, deadline);
    }
    taker->lent--;
    if (taker->gone)
        via_hub_peer_sweep(hub);
}

via_status via_hub_push(via_hub *hub, const via_slice *slices, size_t count, const via_meta *meta,
                        via_deadline deadline)
{
    via_hub_peer *taker = NULL;
    via_status status;

    if (!hub->gathering)
        via_hub_work(hub);
    while ((status = offer(hub, slices, count, meta, &taker)) == VIA_ETIMEDOUT) {
        if (hub->gathering) /* what was accepted before does not wait for this one */
            (void)via_hub_flush_all(hub, VIA_NOW);
        hub->gathering = false;
        if (deadline == VIA_NOW)
            return status;
        status = via_hub_sleep(hub, hub->set.write, &deadline);
        if (status != VIA_OK)
            return status;
    }
    if (status == VIA_OK && meta && (meta->flags & VIA_MORE))
        hub->gathering = true;
    else if (status == VIA_OK)
        end_series(hub, taker, deadline);
    return status;
}

bool via_hub_push_ready(via_hub *hub)
{
    for (const via_hub_link *i = hub->peers.next; i != &hub->peers; i = i->next) {
        const via_hub_peer *peer = VIA_HUB_PEER_OF(i, all);
        if (!peer->wants_out && via_hub_peer_has_room(peer))
            return true;
    }
    return false;
}
