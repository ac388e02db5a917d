/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One channel to a clipboard: who belongs to it.
 *
 * Owns: the layout that its parts share. send.c and receive.c have the application's side, worker.c and events.c the
 * worker's.
 */
#ifndef CLIPBOARD_CHANNEL_H
#define CLIPBOARD_CHANNEL_H

#include "desk.h"
#include "settings.h"

#include <viaduct/ext/offers.h>

typedef struct clip_channel {
    clip_options options;
    const via_host_api *host;
    via_context *context;
    via_counters *counters;
    const clip_backend *backend;
    void *self; /* the backend's */
    clip_desk desk;
    pthread_t worker;
    /* Raised before and after each poll(2): odd = the worker is there, and nothing of ours is half done. */
    _Atomic uint64_t naps;
    uint64_t tickets; /* given out so far; the worker's, as are those below */
    uint32_t closing; /* how far the end has come */
    via_deadline closed_by;
    bool has_handed_over; /* asked for it once */
} clip_channel;

/* ---- channel.c ---------------------------------------------------------------------------------------------- */

via_status clip_join(const via_host_api *host, const via_open *open, void **channel, via_error *error);
extern const via_channel_ops clip_channel_ops;

/* ---- display.c ---------------------------------------------------------------------------------------------- */

/* Chooses a backend and opens it, until the deadline or for a quarter of a second. Fills backend and self. VIA_OK, or with the error filled what the backend answers. */
via_status clip_display_open(clip_channel *channel, via_deadline deadline, via_error *error);

/* ---- worker.c ----------------------------------------------------------------------------------------------- */

via_status clip_worker_start(clip_channel *channel, via_error *error);
/* Lets it finish what was accepted, and joins it. */
void clip_worker_stop(clip_channel *channel);

/* ---- events.c ----------------------------------------------------------------------------------------------- */

extern const clip_events clip_channel_events;

/* ---- send.c ------------------------------------------------------------------------------------------------- */

/* Publishes, or clears with count 0. Any thread. What via_send() answers, and VIA_EREVOKED. */
via_status clip_publish(clip_channel *channel, const via_offer *offers, size_t count, via_deadline deadline);
via_status clip_send(void *channel, const via_slice *slices, size_t count, const via_meta *meta, via_deadline deadline);
via_status clip_flush(void *channel, via_deadline deadline);
via_status clip_drain(void *channel, via_deadline deadline, uint64_t *undelivered);

/* ---- receive.c ---------------------------------------------------------------------------------------------- */

via_status clip_receive(void *channel, via_deadline deadline, via_msg *out);
void clip_release(void *channel, via_msg *message);
via_status clip_arm_read(clip_channel *channel);
/* There is nothing to be read: VIA_ENOENT, or what the content's status says, which is logged once. Under the lock. */
via_status clip_tell_nothing(clip_channel *channel);
/* Makes the letter a message. */
void clip_lend(clip_letter *letter, uint64_t sequence, uint64_t lost, via_msg *out);
/*
 * Has it done by the worker, and waits: a look, or with `wanted` a fetch. Under the lock. With VIA_OK of a fetch the letter is
 * the caller's, and *generation says which content it is.
 */
via_status clip_run_errand(clip_channel *channel, const char *wanted, via_deadline deadline, clip_letter **letter,
                           uint64_t *generation);

/* ---- offers.c ----------------------------------------------------------------------------------------------- */

extern const via_offers clip_offers;

#endif
