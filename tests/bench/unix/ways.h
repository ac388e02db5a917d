/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contestants of bench_unix: ways to carry messages over one Unix socket between two processes, both blocking.
 */
#ifndef BENCH_WAYS_H
#define BENCH_WAYS_H

#include <stdbool.h>
#include <stddef.h>

/* Every function ends the process if something fails: there is nothing to measure then. */
struct way {
    const char *name;
    void *(*bind)(const char *path);    /* takes the path; the first receive or send waits for the peer */
    void *(*connect)(const char *path); /* waits for the other side */
    void (*send)(void *self, const void *data, size_t size, bool more);
    size_t (*receive)(void *self); /* one message; looks at its first and last byte; returns its size */
    void (*close)(void *self);
};

extern const struct way way_viaduct;
extern const char *way_viaduct_options; /* put behind the address's '?' */
extern const struct way way_hand;
extern const struct way way_nng;
extern const struct way way_zmq;

/* Prints what failed and ends the process. */
_Noreturn void way_failed(const char *what, const char *why);
/* Keeps a compiler from dropping the look at a message. */
void way_look(const void *data, size_t size);

#endif
