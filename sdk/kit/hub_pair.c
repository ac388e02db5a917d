/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pair that dials again: one connection at a time, for both directions.
 *
 * Owns: the moment from which a connection counts as lost, and what it brought until then. The next one is made at once;
 * what the lost one brought is received first. Must never keep more than one lost connection.
 */
#include "kit/hub_internal.h"

#include "kit/fail.h"

enum { ENDS = EPOLLRDHUP | EPOLLHUP | EPOLLERR };

void via_hub_pair_prepare(via_hub *hub)
{
    hub->framing = *hub->config.stream.framing;
    hub->framing.ends_at_eof = false;
    hub->quiet.attention = hub->config.stream.host->attention;
    hub->end = VIA_ECLOSED;
}

/* ---- watching ----------------------------------------------------------------------------------------------- */

via_status via_hub_pair_watch(const via_hub *hub, via_hub_peer *peer)
{
    const via_pollset input = {hub->set.main, -1}, room = {hub->set.write, -1};
    int descriptor = peer->stream.config.read_fd;
    via_status status;

    if (descriptor != peer->stream.config.write_fd)
        return VIA_ENOTSUP;
    status = via_pollset_add(&input, descriptor, EPOLLIN | EPOLLRDHUP, 0, peer);
    if (status != VIA_OK)
        return status;
    status = via_pollset_add(&room, descriptor, EPOLLOUT | EPOLLRDHUP, 0, peer);
    if (status != VIA_OK)
        via_pollset_remove(&input, descriptor);
    return status;
}

void via_hub_pair_watch_tail(const via_hub *hub, via_hub_peer *peer)
{
    const via_pollset input = {hub->set.main, -1};
    bool wants = via_stream_backlog(&peer->stream) > 0;
    uint32_t events = EPOLLIN | EPOLLRDHUP | (wants ? EPOLLOUT : 0);

    if (peer->parted || wants == peer->wants_out)
        return;
    if (via_pollset_change(&input, peer->stream.config.read_fd, events, 0, peer) == VIA_OK)
        peer->wants_out = wants;
}

void via_hub_pair_handle(via_hub *hub, via_hub_peer *peer, uint32_t events)
{
    if (peer->parted) /* the receiver's business from now on */
        return;
    if ((events & ENDS) != 0)
        via_hub_peer_remove(hub, peer, VIA_ECLOSED);
    else if ((events & EPOLLOUT) != 0)
        (void)via_hub_flush_peer(hub, peer);
}

via_status via_hub_pair_arm_work(via_hub *hub)
{
    if (!via_hub_ring_is_empty(&hub->peers))
        return via_stream_arm(&VIA_HUB_PEER_OF(hub->peers.next, all)->stream, VIA_WORK);
    return hub->finished ? VIA_ENOENT : VIA_OK;
}

/* ---- losing ------------------------------------------------------------------------------------------------- */

/* Two connections later nobody has received what it brought. */
static void forget(via_hub *hub, via_hub_peer *peer)
{
    via_msg message;

    while (via_stream_recv(&peer->stream, VIA_NOW, &message) == VIA_OK) {
        via_stream_release(&peer->stream, &message);
        via_count(&hub->config.stream.counters->dropped_closing, 1);
    }
    via_hub_peer_drop(hub, peer);
}

/* It stays in the first epoll, so that whoever waits for input comes and finds its end. */
void via_hub_pair_lose(via_hub *hub, via_hub_peer *peer)
{
    const via_pollset input = {hub->set.main, -1}, room = {hub->set.write, -1};
    int descriptor = peer->stream.config.read_fd;

    if (hub->leaving)
        forget(hub, hub->leaving);
    hub->leaving = peer;
    via_hub_link_remove(&peer->all);
    via_hub_peer_part(hub, peer);
    via_pollset_remove(&room, descriptor);
    (void)via_pollset_change(&input, descriptor, EPOLLIN, 0, peer);
    via_stream_abandon(&peer->stream);
}

/* ---- receiving ---------------------------------------------------------------------------------------------- */

/* Nothing more comes from it. Only a finished pair ends with its connection. */
static void end(via_hub *hub, via_hub_peer *peer, via_status why)
{
    via_hub_peer_remove(hub, peer, why);
    via_hub_peer_drop(hub, peer);
    if (!hub->finished || why == VIA_ECLOSED)
        return;
    hub->end = via_fail_channel(hub->config.stream.host, hub->config.stream.context, VIA_EPEER, 0, NULL,
                                "receiving: the connection broke");
}

via_status via_hub_pair_pull(via_hub *hub, via_msg *out)
{
    while (hub->leaving || !via_hub_ring_is_empty(&hub->peers)) {
        via_hub_peer *peer = hub->leaving ? hub->leaving : VIA_HUB_PEER_OF(hub->peers.next, all);
        via_status status = via_hub_peer_take(hub, peer, out);
        if (status == VIA_OK || status == VIA_ENOMEM || status == VIA_ELIMIT)
            return status;
        if (status == VIA_ETIMEDOUT && !peer->parted)
            return status;
        end(hub, peer, status);
    }
    return hub->finished ? hub->end : VIA_ETIMEDOUT;
}
