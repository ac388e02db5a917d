/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hub tells of itself.
 *
 * Owns: nothing. Must never change anything in the hub.
 */
#include "kit/hub_internal.h"

void via_hub_info(void *self, via_channel_info *inout)
{
    via_hub *hub = self;

    if (hub->config.port->connect)
        inout->flags |= VIA_INFO_REDIALS;
    if (hub->delimiter_size > 0)
        inout->flags |= VIA_INFO_CARRIES_KEY;
    if (!hub->config.stream.framing->keeps_boundaries)
        inout->flags &= ~(uint32_t)VIA_INFO_KEEPS_BOUNDARIES;
}

void via_hub_refresh_counters(void *self)
{
    via_hub *hub = self;
    uint64_t backlog = 0;

    (void)pthread_mutex_lock(&hub->lock);
    for (via_hub_link *i = hub->peers.next; i != &hub->peers; i = i->next) {
        const via_hub_peer *peer = VIA_HUB_PEER_OF(i, all);
        backlog += via_stream_backlog(&peer->stream) + peer->queue.bytes;
    }
    (void)pthread_mutex_unlock(&hub->lock);
    __atomic_store_n(&hub->config.stream.counters->backlog_bytes, backlog, __ATOMIC_RELAXED);
}

via_status via_hub_ask_peer(void *self, via_status (*ask)(int descriptor, via_peer_info *out), via_peer_info *out)
{
    via_hub *hub = self;
    via_status status = VIA_ENOPEER;

    (void)pthread_mutex_lock(&hub->lock);
    if (!via_hub_ring_is_empty(&hub->peers)) /* the lock keeps its descriptor open */
        status = ask(VIA_HUB_PEER_OF(hub->peers.next, all)->stream.config.read_fd, out);
    (void)pthread_mutex_unlock(&hub->lock);
    return status;
}
