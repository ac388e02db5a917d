/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of one opening, read once.
 *
 * Owns: the names of the manifest's options.
 */
#ifndef MQUEUE_SETTINGS_H
#define MQUEUE_SETTINGS_H

#include <viaduct/plugin.h>

typedef struct mqueue_settings {
    const via_host_api *host;
    via_context *context;
    via_counters *counters;
    uint64_t max_message;
    uint32_t role;
    uint32_t side;
    bool is_bare;      /* framing=none */
    uint64_t messages; /* how many a queue is to hold */
    bool has_messages; /* the user said so: nothing less will do */
    uint64_t message_size;
    bool has_message_size;
    uint32_t mode;
    bool any_user;
    uint64_t spin_ns; /* how long a receive spins at most before it sleeps; UINT64_MAX = for ever */
    uint64_t reconnect_ns;
    uint32_t peers;
    int backlog;
    uint64_t handshake_ns;
    uint32_t handshake_limit;
} mqueue_settings;

void mqueue_settings_read(const via_host_api *host, const via_open *open, mqueue_settings *settings);

#endif
