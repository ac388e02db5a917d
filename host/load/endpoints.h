/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The endpoint files that were found.
 *
 * Owns: their order, and which of two endpoints of one name counts.
 */
#ifndef VIADUCT_HOST_ENDPOINTS_H
#define VIADUCT_HOST_ENDPOINTS_H

#include "load/changes.h"
#include "load/search.h"
#include "manifest/endpoint_manifest.h"
#include "platform/folder.h"

/* One file. A refused one has the endpoints of its last good state, if there was one. */
typedef struct via_endpoint_file {
    char *path;
    via_endpoints endpoints;
    bool is_good;       /* the endpoints are those of a file that was whole */
    uint64_t text_hash; /* of the text that was read last, good or bad */
    via_file_mark mark;
    via_error error; /* VIA_OK = the file is as its endpoints are */
} via_endpoint_file;

typedef struct via_endpoint_files {
    via_endpoint_file *files;
    size_t count;
    bool has_looked;
} via_endpoint_files;

/*
 * Looks at every file of the search, and reads those that have changed since `files` was filled (empty = never). What became of
 * each is logged and told. VIA_OK; VIA_ENOMEM, VIA_ELIMIT: some were not looked at, and are as they were.
 */
via_status via_endpoint_files_look(via_endpoint_files *files, const via_search *search, const via_log *log,
                                   via_changes *changes);
void via_endpoint_files_fini(via_endpoint_files *files);

/* The first endpoint of this name, and its file; NULL = none. */
const via_endpoint_manifest *via_endpoint_files_find(const via_endpoint_files *files, const char *name,
                                                     const via_endpoint_file **file);
/* The name nearest to a wrong one, or NULL. */
const char *via_endpoint_files_nearest(const via_endpoint_files *files, const char *name);
/* The endpoint (or refused file) at `index` of the enumeration. False = beyond the last. */
bool via_endpoint_files_at(const via_endpoint_files *files, size_t index, via_endpoint_info *info);

#endif
