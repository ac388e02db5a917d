/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of kit/hub share with each other and with nobody else.
 *
 * Everything here needs the hub's lock, unless it says otherwise.
 */
#ifndef VIADUCT_KIT_HUB_INTERNAL_H
#define VIADUCT_KIT_HUB_INTERNAL_H

#include "kit/hub.h"

#include <pthread.h>

/* ---- lists -------------------------------------------------------------------------------------------------- */

/* A place in a ring; the ring's head is one too. Not in a ring: `next` is NULL. */
typedef struct via_hub_link {
    struct via_hub_link *next;
    struct via_hub_link *previous;
} via_hub_link;

static inline void via_hub_ring_init(via_hub_link *ring)
{
    ring->next = ring;
    ring->previous = ring;
}

static inline bool via_hub_ring_is_empty(const via_hub_link *ring)
{
    return ring->next == ring;
}

static inline void via_hub_link_remove(via_hub_link *link)
{
    if (!link->next)
        return;
    link->next->previous = link->previous;
    link->previous->next = link->next;
    link->next = NULL;
}

/* Puts it at the end, from wherever it was. */
static inline void via_hub_link_append(via_hub_link *ring, via_hub_link *link)
{
    via_hub_link_remove(link);
    link->next = ring;
    link->previous = ring->previous;
    ring->previous->next = link;
    ring->previous = link;
}

#define VIA_HUB_PEER_OF(link, member) ((via_hub_peer *)(void *)((char *)(link)-offsetof(via_hub_peer, member)))

/* ---- the parts ---------------------------------------------------------------------------------------------- */

/* via_hub_config.overflow */
enum { VIA_HUB_BLOCK, VIA_HUB_DROP_OLDEST, VIA_HUB_DROP_NEWEST, VIA_HUB_FAIL };

/* A published message that waits for slow subscribers; counted by their queues. */
typedef struct via_hub_item {
    size_t references;
    size_t size;
    uint8_t data[];
} via_hub_item;

/* A ring buffer of messages for one slow subscriber. */
typedef struct via_hub_queue {
    via_hub_item **items;
    size_t capacity;
    size_t first;
    size_t count;
    uint64_t bytes;
} via_hub_queue;

typedef struct via_hub_peer {
    via_hub_link all;      /* in hub->peers, or in hub->departed */
    via_hub_link active;   /* in hub->active: perhaps there is something to receive */
    via_hub_link warm;     /* in hub->warm: it has a receive buffer */
    via_hub_link stranger; /* in hub->strangers: it has not greeted */
    via_deadline greet_by; /* of a stranger */
    bool gone;             /* its descriptor is closed; the memory stays while messages are lent or somebody sleeps */
    bool wants_out;        /* watched for room to write, since something waits for it */
    bool stalled;          /* keeps a blocking publisher waiting */
    bool shows_room;       /* watched for room in the second epoll, for that reason */
    bool parted;           /* no longer counted as a connection: gone, or hub->leaving */
    size_t lent;
    via_hub_queue queue;
    via_stream stream;
} via_hub_peer;

typedef struct via_hub {
    via_hub_config config;
    via_host_api quiet; /* the host's table, for streams: the end of one is not the end of the channel */
    char *filter;
    char *key_delimiter;
    size_t delimiter_size;
    bool sends;
    bool receives;
    via_pollset set;
    via_wake wake;
    pthread_mutex_t lock;
    via_hub_link peers;    /* the next to be served first */
    via_hub_link departed; /* gone, not freed yet */
    via_hub_link active;
    via_hub_link warm;
    via_hub_link strangers; /* the first to be late first */
    size_t stranger_count;
    int patience;                /* timerfd for them, or -1 */
    via_deadline patience_until; /* what it is set to */
    via_status refusal;          /* what became of something sent, for the next drain; VIA_OK = nothing bad */
    size_t peer_count;
    bool full;       /* as many as may be: nobody is accepted, and nobody who waits for it shows */
    size_t sleepers; /* threads that hold events of the epoll without the lock */
    bool gathering;  /* the message before said VIA_MORE */
    bool finished;
    bool closing;
    /* Of a publisher: what is gathered and newcomers have not got. */
    uint8_t *series;
    size_t series_size;
    size_t series_capacity;
    /* A message that was found by looking whether there is one. */
    bool has_stash;
    via_msg stash;
    /* For a publisher that blocks: whoever kept it waiting has left. */
    int changed; /* eventfd in the second epoll, or -1 */
    bool has_changed;
    /* Connecting. */
    int timer;              /* timerfd, or -1 */
    via_deadline redial_at; /* 0 = not due */
    uint64_t backoff_ns;
    uint64_t connected_at;
    /* VIA_PAIR. */
    via_hub_peer *leaving; /* lost; what it brought is received before anything of its successor. NULL = none */
    via_framing framing;   /* the transport's, but an end in the middle of a message is never the end of that message */
    via_status end;        /* what a receive answers when no connection is to come any more */
} via_hub;

/* ---- hub_peer.c --------------------------------------------------------------------------------------------- */

/* Makes a peer of a connection. Who accepts looks first whether there is a place for one; see via_hub_admit(). */
via_status via_hub_peer_add(via_hub *hub, const via_stream_config *config);
/* Its stream has ended with `why`. A pair's is kept as `leaving`. */
void via_hub_peer_remove(via_hub *hub, via_hub_peer *peer, via_status why);
/* It no longer counts as a connection. */
void via_hub_peer_part(via_hub *hub, via_hub_peer *peer);
/* Closes it. */
void via_hub_peer_drop(via_hub *hub, via_hub_peer *peer);
/* Frees what nobody uses any more. */
void via_hub_peer_sweep(via_hub *hub);
/* Frees all, when the hub ends. */
void via_hub_peer_remove_all(via_hub *hub, uint32_t how);
/* Watches for room to write in each epoll as long as somebody waits for it there. */
void via_hub_peer_watch(via_hub *hub, via_hub_peer *peer);
/* No more is sent to it. */
void via_hub_peer_finish(const via_hub *hub, via_hub_peer *peer);
/* One message of it, if it has a whole one, lent until via_hub_release(). As via_stream_recv() with VIA_NOW. */
via_status via_hub_peer_take(via_hub *hub, via_hub_peer *peer, via_msg *out);
/* Has the OS room for more? */
bool via_hub_peer_has_room(const via_hub_peer *peer);

/* ---- hub_stranger.c ----------------------------------------------------------------------------------------- */

/* It has connected to a publisher, and its greeting is still to come. */
static inline bool via_hub_is_stranger(const via_hub_peer *peer)
{
    return peer->stranger.next != NULL;
}

via_status via_hub_stranger_watch(via_hub *hub);
/* A fresh peer, which may be gone afterwards; in memory it stays, as in the next two, while the hub handles events. */
void via_hub_stranger_add(via_hub *hub, via_hub_peer *peer);
/* Takes what a peer that only receives has to say: its greeting, its end, or that it talks where it must not. */
void via_hub_listen(via_hub *hub, via_hub_peer *peer);
/* Ends those whose time is over. */
void via_hub_stranger_expire(via_hub *hub);
/* It has greeted, or leaves. */
void via_hub_stranger_forget(via_hub *hub, via_hub_peer *peer);

/* ---- hub_work.c --------------------------------------------------------------------------------------------- */

/* Does what can be done now: accepts, redials, notices ends, flushes. */
void via_hub_work(via_hub *hub);
/* The number of peers has changed: accepts from now on, or no longer. */
void via_hub_admit(via_hub *hub);
/*
 * Sleeps without the lock until something may have changed, at most until *deadline, and handles it. Once that has passed,
 * whatever came in the meantime, *deadline is VIA_NOW: the caller tries a last time. VIA_OK, VIA_ECANCELED (not while
 * closing), VIA_EIO.
 */
via_status via_hub_sleep(via_hub *hub, int epoll, via_deadline *deadline);

/* ---- hub_dial.c --------------------------------------------------------------------------------------------- */

via_status via_hub_dial_first(via_hub *hub, via_deadline deadline, via_error *error);
/* Goes on with a redial, if one is due or under way. */
void via_hub_dial_again(via_hub *hub);
/* The connection is lost: plans the next attempt. Of a finished pair there is none, and its handles show the end. */
void via_hub_dial_later(via_hub *hub);

/* ---- one role each ------------------------------------------------------------------------------------------ */

via_status via_hub_push(via_hub *hub, const via_slice *slices, size_t count, const via_meta *meta,
                        via_deadline deadline);
bool via_hub_push_ready(via_hub *hub);
via_status via_hub_publish(via_hub *hub, const via_slice *slices, size_t count, const via_meta *meta,
                           via_deadline deadline);
bool via_hub_publish_ready(via_hub *hub);
/* Gives a fresh peer what is gathered. As with all of publish, it may be gone afterwards. */
void via_hub_publish_gathered(via_hub *hub, via_hub_peer *peer);
/* VIA_ETIMEDOUT: nothing complete has come. */
via_status via_hub_pull(via_hub *hub, via_msg *out);
/* Is it wanted? Splits the key off. */
bool via_hub_subscribe_accepts(const via_hub *hub, via_msg *message);

/* ---- hub_series.c ------------------------------------------------------------------------------------------- */

/* Can a message be gathered without looking who has come? If so, add it as soon as it is accepted. */
bool via_hub_series_has_room(via_hub *hub, size_t size);
void via_hub_series_add(via_hub *hub, const via_slice *slices, size_t count, size_t size);
/* What there is, from *at = 0 on. False: no more. */
bool via_hub_series_next(const via_hub *hub, size_t *at, via_slice *message);
/* Looks who has come; to be done before anything leaves. */
void via_hub_series_look(via_hub *hub);
/* What is gathered is about to leave. */
void via_hub_series_end(via_hub *hub);
void via_hub_series_fini(via_hub *hub);

/* ---- hub_pair.c --------------------------------------------------------------------------------------------- */

void via_hub_pair_prepare(via_hub *hub);
/* Watches a new connection: for input in the first epoll, for room in the second, for its end in both. */
via_status via_hub_pair_watch(const via_hub *hub, via_hub_peer *peer);
/* Lets a receiver, too, go on with a tail as long as there is one. */
void via_hub_pair_watch_tail(const via_hub *hub, via_hub_peer *peer);
void via_hub_pair_handle(via_hub *hub, via_hub_peer *peer, uint32_t events);
/* Nothing can be sent on it any more. */
void via_hub_pair_lose(via_hub *hub, via_hub_peer *peer);
/* VIA_ETIMEDOUT: nothing complete has come; VIA_ECLOSED, VIA_EPEER: nor will it. */
via_status via_hub_pair_pull(via_hub *hub, via_msg *out);
/* What arm(VIA_WORK) answers. */
via_status via_hub_pair_arm_work(via_hub *hub);
/* Has it been finished, so that no connection is to come? */
static inline bool via_hub_pair_is_over(const via_hub *hub)
{
    return hub->config.role == VIA_PAIR && hub->finished;
}
/* Where to wait until something has left: a pair's first epoll shows input as well, which a sender does not take. */
static inline int via_hub_epoll_of_tails(const via_hub *hub)
{
    return hub->config.role == VIA_PAIR ? hub->set.write : hub->set.main;
}

/* ---- hub_queue.c -------------------------------------------------------------------------------------------- */

via_hub_item *via_hub_item_create(const via_slice *slices, size_t count, size_t size);
void via_hub_item_release(via_hub_item *item);
via_status via_hub_queue_put(via_hub_queue *queue, via_hub_item *item);
/* The oldest, or NULL. */
via_hub_item *via_hub_queue_first(const via_hub_queue *queue);
void via_hub_queue_drop_first(via_hub_queue *queue);
void via_hub_queue_fini(via_hub_queue *queue);

/* ---- hub_flush.c -------------------------------------------------------------------------------------------- */

/* Writes what waits for one peer. VIA_OK: nothing is left; VIA_ETIMEDOUT; others: the peer has been removed. */
via_status via_hub_flush_peer(via_hub *hub, via_hub_peer *peer);
/* The same for all, until nothing is left or the deadline. */
via_status via_hub_flush_all(via_hub *hub, via_deadline deadline);
/* The same, but does not wait for strangers. */
via_status via_hub_flush_known(via_hub *hub, via_deadline deadline);
/* Before closing: via_stream_await_greeting() for all, with one limit for all of them together. */
void via_hub_await_greetings(via_hub *hub, via_deadline deadline);
/* Messages that have not left. */
uint64_t via_hub_undelivered(const via_hub *hub);
/* Writes everything, then waits until the peers' systems have it. Needs the lock. */
via_status via_hub_drain_all(via_hub *hub, via_deadline deadline);

#endif
