/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is on a clipboard; see content.h. All of a content is one block of memory: the record, the texts, the bytes.
 */
#include "content.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

const char clip_hint_type[] = "x-kde-passwordManagerHint";
const char clip_hint_value[] = "secret";

static bool has_hint(const via_offer *offers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(offers[i].type, clip_hint_type) == 0)
            return true;
    return false;
}

/* False: more than there can be. */
static bool measure(const via_offer *offers, size_t count, size_t *bytes)
{
    for (size_t i = 0; i < count; i++) {
        if (__builtin_add_overflow(*bytes, strlen(offers[i].type) + 1, bytes) ||
            __builtin_add_overflow(*bytes, offers[i].size, bytes))
            return false;
    }
    return true;
}

static char *put(char *at, const void *data, size_t size)
{
    if (size > 0)
        memcpy(at, data, size);
    return at + size;
}

/* Adds one format, whose bytes and text go to `at`; returns where the next ones go. */
static char *add(clip_content *content, const via_offer *offer, char *at)
{
    const size_t type_size = strlen(offer->type) + 1;

    content->formats[content->count++] = (clip_format){at + offer->size, (const uint8_t *)at, offer->size};
    at = put(at, offer->data, offer->size);
    return put(at, offer->type, type_size);
}

clip_content *clip_content_create(const via_offer *offers, size_t count, clip_marks marks, uint64_t number)
{
    const via_offer hint = {clip_hint_type, clip_hint_value, sizeof(clip_hint_value) - 1};
    const size_t hints = marks.is_sensitive && !has_hint(offers, count);
    size_t bytes = sizeof(clip_content) + (count + hints) * sizeof(clip_format);

    const size_t texts = bytes;
    if (!measure(offers, count, &bytes) || !measure(&hint, hints, &bytes))
        return NULL;
    clip_content *content = malloc(bytes);
    if (!content)
        return NULL;
    *content = (clip_content){
        .is_sensitive = marks.is_sensitive, .is_once = marks.is_once, .number = number, .memory_bytes = bytes};
    atomic_init(&content->holders, 1);
    char *at = (char *)content + texts;
    for (size_t i = 0; i < count; i++)
        at = add(content, &offers[i], at);
    if (hints)
        (void)add(content, &hint, at);
    return content;
}

clip_content *clip_content_hold(clip_content *content)
{
    (void)atomic_fetch_add_explicit(&content->holders, 1, memory_order_relaxed);
    return content;
}

void clip_content_drop(clip_content *content)
{
    if (!content || atomic_fetch_sub_explicit(&content->holders, 1, memory_order_acq_rel) != 1)
        return;
    if (content->is_sensitive)
        explicit_bzero(content, content->memory_bytes);
    free(content);
}

const clip_format *clip_content_find(const clip_content *content, const char *type)
{
    for (size_t i = 0; i < content->count; i++)
        if (strcmp(content->formats[i].type, type) == 0)
            return &content->formats[i];
    for (size_t i = 0; clip_text_is(type) && i < content->count; i++)
        if (clip_text_is(content->formats[i].type))
            return &content->formats[i];
    return NULL;
}

static bool has_name(const clip_content *content, const char *name)
{
    for (size_t i = 0; i < content->count; i++)
        if (strcmp(content->formats[i].type, name) == 0)
            return true;
    return false;
}

size_t clip_content_names(const clip_content *content, const char **names, size_t capacity)
{
    size_t count = 0;

    for (size_t i = 0; i < content->count; i++, count++)
        if (count < capacity)
            names[count] = content->formats[i].type;
    if (!clip_content_find(content, clip_text_type))
        return count;
    for (size_t i = 0; clip_text_names[i]; i++) {
        if (has_name(content, clip_text_names[i]))
            continue;
        if (count < capacity)
            names[count] = clip_text_names[i];
        count++;
    }
    return count;
}
