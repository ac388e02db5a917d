/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON to and from the wire without an interface; see dynamic.h.
 */
#include "base64.h"
#include "dynamic.h"

#include <stdio.h>
#include <string.h>

static const rpc_rule nameless = {"a value", 0, true};

/* ---- to the wire -------------------------------------------------------------------------------------------- */

static via_status put_list(rpc_marshal *marshal, const json_t *value)
{
    via_status status = VIA_OK;
    size_t count = json_array_size(value);

    marshal->codec->begin_list(marshal->writer, count);
    for (size_t i = 0; i < count && status == VIA_OK; i++)
        status = rpc_json_put_any(marshal, json_array_get(value, i));
    marshal->codec->end_list(marshal->writer);
    return status;
}

static via_status put_map(rpc_marshal *marshal, const json_t *value)
{
    via_status status = VIA_OK;
    const char *key;
    json_t *member;

    marshal->codec->begin_map(marshal->writer, json_object_size(value));
    json_object_foreach((json_t *)value, key, member)
    {
        marshal->codec->put_key(marshal->writer, key, strlen(key));
        if (status == VIA_OK)
            status = rpc_json_put_any(marshal, member);
    }
    marshal->codec->end_map(marshal->writer);
    return status;
}

via_status rpc_json_put_any(rpc_marshal *marshal, const json_t *value)
{
    const rpc_codec *codec = marshal->codec;

    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return put_map(marshal, value);
    case JSON_ARRAY:
        return put_list(marshal, value);
    case JSON_STRING:
        codec->put_text(marshal->writer, json_string_value(value), json_string_length(value));
        return VIA_OK;
    case JSON_INTEGER:
        codec->put_signed(marshal->writer, json_integer_value(value));
        return VIA_OK;
    case JSON_REAL:
        codec->put_float(marshal->writer, json_real_value(value));
        return VIA_OK;
    case JSON_TRUE:
    case JSON_FALSE:
        codec->put_bool(marshal->writer, json_is_true(value));
        return VIA_OK;
    default:
        codec->put_nil(marshal->writer);
        return VIA_OK;
    }
}

/* ---- from the wire ------------------------------------------------------------------------------------------ */

static via_status made(json_t *value, json_t **out)
{
    *out = value;
    return value ? VIA_OK : VIA_ENOMEM;
}

static via_status get_list(rpc_marshal *marshal, json_t **out)
{
    json_t *list = json_array(), *element;
    via_status status = list ? VIA_OK : VIA_ENOMEM;
    size_t count;

    if (!marshal->codec->enter_list(marshal->reader, &count))
        status = rpc_marshal_unlike(marshal, &nameless, "a list");
    for (size_t i = 0; status == VIA_OK && i < count; i++)
        if ((status = rpc_json_get_any(marshal, &element)) == VIA_OK && json_array_append_new(list, element) != 0)
            status = VIA_ENOMEM;
    if (status == VIA_OK) {
        marshal->codec->leave_list(marshal->reader);
        return made(list, out);
    }
    json_decref(list);
    return status;
}

/* MessagePack lets anything be a key; in JSON it is the text of it. */
static char *get_key(rpc_marshal *marshal, size_t *size)
{
    const char *text;
    json_t *other = NULL;
    char *copy;

    if (marshal->codec->get_key(marshal->reader, &text, size)) {
        copy = rpc_arena_take(marshal->arena, *size + 1);
        return copy ? memcpy(copy, text, *size) : NULL;
    }
    if (rpc_json_get_any(marshal, &other) != VIA_OK)
        return NULL;
    char *dumped = json_dumps(other, JSON_ENCODE_ANY | JSON_COMPACT);
    json_decref(other);
    *size = dumped ? strlen(dumped) : 0;
    copy = dumped ? rpc_arena_take(marshal->arena, *size + 1) : NULL;
    if (copy)
        memcpy(copy, dumped, *size);
    free(dumped);
    return copy;
}

static via_status get_map(rpc_marshal *marshal, json_t **out)
{
    json_t *map = json_object(), *member;
    via_status status = map ? VIA_OK : VIA_ENOMEM;
    size_t count, size;

    if (!marshal->codec->enter_map(marshal->reader, &count))
        status = rpc_marshal_unlike(marshal, &nameless, "a map");
    for (size_t i = 0; status == VIA_OK && i < count; i++) {
        char *key = get_key(marshal, &size);
        if (!key)
            status = rpc_marshal_unlike(marshal, &nameless, "a key");
        else if ((status = rpc_json_get_any(marshal, &member)) == VIA_OK &&
                 json_object_setn_new(map, key, size, member) != 0)
            status = rpc_marshal_wrong(marshal, "a key is no UTF-8");
    }
    if (status == VIA_OK) {
        marshal->codec->leave_map(marshal->reader);
        return made(map, out);
    }
    json_decref(map);
    return status;
}

/* Bytes that are text are text: that is how most programs send it. */
static via_status get_bytes(rpc_marshal *marshal, json_t **out)
{
    const unsigned char *bytes;
    size_t size;

    if (!marshal->codec->get_text(marshal->reader, (const char **)&bytes, &size) &&
        !marshal->codec->get_bytes(marshal->reader, &bytes, &size))
        return rpc_marshal_unlike(marshal, &nameless, "a text");
    json_t *text = json_stringn((const char *)bytes, size);
    if (text)
        return made(text, out);
    char *encoded = rpc_arena_take(marshal->arena, rpc_base64_length(size) + 1);
    if (!encoded)
        return VIA_ENOMEM;
    rpc_base64_encode(bytes, size, encoded);
    return made(json_pack("{ss%}", "base64", encoded, rpc_base64_length(size)), out);
}

static via_status get_number(rpc_marshal *marshal, rpc_token token, json_t **out)
{
    uint64_t natural = 0;
    int64_t integer = 0;
    double real = 0;
    char digits[32];

    if (token == RPC_NEGATIVE && marshal->codec->get_signed(marshal->reader, &integer))
        return made(json_integer(integer), out);
    if (token == RPC_FLOAT && marshal->codec->get_float(marshal->reader, &real)) {
        json_t *number = json_real(real);
        return made(number ? number : json_null(), out); /* JSON has no infinity */
    }
    if (token != RPC_UNSIGNED || !marshal->codec->get_unsigned(marshal->reader, &natural))
        return rpc_marshal_unlike(marshal, &nameless, "a number");
    if (natural <= INT64_MAX)
        return made(json_integer((json_int_t)natural), out);
    (void)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)natural);
    return made(json_string(digits), out);
}

via_status rpc_json_get_any(rpc_marshal *marshal, json_t **out)
{
    const rpc_codec *codec = marshal->codec;
    rpc_token token = codec->next(marshal->reader);
    bool truth = false;

    *out = NULL;
    switch (token) {
    case RPC_NIL:
        (void)codec->get_nil(marshal->reader);
        return made(json_null(), out);
    case RPC_BOOLEAN:
        (void)codec->get_bool(marshal->reader, &truth);
        return made(json_boolean(truth), out);
    case RPC_TEXT:
    case RPC_BINARY:
        return get_bytes(marshal, out);
    case RPC_LIST:
        return get_list(marshal, out);
    case RPC_MAP:
        return get_map(marshal, out);
    case RPC_OTHER:
        return codec->skip(marshal->reader) ? made(json_string("(a value of an extension type)"), out)
                                            : rpc_marshal_unlike(marshal, &nameless, "a value");
    default:
        return get_number(marshal, token, out);
    }
}
