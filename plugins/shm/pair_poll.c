/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Polling a pair; see pair.h.
 *
 * Owns: the bells, one eventfd for each direction, which exist only once somebody asked for a handle, and the epoll that shows
 * them together with the socket and an interrupt.
 */
#include "pair.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "kit/fail.h"

void shm_pair_init_bells(shm_pair *pair)
{
    for (int i = 0; i < SHM_BELL_COUNT; i++) {
        pair->bells[i] = (shm_bell){-1, {-1, -1}};
        atomic_init(&pair->their_bells[i], -1);
    }
}

void shm_pair_drop_bells(shm_pair *pair)
{
    for (int i = 0; i < SHM_BELL_COUNT; i++) {
        int theirs = atomic_load(&pair->their_bells[i]);
        via_pollset_fini(&pair->bells[i].set);
        if (pair->bells[i].event >= 0)
            (void)close(pair->bells[i].event);
        if (theirs >= 0)
            (void)close(theirs);
    }
}

/* ---- making ------------------------------------------------------------------------------------------------- */

static via_status hang_up(const shm_pair *pair, shm_bell *bell)
{
    int interrupt = via_wake_descriptor((via_wake *)(uintptr_t)&pair->wake);
    via_status status = via_pollset_init(&bell->set, false);

    if (status != VIA_OK)
        return status;
    if (interrupt < 0)
        return via_status_of_errno(errno);
    status = via_pollset_add(&bell->set, bell->event, EPOLLIN, 0, NULL);
    if (status == VIA_OK)
        status = via_pollset_add(&bell->set, pair->socket, EPOLLIN, 0, NULL);
    return status == VIA_OK ? via_pollset_add(&bell->set, interrupt, EPOLLIN, 0, NULL) : status;
}

static via_status make_bells(shm_pair *pair)
{
    shm_word word = {.kind = SHM_BELLS};
    int events[SHM_BELL_COUNT];
    via_status status = VIA_OK;

    for (int i = 0; i < SHM_BELL_COUNT && status == VIA_OK; i++) {
        /* Rung from the start: who armed before it asked for a handle has called for a bell that nobody had yet. */
        pair->bells[i].event = events[i] = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
        status = events[i] < 0 ? via_status_of_errno(errno) : hang_up(pair, &pair->bells[i]);
    }
    if (status == VIA_OK)
        status = shm_word_send(pair->socket, &word, events, SHM_BELL_COUNT);
    return status == VIA_EPEER ? VIA_OK : status; /* nobody is left to ring them, and the handles show that */
}

static via_status find_bells(shm_pair *pair)
{
    via_status status = VIA_OK;

    (void)pthread_mutex_lock(&pair->lock);
    if (pair->bells[SHM_READ_BELL].event < 0) {
        status = make_bells(pair);
        if (status != VIA_OK) {
            shm_pair_drop_bells(pair);
            shm_pair_init_bells(pair);
        }
    }
    (void)pthread_mutex_unlock(&pair->lock);
    return status;
}

/* ---- slots -------------------------------------------------------------------------------------------------- */

static int bell_of(uint32_t event)
{
    return event == VIA_READ ? SHM_READ_BELL : SHM_WRITE_BELL;
}

via_status shm_pair_pollable(void *channel, uint32_t event, via_poll_handle *out)
{
    shm_pair *pair = channel;

    if (event != VIA_READ && event != VIA_WRITE)
        return VIA_ENOTSUP;
    via_status status = find_bells(pair);
    if (status != VIA_OK)
        return status;
    out->kind = VIA_POLL_DESCRIPTOR;
    out->handle = pair->bells[bell_of(event)].set.main;
    out->wait = VIA_WAIT_READABLE;
    return VIA_OK;
}

static bool is_ready(shm_pair *pair, uint32_t event)
{
    bool is_room = event == VIA_WRITE;

    if (via_wake_is_raised(&pair->wake) || shm_pair_end_of(pair, is_room) != VIA_OK)
        return true;
    if (!is_room)
        return shm_pair_has_message(pair, NULL);
    return shm_pair_has_room(pair, NULL) && shm_pair_has_memory(pair);
}

static void clear(int event)
{
    eventfd_t ignored;

    if (event >= 0)
        (void)eventfd_read(event, &ignored);
}

via_status shm_pair_arm(void *channel, uint32_t event)
{
    shm_pair *pair = channel;

    if (event != VIA_READ && event != VIA_WRITE)
        return VIA_ENOENT;
    if (event == VIA_WRITE)
        (void)shm_pair_flush(pair, VIA_NOW);
    shm_pair_listen(pair);
    if (is_ready(pair, event))
        return VIA_EREADY;
    clear(pair->bells[bell_of(event)].event);
    bool is_seen = shm_pair_call(pair, event == VIA_WRITE, SHM_CALL_BELL);
    return !is_seen || is_ready(pair, event) ? VIA_EREADY : VIA_OK;
}
