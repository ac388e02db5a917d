/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands before the bytes of a message; see header.h. Whoever may open the queue may write anything into it.
 */
#include "header.h"

#include <string.h>

enum { VERSION = 1 };

typedef struct layout {
    char magic[2];
    uint8_t version;
    uint8_t kind;
    uint32_t zero;
    uint64_t size;
    uint64_t body;
} layout;

_Static_assert(offsetof(layout, body) == MQUEUE_HEADER_SIZE && sizeof(layout) == MQUEUE_REFERENCE_SIZE,
               "the layout is the format");

size_t mqueue_header_write(const mqueue_header *header, void *bytes)
{
    layout out = {{'V', 'Q'}, VERSION, (uint8_t)header->kind, 0, header->size, header->body};
    size_t size = header->kind == MQUEUE_BODY ? MQUEUE_REFERENCE_SIZE : MQUEUE_HEADER_SIZE;

    memcpy(bytes, &out, size);
    return size;
}

static via_status refuse(const char **why, const char *what)
{
    *why = what;
    return VIA_EPROTO;
}

via_status mqueue_header_read(const void *bytes, size_t size, mqueue_header *header, const char **why)
{
    layout in = {.body = 0};

    if (size < MQUEUE_HEADER_SIZE)
        return refuse(why, "it is shorter than a header");
    memcpy(&in, bytes, size < sizeof(in) ? size : sizeof(in));
    if (memcmp(in.magic, "VQ", 2) != 0)
        return refuse(why, "it has no header: its sender does not speak framing=viaduct");
    if (in.version != VERSION || in.zero != 0)
        return refuse(why, "it is of another version");
    if (in.kind == MQUEUE_WHOLE ? in.size != size - MQUEUE_HEADER_SIZE
                                : in.kind != MQUEUE_BODY || size != MQUEUE_REFERENCE_SIZE)
        return refuse(why, "its header does not fit its size");
    *header = (mqueue_header){in.kind, in.size, in.kind == MQUEUE_BODY ? in.body : 0};
    return VIA_OK;
}
