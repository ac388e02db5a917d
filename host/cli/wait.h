/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sleeping on channels together with plain descriptors and the stop descriptor.
 *
 * Owns: the only poll(2) of the command. Keeps the rule of <viaduct/viaduct.h>: arm before each sleep.
 */
#ifndef VIADUCT_CLI_WAIT_H
#define VIADUCT_CLI_WAIT_H

#include <viaduct/viaduct.h>

/* What to wake for; see via_cli_sleep_init(). A signal that asks to stop always wakes. */
typedef struct via_cli_sleep {
    struct {
        via_channel *channel; /* NULL = none */
        uint32_t events;      /* VIA_READ, VIA_WRITE; VIA_WORK = serve the internal work during the sleep */
    } on[2];
    int readable[2]; /* descriptors that can be read, or have ended; -1 = none */
    int hangup;      /* a descriptor whose other end goes away; -1 = none */
    via_deadline deadline;
} via_cli_sleep;

/* Nothing to wake for but the deadline. */
void via_cli_sleep_init(via_cli_sleep *sleep, via_deadline deadline);
/*
 * VIA_OK: look again at everything. VIA_ECLOSED: `hangup` has hung up. VIA_ETIMEDOUT. VIA_ECANCELED: asked to stop.
 * VIA_ENOTSUP: an event that cannot happen. VIA_ELIMIT, VIA_ENOMEM: no handle to sleep on.
 */
via_status via_cli_sleep_wait(const via_cli_sleep *sleep);

/* The same for one event of one channel; internal work is served. */
via_status via_cli_wait(via_channel *channel, uint32_t event, via_deadline deadline);
/* Sleeps until then, or until asked to stop. */
void via_cli_pause_until(via_deadline deadline);
/* Reading from it would not block (it may have ended). */
bool via_cli_readable_now(int descriptor);
/* VIA_OK: accept may have something to do, or `other` something to receive or to end with; NULL = nobody else. */
via_status via_cli_wait_listener(via_listener *listener, via_channel *other, via_deadline deadline);

#endif
