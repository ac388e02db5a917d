/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name of a Unix-domain socket that others can connect to.
 *
 * Owns: the socket, its file and the lock beside it (kit/lock.h). A live owner's name is never taken, a dead one's file
 * never in the way, and nobody whom the mode keeps out gets in for a moment. Must never touch a file that is no socket, nor
 * on giving up a socket that another has put there. Nothing here waits.
 */
#ifndef VIADUCT_KIT_UNIX_NAME_H
#define VIADUCT_KIT_UNIX_NAME_H

#include "kit/lock.h"

#include <sys/types.h>

typedef struct via_unix_name {
    int descriptor; /* -1 = no name is held */
    via_lock lock;
    char path[108]; /* of the socket file; "" = none of ours */
    dev_t device;   /* which file we made */
    ino_t inode;
} via_unix_name;

/*
 * Takes `path` for a socket of `type` (SOCK_STREAM, SOCK_SEQPACKET) whose file has the permissions `mode`, whatever the
 * umask. The descriptor is bound, non-blocking and close-on-exec. It does not listen yet: the caller sets its options
 * first, then calls listen(2). On failure nothing is held.
 * VIA_OK, VIA_EBUSY (a live program has it, or it is no socket), VIA_EPERM, VIA_EINVAL, VIA_ELIMIT, VIA_ENOMEM, VIA_EIO.
 */
via_status via_unix_name_take(const via_host_api *host, const char *path, int type, uint32_t mode, via_unix_name *name,
                              via_error *error);
/* Removes the file if it is still ours, drops the lock, closes the descriptor. In a forked child (VIA_CLOSE_FORKED) file
 * and lock stay the parent's. Harmless if no name is held. */
void via_unix_name_give_up(via_unix_name *name, uint32_t how);

/*
 * Connects to `path`. The descriptor is non-blocking and close-on-exec. VIA_ENOPEER: nobody listens, or more wait already
 * than the listener allows. VIA_EPROTO: who listens does so with another type of socket. VIA_EPERM, VIA_EINVAL, VIA_ELIMIT,
 * VIA_ENOMEM, VIA_EIO.
 */
via_status via_unix_name_dial(const via_host_api *host, const char *path, int type, int *descriptor, via_error *error);

#endif
