/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheme pipe: what the host holds as a channel, one connection (pair) or a hub of them (queue).
 */
#ifndef PIPE_NAMED_H
#define PIPE_NAMED_H

#include "link.h"

via_status pipe_named_listen(void *state, const via_open *open, void **listener, via_error *error);
via_status pipe_named_dial(void *state, const via_open *open, void **channel, via_error *error);
via_status pipe_named_join(void *state, const via_open *open, void **channel, via_error *error);

/* Makes a channel of a connection, whose link it takes over in any case. */
via_status pipe_named_create_pair(const pipe_settings *settings, const via_stream_config *config, void **channel,
                                  via_error *error);

extern const via_channel_ops pipe_named_ops;

#endif
