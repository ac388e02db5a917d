/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memories for messages that are larger than the ring; see segments.h.
 *
 * Must never unmap what a message that is out lies in.
 */
#include "segments.h"

#include <unistd.h>

enum { KEPT_BYTES = 64 * 1024 * 1024 }; /* free memories that are kept for the next message, together */

/* ---- writing ------------------------------------------------------------------------------------------------ */

/* A little more than is needed, so that growing messages do not each make a memory: at most a quarter. */
static size_t generous(size_t size)
{
    size_t step = 1;

    while (step <= size / 8)
        step *= 2;
    return (size + step - 1) & ~(step - 1);
}

shm_segment *shm_pool_find(shm_pool *pool, uint32_t serial)
{
    shm_segment *segment = &pool->segments[shm_segment_index(serial)];

    return segment->serial == serial ? segment : NULL;
}

static bool is_better(const shm_segment *candidate, const shm_segment *best)
{
    return !best || candidate->memory.size < best->memory.size;
}

static bool suits(const shm_segment *candidate, size_t size)
{
    return candidate->serial && !candidate->is_out && candidate->memory.size >= size;
}

/* The smallest free one that is large enough. */
static shm_segment *find_free(shm_pool *pool, size_t size)
{
    shm_segment *best = NULL;

    for (size_t i = 0; i < SHM_SEGMENTS; i++)
        if (suits(&pool->segments[i], size) && is_better(&pool->segments[i], best))
            best = &pool->segments[i];
    return best;
}

bool shm_pool_has(const shm_pool *pool, size_t size)
{
    for (size_t i = 0; i < SHM_SEGMENTS; i++)
        if (suits(&pool->segments[i], size))
            return true;
    return false;
}

/* A place that is empty, else the smallest that is free. */
static shm_segment *find_place(shm_pool *pool)
{
    shm_segment *best = NULL;

    for (size_t i = 0; i < SHM_SEGMENTS; i++)
        if (!pool->segments[i].is_out && is_better(&pool->segments[i], best))
            best = &pool->segments[i];
    return best;
}

static via_status tell(const shm_pool *pool, const shm_segment *segment, int descriptor)
{
    shm_word word = {.kind = SHM_SEGMENT, .serial = segment->serial, .size = segment->memory.size};

    return pool->tell(pool->user, &word, descriptor);
}

/* Never 0, nor one that was given a short while ago. */
static uint32_t next_serial(shm_pool *pool, uint32_t index)
{
    pool->made = pool->made < UINT32_MAX / SHM_SEGMENTS - 1 ? pool->made + 1 : 1;
    return pool->made * SHM_SEGMENTS + index;
}

via_status shm_pool_take(shm_pool *pool, size_t size, shm_segment **segment)
{
    shm_segment *place = find_free(pool, size), made = {.asked = size, .is_out = true};
    int descriptor = -1;

    *segment = place;
    if (place) {
        place->is_out = true;
        place->asked = size;
        pool->kept -= place->memory.size;
        return VIA_OK;
    }
    if ((place = find_place(pool)) == NULL)
        return VIA_ETIMEDOUT;
    via_status status = shm_memory_create(generous(size), pool->how, &made.memory, &descriptor);
    if (status != VIA_OK)
        return status;
    made.serial = next_serial(pool, (uint32_t)(place - pool->segments));
    shm_segment before = *place;
    *place = made;
    status = tell(pool, place, descriptor);
    (void)close(descriptor);
    if (status == VIA_OK)
        pool->kept -= before.memory.size;
    else
        *place = before;
    shm_memory_drop(status == VIA_OK ? &before.memory : &made.memory);
    *segment = status == VIA_OK ? place : NULL;
    return status;
}

void shm_pool_give(shm_pool *pool, uint32_t serial)
{
    shm_segment *segment = shm_pool_find(pool, serial);

    segment->is_out = false;
    pool->kept += segment->memory.size;
    if (pool->kept <= KEPT_BYTES)
        return;
    pool->kept -= segment->memory.size;
    shm_memory_drop(&segment->memory); /* size 0: the other end drops its view */
    (void)tell(pool, segment, -1);
    segment->serial = 0;
}

void shm_pool_drop(shm_pool *pool)
{
    for (size_t i = 0; i < SHM_SEGMENTS; i++)
        shm_memory_drop(&pool->segments[i].memory);
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

shm_view *shm_views_find(shm_views *views, uint32_t serial)
{
    shm_view *view = &views->views[shm_segment_index(serial)];

    return serial && atomic_load(&view->serial) == serial ? view : NULL;
}

shm_view *shm_views_borrow(shm_views *views, uint32_t serial, uint64_t size)
{
    shm_view *view = shm_views_find(views, serial);

    if (!view)
        return NULL;
    atomic_fetch_add(&view->lent, 1);
    if (atomic_load(&view->serial) == serial && size <= view->memory.size)
        return view;
    shm_view_give_back(view);
    return NULL;
}

void shm_view_give_back(shm_view *view)
{
    atomic_fetch_sub(&view->lent, 1);
}

via_status shm_views_change(shm_views *views, const shm_word *word, int descriptor)
{
    shm_view *view = &views->views[shm_segment_index(word->serial)];

    if (word->serial == 0)
        return VIA_EPROTO;
    uint32_t before = atomic_exchange(&view->serial, 0);
    if (atomic_load(&view->lent) > 0) {
        atomic_store(&view->serial, before);
        return VIA_EPROTO;
    }
    shm_memory_drop(&view->memory);
    if (word->size == 0)
        return VIA_OK;
    via_status status = shm_memory_adopt(descriptor, (size_t)word->size, views->how, &view->memory);
    if (status == VIA_OK)
        atomic_store(&view->serial, word->serial);
    return status;
}

void shm_views_drop(shm_views *views)
{
    for (size_t i = 0; i < SHM_SEGMENTS; i++)
        shm_memory_drop(&views->views[i].memory);
}
