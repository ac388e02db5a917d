/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way to a compositor: its socket, what it has, a device on one of its seats; see wayland.h.
 *
 * Owns: the only waiting of this backend, on the opening thread, until the deadline at most. Must never use what the environment
 * may hold for one child of the compositor only (WAYLAND_SOCKET), nor change the environment: so the socket is opened here, not in the library.
 */
#include "wayland.h"

#include "kit/deadline.h"
#include "kit/fail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static const char way_out[] = "start the compositor, mend WAYLAND_DISPLAY or the option display=, or choose another "
                              "clipboard with backend=x11 or backend=embedded";

/* ---- the socket ------------------------------------------------------------------------------------------------------ */

/* A display is a path, or a name in the runtime folder. */
static via_status find_socket(const wayland *self, const char *display, struct sockaddr_un *address, via_error *error)
{
    const char *folder = secure_getenv("XDG_RUNTIME_DIR");
    int size;

    if (!display || !*display)
        return via_fail(self->host, error, VIA_EINVAL, 0, way_out, "no Wayland display is named");
    if (display[0] != '/' && (!folder || folder[0] != '/'))
        return via_fail(self->host, error, VIA_EINVAL, 0, "set XDG_RUNTIME_DIR, or give the socket's absolute path",
                        "the Wayland display \"%s\" is a name in XDG_RUNTIME_DIR, which is not set to an absolute path",
                        display);
    address->sun_family = AF_UNIX;
    if (display[0] == '/')
        size = snprintf(address->sun_path, sizeof(address->sun_path), "%s", display);
    else
        size = snprintf(address->sun_path, sizeof(address->sun_path), "%s/%s", folder, display);
    if (size < 0 || (size_t)size >= sizeof(address->sun_path))
        return via_fail(self->host, error, VIA_EINVAL, 0, "use a shorter path",
                        "the path of the Wayland display \"%s\" is longer than a socket's may be (%zu bytes)", display,
                        sizeof(address->sun_path) - 1);
    return VIA_OK;
}

/* A socket whose queue is full makes connect(2) wait; the send time-out bounds that (socket(7)). */
static int connect_within(const struct sockaddr_un *address, via_deadline deadline)
{
    const uint64_t left = via_deadline_left(deadline);
    const struct timeval limit = {.tv_sec = (time_t)(left / 1000000000u),
                                  .tv_usec = (suseconds_t)(left % 1000000000u / 1000u) + (left < 1000u)};
    const struct timeval none = {0};
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result;

    if (descriptor < 0)
        return -1;
    if (deadline != VIA_FOREVER)
        (void)setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    do
        result = connect(descriptor, (const struct sockaddr *)address, sizeof(*address));
    while (result != 0 && errno == EINTR);
    if (result == 0) {
        (void)setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none));
        return descriptor;
    }
    const int reason = errno;
    close(descriptor);
    errno = reason;
    return -1;
}

/* Nobody there is no reason to wait for somebody: a display that is set is one that runs. */
static via_status unreachable(const wayland *self, const struct sockaddr_un *address, int os_code, via_error *error)
{
    via_status status = via_status_of_errno(os_code);

    if (status == VIA_ENOPEER || status == VIA_ENOENT)
        status = VIA_EIO;
    return via_fail(self->host, error, status, os_code, way_out, "the Wayland display %s cannot be reached",
                    address->sun_path);
}

static via_status open_display(wayland *self, const char *display, via_deadline deadline, via_error *error)
{
    struct sockaddr_un address = {0};
    via_status status = find_socket(self, display, &address, error);

    if (status != VIA_OK)
        return status;
    self->descriptor = connect_within(&address, deadline);
    if (self->descriptor < 0)
        return unreachable(self, &address, errno, error);
    self->display = self->library.display_connect_to_fd(self->descriptor);
    if (self->display)
        return VIA_OK;
    self->descriptor = -1; /* whether the library has closed it cannot be known */
    return via_fail(self->host, error, VIA_ENOMEM, 0, NULL, "no memory for a connection to %s", address.sun_path);
}

/* ---- waiting for the compositor -------------------------------------------------------------------------------------- */

static int sync_event(const void *data, void *target, uint32_t opcode, const struct wl_message *message,
                      union wl_argument *arguments)
{
    wayland *self = (wayland *)data;

    (void)target;
    (void)opcode;
    (void)message;
    (void)arguments;
    wayland_forget(self, &self->sync);
    return 0;
}

static via_status broken(wayland *self, via_error *error)
{
    char what[256];
    const char *mend;
    const via_status status = wayland_reason(self, what, sizeof(what), &mend);

    return via_fail(self->host, error, status, 0, mend, "%s", what);
}

/* Until everything that has been asked is answered. */
static via_status await_answers(wayland *self, via_deadline deadline, via_error *error)
{
    self->sync = wayland_sync(self, sync_event, NULL);
    while (self->sync) {
        struct timespec storage;
        struct pollfd set = {.fd = self->descriptor, .events = POLLIN};

        if (!wayland_flush(self))
            return broken(self, error);
        set.events |= (short)(self->is_clogged ? POLLOUT : 0);
        const int ready = ppoll(&set, 1, via_deadline_timespec(deadline, &storage), NULL);
        if (ready == 0)
            return via_fail(self->host, error, VIA_ETIMEDOUT, 0,
                            "see whether the compositor has stopped, or allow it more time",
                            "the Wayland compositor does not answer");
        if (ready > 0 && !wayland_read(self))
            return broken(self, error);
    }
    if (self->broken == VIA_OK)
        return VIA_OK;
    return via_fail(self->host, error, self->broken, 0, NULL, "no memory for what the Wayland compositor has");
}

/* ---- what it has ----------------------------------------------------------------------------------------------------- */

static void add_seat(wayland *self, uint32_t name)
{
    if (self->seat_count == WAYLAND_SEATS)
        return;
    self->seats[self->seat_count++].name = name;
    wayland_take_seat(self);
}

/* It may be told in either order, that the seat is gone and that the device has finished. */
static void drop_seat(wayland *self, uint32_t name)
{
    for (size_t i = 0; i < self->seat_count; i++) {
        if (self->seats[i].name == name) {
            memmove(&self->seats[i], &self->seats[i + 1], (--self->seat_count - i) * sizeof(self->seats[0]));
            return;
        }
    }
}

static void remove_seat(wayland *self, uint32_t name)
{
    drop_seat(self, name);
    if (self->device && name == self->seat_name)
        wayland_lose_seat(self);
}

static int registry_event(const void *data, void *target, uint32_t opcode, const struct wl_message *message,
                          union wl_argument *arguments)
{
    wayland *self = (wayland *)data;
    const uint32_t name = arguments[0].u;

    (void)target;
    (void)message;
    if (opcode == REGISTRY_GLOBAL_REMOVE) {
        remove_seat(self, name);
        return 0;
    }
    if (strcmp(arguments[1].s, self->library.seat->name) == 0)
        add_seat(self, name);
    for (size_t i = 0; wayland_protocols[i].manager; i++) {
        if (strcmp(arguments[1].s, wayland_protocols[i].manager->name) == 0) {
            self->manager_names[i] = name;
            self->manager_versions[i] = arguments[2].u;
        }
    }
    return 0;
}

static struct wl_proxy *bind_global(wayland *self, uint32_t name, const struct wl_interface *interface,
                                    uint32_t version)
{
    union wl_argument arguments[] = {{.u = name}, {.s = interface->name}, {.u = version}, {.n = 0}};

    return wayland_create(self, self->registry, REGISTRY_BIND, arguments, interface, version);
}

static via_status take_manager(wayland *self, via_error *error)
{
    size_t i = 0;

    while (wayland_protocols[i].manager && self->manager_versions[i] == 0)
        i++;
    if (!wayland_protocols[i].manager)
        return via_fail(self->host, error, VIA_ENOTSUP, 0,
                        "use a compositor that has it (sway, Hyprland, KDE, GNOME from 47 on), or backend=x11 where "
                        "Xwayland runs, or backend=embedded",
                        "this Wayland compositor has no data-control protocol (ext_data_control_manager_v1 or "
                        "zwlr_data_control_manager_v1), so only the focused window may use the clipboard");
    self->protocol = &wayland_protocols[i];
    self->version = (uint32_t)self->protocol->manager->version;
    if (self->manager_versions[i] < self->version)
        self->version = self->manager_versions[i];
    if (self->is_primary && self->version < self->protocol->primary_since)
        return via_fail(self->host, error, VIA_ENOTSUP, 0, "use clipboard: instead of clipboard:primary",
                        "this Wayland compositor has no primary selection for programs without a window: its %s is of "
                        "version %u, which has none",
                        self->protocol->manager->name, self->version);
    self->manager = bind_global(self, self->manager_names[i], self->protocol->manager, self->version);
    return VIA_OK;
}

void wayland_take_seat(wayland *self)
{
    if (self->device || !self->manager || self->seat_count == 0)
        return;
    self->seat_name = self->seats[0].name;
    self->seat = bind_global(self, self->seat_name, self->library.seat, 1);
    if (!self->seat)
        return;
    union wl_argument arguments[] = {{.n = 0}, {.o = (struct wl_object *)self->seat}};
    self->device =
        wayland_create(self, self->manager, MANAGER_GET_DEVICE, arguments, self->protocol->device, self->version);
    if (self->device)
        (void)wayland_listen(self, self->device, wayland_device_event, NULL);
    via_note(self->host, self->context, VIA_LOG_DEBUG, "clipboard through %s version %u", self->protocol->manager->name,
             self->version);
    if (self->seat_count > 1)
        via_note(self->host, self->context, VIA_LOG_INFO,
                 "the Wayland compositor has %zu seats; the clipboard of the first one is used", self->seat_count);
}

static void forget_seat(wayland *self)
{
    wayland_end(self, &self->device, DEVICE_DESTROY);
    wayland_forget(self, &self->seat);
}

void wayland_lose_seat(wayland *self)
{
    forget_seat(self);
    drop_seat(self, self->seat_name);
    via_note(self->host, self->context, VIA_LOG_WARNING,
             "the seat of the clipboard is gone from the Wayland compositor");
    wayland_publish_lost(self);
    wayland_empty(self);
    wayland_take_seat(self); /* what waits is set there by this very turn */
}

via_status wayland_connect(wayland *self, const char *display, via_deadline deadline, via_error *error)
{
    union wl_argument arguments[] = {{.n = 0}};
    via_status status = open_display(self, display, deadline, error);

    if (status != VIA_OK)
        return status;
    self->registry = wayland_create(self, (struct wl_proxy *)self->display, DISPLAY_GET_REGISTRY, arguments,
                                    self->library.registry, 1);
    if (self->registry)
        (void)wayland_listen(self, self->registry, registry_event, NULL);
    status = await_answers(self, deadline, error);
    if (status == VIA_OK)
        status = take_manager(self, error);
    if (status != VIA_OK)
        return status;
    wayland_take_seat(self);
    if (!self->device && self->broken == VIA_OK)
        return via_fail(self->host, error, VIA_ENOTSUP, 0, way_out,
                        "this Wayland compositor has no seat, so it has no clipboard");
    return await_answers(self, deadline, error);
}

void wayland_disconnect(wayland *self)
{
    wayland_forget(self, &self->sync);
    forget_seat(self);
    wayland_end(self, &self->manager, MANAGER_DESTROY);
    wayland_forget(self, &self->registry);
    if (self->display) {
        (void)wayland_flush(self);
        self->library.display_disconnect(self->display);
    }
    self->display = NULL;
}
