/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing MessagePack and the messages of MessagePack-RPC.
 *
 * Owns: the choice of the shortest format for each value. Must never write what its own reader refuses: counts, depth, UTF-8.
 */
#include "kit/utf8.h"
#include "msgpack.h"
#include "writer.h"

enum { SMALL_TEXT = 32, SMALL_COUNT = 16 }; /* from here on a number says how long */

static void put_byte(rpc_writer *writer, unsigned byte)
{
    unsigned char *room = rpc_writer_make_room(writer, 1);

    if (room)
        *room = (unsigned char)byte;
}

/* Where there is no room for a whole word. */
static __attribute__((noinline, cold)) void put_wide_bytes(rpc_writer *writer, unsigned lead, size_t width,
                                                           uint64_t number)
{
    unsigned char *room = rpc_writer_room(writer, 1 + width);

    if (!room)
        return;
    *room = (unsigned char)lead;
    for (size_t i = width; i > 0; i--, number >>= 8)
        room[i] = (unsigned char)number;
}

/* A lead and a number of `width` bytes, 1 to 8. One store for all of them: what is too much is written over by what follows. */
static void put_wide(rpc_writer *writer, unsigned lead, size_t width, uint64_t number)
{
    const uint64_t word = htobe64(number << (64 - 8 * width));

    if (writer->status != VIA_OK || writer->capacity - writer->size <= sizeof(word)) {
        put_wide_bytes(writer, lead, width, number);
        return;
    }
    writer->data[writer->size] = (unsigned char)lead;
    memcpy(&writer->data[writer->size + 1], &word, sizeof(word));
    writer->size += 1 + width;
}

/* ---- values ------------------------------------------------------------------------------------------------- */

void rpc_msgpack_put_nil(rpc_writer *writer)
{
    put_byte(writer, MSGPACK_NIL);
}

void rpc_msgpack_put_bool(rpc_writer *writer, bool value)
{
    put_byte(writer, value ? MSGPACK_TRUE : MSGPACK_FALSE);
}

void rpc_msgpack_put_unsigned(rpc_writer *writer, uint64_t value)
{
    if (value < MSGPACK_FIXMAP)
        put_byte(writer, (unsigned)value);
    else if (value <= UINT16_MAX)
        put_wide(writer, value <= UINT8_MAX ? MSGPACK_UINT8 : MSGPACK_UINT16, value <= UINT8_MAX ? 1 : 2, value);
    else
        put_wide(writer, value <= UINT32_MAX ? MSGPACK_UINT32 : MSGPACK_UINT64, value <= UINT32_MAX ? 4 : 8, value);
}

void rpc_msgpack_put_signed(rpc_writer *writer, int64_t value)
{
    if (value >= 0)
        rpc_msgpack_put_unsigned(writer, (uint64_t)value);
    else if (value >= -32)
        put_byte(writer, (unsigned char)value);
    else if (value >= INT16_MIN)
        put_wide(writer, value >= INT8_MIN ? MSGPACK_INT8 : MSGPACK_INT16, value >= INT8_MIN ? 1 : 2, (uint64_t)value);
    else
        put_wide(writer, value >= INT32_MIN ? MSGPACK_INT32 : MSGPACK_INT64, value >= INT32_MIN ? 4 : 8,
                 (uint64_t)value);
}

void rpc_msgpack_put_float(rpc_writer *writer, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    put_wide(writer, MSGPACK_FLOAT64, sizeof(bits), bits);
}

void rpc_msgpack_put_single(rpc_writer *writer, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof(bits));
    put_wide(writer, MSGPACK_FLOAT32, sizeof(bits), bits);
}

static void put_long(rpc_writer *writer, unsigned lead8, const void *bytes, size_t size)
{
    if (size <= UINT8_MAX)
        put_wide(writer, lead8, 1, size);
    else if (size <= UINT16_MAX)
        put_wide(writer, lead8 + 1, 2, size);
    else if (size <= UINT32_MAX)
        put_wide(writer, lead8 + 2, 4, size);
    else
        rpc_writer_fail(writer, VIA_ETOOBIG);
    rpc_writer_put(writer, bytes, size);
}

/* Text that is known to be valid. */
static void put_valid(rpc_writer *writer, const char *text, size_t size)
{
    unsigned char *room;

    if (size >= SMALL_TEXT) {
        put_long(writer, MSGPACK_STR8, text, size);
        return;
    }
    room = rpc_writer_make_room(writer, 1 + size);
    if (!room)
        return;
    *room = (unsigned char)(MSGPACK_FIXSTR + size);
    if (size > 0)
        memcpy(room + 1, text, size);
}

void rpc_msgpack_put_text(rpc_writer *writer, const char *text, size_t size)
{
    if (via_utf8_is_valid(text, size))
        put_valid(writer, text, size);
    else
        rpc_writer_fail(writer, VIA_EINVAL);
}

void rpc_msgpack_put_bytes(rpc_writer *writer, const void *bytes, size_t size)
{
    put_long(writer, MSGPACK_BIN8, bytes, size);
}

static void enter(rpc_writer *writer, unsigned fixed, unsigned lead16, size_t count)
{
    if (writer->depth == RPC_DEPTH || count > UINT32_MAX) {
        rpc_writer_fail(writer, VIA_ETOOBIG);
        return;
    }
    writer->depth++;
    if (count < SMALL_COUNT)
        put_byte(writer, fixed + (unsigned)count);
    else if (count <= UINT16_MAX)
        put_wide(writer, lead16, 2, count);
    else
        put_wide(writer, lead16 + 1, 4, count);
}

void rpc_msgpack_begin_list(rpc_writer *writer, size_t count)
{
    enter(writer, MSGPACK_FIXARRAY, MSGPACK_ARRAY16, count);
}

void rpc_msgpack_begin_map(rpc_writer *writer, size_t count)
{
    enter(writer, MSGPACK_FIXMAP, MSGPACK_MAP16, count);
}

void rpc_msgpack_leave(rpc_writer *writer)
{
    if (writer->depth > 0)
        writer->depth--;
}

/* ---- messages ----------------------------------------------------------------------------------------------- */

/* `timeout_ms` has to follow the parameters: it waits in a field that this format has no other use for. */
static void begin(rpc_writer *writer, size_t count, unsigned type, uint64_t timeout_ms)
{
    unsigned char *room = rpc_writer_make_room(writer, 2);

    writer->depth = 1;
    writer->open[0] = timeout_ms;
    if (!room)
        return;
    room[0] = (unsigned char)(MSGPACK_FIXARRAY + count);
    room[1] = (unsigned char)type;
}

void rpc_msgpack_request(rpc_writer *writer, uint64_t id, const char *method, uint64_t timeout_ms, size_t count)
{
    begin(writer, timeout_ms ? 5 : 4, MSGPACK_REQUEST, timeout_ms);
    rpc_msgpack_put_unsigned(writer, id);
    put_valid(writer, method, strlen(method));
    rpc_msgpack_begin_list(writer, count);
}

void rpc_msgpack_notification(rpc_writer *writer, const char *method, size_t count)
{
    begin(writer, 3, MSGPACK_NOTIFICATION, 0);
    put_valid(writer, method, strlen(method));
    rpc_msgpack_begin_list(writer, count);
}

void rpc_msgpack_result(rpc_writer *writer, const rpc_id *id)
{
    begin(writer, 4, MSGPACK_REPLY, 0);
    rpc_msgpack_put_unsigned(writer, id->number);
    rpc_msgpack_put_nil(writer);
}

void rpc_msgpack_end(rpc_writer *writer)
{
    if (writer->depth > 0 && writer->open[0])
        rpc_msgpack_put_unsigned(writer, writer->open[0]);
    writer->depth = 0;
}

/* Texts of faults come from anywhere: of one that is not UTF-8 what is before is sent, rather than no answer at all. */
static void put_doubtful(rpc_writer *writer, const char *text, size_t size)
{
    put_valid(writer, text, via_utf8_prefix(text, size));
}

void rpc_msgpack_fault(rpc_writer *writer, const rpc_id *id, const rpc_fault *fault, bool is_rich)
{
    begin(writer, 4, MSGPACK_REPLY, 0);
    rpc_msgpack_put_unsigned(writer, id ? id->number : 0);
    rpc_msgpack_begin_list(writer, is_rich ? 3 : 2);
    rpc_msgpack_put_signed(writer, is_rich ? fault->code : 0);
    put_doubtful(writer, fault->text, fault->text_size);
    if (is_rich && fault->name)
        put_doubtful(writer, fault->name, fault->name_size);
    else if (is_rich)
        rpc_msgpack_put_nil(writer);
    rpc_msgpack_put_nil(writer); /* the result */
    writer->depth = 0;
}

void rpc_msgpack_cancel(rpc_writer *writer, uint64_t id)
{
    rpc_msgpack_notification(writer, "rpc.cancel", 1);
    rpc_msgpack_put_unsigned(writer, id);
    writer->depth = 0;
}
