/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flag to sleep on, and sleeping on it together with a transport's handle.
 *
 * Owns: the OS object behind it (eventfd(2) on Linux). Raising is signal-safe and keeps errno.
 */
#ifndef VIADUCT_HOST_PLATFORM_EVENT_H
#define VIADUCT_HOST_PLATFORM_EVENT_H

#include <stdbool.h>
#include <viaduct/types.h>

typedef intptr_t via_event;

#define VIA_EVENT_NONE ((via_event)-1)

/* VIA_OK, VIA_ELIMIT, VIA_ENOMEM; *os_code tells more. */
via_status via_event_open(via_event *event, int32_t *os_code);
void via_event_close(via_event event);
/* Stays raised until cleared. Any thread, signal-safe. */
void via_event_raise(via_event event);
void via_event_clear(via_event event);

enum { VIA_EVENT_HANDLES = 2 };

/*
 * Sleeps until the event is raised or one of the handles (at most VIA_EVENT_HANDLES) shows what it is to be waited for.
 * Signals do not end the sleep. VIA_OK, and whether the event is raised; VIA_ETIMEDOUT, VIA_EIO.
 */
via_status via_event_wait(via_event event, const via_poll_handle *handles, size_t count, via_deadline deadline,
                          bool *is_raised);

#endif
