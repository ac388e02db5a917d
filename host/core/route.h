/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an address has become: host, loaded plugin, transport and options.
 *
 * Owns: the way from a text to a plugin's table, shared by a listener and all it accepts. Must never wait.
 */
#ifndef VIADUCT_HOST_ROUTE_H
#define VIADUCT_HOST_ROUTE_H

#include "core/host.h"
#include "load/loader.h"
#include "load/resolve.h"
#include "stats/page.h"
#include <stdatomic.h>

/* One layer of a route, kept loaded by it. */
typedef struct via_route_layer {
    via_loaded *loaded;
    const via_layer *table;
} via_route_layer;

typedef struct via_route {
    atomic_uint users;
    via_host *host;
    via_loaded *loaded;             /* NULL until via_route_load() */
    const via_transport *transport; /* the same */
    via_route_layer *layers;        /* as many as were loaded: in the end, those of `resolved` */
    size_t layer_count;
    via_resolved resolved;
    const via_log *log; /* the host's, or own_log */
    via_log own_log;
    uint64_t generation;
} via_route;

/*
 * A route to what `resolved` says, which is moved into it. Nothing is loaded yet. `options` are complete. NULL = out of memory,
 * and `resolved` is as it was.
 */
via_route *via_route_create(via_host *host, via_resolved *resolved, const via_open_options *options);
/* Loads the plugin and those of the layers, once. The statuses of a refusal, VIA_ENOTSUP, VIA_ENOMEM. */
via_status via_route_load(via_route *route, via_error *error);
via_route *via_route_hold(via_route *route);
/* NULL is allowed. In a forked child only memory is freed. */
void via_route_drop(via_route *route);

/* One line for whoever follows what happens (VIADUCT_LOG=debug). */
void via_route_note(const via_route *route, const char *what);

/* What a transport is told when it opens something on this route. */
void via_route_describe(const via_route *route, via_context *context, via_counters *counters, via_deadline deadline,
                        via_open *open);
/* The same for the layer at this place, whose options and limit are its own. `context` is its part. */
void via_route_describe_layer(const via_route *route, size_t index, via_context *context, via_counters *counters,
                              via_open *open);
/* Completes the error that an opening slot of `plugin` has filled, or has not. Answers `status`. */
via_status via_route_fail_of(const via_route *route, const char *plugin, via_status status, via_error *error);
/* The same for the transport's plugin. */
via_status via_route_fail(const via_route *route, via_status status, via_error *error);

/* What others are told of an object on this route: its names, pattern, role. */
void via_route_describe_slot(const via_route *route, via_slot *slot);

#endif
