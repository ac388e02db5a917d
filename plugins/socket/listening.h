/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An address that others can connect to.
 *
 * Owns: the listening socket. Files and their owners are the kit's business (kit/unix_name.h); no address that other
 * machines reach is listened on unless the options say so.
 */
#ifndef SOCKET_LISTENING_H
#define SOCKET_LISTENING_H

#include "address.h"
#include "kit/unix_name.h"
#include "settings.h"

typedef struct socket_listening {
    int descriptor; /* never blocks */
    socket_endpoint bound;
    via_unix_name file; /* of a socket that has one: ours, and the descriptor with it */
} socket_listening;

/* VIA_OK, VIA_EBUSY, VIA_EPERM, VIA_EINVAL, VIA_ELIMIT, VIA_ENOMEM, VIA_EIO. */
via_status socket_listening_open(const socket_settings *settings, const socket_address *address,
                                 socket_listening *listening, via_error *error);
void socket_listening_close(socket_listening *listening, uint32_t how);

#endif
