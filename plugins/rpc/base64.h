/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as text.
 *
 * Source: RFC 4648, section 4, read strictly: no other characters, unused bits are 0, "=" all there or all left out.
 */
#ifndef RPC_BASE64_H
#define RPC_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Characters for `size` bytes, with "="; SIZE_MAX if there is no such number. */
size_t rpc_base64_length(size_t size);
/* Writes as many. */
void rpc_base64_encode(const void *bytes, size_t size, char *text);
/* `bytes` has room for length / 4 * 3 + 2. False: not base64. */
bool rpc_base64_decode(const char *text, size_t length, unsigned char *bytes, size_t *size);

#endif
