/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the core is to be told.
 *
 * Owns: the line of news. They are told from the top of `work`, when no list is being walked: the core may answer with a slot.
 */
#include "x11_state.h"

#include <stdlib.h>
#include <string.h>

static const char no_memory[] = "no memory was left for what the X server has told";

static void news_destroy(x11_news *news)
{
    clip_bytes_fini(&news->bytes);
    free(news->types);
    free(news);
}

static x11_news *create(x11 *self, x11_kind kind, uint64_t number, via_status status)
{
    x11_news *news = calloc(1, sizeof(*news));

    if (!news) {
        x11_fail(self, VIA_ENOMEM, no_memory, NULL);
        return NULL;
    }
    *news = (x11_news){.kind = kind, .number = number, .status = status, .generation = self->present.generation};
    return news;
}

static void append(x11 *self, x11_news *news)
{
    *self->news_end = news;
    self->news_end = &news->next;
}

/* After the next `changed`, if there is one to come. */
static void append_in_turn(x11 *self, x11_news *news)
{
    if (self->told == self->present.generation) {
        append(self, news);
        return;
    }
    news->next = self->late;
    self->late = news;
}

x11_types *x11_types_create(x11 *self, const char *const *names, size_t count)
{
    size_t bytes = sizeof(x11_types) + count * sizeof(char *);

    for (size_t i = 0; i < count; i++)
        bytes += names[i] ? strlen(names[i]) + 1 : 0;
    x11_types *types = malloc(bytes);
    if (!types) {
        x11_fail(self, VIA_ENOMEM, no_memory, NULL);
        return NULL;
    }
    types->count = 0;
    char *at = (char *)&types->names[count];
    for (size_t i = 0; i < count; i++) {
        if (!names[i])
            continue;
        size_t size = strlen(names[i]) + 1;
        types->names[types->count++] = memcpy(at, names[i], size);
        at += size;
    }
    return types;
}

void x11_tell_changed(x11 *self, uint64_t ours, x11_types *types)
{
    x11_news *news = types ? create(self, X11_CHANGED, ours, VIA_OK) : NULL;

    if (!news) {
        free(types);
        return;
    }
    news->types = types;
    append(self, news);
    self->told = self->present.generation;
    while (self->late) {
        x11_news *next = self->late->next;
        self->late->next = NULL;
        append(self, self->late);
        self->late = next;
    }
}

void x11_tell_fetched(x11 *self, uint64_t ticket, via_status status, clip_bytes *bytes)
{
    x11_news *news = create(self, X11_FETCHED, ticket, status);

    if (!news)
        return;
    if (bytes && status == VIA_OK) {
        news->bytes = *bytes;
        clip_bytes_init(bytes, bytes->limit);
    }
    if (status == VIA_EREVOKED)
        append_in_turn(self, news);
    else
        append(self, news);
}

void x11_tell_looked(x11 *self, uint64_t ticket)
{
    x11_news *news = create(self, X11_LOOKED, ticket, VIA_OK);

    if (news)
        append_in_turn(self, news);
}

void x11_tell(x11 *self, x11_kind kind, uint64_t number, via_status status, bool kept)
{
    x11_news *news = create(self, kind, number, status);

    if (!news)
        return;
    news->kept = kept;
    append(self, news);
}

static void tell_changed(x11 *self, const x11_news *news)
{
    const clip_change change = {.types = (const char *const *)news->types->names,
                                .count = news->types->count,
                                .ours = news->number,
                                .generation = news->generation};

    self->events->changed(self->core, &change);
}

static void tell(x11 *self, x11_news *news)
{
    switch (news->kind) {
    case X11_CHANGED:
        tell_changed(self, news);
        break;
    case X11_OFFERED:
        self->events->offered(self->core, news->number, news->status);
        break;
    case X11_FETCHED:
        self->events->fetched(self->core, news->number, news->status, &news->bytes);
        break;
    case X11_LOOKED:
        self->events->looked(self->core, news->number);
        break;
    case X11_PASTED:
        self->events->pasted(self->core, news->number);
        break;
    case X11_RELEASED:
        self->events->released(self->core, news->number, news->kept);
        break;
    }
}

bool x11_news_deliver(x11 *self)
{
    bool is_any = false;

    while (self->news) {
        x11_news *news = self->news;
        self->news = news->next;
        if (!self->news)
            self->news_end = &self->news;
        tell(self, news);
        news_destroy(news);
        is_any = true;
    }
    if (self->failed != VIA_OK && !self->is_failure_told) {
        self->is_failure_told = true;
        self->events->failed(self->core, self->failed, 0, self->failed_what, self->failed_mend);
    }
    return is_any;
}

static void drop_from(x11_news **at, uint64_t ticket)
{
    while (*at) {
        x11_news *news = *at;
        if (news->kind != X11_FETCHED || news->number != ticket) {
            at = &news->next;
            continue;
        }
        *at = news->next;
        news_destroy(news);
    }
}

void x11_news_drop(x11 *self, uint64_t ticket)
{
    drop_from(&self->news, ticket);
    drop_from(&self->late, ticket);
    self->news_end = &self->news;
    while (*self->news_end)
        self->news_end = &(*self->news_end)->next;
}

static void clear(x11_news **list)
{
    while (*list) {
        x11_news *next = (*list)->next;
        news_destroy(*list);
        *list = next;
    }
}

void x11_news_fini(x11 *self)
{
    clear(&self->news);
    clear(&self->late);
}
