/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the offered formats a reader takes; see choice.h.
 */
#include "choice.h"

#include "content.h"
#include "text.h"

#include <string.h>
#include <strings.h>

enum { TYPE_LONGEST = 255 };

typedef struct offered {
    const char *const *types;
    size_t count;
} offered;

static const char *find(const offered *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->types[i], name) == 0)
            return all->types[i];
    return NULL;
}

/* Under the name that promises UTF-8 most clearly. */
static const char *best_text(const offered *all)
{
    for (size_t i = 0; clip_text_names[i]; i++) {
        const char *found = find(all, clip_text_names[i]);
        if (found)
            return found;
    }
    for (size_t i = 0; i < all->count; i++)
        if (clip_text_is(all->types[i]))
            return all->types[i];
    return NULL;
}

/* What its owner calls it first, if that is a MIME type. */
static const char *told_text(const offered *all)
{
    for (size_t i = 0; i < all->count; i++)
        if (strchr(all->types[i], '/') && clip_text_is(all->types[i]))
            return all->types[i];
    return clip_text_type;
}

static bool take_text(const offered *all, clip_choice *choice)
{
    choice->asked = best_text(all);
    choice->told = told_text(all);
    return choice->asked != NULL;
}

static bool take(const offered *all, const char *type, clip_choice *choice)
{
    if (clip_text_is(type))
        return take_text(all, choice);
    choice->asked = choice->told = type;
    return true;
}

/* MIME types first: other names (X11's) may be anything. */
static bool take_any(const offered *all, const char *beginning, size_t size, clip_choice *choice)
{
    for (int is_second = 0; is_second < 2; is_second++) {
        for (size_t i = 0; i < all->count; i++) {
            const char *type = all->types[i];
            if (strcmp(type, clip_hint_type) != 0 && strncasecmp(type, beginning, size) == 0 &&
                (is_second || strchr(type, '/')))
                return take(all, type, choice);
        }
    }
    return false;
}

static bool take_exactly(const offered *all, const char *name, clip_choice *choice)
{
    if (clip_text_is(name))
        return take_text(all, choice);
    for (size_t i = 0; i < all->count; i++) {
        if (strcasecmp(all->types[i], name) == 0) {
            choice->asked = choice->told = all->types[i];
            return true;
        }
    }
    return false;
}

static bool take_entry(const offered *all, const char *entry, size_t size, clip_choice *choice)
{
    char name[TYPE_LONGEST + 1];

    if (size == 0 || size > TYPE_LONGEST)
        return false;
    memcpy(name, entry, size);
    name[size] = '\0';
    if (name[size - 1] == '*')
        return take_any(all, name, size - 1, choice);
    return take_exactly(all, name, choice);
}

bool clip_choose(const char *wanted, const char *const *types, size_t count, clip_choice *choice)
{
    const offered all = {types, count};

    for (const char *at = wanted; *at;) {
        at += strspn(at, ", \t");
        size_t whole = strcspn(at, ","), size = whole;
        while (size > 0 && strchr(" \t", at[size - 1]))
            size--;
        if (take_entry(&all, at, size, choice))
            return true;
        at += whole;
    }
    return false;
}

bool clip_type_is_valid(const char *type)
{
    size_t size = strnlen(type, TYPE_LONGEST + 1);

    if (size == 0 || size > TYPE_LONGEST)
        return false;
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)type[i] < ' ' || type[i] == 127 || type[i] == ',')
            return false;
    return true;
}
