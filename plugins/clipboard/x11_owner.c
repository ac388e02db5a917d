/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owning the selection (ICCCM 2.1).
 *
 * Owns: the line of offers, and the contents that somebody may still ask for. Each content has a window of its own: so the
 * server's word about the owner says which content it is, and destroying the window takes back that one and no other. Must
 * never take the selection with CurrentTime.
 */
#include "x11_state.h"

#include <stdlib.h>
#include <string.h>

enum { ATTEMPTS = 16 /* to get the selection while others take it */ };

static void leave_window(x11 *self, x11_publication *publication)
{
    if (publication->window != XCB_WINDOW_NONE)
        (void)self->xcb.destroy_window(self->connection, publication->window);
    publication->window = XCB_WINDOW_NONE;
}

static void discard(x11 *self, x11_publication *publication)
{
    x11_forget(self, publication);
    leave_window(self, publication);
    x11_publication_destroy(publication);
}

/* ---- an offer ----------------------------------------------------------------------------------------------- */

static void answer_atom(x11 *self, void *context, const void *reply)
{
    x11_publication *publication = context;

    (void)self;
    publication->targets[publication->interned++].atom =
        reply ? ((const xcb_intern_atom_reply_t *)reply)->atom : XCB_ATOM_NONE;
}

/* The time of now, by the server's clock (ICCCM 2.1 forbids CurrentTime): it is told where a property changes. */
static void ask_time(x11 *self)
{
    self->owner.is_stamped = false;
    (void)self->xcb.change_property(self->connection, XCB_PROP_MODE_APPEND, self->window, self->atoms[X11_STAMP],
                                    XCB_ATOM_STRING, 8, 0, NULL);
}

/* Names first, then the time: when it is here, so are the atoms. */
static void start(x11 *self)
{
    x11_publication *first = self->owner.waiting;

    self->owner.lost = 0;
    if (!first)
        return;
    for (size_t i = 0; i < first->count; i++) {
        const char *name = first->targets[i].name;
        x11_ask(self, self->xcb.intern_atom(self->connection, 0, (uint16_t)strlen(name), name).sequence, answer_atom,
                first);
    }
    if (first->content)
        first->window = x11_window_create(self);
    ask_time(self);
}

void x11_offer(x11 *self, clip_content *content, uint64_t number)
{
    x11_publication *publication = x11_publication_create(self, content, number);
    x11_publication **end = &self->owner.waiting;

    if (!publication) {
        x11_tell(self, X11_OFFERED, number, VIA_ENOMEM, false);
        return;
    }
    while (*end)
        end = &(*end)->next;
    *end = publication;
    if (self->owner.waiting == publication)
        start(self);
}

static x11_publication *take_first(x11 *self)
{
    x11_publication *first = self->owner.waiting;

    self->owner.waiting = first->next;
    first->next = NULL;
    x11_forget(self, first);
    return first;
}

static void ask_owner(x11 *self, x11_publication *first);

/*
 * The notice that the selection is ours ends the offer; so an answer is only heard where there was none yet. One that names
 * another is asked for twice, for the notice may be about to be handled. After that it is certain: the server did nothing, since
 * somebody took the selection later than our time. The time of now is later still, so it is tried again.
 */
static void answer_owner(x11 *self, void *context, const void *reply)
{
    const xcb_get_selection_owner_reply_t *answer = reply;
    x11_publication *waiting = context;
    const bool is_so = answer && answer->owner == waiting->window; /* None, where it is to be emptied */

    if (is_so && waiting->content) /* the notice is on its way */
        return;
    if (!is_so && !self->owner.is_doubted) {
        self->owner.is_doubted = true;
        ask_owner(self, waiting);
        return;
    }
    if (!is_so && ++self->owner.lost < ATTEMPTS) {
        ask_time(self);
        return;
    }
    x11_publication *first = take_first(self);
    x11_tell(self, X11_OFFERED, first->number, is_so ? VIA_OK : VIA_EREVOKED, false);
    discard(self, first);
    start(self);
}

static void ask_owner(x11 *self, x11_publication *first)
{
    x11_ask(self, self->xcb.get_selection_owner(self->connection, self->atoms[X11_SELECTION]).sequence, answer_owner,
            first);
}

void x11_owner_stamp(x11 *self, xcb_timestamp_t time)
{
    x11_publication *first = self->owner.waiting;
    const xcb_atom_t selection = self->atoms[X11_SELECTION];

    if (!first || self->owner.is_stamped || first->interned < first->count)
        return;
    self->owner.is_stamped = true;
    first->time = time;
    (void)self->xcb.set_selection_owner(self->connection, first->window, selection, time);
    self->owner.is_doubted = false;
    ask_owner(self, first);
}

/* ---- having it ---------------------------------------------------------------------------------------------- */

x11_publication *x11_owner_current(const x11 *self)
{
    if (self->owner.waiting && self->owner.waiting->is_current) /* just now: it is about to be held */
        return self->owner.waiting;
    for (x11_publication *at = self->owner.held; at; at = at->next)
        if (at->is_current)
            return at;
    return NULL;
}

/* Is the change what the first offer asked for? */
static bool is_first(const x11 *self, xcb_window_t owner, xcb_timestamp_t time)
{
    const x11_publication *first = self->owner.waiting;

    if (!first || !self->owner.is_stamped)
        return false;
    return first->content ? owner == first->window : owner == XCB_WINDOW_NONE && time == first->time;
}

uint64_t x11_owner_changed(x11 *self, xcb_window_t owner, xcb_timestamp_t time)
{
    x11_publication *old = x11_owner_current(self);
    uint64_t ours = 0;

    if (old) {
        old->is_current = false;
        ours = old->is_withdrawn && owner == XCB_WINDOW_NONE ? old->number : 0;
    }
    if (!is_first(self, owner, time))
        return ours;
    x11_publication *first = self->owner.waiting;
    first->is_current = first->content != NULL;
    return first->number;
}

/* Tells and frees what is neither offered nor read any more. */
static void sweep(x11 *self)
{
    for (x11_publication **at = &self->owner.held; *at;) {
        x11_publication *publication = *at;
        if (publication->is_current || publication->readers > 0) {
            at = &publication->next;
            continue;
        }
        *at = publication->next;
        if (!publication->is_kept)
            x11_tell(self, X11_RELEASED, publication->number, VIA_OK, false);
        discard(self, publication);
    }
}

void x11_owner_settle(x11 *self, uint64_t ours)
{
    x11_publication *first = self->owner.waiting;

    if (first && self->owner.is_stamped && first->number == ours) {
        x11_tell(self, X11_OFFERED, ours, VIA_OK, false);
        (void)take_first(self);
        const bool is_to_go = first->is_current && first->is_withdrawn;
        if (first->is_current) {
            first->next = self->owner.held;
            self->owner.held = first;
        } else {
            discard(self, first);
        }
        start(self);
        if (is_to_go)
            leave_window(self, first);
    }
    sweep(self);
}

void x11_withdraw(x11 *self, uint64_t number)
{
    x11_publication *current = x11_owner_current(self);

    for (x11_publication *at = self->owner.waiting; at; at = at->next)
        at->is_withdrawn = at->is_withdrawn || (at->content && at->number == number);
    if (!current || current->number != number)
        return;
    current->is_withdrawn = true;
    leave_window(self, current);
}

void x11_owner_hold(x11_publication *publication)
{
    publication->readers++;
}

void x11_owner_drop(x11 *self, x11_publication *publication)
{
    publication->readers--;
    sweep(self);
}

static void free_all(x11_publication *list)
{
    while (list) {
        x11_publication *next = list->next;
        x11_publication_destroy(list);
        list = next;
    }
}

void x11_owner_fini(x11 *self)
{
    free_all(self->owner.waiting);
    free_all(self->owner.held);
}
