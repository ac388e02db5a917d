/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listener object.
 *
 * Owns: a plugin's listener and the crowd of threads that accept on it.
 */
#ifndef VIADUCT_HOST_LISTENER_H
#define VIADUCT_HOST_LISTENER_H

#include "core/context.h"
#include "core/crowd.h"
#include <viaduct/viaduct.h>

struct via_listener {
    via_context context;
    void *self; /* the plugin's */
    via_listener_ops ops;
    via_counters counters;
    via_crowd *crowd; /* NULL unless VIA_MANY */
};

/* What a waitset asks; only VIA_READ can happen. No fork check. */
via_status via_listener_ask_handle(via_listener *listener, uint32_t event, via_poll_handle *handle);
via_status via_listener_arm_event(via_listener *listener, uint32_t event);

#endif
