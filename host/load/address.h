/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of addresses: scheme:rest?option=value&... , or an endpoint's name with the same options.
 *
 * Owns: splitting and decoding. Must never know a scheme or an option by name. Source: RFC 3986, sections 2.1 and 3,
 * without "+" as a space and without a fragment ("#" is an ordinary character).
 */
#ifndef VIADUCT_HOST_ADDRESS_H
#define VIADUCT_HOST_ADDRESS_H

#include <viaduct/types.h>

enum { VIA_ADDRESS_BYTES = 4096, VIA_ADDRESS_OPTIONS = 64, VIA_ENDPOINT_NAME_BYTES = 63 };

typedef struct via_address_option {
    char *name;
    char *value; /* decoded */
} via_address_option;

typedef struct via_address {
    char *scheme; /* NULL = `rest` is an endpoint's name */
    char *rest;   /* still percent-encoded */
    via_address_option options[VIA_ADDRESS_OPTIONS];
    size_t option_count;
} via_address;

/* VIA_OK, VIA_EINVAL, VIA_ENOMEM. On failure nothing is to be freed. */
via_status via_address_parse(const char *text, via_address *out, via_error *error);
void via_address_fini(via_address *address);

/* Letters, digits, "_", "." and "-", 1 to 63 of them. */
bool via_endpoint_is_name(const char *text);

#endif
