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
    uint32_t is_sensitive; /* a secret: marked as password managers do, never handed over, never logged */
    uint64_t number;       /* of this process; a backend tells by it which content an event is about */
    size_t count;
    clip_format formats[];
} clip_content;

/* Copies the offers; NULL = no memory. The caller holds it. */
clip_content *clip_content_create(const via_offer *offers, size_t count, bool is_sensitive, uint64_t number);
clip_content *clip_content_hold(clip_content *content);
/* NULL is accepted. */
void clip_content_drop(clip_content *content);
/* The format that answers a request for `type`, text under any of its names (text.h); NULL = not offered. */
const clip_format *clip_content_find(const clip_content *content, const char *type);

#endif
