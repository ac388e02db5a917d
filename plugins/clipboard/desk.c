/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the application's threads and the worker meet; see desk.h.
 */
#include "desk.h"

#include "kit/deadline.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { NS_PER_SECOND = 1000000000 };

/* ---- letters and errands ------------------------------------------------------------------------------------ */

clip_letter *clip_letter_create(size_t limit)
{
    clip_letter *letter = calloc(1, sizeof(*letter));

    if (letter)
        clip_bytes_init(&letter->bytes, limit);
    return letter;
}

void clip_letter_destroy(clip_letter *letter)
{
    if (!letter)
        return;
    clip_bytes_fini(&letter->bytes);
    free(letter);
}

void clip_errand_destroy(clip_errand *errand)
{
    if (!errand)
        return;
    clip_letter_destroy(errand->letter);
    free(errand->wanted);
    free(errand);
}

/* ---- life --------------------------------------------------------------------------------------------------- */

via_status clip_desk_init(clip_desk *desk)
{
    pthread_condattr_t clock;

    *desk = (clip_desk){.readable = {.descriptor = -1}, .writable = {.descriptor = -1}};
    atomic_init(&desk->is_interrupted, false);
    (void)pthread_mutex_init(&desk->lock, NULL);
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&desk->moved, &clock);
    (void)pthread_condattr_destroy(&clock);
    desk->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return desk->bell >= 0 ? VIA_OK : VIA_ELIMIT;
}

static void close_all(const clip_desk *desk)
{
    const int descriptors[] = {desk->bell, desk->readable.descriptor, desk->writable.descriptor};

    for (size_t i = 0; i < sizeof(descriptors) / sizeof(descriptors[0]); i++)
        if (descriptors[i] >= 0)
            (void)close(descriptors[i]);
}

void clip_desk_fini(clip_desk *desk, uint32_t how)
{
    close_all(desk);
    while (desk->errands) {
        clip_errand *errand = desk->errands;
        desk->errands = errand->next;
        clip_errand_destroy(errand);
    }
    clip_letter_destroy(desk->in.ready.letter);
    clip_content_drop(desk->out.content);
    free((void *)desk->present.types);
    if (how == VIA_CLOSE_FORKED)
        return; /* the parent's other threads may have waited there */
    (void)pthread_cond_destroy(&desk->moved);
    (void)pthread_mutex_destroy(&desk->lock);
}

/* ---- handles ------------------------------------------------------------------------------------------------ */

static void raise_event(int descriptor)
{
    const uint64_t one = 1;
    ssize_t written;

    do
        written = write(descriptor, &one, sizeof(one));
    while (written < 0 && errno == EINTR);
}

static void clear_event(int descriptor)
{
    uint64_t count;
    ssize_t got;

    do
        got = read(descriptor, &count, sizeof(count));
    while (got < 0 && errno == EINTR);
}

bool clip_desk_is_ready(const clip_desk *desk, uint32_t event)
{
    if (desk->ended != VIA_OK || clip_desk_is_interrupted(desk))
        return true;
    return event == VIA_READ ? desk->in.ready.is_there : desk->out.state == CLIP_OUT_IDLE;
}

static void show(clip_flag *flag, bool is_ready)
{
    if (flag->descriptor < 0 || flag->is_shown == is_ready)
        return;
    flag->is_shown = is_ready;
    if (is_ready)
        raise_event(flag->descriptor);
    else
        clear_event(flag->descriptor);
}

static void show_all(clip_desk *desk)
{
    show(&desk->readable, clip_desk_is_ready(desk, VIA_READ));
    show(&desk->writable, clip_desk_is_ready(desk, VIA_WRITE));
}

int clip_desk_handle(clip_desk *desk, uint32_t event)
{
    clip_flag *flag = event == VIA_READ ? &desk->readable : &desk->writable;

    if (flag->descriptor < 0)
        flag->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    show_all(desk);
    return flag->descriptor;
}

/* ---- waking and waiting ------------------------------------------------------------------------------------- */

void clip_desk_ring(clip_desk *desk)
{
    raise_event(desk->bell);
}

/* A signal handler cannot wake who waits on a condition: the worker does. */
void clip_desk_interrupt(clip_desk *desk)
{
    int saved = errno;

    atomic_store(&desk->is_interrupted, true);
    clip_desk_ring(desk);
    errno = saved;
}

void clip_desk_tell(clip_desk *desk)
{
    show_all(desk);
    (void)pthread_cond_broadcast(&desk->moved);
}

bool clip_desk_sleep(clip_desk *desk, via_deadline deadline)
{
    const struct timespec until = {(time_t)(deadline / NS_PER_SECOND), (long)(deadline % NS_PER_SECOND)};

    if (deadline == VIA_FOREVER)
        return pthread_cond_wait(&desk->moved, &desk->lock) == 0;
    return pthread_cond_timedwait(&desk->moved, &desk->lock, &until) != ETIMEDOUT;
}

via_status clip_desk_wait(clip_desk *desk, via_deadline deadline)
{
    if (clip_desk_is_interrupted(desk))
        return VIA_ECANCELED;
    if (via_deadline_left(deadline) == 0)
        return VIA_ETIMEDOUT;
    const bool is_in_time = clip_desk_sleep(desk, deadline);
    if (clip_desk_is_interrupted(desk))
        return VIA_ECANCELED;
    return is_in_time ? VIA_OK : VIA_ETIMEDOUT;
}
