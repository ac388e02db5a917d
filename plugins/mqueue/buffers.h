/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for received messages.
 *
 * Owns: buffers of the queue's size, used again and again, and single ones for what is larger. The receiving thread's alone.
 */
#ifndef MQUEUE_BUFFERS_H
#define MQUEUE_BUFFERS_H

#include <stdalign.h>
#include <viaduct/types.h>

typedef struct mqueue_buffer {
    struct mqueue_buffer *next; /* of all */
    struct mqueue_buffer *previous;
    struct mqueue_buffer *free_next; /* of those that wait to be used again */
    size_t size;
    alignas(max_align_t) unsigned char bytes[];
} mqueue_buffer;

typedef struct mqueue_buffers {
    size_t size; /* of each that is kept */
    mqueue_buffer *all;
    mqueue_buffer *free;
} mqueue_buffers;

void mqueue_buffers_init(mqueue_buffers *buffers, size_t size);
/* From now on they are of this size: the free ones go, those that are lent out go when they are given back. */
void mqueue_buffers_resize(mqueue_buffers *buffers, size_t size);
/* Frees all, those that are lent out, too. */
void mqueue_buffers_fini(mqueue_buffers *buffers);
/* NULL: no memory. */
mqueue_buffer *mqueue_buffers_take(mqueue_buffers *buffers, size_t size);
void mqueue_buffers_give(mqueue_buffers *buffers, mqueue_buffer *buffer);

#endif
