/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a publisher has gathered (VIA_MORE) since it last looked who has come.
 *
 * Owns: a copy of those messages. To look is a system call, which costs many times what a message of a series costs. So a
 * publisher does not look for each, but before anything leaves; and whoever has connected by then gets these first. Thus it
 * misses nothing that was sent after its connect. Must never grow without bound: when it is full, it is time to look.
 */
#include "kit/hub_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    SERIES_MOST = 48 * 1024, /* less than what a stream gathers before it writes by itself */
    SERIES_LEAST = 4 * 1024
};

bool via_hub_series_has_room(via_hub *hub, size_t size)
{
    size_t capacity = hub->series_capacity ? hub->series_capacity : SERIES_LEAST;
    uint8_t *grown;

    if (size > SERIES_MOST || hub->series_size + sizeof(size) + size > SERIES_MOST)
        return false;
    while (capacity < hub->series_size + sizeof(size) + size)
        capacity *= 2;
    if (capacity == hub->series_capacity)
        return true;
    grown = realloc(hub->series, capacity);
    if (!grown)
        return false;
    hub->series = grown;
    hub->series_capacity = capacity;
    return true;
}

void via_hub_series_add(via_hub *hub, const via_slice *slices, size_t count, size_t size)
{
    uint8_t *at = hub->series + hub->series_size;

    memcpy(at, &size, sizeof(size));
    at += sizeof(size);
    for (size_t i = 0; i < count; i++) {
        if (slices[i].size > 0)
            memcpy(at, slices[i].data, slices[i].size);
        at += slices[i].size;
    }
    hub->series_size = (size_t)(at - hub->series);
}

bool via_hub_series_next(const via_hub *hub, size_t *at, via_slice *message)
{
    if (*at == hub->series_size)
        return false;
    memcpy(&message->size, hub->series + *at, sizeof(message->size));
    message->data = hub->series + *at + sizeof(message->size);
    *at += sizeof(message->size) + message->size;
    return true;
}

void via_hub_series_look(via_hub *hub)
{
    via_hub_work(hub);
    hub->series_size = 0;
}

void via_hub_series_end(via_hub *hub)
{
    if (hub->series_size > 0)
        via_hub_series_look(hub);
    hub->gathering = false;
}

void via_hub_series_fini(via_hub *hub)
{
    free(hub->series);
    hub->series = NULL;
    hub->series_size = 0;
    hub->series_capacity = 0;
}
