/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A publisher that waits for its slowest subscriber, and wakes those who sleep; see topic_publisher.h.
 *
 * Owns: when it spins, when it sleeps, and for whom. A sleep ends by itself every 50 ms, since a dead process wakes nobody: then
 * the sockets are looked at. Must never sleep with the lock.
 */
#include "futex.h"
#include "kit/deadline.h"
#include "kit/fail.h"
#include "kit/spin.h"
#include "ring.h"
#include "topic_publisher.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>

enum {
    LOOK_NS = 50 * 1000 * 1000, /* how long a death may stay unnoticed */
    GLANCE_NS = 1000 * 1000,    /* the same for one who tries without waiting */
    SPIN_NS = 50 * 1000,        /* with the lock, at once */
    TURNS = 32
};

/* ---- waking ------------------------------------------------------------------------------------------------- */

uint32_t topic_publisher_call_of(const topic_subscriber *who, uint32_t *answered)
{
    return who->desk ? shm_unanswered(&who->desk->read_call, answered) : 0;
}

static void wake_all(topic_publisher *publisher)
{
    shm_word ring = {.kind = SHM_RING};
    uint32_t calls = 0;

    topic_publisher_hear(publisher);
    for (size_t i = 0; i < publisher->heads.count; i++) {
        topic_subscriber *who = topic_subscriber_at(publisher, i);
        uint32_t call = topic_publisher_call_of(who, &who->answered);
        calls |= call;
        if (call & SHM_CALL_BELL) /* full: then it has something to read */
            (void)shm_word_send(who->socket, &ring, NULL, 0);
    }
    if (calls & SHM_CALL_FUTEX) {
        shm_word32 *news = &publisher->writer.ours->news;
        SHM_PUBLISH(news, SHM_GET(news) + 1);
        shm_futex_wake(news);
    }
}

/* `how`: as those who knock want to be woken. The deaf have to be asked each time. */
static __attribute__((noinline, cold)) void answer(topic_publisher *publisher, uint32_t how)
{
    shm_word32 *news = &publisher->writer.ours->news;

    if (publisher->deaf > 0 || publisher->heads.count <= TOPIC_FEW || !topic_waker_is_there(&publisher->waker)) {
        wake_all(publisher);
        return;
    }
    SHM_PUBLISH(news, SHM_GET(news) + 1);
    topic_waker_call_up(&publisher->waker, how);
}

void topic_publisher_call_up(topic_publisher *publisher)
{
    const topic_board *board = publisher->door.board;
    uint32_t how = 0;

    publisher->owes_call = false;
    if (board)
        how = topic_knocked(board, &publisher->calls);
    else
        SHM_CROSS();
    if (how || publisher->deaf > 0)
        answer(publisher, how);
}

void topic_publisher_call_up_all(topic_publisher *publisher)
{
    SHM_CROSS();
    wake_all(publisher);
}

/* ---- waiting ------------------------------------------------------------------------------------------------ */

/* VIA_ETIMEDOUT: it is time to sleep, or too late. */
static via_status spin(topic_publisher *publisher, via_deadline until)
{
    do {
        for (int turn = 0; turn < TURNS; turn++) {
            if (topic_publisher_can_give_up(publisher))
                return VIA_OK;
            via_spin_pause();
        }
        if (via_wake_is_raised(&publisher->wake))
            return VIA_ECANCELED;
    } while (via_deadline_left(until) > 0);
    return VIA_ETIMEDOUT;
}

static const topic_subscriber *slowest_of(const topic_publisher *publisher)
{
    return (const topic_subscriber *)(const void *)topic_heads_slowest(&publisher->heads);
}

/* Writes a call that the slowest answers. Its number goes first, for whoever sees the call. */
static void call(topic_publisher *publisher, uint32_t how)
{
    const topic_subscriber *slowest = slowest_of(publisher);
    topic_control *ours = publisher->writer.ours;

    SHM_PUT(&ours->waits_for, slowest ? slowest->number : 0);
    SHM_BEFORE();
    shm_call(&ours->write_call, how);
}

/* Its desk may go while we sleep on it: the system refuses, or wakes us, and we look again. */
static void sleep_for(topic_publisher *publisher, const topic_subscriber *slowest, via_deadline until)
{
    const shm_word32 *given = &slowest->desk->given;
    shm_word32 *ours = &publisher->writer.ours->write_call;
    uint32_t seen = SHM_LOOK(given), number = slowest->number;

    call(publisher, SHM_CALL_FUTEX | (SHM_GET(ours) & SHM_CALL_BELL));
    if (!topic_publisher_can_give_up(publisher) && slowest_of(publisher) && slowest_of(publisher)->number == number) {
        (void)pthread_mutex_unlock(&publisher->lock);
        shm_futex_sleep(given, seen, &publisher->wake, until);
        (void)pthread_mutex_lock(&publisher->lock);
    }
    shm_call_off(ours);
}

/* Nobody holds us up but our own loans, or one whose hello is still to come. */
static void sleep_for_hello(topic_publisher *publisher, via_deadline until)
{
    (void)pthread_mutex_unlock(&publisher->lock);
    (void)via_wake_poll(&publisher->wake, publisher->set.main, POLLIN, until);
    (void)pthread_mutex_lock(&publisher->lock);
    topic_publisher_look(publisher);
}

/* Who never sleeps would keep a waitset's work out for as long as it waits. */
static void let_others_in(topic_publisher *publisher)
{
    (void)pthread_mutex_unlock(&publisher->lock);
    (void)sched_yield();
    (void)pthread_mutex_lock(&publisher->lock);
}

static void look_sometimes(topic_publisher *publisher, uint64_t interval_ns)
{
    uint64_t now = via_deadline_clock();

    if (now - publisher->looked_ns < interval_ns)
        return;
    publisher->looked_ns = now;
    topic_publisher_look(publisher);
}

static via_status try_once(topic_publisher *publisher)
{
    look_sometimes(publisher, GLANCE_NS);
    return topic_publisher_can_give_up(publisher) ? VIA_OK : VIA_ETIMEDOUT;
}

via_status topic_publisher_wait(topic_publisher *publisher, via_deadline deadline)
{
    via_deadline until = via_deadline_min(deadline, via_deadline_after(LOOK_NS));
    via_status status;

    if (via_wake_is_raised(&publisher->wake))
        return VIA_ECANCELED;
    topic_publisher_call_up(publisher); /* they have to see what VIA_MORE held back, or there is never room */
    if (deadline == VIA_NOW)
        return try_once(publisher);
    if (publisher->spin_ns > 0) {
        uint64_t longest = publisher->spin_ns < SPIN_NS ? publisher->spin_ns : SPIN_NS;
        status = spin(publisher, via_deadline_min(deadline, via_deadline_after((int64_t)longest)));
        if (status != VIA_ETIMEDOUT)
            return status;
    }
    const topic_subscriber *slowest = slowest_of(publisher);
    if (!slowest || !slowest->desk || publisher->writer.oldest == publisher->writer.tail)
        sleep_for_hello(publisher, until);
    else if (publisher->spin_ns != UINT64_MAX)
        sleep_for(publisher, slowest, until);
    else
        let_others_in(publisher);
    look_sometimes(publisher, LOOK_NS / 2);
    if (via_wake_is_raised(&publisher->wake))
        return VIA_ECANCELED;
    return topic_publisher_can_give_up(publisher) || via_deadline_left(deadline) > 0 ? VIA_OK : VIA_ETIMEDOUT;
}

/* ---- polling ------------------------------------------------------------------------------------------------ */

bool topic_publisher_is_ready(topic_publisher *publisher)
{
    if (via_wake_is_raised(&publisher->wake) || publisher->settings.overflow != SHM_BLOCK)
        return true;
    if (!publisher->starved && topic_writer_has_room(&publisher->writer))
        return true;
    return topic_publisher_can_give_up(publisher) || publisher->heads.count == 0;
}

static via_status make_bell(topic_publisher *publisher)
{
    via_status status = VIA_OK;

    if (publisher->bell >= 0)
        return VIA_OK;
    publisher->bell = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK); /* rung from the start: somebody may have armed before */
    if (publisher->bell < 0)
        return via_status_of_errno(errno);
    status = via_pollset_add(&publisher->set, publisher->bell, 0, EPOLLIN, &publisher->bell);
    return status;
}

via_status topic_publisher_pollable(void *channel, uint32_t event, via_poll_handle *out)
{
    topic_publisher *publisher = channel;
    via_status status = VIA_OK;

    if (event != VIA_WRITE && event != VIA_WORK)
        return VIA_ENOTSUP;
    (void)pthread_mutex_lock(&publisher->lock);
    if (event == VIA_WRITE)
        status = make_bell(publisher);
    (void)pthread_mutex_unlock(&publisher->lock);
    out->kind = VIA_POLL_DESCRIPTOR;
    out->handle = event == VIA_WRITE ? publisher->set.write : publisher->set.main;
    out->wait = VIA_WAIT_READABLE;
    return status;
}

static via_status arm_for_room(topic_publisher *publisher)
{
    eventfd_t ignored;

    if (publisher->owes_call)
        topic_publisher_call_up(publisher);
    if (topic_publisher_is_ready(publisher))
        return VIA_EREADY;
    if (publisher->bell >= 0)
        (void)eventfd_read(publisher->bell, &ignored);
    call(publisher, SHM_CALL_BELL);
    return topic_publisher_is_ready(publisher) ? VIA_EREADY : VIA_OK;
}

via_status topic_publisher_arm(void *channel, uint32_t event)
{
    topic_publisher *publisher = channel;
    via_status status = VIA_OK; /* somebody may always come, or leave */

    if (event != VIA_WRITE && event != VIA_WORK)
        return VIA_ENOTSUP;
    (void)pthread_mutex_lock(&publisher->lock);
    topic_publisher_look(publisher);
    if (event == VIA_WRITE)
        status = arm_for_room(publisher);
    else if (via_wake_is_raised(&publisher->wake))
        status = VIA_ENOENT;
    (void)pthread_mutex_unlock(&publisher->lock);
    return status;
}
