/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for many handles at once.
 *
 * Owns: the OS object that does it (epoll(7) on Linux). Level-triggered. The cost of a wait does not grow with the
 * number of handles that show nothing.
 */
#ifndef VIADUCT_HOST_PLATFORM_POLLER_H
#define VIADUCT_HOST_PLATFORM_POLLER_H

#include <viaduct/types.h>

typedef intptr_t via_poller;

#define VIA_POLLER_NONE ((via_poller)-1)

/* VIA_OK, VIA_ELIMIT, VIA_ENOMEM; *os_code tells more. */
via_status via_poller_open(via_poller *poller, int32_t *os_code);
void via_poller_close(via_poller poller);

/* Adds a handle, to be waited for as `wait` (VIA_WAIT_*) says. VIA_OK, VIA_EBUSY (it is in already), VIA_ELIMIT, ... */
via_status via_poller_add(via_poller poller, intptr_t handle, uint32_t wait, uint64_t tag);
via_status via_poller_change(via_poller poller, intptr_t handle, uint32_t wait, uint64_t tag);
void via_poller_remove(via_poller poller, intptr_t handle);

/* A second name of a handle, for a poller that has the first already. -1 on failure. */
intptr_t via_poller_second(intptr_t handle);
void via_poller_second_close(intptr_t handle);
/* True if the handle shows it now. */
bool via_poller_shows(intptr_t handle, uint32_t wait);

/*
 * Waits; writes the tags of at most `capacity` handles that show something. Signals do not end it.
 * VIA_OK, VIA_ETIMEDOUT with *count 0, VIA_EIO.
 */
via_status via_poller_wait(via_poller poller, uint64_t *tags, size_t capacity, size_t *count, via_deadline deadline);

#endif
