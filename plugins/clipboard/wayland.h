/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Wayland backend, among its own files: one connection to one compositor, and what is under way on it.
 *
 * Owns: the state. Only wayland.c makes and frees it; each file below changes its own part of it. Nothing here blocks but
 * wayland_connect(), and nothing is locked: all of it runs on the channel's worker.
 *
 * The protocol does not say whose a selection is. A setting of ours is followed by a sync; the compositor answers in order, so
 * what it told last before the answer is ours, and what it told before that is somebody else's. So while a setting is under way one selection is
 * held back until it is known whose it is.
 */
#ifndef CLIPBOARD_WAYLAND_H
#define CLIPBOARD_WAYLAND_H

#include "backend.h"
#include "wayland_library.h"
#include "wayland_protocol.h"
#include "wayland_types.h"
#include "wayland_writer.h"

enum {
    WAYLAND_SEATS = 16,     /* that are remembered, of which one is used */
    WAYLAND_ANNOUNCED = 8,  /* offers that may wait for being called a selection */
    WAYLAND_FETCHES = 31,   /* transfers that go on at once, in; the others wait */
    WAYLAND_SERVINGS = 32,  /* and out */
    WAYLAND_READERS = 1024, /* that may wait; more are turned away */
};

/* What somebody offers, as the compositor has told it. */
typedef struct wayland_offer {
    struct wayland_offer *next;
    struct wl_proxy *proxy;
    wayland_types types;
} wayland_offer;

/* A content of ours, or the wish to empty the clipboard (content NULL). */
typedef struct wayland_publication {
    struct wayland_publication *next;
    clip_content *content;
    uint64_t number;
    struct wl_proxy *source; /* NULL: not set yet, or no more */
    wayland_types types;     /* as it was offered */
    size_t readers;          /* that are being served */
    enum { PUBLICATION_WAITS, PUBLICATION_SETTING, PUBLICATION_OWNS, PUBLICATION_LOST } state;
} wayland_publication;

/* One reader of ours. */
typedef struct wayland_serving {
    struct wayland_serving *next;
    wayland_publication *publication;
    const clip_format *format;
    int descriptor;
    size_t done;        /* bytes */
    via_deadline idle;  /* until it must have taken some more */
    via_deadline total; /* and everything */
} wayland_serving;

/* One question of ours. */
typedef struct wayland_fetch {
    struct wayland_fetch *next;
    uint64_t ticket;
    char *type;
    int descriptor; /* -1: not asked yet */
    wayland_writer writer;
    clip_bytes bytes;
    struct wl_proxy *confirm; /* the sync that tells whether the owner still was there when it gave nothing */
    unsigned confirmed;       /* how often it has been answered */
    bool is_orphan;           /* the clipboard has been emptied since */
    via_deadline idle;
    via_deadline total;
} wayland_fetch;

/* One wish to know that everything has been told. */
typedef struct wayland_look {
    struct wayland_look *next;
    uint64_t ticket;
    struct wl_proxy *sync; /* NULL: not asked yet */
} wayland_look;

typedef struct wayland_seat {
    uint32_t name; /* of the registry */
} wayland_seat;

typedef struct wayland {
    wayland_library library;
    const clip_events *events;
    void *core;
    const via_host_api *host;
    via_context *context;
    uint64_t reply_ns, idle_ns, transfer_ns;
    size_t max_size;
    bool is_primary;
    /* the connection */
    struct wl_display *display;
    int descriptor;
    bool is_clogged; /* the compositor does not read: nothing is asked until it does */
    bool is_told;    /* what there was at the start has been told: from now on everything is */
    bool has_failed;
    bool is_forked;    /* nothing of the library may be called any more */
    via_status broken; /* what ends the channel besides the connection: VIA_ENOMEM */
    struct wl_proxy *registry;
    struct wl_proxy *sync; /* of connecting */
    /* what the compositor has */
    wayland_seat seats[WAYLAND_SEATS];
    size_t seat_count;
    uint32_t manager_names[2]; /* in the order of wayland_protocols */
    uint32_t manager_versions[2];
    const wayland_protocol *protocol;
    uint32_t version;
    struct wl_proxy *manager;
    struct wl_proxy *seat;
    uint32_t seat_name;
    struct wl_proxy *device;
    /* the selection */
    wayland_offer *announced;
    wayland_offer *current; /* the selection; NULL: none, or ours and not told as one */
    wayland_offer *held;    /* told while a setting of ours is under way */
    bool is_holding;        /* `held` is one, also NULL */
    bool is_empty;          /* as it was told last */
    uint64_t present;       /* number of our content if it was told last; 0 = another's, or none */
    bool is_echoed;         /* the compositor has told the selection that our own content made */
    uint64_t withdrawn;     /* the next emptiness is this content's, taken back */
    /* what is under way */
    wayland_publication *publications; /* waiting, set, and lost ones with readers; in order */
    struct wl_proxy *setting_sync;
    bool is_withdrawing; /* what is being set is to be taken back at once */
    wayland_fetch *fetches;
    wayland_look *looks;
    wayland_serving *servings;
    size_t serving_count;
} wayland;

/* wayland_connect.c: the connection, the globals, the device. Blocks until the deadline at most. On failure the rest is for wayland_disconnect(). */
via_status wayland_connect(wayland *self, const char *display, via_deadline deadline, via_error *error);
/* Takes a seat and makes a device on it, if there is one and none is used. */
void wayland_take_seat(wayland *self);
/* The seat is gone. */
void wayland_lose_seat(wayland *self);
void wayland_disconnect(wayland *self);

/* wayland_pump.c: requests out, events in; never blocks. False once the connection is broken. */
bool wayland_flush(wayland *self);
bool wayland_read(wayland *self);
/* Why it is broken, in one status and two texts. */
via_status wayland_reason(wayland *self, char *what, size_t capacity, const char **mend);
/* Requests. `create` returns the new object, with this dispatcher and user data; NULL = no memory. */
void wayland_request(wayland *self, struct wl_proxy *proxy, uint32_t opcode, union wl_argument *arguments);
struct wl_proxy *wayland_create(wayland *self, struct wl_proxy *factory, uint32_t opcode, union wl_argument *arguments,
                                const struct wl_interface *interface, uint32_t version);
bool wayland_listen(wayland *self, struct wl_proxy *proxy, wl_dispatcher_func_t dispatcher, void *user_data);
struct wl_proxy *wayland_sync(wayland *self, wl_dispatcher_func_t dispatcher, void *user_data);
/* Sends the request that ends it, frees it here, and forgets it. NULL is accepted. */
void wayland_end(wayland *self, struct wl_proxy **proxy, uint32_t opcode);
/* Frees it here only: it ends by itself. */
void wayland_forget(wayland *self, struct wl_proxy **proxy);
/* Out of memory at a place where nothing else can be done: the channel ends. */
void wayland_break(wayland *self);

/* wayland_selection.c: what others offer. */
int wayland_device_event(const void *data, void *target, uint32_t opcode, const struct wl_message *message,
                         union wl_argument *arguments);
/* A setting of ours has been answered: tells what was held back, as ours if it is the publication's. */
void wayland_settle(wayland *self, wayland_publication *publication, bool is_in_place);
/* Tells what there was at the start, once; before anything else is done. */
void wayland_tell_start(wayland *self);
/* There is nothing any more. */
void wayland_empty(wayland *self);
void wayland_selection_fini(wayland *self);

/* wayland_publish.c: what we offer. */
void wayland_publish(wayland *self, clip_content *content, uint64_t number);
void wayland_withdraw(wayland *self, uint64_t number);
/* Sets the next one that waits, if nothing is being set. */
void wayland_publish_next(wayland *self);
/* The content that is there now is this one of ours; NULL = another's, or none. */
wayland_publication *wayland_owned(const wayland *self);
/* The one that is being set; NULL = none. */
wayland_publication *wayland_setting(const wayland *self);
/* One reader less. */
void wayland_publication_leave(wayland *self, wayland_publication *publication);
/* The device is gone: nothing of ours is there any more, and what was being set waits again. */
void wayland_publish_lost(wayland *self);
void wayland_publish_fini(wayland *self);

/* wayland_serve.c: the readers of what we offer. Takes the descriptor over. */
void wayland_serve(wayland *self, wayland_publication *publication, const char *type, int descriptor);
size_t wayland_serve_wants(const wayland *self, struct pollfd *set, via_deadline *until);
void wayland_serve_work(wayland *self, const struct pollfd *set, size_t count);
void wayland_serve_fini(wayland *self);

/* wayland_fetch.c: what we read. */
void wayland_fetch_begin(wayland *self, uint64_t ticket, const char *type);
void wayland_fetch_cancel(wayland *self, uint64_t ticket);
size_t wayland_fetch_wants(const wayland *self, struct pollfd *set, via_deadline *until);
void wayland_fetch_work(wayland *self, const struct pollfd *set, size_t count);
/* Another content is there (told already), or none. */
void wayland_fetch_replaced(wayland *self, bool is_empty);
void wayland_fetch_fini(wayland *self);

/* wayland_look.c: knowing that everything has been told. */
void wayland_look_begin(wayland *self, uint64_t ticket);
void wayland_look_go_on(wayland *self);
void wayland_look_fini(wayland *self);

/* What poll(2) said of this descriptor. */
static inline short wayland_revents(const struct pollfd *set, size_t count, int descriptor)
{
    for (size_t i = 0; i < count; i++)
        if (set[i].fd == descriptor)
            return set[i].revents;
    return 0;
}

#endif
