/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a vendor's library may look like: it has a thread of its own, which hands in what has arrived.
 *
 * A stand-in, to be replaced by the real one: a bus on which everything that is sent comes back. Must never know of Viaduct.
 */
#ifndef VENDOR_H
#define VENDOR_H

#include <stdbool.h>
#include <stddef.h>

typedef struct vendor_bus vendor_bus;

/* What the vendor's thread calls. Neither is called after vendor_close() has returned. */
typedef struct vendor_callbacks {
    void (*message)(void *user, const void *data, size_t size); /* the memory is the vendor's; it may wait */
    void (*room)(void *user);                                   /* a send that answered false may work now */
    void *user;
} vendor_callbacks;

/* NULL with errno. */
vendor_bus *vendor_open(const char *name, const vendor_callbacks *callbacks);
/* Any thread, never waits. False: not now (EAGAIN), or no memory (ENOMEM). */
bool vendor_send(vendor_bus *bus, const void *data, size_t size);
/* Ends the thread; what it has not handed in is gone. */
void vendor_close(vendor_bus *bus);

#endif
