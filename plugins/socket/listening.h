/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name that others can connect to.
 *
 * Owns: the listening socket, the socket file and its lock. A live owner's name is never taken, a dead one's file never
 * in the way, and no address that other machines reach is listened on unless the options say so.
 */
#ifndef SOCKET_LISTENING_H
#define SOCKET_LISTENING_H

#include "address.h"
#include "kit/lock.h"
#include "settings.h"

#include <sys/types.h>

typedef struct socket_listening {
    int descriptor; /* never blocks */
    socket_endpoint bound;
    via_lock lock;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "" = no file of ours */
    dev_t device;                                           /* which file we made */
    ino_t inode;
} socket_listening;

/* VIA_OK, VIA_EBUSY, VIA_EPERM, VIA_EINVAL, VIA_ELIMIT, VIA_ENOMEM, VIA_EIO. */
via_status socket_listening_open(const socket_settings *settings, const socket_address *address,
                                 socket_listening *listening, via_error *error);
void socket_listening_close(socket_listening *listening, uint32_t how);

#endif
