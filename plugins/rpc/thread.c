/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one thread has on one channel; see peer.h.
 *
 * Owns: the records, which live as long as the channel: there are never more than threads have been.
 */
#include "peer.h"

#include <stdlib.h>

/* The record that this thread used last. A channel that is gone has another number. */
static _Thread_local struct {
    const rpc_peer *peer;
    uint64_t serial;
    rpc_thread *record;
} last;

static rpc_thread *find(rpc_peer *peer)
{
    rpc_thread *record = peer->threads;

    while (record && !pthread_equal(record->thread, pthread_self()))
        record = record->next;
    return record;
}

void rpc_waiter_init(rpc_waiter *waiter)
{
    pthread_condattr_t monotonic;

    waiter->link = NULL;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&waiter->woken, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

static rpc_thread *make(rpc_peer *peer)
{
    rpc_thread *record = calloc(1, sizeof(*record));

    if (!record || !(record->keep = malloc(sizeof(*record->keep)))) {
        free(record);
        return NULL;
    }
    record->thread = pthread_self();
    rpc_queue_init(&record->inbox);
    rpc_waiter_init(&record->sleeper);
    rpc_arena_init(record->keep, peer->max_memory);
    record->next = peer->threads;
    peer->threads = record;
    return record;
}

rpc_thread *rpc_thread_here(rpc_peer *peer)
{
    if (last.peer == peer && last.serial == peer->serial)
        return last.record;
    (void)pthread_mutex_lock(&peer->lock);
    rpc_thread *record = find(peer);
    if (!record)
        record = make(peer);
    (void)pthread_mutex_unlock(&peer->lock);
    if (record) {
        last.peer = peer;
        last.serial = peer->serial;
        last.record = record;
    }
    return record;
}
