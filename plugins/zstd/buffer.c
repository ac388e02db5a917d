/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that grow and are kept.
 *
 * Owns: how they grow: by doubling, so that a channel soon needs no more.
 */
#include "zstd_layer.h"

#include <stdlib.h>
#include <string.h>

enum { LEAST = 4096 };

bool zstd_buffer_reserve(zstd_buffer *buffer, size_t size, size_t kept)
{
    size_t capacity = buffer->capacity < LEAST ? LEAST : buffer->capacity;

    if (size <= buffer->capacity)
        return true;
    while (capacity < size)
        capacity = capacity > SIZE_MAX / 2 ? size : capacity * 2;
    unsigned char *bytes = malloc(capacity);
    if (bytes == NULL)
        return false;
    if (kept > 0)
        memcpy(bytes, buffer->bytes, kept);
    free(buffer->bytes);
    *buffer = (zstd_buffer){bytes, capacity};
    return true;
}

void zstd_buffer_fini(zstd_buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (zstd_buffer){NULL, 0};
}
