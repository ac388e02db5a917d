/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a function for the other end; see peer.h.
 *
 * Owns: one call from its values to its answer. What was sent is copied and the message given back before the function runs, so
 * that a function which takes long, or calls back, holds nothing of the channel.
 */
#include "invoke.h"
#include "kit/deadline.h"
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- before ------------------------------------------------------------------------------------------------- */

/* A number that is a text stands in the message, which goes before the answer. */
static bool keep_id(rpc_serving *serving)
{
    char *kept;

    if (!serving->id.text)
        return true;
    if (!(kept = rpc_arena_take(&serving->arena, serving->id.text_size)))
        return false;
    memcpy(kept, serving->id.text, serving->id.text_size);
    serving->id.text = kept;
    return true;
}

/* libffi fills a whole word, whatever is returned. */
static bool make_result(rpc_serving *serving)
{
    const size_t size = serving->method->result.size;

    serving->result[0] = serving->result[1] = 0;
    serving->frame.result =
        size <= sizeof(ffi_arg) ? serving->result : rpc_arena_take_array(&serving->arena, 1, size + sizeof(ffi_arg));
    return serving->frame.result != NULL;
}

static via_status read_values(rpc_serving *serving, rpc_opened *request)
{
    rpc_marshal *marshal = &serving->marshal;
    via_status status;

    marshal->reader = &request->reader;
    if (!keep_id(serving))
        return VIA_ENOMEM;
    if ((status = rpc_marshal_get_sent(marshal, &request->envelope, &serving->frame)) != VIA_OK)
        return status;
    if (!make_result(serving))
        return VIA_ENOMEM;
    if (serving->method->is_plain)
        return VIA_OK;
    rpc_serving_fill_context(serving);
    return rpc_bind_callbacks(serving);
}

/* ---- handles that the call closes --------------------------------------------------------------------------- */

static bool closes(const rpc_param *param)
{
    return param->type.kind == RPC_KIND_HANDLE && param->is_full && !(param->direction & RPC_OUT);
}

/* The number of the handle that this parameter closes; 0: it closes none. */
static uint64_t closed_number(const rpc_serving *serving, size_t index)
{
    const rpc_param *param = &serving->method->params[index];
    const void *object = closes(param) ? rpc_frame_pointer(&serving->frame, index) : NULL;
    const rpc_pin *pin = serving->marshal.pins;

    while (object && pin && (pin->object != object || pin->type != param->type.handle))
        pin = pin->next;
    return object && pin ? pin->number : 0;
}

static bool may_close(const rpc_serving *serving)
{
    if (serving->method->is_plain)
        return true;
    for (size_t i = 0; i < serving->method->count; i++) {
        uint64_t number = closed_number(serving, i);
        if (number && !rpc_handles_begin_close(serving->marshal.handles, number))
            return false;
    }
    return true;
}

static void end_close(const rpc_serving *serving, bool is_closed)
{
    if (serving->method->is_plain)
        return;
    for (size_t i = 0; i < serving->method->count; i++) {
        uint64_t number = closed_number(serving, i);
        if (number)
            rpc_handles_end_close(serving->marshal.handles, number, is_closed);
    }
}

static void unpin(const rpc_serving *serving)
{
    for (const rpc_pin *pin = serving->marshal.pins; pin; pin = pin->next)
        rpc_handles_unpin(serving->marshal.handles, pin->number);
}

/* ---- after -------------------------------------------------------------------------------------------------- */

static void free_one(const rpc_peer *peer, const char *symbol, void *memory)
{
    rpc_close_fn function = memory ? rpc_free_function(peer, symbol) : NULL;

    if (function)
        function(memory);
}

/* What the function has allocated for its caller has been copied. */
static void free_results(const rpc_serving *serving)
{
    const rpc_method *method = serving->method;

    if (method->result.kind == RPC_KIND_STRING && method->result_is_full)
        free_one(serving->peer, method->result_free, *(void **)serving->frame.result);
    for (size_t i = 0; i < method->count; i++) {
        const rpc_param *param = &method->params[i];
        if (param->direction & RPC_OUT && param->is_full && param->type.kind != RPC_KIND_HANDLE &&
            rpc_frame_pointer(&serving->frame, i))
            free_one(serving->peer, param->free, *(void **)rpc_frame_pointer(&serving->frame, i));
    }
}

static __attribute__((cold)) void answer_status(rpc_serving *serving, int32_t code)
{
    const char *name = rpc_interface_error(serving->peer->interface, code);

    rpc_answer_fault(serving->peer, &serving->id, code, name, "%s: %s (%d)", serving->method->name,
                     name ? name : "the function answered an error", code);
}

static via_status write_result(rpc_serving *serving)
{
    const rpc_codec *codec = serving->peer->codec;

    rpc_writer_reset(&serving->writer);
    codec->result(&serving->writer, &serving->id);
    via_status status = rpc_marshal_put_returned(&serving->marshal, &serving->frame);
    codec->end(&serving->writer);
    return status == VIA_OK ? serving->writer.status : status;
}

static void answer(rpc_serving *serving, via_status status)
{
    if (status == VIA_OK)
        (void)rpc_answer(serving->peer, &serving->writer, serving);
    else if (status == VIA_ETYPE)
        rpc_answer_fault(serving->peer, &serving->id, RPC_CODE_INTERNAL, NULL, "%s: the result cannot be sent: %s",
                         serving->method->name, serving->marshal.wrong);
    else
        rpc_answer_fault(serving->peer, &serving->id, RPC_CODE_INTERNAL, NULL, "%s: the result cannot be sent: %s",
                         serving->method->name,
                         status == VIA_ETOOBIG ? "it is larger than a message can be"
                                               : "it is no number, or there is no memory");
}

static bool failed(const rpc_serving *serving, int32_t *code)
{
    *code = serving->method->result.kind == RPC_KIND_STATUS ? *(int32_t *)serving->frame.result : 0;
    return *code != 0;
}

/* There was no number left for it, so nobody else will. */
static void close_unkept(const rpc_serving *serving)
{
    void *object = serving->marshal.unkept;
    rpc_close_fn function = object ? rpc_close_function(serving->peer, serving->marshal.unkept_type) : NULL;

    if (function)
        function(object);
}

/* The result is written even if nobody is to hear of it: that gives its handles the numbers by which they are closed in the end. */
static void finish(rpc_serving *serving)
{
    int32_t code;
    bool is_failed = failed(serving, &code);

    end_close(serving, !is_failed);
    unpin(serving);
    via_status status = is_failed ? VIA_OK : write_result(serving);
    if (serving->has_id && serving->callback_status != VIA_OK)
        rpc_answer_fault(serving->peer, &serving->id, RPC_CODE_INTERNAL, NULL, "%s", serving->callback_text);
    else if (serving->has_id && is_failed)
        answer_status(serving, code);
    else if (serving->has_id)
        answer(serving, status);
    close_unkept(serving);
    free_results(serving);
}

/* ---- all ---------------------------------------------------------------------------------------------------- */

static void count_refusal(rpc_peer *peer)
{
    (void)pthread_mutex_lock(&peer->lock);
    peer->stats.refused++;
    (void)pthread_mutex_unlock(&peer->lock);
}

static __attribute__((cold)) void refuse(rpc_serving *serving, via_status status)
{
    const char *name = serving->method->name;
    const rpc_peer *peer = serving->peer;

    unpin(serving);
    count_refusal(serving->peer);
    if (!serving->has_id)
        return;
    if (status == VIA_ETYPE)
        rpc_answer_fault(serving->peer, &serving->id, RPC_CODE_PARAMS, NULL, "%s: %s", name, serving->marshal.wrong);
    else
        rpc_answer_fault(serving->peer, &serving->id, RPC_CODE_BUSY, NULL,
                         "%s: its values take more memory than a call may (%zu bytes)", name, peer->max_memory);
}

/* NULL: it may run. */
static const char *why_not(rpc_serving *serving, int32_t *code)
{
    *code = RPC_CODE_CANCELLED;
    if (atomic_load(&serving->is_cancelled))
        return "cancelled before it began";
    *code = RPC_CODE_LATE;
    if (serving->has_waited && via_deadline_left(rpc_serving_deadline(serving)) == 0)
        return "the deadline had passed before it began";
    *code = RPC_CODE_BUSY;
    return may_close(serving) ? NULL : "another call uses what this one closes";
}

static void call_function(rpc_serving *serving, via_rpc_any function)
{
    const rpc_method *method = serving->method;

    if (method->is_of_words)
        rpc_invoke_words(&method->serve, function, serving->frame.result, serving->frame.cells);
    else
        ffi_call((ffi_cif *)&method->serve, function, serving->frame.result, serving->frame.cells);
}

static void run(rpc_serving *serving, rpc_thread *thread)
{
    rpc_peer *peer = serving->peer;
    int32_t code;
    const char *why = why_not(serving, &code);

    if (why) {
        end_close(serving, false);
        unpin(serving);
        count_refusal(peer);
        if (serving->has_id)
            rpc_answer_fault(peer, &serving->id, code, NULL, "%s: %s", serving->method->name, why);
        return;
    }
    thread->depth++;
    call_function(serving, peer->functions[serving->method->index]);
    thread->depth--;
    finish(serving);
}

void rpc_run(rpc_peer *peer, rpc_wait *wait, const rpc_method *method, rpc_incoming *incoming, rpc_opened *request)
{
    rpc_serving *serving = rpc_serving_begin(peer, wait->thread, method, incoming, request);
    via_status status = serving ? read_values(serving, request) : VIA_ENOMEM;

    if (!serving && request->envelope.kind == RPC_REQUEST)
        rpc_answer_fault(peer, &request->envelope.id, RPC_CODE_INTERNAL, NULL, "%s: out of memory", method->name);
    rpc_opened_close(peer, request);
    rpc_incoming_free(peer, wait->thread, incoming);
    rpc_step_down(peer, wait, serving);
    if (!serving)
        return;
    if (status == VIA_OK)
        run(serving, wait->thread);
    else
        refuse(serving, status);
    rpc_unbind_callbacks(serving);
    wait->served = serving; /* the lock is taken soon anyway */
}
