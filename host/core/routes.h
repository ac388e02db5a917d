/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All the ways that an address or endpoint offers, and what became of each.
 *
 * Owns: the routes until somebody holds one, and the reasons of those that failed. Must never wait.
 */
#ifndef VIADUCT_HOST_ROUTES_H
#define VIADUCT_HOST_ROUTES_H

#include "core/route.h"

typedef struct via_routes {
    via_host *host;
    via_candidates all;              /* all.list[i].error is why routes[i] is NULL, or what came of it last */
    via_route *list[VIA_CANDIDATES]; /* not loaded yet; NULL = cannot be used */
} via_routes;

/* What a program built against any version of the record has set; `given` NULL = nothing. VIA_OK, VIA_EINVAL. */
via_status via_routes_read_options(const via_open_options *given, via_open_options *options, via_error *error);
/*
 * Resolves; loads nothing. `host` NULL = a private host that lives as long as the routes. `role` and `connects` as
 * via_resolve_all(), and its statuses. On failure nothing is to be finished.
 */
via_status via_routes_open(via_host *host, const char *address, uint32_t role, bool connects,
                           const via_open_options *options, via_routes *routes, via_error *error);
/* Loads one of them. On failure it is left out, with the reason, which is answered too. */
via_status via_routes_load(via_routes *routes, size_t index);
/* Leaves one out: its `error` has been filled. */
void via_routes_leave(via_routes *routes, size_t index);
/* The error of the whole, when none is left or time is up. Answers its status. */
via_status via_routes_fail(const via_routes *routes, via_error *error);
void via_routes_fini(via_routes *routes);

#endif
