/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What two SP programs say first: 00 'S' 'P' 00, the sender's protocol number (big-endian), 00 00.
 *
 * Owns: the eight bytes and the table of who may talk to whom. Sources: the RFCs sp-tcp-mapping-01 and
 * sp-ipc-mapping-01 of nanomsg. Every byte that comes in is a stranger's.
 */
#ifndef SOCKET_GREETING_H
#define SOCKET_GREETING_H

#include "kit/stream.h"

#define SOCKET_GREETING_SIZE 8

enum { /* SP protocol numbers */
       SOCKET_SP_PAIR0 = 0x10,
       SOCKET_SP_PAIR1 = 0x11,
       SOCKET_SP_PUB = 0x20,
       SOCKET_SP_SUB = 0x21,
       SOCKET_SP_PUSH = 0x50,
       SOCKET_SP_PULL = 0x51
};

/* The number that a role speaks; VIA_PAIR gives pair 0. */
uint16_t socket_greeting_protocol(uint32_t role);
/* The number that `protocol` talks to, or 0. */
uint16_t socket_greeting_peer(uint16_t protocol);
void socket_greeting_write(uint16_t protocol, uint8_t out[SOCKET_GREETING_SIZE]);
/* VIA_OK and the number, or VIA_EPROTO: not an SP greeting. */
via_status socket_greeting_read(const uint8_t bytes[SOCKET_GREETING_SIZE], uint16_t *protocol);

/*
 * Tells a stream what `protocol` puts before each body and, with `expect`, that the other end's greeting is still to
 * come and to be checked.
 */
void socket_greeting_configure(via_stream_config *config, uint16_t protocol, bool expect);

#endif
