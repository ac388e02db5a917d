/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the layer share: buffers, packing, unpacking.
 *
 * Owns: the format. A message is one byte, then either the bytes as they were (0) or one Zstandard frame (1; RFC 8878) that
 * says its content's size. Must never believe that size, or any other word of the other end.
 */
#ifndef VIADUCT_ZSTD_LAYER_H
#define VIADUCT_ZSTD_LAYER_H

#include <viaduct/types.h>

#include <zstd.h>

enum { ZSTD_KIND_PLAIN = 0, ZSTD_KIND_FRAME = 1, ZSTD_HEADER = 1 };

/*
 * The largest window: 8 MiB. A sender stays below it, and a receiver never makes room for a larger one, whatever a frame
 * asks for.
 */
enum { ZSTD_LAYER_WINDOW_LOG = 23 };

/* Bytes that grow and are kept. All zero = empty. */
typedef struct zstd_buffer {
    unsigned char *bytes;
    size_t capacity;
} zstd_buffer;

/* Makes room for `size` bytes and keeps the first `kept`. false = no memory, and nothing has changed. */
bool zstd_buffer_reserve(zstd_buffer *buffer, size_t size, size_t kept);
void zstd_buffer_fini(zstd_buffer *buffer);

/* ---- packing ------------------------------------------------------------------------------------------------ */

/* What one sending thread needs. */
typedef struct zstd_packer {
    ZSTD_CCtx *context;
    size_t threshold; /* bytes */
    zstd_buffer joined, packed;
} zstd_packer;

/* VIA_OK, VIA_ENOMEM. On failure there is nothing to be freed. */
via_status zstd_packer_init(zstd_packer *packer, int level, size_t threshold);
void zstd_packer_fini(zstd_packer *packer);
/*
 * Compresses the slices. VIA_OK: `out` is the frame, valid until the next call. VIA_ENOTSUP: it is not worth it; send
 * them as they are. VIA_ENOMEM.
 */
via_status zstd_pack(zstd_packer *packer, const via_slice *slices, size_t count, via_slice *out);

/* ---- unpacking ---------------------------------------------------------------------------------------------- */

/* A context for frames of strangers. NULL = no memory. */
ZSTD_DCtx *zstd_unpacker_create(void);
/*
 * Decompresses one frame into `out`, which grows with what is really produced, up to `limit` bytes. VIA_OK; VIA_EPROTO: it
 * is not one whole frame that keeps to the limits, and `*why` says in which way; VIA_ENOMEM.
 */
via_status zstd_unpack(ZSTD_DCtx *context, const void *frame, size_t size, uint64_t limit, zstd_buffer *out,
                       size_t *out_size, const char **why);

#endif
