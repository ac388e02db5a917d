/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters and results in JSON; see dynamic.h.
 */
#include "dynamic.h"

#include <string.h>

/* ---- what is sent ------------------------------------------------------------------------------------------- */

static const json_t *argument(const json_t *params, const rpc_param *param, size_t place)
{
    return json_is_object(params) ? json_object_get(params, param->name) : json_array_get(params, place);
}

static via_status put_param(rpc_marshal *marshal, const rpc_param *param, const json_t *value, uint64_t callback)
{
    const rpc_rule rule = rpc_param_rule(param);

    if (!value)
        return rpc_marshal_wrong(marshal, "%s: is missing among the parameters", param->name);
    if (param->type.kind != RPC_KIND_CALLBACK)
        return rpc_json_put(marshal, &param->type, &rule, value);
    if (!json_is_null(value))
        marshal->codec->put_unsigned(marshal->writer, callback);
    else if (param->nullable)
        marshal->codec->put_nil(marshal->writer);
    else
        return rpc_marshal_wrong(marshal, "%s: is null, and not nullable", param->name);
    return VIA_OK;
}

via_status rpc_json_put_sent(rpc_marshal *marshal, const rpc_method *method, const json_t *params, uint64_t callbacks)
{
    size_t given = json_is_object(params) ? json_object_size(params) : json_array_size(params), place = 0;
    via_status status = VIA_OK;
    char written[192];

    if (given != method->sent) {
        (void)rpc_method_write(method, written, sizeof(written));
        return rpc_marshal_wrong(marshal, "%zu parameters; expected %zu: %s", given, method->sent, written);
    }
    for (size_t i = 0; i < method->count && status == VIA_OK; i++)
        if (method->params[i].is_sent)
            status =
                put_param(marshal, &method->params[i], argument(params, &method->params[i], place++), callbacks + i);
    return status;
}

via_status rpc_json_get_sent(rpc_marshal *marshal, const rpc_method *method, size_t count, json_t **out)
{
    json_t *list = json_array(), *value;
    via_status status = list ? VIA_OK : VIA_ENOMEM;

    if (count != method->sent)
        status = rpc_marshal_wrong(marshal, "%zu parameters came; expected %zu", count, method->sent);
    for (size_t i = 0; i < method->count && status == VIA_OK; i++) {
        const rpc_param *param = &method->params[i];
        const rpc_rule rule = rpc_param_rule(param);
        if (param->is_sent && (status = rpc_json_get(marshal, &param->type, &rule, &value)) == VIA_OK &&
            json_array_append_new(list, value) != 0)
            status = VIA_ENOMEM;
    }
    if (status == VIA_OK)
        *out = list;
    else
        json_decref(list);
    return status;
}

/* ---- what is returned --------------------------------------------------------------------------------------- */

static bool has_value(const rpc_method *method)
{
    return method->result.kind != RPC_KIND_VOID && method->result.kind != RPC_KIND_STATUS;
}

static via_status add(json_t *to, const char *name, json_t *value)
{
    return json_object_set_new(to, name, value) == 0 ? VIA_OK : VIA_ENOMEM;
}

static via_status get_each(rpc_marshal *marshal, const rpc_method *method, json_t *to)
{
    const rpc_rule result = {"the returned value", method->result_max, method->result_is_nullable};
    via_status status = VIA_OK;
    json_t *value;

    if (has_value(method) && (status = rpc_json_get(marshal, &method->result, &result, &value)) == VIA_OK)
        status = add(to, "return", value);
    for (size_t i = 0; i < method->count && status == VIA_OK; i++) {
        const rpc_param *param = &method->params[i];
        const rpc_rule rule = {param->name, param->max, true};
        if (param->is_returned && (status = rpc_json_get(marshal, &param->type, &rule, &value)) == VIA_OK)
            status = add(to, param->name, value);
    }
    return status;
}

/* The one value of a list of one. */
static json_t *only(json_t *object)
{
    json_t *value = json_incref(json_object_iter_value(json_object_iter(object)));

    json_decref(object);
    return value;
}

via_status rpc_json_get_returned(rpc_marshal *marshal, const rpc_method *method, json_t **out)
{
    const rpc_rule rule = {"the result", 0, false};
    json_t *object;
    size_t count;

    if (method->returned == 0) {
        *out = json_null();
        return marshal->codec->get_nil(marshal->reader) ? VIA_OK : rpc_marshal_unlike(marshal, &rule, "nothing");
    }
    if (method->returned > 1 && (!marshal->codec->enter_list(marshal->reader, &count) || count != method->returned))
        return rpc_marshal_unlike(marshal, &rule, "a list of all results");
    if (!(object = json_object()))
        return VIA_ENOMEM;
    via_status status = get_each(marshal, method, object);
    if (status != VIA_OK) {
        json_decref(object);
        return status;
    }
    *out = method->returned == 1 ? only(object) : object;
    return VIA_OK;
}

static via_status put_each(rpc_marshal *marshal, const rpc_method *method, const json_t *value)
{
    const rpc_rule result = {"the returned value", method->result_max, method->result_is_nullable};
    bool is_one = method->returned == 1;
    via_status status = VIA_OK;

    if (has_value(method))
        status = rpc_json_put(marshal, &method->result, &result, is_one ? value : json_object_get(value, "return"));
    for (size_t i = 0; i < method->count && status == VIA_OK; i++) {
        const rpc_param *param = &method->params[i];
        const rpc_rule rule = rpc_param_rule(param);
        if (param->is_returned)
            status = rpc_json_put(marshal, &param->type, &rule, is_one ? value : json_object_get(value, param->name));
    }
    return status;
}

via_status rpc_json_put_returned(rpc_marshal *marshal, const rpc_method *method, const json_t *value)
{
    if (method->returned == 0)
        marshal->codec->put_nil(marshal->writer);
    if (method->returned > 1)
        marshal->codec->begin_list(marshal->writer, method->returned);
    via_status status = put_each(marshal, method, value);
    if (method->returned > 1)
        marshal->codec->end_list(marshal->writer);
    return status;
}
