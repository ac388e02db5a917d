/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message: what a slot says of it, how it is written, and every check of what another has written.
 *
 * Owns: the choice between slot, arena and segment by size, and what belongs to a received message that is not in shared memory.
 * Must never look at a letter twice: it is copied out of shared memory before it is checked and used.
 */
#ifndef SHM_LETTER_H
#define SHM_LETTER_H

#include "arena.h"
#include "layout.h"
#include "segments.h"

#include <string.h>

/* ---- writing ------------------------------------------------------------------------------------------------ */

/* What is to be placed. */
typedef struct shm_parcel {
    const via_slice *slices;
    size_t count;
    size_t size;
    const via_meta *meta;
    uint16_t key_size; /* with the NUL, 0 = none */
    uint16_t type_size;
} shm_parcel;

/* Where it is. `segment` NULL and `offset` NONE = in its slot. */
typedef struct shm_place {
    uint64_t offset;
    uint64_t texts; /* offset in the arena; NONE = in the slot */
    shm_segment *segment;
} shm_place;

#define SHM_IN_ITS_SLOT ((shm_place){SHM_ARENA_NONE, SHM_ARENA_NONE, NULL})

static inline uint16_t shm_text_size(const char *text)
{
    return (uint16_t)(text ? strlen(text) + 1 : 0);
}

static inline shm_parcel shm_parcel_wrap(const via_slice *slices, size_t count, const via_meta *meta)
{
    shm_parcel made = {.slices = slices, .count = count, .meta = meta};

    for (size_t i = 0; i < count; i++)
        made.size += slices[i].size;
    if (meta && (meta->key || meta->content_type)) {
        made.key_size = shm_text_size(meta->key);
        made.type_size = shm_text_size(meta->content_type);
    }
    return made;
}

/* Bytes of key and type. */
static inline size_t shm_parcel_texts(const shm_parcel *what)
{
    return (size_t)what->key_size + what->type_size;
}

static inline void shm_parcel_copy(const shm_parcel *what, unsigned char *to)
{
    for (size_t i = 0; i < what->count; i++) {
        if (what->slices[i].size)
            memcpy(to, what->slices[i].data, what->slices[i].size);
        to += what->slices[i].size;
    }
}

static inline unsigned char *shm_place_bytes(const shm_place *place, const shm_arena *arena, unsigned char *in_slot)
{
    if (place->segment)
        return place->segment->memory.base;
    return place->offset == SHM_ARENA_NONE ? in_slot : arena->base + place->offset;
}

/* Gives back what it takes of both. */
void shm_place_give(const shm_place *place, shm_arena *arena, shm_pool *pool);

/* Writes the letter of a parcel, and its texts. `in_slot`: the bytes of its slot. */
void shm_letter_write(shm_letter *letter, const shm_parcel *what, const shm_place *place, const shm_arena *arena,
                      unsigned char *in_slot);

void shm_letter_write_texts(const shm_parcel *what, unsigned char *to);

/* The same of a parcel that is all in its slot. */
static inline void shm_letter_write_in_slot(shm_letter *letter, const shm_parcel *what, unsigned char *in_slot)
{
    *letter = (shm_letter){.size = what->size,
                           .priority = what->meta ? what->meta->priority : 0,
                           .key_size = what->key_size,
                           .type_size = what->type_size,
                           .kind = SHM_IN_SLOT,
                           .texts_in_slot = 1};
    if (shm_parcel_texts(what))
        shm_letter_write_texts(what, in_slot + what->size);
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

/* Whom a letter is from. */
typedef struct shm_sender {
    const unsigned char *arena;
    uint64_t arena_size;
    uint64_t max_message; /* more than that nobody may send us */
} shm_sender;

/* A letter, copied, and where its message lies. */
typedef struct shm_reading {
    shm_letter letter;
    const unsigned char *bytes; /* of one in a segment: NULL, for the caller to find */
    const unsigned char *texts;
} shm_reading;

/* False: it describes a message that cannot be. `in_slot`: the bytes of the slot that the letter was copied from. */
bool shm_letter_find(const shm_sender *sender, const unsigned char *in_slot, shm_reading *reading);

/* What belongs to one message and is not in shared memory. */
typedef struct shm_belongings {
    void *owner;     /* the caller's */
    uint32_t serial; /* of the segment that the message lies in, 0 = none */
    bool given_back; /* its slot is: the bytes are in `bytes` */
    char key[256];
    char type[256];
    alignas(max_align_t) unsigned char bytes[];
} shm_belongings;

/* Copies the texts, and with `copies` the bytes; fills the message to match. NULL: no memory. */
shm_belongings *shm_belongings_make(const shm_reading *reading, bool copies, via_msg *message);

#endif
