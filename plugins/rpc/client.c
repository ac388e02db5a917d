/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calling a method with values of C; see peer.h.
 *
 * Owns: one call from its arguments to its result.
 */
#include "kit/deadline.h"
#include "peer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- errors ------------------------------------------------------------------------------------------------- */

void rpc_explain(via_rpc_error *error, const char *method, via_status status, const char *format, ...)
{
    va_list arguments;

    if (!error)
        return;
    via_rpc_error_init(error);
    error->status = status;
    error->origin = VIA_RPC_HERE;
    error->not_sent = 1;
    (void)snprintf(error->method, sizeof(error->method), "%s", method);
    va_start(arguments, format);
    (void)vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
}

void rpc_tell(const rpc_call *call, via_rpc_error *error)
{
    if (error && call->status != VIA_OK)
        *error = call->error;
}

/* ---- deadlines ---------------------------------------------------------------------------------------------- */

static uint64_t usual_ns(const rpc_peer *peer, const rpc_method *method)
{
    return method && method->deadline_ms ? method->deadline_ms * 1000000 : peer->deadline_ns;
}

via_deadline rpc_deadline(const rpc_peer *peer, const rpc_method *method, via_deadline deadline)
{
    if (deadline != VIA_RPC_USUAL)
        return deadline;
    uint64_t ns = usual_ns(peer, method);
    return ns > INT64_MAX ? VIA_FOREVER : via_deadline_after((int64_t)ns);
}

/* All of the usual time is left: no clock has to be asked. */
static uint64_t left_ns(const rpc_peer *peer, const rpc_method *method, via_deadline deadline)
{
    uint64_t ns = deadline == VIA_RPC_USUAL ? usual_ns(peer, method) : via_deadline_left(deadline);

    return ns > INT64_MAX ? VIA_FOREVER : ns;
}

uint64_t rpc_timeout(rpc_peer *peer, const rpc_method *method, via_deadline deadline)
{
    if (!atomic_load_explicit(&peer->is_rich, memory_order_relaxed))
        return 0;
    uint64_t ns = left_ns(peer, method, deadline);
    return ns == VIA_FOREVER ? 0 : ns / 1000000 + 1;
}

/* ---- the reply ---------------------------------------------------------------------------------------------- */

static void deliver(rpc_peer *peer, rpc_call *call, rpc_opened *reply)
{
    if (reply->envelope.kind == RPC_FAULT) {
        rpc_call_fault(call, &reply->envelope.fault);
        return;
    }
    rpc_marshal marshal;
    rpc_marshal_init(&marshal, peer->codec, NULL, &reply->reader, call->keep);
    via_status status = rpc_marshal_get_returned(&marshal, &call->frame);
    if (status == VIA_ETYPE)
        rpc_call_fail(call, status, VIA_RPC_HERE, "the reply is not what the interface says: %s", marshal.wrong);
    else if (status != VIA_OK)
        rpc_call_fail(call, status, VIA_RPC_HERE, "there is no memory for the reply (%zu bytes at most)",
                      peer->max_memory);
}

/* ---- the request -------------------------------------------------------------------------------------------- */

static void fill_frame(rpc_frame *frame, const rpc_request *request)
{
    frame->method = request->method;
    frame->result = request->result;
    frame->kept_count = 0;
    for (size_t i = 0; i < request->method->count; i++) {
        frame->cells[i] = request->cells[i];
        frame->counts[i] = 0;
    }
}

static via_status write_values(rpc_peer *peer, rpc_writer *writer, rpc_frame *frame, uint64_t callbacks,
                               via_rpc_error *error)
{
    rpc_marshal marshal;

    rpc_marshal_init(&marshal, peer->codec, writer, NULL, NULL);
    via_status status = rpc_marshal_put_sent(&marshal, frame, callbacks);

    peer->codec->end(writer);
    if (status == VIA_ETOOBIG)
        return rpc_refuse(error, frame->method->name, status, "the call is larger than a message can be");
    return status == VIA_OK ? status : rpc_refuse(error, frame->method->name, status, "%s", marshal.wrong);
}

/* The call, written and not sent. */
static via_status make_call(rpc_peer *peer, rpc_thread *thread, rpc_request *request, rpc_call **out,
                            via_rpc_error *error)
{
    const rpc_method *method = request->method;
    rpc_call *call;

    if (left_ns(peer, method, request->deadline) == 0)
        return rpc_refuse(error, method->name, VIA_ETIMEDOUT, "the deadline had passed before it was sent");
    via_status status = rpc_hello(peer, method, &request->deadline, error);

    if (status != VIA_OK)
        return status;
    if ((status = rpc_call_take(peer, thread, deliver, &call)) != VIA_OK)
        return rpc_refuse(error, method->name, status, "there are %d calls in flight already", RPC_CALLS_MAX);
    call->method = method;
    call->deadline = request->deadline;
    fill_frame(&call->frame, request);
    peer->codec->request(&call->writer, call->id, method->name, rpc_timeout(peer, method, request->deadline),
                         method->sent);
    status = write_values(peer, &call->writer, &call->frame, call->id * RPC_CALLBACKS, error);
    if (status != VIA_OK) {
        rpc_call_give(peer, thread, call);
        return status;
    }
    *out = call;
    return VIA_OK;
}

static void zero(const rpc_request *request)
{
    rpc_frame frame;

    fill_frame(&frame, request);
    rpc_marshal_note_room(&frame);
    rpc_marshal_zero_returned(&frame);
}

/* What the last call of this thread has borrowed goes, and what this one has takes its place. */
static void lend(rpc_thread *thread, rpc_call *call)
{
    rpc_arena *last = thread->keep;

    thread->keep = call->own_keep;
    call->own_keep = last;
}

static via_status send_oneway(rpc_peer *peer, const rpc_request *request, via_rpc_error *error)
{
    rpc_writer writer;
    rpc_frame frame;
    via_status status;

    rpc_writer_init(&writer, (size_t)peer->max_message);
    rpc_writer_reset(&writer);
    fill_frame(&frame, request);
    peer->codec->notification(&writer, request->method->name, request->method->sent);
    if ((status = write_values(peer, &writer, &frame, 0, error)) == VIA_OK &&
        (status = rpc_send(peer, &writer, rpc_deadline(peer, request->method, request->deadline))) != VIA_OK) {
        rpc_explain(error, request->method->name, status, "it could not be sent");
        if (error)
            error->origin = VIA_RPC_TRANSPORT;
    }
    rpc_writer_fini(&writer);
    return status;
}

via_status rpc_call_function(rpc_peer *peer, rpc_thread *thread, rpc_request *request, via_rpc_error *error)
{
    rpc_call *call;
    via_status status;

    if (request->method->is_oneway)
        return send_oneway(peer, request, error);
    if ((status = make_call(peer, thread, request, &call, error)) != VIA_OK) {
        zero(request);
        return status;
    }
    call->thread = thread;
    call->is_quick = !request->method->has_callbacks;
    if ((status = rpc_call_send(peer, call)) == VIA_OK)
        status = rpc_call_await(peer, call, thread);
    if (status != VIA_OK)
        rpc_marshal_zero_returned(&call->frame);
    rpc_tell(call, error);
    lend(thread, call);
    rpc_call_give(peer, thread, call);
    return status;
}

/* ---- the table ---------------------------------------------------------------------------------------------- */

static via_status find_method(rpc_peer *peer, const char *name, size_t count, rpc_request *request,
                              via_rpc_error *error)
{
    if (rpc_peer_is_foreign(peer))
        return rpc_refuse(error, name, VIA_EFORK, "this channel belongs to the parent process");
    if (!peer->interface)
        return rpc_refuse(error, name, VIA_EINVAL,
                          "the layer has no interface; give it rpc.interface=FILE, or call with JSON");
    request->method = rpc_interface_find(peer->interface, name, strlen(name));
    if (!request->method)
        return rpc_refuse(error, name, VIA_ENOENT, "the interface %s has no such method", peer->interface->name);
    if (count != request->method->call_count)
        return rpc_refuse(error, name, VIA_EINVAL, "%zu arguments; expected %zu", count, request->method->call_count);
    return VIA_OK;
}

static via_status prepare(rpc_peer *peer, const char *name, void *result, void *const *arguments, size_t count,
                          via_deadline deadline, rpc_request *request, via_rpc_error *error)
{
    via_status status = find_method(peer, name, count, request, error);

    if (status != VIA_OK)
        return status;
    memset(request->cells, 0, sizeof(request->cells));
    for (size_t i = 0; i < count; i++)
        request->cells[request->method->call_params[i]] = arguments[i];
    request->result = result;
    request->deadline = deadline;
    return VIA_OK;
}

via_status rpc_table_call(void *self, const char *method, void *result, void *const *arguments, size_t count,
                          via_deadline deadline, via_rpc_error *error)
{
    rpc_peer *peer = self;
    rpc_request request;
    via_status status = prepare(peer, method, result, arguments, count, deadline, &request, error);

    if (status != VIA_OK)
        return status;
    rpc_thread *thread = rpc_thread_here(peer);
    return thread ? rpc_call_function(peer, thread, &request, error)
                  : rpc_refuse(error, method, VIA_ENOMEM, "out of memory");
}

via_status rpc_table_notify(void *self, const char *method, void *const *arguments, size_t count, via_deadline deadline,
                            via_rpc_error *error)
{
    rpc_peer *peer = self;
    rpc_request request;
    via_status status = prepare(peer, method, NULL, arguments, count, deadline, &request, error);

    if (status != VIA_OK)
        return status;
    rpc_thread *thread = rpc_thread_here(peer);
    status = send_oneway(peer, &request, error);
    if (thread)
        rpc_settle(peer, thread);
    return status;
}

/* ---- without waiting ---------------------------------------------------------------------------------------- */

static void finish(rpc_peer *peer, rpc_call *call)
{
    via_rpc_done_fn done = call->to.done;
    void *user = call->user;
    via_status status = call->status;
    via_rpc_error error;

    if (status != VIA_OK) {
        rpc_marshal_zero_returned(&call->frame);
        error = call->error;
    }
    /* What it has borrowed lives while the application is told. */
    if (done)
        done(user, status, status == VIA_OK ? NULL : &error);
    rpc_call_give(peer, NULL, call);
}

/* The cells may be gone when the reply comes; what they point to may not. */
static void keep_pointers(rpc_call *call)
{
    for (size_t i = 0; i < call->method->count; i++) {
        const rpc_param *param = &call->method->params[i];
        rpc_kind kind = param->type.kind;
        if (!call->frame.cells[i] ||
            !(param->direction & RPC_OUT || kind == RPC_KIND_CALLBACK || kind == RPC_KIND_USER))
            continue;
        memcpy(&call->words[i], call->frame.cells[i], sizeof(call->words[i]));
        call->frame.cells[i] = &call->words[i];
    }
}

via_status rpc_table_start(void *self, const char *method, void *result, void *const *arguments, size_t count,
                           via_deadline deadline, via_rpc_done_fn done, void *user, uint64_t *number,
                           via_rpc_error *error)
{
    rpc_peer *peer = self;
    rpc_request request;
    rpc_call *call;
    via_status status = prepare(peer, method, result, arguments, count, deadline, &request, error);

    if (status != VIA_OK)
        return status;
    rpc_thread *thread = rpc_thread_here(peer);
    status = thread ? make_call(peer, thread, &request, &call, error)
                    : rpc_refuse(error, method, VIA_ENOMEM, "out of memory");
    if (status != VIA_OK) {
        zero(&request);
        return status;
    }
    keep_pointers(call);
    call->to.done = done;
    call->user = user;
    call->finish = finish;
    if (number)
        *number = call->id;
    if ((status = rpc_call_send(peer, call)) != VIA_OK) {
        rpc_marshal_zero_returned(&call->frame);
        rpc_tell(call, error);
        rpc_call_give(peer, thread, call);
    }
    rpc_settle(peer, thread);
    return status;
}

via_status rpc_table_cancel(void *self, uint64_t number)
{
    rpc_peer *peer = self;
    rpc_writer writer;
    via_status status;

    if (rpc_peer_is_foreign(peer))
        return VIA_EFORK;
    (void)pthread_mutex_lock(&peer->lock);
    bool is_open = rpc_call_find(peer, number) != NULL;
    (void)pthread_mutex_unlock(&peer->lock);
    if (!is_open)
        return VIA_ENOENT;
    rpc_writer_init(&writer, (size_t)peer->max_message);
    rpc_writer_reset(&writer);
    peer->codec->cancel(&writer, number);
    status = rpc_send(peer, &writer, rpc_deadline(peer, NULL, VIA_RPC_USUAL));
    rpc_writer_fini(&writer);
    return status;
}
