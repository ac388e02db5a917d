/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data-control protocols; see wayland_protocol.h.
 *
 * A message is its name, the types of its arguments (n new object, o object, s text, h descriptor; ? may be none, a number
 * before it: since that version), and for each argument the interface of an object. libwayland takes that from here only
 * where an event brings a new object, so the seat of another table need not be named.
 */
#include "wayland_protocol.h"

#include <stddef.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* What bears no object of the family is the same in both. */
static const struct wl_interface *no_objects[] = {NULL, NULL};
static const struct wl_message source_requests[] = {{"offer", "s", no_objects}, {"destroy", "", no_objects}};
static const struct wl_message source_events[] = {{"send", "sh", no_objects}, {"cancelled", "", no_objects}};
static const struct wl_message offer_requests[] = {{"receive", "sh", no_objects}, {"destroy", "", no_objects}};
static const struct wl_message offer_events[] = {{"offer", "s", no_objects}};

/* ---- ext-data-control-v1 --------------------------------------------------------------------------------------------- */

static const struct wl_interface ext_source = {
    "ext_data_control_source_v1", 1, COUNT(source_requests), source_requests, COUNT(source_events), source_events};
static const struct wl_interface ext_offer = {
    "ext_data_control_offer_v1", 1, COUNT(offer_requests), offer_requests, COUNT(offer_events), offer_events};
static const struct wl_interface *ext_source_object[] = {&ext_source};
static const struct wl_interface *ext_offer_object[] = {&ext_offer};
static const struct wl_message ext_device_requests[] = {
    {"set_selection", "?o", ext_source_object},
    {"destroy", "", no_objects},
    {"set_primary_selection", "?o", ext_source_object},
};
static const struct wl_message ext_device_events[] = {
    {"data_offer", "n", ext_offer_object},
    {"selection", "?o", ext_offer_object},
    {"finished", "", no_objects},
    {"primary_selection", "?o", ext_offer_object},
};
static const struct wl_interface ext_device = {"ext_data_control_device_v1", 1,
                                               COUNT(ext_device_requests),   ext_device_requests,
                                               COUNT(ext_device_events),     ext_device_events};
static const struct wl_interface *ext_device_objects[] = {&ext_device, NULL};
static const struct wl_message ext_manager_requests[] = {
    {"create_data_source", "n", ext_source_object},
    {"get_data_device", "no", ext_device_objects},
    {"destroy", "", no_objects},
};
static const struct wl_interface ext_manager = {"ext_data_control_manager_v1", 1, COUNT(ext_manager_requests),
                                                ext_manager_requests,          0, NULL};

/* ---- wlr-data-control-unstable-v1 ------------------------------------------------------------------------------------ */

static const struct wl_interface wlr_source = {
    "zwlr_data_control_source_v1", 1, COUNT(source_requests), source_requests, COUNT(source_events), source_events};
static const struct wl_interface wlr_offer = {
    "zwlr_data_control_offer_v1", 1, COUNT(offer_requests), offer_requests, COUNT(offer_events), offer_events};
static const struct wl_interface *wlr_source_object[] = {&wlr_source};
static const struct wl_interface *wlr_offer_object[] = {&wlr_offer};
static const struct wl_message wlr_device_requests[] = {
    {"set_selection", "?o", wlr_source_object},
    {"destroy", "", no_objects},
    {"set_primary_selection", "2?o", wlr_source_object},
};
static const struct wl_message wlr_device_events[] = {
    {"data_offer", "n", wlr_offer_object},
    {"selection", "?o", wlr_offer_object},
    {"finished", "", no_objects},
    {"primary_selection", "2?o", wlr_offer_object},
};
static const struct wl_interface wlr_device = {"zwlr_data_control_device_v1", 2,
                                               COUNT(wlr_device_requests),    wlr_device_requests,
                                               COUNT(wlr_device_events),      wlr_device_events};
static const struct wl_interface *wlr_device_objects[] = {&wlr_device, NULL};
static const struct wl_message wlr_manager_requests[] = {
    {"create_data_source", "n", wlr_source_object},
    {"get_data_device", "no", wlr_device_objects},
    {"destroy", "", no_objects},
};
static const struct wl_interface wlr_manager = {"zwlr_data_control_manager_v1", 2, COUNT(wlr_manager_requests),
                                                wlr_manager_requests,           0, NULL};

const wayland_protocol wayland_protocols[] = {
    {&ext_manager, &ext_device, &ext_source, &ext_offer, 1},
    {&wlr_manager, &wlr_device, &wlr_source, &wlr_offer, 2},
    {NULL, NULL, NULL, NULL, 0},
};
