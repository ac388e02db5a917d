/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The endpoint files that were found.
 *
 * Owns: their order, and which of two endpoints of one name counts.
 */
#ifndef VIADUCT_HOST_ENDPOINTS_H
#define VIADUCT_HOST_ENDPOINTS_H

#include "load/search.h"
#include "manifest/endpoint_manifest.h"

/* One file. A refused one has no endpoints. */
typedef struct via_endpoint_file {
    char *path;
    via_endpoints endpoints;
    via_error error;
} via_endpoint_file;

typedef struct via_endpoint_files {
    via_endpoint_file *files;
    size_t count;
} via_endpoint_files;

/* Reads every file of the search; a bad one is kept as refused and logged. VIA_OK, VIA_ENOMEM. */
via_status via_endpoint_files_read(via_endpoint_files *files, const via_search *search, const via_log *log);
void via_endpoint_files_fini(via_endpoint_files *files);

/* The first endpoint of this name, and its file; NULL = none. */
const via_endpoint_manifest *via_endpoint_files_find(const via_endpoint_files *files, const char *name,
                                                     const via_endpoint_file **file);
/* The name nearest to a wrong one, or NULL. */
const char *via_endpoint_files_nearest(const via_endpoint_files *files, const char *name);
/* The endpoint (or refused file) at `index` of the enumeration. False = beyond the last. */
bool via_endpoint_files_at(const via_endpoint_files *files, size_t index, via_endpoint_info *info);

#endif
