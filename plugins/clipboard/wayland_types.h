/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formats that somebody offers, as they are told one by one.
 *
 * Owns: a list of texts that is bounded whatever a stranger says.
 */
#ifndef CLIPBOARD_WAYLAND_TYPES_H
#define CLIPBOARD_WAYLAND_TYPES_H

#include <stdbool.h>
#include <stddef.h>

enum { WAYLAND_TYPES_MAX = 512 /* of one content; what goes beyond is left out */ };

typedef struct wayland_types {
    char **texts;
    size_t count;
    size_t capacity;
} wayland_types;

/* Copies the text. Left out: names that other protocols of selections use for themselves, doubles, and what is too much. False: no memory. */
bool wayland_types_add(wayland_types *types, const char *text);
void wayland_types_fini(wayland_types *types);
bool wayland_types_have(const wayland_types *types, const char *text);
/* The same texts, in whatever order. */
bool wayland_types_are_equal(const wayland_types *a, const wayland_types *b);

#endif
