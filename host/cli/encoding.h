/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as text and back: hex, quoted, base64.
 *
 * Owns: the three notations. A decoder takes what its encoder writes, and answers false for everything else.
 */
#ifndef VIADUCT_CLI_ENCODING_H
#define VIADUCT_CLI_ENCODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Lower-case digits, two a byte. */
void via_cli_hex_put(FILE *out, const void *data, size_t size);
/* Between double quotes; \" \\ \n \r \t, and \xNN for every other byte that is not printable UTF-8. */
void via_cli_quoted_put(FILE *out, const void *data, size_t size);
/* RFC 4648 with padding; the caller frees the text. NULL = out of memory. */
char *via_cli_base64_encode(const void *data, size_t size);

/* Each decodes in place: the text becomes the bytes, *size of them. */
bool via_cli_hex_decode(char *text, size_t length, size_t *size);
bool via_cli_quoted_decode(char *text, size_t length, size_t *size);
bool via_cli_base64_decode(char *text, size_t length, size_t *size);

#endif
