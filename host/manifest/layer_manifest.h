/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One layer of a plugin's manifest, read and checked.
 *
 * Owns: the meaning of its fields. Must never know a layer by name.
 */
#ifndef VIADUCT_HOST_LAYER_MANIFEST_H
#define VIADUCT_HOST_LAYER_MANIFEST_H

#include "manifest/option.h"

/* What becomes of the bytes of a message. */
enum {
    VIA_BYTES_KEPT = 0u,    /* they leave as they came */
    VIA_BYTES_CHANGED = 1u, /* the other end needs the same layer, and the host marks them: core/mark.h */
    VIA_BYTES_OWN = 2u      /* they become a format that tells by itself who does not speak it */
};

enum { VIA_LAYER_NAME_BYTES = 31 };

/* The texts live as long as the manifest. */
typedef struct via_layer_manifest {
    const char *name;
    const char *checks; /* the key by which the files that it checks are known; NULL = none */
    json_t *passes;     /* array of extension ids, or NULL */
    via_option_list options;
    uint64_t overhead;    /* bytes that it adds to a message at most */
    uint64_t max_message; /* larger ones are no use to it, unless somebody asks for them; 0 = any are */
    uint32_t patterns;    /* VIA_PATTERN_* */
    uint32_t clears;      /* VIA_INFO_* that a channel below may have, and one with this layer has not */
    uint32_t bytes;       /* VIA_BYTES_* */
    bool is_terminal;
} via_layer_manifest;

/* Ends with NULL. */
extern const via_word via_bytes_words[];

/* Reads one entry of "layers"; the key is its name. Must be finished on failure too. VIA_OK, VIA_EINVAL, VIA_ENOMEM. */
via_status via_layer_manifest_read(via_check *check, json_t *value, via_layer_manifest *layer);
void via_layer_manifest_fini(via_layer_manifest *layer);

/* A lower-case letter, then lower-case letters, digits, "_" and "-", at most 31 in all. */
bool via_layer_is_name(const char *text);
/* True if the layer lets the extension through. */
bool via_layer_manifest_passes(const via_layer_manifest *layer, const char *extension);

#endif
