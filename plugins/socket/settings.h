/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of one opening, read once.
 *
 * Owns: the names of the manifest's options and which of them exclude each other.
 */
#ifndef SOCKET_SETTINGS_H
#define SOCKET_SETTINGS_H

#include "kit/framing.h"

typedef struct socket_settings {
    const via_host_api *host;
    via_context *context;
    via_counters *counters;
    bool is_unix;
    uint32_t role;
    uint32_t side;
    const via_framing *framing;
    bool speaks_sp;    /* greetings are exchanged */
    uint16_t protocol; /* our own SP number; of a pair listener: 0, as the dialer has it */
    uint64_t max_message;
    uint64_t linger_ns;
    uint64_t spin_ns; /* of a pair, which alone waits for one other end */
    uint64_t reconnect_ns;
    bool redials; /* a pair's dialer that makes a lost connection again */
    uint64_t handshake_ns;
    uint32_t handshake_limit;
    int backlog;
    int64_t send_buffer; /* 0 = not set */
    int64_t receive_buffer;
    /* unix */
    uint32_t mode;
    bool any_user;
    bool handles;
    /* tcp */
    bool is_public;
    bool nodelay;
    uint64_t keepalive_ns;
    uint64_t user_timeout_ns;
} socket_settings;

/* VIA_OK, VIA_ENOTSUP (options that do not go together). */
via_status socket_settings_read(const via_host_api *host, const via_open *open, socket_settings *settings,
                                via_error *error);

/* Sets what is to be set on a fresh socket before it connects or listens. VIA_OK, VIA_EIO, VIA_EPERM. */
via_status socket_settings_apply(const socket_settings *settings, int descriptor, via_error *error);

#endif
