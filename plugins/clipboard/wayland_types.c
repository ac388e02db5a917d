/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formats that somebody offers; see wayland_types.h.
 */
#include "wayland_types.h"

#include <stdlib.h>
#include <string.h>

/* What a bridge from X11 may bring along: targets of ICCCM 2.6.2 that are questions, not formats. */
static bool is_question(const char *text)
{
    static const char *const names[] = {"TARGETS", "MULTIPLE", "TIMESTAMP", "SAVE_TARGETS", "DELETE"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(text, names[i]) == 0)
            return true;
    return false;
}

bool wayland_types_have(const wayland_types *types, const char *text)
{
    for (size_t i = 0; i < types->count; i++)
        if (strcmp(types->texts[i], text) == 0)
            return true;
    return false;
}

static bool grow(wayland_types *types)
{
    size_t capacity = types->capacity ? types->capacity * 2 : 16;
    char **texts = realloc(types->texts, capacity * sizeof(*texts));

    if (!texts)
        return false;
    types->texts = texts;
    types->capacity = capacity;
    return true;
}

bool wayland_types_add(wayland_types *types, const char *text)
{
    if (!*text || types->count == WAYLAND_TYPES_MAX || is_question(text) || wayland_types_have(types, text))
        return true;
    if (types->count == types->capacity && !grow(types))
        return false;
    char *copy = strdup(text);
    if (!copy)
        return false;
    types->texts[types->count++] = copy;
    return true;
}

void wayland_types_fini(wayland_types *types)
{
    for (size_t i = 0; i < types->count; i++)
        free(types->texts[i]);
    free(types->texts);
    *types = (wayland_types){0};
}

bool wayland_types_are_equal(const wayland_types *a, const wayland_types *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!wayland_types_have(b, a->texts[i]))
            return false;
    return true;
}
