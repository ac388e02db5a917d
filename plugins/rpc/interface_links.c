/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What parameters say of each other.
 *
 * Owns: the rules of size_is, length_is and user, and what follows from them: which values travel, and which are known
 * from those that do.
 */
#include "interface_internal.h"

#include "kit/json/nearest.h"

#include <stdio.h>
#include <string.h>

/* ---- names --------------------------------------------------------------------------------------------------- */

static via_status fail_no_such(rpc_reader *reader, const rpc_method *method, const char *key, const char *name)
{
    via_nearest nearest;
    char mend[128] = "";

    via_nearest_begin(&nearest, name);
    for (size_t i = 0; i < method->count; i++)
        via_nearest_offer(&nearest, method->params[i].name);
    if (nearest.best)
        (void)snprintf(mend, sizeof(mend), "write \"%s\"", nearest.best);
    return rpc_fail_in(reader, key, mend, "\"%s\" is to name a parameter beside it; there is no \"%.80s\"", key, name);
}

static via_status find(rpc_reader *reader, const rpc_method *method, const char *key, const char *name, int *index)
{
    if (!name)
        return VIA_OK;
    for (size_t i = 0; i < method->count; i++) {
        if (strcmp(method->params[i].name, name) == 0) {
            *index = (int)i;
            return VIA_OK;
        }
    }
    return fail_no_such(reader, method, key, name);
}

static via_status find_count(rpc_reader *reader, const rpc_method *method, const char *key, const char *name,
                             int *index)
{
    via_status status = find(reader, method, key, name, index);
    char type[160];

    if (status != VIA_OK || *index == RPC_NONE)
        return status;
    const rpc_param *count = &method->params[*index];
    (void)rpc_type_write(&count->type, type, sizeof(type));
    if (!rpc_kind_is_integer(count->type.kind))
        return rpc_fail_in(reader, key, NULL, "\"%s\" names \"%s\", which is %s; expected an integer", key, name, type);
    if (count->nullable)
        return rpc_fail_in(reader, key, "take \"nullable\" out there", "\"%s\" names \"%s\", which can be NULL", key,
                           name);
    return VIA_OK;
}

static via_status find_user(rpc_reader *reader, const rpc_method *method, const rpc_param *param, const char *name,
                            int *index)
{
    via_status status = find(reader, method, "user", name, index);
    bool wanted = false;

    if (status != VIA_OK || param->type.kind != RPC_KIND_CALLBACK)
        return status;
    if (name && method->params[*index].type.kind != RPC_KIND_USER)
        return rpc_fail_in(reader, "user", "give that parameter the type \"user\"", "\"%s\" is not of type user", name);
    const rpc_method *callback = param->type.callback;
    for (size_t i = 0; i < callback->count; i++)
        wanted |= callback->params[i].type.kind == RPC_KIND_USER;
    if (name && !wanted)
        return rpc_fail_in(reader, "user", "take it out, or give the callback a parameter of type user",
                           "the callback \"%s\" is given no user", callback->name);
    if (!name && wanted)
        return rpc_fail_in(reader, "type",
                           "add \"user\" with the name of the parameter that the callback is given back",
                           "the callback \"%s\" is given a user, but nothing says which", callback->name);
    return VIA_OK;
}

/* ---- arrays and their counts --------------------------------------------------------------------------------- */

static bool goes_in(const rpc_method *method, int index)
{
    return (method->params[index].direction & RPC_IN) != 0;
}

static bool comes_out(const rpc_method *method, int index)
{
    return (method->params[index].direction & RPC_OUT) != 0;
}

static via_status check_in(rpc_reader *reader, const rpc_method *method, const rpc_param *param)
{
    int count = param->length_is != RPC_NONE ? param->length_is : param->size_is;

    if (param->type.kind == RPC_KIND_STRING && param->size_is != RPC_NONE)
        return rpc_fail_in(reader, "size_is", "take it out, or write \"length_is\"",
                           "a string that goes in ends with its NUL: it has no capacity");
    if (param->type.kind != RPC_KIND_STRING && count == RPC_NONE)
        return rpc_fail_in(reader, "type", "add \"length_is\" with the name of the parameter that holds the number",
                           "nothing says how many elements \"%s\" has", param->name);
    if (count != RPC_NONE && !goes_in(method, count))
        return rpc_fail_in(reader, param->length_is != RPC_NONE ? "length_is" : "size_is",
                           "give that parameter \"dir\": \"in\" or \"inout\"",
                           "\"%s\" goes in, but \"%s\", the number of its elements, does not", param->name,
                           method->params[count].name);
    return VIA_OK;
}

/* What the function allocates. */
static via_status check_given(rpc_reader *reader, const rpc_method *method, const rpc_param *param)
{
    if (param->size_is != RPC_NONE)
        return rpc_fail_in(reader, "size_is", "take it out, or take \"transfer\" out",
                           "with \"transfer\": \"full\" the function allocates: there is no capacity");
    if (param->type.kind != RPC_KIND_STRING && param->length_is == RPC_NONE)
        return rpc_fail_in(reader, "type", "add \"length_is\" with the name of an out parameter that tells",
                           "nothing says how many elements \"%s\" will have", param->name);
    if (param->length_is != RPC_NONE && !comes_out(method, param->length_is))
        return rpc_fail_in(reader, "length_is", "give that parameter \"dir\": \"out\"",
                           "\"%s\" comes out, but \"%s\", the number of its elements, does not", param->name,
                           method->params[param->length_is].name);
    return VIA_OK;
}

/* What the function writes into the caller's memory. */
static via_status check_filled(rpc_reader *reader, const rpc_method *method, const rpc_param *param)
{
    bool is_both = (param->direction & RPC_IN) != 0;

    if (param->size_is == RPC_NONE)
        return rpc_fail_in(reader, "type",
                           "add \"size_is\" with the name of the parameter that says how much room there is, or "
                           "\"transfer\": \"full\" if the function allocates",
                           "nothing says how much room \"%s\" has", param->name);
    if (is_both && param->length_is != RPC_NONE && !goes_in(method, param->length_is))
        return rpc_fail_in(reader, "length_is", "give that parameter \"dir\": \"inout\"",
                           "\"%s\" goes in, but \"%s\", the number of its elements, does not", param->name,
                           method->params[param->length_is].name);
    if (!goes_in(method, param->size_is))
        return rpc_fail_in(reader, "size_is", "give that parameter \"dir\": \"in\" or \"inout\"",
                           "\"%s\" is the room of \"%s\", which is to be known before the call",
                           method->params[param->size_is].name, param->name);
    if (!is_both && param->length_is != RPC_NONE && !comes_out(method, param->length_is))
        return rpc_fail_in(
            reader, "length_is",
            "give that parameter \"dir\": \"out\" or \"inout\"; without \"length_is\" all of the room comes back",
            "\"%s\" comes out, but \"%s\", the number of its elements, does not", param->name,
            method->params[param->length_is].name);
    return VIA_OK;
}

static via_status check_counts(rpc_reader *reader, const rpc_method *method, const rpc_param *param)
{
    if (!rpc_kind_is_counted(param->type.kind))
        return VIA_OK;
    if (param->direction == RPC_IN)
        return check_in(reader, method, param);
    return param->is_full ? check_given(reader, method, param) : check_filled(reader, method, param);
}

static via_status link_one(rpc_reader *reader, rpc_method *method, rpc_param *param, const rpc_links *links)
{
    via_status status = find_count(reader, method, "size_is", links->size_is, &param->size_is);

    if (status == VIA_OK)
        status = find_count(reader, method, "length_is", links->length_is, &param->length_is);
    if (status == VIA_OK)
        status = find_user(reader, method, param, links->user, &param->user);
    /* An array that is changed in place has room for what it holds, unless more is said. */
    if (param->direction == (RPC_IN | RPC_OUT) && param->type.kind != RPC_KIND_STRING && param->size_is == RPC_NONE)
        param->size_is = param->length_is;
    return status == VIA_OK ? check_counts(reader, method, param) : status;
}

/* ---- what travels -------------------------------------------------------------------------------------------- */

/* The parameter with the number of elements that go in. A string's capacity is not that. */
static int count_in(const rpc_param *param)
{
    if (param->length_is != RPC_NONE || param->type.kind == RPC_KIND_STRING)
        return param->length_is;
    return param->size_is;
}

static void derive(rpc_method *method)
{
    for (size_t i = 0; i < method->count; i++) {
        const rpc_param *param = &method->params[i];
        if (!rpc_kind_is_counted(param->type.kind))
            continue;
        int in = param->direction & RPC_IN ? count_in(param) : RPC_NONE;
        int out = param->direction & RPC_OUT ? param->length_is : RPC_NONE;
        if (in != RPC_NONE && method->params[in].counts_in == RPC_NONE)
            method->params[in].counts_in = (int)i;
        if (out != RPC_NONE && comes_out(method, out) && method->params[out].counts_out == RPC_NONE)
            method->params[out].counts_out = (int)i;
    }
}

static void decide(rpc_method *method)
{
    derive(method);
    for (size_t i = 0; i < method->count; i++) {
        rpc_param *param = &method->params[i];
        bool travels = param->type.kind != RPC_KIND_CONTEXT && param->type.kind != RPC_KIND_USER;
        param->is_sent = travels && (param->direction & RPC_IN) && param->counts_in == RPC_NONE;
        param->is_returned = travels && (param->direction & RPC_OUT) && param->counts_out == RPC_NONE;
        method->sent += param->is_sent;
        method->returned += param->is_returned;
    }
}

/* ---- the list ------------------------------------------------------------------------------------------------ */

static via_status check_single(rpc_reader *reader, const rpc_method *method, size_t index, rpc_kind kind)
{
    for (size_t i = 0; i < index; i++) {
        if (method->params[index].type.kind == kind && method->params[i].type.kind == kind)
            return rpc_fail_in(reader, "type", "take one of them out", "there are two parameters of type %s",
                               rpc_kind_name(kind));
    }
    return VIA_OK;
}

static via_status check_owned(rpc_reader *reader, const rpc_method *method, size_t index)
{
    if (method->params[index].type.kind != RPC_KIND_USER)
        return VIA_OK;
    for (size_t i = 0; i < method->count; i++) {
        if (method->params[i].user == (int)index)
            return VIA_OK;
    }
    return rpc_fail_in(reader, "type", "name it as the \"user\" of a callback",
                       "\"%s\" is of type user, but belongs to no callback", method->params[index].name);
}

via_status rpc_params_link(rpc_reader *reader, rpc_method *method, const rpc_links *links, bool is_callback)
{
    via_status status = VIA_OK;

    for (size_t i = 0; status == VIA_OK && i < method->count; i++) {
        via_check_enter(&reader->check, NULL, i);
        status = link_one(reader, method, &method->params[i], &links[i]);
        via_check_leave(&reader->check);
    }
    for (size_t i = 0; status == VIA_OK && i < method->count; i++) {
        via_check_enter(&reader->check, NULL, i);
        status = check_single(reader, method, i, is_callback ? RPC_KIND_USER : RPC_KIND_CONTEXT);
        if (status == VIA_OK && !is_callback)
            status = check_owned(reader, method, i);
        via_check_leave(&reader->check);
    }
    if (status == VIA_OK)
        decide(method);
    return status;
}
