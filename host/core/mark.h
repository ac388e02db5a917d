/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How both ends find out that their layers do not make the same of the bytes.
 *
 * Owns: the mark before each message below the innermost layer that changes bytes; its form is in <viaduct/layer.h>. The
 * host sets it, so that no layer can forget it, and one is enough for a whole stack.
 */
#ifndef VIADUCT_HOST_MARK_H
#define VIADUCT_HOST_MARK_H

#include "core/stack.h"

typedef via_status (*via_mark_send_fn)(via_inner *level, const via_slice *slices, size_t count, const via_meta *meta,
                                       via_deadline deadline);

/* Sends mark and slices as one message by `send`. The statuses of `send`, VIA_ENOMEM, VIA_EPROTO (the other end is unlike). */
via_status via_mark_send(via_inner *level, const via_slice *slices, size_t count, const via_meta *meta,
                         via_deadline deadline, via_mark_send_fn send);
/* Takes the mark off a message that was received. False: it has none, or another, and the level is over. */
bool via_mark_take(via_inner *level, via_msg *message);
/* Puts it back, for whoever lent the message. */
void via_mark_restore(via_msg *message);

/* True if a message begins with a mark, whatever its stack. */
bool via_mark_is_on(const via_msg *message);
/* Notes why a channel ends at which one was found, and has no layer that would have set it. */
void via_mark_fail_plain(via_context *context);

#endif
