/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin's manifest, read and checked: all that is known about a plugin without running it.
 *
 * Owns: the meaning of its fields. Must never look at a file system.
 */
#ifndef VIADUCT_HOST_PLUGIN_MANIFEST_H
#define VIADUCT_HOST_PLUGIN_MANIFEST_H

#include "load/resolve.h"
#include "manifest/layer_manifest.h"
#include "manifest/option.h"

enum { VIA_SCOPE_PROCESS = 1u, VIA_SCOPE_MACHINE = 2u, VIA_SCOPE_NETWORK = 3u };

/* One scheme. The texts live as long as the manifest. */
struct via_scheme_manifest {
    const char *name;
    json_t *aliases;  /* array of texts, or NULL */
    json_t *features; /* the same */
    via_option_list options;
    uint64_t max_message; /* bytes */
    uint32_t patterns;    /* VIA_PATTERN_* */
    uint32_t scope;
    uint32_t info_flags; /* VIA_INFO_* */
    bool listens;
    const char *rest;             /* what stands behind the colon, with words in capitals to fill in; "" = not said */
    uint64_t typical_latency_ns;  /* of a small message; 0 = not said */
    uint64_t typical_bytes_per_s; /* of large ones; 0 = not said */
};

typedef struct via_plugin_manifest {
    json_t *root;
    json_t *options_root; /* of what an outline has been completed from; NULL = options stand in `root` as all else */
    const char *name;
    const char *kind;
    const char *version;
    const char *summary;
    const char *library;          /* for this platform; NULL = none */
    const char *sha256;           /* of that library, 64 hex digits; NULL = not sealed */
    const char *abi;              /* of that library, "MAJOR.MINOR:HASH"; NULL = not sealed */
    via_scheme_manifest *schemes; /* of a transport */
    size_t scheme_count;
    via_layer_manifest *layers; /* of a layer */
    size_t layer_count;
    int32_t priority;
    bool critical;
    bool enabled;
    bool threads;
    bool resident;
    bool is_outline; /* no scheme and no layer has its options yet */
} via_plugin_manifest;

/* The key of this build in "library", "linux-x86_64". */
extern const char via_platform[];
/* The words of manifests for VIA_PATTERN_* and VIA_SCOPE_*. End with NULL. */
extern const via_word via_pattern_words[];
extern const via_word via_scope_words[];
extern const via_word via_promise_words[];    /* VIA_INFO_* */
extern const via_word *const via_carry_words; /* those of what travels with a message */

/*
 * Reads a manifest from its text. On failure `name` and `critical` are filled as far as they could be read, and
 * `manifest` must be finished all the same. VIA_OK, VIA_EINVAL, VIA_ENOMEM.
 */
via_status via_plugin_manifest_read(via_plugin_manifest *manifest, const char *file, const char *text, size_t size,
                                    via_error *error);
void via_plugin_manifest_fini(via_plugin_manifest *manifest);

/*
 * manifest/outline.c: the same without the options of schemes and layers, much sooner. What is in them is checked by
 * via_plugin_manifest_complete() only, but for strings that end and brackets in pairs; `is_outline` says whether there are any.
 */
via_status via_plugin_manifest_outline(via_plugin_manifest *manifest, const char *file, const char *text, size_t size,
                                       via_error *error);
/*
 * Adds the options of the same text. Pointers into the manifest stay good. VIA_OK, also where nothing is missing; VIA_EINVAL: there are
 * none and will be none; VIA_ENOMEM: it can be tried again.
 */
via_status via_plugin_manifest_complete(via_plugin_manifest *manifest, const char *file, const char *text, size_t size,
                                        via_error *error);

/* The scheme that `name` is the name or an alias of, or NULL. */
const via_scheme_manifest *via_plugin_manifest_scheme(const via_plugin_manifest *manifest, const char *name);
/* The layer of this name, or NULL. */
const via_layer_manifest *via_plugin_manifest_layer(const via_plugin_manifest *manifest, const char *name);
/* True if the scheme lists the feature. */
bool via_scheme_manifest_has(const via_scheme_manifest *scheme, const char *feature);

/* True if a plain name does for the rest of an address: "rest" has NAME to fill in, and nothing else. */
bool via_scheme_manifest_is_named(const via_scheme_manifest *scheme);

/* Writes "pair queue" to `text`, which is returned. */
const char *via_pattern_list(uint32_t patterns, char *text, size_t capacity);
/* Schemes and aliases: RFC 3986 in lower case, at most 31 bytes, at least 2 (a single letter is a drive). */
bool via_scheme_is_name(const char *text);

/* Features: a lower-case letter, then letters, digits and "-", at most 31 in all. */
bool via_feature_is_name(const char *text);
/* The field "manifest", the version of the format; the same in every kind of manifest. */
via_status via_manifest_version_read(via_check *check, json_t *value, void *unused);

/* manifest/plugin_offers.c: reads "schemes" or "layers" of the via_plugin_manifest at `target`. */
via_status via_schemes_read(via_check *check, json_t *value, void *target);
via_status via_layers_read(via_check *check, json_t *value, void *target);
/* No alias is the name or an alias of another scheme of the plugin. */
via_status via_aliases_check(via_check *check, const via_plugin_manifest *manifest);

/* manifest/scheme_manifest.c: reads one entry of "schemes"; the key is its name. */
via_status via_scheme_manifest_read(via_check *check, json_t *value, via_scheme_manifest *scheme);
void via_scheme_manifest_fini(via_scheme_manifest *scheme);

#endif
