/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memories for messages that are larger than the ring.
 *
 * Owns: on the writing side a few memories, each with at most one message at a time, kept for the next one while they are
 * not too much together; on the reading side the views of them. A memory has a serial number, which is not used again, and which
 * says where it stands on both sides.
 */
#ifndef SHM_SEGMENTS_H
#define SHM_SEGMENTS_H

#include "memfd.h"
#include "words.h"

#include <stdatomic.h>

enum { SHM_SEGMENTS = 8 };

static inline uint32_t shm_segment_index(uint32_t serial)
{
    return serial % SHM_SEGMENTS;
}

typedef struct shm_segment {
    shm_memory memory;
    size_t asked;    /* bytes, for the message that is out */
    uint32_t serial; /* 0 = none */
    bool is_out;
} shm_segment;

/* The writing side. One thread. */
typedef struct shm_pool {
    shm_segment segments[SHM_SEGMENTS];
    size_t kept;   /* bytes of those that are not out */
    uint32_t made; /* how many */
    uint32_t how;  /* SHM_TOUCH, SHM_HUGE */
    /* Tells whoever reads: a SHM_SEGMENT, and its memory, or -1 if there is none any more. As shm_word_send(). */
    via_status (*tell)(void *user, shm_word *word, int descriptor);
    void *user;
} shm_pool;

/*
 * A memory of at least `size` bytes; the other end has been told of it. VIA_OK; VIA_ETIMEDOUT: all are out, or the
 * other end cannot be told now; VIA_ENOMEM, VIA_ELIMIT, VIA_EPEER, VIA_EIO.
 */
via_status shm_pool_take(shm_pool *pool, size_t size, shm_segment **segment);
/* Is one of them free, so that none has to be made? */
bool shm_pool_has(const shm_pool *pool, size_t size);
/* The other end has given its message back. */
void shm_pool_give(shm_pool *pool, uint32_t serial);
shm_segment *shm_pool_find(shm_pool *pool, uint32_t serial);
void shm_pool_drop(shm_pool *pool);

/*
 * The reading side. Changed under the lock of the words; a message is borrowed and given back without it. Who changes a view
 * takes its serial number away, then looks whether anything is out; who borrows says so, then looks at the number.
 */
typedef struct shm_view {
    shm_memory memory;
    atomic_uint serial; /* 0 = none */
    atomic_uint lent;   /* messages in it that are out */
} shm_view;

typedef struct shm_views {
    shm_view views[SHM_SEGMENTS];
    uint32_t how;
} shm_views;

/* Does what a SHM_SEGMENT says. VIA_OK; VIA_EPROTO, VIA_ENOMEM. The descriptor stays the caller's. */
via_status shm_views_change(shm_views *views, const shm_word *word, int descriptor);
shm_view *shm_views_find(shm_views *views, uint32_t serial);
/* For a message of that size. NULL: not known, or too small. It stays mapped until it is given back. */
shm_view *shm_views_borrow(shm_views *views, uint32_t serial, uint64_t size);
void shm_view_give_back(shm_view *view);
void shm_views_drop(shm_views *views);

#endif
