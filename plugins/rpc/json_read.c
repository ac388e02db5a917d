/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the values of a parsed JSON message.
 *
 * Owns: where the reader stands. `cursor` is the next value or NULL; `path` has the lists and maps that it is in, `index` the place
 * in a list, `place` the one in a map. Must never give out what the tree does not keep until it is closed.
 */
#include "base64.h"
#include "json.h"
#include "number.h"

#include <string.h>

static json_t *current(const rpc_reader *reader)
{
    return (json_t *)reader->cursor; /* jansson wants to count references */
}

/* The innermost list or map. */
static json_t *around(const rpc_reader *reader)
{
    return (json_t *)reader->path[reader->depth - 1];
}

/* To the next value of what it is in; in nothing there is only one. */
static void advance(rpc_reader *reader)
{
    uint32_t level = reader->depth - 1;

    reader->elements++;
    if (reader->depth == 0)
        reader->cursor = NULL;
    else if (json_is_array(around(reader)))
        reader->cursor = json_array_get(around(reader), ++reader->index[level]);
    else {
        reader->place[level] = json_object_iter_next(around(reader), reader->place[level]);
        reader->cursor = json_object_iter_value(reader->place[level]);
    }
}

static void enter(rpc_reader *reader, json_t *container)
{
    uint32_t level = reader->depth++;

    reader->path[level] = container;
    reader->index[level] = 0;
    reader->place[level] = json_object_iter(container);
    reader->cursor =
        json_is_array(container) ? json_array_get(container, 0) : json_object_iter_value(reader->place[level]);
}

void rpc_json_stand_at(rpc_reader *reader, json_t *value)
{
    reader->depth = 0;
    reader->cursor = value;
    reader->named = NULL;
}

void rpc_json_stand_at_named(rpc_reader *reader, json_t *map)
{
    rpc_json_stand_at(reader, map);
    reader->named = map;
}

void rpc_json_stand_in(rpc_reader *reader, json_t *list)
{
    rpc_json_stand_at(reader, list);
    enter(reader, list);
}

rpc_token rpc_json_next(rpc_reader *reader)
{
    const json_t *value = reader->cursor;

    if (!value)
        return RPC_NOTHING;
    switch (json_typeof(value)) {
    case JSON_NULL:
        return RPC_NIL;
    case JSON_TRUE:
    case JSON_FALSE:
        return RPC_BOOLEAN;
    case JSON_INTEGER:
        return json_integer_value(value) < 0 ? RPC_NEGATIVE : RPC_UNSIGNED;
    case JSON_REAL:
        return RPC_FLOAT;
    case JSON_STRING:
        return RPC_TEXT;
    case JSON_ARRAY:
        return RPC_LIST;
    default:
        return RPC_MAP;
    }
}

static bool refuse(rpc_reader *reader)
{
    reader->wrong = rpc_token_words(rpc_json_next(reader));
    return false;
}

bool rpc_json_skip(rpc_reader *reader)
{
    if (!reader->cursor)
        return refuse(reader);
    advance(reader);
    return true;
}

bool rpc_json_get_nil(rpc_reader *reader)
{
    return json_is_null(current(reader)) ? rpc_json_skip(reader) : refuse(reader);
}

bool rpc_json_get_bool(rpc_reader *reader, bool *value)
{
    if (!json_is_boolean(current(reader)))
        return refuse(reader);
    *value = json_is_true(current(reader));
    return rpc_json_skip(reader);
}

/* ---- numbers ------------------------------------------------------------------------------------------------ */

/* An integer, or a text of digits that stands for one because it is beyond what a double holds. */
static bool read_integer(const json_t *value, bool *is_negative, uint64_t *magnitude)
{
    const char *text = json_string_value(value);
    json_int_t integer = json_integer_value(value);

    if (json_is_integer(value)) {
        *is_negative = integer < 0;
        *magnitude = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
        return true;
    }
    if (!text)
        return false;
    *is_negative = *text == '-';
    return rpc_json_read_digits(text + *is_negative, json_string_length(value) - *is_negative, magnitude) &&
           *magnitude > RPC_JSON_EXACT;
}

static bool refuse_range(rpc_reader *reader, bool is_negative)
{
    reader->wrong = is_negative ? "a negative integer" : "an integer that is too large";
    return false;
}

bool rpc_json_get_unsigned(rpc_reader *reader, uint64_t *value)
{
    bool is_negative;
    uint64_t magnitude;

    if (!read_integer(current(reader), &is_negative, &magnitude))
        return refuse(reader);
    if (is_negative)
        return refuse_range(reader, is_negative);
    *value = magnitude;
    return rpc_json_skip(reader);
}

bool rpc_json_get_signed(rpc_reader *reader, int64_t *value)
{
    bool is_negative;
    uint64_t magnitude;

    if (!read_integer(current(reader), &is_negative, &magnitude))
        return refuse(reader);
    if (magnitude > (uint64_t)INT64_MAX + is_negative)
        return refuse_range(reader, false);
    *value = is_negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return rpc_json_skip(reader);
}

bool rpc_json_get_float(rpc_reader *reader, double *value)
{
    bool is_negative;
    uint64_t magnitude;

    if (json_is_real(current(reader))) {
        *value = json_real_value(current(reader));
        return rpc_json_skip(reader);
    }
    if (!read_integer(current(reader), &is_negative, &magnitude))
        return refuse(reader);
    if (!rpc_unsigned_as_float(magnitude, value)) {
        reader->wrong = "an integer that no floating point number is equal to";
        return false;
    }
    *value = is_negative ? -*value : *value;
    return rpc_json_skip(reader);
}

/* ---- texts -------------------------------------------------------------------------------------------------- */

bool rpc_json_get_text(rpc_reader *reader, const char **text, size_t *size)
{
    if (!json_is_string(current(reader)))
        return refuse(reader);
    *text = json_string_value(current(reader));
    *size = json_string_length(current(reader));
    return rpc_json_skip(reader);
}

bool rpc_json_get_bytes(rpc_reader *reader, const unsigned char **bytes, size_t *size)
{
    size_t length = json_string_length(current(reader)), decoded;
    unsigned char *room;

    if (!json_is_string(current(reader)))
        return refuse(reader);
    room = rpc_arena_take(reader->arena, length / 4 * 3 + 2);
    if (!room || !rpc_base64_decode(json_string_value(current(reader)), length, room, &decoded)) {
        reader->wrong = room ? "text that is not base64" : "more bytes than there is memory for";
        return false;
    }
    *bytes = room;
    *size = decoded;
    return rpc_json_skip(reader);
}

/* ---- lists and maps ----------------------------------------------------------------------------------------- */

/* The scan has seen that no message is deeper than RPC_DEPTH, and its own object is not entered. */
bool rpc_json_enter_list(rpc_reader *reader, size_t *count)
{
    if (!json_is_array(current(reader)))
        return refuse(reader);
    *count = json_array_size(current(reader));
    enter(reader, current(reader));
    return true;
}

bool rpc_json_enter_map(rpc_reader *reader, size_t *count)
{
    if (!json_is_object(current(reader)))
        return refuse(reader);
    *count = json_object_size(current(reader));
    enter(reader, current(reader));
    return true;
}

bool rpc_json_get_key(rpc_reader *reader, const char **text, size_t *size)
{
    if (!reader->cursor || reader->depth == 0 || !json_is_object(around(reader)))
        return refuse(reader);
    *text = json_object_iter_key(reader->place[reader->depth - 1]);
    *size = strlen(*text); /* jansson refuses keys with a NUL */
    return true;
}

/* What was left becomes the current value again, and is then complete. */
void rpc_json_leave_entered(rpc_reader *reader)
{
    if (reader->depth == 0)
        return;
    reader->depth--;
    advance(reader);
}

/* Only where the parameters are a map, and outside of everything that was entered. */
bool rpc_json_member(rpc_reader *reader, const char *name)
{
    if (reader->depth > 0 || !reader->named)
        return false;
    reader->cursor = json_object_get(reader->named, name);
    return reader->cursor != NULL;
}
