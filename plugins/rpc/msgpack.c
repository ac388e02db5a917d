/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns: what the first byte of a MessagePack value means, and the codec's table. Never reads beyond the size it is given.
 */
#include "msgpack.h"

#include <endian.h>
#include <string.h>

/* What the leads from MSGPACK_NIL up to MSGPACK_NEGATIVE mean. */
typedef struct lead_meaning {
    uint8_t token;
    uint8_t width; /* of the number that follows the lead */
    uint8_t plus;  /* what that number lacks: the type byte of extensions; all of what needs no number */
} lead_meaning;

static const lead_meaning meanings[MSGPACK_NEGATIVE - MSGPACK_NIL];

static uint64_t load(const unsigned char *bytes, size_t width)
{
    uint64_t big_endian = 0;

    switch (width) {
    case 0:
        return 0;
    case 1:
        return bytes[0];
    case 2:
        return (uint64_t)bytes[0] << 8 | bytes[1];
    case 4:
        memcpy((unsigned char *)&big_endian + 4, bytes, 4);
        return be64toh(big_endian);
    default:
        memcpy(&big_endian, bytes, 8);
        return be64toh(big_endian);
    }
}

/* The sign of a number of one to eight bytes, in all 64 bits. */
static uint64_t extend(uint64_t value, size_t width)
{
    uint64_t sign = UINT64_C(0x80) << (8 * (width - 1) & 63);

    return (value ^ sign) - sign;
}

via_status rpc_msgpack_read_wide(const unsigned char *data, size_t size, rpc_msgpack_head *head)
{
    const lead_meaning *meaning = &meanings[data[0] - MSGPACK_NIL];

    if (meaning->token == RPC_NOTHING)
        return VIA_EPROTO;
    if (size <= meaning->width)
        return VIA_ETIMEDOUT;
    head->token = (rpc_token)meaning->token;
    head->lead = data[0];
    head->size = (uint8_t)(1 + meaning->width);
    head->value = load(data + 1, meaning->width) + meaning->plus;
    if (meaning->token == RPC_NEGATIVE) {
        head->value = extend(head->value, meaning->width);
        head->token = head->value >> 63 ? RPC_NEGATIVE : RPC_UNSIGNED;
    }
    return VIA_OK;
}

static void close_nothing(rpc_reader *reader)
{
    (void)reader;
}

static const lead_meaning meanings[] = {
    [0x00] = {RPC_NIL, 0, 0},        /* c0 */
    [0x01] = {RPC_NOTHING, 0, 0},    /* c1: never used */
    [0x02] = {RPC_BOOLEAN, 0, 0},    /* c2: false */
    [0x03] = {RPC_BOOLEAN, 0, 1},    /* c3: true */
    [0x04] = {RPC_BINARY, 1, 0},     /* c4: bin */
    [0x05] = {RPC_BINARY, 2, 0},     /* c5 */
    [0x06] = {RPC_BINARY, 4, 0},     /* c6 */
    [0x07] = {RPC_OTHER, 1, 1},      /* c7: ext */
    [0x08] = {RPC_OTHER, 2, 1},      /* c8 */
    [0x09] = {RPC_OTHER, 4, 1},      /* c9 */
    [0x0a] = {RPC_FLOAT, 4, 0},      /* ca */
    [0x0b] = {RPC_FLOAT, 8, 0},      /* cb */
    [0x0c] = {RPC_UNSIGNED, 1, 0},   /* cc */
    [0x0d] = {RPC_UNSIGNED, 2, 0},   /* cd */
    [0x0e] = {RPC_UNSIGNED, 4, 0},   /* ce */
    [0x0f] = {RPC_UNSIGNED, 8, 0},   /* cf */
    [0x10] = {RPC_NEGATIVE, 1, 0},   /* d0 */
    [0x11] = {RPC_NEGATIVE, 2, 0},   /* d1 */
    [0x12] = {RPC_NEGATIVE, 4, 0},   /* d2 */
    [0x13] = {RPC_NEGATIVE, 8, 0},   /* d3 */
    [0x14] = {RPC_OTHER, 0, 1 + 1},  /* d4: fixext */
    [0x15] = {RPC_OTHER, 0, 1 + 2},  /* d5 */
    [0x16] = {RPC_OTHER, 0, 1 + 4},  /* d6 */
    [0x17] = {RPC_OTHER, 0, 1 + 8},  /* d7 */
    [0x18] = {RPC_OTHER, 0, 1 + 16}, /* d8 */
    [0x19] = {RPC_TEXT, 1, 0},       /* d9: str */
    [0x1a] = {RPC_TEXT, 2, 0},       /* da */
    [0x1b] = {RPC_TEXT, 4, 0},       /* db */
    [0x1c] = {RPC_LIST, 2, 0},       /* dc */
    [0x1d] = {RPC_LIST, 4, 0},       /* dd */
    [0x1e] = {RPC_MAP, 2, 0},        /* de */
    [0x1f] = {RPC_MAP, 4, 0},        /* df */
};

const rpc_codec rpc_msgpack = {
    .name = "msgpack",
    .measure = rpc_msgpack_measure,
    .request = rpc_msgpack_request,
    .notification = rpc_msgpack_notification,
    .result = rpc_msgpack_result,
    .end = rpc_msgpack_end,
    .fault = rpc_msgpack_fault,
    .cancel = rpc_msgpack_cancel,
    .put_nil = rpc_msgpack_put_nil,
    .put_bool = rpc_msgpack_put_bool,
    .put_unsigned = rpc_msgpack_put_unsigned,
    .put_signed = rpc_msgpack_put_signed,
    .put_float = rpc_msgpack_put_float,
    .put_single = rpc_msgpack_put_single,
    .put_text = rpc_msgpack_put_text,
    .put_bytes = rpc_msgpack_put_bytes,
    .begin_list = rpc_msgpack_begin_list,
    .end_list = rpc_msgpack_leave,
    .begin_map = rpc_msgpack_begin_map,
    .put_key = rpc_msgpack_put_text,
    .end_map = rpc_msgpack_leave,
    .open = rpc_msgpack_open,
    .close = close_nothing,
    .next = rpc_msgpack_next,
    .get_nil = rpc_msgpack_get_nil,
    .get_bool = rpc_msgpack_get_bool,
    .get_unsigned = rpc_msgpack_get_unsigned,
    .get_signed = rpc_msgpack_get_signed,
    .get_float = rpc_msgpack_get_float,
    .get_text = rpc_msgpack_get_text,
    .get_bytes = rpc_msgpack_get_bytes,
    .enter_list = rpc_msgpack_enter_list,
    .leave_list = rpc_msgpack_leave_entered,
    .enter_map = rpc_msgpack_enter_map,
    .get_key = rpc_msgpack_get_text,
    .leave_map = rpc_msgpack_leave_entered,
    .skip = rpc_msgpack_skip,
};
