/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One handle for an event of the channel below and a point in time.
 *
 * Owns: an epoll with a timer and the other channel's handle in it, for a layer that has to act when a time has come.
 * Must never wait: whoever has the handle does. One thread at a time, that of the event.
 */
#ifndef VIADUCT_KIT_TIMED_H
#define VIADUCT_KIT_TIMED_H

#include <viaduct/plugin.h>

typedef struct via_timed {
    int set;      /* the epoll; -1 = not made */
    int timer;    /* the timerfd; -1 = not made */
    int watched;  /* the other handle, borrowed */
    bool watches; /* is it in the epoll with its event? */
    uint32_t events;
    via_deadline due;
} via_timed;

void via_timed_init(via_timed *timed);
void via_timed_fini(via_timed *timed);

/* Makes it around `below`, once. VIA_OK, VIA_ELIMIT, VIA_ENOMEM, VIA_EIO; on failure it is as after init. */
via_status via_timed_open(via_timed *timed, const via_poll_handle *below);
/* The handle to sleep on; constant. */
void via_timed_handle(const via_timed *timed, via_poll_handle *out);
/*
 * From now on it shows at `due` (VIA_FOREVER: at no time), and when the other handle does if `watches`. What it showed
 * because of an earlier time is over. VIA_OK, VIA_EIO.
 */
via_status via_timed_set(via_timed *timed, via_deadline due, bool watches);

#endif
