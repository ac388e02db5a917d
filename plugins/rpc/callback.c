/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Callbacks: functions of the caller that the callee calls while its call runs; see peer.h.
 *
 * Owns: the numbers by which they are known, and the closures that stand for them at the serving end. A number means something
 * only while its call has not been answered.
 */
#include "closure.h"
#include "kit/deadline.h"
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char callback_method[] = "rpc.callback";

/* One callback of a call that is served. */
typedef struct rpc_binding {
    struct rpc_binding *next;
    rpc_serving *serving;
    rpc_thread *thread; /* that serves it */
    const rpc_method *method;
    uint64_t number;
    ffi_closure *closure;
} rpc_binding;

/* ---- the serving end: calling ------------------------------------------------------------------------------- */

static void deliver(rpc_peer *peer, rpc_call *call, rpc_opened *reply)
{
    if (reply->envelope.kind == RPC_FAULT) {
        rpc_call_fault(call, &reply->envelope.fault);
        return;
    }
    rpc_marshal marshal;
    rpc_marshal_init(&marshal, peer->codec, NULL, &reply->reader, call->keep);
    marshal.handles = &peer->handles;
    via_status status = rpc_marshal_get_returned(&marshal, &call->frame);
    for (const rpc_pin *pin = marshal.pins; pin; pin = pin->next)
        rpc_handles_unpin(&peer->handles, pin->number);
    if (status != VIA_OK)
        rpc_call_fail(call, status, VIA_RPC_HERE, "what the callback returned is not what the interface says: %s",
                      marshal.wrong);
}

static via_status write_call(const rpc_binding *binding, rpc_call *call)
{
    rpc_peer *peer = binding->serving->peer;
    rpc_marshal marshal;

    rpc_marshal_init(&marshal, peer->codec, &call->writer, NULL, NULL);
    marshal.handles = &peer->handles;
    peer->codec->request(&call->writer, call->id, callback_method, rpc_timeout(peer, NULL, call->deadline),
                         binding->method->sent + 1);
    peer->codec->put_unsigned(&call->writer, binding->number);
    via_status status = rpc_marshal_put_sent(&marshal, &call->frame, 0);
    peer->codec->end(&call->writer);
    if (status != VIA_OK)
        rpc_call_fail(call, status, VIA_RPC_HERE, "%s", marshal.wrong);
    return status;
}

static void note_failure(rpc_serving *serving, const via_rpc_error *error)
{
    if (serving->callback_status != VIA_OK)
        return;
    serving->callback_status = error->status;
    (void)snprintf(serving->callback_text, sizeof(serving->callback_text), "%.200s: its callback failed: %.250s",
                   serving->method->name, error->text);
}

static void call_back(rpc_binding *binding, rpc_call *call, void *result, void **arguments)
{
    rpc_serving *serving = binding->serving;

    call->method = binding->method;
    call->thread = binding->thread;
    call->keep = &serving->arena;
    call->deadline = via_deadline_min(rpc_serving_deadline(serving), rpc_deadline(serving->peer, NULL, VIA_RPC_USUAL));
    call->frame = (rpc_frame){.method = binding->method, .result = result};
    memcpy(call->frame.cells, arguments, binding->method->count * sizeof(arguments[0]));
    via_status status = write_call(binding, call);
    if (status == VIA_OK && (status = rpc_call_send(serving->peer, call)) == VIA_OK)
        status = rpc_call_await(serving->peer, call, binding->thread);
    if (status == VIA_OK)
        return;
    rpc_marshal_zero_returned(&call->frame);
    note_failure(serving, &call->error);
}

static void enter(ffi_cif *cif, void *result, void **arguments, void *user)
{
    rpc_binding *binding = user;
    rpc_serving *serving = binding->serving;
    via_rpc_error error = {.status = VIA_ENOTSUP, .text = "it was called in another thread than its call runs in"};
    uint64_t small[2] = {0, 0};
    bool is_small = binding->method->result.size <= sizeof(small);
    rpc_call *call = NULL;

    (void)cif;
    if (!is_small)
        memset(result, 0, binding->method->result.size);
    if (!pthread_equal(binding->thread->thread, pthread_self())) {
        note_failure(serving, &error);
    } else if ((error.status = rpc_call_take(serving->peer, NULL, deliver, &call)) != VIA_OK) {
        (void)snprintf(error.text, sizeof(error.text), "%s", "too many calls are in flight");
        note_failure(serving, &error);
    } else {
        call_back(binding, call, is_small ? (void *)small : result, arguments);
        rpc_call_give(serving->peer, NULL, call);
    }
    if (is_small)
        rpc_return_store(&binding->method->result, result, small);
}

/* ---- the serving end: making -------------------------------------------------------------------------------- */

static via_status bind_one(rpc_serving *serving, size_t index)
{
    rpc_binding *binding;
    uint64_t number;
    void *code;

    memcpy(&number, serving->frame.cells[index], sizeof(number));
    if (number == 0)
        return VIA_OK;
    if (!(binding = rpc_arena_take(&serving->arena, sizeof(*binding))))
        return VIA_ENOMEM;
    *binding = (rpc_binding){serving->bindings,
                             serving,
                             rpc_thread_here(serving->peer),
                             serving->method->params[index].type.callback,
                             number,
                             NULL};
    if (!(binding->closure = rpc_closure_alloc(&code)))
        return VIA_ENOMEM;
    serving->bindings = binding;
    if (!binding->thread ||
        ffi_prep_closure_loc(binding->closure, (ffi_cif *)&binding->method->serve, enter, binding, code) != FFI_OK)
        return VIA_ENOMEM;
    memcpy(serving->frame.cells[index], &code, sizeof(code));
    return VIA_OK;
}

via_status rpc_bind_callbacks(rpc_serving *serving)
{
    via_status status = VIA_OK;

    for (size_t i = 0; i < serving->method->count && status == VIA_OK; i++)
        if (serving->method->params[i].type.kind == RPC_KIND_CALLBACK)
            status = bind_one(serving, i);
    return status;
}

void rpc_unbind_callbacks(rpc_serving *serving)
{
    for (const rpc_binding *binding = serving->bindings; binding; binding = binding->next)
        rpc_closure_free(binding->closure);
    serving->bindings = NULL;
}

/* ---- the calling end ---------------------------------------------------------------------------------------- */

bool rpc_is_callback(const rpc_envelope *envelope)
{
    return envelope->kind == RPC_REQUEST && rpc_envelope_is(envelope, callback_method);
}
