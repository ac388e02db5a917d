/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing our content over to a clipboard manager (freedesktop.org's Clipboard Manager specification).
 *
 * Owns: whether one runs, and the one hand-over that may be under way. Whatever becomes of it ends in `released`. Secrets are
 * never handed over.
 */
#include "x11_state.h"

#include <string.h>

#include "kit/deadline.h"

static void end(x11 *self, bool is_kept)
{
    x11_publication *saved = self->manager.saving;

    self->manager.saving = NULL;
    if (is_kept || saved->is_current) {
        saved->is_kept = is_kept;
        x11_tell(self, X11_RELEASED, saved->number, VIA_OK, is_kept);
    }
    x11_owner_drop(self, saved);
}

/* The list of what is worth keeping; a manager may take more. */
static void put_list(x11 *self, const x11_publication *publication)
{
    uint32_t atoms[CLIP_NAMES];
    size_t count = 0;

    for (size_t i = 0; i < publication->count; i++)
        if (publication->targets[i].atom != XCB_ATOM_NONE)
            atoms[count++] = publication->targets[i].atom;
    (void)self->xcb.change_property(self->connection, XCB_PROP_MODE_REPLACE, publication->window,
                                    self->atoms[X11_PROPERTY], XCB_ATOM_ATOM, 32, (uint32_t)count, atoms);
}

bool x11_hand_over(x11 *self)
{
    x11_publication *current = x11_owner_current(self);

    if (strcmp(self->settings.name, "clipboard") != 0 || !current || current->is_kept ||
        current->content->is_sensitive || self->manager.window == XCB_WINDOW_NONE)
        return false;
    if (self->manager.saving)
        return true;
    self->manager.saving = current;
    self->manager.total = via_deadline_after((int64_t)self->settings.transfer_ns);
    self->manager.idle = via_deadline_after((int64_t)self->settings.reply_ns);
    x11_owner_hold(current);
    put_list(self, current);
    (void)self->xcb.convert_selection(self->connection, current->window, self->atoms[X11_CLIPBOARD_MANAGER],
                                      self->atoms[X11_SAVE_TARGETS], self->atoms[X11_PROPERTY], self->now);
    return true;
}

void x11_manager_moved(x11 *self)
{
    if (self->manager.saving)
        self->manager.idle = via_deadline_after((int64_t)self->settings.idle_ns);
}

void x11_manager_changed(x11 *self, xcb_window_t owner)
{
    self->manager.window = owner;
    if (owner == XCB_WINDOW_NONE && self->manager.saving)
        end(self, false);
}

bool x11_manager_notify(x11 *self, const xcb_selection_notify_event_t *event)
{
    const x11_publication *saving = self->manager.saving;

    if (event->selection != self->atoms[X11_CLIPBOARD_MANAGER])
        return false;
    if (saving && event->requestor == saving->window && event->target == self->atoms[X11_SAVE_TARGETS])
        end(self, event->property != XCB_ATOM_NONE);
    return true;
}

via_deadline x11_manager_until(const x11 *self)
{
    return self->manager.saving ? via_deadline_min(self->manager.idle, self->manager.total) : VIA_FOREVER;
}

void x11_manager_expire(x11 *self, uint64_t now)
{
    if (x11_manager_until(self) <= now)
        end(self, false);
}
