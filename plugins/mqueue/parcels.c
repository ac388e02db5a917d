/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory files that wait for their reference; see parcels.h.
 */
#include "parcels.h"

#include <stdlib.h>
#include <unistd.h>

typedef struct mqueue_parcel {
    uint64_t number;
    int descriptor;
} mqueue_parcel;

void mqueue_parcels_init(mqueue_parcels *parcels, size_t limit)
{
    *parcels = (mqueue_parcels){.limit = limit};
}

void mqueue_parcels_fini(mqueue_parcels *parcels)
{
    for (size_t i = 0; i < parcels->count; i++)
        (void)close(parcels->parcels[i].descriptor);
    free(parcels->parcels);
    *parcels = (mqueue_parcels){.limit = 0};
}

via_status mqueue_parcels_put(mqueue_parcels *parcels, uint64_t number, int descriptor)
{
    if (parcels->count >= parcels->limit)
        return VIA_EPROTO;
    if (parcels->count == parcels->room) {
        size_t room = parcels->room ? 2 * parcels->room : 8;
        mqueue_parcel *larger = realloc(parcels->parcels, room * sizeof(*larger));
        if (!larger)
            return VIA_ENOMEM;
        parcels->parcels = larger;
        parcels->room = room;
    }
    parcels->parcels[parcels->count++] = (mqueue_parcel){number, descriptor};
    return VIA_OK;
}

int mqueue_parcels_take(mqueue_parcels *parcels, uint64_t number)
{
    for (size_t i = 0; i < parcels->count; i++) {
        if (parcels->parcels[i].number != number)
            continue;
        int descriptor = parcels->parcels[i].descriptor;
        parcels->parcels[i] = parcels->parcels[--parcels->count];
        return descriptor;
    }
    return -1;
}
