/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An endpoint manifest, read and checked.
 *
 * Owns: the meaning of its fields. Must never look at plugins: whether an option exists is for the resolver to say.
 */
#ifndef VIADUCT_HOST_ENDPOINT_MANIFEST_H
#define VIADUCT_HOST_ENDPOINT_MANIFEST_H

#include "manifest/manifest.h"

/* One option of an endpoint. The texts live as long as the manifest. */
typedef struct via_endpoint_option {
    const char *name;
    const char *value;
    char room[24]; /* of a number */
    uint32_t line;
    uint32_t column;
} via_endpoint_option;

/* One layer of an endpoint, with its options. */
typedef struct via_endpoint_layer {
    const char *name;
    via_endpoint_option *options;
    size_t option_count;
} via_endpoint_layer;

/* Layers of one endpoint; options that all of them have together. */
enum { VIA_LAYERS = 8, VIA_LAYER_OPTIONS = 64 };

/* What an endpoint asks for instead of an address. */
typedef struct via_endpoint_need {
    uint32_t pattern;     /* VIA_PATTERN_* */
    uint32_t scope;       /* VIA_SCOPE_*, 0 = any */
    json_t *features;     /* array of texts, or NULL */
    uint64_t max_message; /* bytes, 0 = any */
    uint64_t message;     /* bytes of a typical one, 0 = not said */
} via_endpoint_need;

/* One endpoint: exactly one of address, any_of and need is there. */
typedef struct via_endpoint_manifest {
    const char *name;
    const char *summary; /* "" = none */
    const char *address; /* NULL = any_of or need */
    json_t *any_of;      /* array of addresses */
    via_endpoint_need *need;
    via_endpoint_need need_room;
    uint32_t pattern; /* VIA_PATTERN_*, 0 = not stated */
    via_endpoint_option *options;
    size_t option_count;
    via_endpoint_layer *layers; /* the first is what the program sees; NULL = not stated */
    size_t layer_count;
    uint32_t layers_line;
    uint32_t layers_column;
    uint32_t line;
    uint32_t column;
} via_endpoint_manifest;

typedef struct via_endpoints {
    json_t *root;
    via_endpoint_manifest *list;
    size_t count;
} via_endpoints;

/* VIA_OK, VIA_EINVAL, VIA_ENOMEM. Must be finished on failure too. */
via_status via_endpoints_read(via_endpoints *endpoints, const char *file, const char *text, size_t size,
                              via_error *error);
void via_endpoints_fini(via_endpoints *endpoints);

/* Reads the value of one option; its name is the key. */
via_status via_endpoint_option_read(via_check *check, const char *name, json_t *value, via_endpoint_option *option);
/* manifest/endpoint_layers.c: reads "layers" of the via_endpoint_manifest at `target`. */
via_status via_endpoint_layers_read(via_check *check, json_t *value, void *target);
void via_endpoint_layers_fini(via_endpoint_manifest *endpoint);

#endif
