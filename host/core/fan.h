/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several listeners as one: what an endpoint with any_of is listened on by.
 *
 * Owns: its parts, each a listener in one place; one handle for all of them (a poller, which is the one that the host puts
 * in front of the handles of plugins); whose turn it is. Must never wait while others wait for it: only via_fan_wait()
 * sleeps.
 */
#ifndef VIADUCT_HOST_FAN_H
#define VIADUCT_HOST_FAN_H

#include "core/listener.h"
#include "load/resolve.h"
#include "platform/event.h"
#include "platform/poller.h"

struct via_fan {
    via_listener *parts[VIA_CANDIDATES];
    via_channel *spares[VIA_CANDIDATES]; /* what the next accept of the part becomes */
    size_t count;
    size_t next; /* the part that is asked first, so that none is starved */
    via_poller poller;
    via_event event; /* in the poller too: an interrupt shows on the handle */
};

/*
 * Takes `count` parts, which are the fan's from then on, also on failure. `whole` is the listener that stands for them.
 * VIA_OK, VIA_ELIMIT, VIA_ENOMEM.
 */
via_status via_fan_create(via_listener *whole, via_listener *const *parts, size_t count, via_fan **fan,
                          via_error *error);
/*
 * Asks each part once. VIA_OK: `*channel` is the caller's, with `*self` of the transport, not started yet. VIA_ETIMEDOUT: nobody
 * has come. Anything else is the failure of one part, which is asked last the next time.
 */
via_status via_fan_try(via_fan *fan, via_channel **channel, void **self, via_error *error);
/* Sleeps until a part has something to do, an interrupt, or the deadline. VIA_OK: try; VIA_ETIMEDOUT, VIA_EIO. */
via_status via_fan_wait(via_fan *fan, via_deadline deadline);
/* The address of one part. VIA_ENOENT beyond the last. */
via_status via_fan_address(const via_fan *fan, size_t index, char *buffer, size_t capacity);

/* What the rest of the host calls; `accept` is not among it. Closing ends the fan. */
extern const via_listener_ops via_fan_ops;

#endif
