/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What queues whose members were all killed have left.
 *
 * Owns: finding it beside a queue that is opened, and removing it: the kernel's queue, which counts in its user's share, the bodies
 * of large messages, and the members' file. Must never touch a queue that somebody has open (so none of
 * bare messages, where plain programs are unknown), nor messages that a killed owner's
 * successor would find. Nothing here waits, and nothing is an error: the next who opens a queue tries again.
 */
#ifndef MQUEUE_RECLAIM_H
#define MQUEUE_RECLAIM_H

#include "place.h"

/* In the folder of this place, of all queues but its own. */
void mqueue_reclaim(const mqueue_settings *settings, const mqueue_place *own);

#endif
