/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns: the framings with a binary size in front (SP, length32) and the one without any frame. Never reads a byte
 * beyond the size it was given.
 */
#include "kit/framing.h"

#include <endian.h>
#include <string.h>

enum { IPC_MESSAGE = 1, IPC_HEADER = 9, TCP_HEADER = 8, LENGTH32_HEADER = 4 };

static via_status found(uint64_t body, size_t header, uint64_t limit, via_frame *frame)
{
    if (body > limit)
        return VIA_ETOOBIG;
    frame->header = header;
    frame->body = (size_t)body;
    frame->trailer = 0;
    return VIA_OK;
}

static uint64_t load_u64(const uint8_t *data)
{
    uint64_t big_endian;

    memcpy(&big_endian, data, sizeof(big_endian));
    return be64toh(big_endian);
}

static void store_u64(uint8_t *out, uint64_t value)
{
    uint64_t big_endian = htobe64(value);

    memcpy(out, &big_endian, sizeof(big_endian));
}

static via_status parse_sp_ipc(const uint8_t *data, size_t size, uint64_t limit, via_frame *frame)
{
    if (size > 0 && data[0] != IPC_MESSAGE)
        return VIA_EPROTO;
    if (size < IPC_HEADER)
        return VIA_ETIMEDOUT;
    return found(load_u64(data + 1), IPC_HEADER, limit, frame);
}

static size_t write_sp_ipc(uint64_t body, uint8_t out[VIA_FRAME_HEADER_MAX])
{
    out[0] = IPC_MESSAGE;
    store_u64(out + 1, body);
    return IPC_HEADER;
}

static via_status parse_sp_tcp(const uint8_t *data, size_t size, uint64_t limit, via_frame *frame)
{
    if (size < TCP_HEADER)
        return VIA_ETIMEDOUT;
    return found(load_u64(data), TCP_HEADER, limit, frame);
}

static size_t write_sp_tcp(uint64_t body, uint8_t out[VIA_FRAME_HEADER_MAX])
{
    store_u64(out, body);
    return TCP_HEADER;
}

static via_status parse_length32(const uint8_t *data, size_t size, uint64_t limit, via_frame *frame)
{
    uint32_t big_endian;

    if (size < LENGTH32_HEADER)
        return VIA_ETIMEDOUT;
    memcpy(&big_endian, data, sizeof(big_endian));
    return found(be32toh(big_endian), LENGTH32_HEADER, limit, frame);
}

static size_t write_length32(uint64_t body, uint8_t out[VIA_FRAME_HEADER_MAX])
{
    uint32_t big_endian = htobe32((uint32_t)body);

    memcpy(out, &big_endian, sizeof(big_endian));
    return LENGTH32_HEADER;
}

static via_status parse_raw(const uint8_t *data, size_t size, uint64_t limit, via_frame *frame)
{
    (void)data;
    if (size == 0)
        return VIA_ETIMEDOUT;
    return found(size < limit ? size : limit, 0, limit, frame);
}

static size_t write_nothing(uint64_t body, uint8_t out[VIA_FRAME_HEADER_MAX])
{
    (void)body;
    (void)out;
    return 0;
}

const via_framing *via_framing_find(const char *name)
{
    static const via_framing *const table[] = {&via_framing_raw, &via_framing_line, &via_framing_length32,
                                               &via_framing_content_length};

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strcmp(table[i]->name, name) == 0)
            return table[i];
    return NULL;
}

const via_framing via_framing_sp_ipc = {
    .name = "sp-ipc",
    .keeps_boundaries = true,
    .parse = parse_sp_ipc,
    .header = write_sp_ipc,
    .trailer = "",
    .max_body = UINT64_MAX,
};

const via_framing via_framing_sp_tcp = {
    .name = "sp-tcp",
    .keeps_boundaries = true,
    .parse = parse_sp_tcp,
    .header = write_sp_tcp,
    .trailer = "",
    .max_body = UINT64_MAX,
};

const via_framing via_framing_length32 = {
    .name = "length32",
    .keeps_boundaries = true,
    .parse = parse_length32,
    .header = write_length32,
    .trailer = "",
    .max_body = UINT32_MAX,
};

const via_framing via_framing_raw = {
    .name = "raw",
    .ends_at_eof = true,
    .parse = parse_raw,
    .header = write_nothing,
    .trailer = "",
    .max_body = UINT64_MAX,
};
