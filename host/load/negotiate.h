/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holding a plugin's tables against its manifest.
 *
 * Owns: which slots are mandatory, and the stubs of those that are not. Must never call a slot.
 */
#ifndef VIADUCT_HOST_NEGOTIATE_H
#define VIADUCT_HOST_NEGOTIATE_H

#include "manifest/plugin_manifest.h"

/* Copies of a plugin's tables, of this host's size. */
typedef struct via_tables {
    via_transport *transports;
    via_channel_ops *channels;   /* one for each transport */
    via_listener_ops *listeners; /* the same */
    size_t count;
} via_tables;

/* The stage is VIA_STAGE_NEGOTIATE. VIA_OK, VIA_EREFUSED, VIA_ENOMEM. On failure nothing is to be freed. */
via_status via_tables_negotiate(via_tables *tables, const via_plugin *plugin, const via_plugin_manifest *manifest,
                                via_error *error);
void via_tables_fini(via_tables *tables);

/* load/stubs.c: fills the empty optional slots; see load/loader.h. */
void via_stubs_fill(via_channel_ops *ops);

#endif
