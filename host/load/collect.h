/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One look at every folder of the search, compared with the look before.
 *
 * Owns: which of two states of a plugin's files counts, and the telling of it. Must never run code of a plugin.
 */
#ifndef VIADUCT_HOST_COLLECT_H
#define VIADUCT_HOST_COLLECT_H

#include "load/registry_state.h"

/*
 * Fills the registry's list of plugins anew. An entry whose files have not changed stays; one whose files have become bad stays
 * too if it can still serve. Call it with the registry's lock held. VIA_OK, VIA_ENOMEM: then what was found by then is in the
 * list.
 */
via_status via_registry_collect(via_registry *registry);

/*
 * Reads the options of an entry that the first look left for later, and tells the log if that refuses it. Call it with the registry's
 * lock held, before the verdict on the entry or an option of it counts. VIA_OK, also for a refused one; VIA_ENOMEM.
 */
via_status via_registry_complete(const via_registry *registry, via_plugin_entry *entry);

/* Tells of one change: to the log and to who asks. `error` NULL = none. load/endpoints.c uses it as well. */
void via_registry_tell(via_changes *changes, const via_log *log, via_change *change, const via_error *error);
/* True if both say the same of the same place. */
bool via_error_is_same(const via_error *a, const via_error *b);

#endif
