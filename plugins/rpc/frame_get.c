/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parameters of a call from the wire, at the callee; see marshal.h.
 *
 * Owns: the memory that a served function works on. First what was sent is read, then what follows from it: how long the arrays
 * are, and the room for what the function writes.
 */
#include "frame_array.h"

#include <inttypes.h>
#include <string.h>

/* ---- cells -------------------------------------------------------------------------------------------------- */

/* Each parameter has a word for its cell, and one behind it for what the cell points to. */
static via_status make_cell(rpc_marshal *marshal, rpc_frame *frame, size_t index, uint64_t words[2])
{
    const rpc_param *param = &frame->method->params[index];
    bool is_behind = rpc_param_is_behind(param) && (!rpc_param_is_buffer(param) || param->is_full);
    void *value = is_behind ? &words[1] : &words[0];

    frame->cells[index] = &words[0];
    if (param->type.size > sizeof(uint64_t) && !rpc_param_is_buffer(param) &&
        !(value = rpc_arena_take_array(marshal->arena, 1, param->type.size)))
        return VIA_ENOMEM;
    if (is_behind)
        memcpy(&words[0], &value, sizeof(value));
    else
        frame->cells[index] = value;
    return VIA_OK;
}

static via_status make_cells(rpc_marshal *marshal, rpc_frame *frame)
{
    uint64_t *words = rpc_arena_take_array(marshal->arena, 2 * frame->method->count, sizeof(*words));
    via_status status = words ? VIA_OK : VIA_ENOMEM;

    for (size_t i = 0; i < frame->method->count && status == VIA_OK; i++)
        status = make_cell(marshal, frame, i, &words[2 * i]);
    return status;
}

static void set_pointer(const rpc_frame *frame, size_t index, const void *pointer)
{
    memcpy(frame->cells[index], &pointer, sizeof(pointer));
}

/* ---- what was sent ------------------------------------------------------------------------------------------ */

static via_status get_buffer(rpc_marshal *marshal, rpc_frame *frame, size_t index)
{
    const rpc_param *param = &frame->method->params[index];
    const rpc_rule rule = rpc_param_rule(param);
    void *memory = NULL;
    via_status status;

    if (param->type.kind == RPC_KIND_STRING)
        status = rpc_marshal_get(marshal, &param->type, &rule, &memory);
    else
        status = rpc_array_get(marshal, param, &memory, SIZE_MAX, &frame->counts[index]);
    set_pointer(frame, index, memory);
    return status;
}

static via_status get_callback(rpc_marshal *marshal, const rpc_frame *frame, size_t index)
{
    const rpc_param *param = &frame->method->params[index];
    const rpc_rule rule = rpc_param_rule(param);
    uint64_t number = 0;

    if (param->nullable && marshal->codec->get_nil(marshal->reader))
        return VIA_OK;
    if (!marshal->codec->get_unsigned(marshal->reader, &number) || number == 0)
        return rpc_marshal_unlike(marshal, &rule, "the number of a callback");
    memcpy(frame->cells[index], &number, sizeof(number));
    return VIA_OK;
}

static via_status get_sent(rpc_marshal *marshal, rpc_frame *frame, size_t index)
{
    const rpc_param *param = &frame->method->params[index];
    const rpc_rule rule = rpc_param_rule(param);

    if (param->type.kind == RPC_KIND_CALLBACK)
        return get_callback(marshal, frame, index);
    if (rpc_param_is_buffer(param))
        return get_buffer(marshal, frame, index);
    if (rpc_param_is_behind(param) && param->nullable && marshal->codec->get_nil(marshal->reader)) {
        set_pointer(frame, index, NULL);
        return VIA_OK;
    }
    return rpc_marshal_get(marshal, &param->type, &rule, rpc_frame_at(frame, index));
}

static via_status get_by_name(rpc_marshal *marshal, rpc_frame *frame)
{
    const rpc_method *method = frame->method;
    via_status status = VIA_OK;

    for (size_t i = 0; i < method->count && status == VIA_OK; i++) {
        if (!method->params[i].is_sent)
            continue;
        if (!marshal->codec->member(marshal->reader, method->params[i].name))
            return rpc_marshal_wrong(marshal, "%s: is missing among the parameters", method->params[i].name);
        status = get_sent(marshal, frame, i);
    }
    return status;
}

static via_status get_in_order(rpc_marshal *marshal, rpc_frame *frame)
{
    via_status status = VIA_OK;

    for (size_t i = 0; i < frame->method->count && status == VIA_OK; i++)
        if (frame->method->params[i].is_sent)
            status = get_sent(marshal, frame, i);
    return status;
}

/* Every value that fits is in a word of the frame. */
static via_status get_plain(rpc_marshal *marshal, rpc_frame *frame)
{
    const rpc_method *method = frame->method;
    via_status status = VIA_OK;

    for (size_t i = 0; i < method->count && status == VIA_OK; i++) {
        const rpc_param *param = &method->params[i];
        const rpc_rule rule = rpc_param_rule(param);
        void *cell = &frame->words[i];
        if (param->type.size > sizeof(frame->words[i]) &&
            !(cell = rpc_arena_take_array(marshal->arena, 1, param->type.size)))
            return VIA_ENOMEM;
        frame->cells[i] = cell;
        status = rpc_marshal_get(marshal, &param->type, &rule, cell);
    }
    return status;
}

/* ---- what follows from it ----------------------------------------------------------------------------------- */

/* Two arrays that are counted by one parameter are equally long. */
static via_status check_lengths(rpc_marshal *marshal, const rpc_frame *frame, int counter, size_t length)
{
    const rpc_method *method = frame->method;

    for (size_t i = 0; i < method->count; i++) {
        const rpc_param *param = &method->params[i];
        if (param->is_sent && rpc_param_is_buffer(param) && param->type.kind != RPC_KIND_STRING &&
            rpc_param_count(param) == counter && frame->counts[i] != length)
            return rpc_marshal_wrong(marshal,
                                     "%s: has %zu elements; expected %zu, as many as the others that %s counts",
                                     param->name, frame->counts[i], length, method->params[counter].name);
    }
    return VIA_OK;
}

static via_status derive_count(rpc_marshal *marshal, const rpc_frame *frame, size_t index)
{
    const rpc_param *param = &frame->method->params[index];
    size_t length = frame->counts[param->counts_in];
    void *at = rpc_frame_at(frame, index);

    if (length > rpc_kind_most(param->type.kind))
        return rpc_marshal_wrong(marshal, "%s: %zu elements; %s can count to %" PRIu64,
                                 frame->method->params[param->counts_in].name, length, param->name,
                                 rpc_kind_most(param->type.kind));
    if (at)
        rpc_integer_store(param->type.kind, at, length);
    return check_lengths(marshal, frame, (int)index, length);
}

/* What came with an inout buffer is at the beginning of its room. One byte more, so that a text always ends. */
static via_status make_room(rpc_marshal *marshal, rpc_frame *frame, size_t index)
{
    const rpc_param *param = &frame->method->params[index];
    size_t element = rpc_param_element(param), room = (size_t)rpc_frame_number(frame, param->size_is);
    const void *came = rpc_frame_pointer(frame, index);
    size_t size = came && param->type.kind == RPC_KIND_STRING ? strlen(came) + 1 : frame->counts[index] * element;

    if (param->max && room > param->max)
        return rpc_marshal_wrong(marshal, "%s: room for %zu is asked for; expected at most %" PRIu64, param->name, room,
                                 param->max);
    if (came && size > room * element)
        return rpc_marshal_wrong(marshal, "%s: is longer than %s says that there is room", param->name,
                                 frame->method->params[param->size_is].name);
    if (room >= marshal->arena->limit / element)
        return rpc_marshal_wrong(marshal, "%s: room for %zu is asked for; a call has %zu bytes", param->name, room,
                                 marshal->arena->limit);
    char *memory = rpc_arena_take_array(marshal->arena, room * element + 1, 1);
    if (!memory)
        return VIA_ENOMEM;
    if (came)
        memcpy(memory, came, size);
    frame->counts[index] = room;
    set_pointer(frame, index, memory);
    return VIA_OK;
}

static via_status follow(rpc_marshal *marshal, rpc_frame *frame)
{
    const rpc_method *method = frame->method;
    via_status status = VIA_OK;

    for (size_t i = 0; i < method->count && status == VIA_OK; i++)
        if (method->params[i].counts_in != RPC_NONE)
            status = derive_count(marshal, frame, i);
    for (size_t i = 0; i < method->count && status == VIA_OK; i++) {
        const rpc_param *param = &method->params[i];
        if (param->direction & RPC_OUT && rpc_param_is_buffer(param) && !param->is_full)
            status = make_room(marshal, frame, i);
    }
    return status;
}

via_status rpc_marshal_get_sent(rpc_marshal *marshal, const rpc_envelope *envelope, rpc_frame *frame)
{
    const rpc_method *method = frame->method;

    if (envelope->count != method->sent) {
        char written[192];
        (void)rpc_method_write(method, written, sizeof(written));
        return rpc_marshal_wrong(marshal, "%zu parameters came; expected %zu: %s", envelope->count, method->sent,
                                 written);
    }
    if (method->is_plain && !envelope->is_named)
        return get_plain(marshal, frame);
    via_status status = make_cells(marshal, frame);
    if (status == VIA_OK)
        status = envelope->is_named ? get_by_name(marshal, frame) : get_in_order(marshal, frame);
    return status == VIA_OK ? follow(marshal, frame) : status;
}
