/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is it UTF-8?
 *
 * Source: RFC 3629. Refused: overlong forms, surrogates, above U+10FFFF, what is cut short. NUL is a character like others.
 */
#ifndef VIADUCT_KIT_UTF8_H
#define VIADUCT_KIT_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* How many bytes from the beginning are whole, valid characters: `size` if all of it is. */
size_t via_utf8_prefix(const char *text, size_t size);

static inline bool via_utf8_is_valid(const char *text, size_t size)
{
    return via_utf8_prefix(text, size) == size;
}

#endif
