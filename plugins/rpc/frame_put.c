/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parameters of a call to the wire, at the caller, and its result, at the callee; see marshal.h.
 */
#include "frame.h"

#include <inttypes.h>
#include <string.h>

/* ---- arrays ------------------------------------------------------------------------------------------------- */

static via_status put_elements(rpc_marshal *marshal, const rpc_param *param, const void *from, size_t count)
{
    const rpc_rule rule = {param->name, 0, param->nullable_elements};
    via_status status = VIA_OK;

    marshal->codec->begin_list(marshal->writer, count);
    for (size_t i = 0; i < count && status == VIA_OK; i++)
        status = rpc_marshal_in_array(
            marshal, &rule, i,
            rpc_marshal_put(marshal, param->type.element, &rule, (const char *)from + i * param->type.element->size));
    marshal->codec->end_list(marshal->writer);
    return status;
}

static via_status put_array(rpc_marshal *marshal, const rpc_param *param, const void *from, uint64_t count)
{
    if (!from && (param->nullable || count == 0)) {
        if (param->nullable)
            marshal->codec->put_nil(marshal->writer);
        else if (param->type.kind == RPC_KIND_BYTES)
            marshal->codec->put_bytes(marshal->writer, "", 0);
        else
            return put_elements(marshal, param, NULL, 0);
        return VIA_OK;
    }
    if (!from)
        return rpc_marshal_wrong(marshal, "%s: is NULL, and not nullable", param->name);
    if (param->max && count > param->max)
        return rpc_marshal_wrong(marshal, "%s: %" PRIu64 " elements; expected at most %" PRIu64, param->name, count,
                                 param->max);
    if (count > marshal->writer->limit) /* each takes a byte at least */
        return VIA_ETOOBIG;
    if (param->type.kind == RPC_KIND_ARRAY)
        return put_elements(marshal, param, from, (size_t)count);
    marshal->codec->put_bytes(marshal->writer, from, (size_t)count);
    return VIA_OK;
}

/* ---- one parameter ------------------------------------------------------------------------------------------ */

static via_status put_buffer(rpc_marshal *marshal, const rpc_frame *frame, size_t index, const void *from)
{
    const rpc_param *param = &frame->method->params[index];
    const rpc_rule rule = rpc_param_rule(param);

    if (param->type.kind == RPC_KIND_STRING)
        return rpc_marshal_put(marshal, &param->type, &rule, &from);
    return put_array(marshal, param, from, rpc_frame_number(frame, rpc_param_count(param)));
}

static via_status put_behind(rpc_marshal *marshal, const rpc_frame *frame, size_t index)
{
    const rpc_param *param = &frame->method->params[index];
    const rpc_rule rule = rpc_param_rule(param);
    const void *at = rpc_frame_at(frame, index);

    if (at)
        return rpc_marshal_put(marshal, &param->type, &rule, at);
    if (!param->nullable)
        return rpc_marshal_wrong(marshal, "%s: is NULL, and not nullable", param->name);
    marshal->codec->put_nil(marshal->writer);
    return VIA_OK;
}

/* A callback is a number: which call, which parameter. */
static via_status put_callback(rpc_marshal *marshal, const rpc_frame *frame, size_t index, uint64_t base)
{
    const rpc_param *param = &frame->method->params[index];

    if (rpc_frame_pointer(frame, index))
        marshal->codec->put_unsigned(marshal->writer, base + index);
    else if (param->nullable)
        marshal->codec->put_nil(marshal->writer);
    else
        return rpc_marshal_wrong(marshal, "%s: is NULL, and not nullable", param->name);
    return VIA_OK;
}

static via_status put_sent(rpc_marshal *marshal, const rpc_frame *frame, size_t index, uint64_t base)
{
    const rpc_param *param = &frame->method->params[index];

    if (param->type.kind == RPC_KIND_CALLBACK)
        return put_callback(marshal, frame, index, base);
    if (rpc_param_is_buffer(param))
        return put_buffer(marshal, frame, index, rpc_frame_pointer(frame, index));
    return put_behind(marshal, frame, index);
}

/* ---- the caller --------------------------------------------------------------------------------------------- */

void rpc_marshal_note_room(rpc_frame *frame)
{
    for (size_t i = 0; i < frame->method->count; i++) {
        const rpc_param *param = &frame->method->params[i];
        if (param->direction & RPC_OUT && rpc_param_is_buffer(param))
            frame->counts[i] = (size_t)rpc_frame_number(frame, param->size_is);
    }
}

static via_status put_plain(rpc_marshal *marshal, const rpc_frame *frame)
{
    const rpc_method *method = frame->method;
    via_status status = VIA_OK;

    for (size_t i = 0; i < method->count && status == VIA_OK; i++) {
        const rpc_param *param = &method->params[i];
        const rpc_rule rule = rpc_param_rule(param);
        status = rpc_marshal_put(marshal, &param->type, &rule, frame->cells[i]);
    }
    return status;
}

via_status rpc_marshal_put_sent(rpc_marshal *marshal, rpc_frame *frame, uint64_t callback_base)
{
    via_status status = VIA_OK;

    if (frame->method->is_plain)
        return put_plain(marshal, frame);
    rpc_marshal_note_room(frame);
    for (size_t i = 0; i < frame->method->count && status == VIA_OK; i++)
        if (frame->method->params[i].is_sent)
            status = put_sent(marshal, frame, i, callback_base);
    return status;
}

/* ---- the callee --------------------------------------------------------------------------------------------- */

/* More than there was room for is a fault of the function, and must not become a read beyond the room. */
static via_status put_out_array(rpc_marshal *marshal, const rpc_frame *frame, size_t index)
{
    const rpc_param *param = &frame->method->params[index];
    uint64_t count = rpc_frame_number(frame, rpc_param_count(param));
    const void *from = param->is_full ? *(void **)rpc_frame_pointer(frame, index) : rpc_frame_pointer(frame, index);

    if (!param->is_full && from && count > frame->counts[index])
        return rpc_marshal_wrong(marshal,
                                 "%s: the function says that it wrote %" PRIu64 " elements where there is room for %zu",
                                 param->name, count, frame->counts[index]);
    return put_array(marshal, param, from, count);
}

static via_status put_out(rpc_marshal *marshal, const rpc_frame *frame, size_t index)
{
    const rpc_param *param = &frame->method->params[index];

    if (param->type.kind == RPC_KIND_BYTES || param->type.kind == RPC_KIND_ARRAY)
        return put_out_array(marshal, frame, index);
    if (rpc_param_is_buffer(param))
        return put_buffer(marshal, frame, index, rpc_frame_pointer(frame, index));
    return put_behind(marshal, frame, index);
}

static via_status put_each(rpc_marshal *marshal, const rpc_frame *frame)
{
    const rpc_method *method = frame->method;
    const rpc_rule rule = {"the returned value", method->result_max, method->result_is_nullable};
    via_status status = VIA_OK;

    if (method->result.kind != RPC_KIND_VOID && method->result.kind != RPC_KIND_STATUS)
        status = rpc_marshal_put(marshal, &method->result, &rule, frame->result);
    if (method->is_plain)
        return status;
    for (size_t i = 0; i < method->count && status == VIA_OK; i++)
        if (method->params[i].is_returned)
            status = put_out(marshal, frame, i);
    return status;
}

via_status rpc_marshal_put_returned(rpc_marshal *marshal, const rpc_frame *frame)
{
    size_t count = frame->method->returned;
    via_status status;

    if (count == 0)
        marshal->codec->put_nil(marshal->writer);
    if (count <= 1)
        return put_each(marshal, frame);
    marshal->codec->begin_list(marshal->writer, count);
    status = put_each(marshal, frame);
    marshal->codec->end_list(marshal->writer);
    return status;
}
