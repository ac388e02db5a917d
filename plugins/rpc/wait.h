/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting, with many threads and one channel.
 *
 * Owns: who reads the channel: the one that leads.
 */
#ifndef RPC_WAIT_H
#define RPC_WAIT_H

#include "thread.h"

typedef struct rpc_peer rpc_peer;

enum {
    RPC_ASIDE_MAX = 1024, /* requests that wait until somebody serves them */
    RPC_INBOX_MAX = 64    /* callbacks that wait for the thread that is to run them */
};

/* What a thread waits for. */
typedef struct rpc_wait {
    bool (*is_over)(rpc_peer *peer, void *argument); /* asked with `lock` held */
    void *argument;
    rpc_thread *thread;
    uint64_t done; /* messages that it has dealt with */
    bool leads;
    struct rpc_serving *served; /* has been answered, and is to be taken from the list of what runs; NULL = none */
} rpc_wait;

/* Receives, and deals with what comes, until it is over. VIA_OK, VIA_ETIMEDOUT, or how the channel ended. */
via_status rpc_wait_for(rpc_peer *peer, rpc_wait *wait, via_deadline deadline);
/*
 * A function may take its time: meanwhile another thread reads, and may find in the list of what runs the call that it is run for (NULL = none).
 * Without lock.
 */
void rpc_step_down(rpc_peer *peer, rpc_wait *wait, struct rpc_serving *to_run);
/*
 * The same while the message is still needed: it is copied, since only who leads may give back what the channel below has lent.
 * Without memory for that it goes on leading.
 */
void rpc_detach(rpc_peer *peer, rpc_wait *wait, rpc_incoming *incoming, rpc_opened *opened) __attribute__((cold));
/* For who sleeps on the handle: VIA_OK, VIA_EREADY, or what the channel below answers. Any thread, at any time. */
via_status rpc_arm_reading(rpc_peer *peer);
/* Takes what has come without waiting, for later; replies and cancellations at once. */
void rpc_take_aside(rpc_peer *peer);
/* Serves what sending has taken aside, if this thread does not wait anyway: nobody else may look at the channel again. */
void rpc_settle(rpc_peer *peer, rpc_thread *thread);
/* With `lock` held: the channel is over. */
void rpc_peer_end(rpc_peer *peer, via_status status) __attribute__((cold));

#endif
