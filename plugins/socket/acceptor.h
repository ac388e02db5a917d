/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that others make to us, from the kernel's backlog to the end of their greeting.
 *
 * Owns: the unfinished handshakes, each with a time limit of its own, and what happens when descriptors run out. A slow or
 * hostile stranger never delays another and never costs more than one descriptor of a bounded number.
 * Never blocks. One call at a time, except interrupting.
 */
#ifndef SOCKET_ACCEPTOR_H
#define SOCKET_ACCEPTOR_H

#include "connection.h"
#include "kit/pollset.h"
#include "listening.h"

typedef struct socket_acceptor socket_acceptor;

/* Takes `listening` over on VIA_OK. `set` must live as long as the acceptor; everything is watched under `tag`. */
via_status socket_acceptor_create(const socket_settings *settings, socket_listening *listening, const via_pollset *set,
                                  void *tag, socket_acceptor **acceptor, via_error *error);
void socket_acceptor_destroy(socket_acceptor *acceptor, uint32_t how);

/* VIA_OK; VIA_ETIMEDOUT: none is ready; VIA_ELIMIT, VIA_ENOMEM, VIA_EIO with errno: none now, and a pause is made. */
via_status socket_acceptor_next(socket_acceptor *acceptor, socket_connection *connection);
/* Is one ready? What was found is kept for the next call of socket_acceptor_next(). */
bool socket_acceptor_ready(socket_acceptor *acceptor);
const socket_endpoint *socket_acceptor_bound(const socket_acceptor *acceptor);

#endif
