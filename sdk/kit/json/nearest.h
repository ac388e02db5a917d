/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nearest right name to a wrong one.
 *
 * Owns: the measure (edits, with a swap of neighbours as one) and how far is too far to be worth saying.
 */
#ifndef VIADUCT_KIT_NEAREST_H
#define VIADUCT_KIT_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

/* A search in progress: offer every right name, then look at `best`. */
typedef struct via_nearest {
    const char *wrong;
    const char *best; /* borrowed from the caller; NULL = nothing is near */
    size_t distance;
} via_nearest;

void via_nearest_begin(via_nearest *nearest, const char *wrong);
void via_nearest_offer(via_nearest *nearest, const char *right);

#endif
