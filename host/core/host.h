/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host object: the plugins and endpoints that were found, and the log.
 *
 * Owns: its count of users. It lives until via_host_close() and the last object opened through it.
 */
#ifndef VIADUCT_HOST_HOST_H
#define VIADUCT_HOST_HOST_H

#include "core/log.h"
#include "load/registry.h"
#include <stdatomic.h>

struct via_host {
    uint64_t generation; /* of platform/fork_word.h */
    atomic_uint users;
    via_registry *registry;
    via_log log;
};

/* One more user. */
void via_host_hold(via_host *host);
/* A host for one object: it looks for plugins once. Its options are the defaults. */
via_status via_host_open_private(via_host **host, via_error *error);
/* The host to use, with one more user: the caller's, or if that is NULL a private one. */
via_status via_host_borrow(via_host *host, via_host **borrowed, via_error *error);
/* One less; the last frees it. In a forked child only memory is freed. */
void via_host_drop(via_host *host);

#endif
