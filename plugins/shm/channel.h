/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host holds as a channel, whatever its pattern.
 *
 * Owns: handing each slot to the pattern's own table. A pattern's object begins with a shm_channel.
 */
#ifndef SHM_CHANNEL_H
#define SHM_CHANNEL_H

#include <viaduct/plugin.h>

typedef struct shm_channel {
    const via_channel_ops *ops; /* an empty slot is answered with VIA_ENOTSUP */
} shm_channel;

extern const via_channel_ops shm_channel_ops;

#endif
