/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message queue of the kernel.
 *
 * Owns: making, opening and checking one (mq_open(3)), and the one try to send or receive. A queue of somebody else's is not
 * used unless that was asked for. Nothing here waits.
 */
#ifndef MQUEUE_KERNEL_H
#define MQUEUE_KERNEL_H

#include "settings.h"

#include <mqueue.h>
#include <sys/types.h>

enum { MQUEUE_PRIORITIES = 32768 }; /* 0 to one less; sysconf(_SC_MQ_PRIO_MAX) of Linux */

typedef struct mqueue_kernel {
    mqd_t descriptor; /* -1 = none */
    size_t size;      /* of its largest message */
    long depth;       /* messages that it holds */
    ino_t inode;
} mqueue_kernel;

/* Makes one that was not there. `access`: O_RDONLY, O_WRONLY. VIA_EBUSY: it is there. VIA_ELIMIT says which limit. */
via_status mqueue_kernel_make(const mqueue_settings *settings, const char *name, int access, mqueue_kernel *queue,
                              via_error *error);
/* Opens one that is there. VIA_ENOPEER: it is not. VIA_EPERM: it is another user's, or closed to this one. */
via_status mqueue_kernel_open(const mqueue_settings *settings, const char *name, int access, mqueue_kernel *queue,
                              via_error *error);
/* Takes over a descriptor that somebody else has sent, if it is what it should be. VIA_OK, VIA_EPROTO: then it stays the caller's. */
via_status mqueue_kernel_take(int descriptor, int access, mqueue_kernel *queue);
void mqueue_kernel_close(mqueue_kernel *queue);

/* One try. VIA_OK; VIA_ETIMEDOUT: it is full; VIA_ETOOBIG; VIA_EIO with errno. */
via_status mqueue_kernel_send(const mqueue_kernel *queue, const void *data, size_t size, unsigned priority);
/* One try, into `size` bytes, the queue's. VIA_OK; VIA_ETIMEDOUT: it is empty; VIA_EIO with errno. */
via_status mqueue_kernel_receive(const mqueue_kernel *queue, void *data, size_t *size, unsigned *priority);
/* Messages in it; -1 = it cannot be asked. */
long mqueue_kernel_count(const mqueue_kernel *queue);
/* Has its name been removed? */
bool mqueue_kernel_is_unlinked(const mqueue_kernel *queue);

#endif
