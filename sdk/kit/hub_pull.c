/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pull and subscribe: messages are taken from the peers that have some, in turn.
 *
 * Owns: whose turn it is. A peer is asked only when the OS or its own buffer says that it has something.
 */
#include "kit/hub_internal.h"

/* Takes one message of one peer. VIA_ETIMEDOUT: it has no complete one; others: it has been removed. */
static via_status take(via_hub *hub, via_hub_peer *peer, via_msg *out)
{
    via_status status = via_hub_peer_take(hub, peer, out);

    if (status == VIA_OK) {
        if (via_stream_has_message(&peer->stream))
            via_hub_link_append(&hub->active, &peer->active);
    } else if (status != VIA_ETIMEDOUT && status != VIA_ENOMEM && status != VIA_ELIMIT) {
        via_hub_peer_remove(hub, peer, status);
    }
    return status;
}

via_status via_hub_pull(via_hub *hub, via_msg *out)
{
    if (hub->config.role == VIA_PAIR)
        return via_hub_pair_pull(hub, out);
    while (!via_hub_ring_is_empty(&hub->active)) {
        via_hub_peer *peer = VIA_HUB_PEER_OF(hub->active.next, active);
        via_hub_link_remove(&peer->active);
        via_status status = take(hub, peer, out);
        if (status == VIA_ENOMEM || status == VIA_ELIMIT)
            return status;
        if (status != VIA_OK)
            continue;
        if (hub->config.role != VIA_SUBSCRIBE || via_hub_subscribe_accepts(hub, out))
            return VIA_OK;
        via_count(&hub->config.stream.counters->dropped_filter, 1);
        via_stream_release(&peer->stream, out);
        peer->lent--;
    }
    return VIA_ETIMEDOUT;
}
