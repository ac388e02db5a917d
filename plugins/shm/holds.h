/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What messages under way hold: places in the arena, segments.
 *
 * Owns: a queue in the order of sending. It says the same as the slots do, but to read those again would fetch each from the processor
 * that has received it. A message that is all in its slot holds nothing and is not in here.
 */
#ifndef SHM_HOLDS_H
#define SHM_HOLDS_H

#include "letter.h"

#include <stdlib.h>

typedef struct shm_hold {
    shm_place place;
    uint32_t position;
} shm_hold;

typedef struct shm_holds {
    shm_hold *queue; /* as many as there are slots, a power of two; what was never used has no memory */
    uint32_t mask;
    uint32_t first;
    uint32_t count;
} shm_holds;

static inline bool shm_holds_init(shm_holds *holds, uint32_t slots)
{
    *holds = (shm_holds){.queue = malloc(slots * sizeof(shm_hold)), .mask = slots - 1};
    return holds->queue != NULL;
}

static inline void shm_holds_fini(shm_holds *holds)
{
    free(holds->queue);
}

/* The message at `position` lies there. */
static inline void shm_holds_add(shm_holds *holds, uint32_t position, const shm_place *place)
{
    holds->queue[(holds->first + holds->count++) & holds->mask] = (shm_hold){*place, position};
}

/* Takes off what the oldest holds, if it was sent before `head`. */
static inline bool shm_holds_take(shm_holds *holds, uint32_t head, shm_place *place)
{
    const shm_hold *oldest = &holds->queue[holds->first & holds->mask];

    if (holds->count == 0 || (int32_t)(head - oldest->position) <= 0)
        return false;
    *place = oldest->place;
    holds->first = --holds->count ? holds->first + 1 : 0; /* few under way use little memory */
    return true;
}

#endif
