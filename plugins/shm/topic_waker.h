/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wakes the subscribers that a publisher does not wake itself.
 *
 * Owns: the list of those who knock, and what is asked of the porter's thread (porter.h). Each wake-up is a system call, and who has
 * slept through one message soon sleeps through the next: so a publisher wakes a few, asks, and goes on, however many there are. No
 * subscriber depends on another one. Must never take the publisher's lock.
 */
#ifndef SHM_TOPIC_WAKER_H
#define SHM_TOPIC_WAKER_H

#include "atomics.h"
#include "porter.h"

#include <stddef.h>

/* How many a publisher wakes itself. */
enum { TOPIC_FEW = 2 };

struct topic_subscriber;

typedef struct topic_waker {
    shm_porter *porter;
    shm_door door;          /* an eventfd; -1 = the porter knows nothing of us */
    const shm_word32 *news; /* what they sleep on */
    shm_word32 asked;       /* SHM_CALL_*: those who sleep that way are left to the porter, and it has not begun */
    pthread_mutex_t lock;   /* of the list; a publisher takes it when somebody comes or goes */
    struct topic_subscriber *first;
    size_t count;
} topic_waker;

void topic_waker_init(topic_waker *waker, shm_porter *porter);
/* `how`: VIA_CLOSE_*. Not with the publisher's lock. */
void topic_waker_fini(topic_waker *waker, uint32_t how);

/* One who knocks, hello and all. Once there are more than a few, the porter is asked in; if it cannot come, with the next. */
void topic_waker_add(topic_waker *waker, struct topic_subscriber *who);
/* Harmless for one that is not on the list. */
void topic_waker_remove(topic_waker *waker, const struct topic_subscriber *who);

/* After news for more than a few: wakes a few, and leaves the others to the porter. `how`: SHM_CALL_BELL, if some want to be rung. */
void topic_waker_call_up(topic_waker *waker, uint32_t how);

/* Is there anybody to leave them to? */
static inline bool topic_waker_is_there(const topic_waker *waker)
{
    return waker->door.descriptor >= 0;
}

#endif
