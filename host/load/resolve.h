/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an address or endpoint name to everything an open needs: plugin, scheme, rest, typed options.
 *
 * Owns: the grammar of addresses and the order of overrides. Runs no plugin code.
 */
#ifndef VIADUCT_HOST_RESOLVE_H
#define VIADUCT_HOST_RESOLVE_H

#include <viaduct/plugin.h>
#include <viaduct/viaduct.h>

typedef struct via_registry via_registry;         /* load/registry.h: the plugins and endpoints that were found */
typedef struct via_plugin_entry via_plugin_entry; /* one of its plugins */
typedef struct via_scheme_manifest via_scheme_manifest;
typedef struct via_layer_manifest via_layer_manifest;

/* One layer. `plugin` is held by the record, and `manifest` belongs to it. */
typedef struct via_resolved_layer {
    via_plugin_entry *plugin;
    const via_layer_manifest *manifest;
    const char *name; /* manifest->name */
    via_option *options;
    size_t option_count;
    uint64_t max_message; /* bytes; of what is sent to the layer */
} via_resolved_layer;

/*
 * All memory is the record's own, except `manifest` and `scheme`, which belong to `plugin`. That the record holds, whatever
 * becomes of its files; it is given back before the registry goes.
 */
typedef struct via_resolved {
    via_plugin_entry *plugin;
    const via_scheme_manifest *manifest; /* the scheme's entry: features, guarantees, options */
    const char *scheme;                  /* as the manifest spells it (manifest->name); lives as long as `manifest` */
    char *endpoint;                      /* NULL = opened by address */
    char *address;                       /* "scheme:rest" without options */
    char *rest;
    uint32_t pattern; /* VIA_PATTERN_* */
    uint32_t role;
    uint32_t side;       /* VIA_SIDE_BIND or VIA_SIDE_CONNECT */
    uint32_t threads;    /* VIA_TWO or VIA_MANY: the caller's, or the option `threads` */
    uint32_t info_flags; /* VIA_INFO_* that the manifests claim, of the scheme and the layers */
    uint64_t max_message;
    uint64_t transport_max_message; /* the same with what the layers add */
    uint32_t stack_id;              /* via_open.stack_id */
    via_resolved_layer *layers;     /* the first is what the program sees */
    size_t layer_count;
    size_t above_mark;   /* how many of them stand above the host's mark: core/mark.h */
    via_option *options; /* the scheme's, in the manifest's order, defaults filled in */
    size_t option_count;
    char *file; /* where the endpoint stands, for errors; NULL = opened by address, or the environment defines it */
    uint32_t line;
    uint32_t column;
} via_resolved;

/*
 * `role` is what the caller opens as; `connects` tells dial from listen for VIA_PAIR.
 * VIA_OK, VIA_EINVAL, VIA_ENOENT, VIA_ENOTSUP, VIA_ETYPE, VIA_ENOMEM. If the plugin that owns the scheme was refused,
 * `error` is that refusal with its own stage and place (VIA_EPERM from trust; VIA_EREFUSED for a bad manifest too).
 */
via_status via_resolve(via_registry *registry, const char *address, uint32_t role, bool connects,
                       const via_open_options *options, via_resolved *out, via_error *error);
void via_resolved_fini(via_resolved *resolved);

#endif
