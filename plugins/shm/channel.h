/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host holds as a channel of any pattern.
 *
 * Owns: the one table that the host sees, which hands each slot to the channel's own.
 */
#ifndef SHM_CHANNEL_H
#define SHM_CHANNEL_H

#include <viaduct/plugin.h>

/* The first member of every channel. */
typedef struct shm_channel {
    const via_channel_ops *ops; /* mandatory slots and those that its role has; NULL = VIA_ENOTSUP */
} shm_channel;

extern const via_channel_ops shm_channel_ops;

#endif
