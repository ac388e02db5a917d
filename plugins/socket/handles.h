/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that travel with a message (via.handles/1, SCM_RIGHTS of unix(7)).
 *
 * Owns: descriptors that have arrived until somebody takes them, and which message they came with.
 *
 * The kernel hands descriptors over with the read that holds the first byte they were sent with, and ends that read
 * before the next such byte. We send them with a message's first byte; so they belong to the message that begins before
 * the end of that read and ends there or later.
 */
#ifndef SOCKET_HANDLES_H
#define SOCKET_HANDLES_H

#include "kit/stream.h"

#include <viaduct/ext/handles.h>

typedef struct socket_handles socket_handles;

/* How a stream with handles moves its bytes; the stream is a member of a socket_channel. */
extern const via_stream_io socket_handles_io;
extern const via_handles socket_handles_table; /* `self` is a socket_handles */

socket_handles *socket_handles_create(via_stream *stream);
void socket_handles_destroy(socket_handles *handles);
/* A message was received: what came with it can be taken from now on, what came with the one before is closed. */
void socket_handles_next_message(socket_handles *handles);

#endif
