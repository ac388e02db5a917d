/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of this end that are under way while the other end says what it likes.
 */
#ifndef FUZZ_CALLS_H
#define FUZZ_CALLS_H

#include "peer.h"

enum { FUZZ_CALLS = 8 };

/* `which` is below FUZZ_CALLS; 0 = none. Those that are started may go on after it. */
void fuzz_call(rpc_peer *peer, unsigned which);
/* Every call that was started has ended, once. */
void fuzz_calls_check(void);

#endif
