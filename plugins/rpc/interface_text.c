/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The description of an interface: what the other end is told.
 *
 * Owns: the canonical form: the keys in one order, defaults left out, no blanks. Must never tell symbols, the functions
 * that free and close, or the size that a struct has here: they are this end's own. What is written can be read again,
 * is written alike then, and is never longer than the file that it came from.
 */
#include "interface_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct text {
    char *bytes;
    size_t size;
    size_t capacity;
    bool has_summaries;
    bool has_failed;
} text;

/* ---- bytes --------------------------------------------------------------------------------------------------- */

static void put(text *t, const char *bytes, size_t size)
{
    if (t->has_failed)
        return;
    if (t->size + size + 1 > t->capacity) {
        size_t capacity = (t->size + size + 1) * 2;
        char *more = realloc(t->bytes, capacity);
        t->has_failed = !more;
        if (!more)
            return;
        t->bytes = more;
        t->capacity = capacity;
    }
    memcpy(t->bytes + t->size, bytes, size);
    t->size += size;
    t->bytes[t->size] = '\0';
}

static void put_words(text *t, const char *words)
{
    put(t, words, strlen(words));
}

static void put_number(text *t, int64_t number)
{
    char digits[24];
    int size = snprintf(digits, sizeof(digits), "%" PRId64, number);

    put(t, digits, (size_t)size);
}

/* There are no control characters: the reader refuses them. */
static void put_string(text *t, const char *string)
{
    put(t, "\"", 1);
    while (*string) {
        size_t plain = strcspn(string, "\"\\");
        put(t, string, plain);
        string += plain;
        if (*string) {
            put(t, "\\", 1);
            put(t, string++, 1);
        }
    }
    put(t, "\"", 1);
}

/* A comma, unless it is the first of its object. */
static void put_key(text *t, const char *key)
{
    char last = t->size ? t->bytes[t->size - 1] : '{';

    if (!t->has_failed && last != '{' && last != '[')
        put(t, ",", 1);
    put_string(t, key);
    put(t, ":", 1);
}

static void put_key_string(text *t, const char *key, const char *string)
{
    put_key(t, key);
    put_string(t, string);
}

static void put_key_number(text *t, const char *key, int64_t number)
{
    put_key(t, key);
    put_number(t, number);
}

static void put_flag(text *t, const char *key, bool flag)
{
    if (!flag)
        return;
    put_key(t, key);
    put_words(t, "true");
}

static void put_summary(text *t, const char *summary)
{
    if (t->has_summaries && *summary)
        put_key_string(t, "summary", summary);
}

static void put_type(text *t, const rpc_type *type)
{
    char word[RPC_NAME_BYTES + 32];

    (void)rpc_type_write(type, word, sizeof(word));
    put_key_string(t, "type", word);
}

static void begin(text *t, const char *key, char bracket)
{
    if (key)
        put_key(t, key);
    else if (!t->has_failed && t->size && t->bytes[t->size - 1] != '[')
        put(t, ",", 1);
    put(t, &bracket, 1);
}

/* ---- sections ------------------------------------------------------------------------------------------------ */

static void put_field(text *t, const rpc_field *field)
{
    begin(t, NULL, '{');
    put_key_string(t, "name", field->name);
    put_type(t, &field->type);
    put_flag(t, "nullable", field->nullable);
    if (field->max)
        put_key_number(t, "max", (int64_t)field->max);
    put_summary(t, field->summary);
    put(t, "}", 1);
}

static void put_structs(text *t, const rpc_interface *interface)
{
    if (!interface->struct_count)
        return;
    begin(t, "structs", '{');
    for (size_t i = 0; i < interface->struct_count; i++) {
        const rpc_struct *record = &interface->structs[i];
        begin(t, record->name, '{');
        put_summary(t, record->summary);
        begin(t, "fields", '[');
        for (size_t j = 0; j < record->count; j++)
            put_field(t, &record->fields[j]);
        put_words(t, "]}");
    }
    put(t, "}", 1);
}

static void put_handles(text *t, const rpc_interface *interface)
{
    if (!interface->handle_count)
        return;
    begin(t, "handles", '{');
    for (size_t i = 0; i < interface->handle_count; i++) {
        begin(t, interface->handles[i].name, '{');
        put_summary(t, interface->handles[i].summary);
        put(t, "}", 1);
    }
    put(t, "}", 1);
}

static void put_errors(text *t, const rpc_interface *interface)
{
    if (!interface->error_count)
        return;
    begin(t, "errors", '{');
    for (size_t i = 0; i < interface->error_count; i++) {
        begin(t, interface->errors[i].name, '{');
        put_key_number(t, "code", interface->errors[i].code);
        put_summary(t, interface->errors[i].summary);
        put(t, "}", 1);
    }
    put(t, "}", 1);
}

/* ---- methods ------------------------------------------------------------------------------------------------- */

static void put_direction(text *t, uint32_t direction)
{
    if (direction != RPC_IN)
        put_key_string(t, "dir", direction & RPC_IN ? "inout" : "out");
}

static void put_param(text *t, const rpc_method *method, const rpc_param *param)
{
    bool is_both = param->direction == (RPC_IN | RPC_OUT);

    begin(t, NULL, '{');
    put_key_string(t, "name", param->name);
    put_type(t, &param->type);
    put_direction(t, param->direction);
    put_flag(t, "nullable", param->nullable);
    put_flag(t, "nullable_elements", param->nullable_elements);
    if (param->is_full)
        put_key_string(t, "transfer", "full");
    /* What the reader fills in by itself is a default too. */
    if (param->size_is != RPC_NONE &&
        !(is_both && param->type.kind != RPC_KIND_STRING && param->size_is == param->length_is))
        put_key_string(t, "size_is", method->params[param->size_is].name);
    if (param->length_is != RPC_NONE)
        put_key_string(t, "length_is", method->params[param->length_is].name);
    if (param->max)
        put_key_number(t, "max", (int64_t)param->max);
    if (param->user != RPC_NONE)
        put_key_string(t, "user", method->params[param->user].name);
    put_summary(t, param->summary);
    put(t, "}", 1);
}

static void put_params(text *t, const rpc_method *method)
{
    if (!method->call_count)
        return;
    begin(t, "params", '[');
    for (size_t i = 0; i < method->call_count; i++)
        put_param(t, method, &method->params[method->call_params[i]]);
    put(t, "]", 1);
}

static void put_returns(text *t, const rpc_method *method)
{
    char word[RPC_NAME_BYTES + 32];

    if (method->result.kind == RPC_KIND_VOID)
        return;
    if (!method->result_is_full && !method->result_is_nullable && !method->result_max) {
        (void)rpc_type_write(&method->result, word, sizeof(word));
        put_key_string(t, "returns", word);
        return;
    }
    begin(t, "returns", '{');
    put_type(t, &method->result);
    if (method->result_is_full)
        put_key_string(t, "transfer", "full");
    put_flag(t, "nullable", method->result_is_nullable);
    if (method->result_max)
        put_key_number(t, "max", (int64_t)method->result_max);
    put(t, "}", 1);
}

static void put_methods(text *t, const char *section, const rpc_method *methods, size_t count)
{
    begin(t, section, '{');
    for (size_t i = 0; i < count; i++) {
        const rpc_method *method = &methods[i];
        begin(t, method->name, '{');
        put_summary(t, method->summary);
        if (*method->since)
            put_key_string(t, "since", method->since);
        put_flag(t, "idempotent", method->is_idempotent);
        put_flag(t, "oneway", method->is_oneway);
        if (method->deadline_ms)
            put_key_number(t, "deadline_ms", (int64_t)method->deadline_ms);
        put_params(t, method);
        put_returns(t, method);
        put(t, "}", 1);
    }
    put(t, "}", 1);
}

/* ---- the whole ----------------------------------------------------------------------------------------------- */

static void put_interface(text *t, const rpc_interface *interface)
{
    put_words(t, "{\"rpc\":1");
    put_key_string(t, "name", interface->name);
    put_key_string(t, "version", interface->version);
    put_summary(t, interface->summary);
    put_structs(t, interface);
    put_handles(t, interface);
    if (interface->callback_count)
        put_methods(t, "callbacks", interface->callbacks, interface->callback_count);
    put_errors(t, interface);
    put_methods(t, "methods", interface->methods, interface->method_count);
    put(t, "}", 1);
}

bool rpc_model_describe(rpc_model *model)
{
    text bare = {0}, whole = {.has_summaries = true};
    char *kept = NULL;

    put_interface(&bare, &model->interface);
    put_interface(&whole, &model->interface);
    if (!bare.has_failed && !whole.has_failed)
        kept = rpc_model_take(model, whole.size + 1, 1);
    if (kept) {
        memcpy(kept, whole.bytes, whole.size);
        model->interface.hash = rpc_hash(bare.bytes, bare.size);
        model->interface.text = kept;
        model->interface.text_size = whole.size;
    }
    free(bare.bytes);
    free(whole.bytes);
    return kept != NULL;
}
