/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns: the question to the kernel. Never trusts anything that the peer itself said.
 */
#include "kit/credentials.h"

#include <sys/socket.h>
#include <unistd.h>

via_status via_credentials_of_socket(int descriptor, via_peer_info *peer)
{
    struct ucred credentials;
    socklen_t size = sizeof(credentials);

    /* A TCP socket answers, too: with nobody. */
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0 || credentials.uid == (uid_t)-1)
        return VIA_ENOTSUP;
    peer->known |= VIA_PEER_USER;
    if (credentials.pid > 0) /* 0: it lives in a pid namespace that we cannot see */
        peer->known |= VIA_PEER_PROCESS;
    peer->pid = credentials.pid;
    peer->uid = credentials.uid;
    peer->gid = credentials.gid;
    return VIA_OK;
}

via_status via_credentials_check_user(int descriptor, bool any_user)
{
    via_peer_info peer = {.size = sizeof(peer)};

    if (any_user)
        return VIA_OK;
    if (via_credentials_of_socket(descriptor, &peer) != VIA_OK)
        return VIA_EPERM;
    return peer.uid == (int64_t)geteuid() ? VIA_OK : VIA_EPERM;
}
