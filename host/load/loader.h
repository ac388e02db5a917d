/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin's code in memory: trust, preflight, load, negotiate, init; and the way back.
 *
 * Owns: the sealed copy, the dlopen handle, the completed copies of the plugin's tables, the count of its users.
 */
#ifndef VIADUCT_HOST_LOADER_H
#define VIADUCT_HOST_LOADER_H

#include "load/resolve.h"

#include <viaduct/layer.h>

/*
 * A loaded plugin. Tables are copies of this host's size. Empty optional slots are filled by a stub (flush: VIA_OK;
 * finish, peer, and send or recv of a pattern that has none: VIA_ENOTSUP; info, release, refresh_counters: nothing;
 * extension: NULL), except those whose work the host does itself, which stay NULL: loan, commit, discard and drain.
 * The tables of layers have no stubs: where a slot is empty, the call goes to the channel below.
 */
typedef struct via_loaded {
    const char *name;
    void *state;
    const via_transport *transports;
    size_t transport_count;
    const via_layer *layers;
    size_t layer_count;
} via_loaded;

/*
 * Loads on first use and counts its users. Any thread. The host table is the one of core/context.h.
 * On refusal the entry keeps the error, and via_plugin_next() shows it.
 */
via_status via_loader_acquire(via_plugin_entry *plugin, const via_host_api *host, via_loaded **loaded,
                              via_error *error);
/*
 * Gives one use back; the last one runs fini and unloads, unless the manifest says resident. The sealed copy rests with the
 * entry, so that it can be loaded again whatever has become of the file.
 */
void via_loader_release(via_loaded *loaded);

/* True if its code is mapped and stays so, as its manifest asks for. Call it with the entry's lock held. */
bool via_loader_is_resident(const via_plugin_entry *plugin);

/*
 * Gives one use back in a forked child, where fini would touch what the parent still uses: the last one frees memory, and
 * runs nothing. The code stays mapped.
 */
void via_loader_forget(via_loaded *loaded);

/* The transport of `scheme` (the manifest's spelling), or NULL. */
const via_transport *via_loaded_transport(const via_loaded *loaded, const char *scheme);
/* The layer of this name, or NULL. */
const via_layer *via_loaded_layer(const via_loaded *loaded, const char *name);

#endif
