/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A result from the wire, at the caller; see marshal.h.
 *
 * Owns: what is written into the caller's memory: never more than there was room for when the call was begun.
 */
#include "frame_array.h"

#include <stdlib.h>
#include <string.h>

/* ---- what the caller frees ---------------------------------------------------------------------------------- */

/* A copy of its own. NULL stays NULL. */
static via_status keep(rpc_frame *frame, const void *from, size_t size, void **to)
{
    *to = NULL;
    if (!from)
        return VIA_OK;
    if (!(*to = malloc(size ? size : 1)))
        return VIA_ENOMEM;
    memcpy(*to, from, size);
    frame->kept[frame->kept_count++] = *to;
    return VIA_OK;
}

/* An array of texts is one piece of memory: the pointers, then the texts. */
static via_status keep_texts(rpc_frame *frame, char *const *texts, size_t count, void **to)
{
    size_t size = count * sizeof(*texts);

    for (size_t i = 0; i < count; i++)
        size += texts[i] ? strlen(texts[i]) + 1 : 0;
    char **made = malloc(size ? size : 1);
    if (!made)
        return VIA_ENOMEM;
    char *at = (char *)(made + count);
    for (size_t i = 0; i < count; i++) {
        size_t length = texts[i] ? strlen(texts[i]) + 1 : 0;
        made[i] = texts[i] ? memcpy(at, texts[i], length) : NULL;
        at += length;
    }
    frame->kept[frame->kept_count++] = *to = (void *)made;
    return VIA_OK;
}

static via_status keep_array(rpc_frame *frame, const rpc_param *param, void *from, size_t count, void **to)
{
    if (from && param->type.kind == RPC_KIND_ARRAY && param->type.element->kind == RPC_KIND_STRING)
        return keep_texts(frame, from, count, to);
    return keep(frame, from, count * rpc_param_element(param), to);
}

/* ---- one value ---------------------------------------------------------------------------------------------- */

static void store_count(const rpc_frame *frame, const rpc_param *param, size_t count)
{
    int index = param->length_is;
    void *at = index == RPC_NONE || !(frame->method->params[index].direction & RPC_OUT)
                   ? NULL
                   : rpc_frame_at(frame, (size_t)index);

    if (at)
        rpc_integer_store(frame->method->params[index].type.kind, at, count);
}

static via_status get_full(rpc_marshal *marshal, rpc_frame *frame, size_t index, void **to)
{
    const rpc_param *param = &frame->method->params[index];
    const rpc_rule rule = rpc_param_rule(param);
    void *memory = NULL;
    size_t count = 0;
    via_status status;

    if (param->type.kind == RPC_KIND_STRING) {
        status = rpc_marshal_get(marshal, &param->type, &rule, &memory);
        return status == VIA_OK ? keep(frame, memory, memory ? strlen(memory) + 1 : 0, to) : status;
    }
    if ((status = rpc_array_get(marshal, param, &memory, SIZE_MAX, &count)) == VIA_OK)
        status = keep_array(frame, param, memory, count, to);
    if (status == VIA_OK)
        store_count(frame, param, count);
    return status;
}

static via_status get_text_buffer(rpc_marshal *marshal, const rpc_frame *frame, size_t index)
{
    const rpc_param *param = &frame->method->params[index];
    const rpc_rule rule = {param->name, param->max, param->nullable};
    char *text, *to = rpc_frame_pointer(frame, index);
    via_status status = rpc_marshal_get(marshal, &param->type, &rule, &text);

    if (status != VIA_OK || !to || frame->counts[index] == 0)
        return status;
    size_t size = text ? strlen(text) + 1 : 0;
    if (size > frame->counts[index])
        return rpc_marshal_wrong(marshal, "%s: a text of %zu bytes came; there is room for %zu", param->name, size,
                                 frame->counts[index]);
    to[0] = '\0';
    if (text)
        memcpy(to, text, size);
    return VIA_OK;
}

static via_status get_buffer(rpc_marshal *marshal, const rpc_frame *frame, size_t index)
{
    const rpc_param *param = &frame->method->params[index];
    void *memory = rpc_frame_pointer(frame, index);
    size_t count;

    if (param->type.kind == RPC_KIND_STRING)
        return get_text_buffer(marshal, frame, index);
    if (!memory)
        return marshal->codec->skip(marshal->reader) ? VIA_OK
                                                     : rpc_marshal_wrong(marshal, "%s: cannot be read", param->name);
    via_status status = rpc_array_get(marshal, param, &memory, frame->counts[index], &count);
    if (status == VIA_OK && param->length_is == RPC_NONE && count != frame->counts[index])
        status =
            rpc_marshal_wrong(marshal, "%s: %zu elements came; expected %zu", param->name, count, frame->counts[index]);
    if (status == VIA_OK)
        store_count(frame, param, count);
    return status;
}

static via_status get_param(rpc_marshal *marshal, rpc_frame *frame, size_t index)
{
    const rpc_param *param = &frame->method->params[index];
    const rpc_rule rule = rpc_param_rule(param);
    void *at = rpc_frame_pointer(frame, index);

    if (rpc_param_is_buffer(param) && !param->is_full)
        return get_buffer(marshal, frame, index);
    if (!at)
        return marshal->codec->skip(marshal->reader) ? VIA_OK
                                                     : rpc_marshal_wrong(marshal, "%s: cannot be read", param->name);
    if (param->is_full && (rpc_param_is_buffer(param) || param->type.kind == RPC_KIND_STRING))
        return get_full(marshal, frame, index, at);
    return rpc_marshal_get(marshal, &param->type, &rule, at);
}

static via_status get_result(rpc_marshal *marshal, rpc_frame *frame)
{
    const rpc_method *method = frame->method;
    const rpc_rule rule = {"the returned value", method->result_max, method->result_is_nullable};
    void *to = frame->result ? frame->result : rpc_arena_take_array(marshal->arena, 1, method->result.size);

    if (!to)
        return VIA_ENOMEM;
    via_status status = rpc_marshal_get(marshal, &method->result, &rule, to);
    if (status != VIA_OK || method->result.kind != RPC_KIND_STRING || !method->result_is_full || !frame->result)
        return status;
    char *text = *(char **)to;
    return keep(frame, text, text ? strlen(text) + 1 : 0, to);
}

/* ---- all ---------------------------------------------------------------------------------------------------- */

static via_status get_each(rpc_marshal *marshal, rpc_frame *frame)
{
    const rpc_method *method = frame->method;
    via_status status = VIA_OK;

    if (method->result.kind != RPC_KIND_VOID && method->result.kind != RPC_KIND_STATUS)
        status = get_result(marshal, frame);
    if (method->is_plain)
        return status;
    for (size_t i = 0; i < method->count && status == VIA_OK; i++)
        if (method->params[i].is_returned)
            status = get_param(marshal, frame, i);
    return status;
}

static via_status get_list(rpc_marshal *marshal, rpc_frame *frame)
{
    const rpc_rule rule = {"the result", 0, false};
    size_t count;

    if (!marshal->codec->enter_list(marshal->reader, &count))
        return rpc_marshal_unlike(marshal, &rule, "a list");
    if (count != frame->method->returned)
        return rpc_marshal_wrong(marshal, "the result has %zu values; expected %zu", count, frame->method->returned);
    return get_each(marshal, frame);
}

via_status rpc_marshal_get_returned(rpc_marshal *marshal, rpc_frame *frame)
{
    via_status status = VIA_OK;

    if (frame->method->returned > 1)
        status = get_list(marshal, frame);
    else if (frame->method->returned == 1)
        status = get_each(marshal, frame);
    if (status != VIA_OK)
        rpc_marshal_zero_returned(frame);
    else if (frame->method->result.kind == RPC_KIND_STATUS && frame->result)
        *(int32_t *)frame->result = 0;
    frame->kept_count = 0;
    return status;
}

/* ---- nothing ------------------------------------------------------------------------------------------------ */

static size_t size_behind(const rpc_frame *frame, size_t index)
{
    const rpc_param *param = &frame->method->params[index];

    if (!rpc_param_is_buffer(param))
        return param->type.size;
    return param->is_full ? sizeof(void *) : frame->counts[index] * rpc_param_element(param);
}

void rpc_marshal_zero_returned(rpc_frame *frame)
{
    const rpc_method *method = frame->method;

    while (frame->kept_count > 0)
        free(frame->kept[--frame->kept_count]);
    if (frame->result && method->result.kind != RPC_KIND_VOID)
        memset(frame->result, 0, method->result.size);
    for (size_t i = 0; i < method->count; i++) {
        void *at = method->params[i].direction & RPC_OUT && frame->cells[i] ? rpc_frame_pointer(frame, i) : NULL;
        if (at)
            memset(at, 0, size_behind(frame, i));
    }
}
