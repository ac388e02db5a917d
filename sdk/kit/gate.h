/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for whoever connects: what every listener on an acceptor (kit/acceptor.h) does alike.
 *
 * Owns: the epoll that the acceptor watches in, the interrupt that shows there too, and a lock, since one thread accepts
 * while a waitset's arms. Must never know what is listened on, nor what is said in a greeting.
 */
#ifndef VIADUCT_KIT_GATE_H
#define VIADUCT_KIT_GATE_H

#include "kit/acceptor.h"
#include "kit/wake.h"

#include <pthread.h>

typedef struct via_gate {
    const via_host_api *host;
    via_pollset set;
    via_wake wake;
    pthread_mutex_t lock;   /* of the acceptor */
    via_acceptor *acceptor; /* made by the caller in `set`; NULL until then */
} via_gate;

/* Must be ended with via_gate_fini(), also after a failure. VIA_OK, VIA_ELIMIT, VIA_ENOMEM, VIA_EIO. */
via_status via_gate_init(via_gate *gate, const via_host_api *host, via_error *error);
/* Destroys the acceptor too. VIA_CLOSE_*. */
void via_gate_fini(via_gate *gate, uint32_t how);

/*
 * What an accept slot waits with; `descriptor` and `state` as of via_acceptor_next(). A failure fills `error`.
 * VIA_OK, VIA_ETIMEDOUT, VIA_ECANCELED, VIA_ELIMIT, VIA_ENOMEM, VIA_EIO.
 */
via_status via_gate_wait(via_gate *gate, via_deadline deadline, int *descriptor, void *state, via_error *error);
/* Slots, for a listener whose first member is its gate. */
via_status via_gate_pollable(void *gate, via_poll_handle *out);
via_status via_gate_arm(void *gate);
void via_gate_interrupt(void *gate);

#endif
