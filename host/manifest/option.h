/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options as a plugin's manifest declares them, and values held against the declaration.
 *
 * Owns: what a valid option value is. Must never know where a value came from.
 */
#ifndef VIADUCT_HOST_OPTION_H
#define VIADUCT_HOST_OPTION_H

#include "manifest/manifest.h"

#include <viaduct/plugin.h>

/* One declared option. The texts live as long as the manifest. */
typedef struct via_option_spec {
    const char *name;
    const char *summary;
    const char *default_text; /* as the manifest spells it; "" for a string or path without one */
    const char *min_text;     /* NULL = none */
    const char *max_text;
    json_t *values; /* of an enum: an array of texts, borrowed */
    int64_t default_number;
    int64_t min;
    int64_t max;
    uint32_t type;         /* VIA_OPTION_* */
    uint32_t patterns;     /* VIA_PATTERN_*; 0 = wherever the scheme is used */
    bool secret;           /* never shown */
    char default_room[24]; /* for numbers that the manifest does not write as text */
    char min_room[24];
    char max_room[24];
} via_option_spec;

/* Declared options, in the manifest's order. */
typedef struct via_option_list {
    via_option_spec *specs;
    size_t count;
} via_option_list;

/* manifest/option_list.c: reads "options". VIA_OK, VIA_EINVAL, VIA_ENOMEM; on failure too the list is to be finished. */
via_status via_option_list_read(via_check *check, json_t *value, via_option_list *list);
void via_option_list_fini(via_option_list *list);
/* Each option is for patterns that `noun` ("scheme", "layer") offers. */
via_status via_option_list_check(via_check *check, const via_option_list *list, uint32_t patterns, const char *noun);
/* The option of this name, or NULL; `index` is its place. */
const via_option_spec *via_option_list_find(const via_option_list *list, const char *name, size_t *index);

/* Reads one entry of "options"; the key is its name. */
via_status via_option_spec_read(via_check *check, json_t *value, via_option_spec *spec);

/*
 * Holds `text` against the declaration and fills type, text and number. `text` stays the caller's. False: `what` says
 * what is wrong and what was expected, without showing a secret. `status` is VIA_ETYPE or VIA_EINVAL.
 */
bool via_option_fit(const via_option_spec *spec, const char *text, via_option *out, via_status *status, char *what,
                    size_t capacity);
/* The default as an option that is not set. */
void via_option_default(const via_option_spec *spec, via_option *out);

/* Option names: a lower-case letter, then letters, digits and "_", at most 31 in all. */
bool via_option_is_name(const char *text);
/* True for names that the host keeps for itself. */
bool via_option_is_reserved(const char *name);

#endif
