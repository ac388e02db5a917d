/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests out, events in; see wayland.h.
 *
 * Owns: the calls into libwayland-client that touch the connection. Nobody else reads it, so reading is prepared and done in one
 * step, and never sleeps.
 */
#include "wayland.h"

#include "kit/error.h"

#include <errno.h>
#include <stdio.h>

bool wayland_flush(wayland *self)
{
    int moved;

    do
        moved = self->library.display_flush(self->display);
    while (moved < 0 && errno == EINTR);
    self->is_clogged = moved < 0 && errno == EAGAIN;
    /* A compositor that has closed may have said why: that is still to be read. */
    return moved >= 0 || errno == EAGAIN || errno == EPIPE;
}

bool wayland_read(wayland *self)
{
    const wayland_library *library = &self->library;

    while (library->display_prepare_read(self->display) != 0)
        if (library->display_dispatch_pending(self->display) < 0)
            return false;
    if (library->display_read_events(self->display) < 0 && errno != EAGAIN && errno != EINTR)
        return false;
    return library->display_dispatch_pending(self->display) >= 0;
}

static via_status protocol_reason(wayland *self, char *what, size_t capacity, const char **mend)
{
    const struct wl_interface *interface = NULL;
    uint32_t id = 0;
    uint32_t code = self->library.display_get_protocol_error(self->display, &interface, &id);

    *mend = "report it with the compositor's name and version; until then choose another clipboard with backend=";
    snprintf(what, capacity, "the Wayland compositor ended the connection over a protocol error: %u of %s", code,
             interface ? interface->name : "an unknown object");
    return VIA_EPROTO;
}

via_status wayland_reason(wayland *self, char *what, size_t capacity, const char **mend)
{
    const int code = self->library.display_get_error(self->display);

    if (code == EPROTO)
        return protocol_reason(self, what, capacity, mend);
    *mend = "open the channel again when the compositor runs";
    if (code == 0 || code == EPIPE || code == ECONNRESET) {
        snprintf(what, capacity, "the Wayland compositor is gone: it ended, or has turned this program away");
        return VIA_EPEER;
    }
    char text[128];
    via_error_text(code, text, sizeof(text));
    snprintf(what, capacity, "the connection to the Wayland compositor failed: %s", text);
    return code == ENOMEM ? VIA_ENOMEM : VIA_EIO;
}

void wayland_break(wayland *self)
{
    self->broken = VIA_ENOMEM;
}

void wayland_request(wayland *self, struct wl_proxy *proxy, uint32_t opcode, union wl_argument *arguments)
{
    self->library.proxy_marshal_array(proxy, opcode, arguments);
}

struct wl_proxy *wayland_create(wayland *self, struct wl_proxy *factory, uint32_t opcode, union wl_argument *arguments,
                                const struct wl_interface *interface, uint32_t version)
{
    struct wl_proxy *proxy =
        self->library.proxy_marshal_array_constructor_versioned(factory, opcode, arguments, interface, version);

    if (!proxy)
        wayland_break(self);
    return proxy;
}

bool wayland_listen(wayland *self, struct wl_proxy *proxy, wl_dispatcher_func_t dispatcher, void *user_data)
{
    return self->library.proxy_add_dispatcher(proxy, dispatcher, self, user_data) == 0;
}

struct wl_proxy *wayland_sync(wayland *self, wl_dispatcher_func_t dispatcher, void *user_data)
{
    union wl_argument arguments[] = {{.n = 0}};
    struct wl_proxy *callback =
        wayland_create(self, (struct wl_proxy *)self->display, DISPLAY_SYNC, arguments, self->library.callback, 1);

    if (callback)
        (void)wayland_listen(self, callback, dispatcher, user_data);
    return callback;
}

void wayland_end(wayland *self, struct wl_proxy **proxy, uint32_t opcode)
{
    if (*proxy && !self->is_forked)
        wayland_request(self, *proxy, opcode, NULL);
    wayland_forget(self, proxy);
}

void wayland_forget(wayland *self, struct wl_proxy **proxy)
{
    if (*proxy && !self->is_forked)
        self->library.proxy_destroy(*proxy);
    *proxy = NULL;
}
