/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layers of a request, held against the plugins.
 *
 * Owns: the notation of a stack ("tap,zip", from the program to the transport; "tap.file=x" for an option), what may
 * stand on what, and what a stack as a whole promises. Must never know a layer by name.
 */
#ifndef VIADUCT_HOST_LAYERS_H
#define VIADUCT_HOST_LAYERS_H

#include "load/choose.h"
#include "load/settings.h"

/* One layer of a stack, with its options filled in. */
typedef struct via_stacked {
    via_choice choice;
    via_effective *effective; /* one for each option of the layer */
} via_stacked;

/* Borrows from the request and the registry. */
typedef struct via_layers {
    const via_setting *setting; /* NULL = nobody said anything */
    via_stacked list[VIA_LAYERS];
    size_t count;
    size_t
        above_mark; /* how many stand above the host's mark: all down to the innermost that changes bytes; 0 = no mark */
    char names[VIA_LAYERS][VIA_LAYER_NAME_BYTES + 1];
    uint32_t stack_id;    /* via_open.stack_id */
    uint64_t overhead;    /* bytes that all of them, and the host's mark, add to a message */
    uint64_t max_message; /* the least that one of them has use for; 0 = any */
    uint32_t clears;      /* VIA_INFO_* that the stack takes back */
} via_layers;

/*
 * `pattern` 0 = not known yet. Call it with the registry's lock held. VIA_OK, VIA_EINVAL, VIA_ENOENT, VIA_ENOTSUP,
 * VIA_ETYPE, VIA_ENOMEM, or the refusal of a layer's plugin. Must be finished on failure too.
 */
via_status via_layers_choose(const via_registry *registry, const via_request *request, uint32_t pattern,
                             via_layers *layers, via_error *error);
void via_layers_fini(via_layers *layers);

/* True if the setting is an option of a layer ("tap.file"). */
bool via_layers_owns(const via_setting *setting);
/* True if its layer is not there, and does not have to be: another place has replaced the layers since. */
bool via_layers_is_left_out(const via_layers *layers, const via_setting *setting);

#endif
