/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kind of file a file is.
 *
 * Owns: telling the kinds apart, and who checks which. Must never run code of a plugin: core/check.c does.
 */
#ifndef VIADUCT_HOST_VALIDATE_H
#define VIADUCT_HOST_VALIDATE_H

#include "load/resolve.h"

/* A file of any kind, manifests and others: at most so large and so deep. */
enum { VIA_FILE_BYTES = 1024 * 1024, VIA_FILE_DEPTH = 16 };

typedef struct via_file_kind {
    uint32_t kind;            /* VIA_MANIFEST_*, 0 = it could not be told */
    char word[32];            /* the key by which a layer's files are known */
    via_plugin_entry *plugin; /* of a layer's file: who checks it; held */
    const char *layer;        /* the layer in it */
} via_file_kind;

/*
 * Checks a manifest. Of a layer's file it finds out who checks it, and no more: VIA_OK with VIA_MANIFEST_OF_LAYER.
 * `registry` NULL = nobody is asked: VIA_ENOTSUP then. Takes the registry's lock.
 */
via_status via_file_check(via_registry *registry, const char *file, via_file_kind *found, via_error *error);
/* Gives back what it holds; after a failure too. */
void via_file_kind_fini(via_file_kind *found);

#endif
