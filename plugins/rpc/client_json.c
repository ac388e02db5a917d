/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calling a method with values in JSON; see dynamic.h.
 */
#include "dynamic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is asked ------------------------------------------------------------------------------------------ */

/* One call in JSON, before it is one on the wire. */
typedef struct question {
    const char *name;
    json_t *params;
    const rpc_method *method; /* NULL = nobody's interface says what it is */
    via_deadline deadline;
} question;

/* Ours, or what the other end has described. */
static const rpc_method *find_method(rpc_peer *peer, const char *name)
{
    const rpc_method *method = peer->interface ? rpc_interface_find(peer->interface, name, strlen(name)) : NULL;

    if (method)
        return method;
    (void)pthread_mutex_lock(&peer->lock);
    const rpc_interface *theirs = peer->theirs;
    (void)pthread_mutex_unlock(&peer->lock);
    return theirs ? rpc_interface_find(theirs, name, strlen(name)) : NULL;
}

static via_status read_question(rpc_peer *peer, const char *name, const char *params, via_deadline deadline,
                                question *out, via_rpc_error *error)
{
    json_error_t wrong;

    out->name = name;
    if (rpc_peer_is_foreign(peer))
        return rpc_refuse(error, name, VIA_EFORK, "this channel belongs to the parent process");
    if (strlen(name) > RPC_NAME_BYTES)
        return rpc_refuse(error, "", VIA_EINVAL, "the name of a method has at most %d bytes", RPC_NAME_BYTES);
    out->params = json_loads(params ? params : "[]", JSON_REJECT_DUPLICATES, &wrong);
    if (!out->params)
        return rpc_refuse(error, name, VIA_EINVAL, "the parameters are no JSON array or object: %s", wrong.text);
    if (json_is_object(out->params) && !(out->method = find_method(peer, name)) && !peer->codec->request_named) {
        json_decref(out->params);
        return rpc_refuse(error, name, VIA_EINVAL, "this format has no parameters by name; give them as an array");
    }
    out->method = find_method(peer, name);
    out->deadline = rpc_deadline(peer, out->method, deadline);
    return VIA_OK;
}

/* What is held to our interface has to be the same at the other end. */
static via_status agree(rpc_peer *peer, const question *asked, via_rpc_error *error)
{
    bool is_ours = peer->interface && rpc_interface_find(peer->interface, asked->name, strlen(asked->name));

    via_deadline deadline = asked->deadline;

    return is_ours ? rpc_hello(peer, asked->method, &deadline, error) : VIA_OK;
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

static void begin(rpc_peer *peer, const question *asked, rpc_writer *writer, uint64_t id, bool is_request)
{
    const rpc_codec *codec = peer->codec;
    uint64_t timeout = rpc_timeout(peer, asked->method, asked->deadline);
    bool is_named = json_is_object(asked->params) && !asked->method;
    size_t count = asked->method ? asked->method->sent : json_array_size(asked->params);

    if (is_request && is_named)
        codec->request_named(writer, id, asked->name, timeout);
    else if (is_request)
        codec->request(writer, id, asked->name, timeout, count);
    else if (is_named)
        codec->notification_named(writer, asked->name);
    else
        codec->notification(writer, asked->name, count);
}

static via_status put_params(rpc_marshal *marshal, const question *asked, uint64_t callbacks)
{
    via_status status = VIA_OK;

    if (asked->method)
        return rpc_json_put_sent(marshal, asked->method, asked->params, callbacks);
    if (json_is_object(asked->params))
        return rpc_json_put_any(marshal, asked->params);
    for (size_t i = 0; i < json_array_size(asked->params) && status == VIA_OK; i++)
        status = rpc_json_put_any(marshal, json_array_get(asked->params, i));
    return status;
}

static via_status write_question(rpc_peer *peer, const question *asked, rpc_writer *writer, uint64_t id,
                                 bool is_request, via_rpc_error *error)
{
    rpc_arena arena;
    rpc_marshal marshal;

    rpc_marshal_init(&marshal, peer->codec, writer, NULL, &arena);
    rpc_arena_init(&arena, peer->max_memory);
    begin(peer, asked, writer, id, is_request);
    via_status status = put_params(&marshal, asked, id * RPC_CALLBACKS);
    peer->codec->end(writer);
    rpc_arena_fini(&arena);
    return status == VIA_OK
               ? status
               : rpc_refuse(error, asked->name, status, "%s", status == VIA_ETYPE ? marshal.wrong : "out of memory");
}

/* ---- the reply ---------------------------------------------------------------------------------------------- */

static void keep_json(rpc_call *call, json_t *value)
{
    call->json = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    json_decref(value);
    if (!call->json)
        rpc_call_fail(call, VIA_ENOMEM, VIA_RPC_HERE, "out of memory");
}

static void deliver(rpc_peer *peer, rpc_call *call, rpc_opened *reply)
{
    rpc_marshal marshal;
    json_t *value = NULL;

    rpc_marshal_init(&marshal, peer->codec, NULL, &reply->reader, &reply->arena);
    if (reply->envelope.kind == RPC_FAULT) {
        rpc_call_fault(call, &reply->envelope.fault);
        return;
    }
    via_status status =
        call->method ? rpc_json_get_returned(&marshal, call->method, &value) : rpc_json_get_any(&marshal, &value);
    if (status == VIA_OK)
        keep_json(call, value);
    else
        rpc_call_fail(call, status, VIA_RPC_HERE, "the reply is not what the interface says: %s", marshal.wrong);
}

/* ---- calling ------------------------------------------------------------------------------------------------ */

static via_status make_call(rpc_peer *peer, const question *asked, rpc_call **out, via_rpc_error *error)
{
    rpc_call *call;
    via_status status = agree(peer, asked, error);

    if (status != VIA_OK)
        return status;
    if ((status = rpc_call_take(peer, NULL, deliver, &call)) != VIA_OK)
        return rpc_refuse(error, asked->name, status, "there are %d calls in flight already", RPC_CALLS_MAX);
    call->is_json = true;
    call->method = asked->method;
    call->deadline = asked->deadline;
    (void)snprintf(call->name, sizeof(call->name), "%s", asked->name);
    if ((status = write_question(peer, asked, &call->writer, call->id, true, error)) != VIA_OK) {
        rpc_call_give(peer, NULL, call);
        return status;
    }
    *out = call;
    return VIA_OK;
}

via_status rpc_table_call_json(void *self, const char *method, const char *parameters, via_deadline deadline,
                               char **result, via_rpc_event_fn event, void *user, via_rpc_error *error)
{
    rpc_peer *peer = self;
    question asked;
    rpc_call *call;

    *result = NULL;
    via_status status = read_question(peer, method, parameters, deadline, &asked, error);
    if (status != VIA_OK)
        return status;
    rpc_thread *thread = rpc_thread_here(peer);
    status = thread ? make_call(peer, &asked, &call, error) : VIA_ENOMEM;
    json_decref(asked.params);
    if (status != VIA_OK)
        return status;
    call->thread = thread;
    call->event = event;
    call->event_user = user;
    if ((status = rpc_call_send(peer, call)) == VIA_OK)
        status = rpc_call_await(peer, call, thread);
    *result = call->json;
    rpc_tell(call, error);
    rpc_call_give(peer, NULL, call);
    return status;
}

static void finish(rpc_peer *peer, rpc_call *call)
{
    char *json = call->json;

    if (call->to.done_json)
        call->to.done_json(call->user, call->status, json, call->status == VIA_OK ? NULL : &call->error);
    free(json);
    rpc_call_give(peer, NULL, call);
}

via_status rpc_table_start_json(void *self, const char *method, const char *parameters, via_deadline deadline,
                                via_rpc_json_fn done, void *user, uint64_t *number, via_rpc_error *error)
{
    rpc_peer *peer = self;
    question asked;
    rpc_call *call;
    via_status status = read_question(peer, method, parameters, deadline, &asked, error);

    if (status != VIA_OK)
        return status;
    status = make_call(peer, &asked, &call, error);
    json_decref(asked.params);
    if (status != VIA_OK)
        return status;
    call->to.done_json = done;
    call->user = user;
    call->finish = finish;
    if (number)
        *number = call->id;
    if ((status = rpc_call_send(peer, call)) != VIA_OK) {
        rpc_tell(call, error);
        rpc_call_give(peer, NULL, call);
    }
    return status;
}

via_status rpc_table_notify_json(void *self, const char *method, const char *parameters, via_deadline deadline,
                                 via_rpc_error *error)
{
    rpc_peer *peer = self;
    rpc_writer writer;
    question asked;
    via_status status = read_question(peer, method, parameters, deadline, &asked, error);

    if (status != VIA_OK)
        return status;
    if ((status = agree(peer, &asked, error)) != VIA_OK) {
        json_decref(asked.params);
        return status;
    }
    rpc_writer_init(&writer, (size_t)peer->max_message);
    rpc_writer_reset(&writer);
    if ((status = write_question(peer, &asked, &writer, 0, false, error)) == VIA_OK &&
        (status = rpc_send(peer, &writer, asked.deadline)) != VIA_OK) {
        rpc_explain(error, method, status, "it could not be sent");
        if (error)
            error->origin = VIA_RPC_TRANSPORT;
    }
    rpc_writer_fini(&writer);
    json_decref(asked.params);
    return status;
}

/* ---- callbacks ---------------------------------------------------------------------------------------------- */

enum { RETURNED_BYTES = 4096 };

/* What the application says that the callback returns; nothing: 0. */
static json_t *ask_application(const rpc_call *call, const rpc_method *method, json_t *params)
{
    char returned[RETURNED_BYTES] = "";
    char *text = json_dumps(params, JSON_COMPACT);

    if (text && call->event)
        call->event(call->event_user, text, returned, sizeof(returned));
    free(text);
    returned[sizeof(returned) - 1] = '\0';
    if (returned[0])
        return json_loads(returned, JSON_DECODE_ANY, NULL);
    return method->result.kind == RPC_KIND_BOOL ? json_false() : json_integer(0);
}

static void answer(rpc_peer *peer, const rpc_opened *request, const rpc_method *method, json_t *value)
{
    rpc_writer writer;
    rpc_arena arena;
    rpc_marshal marshal;

    rpc_marshal_init(&marshal, peer->codec, &writer, NULL, &arena);
    rpc_arena_init(&arena, peer->max_memory);
    rpc_writer_init(&writer, (size_t)peer->max_message);
    rpc_writer_reset(&writer);
    peer->codec->result(&writer, &request->envelope.id);
    via_status status = rpc_json_put_returned(&marshal, method, value);
    peer->codec->end(&writer);
    if (status == VIA_OK && writer.status == VIA_OK)
        (void)rpc_answer(peer, &writer, NULL);
    else
        rpc_answer_fault(peer, &request->envelope.id, RPC_CODE_INTERNAL, NULL, "what it returned cannot be sent: %s",
                         marshal.wrong);
    rpc_writer_fini(&writer);
    rpc_arena_fini(&arena);
}

void rpc_dynamic_callback(rpc_peer *peer, rpc_call *call, size_t index, rpc_opened *request)
{
    const rpc_method *method = call->method->params[index].type.callback;
    rpc_marshal marshal;
    json_t *params = NULL;

    rpc_marshal_init(&marshal, peer->codec, NULL, &request->reader, &request->arena);
    if (rpc_json_get_sent(&marshal, method, request->envelope.count, &params) != VIA_OK) {
        rpc_answer_fault(peer, &request->envelope.id, RPC_CODE_PARAMS, NULL, "%s", marshal.wrong);
        return;
    }
    json_t *value = ask_application(call, method, params);
    answer(peer, request, method, value);
    json_decref(value);
    json_decref(params);
}
