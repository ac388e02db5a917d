/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One JSON value to and from the wire, by its type; see dynamic.h.
 */
#include "base64.h"
#include "dynamic.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *kind_of(const json_t *value)
{
    static const char *const names[] = {"an object", "a list", "a text", "an integer",
                                        "a number",  "true",   "false",  "null"};

    return value ? names[json_typeof(value)] : "nothing";
}

static via_status unlike(rpc_marshal *marshal, const rpc_rule *rule, const char *expected, const json_t *value)
{
    return rpc_marshal_wrong(marshal, "%s: expected %s; got %s", rule->name, expected, kind_of(value));
}

/* ---- numbers ------------------------------------------------------------------------------------------------ */

static bool is_digits(const json_t *value)
{
    const char *text = json_string_value(value);

    return text && text[0] && strspn(text, "0123456789") == strlen(text);
}

/* Beyond 2^63 an integer is a text of digits, since JSON readers have no such numbers. */
static via_status put_integer(rpc_marshal *marshal, const rpc_type *type, const rpc_rule *rule, const json_t *value)
{
    uint64_t most = rpc_kind_most(type->kind), natural;

    if (is_digits(value)) {
        errno = 0;
        natural = strtoull(json_string_value(value), NULL, 10);
        if (errno || natural > most)
            return rpc_marshal_wrong(marshal, "%s: %s is out of range; expected at most %" PRIu64, rule->name,
                                     json_string_value(value), most);
        marshal->codec->put_unsigned(marshal->writer, natural);
        return VIA_OK;
    }
    if (!json_is_integer(value))
        return unlike(marshal, rule, "an integer", value);
    int64_t integer = json_integer_value(value);
    if (integer < rpc_kind_least(type->kind) || (integer > 0 && (uint64_t)integer > most))
        return rpc_marshal_wrong(marshal, "%s: %" PRId64 " is out of range; expected %" PRId64 " to %" PRIu64,
                                 rule->name, integer, rpc_kind_least(type->kind), most);
    marshal->codec->put_signed(marshal->writer, integer);
    return VIA_OK;
}

static json_t *natural_value(uint64_t natural)
{
    char digits[32];

    if (natural <= INT64_MAX)
        return json_integer((json_int_t)natural);
    (void)snprintf(digits, sizeof(digits), "%" PRIu64, natural);
    return json_string(digits);
}

static json_t *scalar_value(rpc_kind kind, const void *at)
{
    switch (kind) {
    case RPC_KIND_BOOL:
        return json_boolean(*(const bool *)at);
    case RPC_KIND_F32:
        return json_real(*(const float *)at);
    case RPC_KIND_F64:
        return json_real(*(const double *)at);
    default:
        return rpc_kind_is_signed(kind) ? json_integer(rpc_signed_load(kind, at))
                                        : natural_value(rpc_unsigned_load(kind, at));
    }
}

/* ---- bytes and lists ---------------------------------------------------------------------------------------- */

static via_status put_base64(rpc_marshal *marshal, const rpc_rule *rule, const json_t *value)
{
    size_t length = json_string_length(value), size;
    unsigned char *bytes;

    if (!json_is_string(value))
        return unlike(marshal, rule, "bytes as base64", value);
    if (!(bytes = rpc_arena_take(marshal->arena, length / 4 * 3 + 3)))
        return VIA_ENOMEM;
    if (!rpc_base64_decode(json_string_value(value), length, bytes, &size))
        return rpc_marshal_wrong(marshal, "%s: expected bytes as base64 (RFC 4648), such as \"aGVsbG8=\"", rule->name);
    if (rule->max && size > rule->max)
        return rpc_marshal_wrong(marshal, "%s: %zu bytes; expected at most %" PRIu64, rule->name, size, rule->max);
    marshal->codec->put_bytes(marshal->writer, bytes, size);
    return VIA_OK;
}

static via_status get_base64(rpc_marshal *marshal, const rpc_rule *rule, json_t **out)
{
    const unsigned char *bytes;
    size_t size;

    if (!marshal->codec->get_bytes(marshal->reader, &bytes, &size))
        return rpc_marshal_unlike(marshal, rule, "bytes");
    char *text = rpc_arena_take(marshal->arena, rpc_base64_length(size) + 1);
    if (!text)
        return VIA_ENOMEM;
    rpc_base64_encode(bytes, size, text);
    *out = json_stringn(text, rpc_base64_length(size));
    return *out ? VIA_OK : VIA_ENOMEM;
}

static via_status put_list(rpc_marshal *marshal, const rpc_type *type, const rpc_rule *rule, const json_t *value)
{
    size_t count = json_array_size(value);
    via_status status = VIA_OK;

    if (!json_is_array(value))
        return unlike(marshal, rule, "a list", value);
    if (type->kind == RPC_KIND_FIXED && count != type->count)
        return rpc_marshal_wrong(marshal, "%s: %zu elements; expected %u", rule->name, count, type->count);
    if (type->kind == RPC_KIND_ARRAY && rule->max && count > rule->max)
        return rpc_marshal_wrong(marshal, "%s: %zu elements; expected at most %" PRIu64, rule->name, count, rule->max);
    const rpc_rule each = {rule->name, 0, true};
    marshal->codec->begin_list(marshal->writer, count);
    for (size_t i = 0; i < count && status == VIA_OK; i++)
        status = rpc_marshal_in_array(marshal, rule, i,
                                      rpc_json_put(marshal, type->element, &each, json_array_get(value, i)));
    marshal->codec->end_list(marshal->writer);
    return status;
}

static via_status get_list(rpc_marshal *marshal, const rpc_type *type, const rpc_rule *rule, json_t **out)
{
    const rpc_rule each = {rule->name, 0, true};
    json_t *list = json_array(), *element;
    via_status status = list ? VIA_OK : VIA_ENOMEM;
    size_t count = 0;

    if (!marshal->codec->enter_list(marshal->reader, &count))
        status = rpc_marshal_unlike(marshal, rule, "a list");
    for (size_t i = 0; i < count && status == VIA_OK; i++)
        if ((status = rpc_marshal_in_array(marshal, rule, i, rpc_json_get(marshal, type->element, &each, &element))) ==
                VIA_OK &&
            json_array_append_new(list, element) != 0)
            status = VIA_ENOMEM;
    if (status != VIA_OK) {
        json_decref(list);
        return status;
    }
    marshal->codec->leave_list(marshal->reader);
    *out = list;
    return VIA_OK;
}

/* ---- structs ------------------------------------------------------------------------------------------------ */

static via_status put_record(rpc_marshal *marshal, const rpc_struct *record, const rpc_rule *rule, const json_t *value)
{
    via_status status = VIA_OK;

    if (!json_is_object(value))
        return unlike(marshal, rule, "an object with the struct's fields", value);
    if (json_object_size(value) != record->count)
        return rpc_marshal_wrong(marshal, "%s: %zu fields; %s has %zu", rule->name, json_object_size(value),
                                 record->name, record->count);
    marshal->codec->begin_map(marshal->writer, record->count);
    for (size_t i = 0; i < record->count && status == VIA_OK; i++) {
        const rpc_field *field = &record->fields[i];
        const rpc_rule its = {field->name, field->max, field->nullable};
        const json_t *member = json_object_get(value, field->name);
        marshal->codec->put_key(marshal->writer, field->name, strlen(field->name));
        status = member ? rpc_marshal_in_record(marshal, rule, rpc_json_put(marshal, &field->type, &its, member))
                        : rpc_marshal_wrong(marshal, "%s: the field %s is missing", rule->name, field->name);
    }
    marshal->codec->end_map(marshal->writer);
    return status;
}

static via_status get_field(rpc_marshal *marshal, const rpc_struct *record, const rpc_rule *rule, json_t *to)
{
    const char *key;
    size_t size;
    json_t *value;

    if (!marshal->codec->get_key(marshal->reader, &key, &size))
        return rpc_marshal_unlike(marshal, rule, "the name of a field");
    size_t index = rpc_struct_find(record, key, size);
    const rpc_field *field = index < record->count ? &record->fields[index] : NULL;
    if (!field || json_object_get(to, field->name))
        return rpc_marshal_wrong(marshal, "%s: %s has no %sfield '%.*s'", rule->name, record->name,
                                 field ? "second " : "", (int)(size > 64 ? 64 : size), key);
    const rpc_rule its = {field->name, field->max, field->nullable};
    via_status status = rpc_marshal_in_record(marshal, rule, rpc_json_get(marshal, &field->type, &its, &value));
    return status == VIA_OK && json_object_set_new(to, field->name, value) != 0 ? VIA_ENOMEM : status;
}

static via_status get_record(rpc_marshal *marshal, const rpc_struct *record, const rpc_rule *rule, json_t **out)
{
    json_t *made = json_object();
    via_status status = made ? VIA_OK : VIA_ENOMEM;
    size_t count = 0;

    if (!marshal->codec->enter_map(marshal->reader, &count))
        status = rpc_marshal_unlike(marshal, rule, "a map of the struct's fields");
    else if (count != record->count)
        status =
            rpc_marshal_wrong(marshal, "%s: %zu fields; %s has %zu", rule->name, count, record->name, record->count);
    for (size_t i = 0; i < count && status == VIA_OK; i++)
        status = get_field(marshal, record, rule, made);
    if (status != VIA_OK) {
        json_decref(made);
        return status;
    }
    marshal->codec->leave_map(marshal->reader);
    *out = made;
    return VIA_OK;
}

/* ---- any type ----------------------------------------------------------------------------------------------- */

static via_status put_text(rpc_marshal *marshal, const rpc_rule *rule, const json_t *value)
{
    size_t size = json_string_length(value);

    if (!json_is_string(value))
        return unlike(marshal, rule, "a text", value);
    if (rule->max && size > rule->max)
        return rpc_marshal_wrong(marshal, "%s: %zu bytes; expected at most %" PRIu64, rule->name, size, rule->max);
    marshal->codec->put_text(marshal->writer, json_string_value(value), size);
    return VIA_OK;
}

static via_status get_text(rpc_marshal *marshal, const rpc_rule *rule, json_t **out)
{
    const char *text;
    size_t size;

    if (!marshal->codec->get_text(marshal->reader, &text, &size))
        return rpc_marshal_unlike(marshal, rule, "a text");
    if (rule->max && size > rule->max)
        return rpc_marshal_wrong(marshal, "%s: %zu bytes; expected at most %" PRIu64, rule->name, size, rule->max);
    *out = json_stringn(text, size);
    return *out ? VIA_OK : VIA_ENOMEM;
}

via_status rpc_json_put(rpc_marshal *marshal, const rpc_type *type, const rpc_rule *rule, const json_t *value)
{
    if (json_is_null(value) && rule->nullable) {
        marshal->codec->put_nil(marshal->writer);
        return VIA_OK;
    }
    switch (type->kind) {
    case RPC_KIND_BOOL:
        if (!json_is_boolean(value))
            return unlike(marshal, rule, "true or false", value);
        marshal->codec->put_bool(marshal->writer, json_is_true(value));
        return VIA_OK;
    case RPC_KIND_F32:
    case RPC_KIND_F64:
        if (!json_is_number(value))
            return unlike(marshal, rule, "a number", value);
        marshal->codec->put_float(marshal->writer, json_number_value(value));
        return VIA_OK;
    case RPC_KIND_STRING:
        return put_text(marshal, rule, value);
    case RPC_KIND_BYTES:
        return put_base64(marshal, rule, value);
    case RPC_KIND_ARRAY:
    case RPC_KIND_FIXED:
        return put_list(marshal, type, rule, value);
    case RPC_KIND_STRUCT:
        return put_record(marshal, type->record, rule, value);
    case RPC_KIND_HANDLE:
        return put_integer(marshal, &(rpc_type){.kind = RPC_KIND_U64}, rule, value);
    default:
        return put_integer(marshal, type, rule, value);
    }
}

via_status rpc_json_get(rpc_marshal *marshal, const rpc_type *type, const rpc_rule *rule, json_t **out)
{
    const rpc_rule its = {rule->name, rule->max, false};
    uint64_t number, value[2];
    via_status status;

    *out = NULL;
    if (rule->nullable && marshal->codec->get_nil(marshal->reader)) {
        *out = json_null();
        return VIA_OK;
    }
    switch (type->kind) {
    case RPC_KIND_BYTES:
        return get_base64(marshal, rule, out);
    case RPC_KIND_ARRAY:
    case RPC_KIND_FIXED:
        return get_list(marshal, type, rule, out);
    case RPC_KIND_STRING:
        return get_text(marshal, rule, out);
    case RPC_KIND_STRUCT:
        return get_record(marshal, type->record, rule, out);
    case RPC_KIND_HANDLE:
    case RPC_KIND_CALLBACK:
        if (!marshal->codec->get_unsigned(marshal->reader, &number))
            return rpc_marshal_unlike(marshal, rule, "a number");
        *out = natural_value(number);
        break;
    default:
        if ((status = rpc_marshal_get(marshal, type, &its, value)) != VIA_OK)
            return status;
        if (!(*out = scalar_value(type->kind, value)))
            *out = json_null(); /* JSON has no infinity */
    }
    return *out ? VIA_OK : VIA_ENOMEM;
}
