/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Callbacks at the end that has passed them; see peer.h.
 *
 * Owns: running them: the number has to be of a call that is under way, and of a parameter of it that is a callback.
 */
#include "dynamic.h"
#include "peer.h"

#include <stdlib.h>
#include <string.h>

/* ---- whose it is -------------------------------------------------------------------------------------------- */

void rpc_callback_open(const rpc_peer *peer, rpc_opened *request)
{
    if (!request->envelope.is_named && request->envelope.count > 0 && request->callback == 0 &&
        peer->codec->get_unsigned(&request->reader, &request->callback))
        request->envelope.count--;
}

rpc_thread *rpc_callback_owner(rpc_peer *peer, const rpc_opened *request)
{
    const rpc_call *call = rpc_call_find(peer, request->callback / RPC_CALLBACKS);

    return call ? call->thread : NULL;
}

static bool has_callback(const rpc_call *call, size_t index)
{
    return call->method && index < call->method->count && call->method->params[index].type.kind == RPC_KIND_CALLBACK &&
           (call->is_json || rpc_frame_pointer(&call->frame, index));
}

/* Held: its memory stays its own meanwhile. This is its thread, if one waits for it. */
static rpc_call *find_call(rpc_peer *peer, const rpc_opened *request, size_t *index)
{
    *index = request->callback % RPC_CALLBACKS;
    (void)pthread_mutex_lock(&peer->lock);
    rpc_call *call = rpc_call_find(peer, request->callback / RPC_CALLBACKS);
    if (call && has_callback(call, *index))
        call->holds++;
    else
        call = NULL;
    (void)pthread_mutex_unlock(&peer->lock);
    return call;
}

/* ---- a function --------------------------------------------------------------------------------------------- */

/* What the callback is given back: the caller's own pointer. */
static void fill_user(const rpc_call *call, size_t index, rpc_frame *frame)
{
    int from = call->method->params[index].user;

    for (size_t i = 0; i < frame->method->count; i++)
        if (frame->method->params[i].type.kind == RPC_KIND_USER && from != RPC_NONE)
            memcpy(frame->cells[i], call->frame.cells[from], sizeof(void *));
}

static via_status run_function(rpc_call *call, size_t index, rpc_marshal *marshal, rpc_opened *request,
                               rpc_frame *frame)
{
    via_status status = rpc_marshal_get_sent(marshal, &request->envelope, frame);
    via_rpc_any function;

    if (status != VIA_OK)
        return status;
    if (!(frame->result = rpc_arena_take_array(marshal->arena, 1, frame->method->result.size + sizeof(ffi_arg))))
        return VIA_ENOMEM;
    fill_user(call, index, frame);
    memcpy(&function, call->frame.cells[index], sizeof(function));
    ffi_call((ffi_cif *)&frame->method->serve, function, frame->result, frame->cells);
    return VIA_OK;
}

static void answer(rpc_peer *peer, const rpc_opened *request, rpc_marshal *marshal, const rpc_frame *frame)
{
    rpc_writer writer;

    rpc_writer_init(&writer, (size_t)peer->max_message);
    rpc_writer_reset(&writer);
    marshal->writer = &writer;
    peer->codec->result(&writer, &request->envelope.id);
    via_status status = rpc_marshal_put_returned(marshal, frame);
    peer->codec->end(&writer);
    if (status == VIA_OK && (status = writer.status) == VIA_OK)
        (void)rpc_answer(peer, &writer, NULL);
    else
        rpc_answer_fault(peer, &request->envelope.id, RPC_CODE_INTERNAL, NULL, "what it returned cannot be sent: %s",
                         status == VIA_ETYPE     ? marshal->wrong
                         : status == VIA_ETOOBIG ? "it is larger than a message can be"
                                                 : "it is no number, or there is no memory");
    rpc_writer_fini(&writer);
}

static void serve_function(rpc_peer *peer, rpc_call *call, size_t index, rpc_opened *request)
{
    rpc_frame frame = {.method = call->method->params[index].type.callback};
    rpc_arena arena;
    rpc_marshal marshal;

    rpc_marshal_init(&marshal, peer->codec, NULL, &request->reader, &arena);
    rpc_arena_init(&arena, peer->max_memory);
    via_status status = run_function(call, index, &marshal, request, &frame);
    if (status == VIA_OK)
        answer(peer, request, &marshal, &frame);
    else
        rpc_answer_fault(peer, &request->envelope.id, RPC_CODE_PARAMS, NULL, "%s",
                         status == VIA_ETYPE ? marshal.wrong : "out of memory");
    rpc_arena_fini(&arena);
}

/* ---- all ---------------------------------------------------------------------------------------------------- */

void rpc_serve_callback(rpc_peer *peer, rpc_opened *request)
{
    size_t index;
    rpc_callback_open(peer, request);
    rpc_call *call = find_call(peer, request, &index);

    if (!call)
        rpc_answer_fault(peer, &request->envelope.id, RPC_CODE_PARAMS, NULL, "%s",
                         "no call that is under way has a callback of this number");
    else if (call->is_json)
        rpc_dynamic_callback(peer, call, index, request);
    else
        serve_function(peer, call, index, request);
    if (call)
        rpc_call_release(peer, call);
}
