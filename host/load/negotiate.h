/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holding a plugin's tables against its manifest.
 *
 * Owns: which slots are mandatory, and the stubs of those that are not. Must never call a slot.
 */
#ifndef VIADUCT_HOST_NEGOTIATE_H
#define VIADUCT_HOST_NEGOTIATE_H

#include "manifest/plugin_manifest.h"

#include <viaduct/layer.h>

/* Copies of a plugin's tables, of this host's size. It has transports or layers. */
typedef struct via_tables {
    via_transport *transports;
    via_layer *layers;
    via_channel_ops *channels;   /* one for each transport or layer */
    via_listener_ops *listeners; /* one for each transport */
    size_t count;
    size_t layer_count;
} via_tables;

/* The stage is VIA_STAGE_NEGOTIATE. VIA_OK, VIA_EREFUSED, VIA_ENOMEM. On failure nothing is to be freed. */
via_status via_tables_negotiate(via_tables *tables, const via_plugin *plugin, const via_plugin_manifest *manifest,
                                via_error *error);
void via_tables_fini(via_tables *tables);

/* ---- the parts ---------------------------------------------------------------------------------------------- */

/* Whose table is looked at: `scheme "unix"`, `layer "tap"`. */
typedef struct via_table_owner {
    const char *kind;
    const char *name;
} via_table_owner;

#define VIA_BUILD_AGAIN "build the plugin again with this version's headers"
#define VIA_WRITE_SLOT "write the missing function; <viaduct/plugin.h> says what it has to do"

/* A slot that has to be filled. */
typedef struct via_slot {
    const char *name;
    bool is_filled;
} via_slot;

/* Answers VIA_EREFUSED. */
via_status via_negotiate_refuse(via_error *error, const char *mend, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Copies as much of a table as both sides know; `least` is what every table of this major version has. */
via_status via_negotiate_copy(void *out, size_t out_size, const void *table, size_t least, via_table_owner owner,
                              const char *noun, via_error *error);
via_status via_negotiate_slots(const via_slot *slots, size_t count, via_table_owner owner, const char *noun,
                               via_error *error);
/* The table of a channel has loan, commit and discard, or none of them. */
via_status via_negotiate_loans(const via_channel_ops *ops, via_table_owner owner, via_error *error);
/* Copies the table of a channel; which slots are mandatory depends on whose it is. */
via_status via_negotiate_channel(via_channel_ops *out, const via_channel_ops *table, via_table_owner owner,
                                 via_error *error);

/* load/negotiate_layers.c: fills tables->layers, for which there is room. */
via_status via_negotiate_layers(via_tables *tables, const via_plugin *plugin, const via_plugin_manifest *manifest,
                                via_error *error);

/* load/stubs.c: fills the empty optional slots; see load/loader.h. */
void via_stubs_fill(via_channel_ops *ops);

#endif
