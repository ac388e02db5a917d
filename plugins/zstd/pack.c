/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressing a message.
 *
 * Owns: the compression context, used again for each message, and when a message is worth it.
 */
#include "zstd_layer.h"

#include <string.h>

static bool is_set(ZSTD_CCtx *context, int level)
{
    return ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)) == 0 &&
           ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 1)) == 0 &&
           ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 0)) == 0;
}

/* The higher levels choose a window of their own: no larger than what the other end makes room for. */
static bool bound_window(ZSTD_CCtx *context, int level)
{
    return level < 17 || ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, ZSTD_LAYER_WINDOW_LOG)) == 0;
}

via_status zstd_packer_init(zstd_packer *packer, int level, size_t threshold)
{
    *packer = (zstd_packer){.context = ZSTD_createCCtx(), .threshold = threshold};
    if (packer->context == NULL)
        return VIA_ENOMEM;
    if (is_set(packer->context, level) && bound_window(packer->context, level))
        return VIA_OK;
    zstd_packer_fini(packer);
    return VIA_ENOMEM;
}

void zstd_packer_fini(zstd_packer *packer)
{
    (void)ZSTD_freeCCtx(packer->context);
    zstd_buffer_fini(&packer->joined);
    zstd_buffer_fini(&packer->packed);
}

/* One piece, without a copy where it is one already. */
static via_status join(zstd_packer *packer, const via_slice *slices, size_t count, size_t size, via_slice *whole)
{
    size_t at = 0;

    if (count == 1) {
        *whole = slices[0];
        return VIA_OK;
    }
    if (!zstd_buffer_reserve(&packer->joined, size, 0))
        return VIA_ENOMEM;
    for (size_t i = 0; i < count; at += slices[i].size, i++) {
        if (slices[i].size > 0)
            memcpy(packer->joined.bytes + at, slices[i].data, slices[i].size);
    }
    *whole = (via_slice){packer->joined.bytes, size};
    return VIA_OK;
}

/* There is room for less than the message only: one that does not shrink is given up as soon as that shows. */
static via_status compress(zstd_packer *packer, const via_slice *whole, via_slice *out)
{
    if (!zstd_buffer_reserve(&packer->packed, whole->size, 0))
        return VIA_ENOMEM;
    const size_t size =
        ZSTD_compress2(packer->context, packer->packed.bytes, whole->size - 1, whole->data, whole->size);
    if (ZSTD_isError(size) != 0)
        return VIA_ENOTSUP;
    *out = (via_slice){packer->packed.bytes, size};
    return VIA_OK;
}

via_status zstd_pack(zstd_packer *packer, const via_slice *slices, size_t count, via_slice *out)
{
    via_slice whole;
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += slices[i].size;
    if (size < packer->threshold || size == 0)
        return VIA_ENOTSUP;
    const via_status status = join(packer, slices, count, size, &whole);
    return status == VIA_OK ? compress(packer, &whole, out) : status;
}
