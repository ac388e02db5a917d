/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backend of the clipboard without a channel: what the worker does, one turn after the other, in the test's own thread, and
 * everything that it tells written down in order.
 *
 * Several may be open in one process; a turn is one of all of them, and of the compositor if that is the test's own.
 */
#ifndef CLIPBOARD_DRIVER_H
#define CLIPBOARD_DRIVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backend.h"

enum { DRIVER_EVENTS = 512, DRIVER_TYPES_BYTES = 2048, DRIVERS = 8 };

typedef enum driver_kind {
    DRIVER_CHANGED = 1,
    DRIVER_OFFERED,
    DRIVER_FETCHED,
    DRIVER_LOOKED,
    DRIVER_PASTED,
    DRIVER_RELEASED,
    DRIVER_FAILED
} driver_kind;

typedef struct driver_event {
    driver_kind kind;
    bool is_taken;
    uint64_t id;                    /* ours, number or ticket */
    via_status status;              /* of offered, fetched, failed */
    clip_bytes bytes;               /* of fetched; freed with the driver */
    size_t count;                   /* of types */
    char types[DRIVER_TYPES_BYTES]; /* each ended by a newline */
    char what[512];                 /* of failed */
    char mend[256];
} driver_event;

typedef struct driver {
    const clip_backend *backend;
    void *self;
    clip_settings settings;
    driver_event *events;
    size_t event_count;
    char note[512]; /* the last line for the log */
} driver;

/* Time limits: 2 s, 4 s, 30 s, 16 MiB, as the plugin's defaults are; change settings before opening. */
void driver_init(driver *self, const clip_backend *backend);
via_status driver_try_open(driver *self, const char *name, const char *display, via_deadline deadline,
                           via_error *error);
/* Must succeed; takes the first `changed`. */
const driver_event *driver_open(driver *self, const char *name, const char *display);
void driver_close(driver *self);

/* Something else to be done in each turn: the compositor, where it is the test's. NULL = nothing. */
typedef struct driver_also {
    int (*descriptor)(void *self);
    void (*work)(void *self);
    void *self;
} driver_also;
void driver_turn_with(const driver_also *also);

/* One turn of all that are open; sleeps at most until the deadline. */
void driver_turn(via_deadline deadline);
/* Goes on until the next event of this kind and, if not 0, of this id; takes it. Fails the test after 20 s. */
driver_event *driver_await(driver *self, driver_kind kind, uint64_t id);
/* Goes on until the condition holds. Likewise. */
void driver_until(bool (*is_so)(void *data), void *data);
/* How many were not taken yet. */
size_t driver_untaken(const driver *self, driver_kind kind);

/* Offers one format; waits for `offered`, which must be VIA_OK. */
void driver_offer(driver *self, uint64_t number, const char *type, const void *data, size_t size);
/* Fetches; returns the event of its end. */
driver_event *driver_fetch(driver *self, uint64_t ticket, const char *type);

/* Bytes that are the same for the same size and seed, of every value. Freed by the caller. */
uint8_t *driver_bytes(size_t size, unsigned seed);

extern const via_host_api driver_host;

#endif
