/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One datagram and the descriptors that come with it, over a connected Unix socket (SOCK_SEQPACKET, SCM_RIGHTS, unix(7)).
 *
 * Owns: that nothing waits, and that no descriptor stays open that was not asked for. Must never know what is said.
 */
#ifndef VIADUCT_KIT_PACKET_H
#define VIADUCT_KIT_PACKET_H

#include <viaduct/plugin.h>

enum { VIA_PACKET_DESCRIPTORS = 4 }; /* at most so many go with one */

/*
 * Sends without waiting; the descriptors stay the caller's. VIA_OK, VIA_ETIMEDOUT (the socket is full), VIA_EPEER (the
 * other end is gone), VIA_ELIMIT, VIA_ENOMEM, VIA_EIO with errno.
 */
via_status via_packet_send(int socket, const void *data, size_t size, const int *descriptors, size_t count);
/*
 * Takes the next one without waiting. `descriptors` has `count` places: those that did not come are -1, those that did
 * are the caller's and close-on-exec. More than that are closed. VIA_OK; VIA_ETIMEDOUT: none; VIA_EPEER: the other end is gone;
 * VIA_EPROTO: it has another size than `size`; VIA_ELIMIT: no descriptor left for what came with it.
 */
via_status via_packet_receive(int socket, void *data, size_t size, int *descriptors, size_t count);
/* Closes those that are not -1, and makes them -1. */
void via_packet_close(int *descriptors, size_t count);

#endif
