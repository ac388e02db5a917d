/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short way into a writer's buffer, for codecs.
 *
 * Owns: the case that there is room. Relies on this: the capacity is never above the limit.
 */
#ifndef RPC_WRITER_H
#define RPC_WRITER_H

#include "codec.h"

#include <string.h>

/* As rpc_writer_room, without a call where nothing has to grow. */
static inline unsigned char *rpc_writer_make_room(rpc_writer *writer, size_t size)
{
    unsigned char *room;

    if (writer->status != VIA_OK || size > writer->capacity - writer->size || !writer->data)
        return rpc_writer_room(writer, size);
    room = writer->data + writer->size;
    writer->size += size;
    return room;
}

static inline void rpc_writer_put(rpc_writer *writer, const void *bytes, size_t size)
{
    unsigned char *room = rpc_writer_make_room(writer, size);

    if (room && size > 0)
        memcpy(room, bytes, size);
}

/* The first reason stays. */
static inline void rpc_writer_fail(rpc_writer *writer, via_status status)
{
    if (writer->status == VIA_OK)
        writer->status = status;
}

#endif
