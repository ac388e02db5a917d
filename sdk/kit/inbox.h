/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that another thread hands in: the receiving half of a plugin whose library calls back.
 *
 * Owns: a bounded queue between the library's thread and the channel's receiver, and the eventfd that shows whether there
 * is something in it. The eventfd is readable exactly while something is, so it is level-triggered and needs no arming.
 * Must never be waited for in the library's thread once via_inbox_shut() was called.
 */
#ifndef VIADUCT_KIT_INBOX_H
#define VIADUCT_KIT_INBOX_H

#include "kit/wake.h"

#include <poll.h>
#include <pthread.h>

typedef struct via_inbox_item via_inbox_item;

typedef struct via_inbox {
    pthread_mutex_t lock;
    pthread_cond_t room;
    via_inbox_item *first, **last;
    unsigned count, most;
    int descriptor;
    via_status end; /* what a receiver is told when nothing is left; VIA_OK = it goes on */
    bool shut;
} via_inbox;

/* `most`: messages that may wait. VIA_OK, VIA_ELIMIT. */
via_status via_inbox_init(via_inbox *inbox, unsigned most);
/* Frees what is left. No other thread may be inside any call. */
void via_inbox_fini(via_inbox *inbox);
/* In a forked child: closes the descriptor only; its locks may be anybody's. */
void via_inbox_forget(via_inbox *inbox);

/*
 * The library's thread: copies one message, waits while the inbox is full or there is no memory for it. VIA_OK;
 * VIA_ECANCELED: it is shut, or has ended.
 */
via_status via_inbox_put(via_inbox *inbox, const void *data, size_t size);
/* The library's thread: no more will come; the receiver is told `why` after the last one (VIA_ECLOSED, VIA_EPEER, ...). */
void via_inbox_end(via_inbox *inbox, via_status why);
/* Nobody receives any more: wakes the library's thread, and makes it wait no more. */
void via_inbox_shut(via_inbox *inbox);

/* The slots recv, release; `wake` ends the waiting. VIA_OK, VIA_ETIMEDOUT, VIA_ECANCELED, VIA_ELIMIT, or how it ended. */
via_status via_inbox_recv(via_inbox *inbox, via_wake *wake, via_deadline deadline, via_msg *out);
void via_inbox_release(via_msg *message);
/* arm(VIA_READ). */
via_status via_inbox_arm(via_inbox *inbox);

#endif
