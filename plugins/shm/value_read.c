/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a last-value cell; see value.h.
 *
 * Must never wait for a writer: what was overwritten while it was copied is copied again.
 */
#include "kit/deadline.h"
#include "kit/spin.h"
#include "value.h"

#include <stdlib.h>
#include <string.h>

enum {
    NONSENSE = 10000, /* looks at a value that is not there, though its number is */
    ATTEMPTS = 32     /* copies that were overwritten meanwhile, before the deadline is looked at */
};

/* A directory entry, copied. */
typedef struct shm_directions {
    uint64_t place, size;
    uint32_t key_size, type_size;
    int32_t priority;
} shm_directions;

static shm_copy *get_copy(shm_value *value, uint64_t size)
{
    shm_copy *copy = value->spare;

    if (copy && copy->capacity >= size)
        return copy;
    free(copy);
    copy = value->spare = malloc(sizeof(*copy) + size);
    if (copy)
        copy->capacity = size;
    return copy;
}

static shm_directions look_at(const shm_entry *entry)
{
    return (shm_directions){SHM_GET(&entry->place), SHM_GET(&entry->size), SHM_GET(&entry->key_size),
                            SHM_GET(&entry->type_size), (int32_t)SHM_GET(&entry->priority)};
}

static bool is_sound(shm_member *member, const shm_directions *view)
{
    return view->size <= member->store.reserve && view->key_size <= SHM_VALUE_TEXTS / 2 &&
           view->type_size <= SHM_VALUE_TEXTS / 2 &&
           shm_value_holds(member, view->place, view->size + view->key_size + view->type_size);
}

/* VIA_OK: it is in the spare copy. VIA_EREADY: it was overwritten meanwhile. */
static via_status copy_out(shm_value *value, uint64_t generation, shm_directions *view)
{
    shm_member *member = &value->member;
    const shm_entry *entry = shm_value_entry(member->common, generation);

    if (!shm_value_is_there(entry, generation))
        return VIA_EREADY;
    *view = look_at(entry);
    if (!is_sound(member, view))
        return shm_value_is_whole(entry, generation) ? VIA_EPROTO : VIA_EREADY;
    size_t size = view->size + view->key_size + view->type_size;
    shm_copy *copy = get_copy(value, size + 1);
    if (!copy)
        return VIA_ENOMEM;
    memcpy(copy->bytes, member->store.base + view->place, size);
    return shm_value_is_whole(entry, generation) ? VIA_OK : VIA_EREADY;
}

static const char *text_in(unsigned char *at, uint32_t size)
{
    if (size == 0)
        return NULL;
    at[size - 1] = '\0'; /* whatever was there */
    return (const char *)at;
}

static void lend(shm_value *value, uint64_t generation, const shm_directions *view, via_msg *out)
{
    shm_member *member = &value->member;
    shm_copy *copy = value->spare;
    uint64_t before = atomic_load(&member->seen), missed = before ? generation - before - 1 : 0;
    unsigned char *texts = copy->bytes + view->size;

    value->spare = NULL;
    *out = (via_msg){.data = copy->bytes, .size = view->size, .token = {(uintptr_t)copy, 0}};
    out->meta.sequence = generation;
    out->meta.flags = missed ? VIA_MISSED : 0;
    out->meta.priority = view->priority;
    out->meta.key = text_in(texts, view->key_size);
    out->meta.content_type = text_in(texts + view->key_size, view->type_size);
    if (missed)
        via_count(&member->settings.counters->missed, missed);
    atomic_store(&member->seen, generation);
    if (generation != atomic_load(&value->sent) && generation != SHM_GET(&member->common->taken))
        SHM_PUT(&member->common->taken, generation);
}

/* The newest value, however often it changes meanwhile. */
static via_status take_newest(shm_value *value, via_deadline deadline, via_msg *out)
{
    shm_member *member = &value->member;
    uint64_t before = 0;
    shm_directions view;

    for (int tries = 0, same = 0;; tries++) {
        uint64_t generation = shm_member_latest(member);
        if (generation <= atomic_load(&member->seen))
            return shm_member_break(member, "the number of the newest value went back");
        via_status status = copy_out(value, generation, &view);
        if (status == VIA_OK)
            lend(value, generation, &view, out);
        if (status == VIA_OK || status == VIA_ENOMEM)
            return status;
        same = generation == before ? same + 1 : 0;
        before = generation;
        if (status == VIA_EPROTO || same == NONSENSE)
            return shm_member_break(member, SHM_VALUE_NONSENSE);
        if (tries % ATTEMPTS == ATTEMPTS - 1 && same < ATTEMPTS && via_deadline_left(deadline) == 0)
            return VIA_ETIMEDOUT;
        via_spin_pause();
    }
}

via_status shm_value_receive(void *channel, via_deadline deadline, via_msg *out)
{
    shm_value *value = channel;

    shm_value_stay(value);
    via_status status = shm_member_await(&value->member, atomic_load(&value->member.seen), deadline);

    return status == VIA_OK ? take_newest(value, deadline, out) : status;
}

void shm_value_release(void *channel, via_msg *message)
{
    shm_value *value = channel;
    shm_copy *copy = (shm_copy *)message->token[0]; // NOLINT(performance-no-int-to-ptr)

    if (!value->spare || value->spare->capacity < copy->capacity) {
        free(value->spare);
        value->spare = copy;
    } else {
        free(copy);
    }
}
