/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Knowing that everything has been told; see wayland.h.
 *
 * Owns: looks, from the call until the compositor's answer. It answers in order, so what changed before has been told then.
 */
#include "wayland.h"

#include <stdlib.h>

static void look_free(wayland *self, wayland_look *look)
{
    for (wayland_look **at = &self->looks; *at; at = &(*at)->next) {
        if (*at == look) {
            *at = look->next;
            break;
        }
    }
    wayland_forget(self, &look->sync);
    free(look);
}

static int sync_event(const void *data, void *target, uint32_t opcode, const struct wl_message *message,
                      union wl_argument *arguments)
{
    wayland *self = (wayland *)data;
    wayland_look *look = self->library.proxy_get_user_data(target);
    const uint64_t ticket = look->ticket;

    (void)opcode;
    (void)message;
    (void)arguments;
    look_free(self, look);
    self->events->looked(self->core, ticket);
    return 0;
}

void wayland_look_begin(wayland *self, uint64_t ticket)
{
    wayland_look *look = calloc(1, sizeof(*look));

    if (!look) {
        wayland_break(self);
        return;
    }
    look->ticket = ticket;
    look->next = self->looks;
    self->looks = look;
    if (!self->is_clogged)
        wayland_look_go_on(self);
}

void wayland_look_go_on(wayland *self)
{
    for (wayland_look *at = self->looks; at && !self->is_clogged; at = at->next)
        if (!at->sync)
            at->sync = wayland_sync(self, sync_event, at);
}

void wayland_look_fini(wayland *self)
{
    while (self->looks)
        look_free(self, self->looks);
}
