/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for many channels and listeners.
 *
 * Owns: the entries of a set, and which of them have to be armed before the next sleep. Work per wake-up never grows
 * with the number of idle entries. Must never hold its lock while it sleeps.
 */
#ifndef VIADUCT_HOST_WAITSET_H
#define VIADUCT_HOST_WAITSET_H

#include "core/context.h"
#include "core/tags.h"
#include "platform/mutex.h"
#include "platform/poller.h"
#include <viaduct/viaduct.h>

enum { VIA_ENTRY_EVENTS = 3, VIA_ENTRY_NO_PLACE = 255 };
enum { VIA_WAITSET_EVENT_TAG = 0 }; /* of the set's own event in its poller */

/* One handle of an entry; events of one channel that share a handle share a place. */
typedef struct via_entry_place {
    intptr_t handle;
    uint32_t wait;  /* what the poller looks for now; 0 = it is not in the poller */
    bool is_second; /* `handle` is our own duplicate */
} via_entry_place;

struct via_entry {
    via_waitset *set;
    uint64_t tag;         /* what the poller shows for its handles */
    via_context *context; /* NULL = closed in a forked child */
    via_channel *channel;
    via_listener *listener;
    void *user;
    uint32_t events;    /* asked for: VIA_READ, VIA_WRITE */
    uint32_t fruitless; /* wake-ups in a row that brought nothing */
    via_entry_place places[VIA_ENTRY_EVENTS];
    uint32_t waits[VIA_ENTRY_EVENTS];   /* of VIA_READ, VIA_WRITE, VIA_WORK: VIA_WAIT_* */
    uint8_t place_of[VIA_ENTRY_EVENTS]; /* VIA_ENTRY_NO_PLACE = the event cannot happen, or nobody asked yet */
    bool is_dirty;                      /* in the set's list of those to be armed */
    bool is_woken;                      /* the poller has shown it since it was armed */
    via_entry *previous;                /* all of the set's */
    via_entry *next;
    via_entry *dirty_next;
    via_entry *inbox_next;
    atomic_bool is_notified; /* in the inbox */
};

/* First in, first out. */
typedef struct via_entry_queue {
    via_entry *first;
    via_entry *last;
} via_entry_queue;

struct via_waitset {
    uint64_t generation;
    via_mutex lock;
    via_poller poller;
    intptr_t event; /* wakes a sleeping wait */
    via_entry *entries;
    via_entry_queue dirty;    /* to be armed before a sleep */
    via_entry_queue reported; /* ready the last time: to be armed first thing in the next wait */
    via_tags tags;
    uint32_t strangers; /* looks in a row in which the poller has shown a handle of nobody's */
    bool is_waiting;
    _Atomic(via_entry *) inbox;
    atomic_bool is_sleeping;
    atomic_bool is_woken;
};

/* Has the entry looked at by the next or the sleeping wait. Any thread, signal-safe. */
void via_entry_notify(via_entry *entry);

/* core/waiting.c: what has to be looked at. The set's lock is held, except for raise. */
void via_entry_queue_push(via_entry_queue *queue, via_entry *entry);
via_entry *via_entry_queue_pop(via_entry_queue *queue);
/* Moves all of `tail` behind the queue's last. */
void via_entry_queue_append(via_entry_queue *queue, via_entry_queue *tail);
void via_entry_queue_drop(via_entry_queue *queue, via_entry *entry);
/* Has the entry armed before the next sleep. */
void via_waitset_mark(via_waitset *set, via_entry *entry);
/* Marks all that have been notified. */
void via_waitset_collect(via_waitset *set);
/* Gets a sleeping wait out of its sleep. Any thread, signal-safe. */
void via_waitset_raise(via_waitset *set);

/* core/entry.c: what an entry waits for. The set's lock is held. */

/* Finds the handles of the events asked for, and of VIA_WORK. VIA_ENOTSUP, VIA_ELIMIT, ... */
via_status via_entry_resolve(via_entry *entry);
/* Arms everything; answers the events that are ready. What is not ready is in the poller afterwards. */
uint32_t via_entry_arm(via_entry *entry);
/* Takes all of it out of the poller. */
void via_entry_withdraw(via_entry *entry);
/*
 * Takes the handles out of the poller that the transport may be about to end, those for writing and for work that do
 * not serve for reading too, and forgets them until they are resolved again.
 */
void via_entry_suspend(via_entry *entry);
/* All handles are out of the poller, which has gone. */
void via_entry_forget_poller(via_entry *entry);

/* Around a call that may end handles for writing and for work: they are not waited for meanwhile, and found anew afterwards. */
void via_waitset_suspend(via_context *context);
void via_waitset_resume(via_context *context);
/* Removes a channel or listener that is about to be closed. Nothing happens if it is in no set. */
void via_waitset_forget(via_context *context);

#endif
