/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that come in piece by piece from somebody who is not trusted.
 *
 * Owns: a buffer that grows with what has really arrived, never with what was announced, up to a limit.
 */
#ifndef CLIPBOARD_BYTES_H
#define CLIPBOARD_BYTES_H

#include <viaduct/types.h>

typedef struct clip_bytes {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t limit; /* bytes; more is VIA_ETOOBIG */
} clip_bytes;

void clip_bytes_init(clip_bytes *bytes, size_t limit);
void clip_bytes_fini(clip_bytes *bytes);
/* VIA_OK, VIA_ETOOBIG, VIA_ENOMEM; on failure the bytes are as they were. */
via_status clip_bytes_add(clip_bytes *bytes, const void *data, size_t size);
/* Room for at least `size` more bytes, to be read into directly: bytes->data + bytes->size; then raise bytes->size. As above. */
via_status clip_bytes_reserve(clip_bytes *bytes, size_t size);

#endif
