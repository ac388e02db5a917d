/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the clipboard's X11 backend share: drivers, which do what a channel's worker does, and peers, which are
 * clients of the same X server that do what a test says and nothing else.
 *
 * Everything runs in one thread: whoever waits for anything turns all of them.
 */
#ifndef X11_UNIT_H
#define X11_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <xcb/xcb.h>

#include "backend.h"

enum { UNIT_MANY = 64 };

/* One answer to a fetch. */
typedef struct unit_answer {
    bool is_here;
    via_status status;
    clip_bytes bytes;
} unit_answer;

/* One backend, and what it has told. */
typedef struct driver {
    void *backend;
    size_t changes;
    size_t order;               /* of everything told, from 1 */
    size_t count;               /* types of the last change */
    char types[UNIT_MANY][256]; /* as told */
    uint64_t ours;              /* of the last change */
    uint64_t generation;        /* of the last change */
    via_status offered[UNIT_MANY];
    bool is_offered[UNIT_MANY];
    size_t pasted[UNIT_MANY];
    size_t released[UNIT_MANY];
    bool kept[UNIT_MANY];
    size_t changed_at[UNIT_MANY]; /* order of the change to our content of that number */
    size_t offered_at[UNIT_MANY];
    size_t looked_at[UNIT_MANY];    /* order of the end of that look; 0 = it has not ended */
    unit_answer answers[UNIT_MANY]; /* by ticket */
    bool is_failed;
} driver;

/* The limits that the next driver is opened with; set back by unit_reset(). */
extern clip_settings unit_settings;
void unit_reset(void);

driver *driver_open(void);
void driver_close(driver *one);
/* Publishes; waits until it is told. */
via_status driver_publish(driver *one, uint64_t number, const via_offer *offers, size_t count, bool is_sensitive);
/* Text, as one format. */
void driver_publish_text(driver *one, uint64_t number, const char *text);
/* Fetches; waits for the answer, which the driver keeps. */
const unit_answer *driver_fetch(driver *one, uint64_t ticket, const char *type);
bool driver_has_type(const driver *one, const char *type);

/* One round of all drivers, after a sleep that ends when something happens. Fails the test if it has lasted for too long. */
void unit_turn(void);
void unit_start_clock(void);
/* Also wakes up for this descriptor; -1 = none. */
void unit_watch(int descriptor);
#define AWAIT(condition)                                                                                               \
    do {                                                                                                               \
        unit_start_clock();                                                                                            \
        while (!(condition))                                                                                           \
            unit_turn();                                                                                               \
    } while (0)

/* A client of the X server. */
typedef struct peer {
    xcb_connection_t *connection;
    xcb_window_t window;
    xcb_generic_event_t *events[UNIT_MANY]; /* that have come and nobody took yet */
    size_t count;
} peer;

peer *peer_open(void);
/* As if it were killed: the server sees its connection end. */
void peer_close(peer *one);
xcb_atom_t peer_atom(peer *one, const char *name);
/* The server's time. */
xcb_timestamp_t peer_time(peer *one);
/* Takes CLIPBOARD (or another); returns since when. */
xcb_timestamp_t peer_own(peer *one, const char *selection);
/* The next event of that kind; waits for it, turning the drivers. The caller frees it. */
void *peer_take(peer *one, uint8_t kind);
/* The same, or NULL if there is none yet. */
void *peer_poll(peer *one, uint8_t kind);
/* Answers a request: with this property, or None. */
void peer_notify(peer *one, const xcb_selection_request_event_t *request, xcb_atom_t property);
/* Writes into the property that a request names. */
void peer_write(peer *one, const xcb_selection_request_event_t *request, xcb_atom_t type, uint8_t format, size_t count,
                const void *data);
/* Waits for a request for TARGETS and answers it with these. */
void peer_offer(peer *one, const char *const *names, size_t count);
/* Waits until the property that the request names has been deleted. */
void peer_await_deleted(peer *one, const xcb_selection_request_event_t *request);
/* Asks for the clipboard and waits for the notice, whose property is returned. */
xcb_atom_t peer_convert(peer *one, const char *target, const char *property, xcb_timestamp_t time);
/* What is in a property of its window; the caller frees it. */
xcb_get_property_reply_t *peer_property(peer *one, const char *property, bool is_deleted);

/* A program run beside the drivers. Files hold its input and output. */
typedef struct program {
    int pid;
    int pidfd;
    int output; /* descriptor of its output; -1 after program_end */
} program;

program program_start(const char *const *argv, const void *input, size_t size);
/* Waits for its end, turning; returns its exit status. */
int program_wait(program *one);
/* Kills it, if it runs. */
void program_end(program *one);
/* All of its output; the caller frees it. */
uint8_t *program_output(const program *one, size_t *size);

/* Bytes that repeat at no size that is used here; with NUL. The caller frees them. */
uint8_t *unit_pattern(size_t size);

#endif
