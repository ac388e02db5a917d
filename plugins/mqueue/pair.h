/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pair: two queues that nobody else can open, and the socket that their descriptors came through.
 *
 * Owns: both ends' goodbyes and deaths, which the socket tells, and parcels: the bytes of a large message go in a memory file
 * through the socket before its reference goes into the queue. A pair has no name, so that nothing of it is ever left behind.
 */
#ifndef MQUEUE_PAIR_H
#define MQUEUE_PAIR_H

#include "channel.h"
#include "place.h"

/*
 * Makes the channel. `socket`, in->descriptor and out->descriptor become its own, also on failure. VIA_OK, VIA_ENOMEM.
 */
via_status mqueue_pair_create(const mqueue_settings *settings, int socket, mqueue_kernel *in, mqueue_kernel *out,
                              void **channel, via_error *error);
/* A transport's dial slot, once the settings are read. */
via_status mqueue_pair_dial(const mqueue_settings *settings, const via_open *open, void **channel, via_error *error);

/* ---- listener.c --------------------------------------------------------------------------------------------- */

via_status mqueue_listener_open(const via_host_api *host, const via_open *open, void **listener, via_error *error);

extern const via_listener_ops mqueue_listener_ops;

#endif
