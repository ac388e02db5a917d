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
#include <stdlib.h>
#include <string.h>

enum { LOOK_UP_NS = 200 * 1000 * 1000 };

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
    (void)rpc_calls_expire(peer, true, peer->ended);
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

static void stop_leading(rpc_peer *peer)
{
    peer->is_led = false;
    wake_one(peer);
}

void rpc_step_down(rpc_peer *peer, rpc_wait *wait, rpc_serving *to_run)
{
    if (!wait->leads && !to_run)
        return;
    (void)pthread_mutex_lock(&peer->lock);
    if (to_run)
        rpc_serving_list(peer, to_run);
    if (wait->leads)
        stop_leading(peer);
    (void)pthread_mutex_unlock(&peer->lock);
    wait->leads = false;
}

/* ---- what has come: without lock ---------------------------------------------------------------------------- */

/* What waits for somebody must not take the room of the channel below, and only who leads may give that back. */
static __attribute__((cold)) bool copy(rpc_peer *peer, rpc_incoming *incoming)
{
    if (incoming->copy)
        return true;
    if (!(incoming->copy = malloc(incoming->size ? incoming->size : 1)))
        return false;
    memcpy(incoming->copy, incoming->data, incoming->size);
    incoming->data = incoming->copy;
    peer->plugin->host->inner->release(peer->inner, &incoming->message);
    return true;
}

void rpc_detach(rpc_peer *peer, rpc_wait *wait, rpc_incoming *incoming, rpc_opened *opened)
{
    if (!wait || !wait->leads)
        return;
    if (!incoming->copy) {
        rpc_opened_close(peer, opened);
        bool is_copied = copy(peer, incoming);
        (void)rpc_opened_open(peer, incoming, opened); /* which answers as before */
        if (!is_copied)
            return;
    }
    rpc_step_down(peer, wait, NULL);
}

typedef enum whose { OURS, ANOTHERS, TOO_MANY } whose;

/* With `lock` held. The thread that made the call may not wait yet, but will. */
static whose put_in_inbox(rpc_peer *peer, rpc_thread *owner, rpc_incoming *incoming)
{
    if (owner->inbox.count >= RPC_INBOX_MAX || !copy(peer, incoming))
        return TOO_MANY;
    incoming->came_ns = via_deadline_clock();
    rpc_queue_put(&owner->inbox, incoming);
    if (owner->waiter)
        (void)pthread_cond_signal(&owner->waiter->woken);
    return ANOTHERS;
}

/* The callbacks of a call run in the thread that made it. */
static whose hand_over(rpc_peer *peer, const rpc_wait *wait, rpc_incoming *incoming, rpc_opened *opened)
{
    whose it_is = OURS;

    if (!rpc_is_callback(&opened->envelope))
        return OURS;
    rpc_callback_open(peer, opened);
    (void)pthread_mutex_lock(&peer->lock);
    rpc_thread *owner = rpc_callback_owner(peer, opened);
    if (owner && (!wait || wait->thread != owner))
        it_is = put_in_inbox(peer, owner, incoming);
    (void)pthread_mutex_unlock(&peer->lock);
    return it_is;
}

static __attribute__((cold)) void set_aside(rpc_peer *peer, rpc_incoming *incoming, const rpc_envelope *envelope)
{
    incoming->id = envelope->has_id && !envelope->id.text ? envelope->id.number : 0;
    incoming->came_ns = via_deadline_clock();
    (void)copy(peer, incoming);
    (void)pthread_mutex_lock(&peer->lock);
    rpc_queue_put(&peer->aside, incoming);
    peer->aside_bytes += incoming->size;
    (void)pthread_mutex_unlock(&peer->lock);
}

/* Nonsense that is answered leaves the channel as it is. */
static __attribute__((cold)) void deal_with_nonsense(rpc_peer *peer, const rpc_incoming *incoming,
                                                     const rpc_opened *opened)
{
    if (rpc_serve_nonsense(peer, incoming, opened))
        return;
    (void)pthread_mutex_lock(&peer->lock);
    rpc_peer_end(peer, VIA_EPROTO);
    (void)pthread_mutex_unlock(&peer->lock);
}

/* A request, or a notification that is one. NULL: it is somebody else's now; otherwise it is to be freed. */
static rpc_incoming *deal_with_request(rpc_peer *peer, rpc_wait *wait, rpc_incoming *incoming, rpc_opened *opened)
{
    switch (hand_over(peer, wait, incoming, opened)) {
    case ANOTHERS:
        return NULL;
    case TOO_MANY:
        rpc_detach(peer, wait, incoming, opened);
        rpc_answer_fault(peer, &opened->envelope.id, RPC_CODE_BUSY, NULL, "too many callbacks of one call");
        return incoming;
    default:
        break;
    }
    if (wait)
        return rpc_serve(peer, wait, incoming, opened) ? NULL : incoming;
    set_aside(peer, incoming, &opened->envelope);
    return NULL;
}

/* After deal_with(): takes the lock, and what has been served from the list of what runs. */
static void lock_again(rpc_peer *peer, rpc_wait *wait)
{
    (void)pthread_mutex_lock(&peer->lock);
    if (wait->served)
        rpc_serving_end(peer, wait->thread, wait->served);
    wait->served = NULL;
}

/* `wait` NULL: nothing now that runs a function. */
static void deal_with(rpc_peer *peer, rpc_wait *wait, rpc_incoming *incoming)
{
    rpc_opened opened;

    if (rpc_opened_open(peer, incoming, &opened) != VIA_OK) {
        rpc_detach(peer, wait, incoming, &opened);
        deal_with_nonsense(peer, incoming, &opened);
    } else if (opened.envelope.kind == RPC_RESULT || opened.envelope.kind == RPC_FAULT) {
        rpc_call_reply(peer, wait ? wait->thread : NULL, &opened);
    } else if (rpc_is_cancel(&opened.envelope)) {
        rpc_serve_cancel(peer, &opened);
    } else {
        incoming = deal_with_request(peer, wait, incoming, &opened);
    }
    rpc_opened_close(peer, &opened);
    rpc_incoming_free(peer, wait ? wait->thread : NULL, incoming);
}

/* ---- leading: with the lock held, but for receiving and dealing --------------------------------------------- */

/*
 * When it has to look up. Another thread may start a call while this one receives, and that call's deadline may be the first:
 * where there are others, it looks for that now and then.
 */
static via_deadline look_up(const rpc_peer *peer, via_deadline deadline)
{
    via_deadline next = peer->started > 0 ? rpc_calls_next(peer) : VIA_FOREVER;

    if (deadline != VIA_NOW && peer->threads && peer->threads->next)
        next = via_deadline_min(next, via_deadline_after(LOOK_UP_NS));
    return next;
}

static via_status lead(rpc_peer *peer, rpc_wait *wait, via_deadline deadline)
{
    via_deadline next = look_up(peer, deadline);
    rpc_incoming *incoming;

    peer->is_led = wait->leads = true;
    (void)pthread_mutex_unlock(&peer->lock);
    via_status status = rpc_receive(peer, wait->thread, via_deadline_min(deadline, next), &incoming);
    if (status == VIA_OK) {
        deal_with(peer, wait, incoming);
        wait->done++;
    }
    lock_again(peer, wait);
    if (status != VIA_OK && status != VIA_ETIMEDOUT)
        rpc_peer_end(peer, status);
    if (peer->started > 0)
        wait->done += rpc_calls_expire(peer, false, VIA_ETIMEDOUT);
    return status == VIA_ETIMEDOUT && deadline > next ? VIA_OK : status;
}

static void stop(rpc_peer *peer, rpc_wait *wait)
{
    if (wait->leads)
        stop_leading(peer);
    wait->leads = false;
}

/* What the application is told may make it call again, and wait: meanwhile another thread reads. */
static bool tell(rpc_peer *peer, rpc_wait *wait)
{
    if (!peer->told_first)
        return false;
    stop(peer, wait);
    return rpc_calls_tell(peer);
}

/* Requests that were put aside come before those that are still in the channel. */
static bool take_waiting(rpc_peer *peer, rpc_wait *wait)
{
    if (tell(peer, wait)) {
        wait->done++;
        return true;
    }
    rpc_incoming *incoming = rpc_queue_take(&wait->thread->inbox);
    if (!incoming && (incoming = rpc_queue_take(&peer->aside)) != NULL)
        peer->aside_bytes -= incoming->size;
    if (!incoming)
        return false;
    (void)pthread_mutex_unlock(&peer->lock);
    deal_with(peer, wait, incoming);
    lock_again(peer, wait);
    wait->done++;
    return true;
}

static via_status wait_once(rpc_peer *peer, rpc_wait *wait, via_deadline deadline)
{
    if (take_waiting(peer, wait))
        return VIA_OK;
    if (peer->ended != VIA_OK) {
        wait->done += peer->started > 0 ? rpc_calls_expire(peer, true, peer->ended) : 0;
        return peer->ended;
    }
    return peer->is_led && !wait->leads ? sleep_until(peer, wait->thread->waiter, deadline)
                                        : lead(peer, wait, deadline);
}

/*
 * Whoever sleeps on the handle is woken by what comes into the channel, not by what this thread has taken out of it already. So that is
 * dealt with before it goes.
 */
static void empty_for_watchers(rpc_peer *peer, rpc_wait *wait)
{
    while (peer->is_watched && peer->ended == VIA_OK && (wait->leads || !peer->is_led) &&
           lead(peer, wait, VIA_NOW) == VIA_OK)
        ;
}

/* What this thread has found for itself or the application it does not leave lying there. */
static void leave(rpc_peer *peer, rpc_wait *wait, bool is_outermost)
{
    rpc_incoming *incoming;

    if (is_outermost)
        empty_for_watchers(peer, wait);
    stop(peer, wait);
    while (tell(peer, wait))
        ;
    while (is_outermost && (incoming = rpc_queue_take(&wait->thread->inbox)) != NULL) {
        (void)pthread_mutex_unlock(&peer->lock);
        deal_with(peer, wait, incoming);
        lock_again(peer, wait);
    }
    if (!peer->is_led)
        wake_one(peer);
}

/* A wait within a wait sleeps on the same: of the two only the inner one ever sleeps. */
static via_status wait_on(rpc_peer *peer, rpc_wait *wait, via_deadline deadline)
{
    rpc_waiter *outer = wait->thread->waiter;
    via_status status = VIA_OK;

    wait->thread->waiter = &wait->thread->sleeper;
    while (!wait->is_over(peer, wait->argument) && status == VIA_OK)
        status = wait_once(peer, wait, deadline);
    leave(peer, wait, outer == NULL);
    wait->thread->waiter = outer;
    return wait->is_over(peer, wait->argument) ? VIA_OK : status;
}

via_status rpc_wait_for(rpc_peer *peer, rpc_wait *wait, via_deadline deadline)
{
    (void)pthread_mutex_lock(&peer->lock);
    via_status status = wait_on(peer, wait, deadline);
    (void)pthread_mutex_unlock(&peer->lock);
    return status;
}

/* ---- sleeping on the handle --------------------------------------------------------------------------------- */

/*
 * What was taken aside waits here, not in the channel below. The channel below is armed by the one who reads it: if that is another
 * thread, it also looks after what comes until it goes.
 */
via_status rpc_arm_reading(rpc_peer *peer)
{
    via_status status = VIA_OK;

    (void)pthread_mutex_lock(&peer->lock);
    bool waits = peer->aside.count > 0 || peer->told_first || peer->ended != VIA_OK;
    bool is_mine = !waits && !peer->is_led;
    peer->is_watched = !waits && !is_mine;
    peer->is_led = peer->is_led || is_mine;
    (void)pthread_mutex_unlock(&peer->lock);
    if (!is_mine)
        return waits ? VIA_EREADY : VIA_OK;
    status = peer->cut.count > 0 ? VIA_EREADY : peer->plugin->host->inner->arm(peer->inner, VIA_READ);
    (void)pthread_mutex_lock(&peer->lock);
    stop_leading(peer);
    (void)pthread_mutex_unlock(&peer->lock);
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

static bool is_never_over(rpc_peer *peer, void *argument)
{
    (void)peer;
    (void)argument;
    return false;
}

void rpc_settle(rpc_peer *peer, rpc_thread *thread)
{
    rpc_wait wait = {.is_over = is_never_over, .thread = thread};

    (void)pthread_mutex_lock(&peer->lock);
    bool has_left = !thread->waiter && (peer->aside.count > 0 || peer->told_first);
    (void)pthread_mutex_unlock(&peer->lock);
    if (has_left)
        (void)rpc_wait_for(peer, &wait, VIA_NOW);
}

void rpc_take_aside(rpc_peer *peer)
{
    rpc_incoming *incoming;
    via_status status = VIA_ETIMEDOUT;

    while (has_space_aside(peer) && (status = rpc_receive(peer, NULL, VIA_NOW, &incoming)) == VIA_OK)
        deal_with(peer, NULL, incoming);
    (void)pthread_mutex_lock(&peer->lock);
    if (status != VIA_ETIMEDOUT && status != VIA_OK)
        rpc_peer_end(peer, status);
    stop_leading(peer);
    (void)pthread_mutex_unlock(&peer->lock);
}
