/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a send is worth a try; see room.h. */
#include "kit/room.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

via_status via_room_init(via_room *room)
{
    room->descriptor = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    return room->descriptor < 0 ? VIA_ELIMIT : VIA_OK;
}

void via_room_fini(via_room *room)
{
    (void)close(room->descriptor);
}

void via_room_show(const via_room *room, bool there_is)
{
    uint64_t count = 1;
    ssize_t moved =
        there_is ? write(room->descriptor, &count, sizeof(count)) : read(room->descriptor, &count, sizeof(count));
    (void)moved; /* it shows it already */
}

bool via_room_is_shown(const via_room *room)
{
    struct pollfd set = {room->descriptor, POLLIN, 0};
    return poll(&set, 1, 0) > 0;
}

via_status via_room_wait(const via_room *room, via_wake *wake, via_deadline deadline)
{
    return via_wake_poll(wake, room->descriptor, POLLIN, deadline);
}
