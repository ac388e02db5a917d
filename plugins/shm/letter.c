/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message; see letter.h.
 *
 * Must never follow a number out of shared memory that it has not checked.
 */
#include "letter.h"

#include <stdlib.h>

/* ---- writing ------------------------------------------------------------------------------------------------ */

void shm_place_give(const shm_place *place, shm_arena *arena, shm_pool *pool)
{
    if (place->segment)
        shm_pool_give(pool, place->segment->serial);
    else if (place->offset != SHM_ARENA_NONE)
        shm_arena_give(arena, place->offset);
    if (place->texts != SHM_ARENA_NONE)
        shm_arena_give(arena, place->texts);
}

void shm_letter_write_texts(const shm_parcel *what, unsigned char *to)
{
    if (what->key_size)
        memcpy(to, what->meta->key, what->key_size);
    if (what->type_size)
        memcpy(to + what->key_size, what->meta->content_type, what->type_size);
}

void shm_letter_write(shm_letter *letter, const shm_parcel *what, const shm_place *place, const shm_arena *arena,
                      unsigned char *in_slot)
{
    bool is_in_slot = !place->segment && place->offset == SHM_ARENA_NONE;

    letter->kind = place->segment ? SHM_IN_SEGMENT : is_in_slot ? SHM_IN_SLOT : SHM_IN_ARENA;
    letter->key_size = what->key_size;
    letter->type_size = what->type_size;
    letter->texts_in_slot = place->texts == SHM_ARENA_NONE;
    letter->segment = place->segment ? place->segment->serial : 0;
    letter->size = what->size;
    letter->place = place->segment || is_in_slot ? 0 : (uint32_t)place->offset;
    letter->texts_place = letter->texts_in_slot ? 0 : (uint32_t)place->texts;
    letter->priority = what->meta ? what->meta->priority : 0;
    if (what->meta && (what->key_size || what->type_size))
        shm_letter_write_texts(what, letter->texts_in_slot ? in_slot + (is_in_slot ? what->size : 0)
                                                           : arena->base + place->texts);
}

/* ---- checking ----------------------------------------------------------------------------------------------- */

static bool fits(uint64_t place, uint64_t size, uint64_t whole)
{
    return place <= whole && size <= whole - place;
}

static bool find_texts(const shm_sender *sender, const unsigned char *in_slot, shm_reading *reading)
{
    const shm_letter *letter = &reading->letter;
    uint64_t size = (uint64_t)letter->key_size + letter->type_size;
    uint64_t before = letter->kind == SHM_IN_SLOT ? letter->size : 0;

    if (size == 0)
        return true;
    if (letter->key_size > 256 || letter->type_size > 256)
        return false;
    if (letter->texts_in_slot ? !fits(before, size, SHM_SLOT_BYTES)
                              : !fits(letter->texts_place, size, sender->arena_size))
        return false;
    reading->texts = letter->texts_in_slot ? in_slot + before : sender->arena + letter->texts_place;
    return true;
}

bool shm_letter_find(const shm_sender *sender, const unsigned char *in_slot, shm_reading *reading)
{
    const shm_letter *letter = &reading->letter;

    reading->bytes = reading->texts = NULL;
    if (letter->size > sender->max_message || !find_texts(sender, in_slot, reading))
        return false;
    switch (letter->kind) {
    case SHM_IN_SLOT:
        reading->bytes = in_slot;
        return letter->size <= SHM_SLOT_BYTES;
    case SHM_IN_ARENA:
        if (!fits(letter->place, letter->size, sender->arena_size))
            return false;
        reading->bytes = sender->arena + letter->place;
        return true;
    default:
        return letter->kind == SHM_IN_SEGMENT;
    }
}

/* ---- belongings --------------------------------------------------------------------------------------------- */

static const char *copy_text(char to[256], const unsigned char *from, size_t skip, uint16_t size)
{
    if (size == 0)
        return NULL;
    memcpy(to, from + skip, size);
    to[size - 1] = '\0';
    return to;
}

shm_belongings *shm_belongings_make(const shm_reading *reading, bool copies, via_msg *message)
{
    const shm_letter *letter = &reading->letter;
    shm_belongings *made = malloc(sizeof(*made) + (copies ? (size_t)letter->size : 0));

    if (!made)
        return NULL;
    made->owner = NULL;
    made->serial = letter->kind == SHM_IN_SEGMENT ? letter->segment : 0;
    made->given_back = false;
    message->meta.key = copy_text(made->key, reading->texts, 0, letter->key_size);
    message->meta.content_type = copy_text(made->type, reading->texts, letter->key_size, letter->type_size);
    if (copies) {
        memcpy(made->bytes, reading->bytes, (size_t)letter->size);
        message->data = made->bytes;
    }
    return made;
}
