/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which plugin serves a scheme, has a layer, or checks a kind of file.
 *
 * Owns: the rule (the highest priority, then the first found, of those that are not refused) and the refusal.
 */
#ifndef VIADUCT_HOST_CHOOSE_H
#define VIADUCT_HOST_CHOOSE_H

#include "load/registry_state.h"

typedef struct via_choice {
    via_plugin_entry *entry;
    const via_scheme_manifest *scheme; /* NULL in the choice of a layer */
    const via_layer_manifest *layer;   /* NULL in the choice of a scheme */
} via_choice;

/* What became of one plugin that has the scheme or layer. */
typedef enum via_verdict {
    VIA_VERDICT_CHOSEN,
    VIA_VERDICT_OUTRANKED, /* another one has a higher priority or was found first */
    VIA_VERDICT_SHADOWED,
    VIA_VERDICT_DISABLED,
    VIA_VERDICT_REFUSED
} via_verdict;

/*
 * Call it with the registry's lock held. VIA_OK; VIA_ENOENT: nobody has the scheme; else the refusal of the plugin that
 * has it.
 */
via_status via_choose(const via_registry *registry, const char *scheme, via_choice *choice, via_error *error);
/* The same for a layer's name. */
via_status via_choose_layer(const via_registry *registry, const char *layer, via_choice *choice, via_error *error);
/* The same for a layer that checks files with this key. */
via_status via_choose_check(const via_registry *registry, const char *key, via_choice *choice, via_error *error);
/* Trust and preflight of the chosen one, for those who will not load it. VIA_OK, or its refusal. */
via_status via_choice_check(const via_choice *choice, via_error *error);
/* The verdict on an entry, given the choice (whose entry may be NULL). */
via_verdict via_choose_verdict(via_plugin_entry *entry, const via_choice *choice);

#endif
