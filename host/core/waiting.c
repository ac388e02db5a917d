/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting in a waitset, and waking it.
 *
 * Two lists say what has to be armed before a sleep: `dirty` (added, woken, notified) and `reported` (ready the last
 * time, so perhaps still). Everything else sleeps in the poller and costs nothing.
 *
 * Notices (attention, interrupts) come without the lock, from signal handlers too: they are pushed on `inbox`, and
 * the event is raised if a wait sleeps. The wait says that it will sleep before it looks at the inbox for the last
 * time, so one of the two always sees the other.
 */
#include "core/waitset.h"

#include "platform/clock.h"
#include "platform/event.h"

enum { LOOK_BATCH = 64 };

/* ---- lists -------------------------------------------------------------------------------------------------- */

void via_entry_queue_push(via_entry_queue *queue, via_entry *entry)
{
    entry->dirty_next = NULL;
    if (queue->last != NULL)
        queue->last->dirty_next = entry;
    else
        queue->first = entry;
    queue->last = entry;
}

via_entry *via_entry_queue_pop(via_entry_queue *queue)
{
    via_entry *entry = queue->first;
    if (entry == NULL)
        return NULL;
    queue->first = entry->dirty_next;
    if (queue->first == NULL)
        queue->last = NULL;
    return entry;
}

void via_entry_queue_append(via_entry_queue *queue, via_entry_queue *tail)
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

void via_entry_queue_drop(via_entry_queue *queue, via_entry *entry)
{
    via_entry_queue kept = {NULL, NULL};
    for (via_entry *each = via_entry_queue_pop(queue); each != NULL; each = via_entry_queue_pop(queue)) {
        if (each != entry)
            via_entry_queue_push(&kept, each);
    }
    *queue = kept;
}

void via_waitset_mark(via_waitset *set, via_entry *entry)
{
    if (entry->is_dirty || entry->context == NULL)
        return;
    entry->is_dirty = true;
    via_entry_queue_push(&set->dirty, entry);
}

/* ---- notices ------------------------------------------------------------------------------------------------ */

void via_waitset_raise(via_waitset *set)
{
    if (atomic_load(&set->is_sleeping))
        via_event_raise(set->event);
}

void via_entry_notify(via_entry *entry)
{
    via_waitset *set = entry->set;
    if (!atomic_exchange(&entry->is_notified, true)) {
        via_entry *first = atomic_load(&set->inbox);
        do {
            entry->inbox_next = first;
        } while (!atomic_compare_exchange_weak(&set->inbox, &first, entry));
    }
    via_waitset_raise(set);
}

void via_waitset_collect(via_waitset *set)
{
    via_entry *entry = atomic_exchange(&set->inbox, NULL);
    while (entry != NULL) {
        via_entry *next = entry->inbox_next;
        atomic_store(&entry->is_notified, false);
        via_waitset_mark(set, entry);
        entry = next;
    }
}

void via_waitset_wake(via_waitset *set)
{
    if (via_fork_word_is_foreign(set->generation))
        return;
    atomic_store(&set->is_woken, true);
    via_waitset_raise(set);
}

/* ---- waiting ------------------------------------------------------------------------------------------------ */

/* Arms what is dirty and reports what is ready, until `ready` is full. */
static size_t serve(via_waitset *set, via_ready *ready, size_t capacity, size_t count)
{
    while (count < capacity) {
        via_entry *entry = via_entry_queue_pop(&set->dirty);
        if (entry == NULL)
            break;
        const uint32_t events = via_entry_arm(entry);
        entry->is_dirty = events != 0;
        if (events == 0)
            continue;
        via_entry_queue_push(&set->reported, entry);
        ready[count++] = (via_ready){entry->channel, entry->listener, entry->user, events, 0};
    }
    return count;
}

/*
 * The poller shows a handle of nobody's time and again: a transport has closed it behind our back, and a copy of it in
 * another process keeps it there, where no name reaches it any more. A new poller has never heard of it.
 */
static void renew_poller(via_waitset *set)
{
    via_poller fresh;
    int32_t os_code;
    if (via_poller_open(&fresh, &os_code) != VIA_OK)
        return; /* the next look tries it again */
    if (via_poller_add(fresh, set->event, VIA_WAIT_READABLE, VIA_WAITSET_EVENT_TAG) != VIA_OK) {
        via_poller_close(fresh);
        return;
    }
    via_poller_close(set->poller);
    set->poller = fresh;
    set->strangers = 0;
    for (via_entry *entry = set->entries; entry != NULL; entry = entry->next) {
        via_entry_forget_poller(entry);
        via_waitset_mark(set, entry);
    }
}

static void take_in(via_waitset *set, const uint64_t *tags, size_t count)
{
    bool has_stranger = false;
    for (size_t i = 0; i < count; i++) {
        if (tags[i] == VIA_WAITSET_EVENT_TAG) {
            via_event_clear(set->event);
            continue;
        }
        via_entry *entry = via_tags_find(&set->tags, tags[i]);
        has_stranger = has_stranger || entry == NULL;
        if (entry == NULL)
            continue; /* perhaps removed while the poller was asked: then it is not shown again */
        entry->is_woken = true;
        via_waitset_mark(set, entry);
    }
    set->strangers = has_stranger ? set->strangers + 1 : 0;
    if (set->strangers > 1)
        renew_poller(set);
}

/* Asks the poller, asleep if need be, and marks what it shows. The lock is held before and after. */
static via_status look(via_waitset *set, via_deadline deadline)
{
    uint64_t tags[LOOK_BATCH];
    size_t count = 0;
    atomic_store(&set->is_sleeping, true);
    const bool has_news = atomic_load(&set->inbox) != NULL || atomic_load(&set->is_woken);
    const via_poller poller = set->poller; /* replaced by this thread only */
    via_mutex_give(&set->lock);
    const via_status status = via_poller_wait(poller, tags, LOOK_BATCH, &count, has_news ? VIA_NOW : deadline);
    via_mutex_take(&set->lock);
    atomic_store(&set->is_sleeping, false);
    take_in(set, tags, count);
    return status == VIA_ETIMEDOUT && has_news ? VIA_OK : status;
}

/*
 * The poller is asked at least once in a wait that reports something, so that no busy channel hides another; the clock
 * after each round, since what wakes us need not be anything to report.
 */
static via_status wait_for_some(via_waitset *set, via_ready *ready, size_t capacity, size_t *count,
                                via_deadline deadline)
{
    via_status status = VIA_OK;
    bool has_looked = false;
    via_entry_queue_append(&set->dirty, &set->reported);
    for (;;) {
        via_waitset_collect(set);
        *count = serve(set, ready, capacity, *count);
        if (*count > 0 && has_looked)
            return VIA_OK;
        if (*count == 0 && (atomic_exchange(&set->is_woken, false) || status != VIA_OK))
            return status;
        if (*count == 0 && has_looked && via_clock_has_passed(deadline))
            return VIA_ETIMEDOUT;
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
