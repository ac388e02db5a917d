/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheme exec: a program's standard input and output as a channel.
 */
#ifndef PIPE_EXEC_H
#define PIPE_EXEC_H

#include <viaduct/plugin.h>

via_status pipe_exec_dial(void *state, const via_open *open, void **channel, via_error *error);
extern const via_channel_ops pipe_exec_ops;

#endif
