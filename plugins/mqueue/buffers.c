/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for received messages; see buffers.h.
 */
#include "buffers.h"

#include <stdlib.h>

void mqueue_buffers_init(mqueue_buffers *buffers, size_t size)
{
    *buffers = (mqueue_buffers){.size = size};
}

void mqueue_buffers_fini(mqueue_buffers *buffers)
{
    while (buffers->all) {
        mqueue_buffer *next = buffers->all->next;
        free(buffers->all);
        buffers->all = next;
    }
    buffers->free = NULL;
}

static mqueue_buffer *make(mqueue_buffers *buffers, size_t size)
{
    mqueue_buffer *made = size > SIZE_MAX - sizeof(*made) ? NULL : malloc(sizeof(*made) + size);

    if (!made)
        return NULL;
    made->size = size;
    made->previous = NULL;
    made->next = buffers->all;
    if (made->next)
        made->next->previous = made;
    buffers->all = made;
    return made;
}

mqueue_buffer *mqueue_buffers_take(mqueue_buffers *buffers, size_t size)
{
    mqueue_buffer *kept = buffers->free;

    if (size > buffers->size)
        return make(buffers, size);
    if (!kept)
        return make(buffers, buffers->size);
    buffers->free = kept->free_next;
    return kept;
}

static void discard(mqueue_buffers *buffers, mqueue_buffer *buffer)
{
    if (buffer->previous)
        buffer->previous->next = buffer->next;
    else
        buffers->all = buffer->next;
    if (buffer->next)
        buffer->next->previous = buffer->previous;
    free(buffer);
}

void mqueue_buffers_give(mqueue_buffers *buffers, mqueue_buffer *buffer)
{
    if (buffer->size != buffers->size) {
        discard(buffers, buffer);
        return;
    }
    buffer->free_next = buffers->free;
    buffers->free = buffer;
}

void mqueue_buffers_resize(mqueue_buffers *buffers, size_t size)
{
    while (buffers->free) {
        mqueue_buffer *next = buffers->free->free_next;
        discard(buffers, buffers->free);
        buffers->free = next;
    }
    buffers->size = size;
}
