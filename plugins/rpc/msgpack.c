/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns: what the first byte of a MessagePack value means, and the codec's table. Never reads beyond the size it is given.
 */
#include "msgpack.h"

static void close_nothing(rpc_reader *reader)
{
    (void)reader;
}

/* Sixteen leads in a row that mean the same, but for their last bits. */
#define FOUR(token, mask)                                                                                              \
    {token, 0, mask, 0}, {token, 0, mask, 0}, {token, 0, mask, 0},                                                     \
    {                                                                                                                  \
        token, 0, mask, 0                                                                                              \
    }
#define SIXTEEN(token, mask) FOUR(token, mask), FOUR(token, mask), FOUR(token, mask), FOUR(token, mask)

const rpc_msgpack_lead rpc_msgpack_leads[256] = {
    SIXTEEN(RPC_UNSIGNED, 0x7f), /* 00: an integer, as all up to 7f */
    SIXTEEN(RPC_UNSIGNED, 0x7f), /* 10 */
    SIXTEEN(RPC_UNSIGNED, 0x7f), /* 20 */
    SIXTEEN(RPC_UNSIGNED, 0x7f), /* 30 */
    SIXTEEN(RPC_UNSIGNED, 0x7f), /* 40 */
    SIXTEEN(RPC_UNSIGNED, 0x7f), /* 50 */
    SIXTEEN(RPC_UNSIGNED, 0x7f), /* 60 */
    SIXTEEN(RPC_UNSIGNED, 0x7f), /* 70 */
    SIXTEEN(RPC_MAP, 0x0f),      /* 80 */
    SIXTEEN(RPC_LIST, 0x0f),     /* 90 */
    SIXTEEN(RPC_TEXT, 0x1f),     /* a0 */
    SIXTEEN(RPC_TEXT, 0x1f),     /* b0 */
    {RPC_NIL, 0, 0, 0},          /* c0 */
    {RPC_NOTHING, 0, 0, 0},      /* c1: never used */
    {RPC_BOOLEAN, 0, 0, 0},      /* c2: false */
    {RPC_BOOLEAN, 0, 0, 1},      /* c3: true */
    {RPC_BINARY, 1, 0, 0},       /* c4: bin */
    {RPC_BINARY, 2, 0, 0},       /* c5 */
    {RPC_BINARY, 4, 0, 0},       /* c6 */
    {RPC_OTHER, 1, 0, 1},        /* c7: ext */
    {RPC_OTHER, 2, 0, 1},        /* c8 */
    {RPC_OTHER, 4, 0, 1},        /* c9 */
    {RPC_FLOAT, 4, 0, 0},        /* ca */
    {RPC_FLOAT, 8, 0, 0},        /* cb */
    {RPC_UNSIGNED, 1, 0, 0},     /* cc */
    {RPC_UNSIGNED, 2, 0, 0},     /* cd */
    {RPC_UNSIGNED, 4, 0, 0},     /* ce */
    {RPC_UNSIGNED, 8, 0, 0},     /* cf */
    {RPC_NEGATIVE, 1, 0, 0},     /* d0 */
    {RPC_NEGATIVE, 2, 0, 0},     /* d1 */
    {RPC_NEGATIVE, 4, 0, 0},     /* d2 */
    {RPC_NEGATIVE, 8, 0, 0},     /* d3 */
    {RPC_OTHER, 0, 0, 1 + 1},    /* d4: fixext */
    {RPC_OTHER, 0, 0, 1 + 2},    /* d5 */
    {RPC_OTHER, 0, 0, 1 + 4},    /* d6 */
    {RPC_OTHER, 0, 0, 1 + 8},    /* d7 */
    {RPC_OTHER, 0, 0, 1 + 16},   /* d8 */
    {RPC_TEXT, 1, 0, 0},         /* d9: str */
    {RPC_TEXT, 2, 0, 0},         /* da */
    {RPC_TEXT, 4, 0, 0},         /* db */
    {RPC_LIST, 2, 0, 0},         /* dc */
    {RPC_LIST, 4, 0, 0},         /* dd */
    {RPC_MAP, 2, 0, 0},          /* de */
    {RPC_MAP, 4, 0, 0},          /* df */
    SIXTEEN(RPC_NEGATIVE, 0xff), /* e0 */
    SIXTEEN(RPC_NEGATIVE, 0xff), /* f0 */
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
