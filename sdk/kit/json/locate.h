/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a JSON text a value stands.
 *
 * Owns: the scanners over raw text: the limits that hold before parsing, and the place of a value after it. Used on
 * the way to an error only; the values themselves come from jansson.
 */
#ifndef VIADUCT_KIT_LOCATE_H
#define VIADUCT_KIT_LOCATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One step from a value to a part of it. */
typedef struct via_step {
    const char *key; /* NULL = an array's element */
    size_t index;
} via_step;

/* Line and column (from 1, in characters) of a byte offset. */
void via_locate_offset(const char *text, size_t size, size_t offset, uint32_t *line, uint32_t *column);
/*
 * The byte offset of the value at the end of `steps`, or of its key if `at_key`. `text` is valid JSON without double
 * keys. False: there is no such value.
 */
bool via_locate_value(const char *text, size_t size, const via_step *steps, size_t count, bool at_key, size_t *offset);
/*
 * Walks over the members of an object, in order: `*at` is the offset of the object first, and is led on. Answers the
 * offset of the next member's key. False: there are no more.
 */
bool via_locate_member(const char *text, size_t size, size_t *at, size_t *key);
/* The offset of the first bracket that nests deeper than `limit`. False: none does. Any text, valid or not. */
bool via_locate_depth(const char *text, size_t size, size_t limit, size_t *offset);

#endif
