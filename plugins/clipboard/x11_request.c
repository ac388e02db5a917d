/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answering those who ask for our content (ICCCM 2.2, 2.6).
 *
 * Owns: what each target is answered with. Writes into windows of others, so every request here may fail; that is noticed
 * where more depends on it (x11_send.c), and left alone elsewhere.
 */
#include "x11_state.h"

enum {
    LONG = 32 /* format of properties that hold numbers of 32 bits */
};

void x11_notify(x11 *self, const xcb_selection_request_event_t *request, xcb_atom_t property)
{
    union {
        xcb_selection_notify_event_t event;
        char wire[32];
    } notice = {.wire = {0}};

    notice.event = (xcb_selection_notify_event_t){.response_type = XCB_SELECTION_NOTIFY,
                                                  .time = request->time,
                                                  .requestor = request->requestor,
                                                  .selection = request->selection,
                                                  .target = request->target,
                                                  .property = property};
    (void)self->xcb.send_event(self->connection, 0, request->requestor, XCB_EVENT_MASK_NO_EVENT, notice.wire);
}

static void put(x11 *self, xcb_window_t requestor, xcb_atom_t property, xcb_atom_t type, size_t count,
                const uint32_t *numbers)
{
    (void)self->xcb.change_property(self->connection, XCB_PROP_MODE_REPLACE, requestor, property, type, LONG,
                                    (uint32_t)count, numbers);
}

static void put_targets(x11 *self, const x11_publication *publication, xcb_window_t requestor, xcb_atom_t property)
{
    uint32_t atoms[CLIP_NAMES + 4];
    size_t count = 0;

    atoms[count++] = self->atoms[X11_TARGETS];
    atoms[count++] = self->atoms[X11_TIMESTAMP];
    atoms[count++] = self->atoms[X11_MULTIPLE];
    if (!publication->content->is_sensitive)
        atoms[count++] = self->atoms[X11_SAVE_TARGETS]; /* managers may keep it */
    for (size_t i = 0; i < publication->count; i++)
        if (publication->targets[i].atom != XCB_ATOM_NONE)
            atoms[count++] = publication->targets[i].atom;
    put(self, requestor, property, XCB_ATOM_ATOM, count, atoms);
}

/* Targets about the selection rather than of its content; false = it is not one. */
static bool convert_meta(x11 *self, const x11_publication *publication, xcb_window_t requestor, xcb_atom_t target,
                         xcb_atom_t property)
{
    const uint32_t time = publication->time;

    if (target == self->atoms[X11_TARGETS])
        put_targets(self, publication, requestor, property);
    else if (target == self->atoms[X11_TIMESTAMP])
        put(self, requestor, property, XCB_ATOM_INTEGER, 1, &time);
    else if (target == self->atoms[X11_SAVE_TARGETS] && !publication->content->is_sensitive)
        put(self, requestor, property, self->atoms[X11_NULL], 0, NULL);
    else
        return false;
    return true;
}

bool x11_convert(x11 *self, x11_publication *publication, xcb_window_t requestor, xcb_atom_t target,
                 xcb_atom_t property)
{
    if (convert_meta(self, publication, requestor, target, property))
        return true;
    const x11_target *found = x11_publication_find(publication, target);
    if (!found)
        return false;
    return x11_send_begin(self, publication, found, requestor, property,
                          found->type != XCB_ATOM_NONE ? found->type : found->atom);
}

/* The content that is asked for; NULL = we have none, or not since the time of the request. */
static x11_publication *wanted(x11 *self, const xcb_selection_request_event_t *event)
{
    x11_publication *current = x11_owner_current(self);

    if (!current || event->selection != self->atoms[X11_SELECTION] || event->owner != current->window)
        return NULL;
    if (event->time != XCB_CURRENT_TIME && x11_is_earlier(event->time, current->time))
        return NULL;
    return current;
}

void x11_request(x11 *self, const xcb_selection_request_event_t *event)
{
    x11_publication *publication = wanted(self, event);
    /* Clients of old give no property: then it is named like the target (ICCCM 2.2). */
    const xcb_atom_t property = event->property != XCB_ATOM_NONE ? event->property : event->target;

    x11_manager_moved(self);
    if (publication && event->target == self->atoms[X11_MULTIPLE] && event->property != XCB_ATOM_NONE)
        x11_multiple_begin(self, event, publication);
    else if (publication && x11_convert(self, publication, event->requestor, event->target, property))
        x11_notify(self, event, property);
    else
        x11_notify(self, event, XCB_ATOM_NONE);
}
