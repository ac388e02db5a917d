/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where plugins and endpoints are looked for, and whom to trust there.
 *
 * Owns: the order of the search and the meaning of every VIADUCT_* variable that has a part in it. Read once, when a
 * host is opened; where the names lead is looked at again.
 */
#ifndef VIADUCT_HOST_SEARCH_H
#define VIADUCT_HOST_SEARCH_H

#include "core/log.h"
#include "platform/trust.h"

#include <viaduct/viaduct.h>

typedef struct via_path_list {
    char **paths; /* without links where they exist, as of the last look */
    char **given; /* as they were named, from the root */
    size_t count;
} via_path_list;

typedef struct via_search {
    via_path_list plugins;   /* folders, or single manifests */
    via_path_list endpoints; /* folders or files */
    via_trust trust;
    bool ignore_environment;
    bool load_direct; /* VIADUCT_LOAD=direct */
} via_search;

/* Fills the record. VIA_OK, VIA_ENOMEM; must be finished on failure too. */
via_status via_search_init(via_search *search, const via_host_options *options, const via_log *log, via_error *error);
void via_search_fini(via_search *search);

/* Looks again where the names lead: a folder may have come, a link may have been pointed elsewhere. VIA_OK, VIA_ENOMEM. */
via_status via_search_resolve(via_search *search);
/* True if the path at `index` leads to where an earlier one leads: it is searched there. */
bool via_path_list_is_repeated(const via_path_list *list, size_t index);

enum { VIA_VARIABLE_BYTES = 96 };

/* VIADUCT_ADDRESS_<NAME>: upper case, every character that is not a letter or digit as "_". */
void via_search_variable(const char *endpoint, char variable[VIA_VARIABLE_BYTES]);
/* The address that this variable gives the endpoint, or NULL. */
const char *via_search_override(const via_search *search, const char *endpoint, char variable[VIA_VARIABLE_BYTES]);

/* load/variables.c: warns about every VIADUCT_* variable that means nothing, with the nearest that does. */
void via_variables_check(const via_log *log, const char *const *endpoints, size_t endpoint_count);

#endif
