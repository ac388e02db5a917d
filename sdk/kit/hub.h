/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel over many streams: the queue (push, pull) and topic (publish, subscribe) patterns; and over one stream after
 * the other: a pair that dials again.
 *
 * Owns: the set of connections, one epoll as the channel's only handle, redialling, fair sharing, overflow policies,
 * filters. Uses kit/stream for each connection. Must never know how connections are made: a via_hub_port does that.
 *
 * No thread: everything happens inside calls, and in arm(VIA_WORK). A mutex keeps a caller and a waitset apart; it is
 * never held while anybody sleeps.
 *   push: round robin over the peers that can take a message now; blocks while there is none.
 *   pull: takes from the ready peers in turn.
 *   publish: frames a message once, writes it to everybody; what a slow subscriber cannot take yet waits in a queue of its
 *            own (`queue_limit`), then `overflow` decides. Nobody waits for one that has not greeted yet; what is beyond its
 *            queue is dropped.
 *   subscribe: takes from all publishers, drops what no filter wants.
 *   pair: sends as push and receives as pull, over one connection at a time, which this side makes. Its end, orderly or not,
 *         is no end of the channel until via_hub_finish(). The port's streams use one descriptor both ways.
 */
#ifndef VIADUCT_KIT_HUB_H
#define VIADUCT_KIT_HUB_H

#include "kit/pollset.h"
#include "kit/stream.h"

/* How a transport makes connections for a hub. Functions never block, and are called one at a time. */
typedef struct via_hub_port {
    /*
     * The next connection somebody made to us, its greeting sent. VIA_OK; VIA_ETIMEDOUT: none waits; others: logged,
     * retried later. `out` arrives filled with the hub's defaults. NULL = this side connects.
     */
    via_status (*accept)(void *user, via_stream_config *out);
    int (*accept_fd)(void *user); /* readable when accept has something to do; NULL or -1 = see watch */
    /*
     * As many are here as `peer_limit` allows (`full`), or no longer: while it is so, accept is not called, and nothing
     * that only accept would see to may show in the hub's set. Who comes waits outside, unread. For ports with a
     * `watch` that bind; the hub does it for accept_fd by itself.
     */
    void (*hold)(void *user, bool full);
    /*
     * For ports with more than one descriptor: called once, before anything else; the port adds what it waits for to the
     * hub's set under `tag`, then and later, and takes it out again. May be NULL.
     */
    via_status (*watch)(void *user, const via_pollset *set, void *tag);
    /*
     * Connects and sends the greeting. VIA_OK; VIA_ETIMEDOUT: under way, call again when a watched descriptor shows;
     * VIA_ENOPEER: nobody there now; others: as that, but said in the log. `error` is never NULL. NULL = this side binds.
     */
    via_status (*connect)(void *user, via_stream_config *out, via_error *error);
    void (*interrupt)(void *user);           /* may be NULL. Signal-safe */
    void (*close)(void *user, uint32_t how); /* gives the name up and frees `user` */
} via_hub_port;

typedef struct via_hub_config {
    via_stream_config stream; /* defaults for each connection */
    const via_hub_port *port;
    void *user;                /* the port's */
    uint32_t role;             /* VIA_PUSH, VIA_PULL, VIA_PUBLISH, VIA_SUBSCRIBE; VIA_PAIR needs port->connect */
    uint32_t overflow;         /* index into "block", "drop-oldest", "drop-newest", "fail" */
    uint64_t queue_limit;      /* bytes waiting per subscriber */
    uint64_t reconnect_ns;     /* first back-off; doubles up to 20 times that */
    uint32_t peer_limit;       /* connections at once; more wait to be accepted until one leaves */
    uint64_t greeting_ns;      /* publisher: how long one that has connected may take to greet; 0 = it never has to */
    uint32_t greeting_limit;   /* that many of such ones at once, at least 1; the oldest gives way */
    const char *filter;        /* prefixes separated by ',', "" = everything */
    const char *key_delimiter; /* see plugins/socket; "" = the key is the beginning of the body */
} via_hub_config;

/*
 * Connecting side: one attempt is made now, bounded by `deadline`; VIA_ENOPEER if nobody is there. The texts in `config` are
 * copied. `user` becomes the hub's; on failure it has been closed.
 */
via_status via_hub_create(const via_hub_config *config, via_deadline deadline, void **hub, via_error *error);

/* The slots. */
via_status via_hub_send(void *hub, const via_slice *slices, size_t count, const via_meta *meta, via_deadline deadline);
via_status via_hub_recv(void *hub, via_deadline deadline, via_msg *out);
void via_hub_release(void *hub, via_msg *message);
via_status via_hub_flush(void *hub, via_deadline deadline);
via_status via_hub_finish(void *hub, via_deadline deadline);
via_status via_hub_drain(void *hub, via_deadline deadline, uint64_t *undelivered);
via_status via_hub_pollable(void *hub, uint32_t event, via_poll_handle *out);
via_status via_hub_arm(void *hub, uint32_t event);
void via_hub_interrupt(void *hub);
void via_hub_close(void *hub, uint32_t how);
void via_hub_info(void *hub, via_channel_info *inout);
void via_hub_refresh_counters(void *hub);
/* Of a pair: lets `ask` look at the connection of this moment. What it answers; VIA_ENOPEER: nobody is there. */
via_status via_hub_ask_peer(void *hub, via_status (*ask)(int descriptor, via_peer_info *out), via_peer_info *out);

#endif
