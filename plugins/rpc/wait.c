/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting, with many threads and one channel; see peer.h.
 *
 * Owns: who reads the channel. One thread leads: it receives, and deals with what comes, also for others. The rest sleep until
 * their own reply is there, or until the leader goes to do something else and wakes one of them to lead.
 */
#include "kit/deadline.h"
#include "peer.h"

#include <errno.h>

/* ---- sleepers: with the lock held --------------------------------------------------------------------------- */

static void list_waiter(rpc_peer *peer, rpc_waiter *waiter)
{
    waiter->next = peer->waiters;
    waiter->link = &peer->waiters;
    if (waiter->next)
        waiter->next->link = &waiter->next;
    peer->waiters = waiter;
}

static void unlist_waiter(rpc_waiter *waiter)
{
    *waiter->link = waiter->next;
    if (waiter->next)
        waiter->next->link = waiter->link;
}

static void wake_one(const rpc_peer *peer)
{
    if (peer->waiters)
        (void)pthread_cond_signal(&peer->waiters->woken);
}

void rpc_peer_end(rpc_peer *peer, via_status status)
{
    if (peer->ended == VIA_OK)
        peer->ended = status;
    for (rpc_waiter *waiter = peer->waiters; waiter; waiter = waiter->next)
        (void)pthread_cond_signal(&waiter->woken);
}

static via_status sleep_until(rpc_peer *peer, rpc_waiter *waiter, via_deadline deadline)
{
    struct timespec until = {(time_t)(deadline / 1000000000u), (long)(deadline % 1000000000u)};
    int code;

    if (deadline == VIA_NOW)
        return VIA_ETIMEDOUT;
    list_waiter(peer, waiter);
    code = deadline == VIA_FOREVER ? pthread_cond_wait(&waiter->woken, &peer->lock)
                                   : pthread_cond_timedwait(&waiter->woken, &peer->lock, &until);
    unlist_waiter(waiter);
    return code == ETIMEDOUT ? VIA_ETIMEDOUT : VIA_OK;
}

/* ---- what has come: without lock ---------------------------------------------------------------------------- */

/* The callbacks of a call run in the thread that made it, if it waits. True: it is that one's now. */
static bool hand_over(rpc_peer *peer, const rpc_wait *wait, rpc_incoming *incoming, rpc_opened *opened)
{
    bool is_handed = false;

    if (!rpc_is_callback(&opened->envelope))
        return false;
    rpc_callback_open(peer, opened);
    (void)pthread_mutex_lock(&peer->lock);
    rpc_thread *owner = rpc_callback_owner(peer, opened);
    if (owner && owner->waiter && (!wait || wait->thread != owner)) {
        rpc_queue_put(&owner->inbox, incoming);
        (void)pthread_cond_signal(&owner->waiter->woken);
        is_handed = true;
    }
    (void)pthread_mutex_unlock(&peer->lock);
    return is_handed;
}

static void set_aside(rpc_peer *peer, rpc_incoming *incoming)
{
    (void)pthread_mutex_lock(&peer->lock);
    rpc_queue_put(&peer->aside, incoming);
    peer->aside_bytes += incoming->size;
    (void)pthread_mutex_unlock(&peer->lock);
}

/* Nonsense that is answered leaves the channel as it is. */
static void deal_with_nonsense(rpc_peer *peer, const rpc_opened *opened)
{
    if (rpc_serve_nonsense(peer, opened))
        return;
    (void)pthread_mutex_lock(&peer->lock);
    rpc_peer_end(peer, VIA_EPROTO);
    (void)pthread_mutex_unlock(&peer->lock);
}

static void stop_leading(rpc_peer *peer)
{
    peer->is_led = false;
    wake_one(peer);
}

/* A function may take its time: meanwhile another thread reads. */
static void step_down(rpc_peer *peer, rpc_wait *wait)
{
    if (!wait->leads)
        return;
    (void)pthread_mutex_lock(&peer->lock);
    stop_leading(peer);
    (void)pthread_mutex_unlock(&peer->lock);
    wait->leads = false;
}

/* `wait` NULL: nothing now that runs a function. */
static void deal_with(rpc_peer *peer, rpc_wait *wait, rpc_incoming *incoming)
{
    rpc_opened opened;

    if (rpc_opened_open(peer, incoming, &opened) != VIA_OK) {
        deal_with_nonsense(peer, &opened);
    } else if (opened.envelope.kind == RPC_RESULT || opened.envelope.kind == RPC_FAULT) {
        rpc_call_reply(peer, &opened);
    } else if (rpc_is_cancel(&opened.envelope)) {
        rpc_serve_cancel(peer, &opened);
    } else if (hand_over(peer, wait, incoming, &opened)) {
        incoming = NULL;
    } else if (wait) {
        step_down(peer, wait);
        rpc_serve(peer, incoming, &opened); /* which closes and frees both, before it runs a function */
        return;
    } else {
        set_aside(peer, incoming);
        incoming = NULL;
    }
    rpc_opened_close(peer, &opened);
    rpc_incoming_free(peer, incoming);
}

/* ---- leading: with the lock held, but for receiving and dealing --------------------------------------------- */

static via_status lead(rpc_peer *peer, rpc_wait *wait, via_deadline deadline)
{
    via_deadline next = peer->started > 0 ? rpc_calls_next(peer) : VIA_FOREVER;
    rpc_incoming *incoming;

    peer->is_led = wait->leads = true;
    (void)pthread_mutex_unlock(&peer->lock);
    via_status status = rpc_receive(peer, via_deadline_min(deadline, next), &incoming);
    if (status == VIA_OK) {
        deal_with(peer, wait, incoming);
        wait->done++;
    }
    (void)pthread_mutex_lock(&peer->lock);
    if (status != VIA_OK && status != VIA_ETIMEDOUT)
        rpc_peer_end(peer, status);
    if (peer->started > 0)
        wait->done += rpc_calls_expire(peer, false, VIA_ETIMEDOUT);
    return status == VIA_ETIMEDOUT && deadline > next ? VIA_OK : status;
}

/* Requests that were put aside come before those that are still in the channel. */
static bool take_waiting(rpc_peer *peer, rpc_wait *wait)
{
    rpc_incoming *incoming = rpc_queue_take(&wait->thread->inbox);

    if (!incoming && (incoming = rpc_queue_take(&peer->aside)) != NULL)
        peer->aside_bytes -= incoming->size;
    if (!incoming)
        return false;
    (void)pthread_mutex_unlock(&peer->lock);
    deal_with(peer, wait, incoming);
    (void)pthread_mutex_lock(&peer->lock);
    wait->done++;
    return true;
}

static via_status wait_once(rpc_peer *peer, rpc_wait *wait, rpc_waiter *waiter, via_deadline deadline)
{
    if (take_waiting(peer, wait))
        return VIA_OK;
    if (peer->ended != VIA_OK) {
        wait->done += peer->started > 0 ? rpc_calls_expire(peer, true, peer->ended) : 0;
        return peer->ended;
    }
    return peer->is_led && !wait->leads ? sleep_until(peer, waiter, deadline) : lead(peer, wait, deadline);
}

static via_status wait_on(rpc_peer *peer, rpc_wait *wait, rpc_waiter *waiter, via_deadline deadline)
{
    rpc_waiter *outer = wait->thread->waiter;
    via_status status = VIA_OK;

    wait->thread->waiter = waiter;
    while (!wait->is_over(peer, wait->argument) && status == VIA_OK)
        status = wait_once(peer, wait, waiter, deadline);
    wait->thread->waiter = outer;
    if (wait->leads)
        peer->is_led = wait->leads = false;
    if (!peer->is_led)
        wake_one(peer);
    return wait->is_over(peer, wait->argument) ? VIA_OK : status;
}

via_status rpc_wait_for(rpc_peer *peer, rpc_wait *wait, via_deadline deadline)
{
    rpc_waiter waiter = {.link = NULL};
    pthread_condattr_t monotonic;

    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&waiter.woken, &monotonic);
    (void)pthread_mutex_lock(&peer->lock);
    via_status status = wait_on(peer, wait, &waiter, deadline);
    (void)pthread_mutex_unlock(&peer->lock);
    (void)pthread_cond_destroy(&waiter.woken);
    (void)pthread_condattr_destroy(&monotonic);
    return status;
}

/* ---- for later: without lock, leading ----------------------------------------------------------------------- */

static bool has_space_aside(rpc_peer *peer)
{
    (void)pthread_mutex_lock(&peer->lock);
    bool has = peer->aside.count < RPC_ASIDE_MAX && peer->aside_bytes < peer->max_memory;
    (void)pthread_mutex_unlock(&peer->lock);
    return has;
}

void rpc_take_aside(rpc_peer *peer)
{
    rpc_incoming *incoming;
    via_status status = VIA_ETIMEDOUT;

    while (has_space_aside(peer) && (status = rpc_receive(peer, VIA_NOW, &incoming)) == VIA_OK)
        deal_with(peer, NULL, incoming);
    (void)pthread_mutex_lock(&peer->lock);
    if (status != VIA_ETIMEDOUT && status != VIA_OK)
        rpc_peer_end(peer, status);
    stop_leading(peer);
    (void)pthread_mutex_unlock(&peer->lock);
}
