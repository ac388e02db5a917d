/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pair channel from descriptors in one call, for plugins that have nothing to add to a stream.
 *
 * Owns: which options of the manifest a stream looks at: `framing` (an enum of names that via_framing_find() knows) and
 * `linger` (a duration). One that the manifest has not got is not asked for.
 */
#ifndef VIADUCT_KIT_STREAM_OPEN_H
#define VIADUCT_KIT_STREAM_OPEN_H

#include "kit/stream.h"

/* What the channel is to be made of. */
typedef struct via_stream_ends {
    const via_stream_io *io; /* how bytes move through the descriptors */
    int read_fd;
    int write_fd;               /* may be the same */
    const via_framing *framing; /* NULL = what the option `framing` says */
} via_stream_ends;

/*
 * Never waits. The descriptors are the channel's from now on; on failure they are closed. VIA_OK; VIA_ENOMEM; VIA_EINVAL:
 * there is no framing of that name. To be used with via_stream_ops.
 */
via_status via_stream_open(const via_host_api *host, const via_open *open, const via_stream_ends *ends, void **channel,
                           via_error *error);

/* The slots of a channel that is a stream and nothing else. */
extern const via_channel_ops via_stream_ops;

#endif
