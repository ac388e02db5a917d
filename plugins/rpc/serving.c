/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a call that is served; see serving.h.
 *
 * Owns: from when to when a cancellation finds it, and what its function can ask.
 */
#include "kit/deadline.h"
#include "peer.h"

#include <stdlib.h>
#include <string.h>

/* ---- what it is told ---------------------------------------------------------------------------------------- */

/* Whatever has come is read, so that a cancellation is seen; other requests wait. */
static int is_cancelled(const via_rpc_context *context)
{
    rpc_serving *serving = context->own;
    rpc_peer *peer = serving->peer;

    (void)pthread_mutex_lock(&peer->lock);
    bool may = !peer->is_led && peer->ended == VIA_OK;
    peer->is_led = peer->is_led || may;
    (void)pthread_mutex_unlock(&peer->lock);
    if (may)
        rpc_take_aside(peer);
    (void)pthread_mutex_lock(&peer->lock);
    bool is_over = peer->ended != VIA_OK;
    (void)pthread_mutex_unlock(&peer->lock);
    return is_over || atomic_load(&serving->is_cancelled) ||
           (context->deadline != VIA_FOREVER && via_deadline_left(context->deadline) == 0);
}

/* The other end's clock is not ours: what it had left counts from when its request came. */
via_deadline rpc_serving_deadline(const rpc_serving *serving)
{
    if (serving->timeout_ms == 0)
        return VIA_FOREVER;
    uint64_t came = serving->came_ns ? serving->came_ns : via_deadline_clock();

    return serving->timeout_ms < (VIA_FOREVER - came) / 1000000 ? came + serving->timeout_ms * 1000000 : VIA_FOREVER;
}

static void make_context(rpc_serving *serving)
{
    rpc_peer *peer = serving->peer;
    via_rpc_context *context = &serving->context;

    *context = (via_rpc_context){.size = sizeof(*context),
                                 .method = serving->method->name,
                                 .user = peer->serve_user,
                                 .peer = {.size = sizeof(via_peer_info)},
                                 .is_cancelled = is_cancelled,
                                 .own = serving,
                                 .deadline = rpc_serving_deadline(serving)};
    if (peer->plugin->host->inner->peer(peer->inner, &context->peer) != VIA_OK)
        context->peer.known = 0;
}

/* ---- the record --------------------------------------------------------------------------------------------- */

static rpc_serving *make(rpc_peer *peer)
{
    rpc_serving *serving = calloc(1, sizeof(*serving));

    if (!serving)
        return NULL;
    serving->peer = peer;
    rpc_arena_init(&serving->arena, peer->max_memory);
    rpc_writer_init(&serving->writer, (size_t)peer->max_message);
    return serving;
}

void rpc_serving_list(rpc_peer *peer, rpc_serving *serving)
{
    serving->next = peer->running;
    serving->link = &peer->running;
    if (serving->next)
        serving->next->link = &serving->next;
    peer->running = serving;
    peer->stats.served++;
}

static void set_up(rpc_serving *serving, const rpc_method *method, const rpc_incoming *incoming,
                   const rpc_opened *request)
{
    const rpc_envelope *envelope = &request->envelope;

    serving->method = method;
    serving->has_id = envelope->kind == RPC_REQUEST;
    serving->id = envelope->id;
    serving->bindings = NULL;
    serving->callback_status = VIA_OK;
    atomic_store_explicit(&serving->is_cancelled, incoming->is_cancelled, memory_order_relaxed);
    serving->timeout_ms = envelope->timeout_ms;
    serving->has_waited = incoming->came_ns != 0;
    serving->came_ns = incoming->came_ns;
    if (!serving->came_ns && (method->has_callbacks || method->wants_context))
        serving->came_ns = via_deadline_clock();
    rpc_marshal_init(&serving->marshal, serving->peer->codec, &serving->writer, NULL, &serving->arena);
    serving->marshal.handles = &serving->peer->handles;
    serving->frame.method = method;
    serving->frame.result = NULL;
}

/* One that its thread has at hand, or another. */
static rpc_serving *take(rpc_peer *peer, rpc_thread *thread)
{
    rpc_serving *serving = thread->serving;

    thread->serving = NULL;
    if (serving)
        return serving;
    (void)pthread_mutex_lock(&peer->lock);
    if ((serving = peer->free_servings) != NULL)
        peer->free_servings = serving->next;
    (void)pthread_mutex_unlock(&peer->lock);
    return serving ? serving : make(peer);
}

rpc_serving *rpc_serving_begin(rpc_peer *peer, rpc_thread *thread, const rpc_method *method,
                               const rpc_incoming *incoming, const rpc_opened *request)
{
    rpc_serving *serving = take(peer, thread);

    if (serving)
        set_up(serving, method, incoming, request);
    return serving;
}

void rpc_serving_end(rpc_peer *peer, rpc_thread *thread, rpc_serving *serving)
{
    rpc_arena_reset(&serving->arena);
    *serving->link = serving->next;
    if (serving->next)
        serving->next->link = serving->link;
    if (thread->serving) {
        serving->next = peer->free_servings;
        peer->free_servings = serving;
    } else {
        thread->serving = serving;
    }
}

void rpc_serving_fill_context(rpc_serving *serving)
{
    via_rpc_context *context = &serving->context;

    if (!serving->method->wants_context)
        return;
    make_context(serving);
    for (size_t i = 0; i < serving->method->count; i++)
        if (serving->method->params[i].type.kind == RPC_KIND_CONTEXT)
            memcpy(serving->frame.cells[i], &context, sizeof(context));
}
