/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a send is worth a try: the sending half of a plugin whose library answers "not now" and calls back later.
 *
 * Owns: the eventfd that shows it, readable while there may be room, so it is level-triggered and needs no arming.
 *
 * A send says first that there is no room, then asks the library: a call back in between is not lost. Where the library took
 * the message, the send shows that there is room.
 */
#ifndef VIADUCT_KIT_ROOM_H
#define VIADUCT_KIT_ROOM_H

#include "kit/wake.h"

typedef struct via_room {
    int descriptor;
} via_room;

/* There is room. VIA_OK, VIA_ELIMIT with errno. */
via_status via_room_init(via_room *room);
/* In a forked child, too. */
void via_room_fini(via_room *room);

/* Any thread, never waits. */
void via_room_show(const via_room *room, bool there_is);
bool via_room_is_shown(const via_room *room);
/* Sleeps until there may be room. VIA_OK, VIA_ETIMEDOUT, VIA_ECANCELED, VIA_ELIMIT, VIA_EIO. */
via_status via_room_wait(const via_room *room, via_wake *wake, via_deadline deadline);

#endif
