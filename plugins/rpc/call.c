/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of this end; see peer.h.
 *
 * Owns: their numbers, and what becomes of a reply: to whom it goes, and that one which comes too late goes to nobody.
 */
#include "kit/deadline.h"
#include "peer.h"

#include <stdlib.h>
#include <string.h>

/* ---- states ------------------------------------------------------------------------------------------------- */

enum { STATE_BITS = 3 };

static uint64_t word_of(uint64_t id, rpc_call_state state)
{
    return id << STATE_BITS | state;
}

static rpc_call_state state_of(const rpc_call *call)
{
    return (rpc_call_state)(atomic_load_explicit(&call->word, memory_order_acquire) & ((1u << STATE_BITS) - 1));
}

static void set_state(rpc_call *call, rpc_call_state state)
{
    atomic_store_explicit(&call->word, word_of(call->id, state), memory_order_release);
}

/* Ends the wait of a quick call of that id. False: it is over, or was never one. */
static bool claim(rpc_call *call, uint64_t id, rpc_call_state state)
{
    uint64_t expected = word_of(id, RPC_CALL_QUICK);

    return atomic_compare_exchange_strong(&call->word, &expected, word_of(id, state));
}

/* ---- numbers ------------------------------------------------------------------------------------------------ */

static rpc_call *make(rpc_peer *peer)
{
    rpc_call *call;

    if (peer->call_count == RPC_CALLS_MAX || !(call = calloc(1, sizeof(*call))))
        return NULL;
    if (!(call->own_keep = malloc(sizeof(*call->own_keep)))) {
        free(call);
        return NULL;
    }
    rpc_arena_init(call->own_keep, peer->max_memory);
    call->index = peer->call_count;
    rpc_writer_init(&call->writer, (size_t)peer->max_message);
    atomic_store_explicit(&peer->calls[peer->call_count++], call, memory_order_release);
    return call;
}

/* Index and serial: 31 bits, so that every program reads it as a number. Never 0. */
static void number(rpc_call *call)
{
    call->serial = call->serial % ((1u << (31 - RPC_CALLS_BITS)) - 1) + 1;
    call->id = ((uint64_t)call->serial << RPC_CALLS_BITS) | call->index;
    set_state(call, RPC_CALL_MADE);
    atomic_store_explicit(&call->uses, atomic_load_explicit(&call->uses, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

static void prepare(rpc_call *call, rpc_deliver_fn deliver)
{
    number(call);
    call->deliver = deliver;
    call->thread = NULL;
    call->status = VIA_OK;
    call->finish = NULL;
    call->is_quick = false;
    call->method = NULL;
    call->event = NULL;
    call->is_json = false;
    call->json = NULL;
    call->keep = call->own_keep;
    call->holds = 0;
    call->frame.kept_count = 0;
    rpc_writer_reset(&call->writer);
}

static via_status take_any(rpc_peer *peer, rpc_call **out)
{
    via_status status = VIA_OK;

    (void)pthread_mutex_lock(&peer->lock);
    if ((*out = peer->free_calls) != NULL)
        peer->free_calls = (*out)->next;
    else if (!(*out = make(peer)))
        status = peer->call_count == RPC_CALLS_MAX ? VIA_ELIMIT : VIA_ENOMEM;
    (void)pthread_mutex_unlock(&peer->lock);
    return status;
}

via_status rpc_call_take(rpc_peer *peer, rpc_thread *thread, rpc_deliver_fn deliver, rpc_call **out)
{
    via_status status = VIA_OK;

    if (thread && thread->call) {
        *out = thread->call;
        thread->call = NULL;
    } else {
        status = take_any(peer, out);
    }
    if (status == VIA_OK)
        prepare(*out, deliver);
    return status;
}

void rpc_call_give(rpc_peer *peer, rpc_thread *thread, rpc_call *call)
{
    rpc_arena_reset(call->own_keep);
    set_state(call, RPC_CALL_FREE);
    if (thread && !thread->call && call->index < RPC_CALLS_AT_HAND) {
        thread->call = call;
        return;
    }
    (void)pthread_mutex_lock(&peer->lock);
    call->next = peer->free_calls;
    peer->free_calls = call;
    (void)pthread_mutex_unlock(&peer->lock);
}

/* The record whose calls have such numbers. Without lock. */
static rpc_call *record_of(rpc_peer *peer, uint64_t id)
{
    if (id > UINT32_MAX)
        return NULL;
    return atomic_load_explicit(&peer->calls[id & (RPC_CALLS_MAX - 1)], memory_order_acquire);
}

rpc_call *rpc_call_find(rpc_peer *peer, uint64_t id)
{
    rpc_call *call = record_of(peer, id);

    return call && atomic_load(&call->word) == word_of(id, RPC_CALL_OPEN) ? call : NULL;
}

void rpc_calls_count(const rpc_peer *peer, via_rpc_stats *stats)
{
    for (uint32_t i = 0; i < peer->call_count; i++) {
        const rpc_call *call = atomic_load_explicit(&peer->calls[i], memory_order_relaxed);
        stats->calls += atomic_load_explicit(&call->uses, memory_order_relaxed);
        stats->in_flight += state_of(call) != RPC_CALL_FREE;
    }
}

/* ---- sending ------------------------------------------------------------------------------------------------ */

static const char *why_unsent(via_status status)
{
    switch (status) {
    case VIA_ETOOBIG:
        return "the call is larger than a message can be";
    case VIA_EINVAL:
        return "a number that is not finite cannot be sent in this format";
    case VIA_ETIMEDOUT:
        return "the other end took nothing until the deadline";
    default:
        return "it could not be sent";
    }
}

/* Connections that a channel which dials again has lost so far. */
static uint64_t losses_of(const rpc_peer *peer)
{
    return peer->dials_again ? __atomic_load_n(&peer->counters->disconnects, __ATOMIC_RELAXED) : 0;
}

static void open_call(rpc_peer *peer, rpc_call *call)
{
    if (call->is_quick) {
        set_state(call, RPC_CALL_QUICK);
        return;
    }
    (void)pthread_mutex_lock(&peer->lock);
    set_state(call, RPC_CALL_OPEN);
    call->holds = call->finish ? 1 : 0;
    if (call->finish)
        peer->started++;
    (void)pthread_mutex_unlock(&peer->lock);
}

/* With `lock` held: it is over. Whoever waits for it is woken; otherwise its end is to be told. */
static void settle(rpc_peer *peer, rpc_call *call)
{
    if (!call->finish) {
        if (call->thread && call->thread->waiter)
            (void)pthread_cond_signal(&call->thread->waiter->woken);
        return;
    }
    if (call->holds > 0)
        return;
    call->next = NULL;
    *peer->told_last = call;
    peer->told_last = &call->next;
}

/* With `lock` held. */
static void let_go(rpc_peer *peer, rpc_call *call)
{
    if (--call->holds == 0 && state_of(call) == RPC_CALL_DONE && call->finish)
        settle(peer, call);
}

void rpc_call_release(rpc_peer *peer, rpc_call *call)
{
    (void)pthread_mutex_lock(&peer->lock);
    let_go(peer, call);
    (void)pthread_mutex_unlock(&peer->lock);
}

/* False: a reply has come for it meanwhile, and is being read or has been. */
static bool give_up(rpc_peer *peer, rpc_call *call)
{
    if (call->is_quick)
        return claim(call, call->id, RPC_CALL_DONE);
    (void)pthread_mutex_lock(&peer->lock);
    bool is_ours = state_of(call) == RPC_CALL_OPEN;
    if (is_ours)
        set_state(call, RPC_CALL_DONE);
    if (is_ours && call->finish)
        peer->started--;
    (void)pthread_mutex_unlock(&peer->lock);
    return is_ours;
}

/* A quick call is on its way while the clock is read. Of any other the deadline is everybody's once it is open. */
static via_status send_in_time(rpc_peer *peer, rpc_call *call)
{
    via_deadline deadline = call->deadline;

    if (!call->is_quick)
        call->deadline = deadline = rpc_deadline(peer, call->method, deadline);
    open_call(peer, call);
    via_status status = rpc_send_now(peer, &call->writer);
    if (call->is_quick)
        call->deadline = deadline = rpc_deadline(peer, call->method, deadline);
    return status == VIA_ETIMEDOUT ? rpc_send(peer, &call->writer, deadline) : status;
}

via_status rpc_call_send(rpc_peer *peer, rpc_call *call)
{
    call->losses = losses_of(peer);
    via_status status = send_in_time(peer, call);

    if (status == VIA_OK || !give_up(peer, call)) { /* what answers before it is asked is taken at its word */
        if (call->finish)
            rpc_call_release(peer, call);
        return VIA_OK;
    }
    bool is_ours = status == VIA_ETOOBIG || status == VIA_EINVAL || status == VIA_ENOMEM;
    rpc_call_fail(call, status, is_ours ? VIA_RPC_HERE : VIA_RPC_TRANSPORT, "%s", why_unsent(status));
    call->error.not_sent = 1;
    return status;
}

/* ---- replies ------------------------------------------------------------------------------------------------ */

static rpc_call *begin_delivery(rpc_peer *peer, const rpc_envelope *envelope)
{
    const uint64_t id = envelope->has_id && !envelope->id.text ? envelope->id.number : 0;
    rpc_call *call = record_of(peer, id);

    if (call && claim(call, id, RPC_CALL_DELIVERED))
        return call;
    (void)pthread_mutex_lock(&peer->lock);
    if ((call = rpc_call_find(peer, id)) != NULL)
        set_state(call, RPC_CALL_DELIVERED);
    else
        peer->stats.late_replies++;
    (void)pthread_mutex_unlock(&peer->lock);
    return call;
}

/* Once it is done it is its thread's again, if that is not this one. */
static void end_delivery(rpc_peer *peer, const rpc_thread *thread, rpc_call *call)
{
    if (thread && call->thread == thread) {
        set_state(call, RPC_CALL_DONE);
        return;
    }
    (void)pthread_mutex_lock(&peer->lock);
    set_state(call, RPC_CALL_DONE);
    if (call->finish)
        peer->started--;
    settle(peer, call);
    (void)pthread_mutex_unlock(&peer->lock);
}

void rpc_call_reply(rpc_peer *peer, const rpc_thread *thread, rpc_opened *reply)
{
    rpc_call *call = begin_delivery(peer, &reply->envelope);

    if (!call)
        return;
    call->deliver(peer, call, reply);
    end_delivery(peer, thread, call);
}

void rpc_call_spoilt(rpc_peer *peer, const rpc_opened *reply)
{
    rpc_call *call = begin_delivery(peer, &reply->envelope);

    if (!call)
        return;
    rpc_call_fail(call, VIA_EPROTO, VIA_RPC_TRANSPORT, "the reply is no message: %s",
                  reply->reader.wrong ? reply->reader.wrong : "it cannot be read");
    end_delivery(peer, NULL, call);
}

/* ---- waiting for one ---------------------------------------------------------------------------------------- */

static bool is_done(rpc_peer *peer, void *argument)
{
    (void)peer;
    return state_of(argument) == RPC_CALL_DONE;
}

static void ask_to_stop(rpc_peer *peer, rpc_call *call)
{
    if (!peer->is_rich)
        return;
    rpc_writer_reset(&call->writer);
    peer->codec->cancel(&call->writer, call->id);
    (void)rpc_send(peer, &call->writer, VIA_NOW);
}

static const char *why_lost(via_status status)
{
    switch (status) {
    case VIA_ETIMEDOUT:
        return "no reply until the deadline; the other end may still be doing it";
    case VIA_ECANCELED:
        return "the channel was interrupted";
    default:
        return "the channel ended before the reply came";
    }
}

/*
 * The connection that the call went over is gone, and its reply with it. A method that may run twice is asked again, under the same
 * number; of any other it is not known whether it ran. VIA_OK: it is asked, or nothing was lost.
 */
static via_status repair(rpc_peer *peer, rpc_call *call)
{
    uint64_t now = losses_of(peer);

    if (now == call->losses)
        return VIA_OK;
    call->losses = now;
    if (!call->method || !call->method->is_idempotent)
        return VIA_EPEER;
    (void)pthread_mutex_lock(&peer->lock);
    peer->stats.retries++;
    (void)pthread_mutex_unlock(&peer->lock);
    return rpc_send(peer, &call->writer, call->deadline);
}

static via_status await_reply(rpc_peer *peer, rpc_call *call, rpc_wait *wait)
{
    via_status status = VIA_OK;

    if (!peer->dials_again)
        return rpc_wait_for(peer, wait, call->deadline);
    while (status == VIA_OK && via_deadline_left(call->deadline) > 0) {
        status = rpc_wait_for(peer, wait, via_deadline_min(call->deadline, via_deadline_after(RPC_LOSS_LOOK_NS)));
        if (status != VIA_ETIMEDOUT)
            return status;
        status = repair(peer, call);
    }
    return status == VIA_OK ? VIA_ETIMEDOUT : status;
}

via_status rpc_call_await(rpc_peer *peer, rpc_call *call, rpc_thread *thread)
{
    rpc_wait wait = {.is_over = is_done, .argument = call, .thread = thread};
    via_status status = await_reply(peer, call, &wait);

    while (status != VIA_OK && !give_up(peer, call))
        status = rpc_wait_for(peer, &wait, VIA_FOREVER);
    if (status == VIA_OK)
        return call->status;
    rpc_call_fail(call, status, VIA_RPC_TRANSPORT, "%s", why_lost(status));
    if (status == VIA_ETIMEDOUT)
        ask_to_stop(peer, call);
    return status;
}

/* ---- calls that nobody waits for: with the lock held -------------------------------------------------------- */

static bool is_started(const rpc_call *call)
{
    return state_of(call) == RPC_CALL_OPEN && call->finish != NULL;
}

via_deadline rpc_calls_next(const rpc_peer *peer)
{
    via_deadline next = VIA_FOREVER;

    for (uint32_t i = 0; i < peer->call_count; i++)
        if (is_started(peer->calls[i]))
            next = via_deadline_min(next, peer->calls[i]->deadline);
    return peer->dials_again ? via_deadline_min(next, via_deadline_after(RPC_LOSS_LOOK_NS)) : next;
}

static void end_started(rpc_peer *peer, rpc_call *call, via_status status)
{
    set_state(call, RPC_CALL_DONE);
    peer->started--;
    rpc_call_fail(call, status, VIA_RPC_TRANSPORT, "%s", why_lost(status));
    settle(peer, call);
}

/* VIA_OK: it goes on. */
static via_status judge(rpc_peer *peer, rpc_call *call, uint64_t now)
{
    via_status status;

    if (call->deadline <= now)
        return VIA_ETIMEDOUT;
    if (!peer->dials_again)
        return VIA_OK;
    call->holds++;
    (void)pthread_mutex_unlock(&peer->lock);
    status = repair(peer, call);
    (void)pthread_mutex_lock(&peer->lock);
    let_go(peer, call);
    return status;
}

size_t rpc_calls_expire(rpc_peer *peer, bool all, via_status status)
{
    uint64_t now = via_deadline_clock();
    size_t count = 0;

    for (uint32_t i = 0; i < peer->call_count; i++) {
        rpc_call *call = peer->calls[i];
        via_status verdict = !is_started(call) ? VIA_OK : all ? status : judge(peer, call, now);
        if (verdict == VIA_OK || !is_started(call)) /* which may have got its reply while it was judged */
            continue;
        end_started(peer, call, verdict);
        count++;
    }
    return count;
}

bool rpc_calls_tell(rpc_peer *peer)
{
    rpc_call *call = peer->told_first;

    if (!call)
        return false;
    if (!(peer->told_first = call->next))
        peer->told_last = &peer->told_first;
    (void)pthread_mutex_unlock(&peer->lock);
    if (call->status == VIA_ETIMEDOUT)
        ask_to_stop(peer, call);
    call->finish(peer, call);
    (void)pthread_mutex_lock(&peer->lock);
    return true;
}
