/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing JSON text.
 *
 * Owns: the commas, the escapes, and how values look that JSON has no word for. Must never write what a strict reader refuses.
 */
#include "base64.h"
#include "json.h"
#include "kit/utf8.h"
#include "writer.h"

#include <math.h>

/* In rpc_writer.open: it is a map, and what is counted is its keys and values. */
#define IS_MAP (UINT64_C(1) << 63)

static void put_words(rpc_writer *writer, const char *words)
{
    rpc_writer_put(writer, words, strlen(words));
}

/* Room for a value, behind the comma that it may need. */
static unsigned char *value_room(rpc_writer *writer, size_t size)
{
    uint64_t none = 0, *open = writer->depth > 0 ? &writer->open[writer->depth - 1] : &none;
    bool is_behind_key = (*open & IS_MAP) && (*open & 1);
    size_t comma = (*open & ~IS_MAP) > 0 && !is_behind_key;
    unsigned char *room = rpc_writer_make_room(writer, comma + size);

    if (!room)
        return NULL;
    ++*open;
    *room = ',';
    return room + comma;
}

void rpc_json_put_verbatim(rpc_writer *writer, const char *json, size_t size)
{
    unsigned char *room = value_room(writer, size);

    if (room)
        memcpy(room, json, size);
}

/* ---- scalars ------------------------------------------------------------------------------------------------ */

void rpc_json_put_nil(rpc_writer *writer)
{
    rpc_json_put_verbatim(writer, "null", 4);
}

void rpc_json_put_bool(rpc_writer *writer, bool value)
{
    rpc_json_put_verbatim(writer, value ? "true" : "false", value ? 4 : 5);
}

static void put_integer(rpc_writer *writer, bool is_negative, uint64_t magnitude)
{
    bool is_text = magnitude > RPC_JSON_EXACT;
    char text[RPC_JSON_NUMBER_BYTES + 3];
    size_t size = 0;

    if (is_text)
        text[size++] = '"';
    if (is_negative)
        text[size++] = '-';
    size += rpc_json_write_unsigned(magnitude, text + size);
    if (is_text)
        text[size++] = '"';
    rpc_json_put_verbatim(writer, text, size);
}

void rpc_json_put_unsigned(rpc_writer *writer, uint64_t value)
{
    put_integer(writer, false, value);
}

void rpc_json_put_signed(rpc_writer *writer, int64_t value)
{
    put_integer(writer, value < 0, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void rpc_json_put_float(rpc_writer *writer, double value)
{
    char text[RPC_JSON_NUMBER_BYTES];

    if (isfinite(value))
        rpc_json_put_verbatim(writer, text, rpc_json_write_float(value, text));
    else
        rpc_writer_fail(writer, VIA_EINVAL);
}

void rpc_json_put_single(rpc_writer *writer, float value)
{
    char text[RPC_JSON_NUMBER_BYTES];

    if (isfinite(value))
        rpc_json_put_verbatim(writer, text, rpc_json_write_single(value, text));
    else
        rpc_writer_fail(writer, VIA_EINVAL);
}

/* ---- texts -------------------------------------------------------------------------------------------------- */

static bool is_plain(char character)
{
    return (unsigned char)character >= 0x20 && character != '"' && character != '\\';
}

static void put_escape(rpc_writer *writer, char character)
{
    static const char letters[] = "btnfr", meant[] = "\b\t\n\f\r", hex[] = "0123456789abcdef";
    const char *found = character ? strchr(meant, character) : NULL;
    char escape[] = {'\\', character, '0', '0', '0', '0'};
    size_t size = 2;

    if (found)
        escape[1] = letters[found - meant];
    else if ((unsigned char)character < 0x20) {
        escape[1] = 'u';
        escape[4] = hex[(unsigned char)character >> 4];
        escape[5] = hex[(unsigned char)character & 15];
        size = 6;
    }
    rpc_writer_put(writer, escape, size);
}

/* Text that is known to be valid. */
static void put_valid(rpc_writer *writer, const char *text, size_t size)
{
    unsigned char *quote = value_room(writer, 1);

    if (!quote)
        return;
    *quote = '"';
    while (size > 0) {
        size_t plain = 0;

        while (plain < size && is_plain(text[plain]))
            plain++;
        rpc_writer_put(writer, text, plain);
        if (plain == size)
            break;
        put_escape(writer, text[plain]);
        text += plain + 1;
        size -= plain + 1;
    }
    put_words(writer, "\"");
}

void rpc_json_put_text(rpc_writer *writer, const char *text, size_t size)
{
    if (via_utf8_is_valid(text, size))
        put_valid(writer, text, size);
    else
        rpc_writer_fail(writer, VIA_EINVAL);
}

void rpc_json_put_bytes(rpc_writer *writer, const void *bytes, size_t size)
{
    size_t length = rpc_base64_length(size);
    unsigned char *room = length > SIZE_MAX / 2 ? NULL : value_room(writer, length + 2);

    if (length > SIZE_MAX / 2)
        rpc_writer_fail(writer, VIA_ETOOBIG);
    if (!room)
        return;
    room[0] = '"';
    rpc_base64_encode(bytes, size, (char *)room + 1);
    room[length + 1] = '"';
}

/* ---- lists and maps ----------------------------------------------------------------------------------------- */

static void enter(rpc_writer *writer, char bracket, uint64_t kind)
{
    unsigned char *room;

    if (writer->depth == RPC_DEPTH) {
        rpc_writer_fail(writer, VIA_ETOOBIG);
        return;
    }
    room = value_room(writer, 1);
    if (!room)
        return;
    *room = (unsigned char)bracket;
    writer->open[writer->depth++] = kind;
}

void rpc_json_begin_list(rpc_writer *writer, size_t count)
{
    (void)count;
    enter(writer, '[', 0);
}

void rpc_json_begin_map(rpc_writer *writer, size_t count)
{
    (void)count;
    enter(writer, '{', IS_MAP);
}

void rpc_json_put_key(rpc_writer *writer, const char *key, size_t size)
{
    rpc_json_put_text(writer, key, size);
    put_words(writer, ":");
}

void rpc_json_leave(rpc_writer *writer)
{
    if (writer->status == VIA_OK && writer->depth > 0)
        put_words(writer, writer->open[--writer->depth] & IS_MAP ? "}" : "]");
}
