/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a poller knows the entries of a waitset by: the place in a table, and how often that place has been used.
 */
#include "core/tags.h"

#include <stdlib.h>

enum { LEAST_SLOTS = 8 };

static uint64_t tag_of(const via_tags *tags, uint32_t index)
{
    return (uint64_t)tags->slots[index].generation << 32 | (index + 1u);
}

static bool grow(via_tags *tags)
{
    const uint32_t count = tags->count > 0 ? 2 * tags->count : LEAST_SLOTS;
    via_tag_slot *slots = count > tags->count ? realloc(tags->slots, count * sizeof(*slots)) : NULL;
    if (slots == NULL)
        return false;
    for (uint32_t i = tags->count; i < count; i++)
        slots[i] = (via_tag_slot){NULL, 0, i + 1 < count ? i + 2 : 0};
    tags->free = tags->count + 1;
    tags->slots = slots;
    tags->count = count;
    return true;
}

via_status via_tags_take(via_tags *tags, via_entry *entry, uint64_t *tag)
{
    if (tags->free == 0 && !grow(tags))
        return VIA_ENOMEM;
    const uint32_t index = tags->free - 1;
    tags->free = tags->slots[index].next;
    tags->slots[index].entry = entry;
    *tag = tag_of(tags, index);
    return VIA_OK;
}

void via_tags_give(via_tags *tags, uint64_t tag)
{
    const uint32_t index = (uint32_t)tag - 1;
    tags->slots[index] = (via_tag_slot){NULL, tags->slots[index].generation + 1, tags->free};
    tags->free = index + 1;
}

via_entry *via_tags_find(const via_tags *tags, uint64_t tag)
{
    const uint32_t index = (uint32_t)tag - 1;
    if (index >= tags->count || tag_of(tags, index) != tag)
        return NULL;
    return tags->slots[index].entry;
}

void via_tags_fini(via_tags *tags)
{
    free(tags->slots);
    *tags = (via_tags){0};
}
