/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is at the other end of a Unix socket, as the kernel says (SO_PEERCRED, unix(7)).
 */
#ifndef VIADUCT_KIT_CREDENTIALS_H
#define VIADUCT_KIT_CREDENTIALS_H

#include <viaduct/plugin.h>

/* Fills pid, uid, gid. VIA_OK, VIA_ENOTSUP (not a Unix socket). */
via_status via_credentials_of_socket(int descriptor, via_peer_info *peer);
/*
 * May we talk to whoever is at the other end? Yes if it has our effective user id, or if anybody may. VIA_OK; VIA_EPERM:
 * no, or it cannot be told.
 */
via_status via_credentials_check_user(int descriptor, bool any_user);

#endif
