/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of what messages hold gets longer; see holds.h.
 */
#include "holds.h"

enum { LEAST = 16 };

bool shm_holds_grow(shm_holds *holds)
{
    uint32_t room = holds->room ? 2 * holds->room : LEAST;
    shm_hold *queue = malloc(room * sizeof(*queue));

    if (!queue)
        return false;
    for (uint32_t i = 0; i < holds->count; i++)
        queue[i] = holds->queue[(holds->first + i) & (holds->room - 1)];
    free(holds->queue);
    *holds = (shm_holds){queue, room, 0, holds->count};
    return true;
}
