/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for what is published; see topic_publisher.h.
 *
 * Owns: when an old message is given up for a new one. Old messages stay whole until their memory is needed, for those who come late
 * and for those who are slow. Must never give up what a subscriber holds, unless overflow=drop-oldest.
 */
#include "topic_publisher.h"

#include "topic.h"

enum { SEGMENT_BYTES = 64 * 1024 * 1024 }; /* that much in segments may be kept for those who come late */

/* ---- giving up ---------------------------------------------------------------------------------------------- */

/* Looks again at the slowest, and at the next one once that has moved. */
static void look_at_slowest(topic_publisher *publisher)
{
    topic_head *slowest;

    while ((slowest = topic_heads_slowest(&publisher->heads)) != NULL &&
           slowest->position == publisher->writer.oldest) {
        topic_subscriber *who = (topic_subscriber *)(void *)slowest;
        uint64_t before = slowest->position;
        if (who->desk && !topic_writer_look(&publisher->writer, who->desk, &slowest->position)) {
            topic_publisher_drop(publisher, who, "it gave back what it never had");
            continue;
        }
        if (slowest->position == before)
            return;
        topic_heads_moved(&publisher->heads, slowest);
    }
}

bool topic_publisher_can_give_up(topic_publisher *publisher)
{
    const topic_writer *writer = &publisher->writer;

    if (writer->oldest == writer->tail)
        return false;
    if (publisher->settings.overflow == SHM_DROP_OLDEST)
        return true;
    look_at_slowest(publisher);
    const topic_head *slowest = topic_heads_slowest(&publisher->heads);
    return !slowest || slowest->position != writer->oldest;
}

/* Reads our own slot, which nobody else can write. */
static bool give_one_up(topic_publisher *publisher)
{
    const shm_letter *letter = &topic_writer_slot(&publisher->writer, publisher->writer.oldest)->letter;

    if (!topic_publisher_can_give_up(publisher))
        return false;
    topic_writer_give_up(&publisher->writer);
    if (letter->kind == SHM_IN_ARENA)
        shm_arena_give(&publisher->arena, letter->place);
    else if (letter->kind == SHM_IN_SEGMENT)
        shm_pool_give(&publisher->pool, letter->segment);
    if (!letter->texts_in_slot)
        shm_arena_give(&publisher->arena, letter->texts_place);
    return true;
}

/* ---- finding ------------------------------------------------------------------------------------------------ */

static size_t bytes_out(const topic_publisher *publisher)
{
    size_t sum = 0;

    for (size_t i = 0; i < SHM_SEGMENTS; i++)
        sum += publisher->pool.segments[i].is_out ? publisher->pool.segments[i].memory.size : 0;
    return sum;
}

static via_status find_segment(topic_publisher *publisher, size_t size, shm_place *place)
{
    via_status status;

    while (bytes_out(publisher) > SEGMENT_BYTES && give_one_up(publisher))
        ;
    while ((status = shm_pool_take(&publisher->pool, size, &place->segment)) == VIA_ETIMEDOUT)
        if (!give_one_up(publisher))
            return status;
    if (status == VIA_OK)
        topic_publisher_show(publisher, place->segment);
    return status;
}

/* NONE: there is no room now. A loan that lies in the way is the caller's own: waiting for it would be for ever. */
static uint64_t find_block(topic_publisher *publisher, size_t size)
{
    uint64_t offset;

    while ((offset = shm_arena_take(&publisher->arena, size)) == SHM_ARENA_NONE)
        if (shm_arena_is_held_by_loan(&publisher->arena) || !give_one_up(publisher))
            break;
    return offset;
}

via_status topic_publisher_find(topic_publisher *publisher, size_t size, shm_place *place)
{
    if (size > shm_arena_limit(&publisher->arena))
        return find_segment(publisher, size, place);
    place->offset = find_block(publisher, size);
    if (place->offset != SHM_ARENA_NONE)
        return VIA_OK;
    return shm_arena_is_held_by_loan(&publisher->arena) ? find_segment(publisher, size, place) : VIA_ETIMEDOUT;
}

via_status topic_publisher_find_texts(topic_publisher *publisher, size_t size, shm_place *place)
{
    place->texts = find_block(publisher, size);
    if (place->texts != SHM_ARENA_NONE)
        return VIA_OK;
    return shm_arena_is_held_by_loan(&publisher->arena) ? VIA_ENOMEM : VIA_ETIMEDOUT;
}

via_status topic_publisher_find_slot(topic_publisher *publisher)
{
    while (!topic_writer_has_room(&publisher->writer))
        if (!give_one_up(publisher))
            return VIA_ETIMEDOUT;
    return VIA_OK;
}

void topic_publisher_return(topic_publisher *publisher, const shm_place *place)
{
    shm_place_give(place, &publisher->arena, &publisher->pool);
}
