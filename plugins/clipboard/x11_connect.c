/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way into the display: connection, atoms, window, notice of changes, first look.
 *
 * Owns: everything that is asked once. Waits, as nothing after it may, and never beyond the deadline.
 */
#include "x11_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kit/deadline.h"
#include "kit/fail.h"

enum { REQUEST_OVERHEAD = 64 /* bytes of a request beside its data, with room to spare */ };

static const char *const names[X11_NAMES] = {
    [X11_CLIPBOARD_MANAGER] = "CLIPBOARD_MANAGER",
    [X11_COMPOUND_TEXT] = "COMPOUND_TEXT",
    [X11_DELETE] = "DELETE",
    [X11_INCR] = "INCR",
    [X11_INSERT_PROPERTY] = "INSERT_PROPERTY",
    [X11_INSERT_SELECTION] = "INSERT_SELECTION",
    [X11_MULTIPLE] = "MULTIPLE",
    [X11_ATOM_PAIR] = "ATOM_PAIR",
    [X11_NULL] = "NULL",
    [X11_SAVE_TARGETS] = "SAVE_TARGETS",
    [X11_TARGETS] = "TARGETS",
    [X11_TEXT] = "TEXT",
    [X11_TIMESTAMP] = "TIMESTAMP",
    [X11_UTF8_STRING] = "UTF8_STRING",
    [X11_PROPERTY] = "VIADUCT_SELECTION",
    [X11_STAMP] = "VIADUCT_TIME",
};

/* Selections that have a name of their own; any other name is the selection's own. */
static const char *selection_name(const char *name)
{
    static const struct {
        const char *ours, *theirs;
    } known[] = {{"clipboard", "CLIPBOARD"}, {"primary", "PRIMARY"}, {"secondary", "SECONDARY"}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(name, known[i].ours) == 0)
            return known[i].theirs;
    return name;
}

/* Pumps until every question has been answered. */
static via_status settle(x11 *self, via_deadline deadline, via_error *error)
{
    for (;;) {
        x11_pump(self);
        (void)self->xcb.flush(self->connection);
        if (self->failed != VIA_OK)
            return via_fail(self->settings.host, error, self->failed, 0, self->failed_mend, "%s", self->failed_what);
        if (x11_is_quiet(self))
            return VIA_OK;
        struct pollfd set = {.fd = self->descriptor, .events = POLLIN};
        struct timespec left;
        if (!x11_has_input(self) && ppoll(&set, 1, via_deadline_timespec(deadline, &left), NULL) == 0)
            return via_fail(self->settings.host, error, VIA_ETIMEDOUT, 0, "see whether the X server has been stopped",
                            "the X server at \"%.100s\" stopped answering", self->settings.display);
    }
}

static via_status connect_now(x11 *self, int *screen, via_error *error)
{
    const via_host_api *host = self->settings.host;

    self->connection = self->xcb.connect(self->settings.display, screen);
    switch (self->xcb.connection_has_error(self->connection)) {
    case 0:
        self->descriptor = self->xcb.get_file_descriptor(self->connection);
        return VIA_OK;
    case XCB_CONN_CLOSED_MEM_INSUFFICIENT:
        return via_fail(host, error, VIA_ENOMEM, 0, NULL, "no memory was left for a connection to the X server");
    case XCB_CONN_CLOSED_INVALID_SCREEN:
        return via_fail(host, error, VIA_EINVAL, 0, "leave the .NUMBER at the end of the display's name out",
                        "the X server at \"%.100s\" has no such screen", self->settings.display);
    default:
        return via_fail(host, error, VIA_EPERM, 0,
                        "see that XAUTHORITY names this user's file, or let the user in: xhost +si:localuser:NAME",
                        "the X server at \"%.100s\" turned this program away", self->settings.display);
    }
}

static void answer_atom(x11 *self, void *context, const void *reply)
{
    xcb_atom_t *atom = context;

    (void)self;
    *atom = reply ? ((const xcb_intern_atom_reply_t *)reply)->atom : XCB_ATOM_NONE;
}

static void ask_atom(x11 *self, const char *name, xcb_atom_t *atom)
{
    x11_ask(self, self->xcb.intern_atom(self->connection, 0, (uint16_t)strlen(name), name).sequence, answer_atom, atom);
}

static void answer_nothing(x11 *self, void *context, const void *reply)
{
    (void)self;
    (void)context;
    (void)reply;
}

/* Also learns of the two extensions: whoever asks for them before their answers are in would have to wait inside of libxcb. */
static via_status learn_names(x11 *self, via_deadline deadline, via_error *error)
{
    const char *selection = selection_name(self->settings.name);

    if (strlen(selection) > 255)
        return via_fail(self->settings.host, error, VIA_EINVAL, 0,
                        "write clipboard:, clipboard:primary or a shorter name",
                        "a selection's name has at most 255 bytes");
    self->xcb.prefetch_extension_data(self->connection, self->xcb.big_requests);
    self->xcb.prefetch_extension_data(self->connection, self->xcb.fixes);
    for (size_t i = 0; i < X11_NAMES; i++)
        ask_atom(self, i == X11_SELECTION ? selection : names[i], &self->atoms[i]);
    return settle(self, deadline, error);
}

static via_status learn_extensions(x11 *self, via_deadline deadline, via_error *error)
{
    const xcb_query_extension_reply_t *fixes = self->xcb.get_extension_data(self->connection, self->xcb.fixes);

    if (!fixes || !fixes->present)
        return via_fail(self->settings.host, error, VIA_ENOTSUP, 0, "take another X server, or another backend=",
                        "the X server at \"%.100s\" lacks the extension XFIXES, which tells of changes",
                        self->settings.display);
    self->fixes_event = fixes->first_event;
    self->xcb.prefetch_maximum_request_length(self->connection);
    x11_ask(self, self->xcb.xfixes_query_version(self->connection, 1, 0).sequence, answer_nothing, NULL);
    const via_status status = settle(self, deadline, error);
    if (status == VIA_OK)
        self->max_data = (size_t)self->xcb.get_maximum_request_length(self->connection) * 4 - REQUEST_OVERHEAD;
    return status;
}

xcb_window_t x11_window_create(x11 *self)
{
    const xcb_screen_t *screen = self->xcb.setup_roots_iterator(self->xcb.get_setup(self->connection)).data;
    const uint32_t events = XCB_EVENT_MASK_PROPERTY_CHANGE | XCB_EVENT_MASK_STRUCTURE_NOTIFY;
    const xcb_window_t window = self->xcb.generate_id(self->connection);

    (void)self->xcb.create_window(self->connection, 0, window, screen->root, 0, 0, 1, 1, 0, XCB_WINDOW_CLASS_INPUT_ONLY,
                                  XCB_COPY_FROM_PARENT, XCB_CW_EVENT_MASK, &events);
    return window;
}

bool x11_is_own(const x11 *self, xcb_window_t window)
{
    const xcb_setup_t *setup = self->xcb.get_setup(self->connection);

    return (window & ~setup->resource_id_mask) == setup->resource_id_base;
}

static void answer_manager(x11 *self, void *context, const void *reply)
{
    (void)context;
    if (reply)
        x11_manager_changed(self, ((const xcb_get_selection_owner_reply_t *)reply)->owner);
}

/* Notice first, then the look: so nothing can happen between them unseen. */
static via_status look(x11 *self, via_deadline deadline, via_error *error)
{
    const uint32_t all = XCB_XFIXES_SELECTION_EVENT_MASK_SET_SELECTION_OWNER |
                         XCB_XFIXES_SELECTION_EVENT_MASK_SELECTION_WINDOW_DESTROY |
                         XCB_XFIXES_SELECTION_EVENT_MASK_SELECTION_CLIENT_CLOSE;
    const x11_name watched[] = {X11_SELECTION, X11_CLIPBOARD_MANAGER};

    self->window = x11_window_create(self);
    for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++)
        (void)self->xcb.xfixes_select_selection_input(self->connection, self->window, self->atoms[watched[i]], all);
    (void)self->xcb.change_property(self->connection, XCB_PROP_MODE_APPEND, self->window, self->atoms[X11_STAMP],
                                    XCB_ATOM_STRING, 8, 0, NULL);
    x11_ask(self, self->xcb.get_selection_owner(self->connection, self->atoms[X11_CLIPBOARD_MANAGER]).sequence,
            answer_manager, NULL);
    x11_present_begin(self);
    /* What the look starts (TARGETS, names) is no part of opening: the owner is not waited for. */
    while (!self->present.is_known) {
        const via_status status = settle(self, deadline, error);
        if (status != VIA_OK)
            return status;
    }
    return VIA_OK;
}

via_status x11_connect(x11 *self, via_deadline deadline, via_error *error)
{
    int screen = 0;
    via_status status = x11_reach(&self->xcb, self->settings.host, self->settings.display, deadline, error);

    if (status == VIA_OK)
        status = connect_now(self, &screen, error);
    if (status == VIA_OK)
        status = learn_names(self, deadline, error);
    if (status == VIA_OK)
        status = learn_extensions(self, deadline, error);
    if (status == VIA_OK)
        status = look(self, deadline, error);
    return status;
}
