/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one thread has on one channel.
 *
 * Owns: where it sleeps, what waits for it, and the reason why its last call failed.
 */
#ifndef RPC_THREAD_H
#define RPC_THREAD_H

#include "incoming.h"

#include <pthread.h>
#include <stdatomic.h>
#include <viaduct/rpc.h>

typedef struct rpc_peer rpc_peer;

/* A thread that sleeps until it is told to look again. */
typedef struct rpc_waiter {
    struct rpc_waiter *next;
    struct rpc_waiter **link; /* NULL = it is not in the list */
    pthread_cond_t woken;
} rpc_waiter;

/* What one thread has on one channel. */
typedef struct rpc_thread {
    struct rpc_thread *next;
    pthread_t thread;
    rpc_waiter *waiter; /* its sleeper while it waits, NULL = it does something else; under lock */
    rpc_queue inbox;    /* calls of its callbacks; under lock */
    uint32_t depth;     /* calls that it serves, in each other */
    bool has_error;
    rpc_arena *keep;       /* what its last call has borrowed */
    struct rpc_call *call; /* free records at hand, NULL = none: this thread's alone */
    struct rpc_serving *serving;
    rpc_incoming *incoming;
    _Atomic(uint32_t) inside; /* imported functions that it is in, in each other; written by it alone */
    rpc_waiter sleeper;
    via_rpc_error error;
} rpc_thread;

/* A condition on the clock that deadlines are on. */
void rpc_waiter_init(rpc_waiter *waiter);

/* The record of this thread; NULL: no memory. */
rpc_thread *rpc_thread_here(rpc_peer *peer);

#endif
