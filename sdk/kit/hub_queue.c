/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that wait for slow subscribers.
 *
 * Owns: one copy of a message however many wait for it, and a ring buffer of pointers for each of them. Must never decide
 * what is dropped: hub_publish.c does.
 */
#include "kit/hub_internal.h"

#include <stdlib.h>
#include <string.h>

enum { QUEUE_START = 16 };

via_hub_item *via_hub_item_create(const via_slice *slices, size_t count, size_t size)
{
    via_hub_item *item = malloc(sizeof(*item) + size);
    size_t at = 0;

    if (!item)
        return NULL;
    item->references = 1;
    item->size = size;
    for (size_t i = 0; i < count; i++) {
        if (slices[i].size > 0)
            memcpy(item->data + at, slices[i].data, slices[i].size);
        at += slices[i].size;
    }
    return item;
}

void via_hub_item_release(via_hub_item *item)
{
    if (item && --item->references == 0)
        free(item);
}

static via_status grow(via_hub_queue *queue)
{
    size_t capacity = queue->capacity ? 2 * queue->capacity : QUEUE_START;
    via_hub_item **items = malloc(capacity * sizeof(*items));

    if (!items)
        return VIA_ENOMEM;
    for (size_t i = 0; i < queue->count; i++)
        items[i] = queue->items[(queue->first + i) % queue->capacity];
    free(queue->items);
    queue->items = items;
    queue->capacity = capacity;
    queue->first = 0;
    return VIA_OK;
}

via_status via_hub_queue_put(via_hub_queue *queue, via_hub_item *item)
{
    if (queue->count == queue->capacity && grow(queue) != VIA_OK)
        return VIA_ENOMEM;
    queue->items[(queue->first + queue->count) % queue->capacity] = item;
    queue->count++;
    queue->bytes += item->size;
    item->references++;
    return VIA_OK;
}

via_hub_item *via_hub_queue_first(const via_hub_queue *queue)
{
    return queue->count ? queue->items[queue->first] : NULL;
}

void via_hub_queue_drop_first(via_hub_queue *queue)
{
    via_hub_item *item = queue->items[queue->first];

    queue->first = (queue->first + 1) % queue->capacity;
    queue->count--;
    queue->bytes -= item->size;
    via_hub_item_release(item);
    if (queue->count > 0)
        return;
    free(queue->items); /* a subscriber that keeps up needs none */
    *queue = (via_hub_queue){0};
}

void via_hub_queue_fini(via_hub_queue *queue)
{
    while (queue->count > 0)
        via_hub_queue_drop_first(queue);
    free(queue->items);
    *queue = (via_hub_queue){0};
}
