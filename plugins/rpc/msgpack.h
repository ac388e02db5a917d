/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MessagePack, inside.
 *
 * Owns: what the first bytes of a value say, and what the files of this codec share. Must never allocate.
 * Source: MessagePack specification ("Formats"): all numbers are big-endian.
 */
#ifndef RPC_MSGPACK_H
#define RPC_MSGPACK_H

#include "codec.h"

#include <endian.h>
#include <string.h>

/* Leads: the first byte of a value. Below MSGPACK_FIXMAP and from MSGPACK_NEGATIVE on it is the whole value. */
enum {
    MSGPACK_FIXMAP = 0x80,
    MSGPACK_FIXARRAY = 0x90,
    MSGPACK_FIXSTR = 0xa0,
    MSGPACK_NIL = 0xc0,
    MSGPACK_FALSE = 0xc2,
    MSGPACK_TRUE = 0xc3,
    MSGPACK_BIN8 = 0xc4,
    MSGPACK_BIN16 = 0xc5,
    MSGPACK_BIN32 = 0xc6,
    MSGPACK_FLOAT32 = 0xca,
    MSGPACK_FLOAT64 = 0xcb,
    MSGPACK_UINT8 = 0xcc,
    MSGPACK_UINT16 = 0xcd,
    MSGPACK_UINT32 = 0xce,
    MSGPACK_UINT64 = 0xcf,
    MSGPACK_INT8 = 0xd0,
    MSGPACK_INT16 = 0xd1,
    MSGPACK_INT32 = 0xd2,
    MSGPACK_INT64 = 0xd3,
    MSGPACK_STR8 = 0xd9,
    MSGPACK_STR16 = 0xda,
    MSGPACK_STR32 = 0xdb,
    MSGPACK_ARRAY16 = 0xdc,
    MSGPACK_ARRAY32 = 0xdd,
    MSGPACK_MAP16 = 0xde,
    MSGPACK_MAP32 = 0xdf,
    MSGPACK_NEGATIVE = 0xe0
};

/* The first element of a message (MessagePack-RPC specification). */
enum { MSGPACK_REQUEST = 0, MSGPACK_REPLY = 1, MSGPACK_NOTIFICATION = 2 };

typedef struct rpc_msgpack_head {
    rpc_token token; /* RPC_NEGATIVE and RPC_UNSIGNED as the value is, whatever the format */
    uint8_t lead;
    uint8_t size; /* of the head itself */
    uint64_t
        value; /* the integer, with its sign extended; the bits of a float; values of a list; pairs of a map; bytes of the rest */
} rpc_msgpack_head;

/* What a first byte means: the number of a head is what `mask` leaves of that byte, `plus`, and the number that follows it. */
typedef struct rpc_msgpack_lead {
    uint8_t token; /* RPC_NOTHING: no value begins so */
    uint8_t width; /* bytes of the number that follows */
    uint8_t mask;
    uint8_t plus; /* what that number lacks: the type byte of extensions; all of what needs no number */
} rpc_msgpack_lead;

extern const rpc_msgpack_lead rpc_msgpack_leads[256];

static inline uint64_t rpc_msgpack_load(const unsigned char *bytes, unsigned width)
{
    uint32_t word;
    uint64_t wide;

    switch (width) {
    case 1:
        return bytes[0];
    case 2:
        return (uint64_t)bytes[0] << 8 | bytes[1];
    case 4:
        memcpy(&word, bytes, sizeof(word));
        return be32toh(word);
    default:
        memcpy(&wide, bytes, sizeof(wide));
        return be64toh(wide);
    }
}

/* The sign of a number of `width` bytes (0: of the lead itself), in all 64 bits. */
static inline void rpc_msgpack_extend(rpc_msgpack_head *head, unsigned width)
{
    const uint64_t sign = UINT64_C(0x80) << (width > 0 ? 8 * (width - 1) : 0);

    head->value = (head->value ^ sign) - sign;
    head->token = head->value >> 63 ? RPC_NEGATIVE : RPC_UNSIGNED;
}

/*
 * VIA_ETIMEDOUT: more bytes are needed. VIA_EPROTO: no value begins so. `size` is at least 1. Each byte is looked at once: it may be
 * another the next time.
 */
static inline via_status rpc_msgpack_read_head(const unsigned char *data, size_t size, rpc_msgpack_head *head)
{
    const unsigned char lead = data[0];
    const rpc_msgpack_lead *meaning = &rpc_msgpack_leads[lead];

    if (size <= meaning->width)
        return VIA_ETIMEDOUT;
    head->token = (rpc_token)meaning->token;
    head->lead = lead;
    head->size = (uint8_t)(1 + meaning->width);
    head->value = (uint64_t)(lead & meaning->mask) + meaning->plus;
    if (meaning->width > 0)
        head->value += rpc_msgpack_load(data + 1, meaning->width);
    if (meaning->token == RPC_NEGATIVE)
        rpc_msgpack_extend(head, meaning->width);
    return meaning->token == RPC_NOTHING ? VIA_EPROTO : VIA_OK;
}

/* Bytes that belong to the value and follow its head. */
static inline uint64_t rpc_msgpack_body(const rpc_msgpack_head *head)
{
    return head->token == RPC_TEXT || head->token == RPC_BINARY || head->token == RPC_OTHER ? head->value : 0;
}

/* Bytes of a value that holds no others. 0: it is none, or not whole. */
static inline size_t rpc_msgpack_plain_size(const unsigned char *data, size_t size)
{
    const rpc_msgpack_lead *meaning;
    rpc_msgpack_head head;

    if (size == 0)
        return 0;
    meaning = &rpc_msgpack_leads[data[0]];
    if (meaning->token != RPC_NOTHING && meaning->token < RPC_TEXT)
        return meaning->width < size ? (size_t)1 + meaning->width : 0;
    if (rpc_msgpack_read_head(data, size, &head) != VIA_OK || head.token >= RPC_LIST ||
        rpc_msgpack_body(&head) > size - head.size)
        return 0;
    return head.size + (size_t)rpc_msgpack_body(&head);
}

/*
 * Goes on to the end of one value, without recursion. Statuses as rpc_codec.measure; *why is set where there is more to say than
 * that the value is too long.
 */
via_status rpc_msgpack_walk(const unsigned char *data, size_t size, size_t limit, rpc_measure *state, const char **why);

/* ---- the codec's table ---------------------------------------------------------------------------------------- */

via_status rpc_msgpack_measure(const unsigned char *data, size_t size, size_t limit, rpc_measure *state, size_t *used,
                               const char **why);

void rpc_msgpack_request(rpc_writer *writer, uint64_t id, const char *method, uint64_t timeout_ms, size_t count);
void rpc_msgpack_notification(rpc_writer *writer, const char *method, size_t count);
void rpc_msgpack_result(rpc_writer *writer, const rpc_id *id);
void rpc_msgpack_end(rpc_writer *writer);
void rpc_msgpack_fault(rpc_writer *writer, const rpc_id *id, const rpc_fault *fault, bool is_rich);
void rpc_msgpack_cancel(rpc_writer *writer, uint64_t id);

void rpc_msgpack_put_nil(rpc_writer *writer);
void rpc_msgpack_put_bool(rpc_writer *writer, bool value);
void rpc_msgpack_put_unsigned(rpc_writer *writer, uint64_t value);
void rpc_msgpack_put_signed(rpc_writer *writer, int64_t value);
void rpc_msgpack_put_float(rpc_writer *writer, double value);
void rpc_msgpack_put_single(rpc_writer *writer, float value);
void rpc_msgpack_put_text(rpc_writer *writer, const char *text, size_t size);
void rpc_msgpack_put_bytes(rpc_writer *writer, const void *bytes, size_t size);
void rpc_msgpack_begin_list(rpc_writer *writer, size_t count);
void rpc_msgpack_begin_map(rpc_writer *writer, size_t count);
void rpc_msgpack_leave(rpc_writer *writer);

via_status rpc_msgpack_open(rpc_reader *reader, const void *data, size_t size, rpc_arena *arena,
                            rpc_envelope *envelope);

rpc_token rpc_msgpack_next(rpc_reader *reader);
bool rpc_msgpack_get_nil(rpc_reader *reader);
bool rpc_msgpack_get_bool(rpc_reader *reader, bool *value);
bool rpc_msgpack_get_unsigned(rpc_reader *reader, uint64_t *value);
bool rpc_msgpack_get_signed(rpc_reader *reader, int64_t *value);
bool rpc_msgpack_get_float(rpc_reader *reader, double *value);
bool rpc_msgpack_get_text(rpc_reader *reader, const char **text, size_t *size);
bool rpc_msgpack_get_bytes(rpc_reader *reader, const unsigned char **bytes, size_t *size);
bool rpc_msgpack_enter_list(rpc_reader *reader, size_t *count);
bool rpc_msgpack_enter_map(rpc_reader *reader, size_t *count);
void rpc_msgpack_leave_entered(rpc_reader *reader);
bool rpc_msgpack_skip(rpc_reader *reader);

/* The error of a reply, which is the next value, in whatever dialect it is. */
void rpc_msgpack_read_fault(rpc_reader *reader, rpc_fault *fault);

#endif
