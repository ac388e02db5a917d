/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters, one by one.
 *
 * Owns: the keys of a parameter, and which of them go with which type and direction. What one parameter says of another
 * is for interface_links.c.
 */
#include "interface_internal.h"

#include <stdio.h>
#include <string.h>

/* ---- keys ---------------------------------------------------------------------------------------------------- */

/* What the keys of one parameter are read into. */
typedef struct reading {
    rpc_param *param;
    rpc_links *links;
} reading;

static via_status read_name(via_check *check, json_t *value, void *target)
{
    return rpc_check_name(check, value, rpc_is_identifier, RPC_IDENTIFIER, &((reading *)target)->param->name);
}

static via_status read_type(via_check *check, json_t *value, void *target)
{
    return rpc_type_read(rpc_reader_of(check), value, &((reading *)target)->param->type);
}

static via_status read_dir(via_check *check, json_t *value, void *target)
{
    static const via_word words[] = {{"in", RPC_IN}, {"out", RPC_OUT}, {"inout", RPC_IN | RPC_OUT}, {NULL, 0}};

    return via_check_word(check, value, words, &((reading *)target)->param->direction);
}

static via_status read_nullable(via_check *check, json_t *value, void *target)
{
    return via_check_bool(check, value, &((reading *)target)->param->nullable);
}

static via_status read_nullable_elements(via_check *check, json_t *value, void *target)
{
    return via_check_bool(check, value, &((reading *)target)->param->nullable_elements);
}

static via_status read_transfer(via_check *check, json_t *value, void *target)
{
    static const via_word words[] = {{"none", 0}, {"full", 1}, {NULL, 0}};
    uint32_t word = 0;
    via_status status = via_check_word(check, value, words, &word);

    ((reading *)target)->param->is_full = word == 1;
    return status;
}

static via_status read_free(via_check *check, json_t *value, void *target)
{
    return rpc_check_name(check, value, rpc_is_symbol, RPC_SYMBOL, &((reading *)target)->param->free);
}

static via_status read_size_is(via_check *check, json_t *value, void *target)
{
    return via_check_text(check, value, 1, 255, &((reading *)target)->links->size_is);
}

static via_status read_length_is(via_check *check, json_t *value, void *target)
{
    return via_check_text(check, value, 1, 255, &((reading *)target)->links->length_is);
}

static via_status read_user(via_check *check, json_t *value, void *target)
{
    return via_check_text(check, value, 1, 255, &((reading *)target)->links->user);
}

static via_status read_max(via_check *check, json_t *value, void *target)
{
    int64_t max = 0;
    via_status status = via_check_integer(check, value, 1, INT32_MAX, &max);

    ((reading *)target)->param->max = (uint64_t)max;
    return status;
}

/* A callback lives as long as the call: what lives longer has no owner who could take it back. */
static via_status read_scope(via_check *check, json_t *value, void *target)
{
    static const via_word words[] = {{"call", 1}, {NULL, 0}};
    uint32_t word = 0;

    (void)target;
    return via_check_word(check, value, words, &word);
}

static via_status read_summary(via_check *check, json_t *value, void *target)
{
    return rpc_check_summary(check, value, &((reading *)target)->param->summary);
}

static const via_field fields[] = {
    {"name", read_name, true},
    {"type", read_type, true},
    {"dir", read_dir, false},
    {"nullable", read_nullable, false},
    {"nullable_elements", read_nullable_elements, false},
    {"transfer", read_transfer, false},
    {"free", read_free, false},
    {"size_is", read_size_is, false},
    {"length_is", read_length_is, false},
    {"max", read_max, false},
    {"user", read_user, false},
    {"scope", read_scope, false},
    {"summary", read_summary, false},
};

/* ---- rules of one alone -------------------------------------------------------------------------------------- */

static via_status check_kind(rpc_reader *reader, const rpc_param *param, bool is_callback)
{
    rpc_kind kind = param->type.kind;

    if (kind == RPC_KIND_VOID)
        return rpc_fail_in(reader, "type", "leave \"params\" out if there are none", "a parameter cannot be void");
    if (kind == RPC_KIND_STATUS)
        return rpc_fail_in(reader, "type", "write \"i32\"", "a status is what a function returns, not a parameter");
    if (!is_callback)
        return VIA_OK;
    if (kind == RPC_KIND_CONTEXT || kind == RPC_KIND_CALLBACK || kind == RPC_KIND_HANDLE)
        return rpc_fail_in(reader, "type", NULL, "a callback cannot be given a %s",
                           kind == RPC_KIND_CONTEXT  ? "context"
                           : kind == RPC_KIND_HANDLE ? "handle"
                                                     : "callback");
    if (param->direction != RPC_IN)
        return rpc_fail_in(reader, "dir", "let it return the value", "what a callback is given goes in only");
    return VIA_OK;
}

static via_status check_direction(rpc_reader *reader, const rpc_param *param)
{
    rpc_kind kind = param->type.kind;
    bool comes_back = (param->direction & RPC_OUT) != 0;

    if (comes_back && (kind == RPC_KIND_CALLBACK || kind == RPC_KIND_CONTEXT || kind == RPC_KIND_USER))
        return rpc_fail_in(reader, "dir", "take it out", "a %s goes in only",
                           kind == RPC_KIND_CALLBACK ? "callback" : rpc_kind_name(kind));
    if (kind == RPC_KIND_HANDLE && param->direction == (RPC_IN | RPC_OUT))
        return rpc_fail_in(reader, "dir", "write \"in\" for one that is there, \"out\" for a new one",
                           "a handle goes in or comes out, not both");
    return VIA_OK;
}

static bool is_pointer(const rpc_param *param)
{
    rpc_kind kind = param->type.kind;

    return (param->direction & RPC_OUT) || rpc_kind_is_counted(kind) || kind == RPC_KIND_FIXED ||
           kind == RPC_KIND_HANDLE || kind == RPC_KIND_CALLBACK;
}

static via_status check_nullable(rpc_reader *reader, const rpc_param *param)
{
    if (param->nullable && !is_pointer(param))
        return rpc_fail_in(reader, "nullable", "take it out", "\"%s\" is passed by value, so it cannot be NULL",
                           param->name);
    if (param->nullable_elements &&
        (param->type.kind != RPC_KIND_ARRAY ||
         (param->type.element->kind != RPC_KIND_STRING && param->type.element->kind != RPC_KIND_HANDLE)))
        return rpc_fail_in(reader, "nullable_elements", "take it out",
                           "only the elements of \"string[]\" and of a list of handles can be NULL");
    return VIA_OK;
}

static via_status check_transfer(rpc_reader *reader, const rpc_param *param)
{
    rpc_kind kind = param->type.kind;
    bool is_given = rpc_kind_is_counted(kind) && param->direction == RPC_OUT;
    bool is_taken = kind == RPC_KIND_HANDLE && param->direction == RPC_IN;

    if (param->is_full && !is_given && !is_taken)
        return rpc_fail_in(
            reader, "transfer", "take it out",
            "\"full\" is for a string, bytes or T[] with \"dir\": \"out\", and for a handle that the call closes");
    if (param->free && (!param->is_full || is_taken))
        return rpc_fail_in(reader, "free",
                           is_taken ? "the call itself closes the handle: take it out"
                                    : "add \"transfer\": \"full\", or take it out",
                           "\"free\" is for what comes out with \"transfer\": \"full\"");
    return VIA_OK;
}

/* Is the key there though the type has no use for it? */
static via_status check_idle(rpc_reader *reader, const rpc_param *param, const rpc_links *links)
{
    bool is_counted = rpc_kind_is_counted(param->type.kind);

    if (links->size_is && !is_counted)
        return rpc_fail_in(reader, "size_is", "take it out", "\"size_is\" is for string, bytes and T[]");
    if (links->length_is && !is_counted)
        return rpc_fail_in(reader, "length_is", "take it out", "\"length_is\" is for string, bytes and T[]");
    if (param->max && !is_counted)
        return rpc_fail_in(reader, "max", "take it out", "\"max\" is for string, bytes and T[]");
    if (links->user && param->type.kind != RPC_KIND_CALLBACK)
        return rpc_fail_in(reader, "user", "take it out", "\"user\" is for callbacks");
    return VIA_OK;
}

via_status rpc_param_check(rpc_reader *reader, const rpc_param *param, const rpc_links *links, bool is_callback)
{
    via_status status = check_kind(reader, param, is_callback);

    if (status == VIA_OK && param->type.size > RPC_FIXED_BYTES)
        return rpc_fail_in(reader, "type", "carry it in parts", "this array is larger than 16 MiB");
    if (status == VIA_OK)
        status = check_direction(reader, param);
    if (status == VIA_OK)
        status = check_nullable(reader, param);
    if (status == VIA_OK)
        status = check_transfer(reader, param);
    if (status == VIA_OK)
        status = check_idle(reader, param, links);
    return status;
}

/* ---- the list ------------------------------------------------------------------------------------------------ */

static via_status read_param(rpc_reader *reader, json_t *value, rpc_param *param, rpc_links *links, bool is_callback)
{
    reading target = {param, links};

    *param = (rpc_param){.name = "",
                         .summary = "",
                         .direction = RPC_IN,
                         .size_is = RPC_NONE,
                         .length_is = RPC_NONE,
                         .user = RPC_NONE,
                         .counts_in = RPC_NONE,
                         .counts_out = RPC_NONE};
    *links = (rpc_links){0};
    if (json_is_string(value))
        return rpc_word_refuse(reader, json_string_value(value));
    via_status status = rpc_keys_refuse(reader, value);
    if (status == VIA_OK)
        status = via_check_object(&reader->check, value, fields, sizeof(fields) / sizeof(fields[0]), &target);
    if (status == VIA_OK && json_object_get(value, "scope") && param->type.kind != RPC_KIND_CALLBACK)
        status = rpc_fail_in(reader, "scope", "take it out", "\"scope\" is for callbacks");
    return status == VIA_OK ? rpc_param_check(reader, param, links, is_callback) : status;
}

static via_status check_twice(rpc_reader *reader, const rpc_method *method, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(method->params[i].name, method->params[index].name) == 0)
            return rpc_fail_in(reader, "name", "give each parameter a name of its own",
                               "there are two parameters \"%s\"", method->params[i].name);
    }
    return VIA_OK;
}

via_status rpc_params_read(rpc_reader *reader, json_t *value, rpc_method *method, bool is_callback)
{
    rpc_links links[RPC_PARAMS_MAX];
    size_t index;
    json_t *part;
    via_status status = VIA_OK;

    if (!json_is_array(value))
        return via_check_fail_type(&reader->check, value, "an array of parameters, in the order in which C has them");
    if (json_array_size(value) > RPC_PARAMS_MAX)
        return via_check_fail(&reader->check, "put some of them into a struct",
                              "there are %zu parameters; expected at most %d", json_array_size(value), RPC_PARAMS_MAX);
    method->params = rpc_model_take(reader->model, json_array_size(value), sizeof(*method->params));
    if (!method->params)
        return rpc_fail_memory(reader);
    method->count = json_array_size(value);
    json_array_foreach(value, index, part)
    {
        via_check_enter(&reader->check, NULL, index);
        status = read_param(reader, part, &method->params[index], &links[index], is_callback);
        if (status == VIA_OK)
            status = check_twice(reader, method, index);
        via_check_leave(&reader->check);
        if (status != VIA_OK)
            return status;
    }
    return rpc_params_link(reader, method, links, is_callback);
}
