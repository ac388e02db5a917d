/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is offered on the seat; see wayland.h.
 *
 * Owns: offers from their announcement until the next selection takes their place, and the telling of changes. An offer that
 * is no longer the selection is ended here at once, since nobody may ask it any more.
 */
#include "wayland.h"

#include <stdlib.h>

static void offer_destroy(wayland *self, wayland_offer *offer)
{
    if (!offer)
        return;
    wayland_end(self, &offer->proxy, OFFER_DESTROY);
    wayland_types_fini(&offer->types);
    free(offer);
}

static int offer_event(const void *data, void *target, uint32_t opcode, const struct wl_message *message,
                       union wl_argument *arguments)
{
    wayland *self = (wayland *)data;
    wayland_offer *offer = self->library.proxy_get_user_data(target);

    (void)message;
    if (opcode == OFFER_OFFER && !wayland_types_add(&offer->types, arguments[0].s))
        wayland_break(self);
    return 0;
}

/* The protocol has each offer called a selection at once; one that never is must not stay for ever. */
static void drop_oldest(wayland *self)
{
    wayland_offer **at = &self->announced;
    size_t count = 1;

    for (; *at && (*at)->next; at = &(*at)->next)
        count++;
    if (*at && count > WAYLAND_ANNOUNCED) {
        offer_destroy(self, *at);
        *at = NULL;
    }
}

static void announce(wayland *self, struct wl_proxy *proxy)
{
    wayland_offer *offer = proxy ? calloc(1, sizeof(*offer)) : NULL;

    if (!offer) {
        wayland_forget(self, &proxy);
        wayland_break(self);
        return;
    }
    offer->proxy = proxy;
    offer->next = self->announced;
    self->announced = offer;
    (void)wayland_listen(self, proxy, offer_event, offer);
    drop_oldest(self);
}

/* NULL: none, or one that we have not kept. */
static wayland_offer *claim(wayland *self, const struct wl_object *object)
{
    for (wayland_offer **at = &self->announced; *at && object; at = &(*at)->next) {
        if ((const void *)(*at)->proxy == (const void *)object) {
            wayland_offer *offer = *at;

            *at = offer->next;
            offer->next = NULL;
            return offer;
        }
    }
    return NULL;
}

static void tell(wayland *self, const wayland_types *types, uint64_t ours)
{
    clip_change news = {.ours = ours};

    if (types) {
        news.types = (const char *const *)types->texts;
        news.count = types->count;
    }
    self->events->changed(self->core, &news);
}

static void set_current(wayland *self, wayland_offer *offer)
{
    offer_destroy(self, self->current);
    self->current = offer;
}

/* Tells what there is now, ours or another's, and what that means for the questions under way. */
static void change(wayland *self, const wayland_types *types, uint64_t ours)
{
    const bool was_empty = self->is_empty;

    self->is_empty = !types;
    self->present = ours;
    if (!self->is_told || (was_empty && self->is_empty)) /* emptied once more: no change */
        return;
    tell(self, types, ours);
    wayland_fetch_replaced(self, self->is_empty);
}

static void replace(wayland *self, wayland_offer *offer, uint64_t ours)
{
    set_current(self, offer);
    change(self, offer ? &offer->types : NULL, ours);
}

/* An emptiness may come from our having taken a content back. */
static uint64_t take_withdrawn(wayland *self, const wayland_offer *offer)
{
    const uint64_t number = offer ? 0 : self->withdrawn;

    self->withdrawn = 0;
    return number;
}

/* What was held back is not ours: something came after it, or the setting has failed. */
static void release_held(wayland *self)
{
    wayland_offer *offer = self->held;

    if (!self->is_holding)
        return;
    self->held = NULL;
    self->is_holding = false;
    replace(self, offer, take_withdrawn(self, offer));
}

/* The compositor may tell our own selection only after it has answered the sync: known by its types, once. */
static bool is_late_echo(wayland *self, const wayland_offer *offer)
{
    const wayland_publication *owned = wayland_owned(self);

    return owned && !self->is_echoed && offer && wayland_types_are_equal(&offer->types, &owned->types);
}

static void select_offer(wayland *self, wayland_offer *offer)
{
    if (wayland_setting(self)) {
        release_held(self);
        self->held = offer;
        self->is_holding = true;
        return;
    }
    if (is_late_echo(self, offer)) {
        self->is_echoed = true;
        set_current(self, offer);
        return;
    }
    replace(self, offer, take_withdrawn(self, offer));
}

/* Is what was held back this publication's doing? */
static bool is_echo(const wayland *self, const wayland_publication *publication)
{
    if (!self->is_holding)
        return false;
    if (!publication->content)
        return !self->held;
    return self->held && wayland_types_are_equal(&self->held->types, &publication->types);
}

void wayland_settle(wayland *self, wayland_publication *publication, bool is_in_place)
{
    if (is_echo(self, publication)) {
        wayland_offer *offer = self->held;
        self->held = NULL;
        self->is_holding = false;
        self->is_echoed = true;
        replace(self, offer, publication->number);
        return;
    }
    release_held(self);
    self->is_echoed = false;
    if (!is_in_place)
        return;
    set_current(self, NULL); /* what it holds is another's; ours is fetched without an offer */
    change(self, publication->content ? &publication->types : NULL, publication->number);
}

void wayland_tell_start(wayland *self)
{
    if (self->is_told)
        return;
    self->is_told = true;
    tell(self, self->current ? &self->current->types : NULL, 0);
}

void wayland_empty(wayland *self)
{
    offer_destroy(self, self->held);
    self->held = NULL;
    self->is_holding = false;
    replace(self, NULL, 0);
}

int wayland_device_event(const void *data, void *target, uint32_t opcode, const struct wl_message *message,
                         union wl_argument *arguments)
{
    wayland *self = (wayland *)data;

    (void)target;
    (void)message;
    if (opcode == DEVICE_DATA_OFFER) {
        announce(self, (struct wl_proxy *)arguments[0].o);
    } else if (opcode == DEVICE_FINISHED) {
        wayland_lose_seat(self);
    } else {
        wayland_offer *offer = claim(self, arguments[0].o);

        if ((opcode == DEVICE_PRIMARY) == self->is_primary)
            select_offer(self, offer);
        else
            offer_destroy(self, offer);
    }
    return 0;
}

void wayland_selection_fini(wayland *self)
{
    offer_destroy(self, self->held);
    offer_destroy(self, self->current);
    self->held = self->current = NULL;
    while (self->announced) {
        wayland_offer *next = self->announced->next;

        offer_destroy(self, self->announced);
        self->announced = next;
    }
}
