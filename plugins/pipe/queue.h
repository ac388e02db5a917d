/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How connections are made for a queue: the hub's port.
 */
#ifndef PIPE_QUEUE_H
#define PIPE_QUEUE_H

#include "kit/hub.h"
#include "settings.h"

typedef struct pipe_queue pipe_queue;

/* Binds or connects, as settings->side says, and makes the hub. `queue` lives as long as the hub. */
via_status pipe_queue_create(const pipe_settings *settings, const via_open *open, void **hub, pipe_queue **queue,
                             via_error *error);
/*
 * pipe_link_secure() for the connection there is; VIA_ENOENT: none that was not taken up; VIA_EPEER, once: what was sent
 * is lost with a listener that left before it took the connection up.
 */
via_status pipe_queue_secure(pipe_queue *queue);

#endif
