/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publish: each message goes to every peer.
 *
 * Owns: what happens to a subscriber that cannot take a message now: a queue of its own, then the overflow policy.
 */
#include "kit/hub_internal.h"

#include <string.h>
#include <unistd.h>

enum { SLICES_MAX = 1024 };

/* A message to publish: key, delimiter and body as they go on the wire. */
typedef struct publication {
    via_slice slices[SLICES_MAX + 2];
    size_t count;
    size_t size;
    const via_meta *meta;
    bool more;
    bool unseen;        /* nobody has looked who has come since the last that was */
    via_hub_item *item; /* a copy, made for the first subscriber that has to wait */
} publication;

/* ---- the message -------------------------------------------------------------------------------------------- */

static void add(publication *message, const void *data, size_t size)
{
    message->slices[message->count++] = (via_slice){data, size};
    message->size += size;
}

static bool begins_with(const via_slice *slices, size_t count, const char *key, size_t size)
{
    for (size_t i = 0; i < count && size > 0; i++) {
        size_t here = slices[i].size < size ? slices[i].size : size;
        if (here > 0 && memcmp(slices[i].data, key, here) != 0)
            return false;
        key += here;
        size -= here;
    }
    return size == 0;
}

static void add_key(const via_hub *hub, publication *message, const via_slice *slices, size_t count, const char *key)
{
    size_t size = strlen(key);

    if (hub->delimiter_size > 0) {
        add(message, key, size);
        add(message, hub->key_delimiter, hub->delimiter_size);
    } else if (!begins_with(slices, count, key, size)) {
        add(message, key, size);
    }
}

static via_status compose(const via_hub *hub, publication *message, const via_slice *slices, size_t count,
                          const via_meta *meta)
{
    const via_framing *framing = hub->config.stream.framing;

    if (count > SLICES_MAX)
        return VIA_EINVAL;
    message->count = 0;
    message->size = 0;
    message->item = NULL;
    message->unseen = false;
    message->meta = meta;
    message->more = meta && (meta->flags & VIA_MORE);
    if (meta && meta->key)
        add_key(hub, message, slices, count, meta->key);
    if (message->size > hub->config.stream.max_message)
        return VIA_ETOOBIG;
    for (size_t i = 0; i < count; i++) {
        if (slices[i].size > hub->config.stream.max_message - message->size)
            return VIA_ETOOBIG;
        add(message, slices[i].data, slices[i].size);
    }
    return framing->check ? framing->check(message->slices, message->count) : VIA_OK;
}

/* ---- one subscriber ----------------------------------------------------------------------------------------- */

/*
 * A message larger than the limit may wait alone. Who blocks looks before it gives, and keeps the rest whatever its size; at
 * strangers it does not look, so for them the limit holds.
 */
static bool has_room(const via_hub *hub, const via_hub_peer *peer, size_t size)
{
    return (hub->config.overflow == VIA_HUB_BLOCK && !via_hub_is_stranger(peer)) || peer->queue.count == 0 ||
           peer->queue.bytes + size <= hub->config.queue_limit;
}

static void make_room(const via_hub *hub, via_hub_peer *peer, size_t size)
{
    while (hub->config.overflow == VIA_HUB_DROP_OLDEST && !has_room(hub, peer, size)) {
        via_hub_queue_drop_first(&peer->queue);
        via_count(&hub->config.stream.counters->dropped_oldest, 1);
    }
}

static void enqueue(via_hub *hub, via_hub_peer *peer, publication *message)
{
    make_room(hub, peer, message->size);
    if (has_room(hub, peer, message->size) && !message->item)
        message->item = via_hub_item_create(message->slices, message->count, message->size);
    if (!has_room(hub, peer, message->size) || !message->item ||
        via_hub_queue_put(&peer->queue, message->item) != VIA_OK)
        via_count(&hub->config.stream.counters->dropped_newest, 1);
    via_hub_peer_watch(hub, peer);
}

static void give(via_hub *hub, via_hub_peer *peer, publication *message)
{
    via_status status = VIA_ETIMEDOUT;

    if (peer->queue.count == 0)
        status = via_stream_send(&peer->stream, message->slices, message->count, message->meta, VIA_NOW);
    if (status == VIA_OK && !message->more)
        via_hub_peer_watch(hub, peer);
    if (status == VIA_ETIMEDOUT || status == VIA_ENOMEM || status == VIA_ELIMIT)
        enqueue(hub, peer, message);
    else if (status != VIA_OK)
        via_hub_peer_remove(hub, peer, status);
}

/* ---- all of them -------------------------------------------------------------------------------------------- */

/* Strangers do not count: one that stays silent must not keep a message from the others. */
static bool all_have_room(const via_hub *hub, size_t size)
{
    for (const via_hub_link *i = hub->peers.next; i != &hub->peers; i = i->next) {
        const via_hub_peer *peer = VIA_HUB_PEER_OF(i, all);
        if (!via_hub_is_stranger(peer) && !has_room(hub, peer, size))
            return false;
    }
    return true;
}

static void give_all(via_hub *hub, publication *message)
{
    via_hub_link *next;

    if (via_hub_ring_is_empty(&hub->peers))
        via_count(&hub->config.stream.counters->dropped_nobody, 1);
    for (via_hub_link *i = hub->peers.next; i != &hub->peers; i = next) {
        next = i->next;
        give(hub, VIA_HUB_PEER_OF(i, all), message);
    }
    via_hub_item_release(message->item);
}

/* ---- overflow=block ----------------------------------------------------------------------------------------- */

static void forget_change(via_hub *hub)
{
    uint64_t ignored;

    if (hub->has_changed && read(hub->changed, &ignored, sizeof(ignored)) > 0)
        hub->has_changed = false;
}

/*
 * Nothing of ours waits for anybody, and each has room. Who keeps us waiting is shown by the second epoll until we look
 * again, whatever is flushed meanwhile. `ask`: ask the OS also about those that have not kept us waiting so far. Strangers
 * never do.
 */
static bool all_are_ready(via_hub *hub, bool ask)
{
    bool ready = true;

    forget_change(hub);
    for (via_hub_link *i = hub->peers.next; i != &hub->peers; i = i->next) {
        via_hub_peer *peer = VIA_HUB_PEER_OF(i, all);
        peer->stalled =
            !via_hub_is_stranger(peer) && (peer->wants_out || ((ask || peer->stalled) && !via_hub_peer_has_room(peer)));
        if (peer->stalled != peer->shows_room)
            via_hub_peer_watch(hub, peer);
        ready = ready && !peer->stalled;
    }
    return ready;
}

/* VIA_ETIMEDOUT: it has not been given to anybody. With one subscriber there is no need to ask first. */
static via_status give_all_or_none(via_hub *hub, publication *message)
{
    via_hub_peer *peer = VIA_HUB_PEER_OF(hub->peers.next, all);
    bool alone = hub->peer_count == 1 && !via_hub_is_stranger(peer);

    if (!all_are_ready(hub, !alone && !message->more))
        return VIA_ETIMEDOUT;
    if (!alone) {
        give_all(hub, message);
        return VIA_OK;
    }
    via_status status = via_stream_send(&peer->stream, message->slices, message->count, message->meta, VIA_NOW);
    if (status == VIA_ETIMEDOUT)
        peer->stalled = true;
    if (status == VIA_ETIMEDOUT || (status == VIA_OK && !message->more))
        via_hub_peer_watch(hub, peer);
    if (status == VIA_OK || status == VIA_ETIMEDOUT || status == VIA_ENOMEM || status == VIA_ELIMIT)
        return status;
    via_hub_peer_remove(hub, peer, status);
    give_all(hub, message); /* to nobody */
    return VIA_OK;
}

/* There is no room. Nobody is to wait for what is theirs already, and it may make room. False: there was nothing to do. */
static bool break_series(via_hub *hub, publication *message)
{
    if (!hub->gathering && !message->unseen)
        return false;
    if (message->unseen)
        via_hub_series_look(hub);
    (void)via_hub_flush_all(hub, VIA_NOW);
    hub->gathering = false;
    message->unseen = false;
    return true;
}

static via_status give_and_wait(via_hub *hub, publication *message, via_deadline deadline)
{
    via_status status;

    while ((status = give_all_or_none(hub, message)) == VIA_ETIMEDOUT) {
        if (break_series(hub, message))
            continue;
        if (deadline == VIA_NOW)
            return status;
        status = via_hub_sleep(hub, hub->set.write, &deadline);
        if (status != VIA_OK)
            return status;
    }
    hub->gathering = message->more && status == VIA_OK;
    /* A long message has begun to leave: as in a pair, the call goes on with it until its deadline. */
    if (status == VIA_OK && !message->more && deadline != VIA_NOW)
        (void)via_hub_flush_known(hub, deadline);
    return status;
}

static via_status publish(via_hub *hub, publication *message, via_deadline deadline)
{
    if (hub->config.overflow == VIA_HUB_BLOCK)
        return give_and_wait(hub, message, deadline);
    if (hub->config.overflow == VIA_HUB_FAIL && !all_have_room(hub, message->size)) {
        via_count(&hub->config.stream.counters->dropped_newest, 1);
        return VIA_EDROPPED;
    }
    give_all(hub, message);
    hub->gathering = message->more;
    return VIA_OK;
}

/* ---- the slot ----------------------------------------------------------------------------------------------- */

via_status via_hub_publish(via_hub *hub, const via_slice *slices, size_t count, const via_meta *meta,
                           via_deadline deadline)
{
    publication message;
    via_status status = compose(hub, &message, slices, count, meta);

    if (status != VIA_OK)
        return status;
    message.unseen = message.more && !via_hub_ring_is_empty(&hub->peers) && via_hub_series_has_room(hub, message.size);
    if (!message.unseen)
        via_hub_series_look(hub); /* attaches whoever waits in the backlog */
    status = publish(hub, &message, deadline);
    if (status == VIA_OK && message.unseen)
        via_hub_series_add(hub, message.slices, message.count, message.size);
    return status;
}

void via_hub_publish_gathered(via_hub *hub, via_hub_peer *peer)
{
    static const via_meta more = {.flags = VIA_MORE};
    publication message;
    via_slice body;
    size_t at = 0;

    while (!peer->gone && via_hub_series_next(hub, &at, &body)) {
        if (compose(hub, &message, &body, 1, &more) != VIA_OK) /* it did before */
            return;
        give(hub, peer, &message);
        via_hub_item_release(message.item);
    }
}

bool via_hub_publish_ready(via_hub *hub)
{
    return hub->config.overflow != VIA_HUB_BLOCK || all_are_ready(hub, true);
}
