/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name that others can dial.
 *
 * Owns: the FIFO that announcements arrive on, and its lock. A live owner's name is never taken; what a dead one has
 * left is removed.
 */
#ifndef PIPE_LISTENER_H
#define PIPE_LISTENER_H

#include "link.h"

#include <viaduct/plugin.h>

typedef struct pipe_listener pipe_listener;

/* VIA_OK, VIA_EBUSY, VIA_EPERM, VIA_EINVAL, VIA_ELIMIT, VIA_ENOMEM, VIA_EIO. Nothing of `settings` need live on. */
via_status pipe_listener_open(const pipe_settings *settings, const char *rest, pipe_listener **listener,
                              via_error *error);
/*
 * The next dialer that is there and welcome, without blocking; strangers and mistakes are counted and passed over.
 * `settings` describes the channel to be. VIA_OK, VIA_ETIMEDOUT, VIA_ELIMIT, VIA_ENOMEM, VIA_EIO.
 */
via_status pipe_listener_next(pipe_listener *listener, const pipe_settings *settings, via_stream_config *config);
/* Readable when pipe_listener_next has something to do. */
int pipe_listener_descriptor(const pipe_listener *listener);
/* Gives the name up, and lets those know that still wait. */
void pipe_listener_close(pipe_listener *listener, uint32_t how);

extern const via_listener_ops pipe_listener_ops;

#endif
