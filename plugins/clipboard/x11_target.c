/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A content of ours as targets of a selection.
 *
 * Owns: which bytes answer which target, and of which type the answer is; decided once, when the content is offered.
 */
#include "x11_state.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

/* These ask for something to be done or told about the selection, and are never the name of a format. */
static bool is_protocol(const char *name)
{
    static const char *const words[] = {"DELETE",       "INSERT_PROPERTY", "INSERT_SELECTION", "MULTIPLE",
                                        "SAVE_TARGETS", "TARGETS",         "TIMESTAMP"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(name, words[i]) == 0)
            return true;
    return false;
}

/* The text as STRING; false: a character of it has no place in Latin-1, or no memory. */
static bool make_latin(x11_publication *publication, x11_target *target)
{
    const size_t size = x11_latin_from_utf8(target->data, target->size, NULL);

    if (size == SIZE_MAX)
        return false;
    if (size == target->size) /* all of it is US-ASCII */
        return true;
    publication->latin = malloc(size);
    if (!publication->latin)
        return false;
    publication->latin_size = x11_latin_from_utf8(target->data, target->size, publication->latin);
    target->data = publication->latin;
    target->size = publication->latin_size;
    return true;
}

/* ICCCM 2.6.2: TEXT is answered in an encoding of the owner's choice, and the type says which. */
static xcb_atom_t text_type(const x11 *self, const x11_target *target)
{
    const bool is_ascii = x11_latin_from_utf8(target->data, target->size, NULL) == target->size;

    return is_ascii ? (xcb_atom_t)XCB_ATOM_STRING : self->atoms[X11_UTF8_STRING];
}

static void add(const x11 *self, x11_publication *publication, const char *name)
{
    const clip_format *format = clip_content_find(publication->content, name);
    x11_target target = {
        .name = name, .data = format->data, .size = format->size, .is_data = strcmp(name, clip_hint_type) != 0};

    if (is_protocol(name) || (strcmp(name, "STRING") == 0 && !make_latin(publication, &target)))
        return;
    if (strcmp(name, "TEXT") == 0)
        target.type = text_type(self, &target);
    publication->targets[publication->count++] = target;
}

x11_publication *x11_publication_create(x11 *self, clip_content *content, uint64_t number)
{
    const char *names[CLIP_NAMES];
    const size_t count = content ? clip_content_names(content, names, CLIP_NAMES) : 0;
    x11_publication *publication = calloc(1, sizeof(*publication) + count * sizeof(x11_target));

    if (!publication)
        return NULL;
    publication->number = number;
    publication->content = content ? clip_content_hold(content) : NULL;
    for (size_t i = 0; i < count && i < CLIP_NAMES; i++)
        add(self, publication, names[i]);
    return publication;
}

void x11_publication_destroy(x11_publication *publication)
{
    if (publication->latin && publication->content->is_sensitive)
        explicit_bzero(publication->latin, publication->latin_size);
    free(publication->latin);
    clip_content_drop(publication->content);
    free(publication);
}

const x11_target *x11_publication_find(const x11_publication *publication, xcb_atom_t target)
{
    for (size_t i = 0; target != XCB_ATOM_NONE && i < publication->count; i++)
        if (publication->targets[i].atom == target)
            return &publication->targets[i];
    return NULL;
}
