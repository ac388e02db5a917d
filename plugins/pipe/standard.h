/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheme stdio: the program's own standard input and output as a channel.
 */
#ifndef PIPE_STANDARD_H
#define PIPE_STANDARD_H

#include <viaduct/plugin.h>

via_status pipe_stdio_dial(void *state, const via_open *open, void **channel, via_error *error);

#endif
