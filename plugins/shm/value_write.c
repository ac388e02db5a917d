/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a last-value cell; see value.h.
 *
 * Owns: the rooms that values are written in. A writer that dies in the middle leaves the value before in place.
 */
#include "value.h"

#include "memfd.h"

#include <stdlib.h>
#include <string.h>

static uint64_t largest_room(const shm_member *member)
{
    return shm_memory_round(member->limit + SHM_VALUE_TEXTS, 0);
}

/* A larger room behind everything else; the old one goes back to the system. */
static via_status move(shm_member *member, shm_entry *entry, uint64_t size)
{
    shm_common *common = member->common;
    uint64_t place = SHM_GET(&entry->place), room = SHM_GET(&entry->room), end = SHM_GET(&common->end);
    uint64_t largest = largest_room(member), wanted = room < largest / 2 ? 2 * room : largest;

    wanted = shm_memory_round(wanted > size ? wanted : size, 0);
    if (end < SHM_PAGE || end % SHM_PAGE || end > member->store.reserve)
        return shm_member_break(member, SHM_VALUE_NONSENSE);
    via_status status = shm_store_allocate(&member->store, end, wanted);
    if (status != VIA_OK)
        return status;
    if (shm_value_holds(member, place, room))
        shm_store_discard(&member->store, place, room);
    SHM_PUT(&entry->place, end);
    SHM_PUT(&entry->room, wanted);
    SHM_PUT(&common->end, end + wanted);
    return VIA_OK;
}

static via_status make_room(shm_member *member, shm_entry *entry, uint64_t size)
{
    uint64_t room = SHM_GET(&entry->room);

    return room >= size && shm_value_holds(member, SHM_GET(&entry->place), room) ? VIA_OK : move(member, entry, size);
}

static void fill(shm_entry *entry, const shm_parcel *what, unsigned char *at)
{
    shm_parcel_copy(what, at);
    at += what->size;
    if (what->key_size)
        memcpy(at, what->meta->key, what->key_size);
    if (what->type_size)
        memcpy(at + what->key_size, what->meta->content_type, what->type_size);
    SHM_PUT(&entry->size, what->size);
    SHM_PUT(&entry->key_size, (uint32_t)what->key_size);
    SHM_PUT(&entry->type_size, (uint32_t)what->type_size);
    SHM_PUT(&entry->priority, what->meta ? (uint32_t)what->meta->priority : 0);
}

/* With the lock held. */
static via_status put(shm_value *value, const shm_parcel *what)
{
    shm_member *member = &value->member;
    uint64_t generation = shm_member_latest(member) + 1;
    shm_entry *entry = shm_value_entry(member->common, generation);

    shm_value_begin(entry);
    via_status status = make_room(member, entry, what->size + shm_parcel_texts(what));
    if (status != VIA_OK)
        return status;
    uint64_t place = SHM_GET(&entry->place); /* it may have changed since, and must be what was checked */
    if (!shm_value_holds(member, place, what->size + shm_parcel_texts(what)))
        return shm_member_break(member, SHM_VALUE_NONSENSE);
    fill(entry, what, member->store.base + place);
    shm_value_publish(member->common, entry, generation);
    atomic_store(&value->sent, generation);
    return VIA_OK;
}

via_status shm_value_send(void *channel, const via_slice *slices, size_t count, const via_meta *meta,
                          via_deadline deadline)
{
    shm_member *member = channel;
    const shm_parcel what = shm_parcel_wrap(slices, count, meta);
    bool died = false;
    via_status status = atomic_load_explicit(&member->broken, memory_order_relaxed);

    if (status != VIA_OK)
        return status;
    if (what.size > member->limit)
        return VIA_ETOOBIG;
    shm_value_stay(channel);
    status = shm_member_lock(member, deadline, &died);
    if (status != VIA_OK)
        return status;
    if (died) /* its half of a value is seen by nobody, and overwritten now */
        shm_lock_clean(&member->common->owner);
    status = put(channel, &what);
    (void)shm_member_unlock(member);
    if (status == VIA_OK)
        shm_member_announce(member);
    return status;
}

/* ---- loans -------------------------------------------------------------------------------------------------- */

via_status shm_value_loan(void *channel, size_t size, via_deadline deadline, via_msg *out)
{
    const shm_member *member = channel;

    (void)deadline;
    if (size > member->limit)
        return VIA_ETOOBIG;
    shm_copy *loan = malloc(sizeof(*loan) + size + 1);
    if (!loan)
        return VIA_ENOMEM;
    loan->capacity = loan->size = size;
    *out = (via_msg){.data = loan->bytes, .size = size, .token = {(uintptr_t)loan, 0}};
    return VIA_OK;
}

void shm_value_discard(void *channel, via_msg *message)
{
    (void)channel;
    free((void *)message->token[0]); // NOLINT(performance-no-int-to-ptr)
}

via_status shm_value_commit(void *channel, via_msg *message, via_deadline deadline)
{
    const shm_copy *loan = (const shm_copy *)message->token[0]; // NOLINT(performance-no-int-to-ptr)
    const via_slice bytes = {loan->bytes, message->size};

    if (message->size > loan->size)
        return VIA_EINVAL;
    via_status status = shm_value_send(channel, &bytes, 1, &message->meta, deadline);
    if (status == VIA_OK)
        shm_value_discard(channel, message);
    return status;
}
