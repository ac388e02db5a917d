/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many threads on one direction of a channel or on one listener: a leader sleeps for all, the others follow.
 *
 * Owns: who may call a slot (whoever holds the lock, never blocking in it) and who sleeps where. Must never wait while
 * it holds the lock.
 *
 * The one that finds nothing to do arms the transport, gives the lock, and sleeps on the transport's handle: the
 * leader. It sleeps for the transport's internal work too, since progress happens inside calls and this is one. Those that come meanwhile sleep on a condition until the leader is done; then one of them is let go on.
 */
#ifndef VIADUCT_HOST_CROWD_H
#define VIADUCT_HOST_CROWD_H

#include "platform/event.h"
#include "platform/mutex.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <viaduct/types.h>

typedef struct via_crowd {
    via_mutex lock;
    via_condition free; /* the leader has gone */
    via_event event;    /* gets the leader out of its sleep */
    bool is_led;
    atomic_bool is_asleep;  /* the leader arms, or sleeps */
    atomic_bool is_stirred; /* since it set out to do so, somebody has raised the event */
    uint32_t followers;
    uint32_t poll_event;  /* VIA_READ or VIA_WRITE */
    via_poll_handle work; /* of VIA_WORK, which the leader does for all; size 0 = there is none */
    void *object;         /* the first argument of the two below, which are slots of the transport */
    via_status (*pollable)(void *object, uint32_t event, via_poll_handle *handle);
    via_status (*arm)(void *object, uint32_t event);
    const atomic_bool *is_interrupted;
} via_crowd;

/* One try of something; must not block. VIA_ETIMEDOUT = it would have. */
typedef via_status (*via_attempt_fn)(void *argument);

/* Has no internal work. Fill the fields from `poll_event` on after this. VIA_OK, VIA_ELIMIT, VIA_ENOMEM. */
via_status via_crowd_init(via_crowd *crowd);
/* `is_foreign`: in a child of the process that made it, where its sleepers do not exist. */
void via_crowd_fini(via_crowd *crowd, bool is_foreign);

/* Attempts until something else than VIA_ETIMEDOUT comes of it, or the deadline passes, or VIA_ECANCELED. */
via_status via_crowd_run(via_crowd *crowd, via_attempt_fn attempt, void *argument, via_deadline deadline);
/*
 * One call to a slot that is nobody's turn (arming, giving back): under the lock, and the leader arms again. It must not
 * block. `crowd` NULL = there is none, and the call is all.
 */
via_status via_crowd_call(via_crowd *crowd, via_attempt_fn call, void *argument);
/* Has the leader look again, because something has changed without it. Any thread; the lock need not be held. */
void via_crowd_stir(via_crowd *crowd);
/*
 * Sleeps beside the leader until there is work to be gone on with (if `works`), the channel is interrupted, or the deadline.
 */
void via_crowd_pause(via_crowd *crowd, bool works, via_deadline deadline);
/* Ends every sleep; `*is_interrupted` is set before. Any thread, signal-safe. */
void via_crowd_interrupt(via_crowd *crowd);

#endif
