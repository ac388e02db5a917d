/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a listener serves, for a dialer to know before it says anything.
 *
 * Owns: one line behind the process number in the listener's lock file. It is there before the listener's FIFO is, so
 * whoever has opened the FIFO of a living listener finds that listener's line.
 */
#ifndef PIPE_CARD_H
#define PIPE_CARD_H

#include "kit/lock.h"
#include "place.h"

typedef struct pipe_card {
    uint32_t role;    /* of the listener */
    uint32_t framing; /* pipe_record_framing() */
} pipe_card;

/* Who holds the lock leaves it. VIA_OK, or VIA_EIO with errno. */
via_status pipe_card_leave(const via_lock *lock, const pipe_card *card);
/* VIA_OK; VIA_ENOPEER: there is none, so no listener that is to last; VIA_ELIMIT with errno. */
via_status pipe_card_read(const pipe_place *place, pipe_card *card);

#endif
