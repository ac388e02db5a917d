/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One value of C, to and from the wire; see marshal.h.
 *
 * Owns: scalars, texts, structs, fixed arrays and handles as they are in a field, an element or a returned value.
 */
#include "integer.h"
#include "kit/utf8.h"
#include "marshal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

via_status rpc_marshal_wrong(rpc_marshal *marshal, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(marshal->wrong, sizeof(marshal->wrong), format, arguments);
    va_end(arguments);
    return VIA_ETYPE;
}

static void insert(rpc_marshal *marshal, size_t at, const char *text)
{
    char rest[sizeof(marshal->wrong)];

    if (at > strlen(marshal->wrong))
        return;
    (void)snprintf(rest, sizeof(rest), "%s", marshal->wrong + at);
    (void)snprintf(marshal->wrong + at, sizeof(marshal->wrong) - at, "%s%s", text, rest);
}

via_status rpc_marshal_in_record(rpc_marshal *marshal, const rpc_rule *rule, via_status status)
{
    if (status != VIA_ETYPE)
        return status;
    insert(marshal, 0, ".");
    insert(marshal, 0, rule->name);
    return status;
}

via_status rpc_marshal_in_array(rpc_marshal *marshal, const rpc_rule *rule, size_t index, via_status status)
{
    char place[32];

    if (status != VIA_ETYPE)
        return status;
    (void)snprintf(place, sizeof(place), "[%zu]", index);
    insert(marshal, strlen(rule->name), place);
    return status;
}

/* ---- to the wire -------------------------------------------------------------------------------------------- */

static via_status put_text(rpc_marshal *marshal, const rpc_rule *rule, const char *text)
{
    if (!text && rule->nullable) {
        marshal->codec->put_nil(marshal->writer);
        return VIA_OK;
    }
    if (!text)
        return rpc_marshal_wrong(marshal, "%s: is NULL, and not nullable", rule->name);
    size_t size = strlen(text);
    if (rule->max && size > rule->max)
        return rpc_marshal_wrong(marshal, "%s: %zu bytes; expected at most %" PRIu64, rule->name, size, rule->max);
    if (!via_utf8_is_valid(text, size))
        return rpc_marshal_wrong(marshal, "%s: is not UTF-8; declare it as bytes to pass it as it is", rule->name);
    marshal->codec->put_text(marshal->writer, text, size);
    return VIA_OK;
}

/* The end that owns the objects turns them into numbers; at the other end the pointer is the number. */
static via_status put_handle(rpc_marshal *marshal, const rpc_type *type, const rpc_rule *rule, void *object)
{
    uint64_t number = (uintptr_t)object;

    if (!object && rule->nullable) {
        marshal->codec->put_nil(marshal->writer);
        return VIA_OK;
    }
    if (!object)
        return rpc_marshal_wrong(marshal, "%s: is NULL, and not nullable", rule->name);
    if (marshal->handles && (number = rpc_handles_give(marshal->handles, type->handle, object)) == 0) {
        marshal->unkept = object;
        marshal->unkept_type = type->handle;
        return rpc_marshal_wrong(marshal, "%s: too many handles are open (%d)", rule->name, RPC_HANDLES_MAX);
    }
    marshal->codec->put_unsigned(marshal->writer, number);
    return VIA_OK;
}

static via_status put_elements(rpc_marshal *marshal, const rpc_type *type, const rpc_rule *rule, const void *from)
{
    via_status status = VIA_OK;

    marshal->codec->begin_list(marshal->writer, type->count);
    for (uint32_t i = 0; i < type->count && status == VIA_OK; i++)
        status = rpc_marshal_in_array(
            marshal, rule, i,
            rpc_marshal_put(marshal, type->element, rule, (const char *)from + i * type->element->size));
    marshal->codec->end_list(marshal->writer);
    return status;
}

/* A map by name: whoever reads it needs no interface to understand it. */
static via_status put_record(rpc_marshal *marshal, const rpc_struct *record, const rpc_rule *rule, const void *from)
{
    via_status status = VIA_OK;

    marshal->codec->begin_map(marshal->writer, record->count);
    for (size_t i = 0; i < record->count && status == VIA_OK; i++) {
        const rpc_field *field = &record->fields[i];
        const rpc_rule its = {field->name, field->max, field->nullable};
        marshal->codec->put_key(marshal->writer, field->name, strlen(field->name));
        status = rpc_marshal_in_record(
            marshal, rule, rpc_marshal_put(marshal, &field->type, &its, (const char *)from + field->offset));
    }
    marshal->codec->end_map(marshal->writer);
    return status;
}

via_status rpc_marshal_put(rpc_marshal *marshal, const rpc_type *type, const rpc_rule *rule, const void *from)
{
    const rpc_codec *codec = marshal->codec;

    if (rpc_kind_is_signed(type->kind)) {
        codec->put_signed(marshal->writer, rpc_signed_load(type->kind, from));
        return VIA_OK;
    }
    switch (type->kind) {
    case RPC_KIND_BOOL:
        codec->put_bool(marshal->writer, *(const bool *)from);
        return VIA_OK;
    case RPC_KIND_F32:
        codec->put_single(marshal->writer, *(const float *)from);
        return VIA_OK;
    case RPC_KIND_F64:
        codec->put_float(marshal->writer, *(const double *)from);
        return VIA_OK;
    case RPC_KIND_STRING:
        return put_text(marshal, rule, *(const char *const *)from);
    case RPC_KIND_HANDLE:
        return put_handle(marshal, type, rule, *(void *const *)from);
    case RPC_KIND_FIXED:
        return put_elements(marshal, type, rule, from);
    case RPC_KIND_STRUCT:
        return put_record(marshal, type->record, rule, from);
    default:
        codec->put_unsigned(marshal->writer, rpc_unsigned_load(type->kind, from));
        return VIA_OK;
    }
}

/* ---- from the wire ------------------------------------------------------------------------------------------ */

via_status rpc_marshal_unlike(rpc_marshal *marshal, const rpc_rule *rule, const char *expected)
{
    return rpc_marshal_wrong(marshal, "%s: expected %s%s%s", rule->name, expected,
                             marshal->reader->wrong ? "; got " : "",
                             marshal->reader->wrong ? marshal->reader->wrong : "");
}

static via_status get_signed(rpc_marshal *marshal, const rpc_type *type, const rpc_rule *rule, void *to)
{
    int64_t value;

    if (!marshal->codec->get_signed(marshal->reader, &value))
        return rpc_marshal_unlike(marshal, rule, "an integer");
    if (value < rpc_kind_least(type->kind) || value > (int64_t)rpc_kind_most(type->kind))
        return rpc_marshal_wrong(marshal, "%s: %" PRId64 " is out of range; expected %" PRId64 " to %" PRIu64,
                                 rule->name, value, rpc_kind_least(type->kind), rpc_kind_most(type->kind));
    rpc_integer_store(type->kind, to, (uint64_t)value);
    return VIA_OK;
}

static via_status get_unsigned(rpc_marshal *marshal, const rpc_type *type, const rpc_rule *rule, void *to)
{
    uint64_t value;

    if (!marshal->codec->get_unsigned(marshal->reader, &value))
        return rpc_marshal_unlike(marshal, rule, "an integer from 0");
    if (value > rpc_kind_most(type->kind))
        return rpc_marshal_wrong(marshal, "%s: %" PRIu64 " is out of range; expected 0 to %" PRIu64, rule->name, value,
                                 rpc_kind_most(type->kind));
    rpc_integer_store(type->kind, to, value);
    return VIA_OK;
}

static via_status get_float(rpc_marshal *marshal, const rpc_type *type, const rpc_rule *rule, void *to)
{
    double value;

    if (!marshal->codec->get_float(marshal->reader, &value))
        return rpc_marshal_unlike(marshal, rule, "a number");
    if (type->kind == RPC_KIND_F64)
        *(double *)to = value;
    else
        *(float *)to = (float)value;
    return VIA_OK;
}

static via_status get_text(rpc_marshal *marshal, const rpc_rule *rule, char **to)
{
    const char *text;
    size_t size;

    *to = NULL;
    if (rule->nullable && marshal->codec->get_nil(marshal->reader))
        return VIA_OK;
    if (!marshal->codec->get_text(marshal->reader, &text, &size))
        return rpc_marshal_unlike(marshal, rule, rule->nullable ? "a text or nil" : "a text");
    if (rule->max && size > rule->max)
        return rpc_marshal_wrong(marshal, "%s: %zu bytes; expected at most %" PRIu64, rule->name, size, rule->max);
    if (memchr(text, '\0', size))
        return rpc_marshal_wrong(marshal, "%s: has a NUL in it, which a C string cannot hold; declare it as bytes",
                                 rule->name);
    if (!(*to = rpc_arena_take(marshal->arena, size + 1)))
        return VIA_ENOMEM;
    memcpy(*to, text, size);
    (*to)[size] = '\0';
    return VIA_OK;
}

static via_status pin(rpc_marshal *marshal, const rpc_type *type, const rpc_rule *rule, uint64_t number, void **object)
{
    rpc_pin *kept = rpc_arena_take(marshal->arena, sizeof(*kept));

    if (!kept)
        return VIA_ENOMEM;
    *object = rpc_handles_pin(marshal->handles, type->handle, number);
    if (!*object)
        return rpc_marshal_wrong(marshal, "%s: no open %s has this handle; it was closed, or never given out here",
                                 rule->name, type->handle->name);
    *kept = (rpc_pin){marshal->pins, type->handle, *object, number};
    marshal->pins = kept;
    return VIA_OK;
}

static via_status get_handle(rpc_marshal *marshal, const rpc_type *type, const rpc_rule *rule, void **object)
{
    uint64_t number;

    *object = NULL;
    if (rule->nullable && marshal->codec->get_nil(marshal->reader))
        return VIA_OK;
    if (!marshal->codec->get_unsigned(marshal->reader, &number))
        return rpc_marshal_unlike(marshal, rule, "a handle");
    if (marshal->handles)
        return pin(marshal, type, rule, number, object);
    if (number == 0 || number > UINTPTR_MAX)
        return rpc_marshal_wrong(marshal, "%s: no handle is %" PRIu64, rule->name, number);
    *object = (void *)(uintptr_t)number; // NOLINT(performance-no-int-to-ptr): opaque, never followed
    return VIA_OK;
}

static via_status get_elements(rpc_marshal *marshal, const rpc_type *type, const rpc_rule *rule, void *to)
{
    via_status status = VIA_OK;
    size_t count;

    if (!marshal->codec->enter_list(marshal->reader, &count))
        return rpc_marshal_unlike(marshal, rule, "a list");
    if (count != type->count)
        return rpc_marshal_wrong(marshal, "%s: %zu elements; expected %u", rule->name, count, type->count);
    for (size_t i = 0; i < count && status == VIA_OK; i++)
        status = rpc_marshal_in_array(
            marshal, rule, i, rpc_marshal_get(marshal, type->element, rule, (char *)to + i * type->element->size));
    if (status == VIA_OK)
        marshal->codec->leave_list(marshal->reader);
    return status;
}

size_t rpc_struct_find(const rpc_struct *record, const char *name, size_t size)
{
    size_t i = 0;

    while (i < record->count &&
           (strlen(record->fields[i].name) != size || memcmp(record->fields[i].name, name, size) != 0))
        i++;
    return i;
}

/* `seen`: which fields have come. With as many entries as fields and none twice, none is missing. */
static via_status get_field(rpc_marshal *marshal, const rpc_struct *record, const rpc_rule *rule, bool *seen, void *to)
{
    const char *key;
    size_t size;

    if (!marshal->codec->get_key(marshal->reader, &key, &size))
        return rpc_marshal_unlike(marshal, rule, "the name of a field");
    size_t index = rpc_struct_find(record, key, size);
    if (index == record->count || seen[index])
        return rpc_marshal_wrong(marshal, "%s: %s has no %sfield '%.*s'", rule->name, record->name,
                                 index == record->count ? "" : "second ", (int)(size > 64 ? 64 : size), key);
    const rpc_field *field = &record->fields[index];
    const rpc_rule its = {field->name, field->max, field->nullable};
    seen[index] = true;
    return rpc_marshal_in_record(marshal, rule,
                                 rpc_marshal_get(marshal, &field->type, &its, (char *)to + field->offset));
}

/* A map of exactly its fields, in any order. */
static via_status get_record(rpc_marshal *marshal, const rpc_struct *record, const rpc_rule *rule, void *to)
{
    bool *seen = rpc_arena_take_array(marshal->arena, record->count, sizeof(*seen));
    via_status status = VIA_OK;
    size_t count;

    memset(to, 0, record->size);
    if (!seen)
        return VIA_ENOMEM;
    if (!marshal->codec->enter_map(marshal->reader, &count))
        return rpc_marshal_unlike(marshal, rule, "a map of the struct's fields");
    if (count != record->count)
        return rpc_marshal_wrong(marshal, "%s: %zu fields; %s has %zu", rule->name, count, record->name, record->count);
    for (size_t i = 0; i < count && status == VIA_OK; i++)
        status = get_field(marshal, record, rule, seen, to);
    if (status == VIA_OK)
        marshal->codec->leave_map(marshal->reader);
    return status;
}

via_status rpc_marshal_get(rpc_marshal *marshal, const rpc_type *type, const rpc_rule *rule, void *to)
{
    if (rpc_kind_is_signed(type->kind))
        return get_signed(marshal, type, rule, to);
    switch (type->kind) {
    case RPC_KIND_BOOL:
        return marshal->codec->get_bool(marshal->reader, to) ? VIA_OK
                                                             : rpc_marshal_unlike(marshal, rule, "true or false");
    case RPC_KIND_F32:
    case RPC_KIND_F64:
        return get_float(marshal, type, rule, to);
    case RPC_KIND_STRING:
        return get_text(marshal, rule, to);
    case RPC_KIND_HANDLE:
        return get_handle(marshal, type, rule, to);
    case RPC_KIND_FIXED:
        return get_elements(marshal, type, rule, to);
    case RPC_KIND_STRUCT:
        return get_record(marshal, type->record, rule, to);
    default:
        return get_unsigned(marshal, type, rule, to);
    }
}
