/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the system allows: /proc/sys/fs/mqueue (mq_overview(7)) and RLIMIT_MSGQUEUE (getrlimit(2)).
 *
 * Owns: the choice of a queue's two numbers within the limits, and the words for the limit that stood in the way.
 */
#ifndef MQUEUE_LIMITS_H
#define MQUEUE_LIMITS_H

#include "settings.h"

enum { MQUEUE_SMALLEST = 512 }; /* a queue's message_size does not shrink below this by itself */

typedef struct mqueue_shape {
    long messages;
    long size;
} mqueue_shape;

/* The shape to try first: what was asked for, where nothing was set no more than /proc allows. */
mqueue_shape mqueue_limits_choose(const mqueue_settings *settings);
/* A smaller one that the user would put up with. False: there is none. */
bool mqueue_limits_shrink(const mqueue_settings *settings, mqueue_shape *shape);
/* Reports why mq_open(3) refused to make a queue of that shape, with the command that raises the limit. */
via_status mqueue_limits_explain(const mqueue_settings *settings, const mqueue_shape *shape, const char *name, int code,
                                 via_error *error);
/* Bytes that a queue of that shape counts for in RLIMIT_MSGQUEUE. */
uint64_t mqueue_limits_cost(const mqueue_shape *shape);

#endif
