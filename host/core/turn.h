/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message's turn in a sender's crowd.
 *
 * Owns: what becomes of a tail. The slots are called with VIA_NOW there, so that a send which would have gone on with
 * the rest of its message until its deadline leaves it as a tail instead; here it goes on all the same, without the
 * lock. Must never wait for what another send has left while the transport could take more.
 */
#ifndef VIADUCT_HOST_TURN_H
#define VIADUCT_HOST_TURN_H

#include "core/channel.h"

typedef struct via_turn {
    via_channel *channel;
    via_attempt_fn send; /* one try to send, with VIA_NOW */
    void *argument;
    uint32_t flags;   /* of the message: with VIA_MORE nothing has to leave yet */
    bool leaves_tail; /* it has left one that is its own */
    uint64_t cleared; /* via_tail.cleared as it was then */
} via_turn;

/* Before the channel's first turn. */
void via_turn_init(via_channel *channel);
/* Sends, and goes on with a tail until the deadline, whatever comes of it. The statuses of `send`, VIA_ECANCELED. */
via_status via_turn_take(via_turn *turn, via_deadline deadline);

#endif
