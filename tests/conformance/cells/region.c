/* SPDX-License-Identifier: Apache-2.0 */
/* Regions: the table of via.region/1. */
#include "cells.h"

#include <string.h>
#include <viaduct/ext/region.h>

static via_status region_map(void *self, via_region_view *view)
{
    const via_cell *cell = self;

    view->writable = !cell->reads_only;
    view->address = cell->bytes;
    view->bytes = cell->head->bytes;
    view->max_bytes = CELL_MOST;
    view->generation = via_cell_latest(cell);
    return VIA_OK;
}

static via_status region_lock(void *self, via_deadline deadline, uint32_t *state)
{
    via_cell *cell = self;
    via_status status = cell->reads_only ? VIA_EPERM : via_cell_take(cell, deadline);

    if (status != VIA_OK)
        return status;
    *state = cell->head->dirty && !via_cell_is(cell, BREAK_UNAWARE) ? VIA_REGION_ABANDONED : VIA_REGION_CONSISTENT;
    cell->head->dirty += cell->head->dirty ? 0 : 2; /* 2: in the hands of an owner; 1: of a dead one's */
    if (*state == VIA_REGION_ABANDONED)
        cell->head->dirty = 1;
    return VIA_OK;
}

static via_status region_repaired(void *self)
{
    via_cell *cell = self;

    if (!cell->owns)
        return VIA_EPERM;
    cell->head->dirty = 2;
    return VIA_OK;
}

static via_status region_unlock(void *self)
{
    via_cell *cell = self;

    if (!cell->owns)
        return VIA_EPERM;
    if (cell->head->dirty == 2)
        cell->head->dirty = 0;
    via_cell_give(cell);
    return VIA_OK;
}

static via_status region_notify(void *self)
{
    via_cell *cell = self;

    if (!via_cell_is(cell, BREAK_MUTE))
        via_cell_publish(cell);
    return VIA_OK;
}

static via_status region_wait(void *self, uint64_t *generation, via_deadline deadline)
{
    via_cell *cell = self;
    via_status status = via_cell_await(cell, *generation, deadline);

    if (status == VIA_OK)
        cell->seen = *generation = via_cell_latest(cell);
    return status;
}

static via_status region_grow(void *self, uint64_t bytes)
{
    via_cell *cell = self;

    if (!cell->owns)
        return VIA_EPERM;
    if (bytes > CELL_MOST)
        return VIA_ETOOBIG;
    if (bytes > cell->head->bytes && !via_cell_is(cell, BREAK_NO_GROWTH))
        cell->head->bytes = bytes;
    return region_notify(cell);
}

static const via_region table = {sizeof(table), 0,           region_map, region_lock, region_repaired, region_unlock,
                                 region_notify, region_wait, region_grow};

const void *via_cell_extension(void *channel, const char *id, void **self)
{
    *self = channel;
    return ((via_cell *)channel)->pattern == VIA_PATTERN_REGION && strcmp(id, VIA_REGION_ID) == 0 ? &table : NULL;
}
