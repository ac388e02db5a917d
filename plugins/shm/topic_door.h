/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a subscriber makes itself heard by a publisher that is in no call.
 *
 * Owns: the board, a page that everybody may write who may connect, and PATH.door beside the socket, a symbolic link whose
 * text says how to find it. The page is a System V segment: it cannot shrink, so nobody can make its readers fault, and it is gone
 * with the last process that has it. Whatever is written there makes a publisher look at a socket or at a desk, no more.
 */
#ifndef SHM_TOPIC_DOOR_H
#define SHM_TOPIC_DOOR_H

#include "topic_layout.h"

#include <viaduct/plugin.h>

/* Of the segment: a page, and a size that nobody else asks for, so that one which was left behind is known as ours. */
enum { TOPIC_DOOR_BYTES = 3821 };

typedef struct topic_door {
    topic_board *board; /* NULL = there is none: those who come have to wait until they are answered */
    char path[128];     /* of the link; "" = it is not ours */
} topic_door;

/*
 * For a publisher that holds the name `path`, before it listens. `mode`: who may write. Removes the segments of publishers of this
 * user that were killed while they were at this.
 */
void topic_door_make(topic_door *door, const char *path, uint32_t mode);
/* For a subscriber that is connected to `path` by `socket`. Another user's than the publisher's is none. */
void topic_door_find(topic_door *door, const char *path, int socket);
/* VIA_CLOSE_*. To be called before the name is given up. */
void topic_door_close(topic_door *door, uint32_t how);

#endif
