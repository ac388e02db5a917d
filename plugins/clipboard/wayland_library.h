/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libwayland-client, opened at run time.
 *
 * Owns: the one list of what is used of it. Nothing of it is linked, so that a machine without a display needs none of it.
 * What it offers since version 1.10 is enough: requests are made and events taken as arrays of arguments, by tables of ours
 * (wayland_protocol.h).
 */
#ifndef CLIPBOARD_WAYLAND_LIBRARY_H
#define CLIPBOARD_WAYLAND_LIBRARY_H

#include <viaduct/plugin.h>

#include <wayland-client-core.h>

typedef struct wayland_library {
    void *handle;
    struct wl_display *(*display_connect_to_fd)(int descriptor);
    void (*display_disconnect)(struct wl_display *display);
    int (*display_get_error)(struct wl_display *display);
    uint32_t (*display_get_protocol_error)(struct wl_display *display, const struct wl_interface **interface,
                                           uint32_t *id);
    int (*display_flush)(struct wl_display *display);
    int (*display_prepare_read)(struct wl_display *display);
    int (*display_read_events)(struct wl_display *display);
    int (*display_dispatch_pending)(struct wl_display *display);
    void (*proxy_marshal_array)(struct wl_proxy *proxy, uint32_t opcode, union wl_argument *arguments);
    struct wl_proxy *(*proxy_marshal_array_constructor_versioned)(struct wl_proxy *proxy, uint32_t opcode,
                                                                  union wl_argument *arguments,
                                                                  const struct wl_interface *interface,
                                                                  uint32_t version);
    int (*proxy_add_dispatcher)(struct wl_proxy *proxy, wl_dispatcher_func_t dispatcher, const void *data,
                                void *user_data);
    void *(*proxy_get_user_data)(struct wl_proxy *proxy);
    void (*proxy_destroy)(struct wl_proxy *proxy);
    const struct wl_interface *registry;
    const struct wl_interface *callback;
    const struct wl_interface *seat;
} wayland_library;

/* VIA_OK; VIA_ENOTSUP with the error filled: it is not there, or too old. */
via_status wayland_library_open(wayland_library *library, const via_host_api *host, via_error *error);
/* What it has made must be gone. An empty one is accepted. */
void wayland_library_close(wayland_library *library);

#endif
