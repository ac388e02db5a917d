/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that come in piece by piece; see bytes.h.
 */
#include "bytes.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    FIRST_CAPACITY = 4096,
    PAGE_BYTES = 2 << 20,    /* a large page of most machines */
    LARGE_BYTES = 256 << 10, /* from here on memory is asked for in large pages, */
    AHEAD = 32               /* and so many times what is needed now */
};

void clip_bytes_init(clip_bytes *bytes, size_t limit)
{
    *bytes = (clip_bytes){.limit = limit};
}

void clip_bytes_fini(clip_bytes *bytes)
{
    free(bytes->data);
    clip_bytes_init(bytes, bytes->limit);
}

/* Twice as much each time, so that each byte is moved once on average; never more than the limit. */
static size_t next_capacity(const clip_bytes *bytes, size_t needed)
{
    size_t next = bytes->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : bytes->capacity;

    while (next < needed)
        next = next > bytes->limit / 2 ? bytes->limit : next * 2;
    return next < bytes->limit ? next : bytes->limit;
}

/*
 * Fresh memory costs one fault a page: for 5 MiB in small ones that is more than the whole transfer where faults are dear,
 * as in a virtual machine. What is not written to stays unused, so there is room for many times as much at once, and most contents are
 * never moved again. NULL = no memory.
 */
static uint8_t *move_to_large_pages(clip_bytes *bytes, size_t *capacity)
{
    const size_t wanted = *capacity > bytes->limit / AHEAD ? bytes->limit : *capacity * AHEAD;
    const size_t rounded = (wanted + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    uint8_t *data = aligned_alloc(PAGE_BYTES, rounded);

    if (!data)
        return realloc(bytes->data, *capacity);  /* what is needed now may still be had */
    (void)madvise(data, rounded, MADV_HUGEPAGE); /* a wish: without it they are small ones */
    if (bytes->size > 0)
        memcpy(data, bytes->data, bytes->size);
    free(bytes->data);
    *capacity = wanted;
    return data;
}

via_status clip_bytes_reserve(clip_bytes *bytes, size_t size)
{
    if (size > bytes->limit - bytes->size)
        return VIA_ETOOBIG;
    if (size <= bytes->capacity - bytes->size)
        return VIA_OK;
    size_t capacity = next_capacity(bytes, bytes->size + size);
    uint8_t *data = capacity > LARGE_BYTES ? move_to_large_pages(bytes, &capacity) : realloc(bytes->data, capacity);
    if (!data)
        return VIA_ENOMEM;
    bytes->data = data;
    bytes->capacity = capacity;
    return VIA_OK;
}

via_status clip_bytes_add(clip_bytes *bytes, const void *data, size_t size)
{
    via_status status = clip_bytes_reserve(bytes, size);

    if (status != VIA_OK || size == 0)
        return status;
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    return VIA_OK;
}
