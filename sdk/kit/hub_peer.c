/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of a hub.
 *
 * Owns: who is attached, who has left and cannot be freed yet, and what each descriptor is watched for.
 */
#include "kit/hub_internal.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "kit/deadline.h"
#include "kit/fail.h"

/* ---- arriving ----------------------------------------------------------------------------------------------- */

/* Nobody waits for a stranger: the others of this hub would have to wait with us. */
static void turn_away(const via_hub *hub, const via_stream_config *given)
{
    via_stream_config config = *given;
    via_stream stream;

    via_count(&hub->config.stream.counters->protocol_errors, 1);
    via_note(hub->config.stream.host, hub->config.stream.context, VIA_LOG_WARNING,
             "a connection was turned away: no memory");
    config.linger_ns = 0;
    config.uncounted = true;
    if (via_stream_init(&stream, &config) == VIA_OK)
        via_stream_fini(&stream, VIA_CLOSE_FLUSH);
}

/* The descriptors of a stream may be one, two, or one missing. Room to write is shown to pushers at all times. */
static via_status watch(const via_hub *hub, via_hub_peer *peer)
{
    const via_stream_config *config = &peer->stream.config;
    bool same = config->read_fd == config->write_fd;
    uint32_t room = hub->config.role == VIA_PUSH ? EPOLLOUT : 0;
    via_status status = VIA_OK;

    if (hub->config.role == VIA_PAIR)
        return via_hub_pair_watch(hub, peer);
    peer->shows_room = room != 0;
    if (config->read_fd >= 0)
        status = via_pollset_add(&hub->set, config->read_fd, EPOLLIN, same ? room : 0, peer);
    if (status != VIA_OK || same || config->write_fd < 0)
        return status;
    status = via_pollset_add(&hub->set, config->write_fd, 0, room, peer);
    if (status != VIA_OK && config->read_fd >= 0)
        via_pollset_remove(&hub->set, config->read_fd);
    return status;
}

static void unwatch(const via_hub *hub, const via_hub_peer *peer)
{
    const via_stream_config *config = &peer->stream.config;

    if (config->read_fd >= 0)
        via_pollset_remove(&hub->set, config->read_fd);
    if (config->write_fd >= 0 && config->write_fd != config->read_fd)
        via_pollset_remove(&hub->set, config->write_fd);
}

/* The end of one connection is not the end of the channel, and the hub lingers for all of them at once. */
static via_status start(via_hub *hub, via_hub_peer *peer, const via_stream_config *given)
{
    via_stream_config config = *given;

    config.host = &hub->quiet;
    config.linger_ns = 0;
    config.uncounted = true;
    if (hub->config.role == VIA_PAIR)
        config.framing = &hub->framing;
    return via_stream_init(&peer->stream, &config);
}

via_status via_hub_peer_add(via_hub *hub, const via_stream_config *config)
{
    via_counters *counters = hub->config.stream.counters;
    via_hub_peer *peer;

    peer = calloc(1, sizeof(*peer));
    if (!peer || start(hub, peer, config) != VIA_OK) {
        free(peer);
        turn_away(hub, config);
        return VIA_ENOMEM;
    }
    via_status status = watch(hub, peer);
    if (status != VIA_OK) {
        via_stream_fini(&peer->stream, VIA_CLOSE_FLUSH);
        free(peer);
        return status;
    }
    via_hub_link_append(&hub->peers, &peer->all);
    hub->peer_count++;
    via_count(&counters->connects, 1);
    via_count(&counters->peers, 1);
    via_hub_stranger_add(hub, peer);
    via_hub_publish_gathered(hub, peer);
    via_hub_admit(hub);
    return VIA_OK;
}

bool via_hub_peer_has_room(const via_hub_peer *peer)
{
    struct pollfd room = {.fd = peer->stream.config.write_fd, .events = POLLOUT};

    return poll(&room, 1, 0) > 0;
}

void via_hub_peer_watch(via_hub *hub, via_hub_peer *peer)
{
    const via_stream_config *config = &peer->stream.config;
    bool wants = via_stream_backlog(&peer->stream) > 0 || peer->queue.count > 0;
    bool shows = hub->config.role == VIA_PUSH || peer->stalled;
    uint32_t events = wants ? EPOLLOUT : 0;

    if (hub->config.role == VIA_PAIR) {
        via_hub_pair_watch_tail(hub, peer);
        return;
    }
    if (peer->gone || (wants == peer->wants_out && shows == peer->shows_room))
        return;
    if (config->read_fd == config->write_fd)
        events |= EPOLLIN;
    if (via_pollset_change(&hub->set, config->write_fd, events, shows ? EPOLLOUT : 0, peer) != VIA_OK)
        return;
    peer->wants_out = wants;
    peer->shows_room = shows;
}

/* A descriptor of its own for writing goes away with that, but perhaps not in a forked child. */
void via_hub_peer_finish(const via_hub *hub, via_hub_peer *peer)
{
    const via_stream_config *config = &peer->stream.config;

    if (config->write_fd >= 0 && config->write_fd != config->read_fd)
        via_pollset_remove(&hub->set, config->write_fd);
    (void)via_stream_finish(&peer->stream, VIA_NOW);
}

/* ---- lending ------------------------------------------------------------------------------------------------ */

via_status via_hub_peer_take(via_hub *hub, via_hub_peer *peer, via_msg *out)
{
    via_status status = via_stream_recv(&peer->stream, VIA_NOW, out);

    if (!peer->warm.next)
        via_hub_link_append(&hub->warm, &peer->warm);
    if (status == VIA_OK) {
        out->token[1] = (uintptr_t)peer;
        peer->lent++;
    }
    return status;
}

/* ---- leaving ------------------------------------------------------------------------------------------------ */

static void free_peer(via_hub_peer *peer)
{
    via_hub_link_remove(&peer->all);
    free(peer);
}

static void free_departed(via_hub *hub, bool even_lent)
{
    via_hub_link *next;

    for (via_hub_link *i = hub->departed.next; i != &hub->departed; i = next) {
        next = i->next;
        if (even_lent || VIA_HUB_PEER_OF(i, all)->lent == 0)
            free_peer(VIA_HUB_PEER_OF(i, all));
    }
}

void via_hub_peer_sweep(via_hub *hub)
{
    if (hub->sleepers == 0)
        free_departed(hub, false);
}

/* A publisher that waits for this one alone would never hear of it. */
static void tell_publisher(via_hub *hub, const via_hub_peer *peer)
{
    const uint64_t one = 1;

    if (peer->stalled && hub->changed >= 0 && !hub->has_changed)
        hub->has_changed = write(hub->changed, &one, sizeof(one)) == (ssize_t)sizeof(one);
}

void via_hub_peer_part(via_hub *hub, via_hub_peer *peer)
{
    via_counters *counters = hub->config.stream.counters;

    if (peer->parted)
        return;
    peer->parted = true;
    hub->peer_count--;
    via_count(&counters->disconnects, 1);
    via_count(&counters->peers, UINT64_MAX); /* one less */
}

/* The descriptor goes now; the memory when no message of it is lent and no thread holds an event that names it. */
static void detach(via_hub *hub, via_hub_peer *peer, uint32_t how)
{
    via_counters *counters = hub->config.stream.counters;

    if (peer->queue.count > 0)
        via_count(&counters->dropped_closing, peer->queue.count);
    via_hub_queue_fini(&peer->queue);
    via_hub_link_remove(&peer->active);
    via_hub_link_remove(&peer->warm);
    via_hub_stranger_forget(hub, peer);
    if (how != VIA_CLOSE_FORKED) {
        unwatch(hub, peer);
        tell_publisher(hub, peer);
    }
    if (hub->leaving == peer)
        hub->leaving = NULL;
    peer->gone = true;
    via_stream_fini(&peer->stream, how);
    via_hub_link_append(&hub->departed, &peer->all);
    via_hub_peer_part(hub, peer);
    if (how != VIA_CLOSE_FORKED)
        via_hub_admit(hub);
}

void via_hub_peer_drop(via_hub *hub, via_hub_peer *peer)
{
    detach(hub, peer, VIA_CLOSE_FLUSH);
    via_hub_peer_sweep(hub);
}

/* Was it turned away, and with it what had been sent? */
static via_status refusal_of(via_hub_peer *peer)
{
    via_status answer = via_stream_answer(&peer->stream);

    return answer == VIA_ETIMEDOUT ? VIA_OK : answer;
}

static uint32_t level_of(via_status why)
{
    if (why == VIA_EPROTO || why == VIA_ETOOBIG)
        return VIA_LOG_WARNING; /* with it goes what it had sent, for a reason that can be mended */
    return why == VIA_ECLOSED ? VIA_LOG_DEBUG : VIA_LOG_INFO;
}

static const char *reason_of(via_status why)
{
    switch (why) {
    case VIA_ECLOSED:
        return "the other end closed it";
    case VIA_EPEER:
        return "the other end is gone";
    case VIA_EPROTO:
        return "what came does not follow the protocol (pattern and framing have to be the same at both ends)";
    case VIA_ETOOBIG:
        return "a message above max_message was on its way; it is lost";
    default:
        return "it failed";
    }
}

void via_hub_peer_remove(via_hub *hub, via_hub_peer *peer, via_status why)
{
    const via_stream_config *stream = &hub->config.stream;

    if (peer->gone || peer->parted)
        return;
    via_note(stream->host, stream->context, level_of(why), "a connection ended: %s; %zu left", reason_of(why),
             hub->peer_count - 1);
    if (peer->stream.sent > 0 && hub->refusal == VIA_OK)
        hub->refusal = refusal_of(peer);
    if (hub->config.role == VIA_PAIR)
        via_hub_pair_lose(hub, peer);
    else
        via_hub_peer_drop(hub, peer);
    via_hub_dial_later(hub);
}

void via_hub_peer_remove_all(via_hub *hub, uint32_t how)
{
    while (!via_hub_ring_is_empty(&hub->peers))
        detach(hub, VIA_HUB_PEER_OF(hub->peers.next, all), how);
    if (hub->leaving)
        detach(hub, hub->leaving, how);
    free_departed(hub, true);
}
