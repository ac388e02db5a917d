/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data-control protocols: ext-data-control-v1, and wlr-data-control-unstable-v1 which it was made from.
 *
 * Owns: their interface tables, written by hand (sdk/docs/decisions/wayland-data-control.md). The two differ in names and in the
 * version that brought the primary selection, and in nothing that is sent.
 */
#ifndef CLIPBOARD_WAYLAND_PROTOCOL_H
#define CLIPBOARD_WAYLAND_PROTOCOL_H

#include <wayland-util.h>

typedef struct wayland_protocol {
    const struct wl_interface *manager;
    const struct wl_interface *device;
    const struct wl_interface *source;
    const struct wl_interface *offer;
    uint32_t primary_since; /* version of the manager */
} wayland_protocol;

/* The better one first; ends with an empty one. */
extern const wayland_protocol wayland_protocols[];

/* Numbers of the requests and events, in the order of the protocols. */
enum { DISPLAY_SYNC = 0, DISPLAY_GET_REGISTRY = 1 };
enum { REGISTRY_BIND = 0 };
enum { REGISTRY_GLOBAL = 0, REGISTRY_GLOBAL_REMOVE = 1 };
enum { MANAGER_CREATE_SOURCE = 0, MANAGER_GET_DEVICE = 1, MANAGER_DESTROY = 2 };
enum { DEVICE_SET_SELECTION = 0, DEVICE_DESTROY = 1, DEVICE_SET_PRIMARY = 2 };
enum { DEVICE_DATA_OFFER = 0, DEVICE_SELECTION = 1, DEVICE_FINISHED = 2, DEVICE_PRIMARY = 3 };
enum { SOURCE_OFFER = 0, SOURCE_DESTROY = 1 };
enum { SOURCE_SEND = 0, SOURCE_CANCELLED = 1 };
enum { OFFER_RECEIVE = 0, OFFER_DESTROY = 1 };
enum { OFFER_OFFER = 0 };

#endif
