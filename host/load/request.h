/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked for: an address, or an endpoint with its overrides, and every option with where it was set.
 *
 * Owns: the order of overrides: manifest default, endpoint, the endpoint's address, VIADUCT_ADDRESS_<NAME>, the address
 * of the call, the options of the call. Must never look at plugins.
 */
#ifndef VIADUCT_HOST_REQUEST_H
#define VIADUCT_HOST_REQUEST_H

#include "load/address.h"
#include "load/need.h"
#include "load/registry_state.h"

typedef enum via_origin {
    VIA_ORIGIN_DEFAULT,
    VIA_ORIGIN_ENDPOINT,         /* "options" and "layers" of the endpoint manifest */
    VIA_ORIGIN_ENDPOINT_ADDRESS, /* the query of its "address" */
    VIA_ORIGIN_VARIABLE,         /* the query of VIADUCT_ADDRESS_<NAME> */
    VIA_ORIGIN_ADDRESS,          /* the query of the address in the call */
    VIA_ORIGIN_CALL              /* via_open_options */
} via_origin;

/* One option that was set; the last one of a name counts. */
typedef struct via_setting {
    const char *name;
    const char *value;
    via_origin origin;
    uint32_t line; /* in the endpoint's file */
    uint32_t column;
} via_setting;

/* Three queries at most, the endpoint's options, those of its layers, and the call's; "layers" of either may be extra. */
enum { VIA_SETTINGS = 5 * VIA_ADDRESS_OPTIONS + VIA_LAYER_OPTIONS + 2 };

typedef struct via_request {
    via_address given;                  /* what the caller wrote */
    via_address place;                  /* where the endpoint or its override points */
    const via_address *target;          /* one of the two; NULL = the endpoint has a choice, and none is pointed at */
    bool has_choice;                    /* the endpoint has any_of or require, and nothing overrides it */
    const via_endpoint_need *need;      /* what its mechanism is chosen by; NULL = it is named */
    const via_endpoint_need *condition; /* what the call requires besides; NULL = nothing */
    via_endpoint_need called_for;       /* what via_open_options.require says */
    const via_endpoint_manifest *endpoint; /* NULL = opened by address, or defined by the variable alone */
    const via_endpoint_file *file;
    const char *override; /* the value of `variable`, or NULL */
    char variable[VIA_VARIABLE_BYTES];
    char *call_names[VIA_ADDRESS_OPTIONS + 1];
    const char *call_values[VIA_ADDRESS_OPTIONS + 1];
    size_t call_count;
    char *layer_texts[VIA_LAYER_OPTIONS + 1]; /* what the endpoint's "layers" come to: "tap,zip", "tap.file", ... */
    size_t layer_text_count;
    via_setting settings[VIA_SETTINGS];
    size_t setting_count;
    struct via_request_paths *paths; /* what relative paths of the endpoint's file come to */
} via_request;

/*
 * Call it with the registry's lock held, which is kept until via_request_destroy(): the texts are borrowed.
 * VIA_OK, VIA_EINVAL, VIA_ENOENT, VIA_ENOMEM.
 */
via_status via_request_create(const via_registry *registry, const char *address, const via_open_options *options,
                              via_request **request, via_error *error);
void via_request_destroy(via_request *request);

/* The setting of this name that counts, or NULL. */
const via_setting *via_request_setting(const via_request *request, const char *name);
/*
 * The value of a setting that is a path: a relative one in an endpoint manifest begins at that file's folder. Borrowed from the
 * request; NULL: no memory.
 */
const char *via_request_path(const via_request *request, const via_setting *setting);
/* Adds to an error where the setting was made. */
void via_request_blame(const via_request *request, const via_setting *setting, via_error *error);
/* Adds to an error that the endpoint is as it was before an edit of its file that is refused, if that is so. */
void via_request_tell_stale(const via_request *request, via_error *error);
/*
 * Points a request that has a choice at one of its candidates: the settings are now those of this one. VIA_OK,
 * VIA_EINVAL, VIA_ENOMEM.
 */
via_status via_request_point(via_request *request, const char *address, via_error *error);

#endif
