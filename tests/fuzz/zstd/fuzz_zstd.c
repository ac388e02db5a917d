/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a frame of a stranger: never more than the limit comes out, room is made for what was produced and not for what
 * was announced, and what was packed here comes back as it was.
 */
#include "zstd_layer.h"

#include <stdlib.h>
#include <string.h>

enum { LIMIT = 1024 * 1024, LEAST_ROOM = 128 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_foreign(ZSTD_DCtx *unpacker, const uint8_t *data, size_t size)
{
    zstd_buffer out = {NULL, 0};
    size_t produced = 0;
    const char *why = NULL;
    const via_status status = zstd_unpack(unpacker, data, size, LIMIT, &out, &produced, &why);

    if (status != VIA_OK && (status != VIA_EPROTO || why == NULL))
        abort();
    if (produced > LIMIT)
        abort();
    const size_t most = produced * 4 > size * 32 ? produced * 4 : size * 32;
    if (out.capacity > (most < LEAST_ROOM ? LEAST_ROOM : most))
        abort();
    zstd_buffer_fini(&out);
}

static void check_own(ZSTD_DCtx *unpacker, const uint8_t *data, size_t size)
{
    static zstd_packer packer; /* used again, as a channel does */
    zstd_buffer out = {NULL, 0};
    const via_slice slices[2] = {{data, size / 2}, {data + size / 2, size - size / 2}};
    via_slice frame;
    size_t produced;
    const char *why;

    if (packer.context == NULL && zstd_packer_init(&packer, 1, 1) != VIA_OK)
        abort();
    if (zstd_pack(&packer, slices, 2, &frame) == VIA_OK) {
        if (frame.size >= size)
            abort();
        if (zstd_unpack(unpacker, frame.data, frame.size, size, &out, &produced, &why) != VIA_OK)
            abort();
        if (produced != size || memcmp(out.bytes, data, size) != 0)
            abort();
        if (zstd_unpack(unpacker, frame.data, frame.size, size - 1, &out, &produced, &why) != VIA_EPROTO)
            abort();
    }
    zstd_buffer_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static ZSTD_DCtx *unpacker;
    if (unpacker == NULL)
        unpacker = zstd_unpacker_create();
    if (unpacker == NULL)
        abort();
    check_foreign(unpacker, data, size);
    check_own(unpacker, data, size);
    return 0;
}
