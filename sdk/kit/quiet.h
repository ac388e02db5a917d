/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing to a pipe without SIGPIPE, for plugins that write to one before it is a stream.
 */
#ifndef VIADUCT_KIT_QUIET_H
#define VIADUCT_KIT_QUIET_H

#include <viaduct/plugin.h>

/* writev(2) with flags of pwritev2(2) that never raises SIGPIPE. Returns what writev would. */
int64_t via_stream_write_quietly(int descriptor, const via_slice *from, size_t count, int flags);

#endif
