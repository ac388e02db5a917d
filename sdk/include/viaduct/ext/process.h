/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extension "via.process/1": the child process behind a channel.
 *
 * Owns: the table a transport offers and libviaduct's forwarders to it. exec: offers it.
 */
#ifndef VIADUCT_EXT_PROCESS_H
#define VIADUCT_EXT_PROCESS_H

#include <viaduct/viaduct.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIA_PROCESS_ID "via.process/1"

/* How a child ended. */
typedef struct via_process_exit {
    uint32_t size;
    int32_t code;   /* exit status 0..255; -1 = killed by a signal */
    int32_t signal; /* the signal's number; 0 = it exited by itself */
    uint32_t core_dumped;
} via_process_exit;

/* Offered by a transport. */
typedef struct via_process {
    uint32_t size;
    uint32_t reserved;
    /* The child's process id. Any thread. */
    int64_t (*pid)(void *self);
    /* Waits for the child's end; may be asked again. VIA_OK, VIA_ETIMEDOUT, VIA_ECANCELED. Any thread. Blocks. */
    via_status (*wait)(void *self, via_deadline deadline, via_process_exit *exit);
    /* Sends a signal through the pidfd, so never to a stranger. VIA_OK, VIA_ENOENT (it has ended), VIA_EPERM, VIA_EINVAL. */
    via_status (*kill)(void *self, int32_t signal);
} via_process;

/* Forwarders; VIA_ENOTSUP (pid: -1) where the channel does not offer the extension. Set exit->size first. */
VIA_API int64_t via_process_pid(via_channel *channel);
VIA_API VIA_CHECK_RESULT via_status via_process_wait(via_channel *channel, via_deadline deadline,
                                                     via_process_exit *exit);
VIA_API VIA_CHECK_RESULT via_status via_process_kill(via_channel *channel, int32_t signal);

#ifdef __cplusplus
}
#endif
#endif
