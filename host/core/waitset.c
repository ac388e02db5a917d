/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The waitset's calls: adding, removing, waiting, waking.
 *
 * Two lists say what has to be armed before a sleep: `dirty` (added, woken, notified) and `reported` (ready the last
 * time, so perhaps still). Everything else sleeps in the poller and costs nothing.
 *
 * Notices (attention, interrupts) come without the lock, from signal handlers too: they are pushed on `inbox`, and
 * the event is raised if a wait sleeps. The wait says that it will sleep before it looks at the inbox for the last
 * time, so one of the two always sees the other.
 */
#include "core/waitset.h"

#include "core/channel.h"
#include "core/error.h"
#include "core/listener.h"
#include "platform/event.h"
#include <stdlib.h>
#include <string.h>

enum { LOOK_BATCH = 64 };

/* ---- lists -------------------------------------------------------------------------------------------------- */

static void push(via_entry_queue *queue, via_entry *entry)
{
    entry->dirty_next = NULL;
    if (queue->last != NULL)
        queue->last->dirty_next = entry;
    else
        queue->first = entry;
    queue->last = entry;
}

static via_entry *pop(via_entry_queue *queue)
{
    via_entry *entry = queue->first;
    if (entry == NULL)
        return NULL;
    queue->first = entry->dirty_next;
    if (queue->first == NULL)
        queue->last = NULL;
    return entry;
}

static void append(via_entry_queue *queue, via_entry_queue *tail)
{
    if (tail->first == NULL)
        return;
    if (queue->last != NULL)
        queue->last->dirty_next = tail->first;
    else
        queue->first = tail->first;
    queue->last = tail->last;
    tail->first = NULL;
    tail->last = NULL;
}

static void drop(via_entry_queue *queue, via_entry *entry)
{
    via_entry_queue kept = {NULL, NULL};
    for (via_entry *each = pop(queue); each != NULL; each = pop(queue)) {
        if (each != entry)
            push(&kept, each);
    }
    *queue = kept;
}

static void mark_dirty(via_waitset *set, via_entry *entry)
{
    if (entry->is_dirty || entry->context == NULL)
        return;
    entry->is_dirty = true;
    push(&set->dirty, entry);
}

/* ---- notices ------------------------------------------------------------------------------------------------ */

void via_entry_notify(via_entry *entry)
{
    via_waitset *set = entry->set;
    if (!atomic_exchange(&entry->is_notified, true)) {
        via_entry *first = atomic_load(&set->inbox);
        do {
            entry->inbox_next = first;
        } while (!atomic_compare_exchange_weak(&set->inbox, &first, entry));
    }
    if (atomic_load(&set->is_sleeping))
        via_event_raise(set->event);
}

static void collect_notices(via_waitset *set)
{
    via_entry *entry = atomic_exchange(&set->inbox, NULL);
    while (entry != NULL) {
        via_entry *next = entry->inbox_next;
        atomic_store(&entry->is_notified, false);
        mark_dirty(set, entry);
        entry = next;
    }
}

/* ---- making and freeing ------------------------------------------------------------------------------------- */

via_status via_waitset_create(via_waitset **out, via_error *error)
{
    int32_t os_code = 0;
    if (error != NULL)
        via_error_init(error);
    *out = NULL;
    via_waitset *set = calloc(1, sizeof(*set));
    if (set == NULL)
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_OPEN, "free some memory", "out of memory for a waitset");
    set->poller = VIA_POLLER_NONE;
    set->event = VIA_EVENT_NONE;
    via_mutex_init(&set->lock);
    set->generation = via_fork_word_enter();
    via_status status = via_poller_open(&set->poller, &os_code);
    if (status == VIA_OK)
        status = via_event_open(&set->event, &os_code);
    if (status == VIA_OK)
        status = via_poller_add(set->poller, set->event, VIA_WAIT_READABLE, NULL);
    if (status != VIA_OK) {
        via_waitset_destroy(set);
        (void)via_error_set(error, status, VIA_STAGE_OPEN, "raise the limit of open files (ulimit -n), or close some",
                            "cannot make a waitset");
        via_error_os(error, os_code);
        return status;
    }
    *out = set;
    return VIA_OK;
}

/* In a child the poller is the parent's too: its registrations must stay, only memory goes. */
static void free_entries(via_waitset *set, bool is_foreign)
{
    while (set->entries != NULL) {
        via_entry *entry = set->entries;
        set->entries = entry->next;
        if (is_foreign && entry->context != NULL)
            atomic_store(&entry->context->entry, NULL);
        else if (entry->context != NULL)
            via_context_leave(entry->context);
        if (!is_foreign)
            via_entry_withdraw(entry);
        free(entry);
    }
}

void via_waitset_destroy(via_waitset *set)
{
    if (set == NULL)
        return;
    free_entries(set, via_fork_word_is_foreign(set->generation));
    via_event_close(set->event);
    via_poller_close(set->poller);
    via_mutex_fini(&set->lock);
    free(set);
}

/* ---- adding and removing ------------------------------------------------------------------------------------ */

static via_entry *make_entry(via_waitset *set, via_context *context, via_channel *channel, via_listener *listener)
{
    via_entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        return NULL;
    entry->set = set;
    entry->context = context;
    entry->channel = channel;
    entry->listener = listener;
    for (size_t i = 0; i < VIA_ENTRY_EVENTS; i++) {
        entry->places[i].handle = -1;
        entry->place_of[i] = VIA_ENTRY_NO_PLACE;
    }
    return entry;
}

static void link_entry(via_waitset *set, via_entry *entry)
{
    entry->next = set->entries;
    if (entry->next != NULL)
        entry->next->previous = entry;
    set->entries = entry;
}

static void unlink_entry(via_waitset *set, via_entry *entry)
{
    if (entry->previous != NULL)
        entry->previous->next = entry->next;
    else
        set->entries = entry->next;
    if (entry->next != NULL)
        entry->next->previous = entry->previous;
}

/* With the lock held. The entry's memory stays while a wait may still see it in the poller's answer. */
static void remove_entry(via_waitset *set, via_entry *entry)
{
    via_context_leave(entry->context);
    collect_notices(set); /* nobody pushes it any more: now it is in no inbox */
    via_entry_withdraw(entry);
    unlink_entry(set, entry);
    if (entry->is_dirty) {
        drop(&set->dirty, entry);
        drop(&set->reported, entry);
    }
    entry->context = NULL;
    if (!set->is_looking) {
        free(entry);
        return;
    }
    entry->dirty_next = set->graveyard;
    set->graveyard = entry;
}

static void wake_sleeper(via_waitset *set)
{
    if (atomic_load(&set->is_sleeping))
        via_event_raise(set->event);
}

static via_status insert(via_waitset *set, via_entry *entry, uint32_t events, void *user)
{
    entry->events = events;
    entry->user = user;
    const via_status status = via_entry_resolve(entry);
    if (status != VIA_OK)
        return status;
    via_entry *nobody = NULL;
    if (!atomic_compare_exchange_strong(&entry->context->entry, &nobody, entry))
        return VIA_EBUSY;
    link_entry(set, entry);
    mark_dirty(set, entry);
    wake_sleeper(set);
    return VIA_OK;
}

static via_status change(via_waitset *set, via_entry *entry, uint32_t events, void *user)
{
    const uint32_t before = entry->events;
    entry->events = events;
    const via_status status = via_entry_resolve(entry);
    if (status != VIA_OK) {
        entry->events = before;
        return status;
    }
    entry->user = user;
    mark_dirty(set, entry);
    wake_sleeper(set);
    return VIA_OK;
}

static via_status add(via_waitset *set, via_context *context, via_channel *channel, via_listener *listener,
                      uint32_t events, void *user)
{
    if (via_fork_word_is_foreign(set->generation) || via_context_is_foreign(context))
        return VIA_EFORK;
    if (events == 0 || (events & ~(uint32_t)(VIA_READ | VIA_WRITE)) != 0)
        return VIA_EINVAL;
    via_mutex_take(&set->lock);
    via_entry *entry = atomic_load(&context->entry);
    via_status status;
    if (entry != NULL) {
        status = entry->set == set ? change(set, entry, events, user) : VIA_EBUSY;
    } else {
        entry = make_entry(set, context, channel, listener);
        status = entry != NULL ? insert(set, entry, events, user) : VIA_ENOMEM;
        if (status != VIA_OK)
            free(entry);
    }
    via_mutex_give(&set->lock);
    return status;
}

static via_status withdraw(via_waitset *set, via_context *context)
{
    if (via_fork_word_is_foreign(set->generation) || via_context_is_foreign(context))
        return VIA_EFORK;
    via_mutex_take(&set->lock);
    via_entry *entry = atomic_load(&context->entry);
    const bool is_member = entry != NULL && entry->set == set;
    if (is_member)
        remove_entry(set, entry);
    via_mutex_give(&set->lock);
    return is_member ? VIA_OK : VIA_ENOENT;
}

via_status via_waitset_add(via_waitset *set, via_channel *channel, uint32_t events, void *user)
{
    return add(set, &channel->context, channel, NULL, events, user);
}

via_status via_waitset_add_listener(via_waitset *set, via_listener *listener, void *user)
{
    return add(set, &listener->context, NULL, listener, VIA_READ, user);
}

via_status via_waitset_remove(via_waitset *set, via_channel *channel)
{
    return withdraw(set, &channel->context);
}

via_status via_waitset_remove_listener(via_waitset *set, via_listener *listener)
{
    return withdraw(set, &listener->context);
}

void via_waitset_forget(via_context *context)
{
    via_entry *entry = atomic_load(&context->entry);
    if (entry == NULL)
        return;
    if (!via_context_is_foreign(context)) {
        (void)withdraw(entry->set, context);
        return;
    }
    entry->context = NULL; /* the set's memory in the child is freed with the set */
}

/* ---- waiting ------------------------------------------------------------------------------------------------ */

/* Arms what is dirty and reports what is ready, until `ready` is full. */
static size_t serve(via_waitset *set, via_ready *ready, size_t capacity, size_t count)
{
    while (count < capacity) {
        via_entry *entry = pop(&set->dirty);
        if (entry == NULL)
            break;
        const uint32_t events = via_entry_arm(entry);
        entry->is_dirty = events != 0;
        if (events == 0)
            continue;
        push(&set->reported, entry);
        ready[count++] = (via_ready){entry->channel, entry->listener, entry->user, events, 0};
    }
    return count;
}

static void bury(via_waitset *set)
{
    while (set->graveyard != NULL) {
        via_entry *entry = set->graveyard;
        set->graveyard = entry->dirty_next;
        free(entry);
    }
}

static void take_in(via_waitset *set, void *const *tags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        via_entry *entry = tags[i];
        if (entry == NULL) {
            via_event_clear(set->event);
            continue;
        }
        entry->is_woken = true;
        mark_dirty(set, entry);
    }
}

/* Asks the poller, asleep if need be, and marks what it shows. The lock is held before and after. */
static via_status look(via_waitset *set, via_deadline deadline)
{
    void *tags[LOOK_BATCH];
    size_t count = 0;
    atomic_store(&set->is_sleeping, true);
    const bool has_news = atomic_load(&set->inbox) != NULL || atomic_load(&set->is_woken);
    set->is_looking = true;
    via_mutex_give(&set->lock);
    const via_status status = via_poller_wait(set->poller, tags, LOOK_BATCH, &count, has_news ? VIA_NOW : deadline);
    via_mutex_take(&set->lock);
    set->is_looking = false;
    atomic_store(&set->is_sleeping, false);
    take_in(set, tags, count);
    bury(set);
    return status == VIA_ETIMEDOUT && has_news ? VIA_OK : status;
}

/* The poller is asked at least once in a wait that reports something, so that no busy channel hides another. */
static via_status wait_for_some(via_waitset *set, via_ready *ready, size_t capacity, size_t *count,
                                via_deadline deadline)
{
    via_status status = VIA_OK;
    bool has_looked = false;
    append(&set->dirty, &set->reported);
    for (;;) {
        collect_notices(set);
        *count = serve(set, ready, capacity, *count);
        if (*count > 0 && has_looked)
            return VIA_OK;
        if (*count == 0 && (atomic_exchange(&set->is_woken, false) || status != VIA_OK))
            return status == VIA_ETIMEDOUT ? VIA_ETIMEDOUT : status;
        status = look(set, *count > 0 ? VIA_NOW : deadline);
        has_looked = true;
    }
}

via_status via_waitset_wait(via_waitset *set, via_ready *ready, size_t capacity, size_t *count, via_deadline deadline)
{
    *count = 0;
    if (via_fork_word_is_foreign(set->generation))
        return VIA_EFORK;
    if (capacity == 0)
        return VIA_EINVAL;
    via_mutex_take(&set->lock);
    via_status status = VIA_EBUSY; /* one thread waits */
    if (!set->is_waiting) {
        set->is_waiting = true;
        status = wait_for_some(set, ready, capacity, count, deadline);
        set->is_waiting = false;
    }
    via_mutex_give(&set->lock);
    return status;
}

void via_waitset_wake(via_waitset *set)
{
    if (via_fork_word_is_foreign(set->generation))
        return;
    atomic_store(&set->is_woken, true);
    wake_sleeper(set);
}
