/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing one format to one reader: at once, or piece by piece (ICCCM 2.7.2, INCR).
 *
 * Owns: the transfers under way, by window and property. The reader may vanish or stop at any moment, and another may read
 * the same meanwhile: nothing is shared between transfers but the bytes, which never change.
 */
#include "x11_state.h"

#include <stdlib.h>

#include "kit/deadline.h"

enum {
    AT_ONCE = 256 * 1024, /* bytes; more goes piece by piece, so that nobody else waits for long for the server */
    PIECE = 256 * 1024,   /* bytes; measured: 64 KiB is no slower or faster, 1 MiB takes twice as long */
    TRANSFERS = 256       /* under way at once: each is a few words, but somebody could begin them without end */
};

static void watch(x11 *self, xcb_window_t requestor, uint32_t events)
{
    if (!x11_is_own(self, requestor))
        (void)self->xcb.change_window_attributes(self->connection, requestor, XCB_CW_EVENT_MASK, &events);
}

static bool is_watched(const x11 *self, xcb_window_t requestor)
{
    for (const x11_send *at = self->sends; at; at = at->next)
        if (at->requestor == requestor)
            return true;
    return false;
}

static void unlink_send(x11 *self, x11_send *send)
{
    x11_send **at = &self->sends;

    while (*at != send)
        at = &(*at)->next;
    *at = send->next;
}

/* Over, whether the reader has all of it or not. */
static void end(x11 *self, x11_send *send, bool is_gone)
{
    x11_publication *publication = send->publication;

    unlink_send(self, send);
    if (!is_gone && !is_watched(self, send->requestor))
        watch(self, send->requestor, XCB_EVENT_MASK_NO_EVENT);
    free(send);
    x11_owner_drop(self, publication);
}

static size_t at_once(const x11 *self)
{
    return self->max_data < AT_ONCE ? self->max_data : AT_ONCE;
}

static void told(x11 *self, const x11_publication *publication, bool is_data)
{
    if (is_data && self->manager.saving != publication)
        x11_tell(self, X11_PASTED, publication->number, VIA_OK, false);
}

static void write_piece(x11 *self, x11_send *send)
{
    const size_t most = self->max_data < PIECE ? self->max_data : PIECE;
    const size_t left = send->size - send->offset;
    const size_t size = left < most ? left : most;

    send->sequence = self->xcb
                         .change_property(self->connection, XCB_PROP_MODE_REPLACE, send->requestor, send->property,
                                          send->type, 8, (uint32_t)size, send->data + send->offset)
                         .sequence;
    send->offset += size;
    send->is_written = false;
    send->idle = via_deadline_after((int64_t)self->settings.idle_ns);
    x11_manager_moved(self);
    if (size > 0)
        return;
    /* The empty piece is the last word, and stays in the reader's property whatever becomes of us. */
    told(self, send->publication, send->is_data);
    end(self, send, false);
}

static x11_send *find(const x11 *self, xcb_window_t requestor, xcb_atom_t property)
{
    for (x11_send *at = self->sends; at; at = at->next)
        if (at->requestor == requestor && at->property == property)
            return at;
    return NULL;
}

static size_t count_sends(const x11 *self)
{
    size_t count = 0;

    for (const x11_send *at = self->sends; at; at = at->next)
        count++;
    return count;
}

/* Watches the reader before it can be told anything, so that no deletion is missed. */
static bool begin_pieces(x11 *self, x11_send *send)
{
    const uint32_t least = (uint32_t)send->size;

    send->next = self->sends;
    self->sends = send;
    x11_owner_hold(send->publication);
    watch(self, send->requestor, XCB_EVENT_MASK_PROPERTY_CHANGE | XCB_EVENT_MASK_STRUCTURE_NOTIFY);
    send->sequence = self->xcb
                         .change_property(self->connection, XCB_PROP_MODE_REPLACE, send->requestor, send->property,
                                          self->atoms[X11_INCR], 32, 1, &least)
                         .sequence;
    send->idle = via_deadline_after((int64_t)self->settings.idle_ns);
    send->total = via_deadline_after((int64_t)self->settings.transfer_ns);
    return true;
}

bool x11_send_begin(x11 *self, x11_publication *publication, const x11_target *target, xcb_window_t requestor,
                    xcb_atom_t property, xcb_atom_t type)
{
    x11_send *before = find(self, requestor, property);

    if (before) /* the reader has begun anew */
        end(self, before, false);
    if (target->size <= at_once(self)) {
        (void)self->xcb.change_property(self->connection, XCB_PROP_MODE_REPLACE, requestor, property, type, 8,
                                        (uint32_t)target->size, target->data);
        told(self, publication, target->is_data);
        return true;
    }
    x11_send *send = count_sends(self) < TRANSFERS ? malloc(sizeof(*send)) : NULL;
    if (!send)
        return false;
    *send = (x11_send){.requestor = requestor,
                       .property = property,
                       .type = type,
                       .publication = publication,
                       .data = target->data,
                       .size = target->size,
                       .is_data = target->is_data};
    return begin_pieces(self, send);
}

/* A deletion counts only after our own writing was seen: one from before is about what was there before. */
void x11_send_property(x11 *self, const xcb_property_notify_event_t *event)
{
    x11_send *send = find(self, event->window, event->atom);

    if (!send)
        return;
    if (event->state == XCB_PROPERTY_NEW_VALUE)
        send->is_written = true;
    else if (send->is_written)
        write_piece(self, send);
}

void x11_send_gone(x11 *self, xcb_window_t requestor)
{
    for (x11_send *at = self->sends, *next; at; at = next) {
        next = at->next;
        if (at->requestor == requestor)
            end(self, at, true);
    }
}

void x11_send_refused(x11 *self, unsigned sequence)
{
    for (x11_send *at = self->sends, *next; at; at = next) {
        next = at->next;
        if (at->sequence == sequence)
            end(self, at, false);
    }
}

via_deadline x11_send_until(const x11 *self)
{
    via_deadline until = VIA_FOREVER;

    for (const x11_send *at = self->sends; at; at = at->next)
        until = via_deadline_min(until, via_deadline_min(at->idle, at->total));
    return until;
}

void x11_send_expire(x11 *self, uint64_t now)
{
    for (x11_send *at = self->sends, *next; at; at = next) {
        next = at->next;
        if (at->idle <= now || at->total <= now)
            end(self, at, false);
    }
}

void x11_send_fini(x11 *self)
{
    while (self->sends) {
        x11_send *send = self->sends;
        self->sends = send->next;
        free(send);
    }
}
