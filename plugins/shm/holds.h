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
    shm_hold *queue; /* `room` of them, a power of two; NULL until there is a large message */
    uint32_t room;
    uint32_t first;
    uint32_t count;
} shm_holds;

static inline void shm_holds_fini(shm_holds *holds)
{
    free(holds->queue);
}

/* Makes the queue longer. */
bool shm_holds_grow(shm_holds *holds);

/* Is there room for one more? False: no memory. */
static inline bool shm_holds_reserve(shm_holds *holds)
{
    return holds->count < holds->room || shm_holds_grow(holds);
}

/* The message at `position` lies there. Only with room. */
static inline void shm_holds_add(shm_holds *holds, uint32_t position, const shm_place *place)
{
    holds->queue[(holds->first + holds->count++) & (holds->room - 1)] = (shm_hold){*place, position};
}

/* Takes off what the oldest holds, if it was sent before `head`. */
static inline bool shm_holds_take(shm_holds *holds, uint32_t head, shm_place *place)
{
    if (holds->count == 0)
        return false;
    const shm_hold *oldest = &holds->queue[holds->first & (holds->room - 1)];
    if ((int32_t)(head - oldest->position) <= 0)
        return false;
    *place = oldest->place;
    holds->first++;
    holds->count--;
    return true;
}

#endif
