/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values as people write them: 256KiB, 500ms, 0600, true.
 *
 * Owns: the notation of every option type, the same in manifests, addresses and option lists.
 */
#ifndef VIADUCT_HOST_VALUE_H
#define VIADUCT_HOST_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads `text` as VIA_OPTION_BOOL, INT, SIZE, DURATION or MODE. False: it is not one; via_value_expected() says what
 * would be. Sizes are bytes, durations nanoseconds, -1 = forever.
 */
bool via_value_read(uint32_t type, const char *text, int64_t *number);
/* Writes a size in the largest unit that divides it: 1GiB, 1025. */
void via_value_write_size(uint64_t bytes, char *text, size_t capacity);
/* "a size such as 64KiB". Static text, for every type. */
const char *via_value_expected(uint32_t type);
/* The type's name in manifests, "size". Static text; NULL = no such type. */
const char *via_value_type_name(uint32_t type);
/* VIA_OPTION_*, or 0. */
uint32_t via_value_type(const char *name);
/* True if min and max make sense for the type. */
bool via_value_is_ordered(uint32_t type);

#endif
