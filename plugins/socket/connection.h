/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connected socket, before it becomes a stream.
 *
 * Owns: what both ends do with a fresh connection: who is it, say the greeting, describe it to the kit.
 */
#ifndef SOCKET_CONNECTION_H
#define SOCKET_CONNECTION_H

#include "kit/stream.h"
#include "settings.h"

/* A connection that is ready to use; the descriptor blocks. */
typedef struct socket_connection {
    int descriptor;
    uint16_t protocol;     /* that we speak on it; 0 = no SP */
    bool expects_greeting; /* ours is sent, theirs still to come */
} socket_connection;

/* Sends the greeting of `protocol`. VIA_OK, VIA_EPEER. */
via_status socket_connection_greet(int descriptor, uint16_t protocol);
/* Is the other end of a Unix socket one we may talk to? VIA_OK, VIA_EPERM. Always VIA_OK for TCP. */
via_status socket_connection_check_user(const socket_settings *settings, int descriptor);
/* Gives it up before it became a stream. */
void socket_connection_close(socket_connection *connection);
/* Fills the parts of `config` that depend on the connection. */
void socket_connection_describe(const socket_settings *settings, const socket_connection *connection,
                                via_stream_config *config);
/* Pid, user, group and address of the other end, as far as they are known. VIA_OK. */
via_status socket_connection_peer(int descriptor, via_peer_info *peer);

#endif
