/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrays and bytes from the wire; see frame_array.h.
 */
#include "frame_array.h"

#include <inttypes.h>
#include <string.h>

static via_status check_count(rpc_marshal *marshal, const rpc_param *param, size_t count, size_t room)
{
    if (param->max && count > param->max)
        return rpc_marshal_wrong(marshal, "%s: %zu elements; expected at most %" PRIu64, param->name, count,
                                 param->max);
    if (count > room)
        return rpc_marshal_wrong(marshal, "%s: %zu elements came; there is room for %zu", param->name, count, room);
    return VIA_OK;
}

static via_status take_room(rpc_marshal *marshal, void **memory, size_t count, size_t element)
{
    if (!*memory)
        *memory = rpc_arena_take_array(marshal->arena, count, element);
    return *memory ? VIA_OK : VIA_ENOMEM;
}

static via_status get_bytes(rpc_marshal *marshal, const rpc_param *param, void **memory, size_t room, size_t *count)
{
    const rpc_rule rule = rpc_param_rule(param);
    const unsigned char *bytes;
    via_status status;

    if (!marshal->codec->get_bytes(marshal->reader, &bytes, count))
        return rpc_marshal_unlike(marshal, &rule, "bytes");
    if ((status = check_count(marshal, param, *count, room)) != VIA_OK ||
        (status = take_room(marshal, memory, *count, 1)) != VIA_OK)
        return status;
    if (*count)
        memcpy(*memory, bytes, *count);
    return VIA_OK;
}

static via_status get_elements(rpc_marshal *marshal, const rpc_param *param, void *memory, size_t count)
{
    const rpc_type *type = param->type.element;
    const rpc_rule rule = {param->name, 0, param->nullable_elements};
    via_status status = VIA_OK;

    for (size_t i = 0; i < count && status == VIA_OK; i++)
        status = rpc_marshal_in_array(marshal, &rule, i,
                                      rpc_marshal_get(marshal, type, &rule, (char *)memory + i * type->size));
    if (status == VIA_OK)
        marshal->codec->leave_list(marshal->reader);
    return status;
}

via_status rpc_array_get(rpc_marshal *marshal, const rpc_param *param, void **memory, size_t room, size_t *count)
{
    const rpc_rule rule = rpc_param_rule(param);
    via_status status;

    *count = 0;
    if (param->nullable && marshal->codec->get_nil(marshal->reader))
        return VIA_OK;
    if (param->type.kind == RPC_KIND_BYTES)
        return get_bytes(marshal, param, memory, room, count);
    if (!marshal->codec->enter_list(marshal->reader, count))
        return rpc_marshal_unlike(marshal, &rule, "a list");
    if ((status = check_count(marshal, param, *count, room)) != VIA_OK ||
        (status = take_room(marshal, memory, *count, param->type.element->size)) != VIA_OK)
        return status;
    return get_elements(marshal, param, *memory, *count);
}
