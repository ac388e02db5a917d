/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for the other end; see pair.h.
 *
 * Owns: when a wait spins, when it sleeps, and how it is woken. A sleep ends by itself every 50 ms, since a dead process
 * wakes nobody: then the socket is asked. Must never make a system call while what is wanted is there.
 */
#include "ahead.h"
#include "futex.h"
#include "kit/barrier.h"
#include "kit/deadline.h"
#include "pair.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>

enum {
    LOOK_NS = 50 * 1000 * 1000, /* how long a death may stay unnoticed */
    GLANCE_NS = 1000 * 1000,    /* the same for one who tries without waiting */
    TURNS = 32,                 /* spins between two looks at the clock */
    QUICK_TURNS = 3,            /* a wait that is over by then is a quick one, */
    QUICK_SERIES = 4,           /* if so many messages have gone since the one before it. */
    QUICK_WAITS = 2,            /* After so many in a row the other end is given a head start, */
    HEAD_STARTS = 64,           /* so many times, and then it is seen whether it still hurries */
    HEAD_START_NS = 3000,
    LEAST_SPIN_NS = 1000
};

/* ---- waking ------------------------------------------------------------------------------------------------- */

/* A bell that has not come yet is on its way. */
static void ring(shm_pair *pair, int which)
{
    if (atomic_load(&pair->their_bells[which]) < 0)
        shm_pair_listen(pair);
    int bell = atomic_load(&pair->their_bells[which]);
    if (bell >= 0)
        (void)eventfd_write(bell, 1);
}

static __attribute__((noinline, cold)) void answer(shm_pair *pair, uint32_t call, shm_word32 *news, int bell)
{
    if (call & SHM_CALL_FUTEX) {
        SHM_PUBLISH(news, SHM_GET(news) + 1);
        shm_futex_wake(news);
    }
    if (call & SHM_CALL_BELL)
        ring(pair, bell);
}

static inline uint32_t called(const shm_pair *pair, const shm_word32 *call, uint32_t *answered)
{
    return pair->crosses_for_us ? shm_called_across(call, answered) : shm_called(call, answered);
}

void shm_pair_wake_reader(shm_pair *pair)
{
    const shm_control *theirs = pair->writer.theirs;
    uint32_t call = theirs ? called(pair, &theirs->read_call, &pair->writer.answered) : 0;

    if (call)
        answer(pair, call, &pair->ours->published, SHM_READ_BELL);
}

void shm_pair_wake_writer(shm_pair *pair)
{
    uint32_t call = called(pair, &pair->reader.theirs->write_call, &pair->reader.answered);

    if (call)
        answer(pair, call, &pair->ours->given, SHM_WRITE_BELL);
}

void shm_pair_interrupt(void *channel)
{
    shm_pair *pair = channel;
    int saved = errno;

    via_wake_raise(&pair->wake);
    shm_futex_interrupt(&pair->wake);
    errno = saved;
}

/* ---- calling ------------------------------------------------------------------------------------------------ */

bool shm_pair_crosses(const shm_pair *pair)
{
    return pair->settings.is_crossed && pair->settings.spin_ns > 0;
}

bool shm_pair_call(const shm_pair *pair, bool is_room, uint32_t how)
{
    shm_word32 *call = is_room ? &pair->ours->write_call : &pair->ours->read_call;

    shm_call(call, how | (SHM_GET(call) & SHM_CALL_BELL));
    return !shm_pair_crosses(pair) || via_barrier_cross();
}

/* ---- waiting ------------------------------------------------------------------------------------------------ */

static bool is_there(shm_pair *pair, const shm_want *want)
{
    return want->is_there(pair, want->argument);
}

via_status shm_pair_end_of(shm_pair *pair, bool is_room)
{
    uint32_t enough = is_room ? SHM_GOODBYE : SHM_GOODBYE | SHM_FINISHED;
    via_status gone = atomic_load(&pair->gone);
    uint32_t ended = atomic_load_explicit(&pair->met, memory_order_acquire) ? SHM_LOOK(&pair->their_control->ended) : 0;

    if (ended & SHM_GOODBYE)
        (void)shm_pair_end(pair, VIA_ECLOSED, "");
    return ended & enough ? VIA_ECLOSED : gone;
}

/* What came just before the end counts first. */
static via_status check_end(shm_pair *pair, const shm_want *want)
{
    via_status end = shm_pair_end_of(pair, want->is_room);

    if (end == VIA_OK)
        return VIA_ETIMEDOUT;
    return is_there(pair, want) ? VIA_OK : end;
}

static shm_patience *patience_of(shm_pair *pair, const shm_want *want)
{
    return want->is_room ? &pair->send_patience : &pair->receive_patience;
}

/* Asks the socket, unless that was done less than `interval_ns` ago. */
static void look(shm_pair *pair, shm_patience *patience, uint64_t interval_ns)
{
    uint64_t now = via_deadline_clock();

    if (now - patience->looked_ns < interval_ns)
        return;
    patience->looked_ns = now;
    shm_pair_listen(pair);
}

static via_status try_once(shm_pair *pair, const shm_want *want)
{
    look(pair, patience_of(pair, want), GLANCE_NS);
    if (is_there(pair, want))
        return VIA_OK;
    return via_wake_is_raised(&pair->wake) ? VIA_ECANCELED : check_end(pair, want);
}

/*
 * Who is at the heels of an end that sends one message after the other, or takes one, costs both: each line goes to and fro while it is
 * written. With some messages between them a line goes once. After it all waits are quick, so that says nothing of the other end.
 * Who asks and waits for the answer has a wait for each message, however near the other processor is, and is never in that state.
 */
static void give_a_head_start(shm_patience *patience, uint32_t position, via_deadline until)
{
    if (position - patience->position < QUICK_SERIES)
        patience->quick = 0;
    patience->position = position;
    if (patience->quick >= QUICK_WAITS + HEAD_STARTS)
        patience->quick = 0;
    if (patience->quick < QUICK_WAITS)
        return;
    const via_deadline enough = via_deadline_min(until, via_deadline_after(HEAD_START_NS));
    while (via_deadline_left(enough) > 0)
        via_spin_pause();
}

/* VIA_ETIMEDOUT: it is time to sleep, or too late. */
static via_status spin(shm_pair *pair, const shm_want *want, via_deadline until)
{
    shm_patience *patience = patience_of(pair, want);
    via_status status = VIA_ETIMEDOUT;

    give_a_head_start(patience, want->is_room ? pair->writer.tail : pair->reader.next, until);
    const uint32_t quick = patience->quick + 1;
    bool is_quick = true;

    patience->quick = 0;
    do {
        for (int turn = 0; turn < TURNS; turn++) {
            if (is_there(pair, want)) {
                if (is_quick && turn < QUICK_TURNS)
                    patience->quick = quick;
                return VIA_OK;
            }
            via_spin_pause();
        }
        is_quick = false;
        if (via_wake_is_raised(&pair->wake))
            return VIA_ECANCELED;
        if ((status = check_end(pair, want)) != VIA_ETIMEDOUT)
            return status;
        look(pair, patience, LOOK_NS);
    } while (via_deadline_left(until) > 0);
    return status;
}

/* The lines that one who was woken needs come together, not one after the other: the message, and how the other end sleeps. */
static void fetch_news(const shm_pair *pair)
{
    const shm_slot *slot = shm_reader_slot(&pair->reader);

    shm_ahead_of_look(slot);
    shm_ahead_of_look(slot->bytes + SHM_SLOT_BYTES - 1);
    shm_ahead_of_look(&pair->their_control->read_call);
}

static void sleep_for_news(shm_pair *pair, const shm_want *want, via_deadline until)
{
    const shm_word32 *news = want->is_room ? &pair->their_control->given : &pair->their_control->published;
    shm_word32 *call = want->is_room ? &pair->ours->write_call : &pair->ours->read_call;
    uint32_t seen = SHM_LOOK(news);

    (void)shm_pair_call(pair, want->is_room, SHM_CALL_FUTEX);
    if (!is_there(pair, want) && shm_pair_end_of(pair, want->is_room) == VIA_OK && !via_wake_is_raised(&pair->wake))
        shm_futex_sleep(news, seen, &pair->wake, until);
    if (!want->is_room)
        fetch_news(pair);
    shm_call_off(call);
}

/* One sleep. VIA_ETIMEDOUT: nothing yet. */
static via_status sleep_once(shm_pair *pair, const shm_want *want, via_deadline deadline)
{
    via_deadline until = via_deadline_min(deadline, via_deadline_after(LOOK_NS));

    if (via_wake_is_raised(&pair->wake))
        return VIA_ECANCELED;
    if (atomic_load_explicit(&pair->met, memory_order_acquire))
        sleep_for_news(pair, want, until);
    else if (via_wake_poll(&pair->wake, pair->socket, POLLIN, until) == VIA_OK)
        shm_pair_listen(pair);
    if (is_there(pair, want))
        return VIA_OK;
    look(pair, patience_of(pair, want), LOOK_NS);
    return is_there(pair, want) ? VIA_OK : check_end(pair, want);
}

via_status shm_pair_await(shm_pair *pair, const shm_want *want, via_deadline deadline)
{
    shm_patience *patience = patience_of(pair, want);
    via_status status;

    if (deadline == VIA_NOW)
        return try_once(pair, want);
    uint64_t began = via_spin_begin(&patience->spin);
    if ((status = check_end(pair, want)) != VIA_ETIMEDOUT)
        return status;
    if (patience->spin.now_ns > 0) {
        status = spin(pair, want, via_spin_until(&patience->spin, began, deadline));
        if (status != VIA_ETIMEDOUT)
            return status;
    }
    while ((status = sleep_once(pair, want, deadline)) == VIA_ETIMEDOUT && via_deadline_left(deadline) > 0)
        ;
    if (status == VIA_OK)
        via_spin_end(&patience->spin, began);
    return status;
}
