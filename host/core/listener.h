/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listener object.
 *
 * Owns: a plugin's listener, or several behind one, and the crowd of threads that accept on it.
 */
#ifndef VIADUCT_HOST_LISTENER_H
#define VIADUCT_HOST_LISTENER_H

#include "core/context.h"
#include "core/crowd.h"
#include "stats/own.h"
#include <viaduct/viaduct.h>

typedef struct via_fan via_fan; /* core/fan.h: several listeners as one */

struct via_listener {
    via_context context;
    void *self; /* the plugin's */
    via_listener_ops ops;
    via_slot *slot;   /* of the process's counter page */
    via_crowd *crowd; /* NULL unless VIA_MANY */
    via_fan *fan;     /* `self`, if it listens in several places; NULL = in one */
};

/* An empty one, or NULL. `route` is held by it from then on. */
via_listener *via_listener_create(via_route *route, via_error *error);
/* Frees one that is not open. */
void via_listener_free(via_listener *listener);
/* Lets many threads in, if the route says so. VIA_OK, VIA_ELIMIT, VIA_ENOMEM; the listener stays open. */
via_status via_listener_finish(via_listener *listener, via_error *error);
/* A listener in one place, without a crowd, or NULL. `route` is held by it from then on. */
via_listener *via_listener_open(via_route *route, via_error *error);
/* Closes and frees it, as via_listener_close() does. */
void via_listener_end(via_listener *listener, uint32_t how);

/* What a waitset asks; only VIA_READ can happen. No fork check. */
via_status via_listener_ask_handle(via_listener *listener, uint32_t event, via_poll_handle *handle);
via_status via_listener_arm_event(via_listener *listener, uint32_t event);

#endif
