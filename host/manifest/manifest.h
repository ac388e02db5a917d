/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What plugin manifests and endpoint manifests have in common.
 *
 * Owns: their limits, and how a message calls one.
 */
#ifndef VIADUCT_HOST_MANIFEST_H
#define VIADUCT_HOST_MANIFEST_H

#include "kit/json/check.h"

enum { VIA_MANIFEST_BYTES = 64 * 1024, VIA_MANIFEST_DEPTH = 8 };

/* via_check_parse() for a manifest of any kind. */
via_status via_manifest_parse(via_check *check, const char *file, const char *text, size_t size, json_t **root,
                              via_error *error);
/* A size above 0, as a number of bytes or as people write it. */
via_status via_manifest_size(via_check *check, json_t *value, uint64_t *out);

#endif
