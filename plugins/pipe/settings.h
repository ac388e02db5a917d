/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of one opening, read once.
 *
 * Owns: the names of the manifest's options that all three schemes share, and which of them exclude each other.
 */
#ifndef PIPE_SETTINGS_H
#define PIPE_SETTINGS_H

#include "kit/stream.h"

typedef struct pipe_settings {
    const via_host_api *host;
    via_context *context;
    via_counters *counters;
    uint32_t role;
    uint32_t side;
    const via_framing *framing;
    uint64_t max_message;
    uint64_t linger_ns;
    uint64_t buffer; /* bytes that a pipe should hold; 0 = as the system makes it. Not of stdio: */
} pipe_settings;

/* VIA_OK, VIA_ENOTSUP (options that do not go together). */
via_status pipe_settings_read(const via_host_api *host, const via_open *open, pipe_settings *settings,
                              via_error *error);
/* An option's duration in nanoseconds; "forever" becomes the largest. */
uint64_t pipe_settings_duration(const via_open *open, const char *name);

/* Everything of a stream but its descriptors, io and user. */
void pipe_settings_describe(const pipe_settings *settings, via_stream_config *config);

/* Makes a pipe hold `buffer` bytes, or the most that this user may have. */
void pipe_settings_enlarge(const pipe_settings *settings, int descriptor);

#endif
