/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making and giving up one end; see peer_life.h.
 */
#include "peer_life.h"

#include <stdlib.h>

static atomic_uint_fast64_t last_serial;

static void configure(rpc_peer *peer, const rpc_settings *settings)
{
    peer->codec = settings->codec;
    peer->interface = settings->interface;
    peer->deadline_ns = settings->deadline_ns < 0 ? UINT64_MAX : (uint64_t)settings->deadline_ns;
    peer->max_message = settings->max_message;
    peer->max_memory = settings->max_memory;
    peer->max_depth = settings->max_depth;
    peer->greets = settings->greets;
    peer->is_stream = settings->is_stream;
    peer->dials_again = settings->dials_again;
}

via_status rpc_peer_create(rpc_plugin *plugin, const rpc_settings *settings, const via_open *open, via_inner *inner,
                           rpc_peer **out)
{
    rpc_peer *peer = calloc(1, sizeof(*peer));

    if (!peer) {
        rpc_interface_drop(settings->interface);
        return VIA_ENOMEM;
    }
    configure(peer, settings);
    peer->plugin = plugin;
    peer->context = open->context;
    peer->counters = open->counters;
    peer->inner = inner;
    peer->generation = rpc_plugin_generation(plugin);
    peer->serial = atomic_fetch_add(&last_serial, 1) + 1;
    peer->told_last = &peer->told_first;
    rpc_queue_init(&peer->aside);
    rpc_queue_init(&peer->cut);
    rpc_handles_init(&peer->handles);
    (void)pthread_mutex_init(&peer->lock, NULL);
    (void)pthread_mutex_init(&peer->send_lock, NULL);
    *out = peer;
    return VIA_OK;
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

static void free_calls(rpc_peer *peer)
{
    for (uint32_t i = 0; i < peer->call_count; i++) {
        rpc_call *call = atomic_load(&peer->calls[i]);
        rpc_writer_fini(&call->writer);
        rpc_arena_fini(call->own_keep);
        free(call->own_keep);
        free(call);
    }
}

static void free_serving(rpc_serving *serving)
{
    if (!serving)
        return;
    rpc_arena_fini(&serving->arena);
    rpc_writer_fini(&serving->writer);
    free(serving);
}

static void free_servings(rpc_peer *peer)
{
    while (peer->free_servings) {
        rpc_serving *next = peer->free_servings->next;
        free_serving(peer->free_servings);
        peer->free_servings = next;
    }
}

static void free_queue(rpc_peer *peer, rpc_queue *queue, bool is_forked)
{
    rpc_incoming *incoming;

    while ((incoming = rpc_queue_take(queue)) != NULL) {
        if (is_forked && !incoming->copy)
            free(incoming); /* the message is the parent's */
        else
            rpc_incoming_free(peer, NULL, incoming);
    }
}

static void free_threads(rpc_peer *peer, bool is_forked)
{
    while (peer->threads) {
        rpc_thread *next = peer->threads->next;
        free_queue(peer, &peer->threads->inbox, is_forked);
        free_serving(peer->threads->serving);
        free(peer->threads->incoming);
        if (!is_forked) /* where there may be sleepers still */
            (void)pthread_cond_destroy(&peer->threads->sleeper.woken);
        rpc_arena_fini(peer->threads->keep);
        free(peer->threads->keep);
        free(peer->threads);
        peer->threads = next;
    }
}

static rpc_close_fn close_nothing(void *user, const rpc_handle *type)
{
    (void)user;
    (void)type;
    return NULL;
}

static void end_started(rpc_peer *peer)
{
    (void)pthread_mutex_lock(&peer->lock);
    rpc_peer_end(peer, VIA_ECLOSED);
    (void)rpc_calls_expire(peer, true, VIA_ECLOSED);
    while (rpc_calls_tell(peer))
        ;
    (void)pthread_mutex_unlock(&peer->lock);
}

/* In a child the objects of handles are copies of the parent's, which is to close them; its locks may be held for ever. */
void rpc_peer_destroy(rpc_peer *peer, bool is_forked)
{
    if (!is_forked)
        end_started(peer);
    rpc_stubs_fini(peer, is_forked);
    rpc_handles_fini(&peer->handles, is_forked ? close_nothing : rpc_close_function, peer);
    free_queue(peer, &peer->aside, is_forked);
    free_queue(peer, &peer->cut, is_forked);
    free_threads(peer, is_forked);
    free_calls(peer);
    free_servings(peer);
    if (!is_forked)
        rpc_functions_fini(peer);
    rpc_interface_drop(peer->interface);
    rpc_interface_drop(peer->theirs);
    free(peer->stream);
    (void)pthread_mutex_destroy(&peer->lock);
    (void)pthread_mutex_destroy(&peer->send_lock);
    free(peer);
}
