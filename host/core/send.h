/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending, for the callers inside core/ that send as well.
 */
#ifndef VIADUCT_HOST_SEND_H
#define VIADUCT_HOST_SEND_H

#include "core/channel.h"

/* One message of `size` bytes in `count` slices. No fork check. */
via_status via_send_slices(via_channel *channel, const via_slice *slices, size_t count, size_t size,
                           const via_meta *meta, via_deadline deadline);
/* VIA_EINVAL if a text is longer than a wire may carry, or the channel has finished; `meta` may be NULL. */
via_status via_send_check(const via_channel *channel, const via_meta *meta);

/* Counts a send that the transport did not take, notes why, and answers `status`. */
via_status via_send_failed(via_channel *channel, via_status status);

#endif
