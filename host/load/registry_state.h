/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry's record, for the files of load/ that look things up in it.
 *
 * Owns: the lock order: registry, then plugin entry.
 */
#ifndef VIADUCT_HOST_REGISTRY_STATE_H
#define VIADUCT_HOST_REGISTRY_STATE_H

#include "load/endpoints.h"
#include "load/entry.h"
#include "load/registry.h"

struct via_registry {
    via_search search; /* fixed from open on */
    const via_log *log;
    via_mutex lock; /* guards all that follows */
    via_plugin_entry **plugins;
    size_t plugin_count;
    via_endpoint_files endpoints;
    int watch; /* -1 = nobody has asked */
};

#endif
