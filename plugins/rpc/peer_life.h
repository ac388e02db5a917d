/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making and giving up one end.
 */
#ifndef RPC_PEER_LIFE_H
#define RPC_PEER_LIFE_H

#include "peer.h"

typedef struct rpc_settings {
    const rpc_codec *codec;
    rpc_interface *interface; /* counted for the peer; NULL = none */
    int64_t deadline_ns;      /* -1 = for ever */
    uint64_t max_message;     /* bytes */
    size_t max_memory;        /* bytes for the values of one call */
    uint32_t max_depth;
    bool greets;
    bool is_stream;
    bool dials_again;
} rpc_settings;

/* VIA_OK, VIA_ENOMEM. The interface is the peer's in either case. */
via_status rpc_peer_create(rpc_plugin *plugin, const rpc_settings *settings, const via_open *open, via_inner *inner,
                           rpc_peer **out);
/* Ends what was started, closes what handles stand for, frees everything. In a forked child: frees. */
void rpc_peer_destroy(rpc_peer *peer, bool is_forked);

#endif
