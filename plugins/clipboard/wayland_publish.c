/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What we offer; see wayland.h.
 *
 * Owns: publications, from the wish until nobody needs them. They are set one after the other, each followed by a sync, since
 * the compositor's answer is the only way to know whose a selection is. A source serves once: it is ended when it is lost.
 */
#include "wayland.h"

#include <stdlib.h>

wayland_publication *wayland_owned(const wayland *self)
{
    for (wayland_publication *at = self->publications; at; at = at->next)
        if (at->state == PUBLICATION_OWNS)
            return at;
    return NULL;
}

wayland_publication *wayland_setting(const wayland *self)
{
    for (wayland_publication *at = self->publications; at; at = at->next)
        if (at->state == PUBLICATION_SETTING)
            return at;
    return NULL;
}

static void publication_free(wayland *self, wayland_publication *publication)
{
    for (wayland_publication **at = &self->publications; *at; at = &(*at)->next) {
        if (*at == publication) {
            *at = publication->next;
            break;
        }
    }
    wayland_end(self, &publication->source, SOURCE_DESTROY);
    wayland_types_fini(&publication->types);
    clip_content_drop(publication->content);
    free(publication);
}

/* Nobody new can ask for it; once nobody is reading either, it does not need this process any more. */
static void lose(wayland *self, wayland_publication *publication)
{
    wayland_end(self, &publication->source, SOURCE_DESTROY);
    publication->state = PUBLICATION_LOST;
    if (publication->readers > 0)
        return;
    const uint64_t number = publication->number;
    publication_free(self, publication);
    self->events->released(self->core, number, false);
}

void wayland_publication_leave(wayland *self, wayland_publication *publication)
{
    publication->readers--;
    if (publication->state == PUBLICATION_LOST)
        lose(self, publication);
}

static void refuse(wayland *self, wayland_publication *publication, via_status status)
{
    const uint64_t number = publication->number;

    publication_free(self, publication);
    self->events->offered(self->core, number, status);
}

static int sync_event(const void *data, void *target, uint32_t opcode, const struct wl_message *message,
                      union wl_argument *arguments)
{
    wayland *self = (wayland *)data;
    wayland_publication *publication = wayland_setting(self);

    (void)target;
    (void)opcode;
    (void)message;
    (void)arguments;
    wayland_forget(self, &self->setting_sync);
    if (!publication)
        return 0;
    publication->state = PUBLICATION_OWNS;
    wayland_settle(self, publication, true);
    const uint64_t number = publication->number;
    if (!publication->content)
        publication_free(self, publication);
    self->events->offered(self->core, number, VIA_OK);
    if (self->is_withdrawing)
        wayland_withdraw(self, number);
    return 0;
}

/* Before the sync is answered: somebody was faster. What was told before this is what we had set, for a moment. */
static void cancelled(wayland *self, wayland_publication *publication)
{
    if (publication->state != PUBLICATION_SETTING) {
        lose(self, publication);
        return;
    }
    wayland_forget(self, &self->setting_sync);
    wayland_settle(self, publication, false);
    const uint64_t number = publication->number;
    const bool is_read = publication->readers > 0;
    if (is_read)
        lose(self, publication);
    else
        publication_free(self, publication);
    self->events->offered(self->core, number, VIA_EREVOKED);
}

static int source_event(const void *data, void *target, uint32_t opcode, const struct wl_message *message,
                        union wl_argument *arguments)
{
    wayland *self = (wayland *)data;
    wayland_publication *publication = self->library.proxy_get_user_data(target);

    (void)message;
    if (opcode == SOURCE_SEND)
        wayland_serve(self, publication, arguments[0].s, arguments[1].h);
    else if (opcode == SOURCE_CANCELLED)
        cancelled(self, publication);
    return 0;
}

static bool list_types(wayland_publication *publication)
{
    const char *names[CLIP_NAMES];
    const size_t count = clip_content_names(publication->content, names, CLIP_NAMES);

    for (size_t i = 0; i < count && i < CLIP_NAMES; i++)
        if (!wayland_types_add(&publication->types, names[i]))
            return false;
    return true;
}

/* False: no memory. */
static bool make_source(wayland *self, wayland_publication *publication)
{
    union wl_argument new_object[] = {{.n = 0}};

    if (!list_types(publication))
        return false;
    publication->source =
        wayland_create(self, self->manager, MANAGER_CREATE_SOURCE, new_object, self->protocol->source, 1);
    if (!publication->source)
        return false;
    (void)wayland_listen(self, publication->source, source_event, publication);
    for (size_t i = 0; i < publication->types.count; i++) {
        union wl_argument type[] = {{.s = publication->types.texts[i]}};

        wayland_request(self, publication->source, SOURCE_OFFER, type);
    }
    return true;
}

static void set(wayland *self, wayland_publication *publication)
{
    if (publication->content && !make_source(self, publication)) {
        refuse(self, publication, VIA_ENOMEM);
        return;
    }
    union wl_argument source[] = {{.o = (struct wl_object *)publication->source}};
    wayland_request(self, self->device, self->is_primary ? DEVICE_SET_PRIMARY : DEVICE_SET_SELECTION, source);
    publication->state = PUBLICATION_SETTING;
    self->is_withdrawing = false;
    self->setting_sync = wayland_sync(self, sync_event, publication);
}

static wayland_publication *first_waiting(const wayland *self)
{
    for (wayland_publication *at = self->publications; at; at = at->next)
        if (at->state == PUBLICATION_WAITS)
            return at;
    return NULL;
}

void wayland_publish_next(wayland *self)
{
    wayland_publication *publication;

    while (!wayland_setting(self) && !self->is_clogged && (publication = first_waiting(self))) {
        if (self->device)
            set(self, publication);
        else
            refuse(self, publication, VIA_ENOPEER);
    }
}

void wayland_publish(wayland *self, clip_content *content, uint64_t number)
{
    wayland_publication *publication = calloc(1, sizeof(*publication));
    wayland_publication **at = &self->publications;

    if (!publication) {
        self->events->offered(self->core, number, VIA_ENOMEM);
        return;
    }
    publication->content = content ? clip_content_hold(content) : NULL;
    publication->number = number;
    while (*at)
        at = &(*at)->next;
    *at = publication;
    wayland_publish_next(self);
}

/* Ending the source empties the clipboard if it is still its content, and does nothing otherwise. */
static void end_owned(wayland *self, wayland_publication *publication)
{
    self->withdrawn = publication->number;
    lose(self, publication);
}

void wayland_withdraw(wayland *self, uint64_t number)
{
    for (wayland_publication *at = self->publications; at; at = at->next) {
        if (at->number != number || !at->content)
            continue;
        if (at->state == PUBLICATION_SETTING)
            self->is_withdrawing = true; /* once it is known whose the selection is */
        else if (at->state == PUBLICATION_WAITS)
            refuse(self, at, VIA_EREVOKED);
        else if (at->state == PUBLICATION_OWNS)
            end_owned(self, at);
        return;
    }
}

/* A source is for one setting: for the next one, another is made. */
static void set_again(wayland *self, wayland_publication *publication)
{
    wayland_end(self, &publication->source, SOURCE_DESTROY);
    wayland_types_fini(&publication->types);
    publication->state = PUBLICATION_WAITS;
}

void wayland_publish_lost(wayland *self)
{
    wayland_publication *at = self->publications;

    wayland_forget(self, &self->setting_sync);
    while (at) {
        wayland_publication *next = at->next;

        if (at->state == PUBLICATION_OWNS)
            lose(self, at);
        else if (at->state == PUBLICATION_SETTING)
            set_again(self, at);
        at = next;
    }
}

void wayland_publish_fini(wayland *self)
{
    wayland_forget(self, &self->setting_sync);
    while (self->publications)
        publication_free(self, self->publications);
}
