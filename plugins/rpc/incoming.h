/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes from the channel below.
 *
 * Owns: one message from when it was received until it has been read. Only the thread that leads receives, and gives back what was lent.
 */
#ifndef RPC_INCOMING_H
#define RPC_INCOMING_H

#include "codec.h"

typedef struct rpc_peer rpc_peer;
typedef struct rpc_thread rpc_thread;

/* One message as it came, until it has been read. */
typedef struct rpc_incoming {
    struct rpc_incoming *next;
    const void *data;
    size_t size;
    via_msg message;     /* lent by the channel below, if `copy` is NULL */
    uint64_t came_ns;    /* when, if it has waited since to be served; 0 = it has not */
    uint64_t id;         /* of a request that waits, 0 = none, or a text */
    bool is_cancelled;   /* the other end wants it no more; under lock */
    unsigned char *copy; /* cut from a stream */
} rpc_incoming;

/* The same, opened. */
typedef struct rpc_opened {
    rpc_arena arena;
    rpc_reader reader;
    rpc_envelope envelope;
    uint64_t callback; /* the number that a call of a callback begins with, once it has been read; 0 = not */
} rpc_opened;

typedef struct rpc_queue {
    rpc_incoming *first;
    rpc_incoming **last;
    size_t count;
} rpc_queue;

/* The next message. VIA_OK, VIA_ETIMEDOUT, or how the channel ended. A `thread` (NULL = none) keeps a record at hand for the next. */
via_status rpc_receive(rpc_peer *peer, rpc_thread *thread, via_deadline deadline, rpc_incoming **out);
void rpc_incoming_free(rpc_peer *peer, rpc_thread *thread, rpc_incoming *incoming);
void rpc_queue_init(rpc_queue *queue);
void rpc_queue_put(rpc_queue *queue, rpc_incoming *incoming);
rpc_incoming *rpc_queue_take(rpc_queue *queue); /* NULL = empty */
/* VIA_OK, or VIA_EPROTO. Close it in either case. */
via_status rpc_opened_open(rpc_peer *peer, const rpc_incoming *incoming, rpc_opened *opened);
void rpc_opened_close(rpc_peer *peer, rpc_opened *opened);

#endif
