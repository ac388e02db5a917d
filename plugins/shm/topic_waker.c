/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wakes the subscribers that a publisher does not wake itself; see topic_waker.h.
 */
#include "topic_waker.h"

#include "futex.h"
#include "topic_publisher.h"

#include <sys/eventfd.h>
#include <unistd.h>

/* ---- the porter's part -------------------------------------------------------------------------------------- */

/* Who has fallen asleep on the futex meanwhile is no concern of ours, and has to be found unanswered by the publisher. */
static void ring_all(topic_waker *waker)
{
    shm_word ring = {.kind = SHM_RING};

    (void)pthread_mutex_lock(&waker->lock);
    for (topic_subscriber *who = waker->first; who; who = who->next_sleeper)
        if (topic_publisher_call_of(who, &who->rung) & SHM_CALL_BELL)
            (void)shm_word_send(who->socket, &ring, NULL, 0);
    (void)pthread_mutex_unlock(&waker->lock);
}

static bool wake_all(void *user)
{
    topic_waker *waker = user;
    eventfd_t ignored;

    (void)eventfd_read(waker->door.descriptor, &ignored);
    uint32_t how = topic_take_over(&waker->asked);
    if (how & SHM_CALL_FUTEX)
        shm_futex_wake(waker->news);
    if (how & SHM_CALL_BELL)
        ring_all(waker);
    return true;
}

/* ---- life --------------------------------------------------------------------------------------------------- */

void topic_waker_init(topic_waker *waker, shm_porter *porter)
{
    waker->porter = porter;
    waker->door = (shm_door){.descriptor = -1, .open = wake_all, .user = waker};
    (void)pthread_mutex_init(&waker->lock, NULL);
}

static void close_door(topic_waker *waker)
{
    (void)close(waker->door.descriptor);
    waker->door.descriptor = -1;
}

/* A child that was forked has no porter, and perhaps a lock that nobody gives. */
void topic_waker_fini(topic_waker *waker, uint32_t how)
{
    if (topic_waker_is_there(waker)) {
        if (how != VIA_CLOSE_FORKED)
            shm_porter_remove(waker->porter, &waker->door);
        close_door(waker);
    }
    if (how != VIA_CLOSE_FORKED)
        (void)pthread_mutex_destroy(&waker->lock);
}

static void ask_in(topic_waker *waker)
{
    waker->door.descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (topic_waker_is_there(waker) && shm_porter_add(waker->porter, &waker->door) != VIA_OK)
        close_door(waker);
}

/* ---- who is there ------------------------------------------------------------------------------------------- */

void topic_waker_add(topic_waker *waker, topic_subscriber *who)
{
    (void)pthread_mutex_lock(&waker->lock);
    who->next_sleeper = waker->first;
    waker->first = who;
    waker->count++;
    (void)pthread_mutex_unlock(&waker->lock);
    if (waker->count > TOPIC_FEW && !topic_waker_is_there(waker))
        ask_in(waker);
}

void topic_waker_remove(topic_waker *waker, const topic_subscriber *who)
{
    (void)pthread_mutex_lock(&waker->lock);
    topic_subscriber **at = &waker->first;
    while (*at && *at != who)
        at = &(*at)->next_sleeper;
    if (*at) {
        *at = who->next_sleeper;
        waker->count--;
    }
    (void)pthread_mutex_unlock(&waker->lock);
}

/* ---- the publisher's part ----------------------------------------------------------------------------------- */

/* Who has not fallen asleep yet sees that the word has changed. If fewer sleep than may be woken, nobody is left. */
void topic_waker_call_up(topic_waker *waker, uint32_t how)
{
    uint32_t left = how & SHM_CALL_BELL;

    if (shm_futex_wake_few(waker->news, TOPIC_FEW) == TOPIC_FEW)
        left |= SHM_CALL_FUTEX;
    if (left && topic_hand_over(&waker->asked, left))
        (void)eventfd_write(waker->door.descriptor, 1);
}
