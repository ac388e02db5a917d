/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Methods and callbacks.
 *
 * Owns: their keys, what may be returned, and what libffi is told of them: each call is prepared once, here.
 */
#include "integer.h"
#include "interface_internal.h"
#include "invoke.h"

#include <string.h>

enum { A_DAY_MS = 24 * 60 * 60 * 1000 };

/* ---- what is returned ---------------------------------------------------------------------------------------- */

static via_status read_result_type(via_check *check, json_t *value, void *target)
{
    rpc_method *method = target;
    const char *mend = "make it a parameter with \"dir\": \"out\"";

    via_status status = rpc_type_read(rpc_reader_of(check), value, &method->result);
    if (status != VIA_OK)
        return status;
    switch (method->result.kind) {
    case RPC_KIND_BYTES:
    case RPC_KIND_ARRAY:
    case RPC_KIND_FIXED:
        return via_check_fail(check, mend, "a function cannot return \"%s\": nothing would say how long it is or whose",
                              json_string_value(value));
    case RPC_KIND_CALLBACK:
    case RPC_KIND_CONTEXT:
    case RPC_KIND_USER:
        return via_check_fail(check, NULL, "a function cannot return \"%s\"", json_string_value(value));
    default:
        return VIA_OK;
    }
}

static via_status read_result_nullable(via_check *check, json_t *value, void *target)
{
    return via_check_bool(check, value, &((rpc_method *)target)->result_is_nullable);
}

static via_status read_result_transfer(via_check *check, json_t *value, void *target)
{
    static const via_word words[] = {{"none", 0}, {"full", 1}, {NULL, 0}};
    uint32_t word = 0;
    via_status status = via_check_word(check, value, words, &word);

    ((rpc_method *)target)->result_is_full = word == 1;
    return status;
}

static via_status read_result_free(via_check *check, json_t *value, void *target)
{
    return rpc_check_name(check, value, rpc_is_symbol, RPC_SYMBOL, &((rpc_method *)target)->result_free);
}

static via_status read_result_max(via_check *check, json_t *value, void *target)
{
    int64_t max = 0;
    via_status status = via_check_integer(check, value, 1, INT32_MAX, &max);

    ((rpc_method *)target)->result_max = (uint64_t)max;
    return status;
}

static const via_field result_fields[] = {
    {"type", read_result_type, true},  {"transfer", read_result_transfer, false},
    {"free", read_result_free, false}, {"nullable", read_result_nullable, false},
    {"max", read_result_max, false},
};

static via_status check_result(rpc_reader *reader, const rpc_method *method)
{
    bool is_string = method->result.kind == RPC_KIND_STRING;

    if (method->result_is_nullable && !is_string && method->result.kind != RPC_KIND_HANDLE)
        return rpc_fail_in(reader, "nullable", "take it out", "only a string or a handle that is returned can be NULL");
    if (method->result_is_full && !is_string)
        return rpc_fail_in(reader, "transfer", "take it out", "only a string that is returned is handed over");
    if (method->result_free && !method->result_is_full)
        return rpc_fail_in(reader, "free", "add \"transfer\": \"full\", or take it out",
                           "\"free\" is for what comes out with \"transfer\": \"full\"");
    if (method->result_max && !is_string)
        return rpc_fail_in(reader, "max", "take it out", "\"max\" is for strings here");
    return VIA_OK;
}

static via_status read_returns(via_check *check, json_t *value, void *target)
{
    if (json_is_string(value))
        return read_result_type(check, value, target);
    if (!json_is_object(value))
        return via_check_fail_type(check, value, "a type, or an object with \"type\"");
    via_status status =
        via_check_object(check, value, result_fields, sizeof(result_fields) / sizeof(result_fields[0]), target);
    return status == VIA_OK ? check_result(rpc_reader_of(check), target) : status;
}

/* ---- keys ---------------------------------------------------------------------------------------------------- */

static via_status read_symbol(via_check *check, json_t *value, void *target)
{
    return rpc_check_name(check, value, rpc_is_symbol, RPC_SYMBOL, &((rpc_method *)target)->symbol);
}

static via_status read_since(via_check *check, json_t *value, void *target)
{
    return rpc_check_name(check, value, rpc_is_version, "MAJOR.MINOR.PATCH, such as 1.0.0",
                          &((rpc_method *)target)->since);
}

static via_status read_summary(via_check *check, json_t *value, void *target)
{
    return rpc_check_summary(check, value, &((rpc_method *)target)->summary);
}

static via_status read_idempotent(via_check *check, json_t *value, void *target)
{
    return via_check_bool(check, value, &((rpc_method *)target)->is_idempotent);
}

static via_status read_oneway(via_check *check, json_t *value, void *target)
{
    return via_check_bool(check, value, &((rpc_method *)target)->is_oneway);
}

static via_status read_deadline(via_check *check, json_t *value, void *target)
{
    int64_t deadline = 0;
    via_status status = via_check_integer(check, value, 1, A_DAY_MS, &deadline);

    ((rpc_method *)target)->deadline_ms = (uint64_t)deadline;
    return status;
}

static via_status read_params(via_check *check, json_t *value, void *target)
{
    return rpc_params_read(rpc_reader_of(check), value, target, false);
}

static via_status read_callback_params(via_check *check, json_t *value, void *target)
{
    return rpc_params_read(rpc_reader_of(check), value, target, true);
}

static const via_field method_fields[] = {
    {"symbol", read_symbol, false},         {"summary", read_summary, false}, {"since", read_since, false},
    {"idempotent", read_idempotent, false}, {"oneway", read_oneway, false},   {"deadline_ms", read_deadline, false},
    {"params", read_params, false},         {"returns", read_returns, false},
};

static const via_field callback_fields[] = {
    {"summary", read_summary, false},
    {"params", read_callback_params, false},
    {"returns", read_returns, false},
};

/* ---- libffi -------------------------------------------------------------------------------------------------- */

static ffi_type *c_type(const rpc_param *param)
{
    return param->direction & RPC_OUT ? &ffi_type_pointer : param->type.ffi;
}

static bool is_plain(const rpc_param *param)
{
    rpc_kind kind = param->type.kind;

    return param->direction == RPC_IN && (rpc_kind_is_integer(kind) || kind == RPC_KIND_BOOL || kind == RPC_KIND_F32 ||
                                          kind == RPC_KIND_F64 || kind == RPC_KIND_STRING || kind == RPC_KIND_STRUCT);
}

static via_status prepare(rpc_reader *reader, rpc_method *method)
{
    method->types = rpc_model_take(reader->model, 2 * method->count, sizeof(ffi_type *));
    method->call_params = rpc_model_take(reader->model, method->count, sizeof(int));
    if (!method->types || !method->call_params)
        return rpc_fail_memory(reader);
    method->is_plain = true;
    for (size_t i = 0; i < method->count; i++) {
        rpc_kind kind = method->params[i].type.kind;
        method->is_plain = method->is_plain && method->params[i].is_sent && is_plain(&method->params[i]);
        method->types[i] = c_type(&method->params[i]);
        method->has_callbacks = method->has_callbacks || kind == RPC_KIND_CALLBACK;
        method->wants_context = method->wants_context || kind == RPC_KIND_CONTEXT;
        if (kind == RPC_KIND_CONTEXT)
            continue;
        method->types[method->count + method->call_count] = method->types[i];
        method->call_params[method->call_count++] = (int)i;
    }
    if (ffi_prep_cif(&method->serve, FFI_DEFAULT_ABI, (unsigned)method->count, method->result.ffi, method->types) !=
            FFI_OK ||
        ffi_prep_cif(&method->call, FFI_DEFAULT_ABI, (unsigned)method->call_count, method->result.ffi,
                     method->types + method->count) != FFI_OK)
        return via_check_fail(&reader->check, NULL, "libffi cannot call such a function");
    method->is_of_words = rpc_invoke_is_of_words(&method->serve);
    return VIA_OK;
}

/* ---- the whole ----------------------------------------------------------------------------------------------- */

static via_status check_oneway(rpc_reader *reader, const rpc_method *method)
{
    if (!method->is_oneway)
        return VIA_OK;
    if (method->result.kind != RPC_KIND_VOID)
        return rpc_fail_in(reader, "returns", "return nothing, or take \"oneway\" out",
                           "a method that is oneway has no reply, so it returns void");
    for (size_t i = 0; i < method->count; i++) {
        if (method->params[i].direction & RPC_OUT)
            return rpc_fail_in(reader, "oneway", "take it out",
                               "a method that is oneway has no reply, but \"%s\" comes out", method->params[i].name);
        if (method->params[i].type.kind == RPC_KIND_CALLBACK)
            return rpc_fail_in(reader, "oneway", "take it out",
                               "nobody waits for a method that is oneway, so \"%s\" could not be called",
                               method->params[i].name);
    }
    return VIA_OK;
}

static void begin(rpc_reader *reader, rpc_method *method, size_t index)
{
    method->since = "";
    method->summary = "";
    method->line = reader->line;
    method->index = index;
    rpc_type_settle(&method->result); /* void, unless something else is said */
}

static void count_result(rpc_method *method)
{
    method->returned += method->result.kind != RPC_KIND_VOID && method->result.kind != RPC_KIND_STATUS;
}

via_status rpc_callback_read(rpc_reader *reader, json_t *value, size_t index)
{
    rpc_method *callback = &reader->model->interface.callbacks[index];

    begin(reader, callback, index);
    callback->symbol = "";
    via_status status = rpc_keys_refuse(reader, value);
    if (status == VIA_OK)
        status = via_check_object(&reader->check, value, callback_fields,
                                  sizeof(callback_fields) / sizeof(callback_fields[0]), callback);
    if (status == VIA_OK && (callback->result.kind == RPC_KIND_STRING || callback->result.kind == RPC_KIND_HANDLE))
        status = rpc_fail_in(reader, "returns", NULL, "a callback cannot return a %s: nobody would own it",
                             callback->result.kind == RPC_KIND_STRING ? "string" : "handle");
    count_result(callback);
    return status == VIA_OK ? prepare(reader, callback) : status;
}

via_status rpc_method_read(rpc_reader *reader, json_t *value, size_t index)
{
    rpc_method *method = &reader->model->interface.methods[index];

    begin(reader, method, index);
    via_status status = rpc_keys_refuse(reader, value);
    if (status == VIA_OK)
        status = via_check_object(&reader->check, value, method_fields,
                                  sizeof(method_fields) / sizeof(method_fields[0]), method);
    if (status == VIA_OK)
        status = check_oneway(reader, method);
    if (!method->symbol)
        method->symbol = method->name;
    count_result(method);
    return status == VIA_OK ? prepare(reader, method) : status;
}
