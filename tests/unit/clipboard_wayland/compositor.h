/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Wayland compositor that has seats and a data-control protocol and nothing else, in the test's own thread; and that can be
 * told to behave as badly as one likes.
 *
 * It keeps the selections by the book unless `manners` says otherwise. An owner that is no client is the test itself: a
 * function that is given the descriptor to write into.
 */
#ifndef WAYLAND_COMPOSITOR_H
#define WAYLAND_COMPOSITOR_H

#include "driver.h"

#include <wayland-server-core.h>

enum { COMPOSITOR_CLIPBOARD = 0, COMPOSITOR_PRIMARY = 1, COMPOSITOR_SEATS = 4, COMPOSITOR_TYPES = 64 };

/* Somebody asks for the test's content in this format: owns the descriptor. */
typedef void compositor_owner(void *data, const char *type, int descriptor);

typedef struct compositor_manners {
    bool is_wlr;      /* zwlr instead of ext */
    uint32_t version; /* of the manager; 0 = the newest */
    unsigned seats;   /* at the start */
    bool has_no_manager;
    bool is_silent;    /* tells no selection to a new device */
    bool never_echoes; /* tells a client's own selection to all but that client */
    bool echoes_late;  /* tells a selection only after everything that was asked with it is answered */
    bool is_contested; /* another's content takes the place of every client's before anything else is answered */
} compositor_manners;

typedef struct compositor_selection {
    struct wl_resource *source; /* a client's, or NULL */
    char types[COMPOSITOR_TYPES][64];
    size_t type_count;
    compositor_owner *owner; /* the test, or NULL */
    void *owner_data;
} compositor_selection;

typedef struct compositor {
    compositor_manners manners;
    char path[100];
    struct wl_display *display;
    struct wl_event_loop *loop;
    struct wl_global *manager;
    struct wl_global *seats[COMPOSITOR_SEATS];
    struct wl_list devices; /* of resources */
    compositor_selection selections[2];
    size_t receives; /* that clients have asked for */
} compositor;

/* Takes part in the driver's turns from now on. */
void compositor_init(compositor *self, compositor_manners manners);
void compositor_fini(compositor *self);

/* As driver_try_open() and driver_open(), while the compositor answers. */
via_status compositor_try_open(compositor *self, driver *client, const clip_backend *backend, const char *name,
                               via_error *error);
const driver_event *compositor_open(compositor *self, driver *client, const clip_backend *backend, const char *name);

/* The test's content; these types. */
void compositor_own(compositor *self, int which, const char *const *types, size_t count, compositor_owner *owner,
                    void *data);
void compositor_clear(compositor *self, int which);
/* Asks the client that owns the selection for this format; what it writes can be read from the descriptor. -1: no client owns it. */
int compositor_receive(compositor *self, int which, const char *type);
/* The same, with a descriptor of any kind, which stays the caller's. */
void compositor_send_to(compositor *self, int which, const char *type, int descriptor);
/* Offers that are never called a selection. */
void compositor_babble(compositor *self, size_t count);
void compositor_add_seat(compositor *self, unsigned index);
void compositor_remove_seat(compositor *self, unsigned index);
/* Ends all connections: with a protocol error, or just so. */
void compositor_post_error(compositor *self);
void compositor_hang_up(compositor *self);

#endif
