/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A last-value cell: one end of it.
 *
 * Owns: the state of a channel. A value is written beside those before it, and the newest one is copied out: a reader copies, then
 * asks whether what it copied was whole. So it never holds a writer up, and never shows half a value. Nobody may use a place or
 * size of the directory that was not copied and checked.
 */
#ifndef SHM_VALUE_H
#define SHM_VALUE_H

#include "letter.h"
#include "member.h"

#include <stdatomic.h>

enum { SHM_VALUE_TEXTS = 512 /* key and type at most, with their NULs */ };

/* What is told, and ends the channel, when the directory says what cannot be. */
#define SHM_VALUE_NONSENSE "the directory of values makes no sense"

/* A copy that is lent to the application, or a loan: a buffer of our own, since nobody may wait for the application. */
typedef struct shm_copy {
    size_t capacity;
    size_t size; /* of a loan */
    alignas(max_align_t) unsigned char bytes[];
} shm_copy;

typedef struct shm_value {
    shm_member member;      /* first */
    shm_copy *spare;        /* the receiving thread's */
    _Atomic(uint64_t) sent; /* generation of our newest value */
    atomic_bool is_leaving; /* has drained, and done nothing since */
} shm_value;

/* ---- value.c ------------------------------------------------------------------------------------------------ */

/* Is there such a piece of memory? */
bool shm_value_holds(shm_member *member, uint64_t place, uint64_t size);
/* Who goes on after a drain keeps values for others again. */
void shm_value_stay(shm_value *value);

/* ---- value_write.c, value_read.c: the slots ----------------------------------------------------------------- */

via_status shm_value_send(void *channel, const via_slice *slices, size_t count, const via_meta *meta,
                          via_deadline deadline);
via_status shm_value_loan(void *channel, size_t size, via_deadline deadline, via_msg *out);
via_status shm_value_commit(void *channel, via_msg *message, via_deadline deadline);
void shm_value_discard(void *channel, via_msg *message);

via_status shm_value_receive(void *channel, via_deadline deadline, via_msg *out);
void shm_value_release(void *channel, via_msg *message);

#endif
