/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to a connection that others make to us before it becomes a channel.
 *
 * Owns: who may come in, the socket's options, and the SP greeting: reading the dialer's and answering it. Never blocks,
 * and leaves it to the kit's acceptor when to go on with whom, and for how long.
 */
#ifndef SOCKET_HANDSHAKE_H
#define SOCKET_HANDSHAKE_H

#include "connection.h"
#include "kit/gate.h"
#include "listening.h"

/* An acceptor on `listening`. It, `settings` and `set` must live as long. Statuses as via_acceptor_create(). */
via_status socket_handshake_accept_on(const socket_listening *listening, socket_settings *settings,
                                      const via_pollset *set, void *tag, via_acceptor **acceptor, via_error *error);
/* The next connection whose handshake is over. Statuses as via_acceptor_next(). */
via_status socket_handshake_next(via_acceptor *acceptor, socket_connection *connection);
/* The same, waiting at a gate. Statuses as via_gate_wait(). */
via_status socket_handshake_wait(via_gate *gate, via_deadline deadline, socket_connection *connection,
                                 via_error *error);

#endif
