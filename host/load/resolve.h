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

enum { VIA_CANDIDATES = 16 };

/* One of the ways that an endpoint offers. */
typedef struct via_candidate {
    char *address;         /* "scheme:rest", without options */
    via_resolved resolved; /* if error.status is VIA_OK */
    via_error error;       /* why it cannot be used */
} via_candidate;

/* All ways of one address or endpoint, the best first. */
typedef struct via_candidates {
    via_candidate *list;
    size_t count;
    bool is_choice; /* the endpoint has any_of or require; otherwise there is one, and it is resolved */
    bool is_ranked; /* it is require: whoever binds takes the best one, not all */
    char *name;     /* of the endpoint; NULL = opened by address */
    char *file;     /* where it stands; NULL = no file */
    uint32_t line;
    uint32_t column;
} via_candidates;

/*
 * `role` is what the caller opens as; `connects` tells dial from listen for VIA_PAIR.
 * VIA_OK: one candidate at least is resolved. VIA_EINVAL, VIA_ENOENT, VIA_ENOTSUP, VIA_ETYPE, VIA_ENOMEM. If the plugin
 * that owns the scheme was refused, `error` is that refusal with its own stage and place (VIA_EPERM from trust;
 * VIA_EREFUSED for a bad manifest too). A candidate that this machine does not offer (no plugin, no such pattern) is
 * kept with its reason; a mistake in the options of one is an error of the whole, since no machine would forgive it.
 */
via_status via_resolve_all(via_registry *registry, const char *address, uint32_t role, bool connects,
                           const via_open_options *options, via_candidates *out, via_error *error);
/* The error of a choice of which no candidate could be opened: `more` has each with its reason. Answers its status. */
via_status via_candidates_fail(const via_candidates *candidates, via_error *error);
void via_candidates_fini(via_candidates *candidates);
/* The first way that can be used, and no other. */
via_status via_resolve(via_registry *registry, const char *address, uint32_t role, bool connects,
                       const via_open_options *options, via_resolved *out, via_error *error);
void via_resolved_fini(via_resolved *resolved);

#endif
