/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A last-value cell.
 *
 * Owns: writing a value beside those before it, and copying the newest one out. A reader copies, then asks whether what it
 * copied was whole: so it never holds a writer up, and never shows half a value. A writer that dies in the middle leaves
 * the value before in place. Must never use a place or size of the directory that it has not copied and checked.
 */
#include "kit/deadline.h"
#include "kit/fail.h"
#include "letter.h"
#include "member.h"

#include "futex.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEXTS = 512,      /* key and type at most, with their NULs */
    GROWTHS = 3,      /* all rooms an entry ever has, each twice the one before, are less than this many of the last */
    NONSENSE = 10000, /* looks at a value that is not there, though its number is */
    DRAIN_NS = 5 * 1000 * 1000, /* between two looks for others */
    ATTEMPTS = 32               /* copies that were overwritten meanwhile, before the deadline is looked at */
};

/* A copy that is lent to the application, or a loan. */
typedef struct shm_copy {
    size_t capacity;
    size_t size; /* of a loan */
    alignas(max_align_t) unsigned char bytes[];
} shm_copy;

typedef struct shm_value {
    shm_member member;      /* first */
    shm_copy *spare;        /* the receiving thread's */
    _Atomic(uint64_t) sent; /* generation of our newest value */
    atomic_bool is_leaving; /* has drained, and done nothing since */
} shm_value;

/* A directory entry, copied. */
typedef struct shm_directions {
    uint64_t place, size;
    uint32_t key_size, type_size;
    int32_t priority;
} shm_directions;

static uint64_t whole_pages(uint64_t size)
{
    return (size + SHM_PAGE - 1) & ~(uint64_t)(SHM_PAGE - 1);
}

/* Who goes on after a drain keeps values for others again. */
static void stay(shm_value *value)
{
    if (atomic_load_explicit(&value->is_leaving, memory_order_relaxed) && atomic_exchange(&value->is_leaving, false))
        (void)shm_roster_want_to_leave(&value->member.roster, false);
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

static uint64_t largest_room(const shm_member *member)
{
    return whole_pages(member->limit + TEXTS);
}

/* Is there such a piece of memory? */
static bool is_there(shm_member *member, uint64_t place, uint64_t size)
{
    return place >= SHM_PAGE && place % SHM_PAGE == 0 && place <= member->store.reserve &&
           size <= member->store.reserve - place && shm_store_reaches(&member->store, place + size);
}

/* A larger room behind everything else; the old one goes back to the system. */
static via_status move(shm_member *member, shm_entry *entry, uint64_t size)
{
    shm_common *common = member->common;
    uint64_t place = SHM_GET(&entry->place), room = SHM_GET(&entry->room), end = SHM_GET(&common->end);
    uint64_t largest = largest_room(member), wanted = room < largest / 2 ? 2 * room : largest;

    wanted = whole_pages(wanted > size ? wanted : size);
    if (end < SHM_PAGE || end % SHM_PAGE || end > member->store.reserve)
        return shm_member_break(member, "the directory of values makes no sense");
    via_status status = shm_store_allocate(&member->store, end, wanted);
    if (status != VIA_OK)
        return status;
    if (is_there(member, place, room))
        shm_store_discard(&member->store, place, room);
    SHM_PUT(&entry->place, end);
    SHM_PUT(&entry->room, wanted);
    SHM_PUT(&common->end, end + wanted);
    return VIA_OK;
}

static via_status make_room(shm_member *member, shm_entry *entry, uint64_t size)
{
    uint64_t room = SHM_GET(&entry->room);

    return room >= size && is_there(member, SHM_GET(&entry->place), room) ? VIA_OK : move(member, entry, size);
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
    if (!is_there(member, place, what->size + shm_parcel_texts(what)))
        return shm_member_break(member, "the directory of values makes no sense");
    fill(entry, what, member->store.base + place);
    shm_value_publish(member->common, entry, generation);
    atomic_store(&value->sent, generation);
    return VIA_OK;
}

static via_status value_send(void *channel, const via_slice *slices, size_t count, const via_meta *meta,
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
    stay(channel);
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

/* ---- loans: a buffer of our own, since a value that is being written must not wait for the application ----------- */

static via_status value_loan(void *channel, size_t size, via_deadline deadline, via_msg *out)
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

static void value_discard(void *channel, via_msg *message)
{
    (void)channel;
    free((void *)message->token[0]); // NOLINT(performance-no-int-to-ptr)
}

static via_status value_commit(void *channel, via_msg *message, via_deadline deadline)
{
    const shm_copy *loan = (const shm_copy *)message->token[0]; // NOLINT(performance-no-int-to-ptr)
    const via_slice bytes = {loan->bytes, message->size};

    if (message->size > loan->size)
        return VIA_EINVAL;
    via_status status = value_send(channel, &bytes, 1, &message->meta, deadline);
    if (status == VIA_OK)
        value_discard(channel, message);
    return status;
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

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
    return view->size <= member->store.reserve && view->key_size <= TEXTS / 2 && view->type_size <= TEXTS / 2 &&
           is_there(member, view->place, view->size + view->key_size + view->type_size);
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
            return shm_member_break(member, "the directory of values makes no sense");
        if (tries % ATTEMPTS == ATTEMPTS - 1 && same < ATTEMPTS && via_deadline_left(deadline) == 0)
            return VIA_ETIMEDOUT;
        shm_futex_pause();
    }
}

static via_status value_receive(void *channel, via_deadline deadline, via_msg *out)
{
    shm_value *value = channel;

    stay(value);
    via_status status = shm_member_await(&value->member, atomic_load(&value->member.seen), deadline);

    return status == VIA_OK ? take_newest(value, deadline, out) : status;
}

static void value_release(void *channel, via_msg *message)
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

/* ---- draining ------------------------------------------------------------------------------------------------ */

/*
 * Does our newest value depend on this process? Not if somebody has taken it, or a member has it who does not wait for the
 * same: several that only set values and go would otherwise each rely on the others.
 */
static bool depends_on_us(shm_value *value)
{
    uint64_t sent = atomic_load(&value->sent);

    return sent > SHM_GET(&value->member.common->taken) && !shm_roster_has_others_staying(&value->member.roster);
}

static via_status await_a_keeper(shm_value *value, via_deadline deadline)
{
    while (depends_on_us(value)) {
        if (via_deadline_left(deadline) == 0)
            return VIA_ETIMEDOUT;
        via_deadline turn = via_deadline_min(deadline, via_deadline_after(DRAIN_NS));
        if (via_wake_poll(&value->member.wake, -1, 0, turn) == VIA_ECANCELED)
            return VIA_ECANCELED;
    }
    return VIA_OK;
}

/* First said, then looked for others: of two who leave at once, one at least sees that the other does. */
static via_status value_drain(void *channel, via_deadline deadline, uint64_t *undelivered)
{
    shm_value *value = channel;

    if (!atomic_exchange(&value->is_leaving, true))
        (void)shm_roster_want_to_leave(&value->member.roster, true); /* unheard, the others rely on us, as before */
    via_status status = await_a_keeper(value, deadline);
    *undelivered = status == VIA_ETIMEDOUT;
    return status == VIA_OK ? shm_member_flush(channel, deadline) : status;
}

/* ---- life --------------------------------------------------------------------------------------------------- */

static void value_close(void *channel, uint32_t how)
{
    shm_value *value = channel;

    shm_member_dispose(&value->member, how);
    free(value->spare);
    free(value);
}

/* A value is the newest only, a copy, and goes with the last member. */
static void value_info(void *channel, via_channel_info *inout)
{
    const shm_member *member = channel;

    inout->flags &= ~(uint32_t)(VIA_INFO_LOSSLESS | VIA_INFO_LOAN_NATIVE | VIA_INFO_LINGER_NATIVE);
    if (inout->max_message > member->limit)
        inout->max_message = member->limit;
}

static const via_channel_ops value_ops = {
    .size = sizeof(via_channel_ops),
    .send = value_send,
    .recv = value_receive,
    .release = value_release,
    .loan = value_loan,
    .commit = value_commit,
    .discard = value_discard,
    .flush = shm_member_flush,
    .drain = value_drain,
    .pollable = shm_member_pollable,
    .arm = shm_member_arm,
    .interrupt = shm_member_interrupt,
    .close = value_close,
    .info = value_info,
    .refresh_counters = shm_member_refresh_counters,
};

/* A page for each entry. */
static void prepare(shm_common *common, const shm_extent *extent)
{
    for (uint64_t i = 0; i < SHM_ENTRIES; i++) {
        SHM_PUT(&common->entries[i].place, (i + 1) * SHM_PAGE);
        SHM_PUT(&common->entries[i].room, (uint64_t)SHM_PAGE);
    }
    SHM_PUT(&common->end, extent->size);
}

via_status shm_value_join(const via_host_api *host, shm_porter *porter, const via_open *open, void **channel,
                          via_error *error)
{
    const uint64_t least = (UINT64_C(1) + SHM_ENTRIES) * SHM_PAGE;
    const uint64_t room = whole_pages(open->max_message + TEXTS);
    const shm_extent extent = {
        .size = least, .reserve = least + room * GROWTHS * SHM_ENTRIES, .limit = open->max_message, .prepare = prepare};
    shm_value *value = aligned_alloc(SHM_LINE, (sizeof(*value) + SHM_LINE - 1) / SHM_LINE * SHM_LINE);
    shm_settings settings;

    if (!value)
        return via_fail(host, error, VIA_ENOMEM, 0, NULL, "no memory for a channel");
    memset(value, 0, sizeof(*value));
    shm_settings_read(host, open, &settings);
    shm_member_init(&value->member, &value_ops, &settings, porter, VIA_PATTERN_VALUE);
    via_status status = shm_member_join(&value->member, open, &extent, error);
    if (status == VIA_OK)
        *channel = value;
    else
        value_close(value, VIA_CLOSE_FLUSH);
    return status;
}
