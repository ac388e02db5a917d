/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is on a clipboard: one content in one format or several.
 *
 * Owns: the bytes that this process offers. Never changes once it is made, so any number of transfers read it at once, on
 * whatever thread; the last one to drop it frees it. Secrets are wiped then.
 */
#ifndef CLIPBOARD_CONTENT_H
#define CLIPBOARD_CONTENT_H

#include <viaduct/ext/offers.h>
#include <viaduct/types.h>

#include <stdatomic.h>
#include <stdbool.h>

/* One format; the texts and bytes belong to the content. */
typedef struct clip_format {
    const char *type; /* MIME type */
    const uint8_t *data;
    size_t size; /* bytes */
} clip_format;

typedef struct clip_content {
    atomic_uint holders;
    bool is_sensitive;   /* a secret: never handed over, never logged, and gone when this process is */
    bool is_once;        /* gone after one reader has got it */
    uint64_t number;     /* of this process; a backend tells by it which content an event is about */
    size_t memory_bytes; /* of all this, for wiping */
    size_t count;
    clip_format formats[];
} clip_content;

/* The type that password managers mark secrets with; its bytes are clip_hint_value. */
extern const char clip_hint_type[];  /* "x-kde-passwordManagerHint" */
extern const char clip_hint_value[]; /* "secret" */

/* What is said of a content as a whole. */
typedef struct clip_marks {
    bool is_sensitive;
    bool is_once;
} clip_marks;

/*
 * Copies the offers, and adds the hint of a secret as a format of its own, so that no backend has to think of it. NULL = no
 * memory. The caller holds it.
 */
clip_content *clip_content_create(const via_offer *offers, size_t count, clip_marks marks, uint64_t number);
clip_content *clip_content_hold(clip_content *content);
/* NULL is accepted. */
void clip_content_drop(clip_content *content);
/* The format that answers a request for `type`, text under any of its names (text.h); NULL = not offered. */
const clip_format *clip_content_find(const clip_content *content, const char *type);
/*
 * All names that it is to be offered under where names are all that readers see: the formats' own, then the other names of
 * text if it has any. Writes at most `capacity` borrowed texts; returns how many there are (at most CLIP_NAMES).
 */
size_t clip_content_names(const clip_content *content, const char **names, size_t capacity);

enum { CLIP_NAMES = VIA_OFFERS_MAX + 1 + 5 /* the hint, and the names of text */ };

#endif
