/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffer of a message that is being written; see codec.h.
 *
 * Owns: growing it, and keeping it for the next message. Must never let it grow above the limit.
 */
#include "writer.h"

#include <stdlib.h>

enum { FIRST_BYTES = 256 };

void rpc_writer_init(rpc_writer *writer, size_t limit)
{
    writer->data = NULL;
    writer->capacity = 0;
    writer->limit = limit;
    rpc_writer_reset(writer);
}

void rpc_writer_fini(rpc_writer *writer)
{
    free(writer->data);
    rpc_writer_init(writer, writer->limit);
}

void rpc_writer_reset(rpc_writer *writer)
{
    writer->size = 0;
    writer->status = VIA_OK;
    writer->depth = 0;
}

/* Twice as much as there is, if that is enough and allowed. */
static size_t choose_capacity(const rpc_writer *writer, size_t needed)
{
    size_t capacity = writer->capacity < FIRST_BYTES ? FIRST_BYTES : writer->capacity;

    if (capacity > writer->limit / 2)
        capacity = writer->limit;
    else if (capacity < needed)
        capacity *= 2;
    return capacity < needed || capacity == 0 ? needed + (needed == 0) : capacity;
}

static bool grow(rpc_writer *writer, size_t size)
{
    size_t capacity;
    unsigned char *data;

    if (size > writer->limit - writer->size) {
        writer->status = VIA_ETOOBIG;
        return false;
    }
    capacity = choose_capacity(writer, writer->size + size);
    data = realloc(writer->data, capacity);
    if (!data) {
        writer->status = VIA_ENOMEM;
        return false;
    }
    writer->data = data;
    writer->capacity = capacity;
    return true;
}

unsigned char *rpc_writer_room(rpc_writer *writer, size_t size)
{
    unsigned char *room;

    if (writer->status != VIA_OK)
        return NULL;
    if ((size > writer->capacity - writer->size || !writer->data) && !grow(writer, size))
        return NULL;
    room = writer->data + writer->size;
    writer->size += size;
    return room;
}
