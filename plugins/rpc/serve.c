/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of the other end; see peer.h.
 *
 * Owns: which of them are served at all, and by whom; and every answer that is an error.
 */
#include "kit/deadline.h"
#include "peer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- answers ------------------------------------------------------------------------------------------------ */

/* What it has asked already it will not hear the answers of either. */
static __attribute__((cold)) void give_up(rpc_peer *peer)
{
    rpc_incoming *incoming;

    peer->plugin->host->failed(peer->context, VIA_EPROTO, 0, "the other end does not take its answers",
                               "see whether the other program still reads, or raise deadline");
    (void)pthread_mutex_lock(&peer->lock);
    rpc_peer_end(peer, VIA_EPROTO);
    while ((incoming = rpc_queue_take(&peer->aside)) != NULL)
        rpc_incoming_free(peer, NULL, incoming);
    peer->aside_bytes = 0;
    (void)pthread_mutex_unlock(&peer->lock);
}

/* Patience is not renewed by an answer that was dropped: its caller's deadline is the other end's word, and may be any. */
static __attribute__((cold)) via_status wait_and_answer(rpc_peer *peer, rpc_writer *writer, const rpc_serving *to)
{
    via_deadline patience = atomic_load(&peer->patience);
    via_deadline deadline = to ? rpc_serving_deadline(to) : VIA_FOREVER;

    if (patience == VIA_NOW || via_deadline_left(patience) == 0)
        patience = rpc_deadline(peer, NULL, VIA_RPC_USUAL);
    via_status status = rpc_send(peer, writer, via_deadline_min(deadline, patience));
    if (status == VIA_ETIMEDOUT && via_deadline_left(patience) == 0)
        give_up(peer);
    atomic_store(&peer->patience, status == VIA_ETIMEDOUT ? patience : VIA_NOW);
    return status;
}

via_status rpc_answer(rpc_peer *peer, rpc_writer *writer, const rpc_serving *to)
{
    via_status status = rpc_send_now(peer, writer);

    if (status == VIA_ETIMEDOUT)
        return wait_and_answer(peer, writer, to);
    if (atomic_load_explicit(&peer->patience, memory_order_relaxed) != VIA_NOW)
        atomic_store(&peer->patience, VIA_NOW);
    return status;
}

void rpc_answer_fault(rpc_peer *peer, const rpc_id *id, int32_t code, const char *name, const char *format, ...)
{
    char text[512];
    rpc_writer writer;
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    rpc_writer_init(&writer, (size_t)peer->max_message);
    rpc_writer_reset(&writer);
    const rpc_fault fault = {code, text, strlen(text), name, name ? strlen(name) : 0};
    peer->codec->fault(&writer, id, &fault, peer->is_rich);
    (void)rpc_answer(peer, &writer, NULL);
    rpc_writer_fini(&writer);
}

bool rpc_serve_nonsense(rpc_peer *peer, const rpc_incoming *incoming, const rpc_opened *opened)
{
    const char *wrong = opened->reader.wrong ? opened->reader.wrong : "it is no message";
    const rpc_id *id = opened->envelope.has_id ? &opened->envelope.id : NULL;

    via_count(&peer->counters->protocol_errors, 1);
    if (id && (opened->envelope.kind == RPC_RESULT || opened->envelope.kind == RPC_FAULT)) {
        rpc_call_spoilt(peer, opened);
        return true;
    }
    if (!id && !peer->codec->needs_boundaries) {
        peer->plugin->host->failed(peer->context, VIA_EPROTO, 0, wrong,
                                   rpc_codec_mend(peer->codec, incoming->data, incoming->size));
        return false;
    }
    rpc_answer_fault(peer, id, RPC_CODE_INVALID, NULL, "%s", wrong);
    return true;
}

/* ---- cancelling --------------------------------------------------------------------------------------------- */

bool rpc_is_cancel(const rpc_envelope *envelope)
{
    return envelope->kind == RPC_NOTIFICATION &&
           (rpc_envelope_is(envelope, "$/cancelRequest") || rpc_envelope_is(envelope, "rpc.cancel"));
}

static bool read_id(const rpc_peer *peer, rpc_opened *request, uint64_t *id)
{
    if (request->envelope.is_named)
        return peer->codec->member(&request->reader, "id") && peer->codec->get_unsigned(&request->reader, id);
    return request->envelope.count == 1 && peer->codec->get_unsigned(&request->reader, id);
}

void rpc_serve_cancel(rpc_peer *peer, rpc_opened *request)
{
    uint64_t id;

    if (!read_id(peer, request, &id))
        return;
    (void)pthread_mutex_lock(&peer->lock);
    for (rpc_serving *serving = peer->running; serving; serving = serving->next)
        if (serving->has_id && !serving->id.text && serving->id.number == id)
            atomic_store(&serving->is_cancelled, true);
    for (rpc_incoming *waiting = peer->aside.first; waiting; waiting = waiting->next)
        if (id != 0 && waiting->id == id)
            waiting->is_cancelled = true;
    (void)pthread_mutex_unlock(&peer->lock);
}

/* ---- choosing ----------------------------------------------------------------------------------------------- */

static __attribute__((cold)) void refuse(rpc_peer *peer, rpc_wait *wait, rpc_incoming *incoming, rpc_opened *request,
                                         int32_t code, const char *text)
{
    const rpc_envelope *envelope = &request->envelope;
    int size = (int)(envelope->method_size > RPC_NAME_BYTES ? RPC_NAME_BYTES : envelope->method_size);

    rpc_detach(peer, wait, incoming, request);
    (void)pthread_mutex_lock(&peer->lock);
    peer->stats.refused++;
    (void)pthread_mutex_unlock(&peer->lock);
    if (envelope->kind == RPC_REQUEST)
        rpc_answer_fault(peer, &envelope->id, code, NULL, "%.*s: %s", size, envelope->method, text);
}

static via_status authorize(rpc_peer *peer, const rpc_method *method)
{
    if (!peer->authorize)
        return VIA_OK;
    via_peer_info who = {.size = sizeof(who)};
    if (peer->plugin->host->inner->peer(peer->inner, &who) != VIA_OK)
        who.known = 0;
    return peer->authorize(peer->authorize_user, &who, method->name);
}

/* NULL: it has been answered. */
static const rpc_method *choose(rpc_peer *peer, rpc_wait *wait, rpc_incoming *incoming, rpc_opened *request)
{
    const rpc_envelope *envelope = &request->envelope;
    const rpc_method *method =
        peer->interface ? rpc_interface_find(peer->interface, envelope->method, envelope->method_size) : NULL;

    if (!method) {
        refuse(peer, wait, incoming, request, RPC_CODE_NO_METHOD,
               "there is no such method; rpc.describe tells which there are");
        return NULL;
    }
    if (!peer->functions || !peer->functions[method->index]) {
        refuse(peer, wait, incoming, request, RPC_CODE_NO_METHOD, "this end does not serve it");
        return NULL;
    }
    if (wait->thread->depth >= peer->max_depth) {
        refuse(peer, wait, incoming, request, RPC_CODE_BUSY, "too many calls in each other");
        return NULL;
    }
    via_status allowed = authorize(peer, method);
    if (allowed != VIA_OK) {
        refuse(peer, wait, incoming, request, RPC_CODE_REFUSED, "you may not call it");
        return NULL;
    }
    return method;
}

/* Reads the values while it leads, which is quick, so that the message need not be copied. */
static bool serve_method(rpc_peer *peer, rpc_wait *wait, rpc_incoming *incoming, rpc_opened *request)
{
    if (peer->authorize)
        rpc_detach(peer, wait, incoming, request);
    const rpc_method *method = choose(peer, wait, incoming, request);
    if (method)
        rpc_run(peer, wait, method, incoming, request);
    return method != NULL;
}

bool rpc_serve(rpc_peer *peer, rpc_wait *wait, rpc_incoming *incoming, rpc_opened *request)
{
    if (rpc_is_callback(&request->envelope)) {
        rpc_detach(peer, wait, incoming, request);
        rpc_serve_callback(peer, request);
        return false;
    }
    if (rpc_is_own(peer, &request->envelope)) {
        rpc_detach(peer, wait, incoming, request);
        rpc_serve_own(peer, request);
        return false;
    }
    return serve_method(peer, wait, incoming, request);
}
