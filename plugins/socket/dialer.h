/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connecting to a listener, without ever waiting.
 *
 * Owns: the attempt under way and the list of addresses a name stands for, of which each gets its turn. One call at a time.
 */
#ifndef SOCKET_DIALER_H
#define SOCKET_DIALER_H

#include "address.h"
#include "connection.h"

typedef struct socket_dialer {
    socket_settings settings;
    socket_address address;
    size_t next;    /* which endpoint the attempt is at */
    int descriptor; /* connecting; becomes writable when it is decided. -1 = none */
} socket_dialer;

void socket_dialer_init(socket_dialer *dialer, const socket_settings *settings, const socket_address *address);
/*
 * Begins an attempt or goes on with it. VIA_OK: connected and our greeting sent; VIA_ETIMEDOUT: wait until
 * dialer->descriptor is writable, then call again; VIA_ENOPEER, VIA_EPERM, VIA_ELIMIT, VIA_ENOMEM, VIA_EIO: it failed on
 * every address, and the next call begins anew.
 */
via_status socket_dialer_step(socket_dialer *dialer, socket_connection *connection, via_error *error);
/* Gives an attempt up. */
void socket_dialer_cancel(socket_dialer *dialer);

#endif
