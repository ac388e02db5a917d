/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host holds as a channel: one stream (pair), or a hub of streams (queue, topic, a pair that dials again).
 *
 * Owns: the slots of via_channel_ops.
 */
#ifndef SOCKET_CHANNEL_H
#define SOCKET_CHANNEL_H

#include "connection.h"
#include "handles.h"

typedef struct socket_channel {
    void *hub;               /* NULL = a pair over one stream */
    bool is_pair;            /* that hub makes a pair's connection again */
    char address[160];       /* of a hub that binds to port 0: what the system chose; else "" */
    socket_handles *handles; /* NULL = handles=false */
    via_stream stream;       /* not there with a hub */
} socket_channel;

/* Makes a pair of a connection and takes its descriptor over on VIA_OK. */
via_status socket_channel_create_pair(const socket_settings *settings, const socket_connection *connection,
                                      void **channel, via_error *error);
/* Makes a channel of a hub. `address`: what others dial, or "" = as it was given. */
via_status socket_channel_create_hub(const via_host_api *host, void *hub, bool is_pair, const char *address,
                                     void **channel, via_error *error);

extern const via_channel_ops socket_channel_ops;

#endif
