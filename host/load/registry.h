/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugins and endpoints that a host has found.
 *
 * Owns: the search (its order, first wins by name), the entries, and the watch for changes. Must never run code of a
 * plugin: only load/loader.h does.
 *
 * Threads: every function may be called by any thread, except via_registry_close(), which comes alone and after the
 * last via_loader_release() of one of its plugins.
 */
#ifndef VIADUCT_HOST_REGISTRY_H
#define VIADUCT_HOST_REGISTRY_H

#include "core/log.h"
#include "load/resolve.h"

/*
 * Searches for the first time. `options` NULL = the defaults. `log` outlives the registry; a plugin or endpoint file
 * that is refused is logged there and kept for the enumerations. VIA_OK, VIA_ENOMEM, VIA_EINVAL, or the status of a
 * critical plugin's refusal.
 */
via_status via_registry_open(const via_host_options *options, const via_log *log, via_registry **registry,
                             via_error *error);
/* The same for one opening call, at once: nothing is watched. */
via_status via_registry_open_once(const via_host_options *options, const via_log *log, via_registry **registry,
                                  via_error *error);
/* Frees everything. NULL is allowed. */
void via_registry_close(via_registry *registry);

/* Searches again. Entries whose files have not changed stay as they are; loaded ones are never touched. */
via_status via_registry_scan(via_registry *registry, via_error *error);
/*
 * Where to sleep until a searched folder changes; from the first call on changes are kept for via_registry_change_next(). Set
 * handle->size first. VIA_OK, VIA_EINVAL, VIA_ENOTSUP, VIA_ELIMIT, VIA_ENOMEM.
 */
via_status via_registry_watch(via_registry *registry, via_poll_handle *handle, via_error *error);

/* The body of via_change_next(). */
via_status via_registry_change_next(via_registry *registry, via_change *change);

/* The bodies of via_plugin_next() and via_endpoint_next(). */
via_status via_registry_plugin_next(via_registry *registry, size_t *cursor, via_plugin_info *info);
via_status via_registry_endpoint_next(via_registry *registry, size_t *cursor, via_endpoint_info *info);

/* The body of via_explain(). Of via_validate_with() it is load/validate.h; via_seal() needs no host. */
via_status via_registry_explain(via_registry *registry, const char *address, const via_open_options *options,
                                char **json, via_error *error);
/* The bodies of via_advise() and via_lint(). */
via_status via_registry_advise(via_registry *registry, const char *need, char **json, via_error *error);
via_status via_registry_lint(via_registry *registry, const char *file, char **json, via_error *error);

#endif
