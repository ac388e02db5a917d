/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors of MessagePack-RPC, for which the specification has no shape.
 *
 * Owns: the dialects: ours, Neovim's, texts, maps; and showing whatever else comes. Must never refuse a reply for its error.
 */
#include "msgpack.h"
#include "writer.h"

#include <math.h>

enum { SHOWN_BYTES = 4096 };

/* ---- any value as JSON text --------------------------------------------------------------------------------- */

static void show_number(rpc_reader *reader, rpc_writer *writer)
{
    uint64_t integer;
    int64_t negative;
    double number;

    if (rpc_msgpack_get_unsigned(reader, &integer))
        rpc_json.put_unsigned(writer, integer);
    else if (rpc_msgpack_get_signed(reader, &negative))
        rpc_json.put_signed(writer, negative);
    else if (rpc_msgpack_get_float(reader, &number) && isfinite(number))
        rpc_json.put_float(writer, number);
    else
        rpc_json.put_nil(writer);
}

static void show_bytes(rpc_reader *reader, rpc_writer *writer)
{
    const unsigned char *bytes;
    const char *text;
    size_t size;

    if (rpc_msgpack_get_text(reader, &text, &size))
        rpc_json.put_text(writer, text, size);
    else if (rpc_msgpack_get_bytes(reader, &bytes, &size))
        rpc_json.put_bytes(writer, bytes, size);
}

static void show_scalar(rpc_reader *reader, rpc_writer *writer, rpc_token token)
{
    bool truth;

    if (token == RPC_TEXT || token == RPC_BINARY)
        show_bytes(reader, writer);
    else if (token == RPC_UNSIGNED || token == RPC_NEGATIVE || token == RPC_FLOAT)
        show_number(reader, writer);
    else if (token == RPC_BOOLEAN && rpc_msgpack_get_bool(reader, &truth))
        rpc_json.put_bool(writer, truth);
    else {
        (void)rpc_msgpack_skip(reader);
        rpc_json.put_nil(writer);
    }
}

/* JSON has only texts as keys. */
static void show_key(rpc_reader *reader, rpc_writer *writer)
{
    const char *key = "?";
    size_t size = 1;

    if (!rpc_msgpack_get_text(reader, &key, &size))
        (void)rpc_msgpack_skip(reader);
    rpc_json.put_key(writer, key, size);
}

/* What was entered and has come to its end. */
static void show_ends(rpc_reader *reader, rpc_writer *writer, uint32_t base, const bool *is_map)
{
    while (reader->depth > base && reader->index[reader->depth - 1] == 0) {
        rpc_msgpack_leave_entered(reader);
        if (is_map[reader->depth])
            rpc_json.end_map(writer);
        else
            rpc_json.end_list(writer);
    }
}

static void show(rpc_reader *reader, rpc_writer *writer)
{
    bool is_map[RPC_DEPTH + 1] = {false};
    uint32_t base = reader->depth;
    rpc_token token;
    size_t count;

    do {
        if (is_map[reader->depth - 1] && reader->depth > base && reader->index[reader->depth - 1] % 2 == 0)
            show_key(reader, writer);
        token = rpc_msgpack_next(reader);
        if (token == RPC_LIST && rpc_msgpack_enter_list(reader, &count)) {
            is_map[reader->depth - 1] = false;
            rpc_json.begin_list(writer, count);
        } else if (token == RPC_MAP && rpc_msgpack_enter_map(reader, &count)) {
            is_map[reader->depth - 1] = true;
            rpc_json.begin_map(writer, count);
        } else
            show_scalar(reader, writer, token);
        show_ends(reader, writer, base, is_map);
    } while (reader->depth > base && writer->status == VIA_OK);
}

static void show_fault(rpc_reader *reader, rpc_fault *fault)
{
    rpc_writer writer;
    char *text = NULL;

    rpc_writer_init(&writer, SHOWN_BYTES);
    show(reader, &writer);
    if (writer.status == VIA_OK)
        text = rpc_arena_take(reader->arena, writer.size);
    if (text) {
        memcpy(text, writer.data, writer.size);
        fault->text = text;
        fault->text_size = writer.size;
    } else {
        fault->text = "an error that is too long to be shown";
        fault->text_size = strlen(fault->text);
    }
    rpc_writer_fini(&writer);
}

/* ---- dialects ----------------------------------------------------------------------------------------------- */

static bool read_text(rpc_reader *reader, rpc_fault *fault)
{
    return rpc_msgpack_get_text(reader, &fault->text, &fault->text_size);
}

static bool read_code(rpc_reader *reader, int32_t *code)
{
    int64_t value;

    if (!rpc_msgpack_get_signed(reader, &value))
        return false;
    if (value >= INT32_MIN && value <= INT32_MAX)
        *code = (int32_t)value;
    return true;
}

/* [code, text, name or nil], or [type, text] where the type is no code. */
static bool read_list(rpc_reader *reader, rpc_fault *fault)
{
    int32_t type;
    size_t count;

    if (!rpc_msgpack_enter_list(reader, &count))
        return false;
    if (count == 2)
        return read_code(reader, &type) && read_text(reader, fault);
    return count == 3 && read_code(reader, &fault->code) && read_text(reader, fault) &&
           (rpc_msgpack_get_text(reader, &fault->name, &fault->name_size) || rpc_msgpack_get_nil(reader));
}

static bool key_is(const char *key, size_t size, const char *wanted)
{
    return size == strlen(wanted) && memcmp(key, wanted, size) == 0;
}

/* {"message": text, "code": number}, and whatever else is in it. */
static bool read_map(rpc_reader *reader, rpc_fault *fault)
{
    bool is_found = false;
    const char *key;
    size_t count, size;

    if (!rpc_msgpack_enter_map(reader, &count))
        return false;
    for (; count > 0; count--) {
        bool is_known = rpc_msgpack_get_text(reader, &key, &size);

        if (!is_known)
            (void)rpc_msgpack_skip(reader);
        if (is_known && key_is(key, size, "message") && read_text(reader, fault))
            is_found = true;
        else if (!is_known || !key_is(key, size, "code") || !read_code(reader, &fault->code))
            (void)rpc_msgpack_skip(reader);
    }
    return is_found;
}

void rpc_msgpack_read_fault(rpc_reader *reader, rpc_fault *fault)
{
    static bool (*const dialects[])(rpc_reader *, rpc_fault *) = {read_text, read_list, read_map};
    uint32_t depth = reader->depth, left = reader->index[depth - 1];
    size_t at = reader->at;

    for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++) {
        *fault = (rpc_fault){.code = RPC_CODE_INTERNAL};
        if (dialects[i](reader, fault))
            return;
        reader->at = at;
        reader->depth = depth;
        reader->index[depth - 1] = left;
    }
    *fault = (rpc_fault){.code = RPC_CODE_INTERNAL};
    show_fault(reader, fault);
}
