/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The waitset's calls, but for the waiting itself: making and freeing, adding and removing.
 */
#include "core/waitset.h"

#include "core/channel.h"
#include "core/listener.h"
#include "kit/error.h"
#include "platform/event.h"
#include <stdlib.h>

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
        status = via_poller_add(set->poller, set->event, VIA_WAIT_READABLE, VIA_WAITSET_EVENT_TAG);
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
    via_tags_fini(&set->tags);
    via_mutex_fini(&set->lock);
    free(set);
}

/* ---- adding and removing ------------------------------------------------------------------------------------ */

static via_entry *make_entry(via_waitset *set, via_context *context, via_channel *channel, via_listener *listener)
{
    via_entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        return NULL;
    if (via_tags_take(&set->tags, entry, &entry->tag) != VIA_OK) {
        free(entry);
        return NULL;
    }
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

static void free_entry(via_waitset *set, via_entry *entry)
{
    via_tags_give(&set->tags, entry->tag);
    free(entry);
}

/* With the lock held. A wait that sleeps meanwhile may still be shown the entry's tag, and finds nobody. */
static void remove_entry(via_waitset *set, via_entry *entry)
{
    via_context_leave(entry->context);
    via_waitset_collect(set); /* nobody pushes it any more: now it is in no inbox */
    via_entry_withdraw(entry);
    unlink_entry(set, entry);
    if (entry->is_dirty) {
        via_entry_queue_drop(&set->dirty, entry);
        via_entry_queue_drop(&set->reported, entry);
    }
    free_entry(set, entry);
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
    if (atomic_load(&entry->context->suspensions) != 0) /* whoever suspended it has not seen the entry */
        via_entry_suspend(entry);
    link_entry(set, entry);
    via_waitset_mark(set, entry);
    via_waitset_raise(set);
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
    via_waitset_mark(set, entry);
    via_waitset_raise(set);
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
        if (status != VIA_OK && entry != NULL)
            free_entry(set, entry);
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

/* ---- suspending --------------------------------------------------------------------------------------------- */

/*
 * The entry of a channel that others may be taking out of its set, or whose set they may be freeing: NULL, or the set's
 * lock is held and the entry stays until leave(). Never waits for the lock while it is counted as looking, since
 * whoever holds it may wait for that count.
 */
static via_entry *enter(via_context *context)
{
    for (;;) {
        (void)atomic_fetch_add(&context->notifiers, 1);
        via_entry *entry = atomic_load(&context->entry);
        if (entry != NULL && via_mutex_try(&entry->set->lock))
            return entry;
        (void)atomic_fetch_sub(&context->notifiers, 1);
        if (entry == NULL)
            return NULL;
        via_mutex_yield();
    }
}

static void leave(via_context *context, via_waitset *set)
{
    via_mutex_give(&set->lock);
    (void)atomic_fetch_sub(&context->notifiers, 1);
}

void via_waitset_suspend(via_context *context)
{
    (void)atomic_fetch_add(&context->suspensions, 1);
    via_entry *entry = enter(context);
    if (entry == NULL)
        return;
    via_entry_suspend(entry);
    leave(context, entry->set);
}

void via_waitset_resume(via_context *context)
{
    (void)atomic_fetch_sub(&context->suspensions, 1);
    via_entry *entry = enter(context);
    if (entry == NULL)
        return;
    (void)via_entry_resolve(entry); /* what cannot be waited for any more is left out */
    via_waitset_mark(entry->set, entry);
    via_waitset_raise(entry->set);
    leave(context, entry->set);
}

/* ---- calls -------------------------------------------------------------------------------------------------- */

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
