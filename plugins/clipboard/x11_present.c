/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in the selection now: whose it is, and in which formats it is offered.
 *
 * Owns: the generation, which every change raises by one. A content of another's is told once its owner has said what it is
 * offered in, or has failed to; one that is replaced before that could not have been read, and shows as a gap in the generations.
 */
#include "x11_state.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

enum {
    TARGETS_MAX = 512,    /* targets of one content that are looked at */
    TARGETS_BYTES = 65536 /* of the list that names them */
};

static char unnamed[] = "?"; /* stands for a name that has been asked for */

static void clear(x11 *self)
{
    x11_present *present = &self->present;

    x11_forget(self, present);
    for (size_t i = 0; present->names && i < present->count; i++)
        if (present->names[i] != unnamed)
            free(present->names[i]);
    free(present->names);
    free(present->atoms);
    present->names = NULL;
    present->atoms = NULL;
    present->count = 0;
    present->unnamed = 0;
}

static bool make_room(x11 *self, size_t count)
{
    x11_present *present = &self->present;

    present->atoms = calloc(count + 1, sizeof(*present->atoms));
    present->names = calloc(count + 1, sizeof(*present->names));
    if (present->atoms && present->names)
        return true;
    x11_fail(self, VIA_ENOMEM, "no memory was left for the names of what the clipboard holds", NULL);
    return false;
}

static void tell(x11 *self, uint64_t ours)
{
    x11_present *present = &self->present;

    x11_tell_changed(self, ours, x11_types_create(self, (const char *const *)present->names, present->count));
}

static void add(x11 *self, xcb_atom_t atom, const char *name)
{
    x11_present *present = &self->present;

    present->atoms[present->count] = atom;
    present->names[present->count] = strdup(name);
    if (!present->names[present->count])
        x11_fail(self, VIA_ENOMEM, "no memory was left for the names of what the clipboard holds", NULL);
    present->count++;
}

/* ---- what others offer -------------------------------------------------------------------------------------- */

static bool is_protocol(const x11 *self, xcb_atom_t atom)
{
    static const x11_name words[] = {X11_TARGETS, X11_MULTIPLE,        X11_TIMESTAMP,       X11_SAVE_TARGETS,
                                     X11_DELETE,  X11_INSERT_PROPERTY, X11_INSERT_SELECTION};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (atom == self->atoms[words[i]])
            return true;
    return atom == XCB_ATOM_NONE;
}

static bool has(const x11_present *present, xcb_atom_t atom)
{
    for (size_t i = 0; i < present->count; i++)
        if (present->atoms[i] == atom)
            return true;
    return false;
}

static char *known_name(const x11 *self, xcb_atom_t atom)
{
    const char *name = NULL;

    return x11_atoms_find(&self->names, atom, &name) && name ? strdup(name) : NULL;
}

/* Answers come in the order of asking: this one is for the first atom that still waits. */
static void answer_name(x11 *self, void *context, const void *reply)
{
    x11_present *present = context;
    size_t at = 0;

    while (present->names[at] != unnamed)
        at++;
    x11_atoms_learn(&self->names, present->atoms[at], reply);
    present->names[at] = known_name(self, present->atoms[at]);
    if (--present->unnamed == 0)
        tell(self, 0);
}

/* Asks for the names that are not known yet. */
static void name_all(x11 *self)
{
    x11_present *present = &self->present;
    const char *name;

    for (size_t i = 0; i < present->count; i++) {
        if (x11_atoms_find(&self->names, present->atoms[i], &name)) {
            present->names[i] = known_name(self, present->atoms[i]);
            continue;
        }
        present->names[i] = unnamed;
        present->unnamed++;
        x11_ask(self, self->xcb.get_atom_name(self->connection, present->atoms[i]).sequence, answer_name, present);
    }
    if (present->unnamed == 0)
        tell(self, 0);
}

static void take_list(x11 *self, const clip_bytes *bytes)
{
    x11_present *present = &self->present;
    const size_t count = bytes->size / sizeof(xcb_atom_t);
    xcb_atom_t atom;

    for (size_t i = 0; i < count && present->count < TARGETS_MAX; i++) {
        memcpy(&atom, bytes->data + i * sizeof(atom), sizeof(atom));
        if (!is_protocol(self, atom) && !has(present, atom))
            present->atoms[present->count++] = atom;
    }
    name_all(self);
}

/* An owner that does not say what it offers can only be asked for text. */
static void guess(x11 *self)
{
    add(self, self->atoms[X11_UTF8_STRING], "UTF8_STRING");
    add(self, XCB_ATOM_STRING, "STRING");
    tell(self, 0);
}

void x11_present_targets(x11 *self, via_status status, const clip_bytes *bytes, xcb_atom_t type)
{
    x11_present *present = &self->present;
    const bool is_list = type == XCB_ATOM_ATOM || type == self->atoms[X11_TARGETS];

    if (!make_room(self, TARGETS_MAX))
        return;
    if (status != VIA_ESTALLED)
        present->asking = NULL;
    if (status == VIA_OK && is_list)
        take_list(self, bytes);
    else
        guess(self);
}

/* ---- changes ------------------------------------------------------------------------------------------------ */

static void take_ours(x11 *self, const x11_publication *publication, uint64_t ours)
{
    if (!make_room(self, publication->count))
        return;
    for (size_t i = 0; i < publication->count; i++)
        if (publication->targets[i].atom != XCB_ATOM_NONE)
            add(self, publication->targets[i].atom, publication->targets[i].name);
    tell(self, ours);
}

static void found(x11 *self, xcb_window_t owner, uint64_t ours)
{
    const x11_publication *current = x11_owner_current(self);

    self->present.owner = owner;
    if (ours != 0 && current)
        take_ours(self, current, ours);
    else if (owner == XCB_WINDOW_NONE)
        tell(self, ours);
    else
        self->present.asking = x11_read_begin(self, 0, self->atoms[X11_TARGETS], false, TARGETS_BYTES);
}

void x11_present_changed(x11 *self, const xcb_xfixes_selection_notify_event_t *event, unsigned sequence)
{
    x11_present *present = &self->present;
    const bool is_death = event->subtype == XCB_XFIXES_SELECTION_EVENT_SELECTION_CLIENT_CLOSE;

    if (!present->is_known) /* before the first look, which sees it */
        return;
    present->generation++;
    if (present->asking)
        x11_read_abandon(self, present->asking);
    present->asking = NULL;
    clear(self);
    x11_read_revoke(self, is_death, sequence);
    const uint64_t ours = x11_owner_changed(self, event->owner, event->selection_timestamp);
    found(self, event->owner, ours);
    x11_owner_settle(self, ours);
}

static void answer_first(x11 *self, void *context, const void *reply)
{
    const xcb_get_selection_owner_reply_t *answer = reply;

    (void)context;
    self->present.is_known = true;
    self->present.generation = 1;
    found(self, answer ? answer->owner : XCB_WINDOW_NONE, 0);
}

void x11_present_begin(x11 *self)
{
    x11_ask(self, self->xcb.get_selection_owner(self->connection, self->atoms[X11_SELECTION]).sequence, answer_first,
            NULL);
}

/* ---- asking for it ------------------------------------------------------------------------------------------ */

static xcb_atom_t find(const x11_present *present, const char *type)
{
    for (size_t i = 0; i < present->count; i++)
        if (present->names[i] && strcmp(present->names[i], type) == 0)
            return present->atoms[i];
    return XCB_ATOM_NONE;
}

/* Text may be asked for under a name that the owner does not have for it. */
static xcb_atom_t find_text(const x11_present *present)
{
    xcb_atom_t atom = XCB_ATOM_NONE;

    for (size_t i = 0; atom == XCB_ATOM_NONE && clip_text_names[i]; i++)
        atom = find(present, clip_text_names[i]);
    return atom;
}

void x11_fetch(x11 *self, uint64_t ticket, const char *type)
{
    const x11_present *present = &self->present;
    const bool is_text = clip_text_is(type);
    xcb_atom_t target = find(present, type);

    if (target == XCB_ATOM_NONE && is_text)
        target = find_text(present);
    if (self->told != present->generation)
        x11_tell_fetched(self, ticket, VIA_EREVOKED, NULL);
    else if (present->owner == XCB_WINDOW_NONE)
        x11_tell_fetched(self, ticket, VIA_ENOENT, NULL);
    else if (present->asking) /* it still owes us the answer to the first question */
        x11_tell_fetched(self, ticket, VIA_ESTALLED, NULL);
    else if (target == XCB_ATOM_NONE)
        x11_tell_fetched(self, ticket, VIA_ETYPE, NULL);
    else
        (void)x11_read_begin(self, ticket, target, is_text, self->settings.max_size);
}

/* Whatever was changed before the question comes in before its answer. */
static void answer_look(x11 *self, void *context, const void *reply)
{
    (void)reply;
    x11_tell_looked(self, (uintptr_t)context);
}

void x11_look(x11 *self, uint64_t ticket)
{
    x11_ask(self, self->xcb.get_selection_owner(self->connection, self->atoms[X11_SELECTION]).sequence, answer_look,
            (void *)(uintptr_t)ticket);
}

void x11_present_fini(x11 *self)
{
    clear(self);
}
