/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for whoever connects; see gate.h.
 *
 * Must never wait for the greeting of one in particular: the acceptor keeps those that are slow.
 */
#include "kit/gate.h"

#include <errno.h>
#include <poll.h>

#include "kit/deadline.h"
#include "kit/fail.h"

via_status via_gate_init(via_gate *gate, const via_host_api *host, via_error *error)
{
    *gate = (via_gate){.host = host, .set = {-1, -1}};
    via_wake_init(&gate->wake);
    (void)pthread_mutex_init(&gate->lock, NULL);
    int interrupt = via_wake_descriptor(&gate->wake); /* shows on the handle too */
    if (interrupt >= 0 && via_pollset_init(&gate->set, false) == VIA_OK &&
        via_pollset_add(&gate->set, interrupt, EPOLLIN, 0, NULL) == VIA_OK)
        return VIA_OK;
    return via_fail(host, error, via_status_of_errno(errno), errno, "raise the limit of open files",
                    "cannot make what a listener sleeps on");
}

void via_gate_fini(via_gate *gate, uint32_t how)
{
    via_acceptor_destroy(gate->acceptor, how);
    via_pollset_fini(&gate->set);
    via_wake_fini(&gate->wake);
    (void)pthread_mutex_destroy(&gate->lock);
}

static via_status next(via_gate *gate, int *descriptor, void *state)
{
    (void)pthread_mutex_lock(&gate->lock);
    via_status status = via_acceptor_next(gate->acceptor, descriptor, state);
    (void)pthread_mutex_unlock(&gate->lock);
    return status;
}

static via_status wait_for_next(via_gate *gate, via_deadline deadline, int *descriptor, void *state)
{
    for (;;) {
        if (via_wake_is_raised(&gate->wake))
            return VIA_ECANCELED;
        via_status status = next(gate, descriptor, state);
        if (status != VIA_ETIMEDOUT || via_deadline_left(deadline) == 0)
            return status; /* strangers may keep the handle readable for ever */
        status = via_wake_poll(&gate->wake, gate->set.main, POLLIN, deadline);
        if (status != VIA_OK)
            return status;
    }
}

via_status via_gate_wait(via_gate *gate, via_deadline deadline, int *descriptor, void *state, via_error *error)
{
    via_status status = wait_for_next(gate, deadline, descriptor, state);
    int code = errno;

    if (status == VIA_OK)
        return status;
    if (status == VIA_ETIMEDOUT || status == VIA_ECANCELED)
        return gate->host->error(error, status, 0, NULL, NULL);
    return via_fail(gate->host, error, status, code, "raise the limit of open files (ulimit -n)",
                    "cannot accept a connection now; it waits in the backlog");
}

via_status via_gate_pollable(void *self, via_poll_handle *out)
{
    const via_gate *gate = self;

    out->kind = VIA_POLL_DESCRIPTOR;
    out->handle = gate->set.main;
    out->wait = VIA_WAIT_READABLE;
    return VIA_OK;
}

via_status via_gate_arm(void *self)
{
    via_gate *gate = self;

    if (via_wake_is_raised(&gate->wake))
        return VIA_EREADY;
    (void)pthread_mutex_lock(&gate->lock);
    bool ready = via_acceptor_ready(gate->acceptor);
    (void)pthread_mutex_unlock(&gate->lock);
    return ready ? VIA_EREADY : VIA_OK;
}

void via_gate_interrupt(void *self)
{
    via_gate *gate = self;

    via_wake_raise(&gate->wake);
}
