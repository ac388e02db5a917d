/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory files that have come through a pair's socket, until the reference to them comes out of the queue.
 *
 * Owns: the descriptors. Bounded, since the other end could send them for ever. One call at a time.
 */
#ifndef MQUEUE_PARCELS_H
#define MQUEUE_PARCELS_H

#include <viaduct/types.h>

typedef struct mqueue_parcels {
    struct mqueue_parcel *parcels;
    size_t count;
    size_t room;
    size_t limit;
} mqueue_parcels;

void mqueue_parcels_init(mqueue_parcels *parcels, size_t limit);
void mqueue_parcels_fini(mqueue_parcels *parcels);
/* Keeps the descriptor. VIA_OK; VIA_EPROTO: too many; VIA_ENOMEM: then it stays the caller's. */
via_status mqueue_parcels_put(mqueue_parcels *parcels, uint64_t number, int descriptor);
/* The descriptor of that number, which becomes the caller's, or -1. */
int mqueue_parcels_take(mqueue_parcels *parcels, uint64_t number);

#endif
