/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records that begin with their size and grow at their end.
 *
 * Owns: how a record passes between programs built against different versions of it.
 */
#ifndef VIADUCT_HOST_RECORD_H
#define VIADUCT_HOST_RECORD_H

#include <viaduct/types.h>

/* Copies a caller's record over the defaults in `full`, as far as the caller knows it. VIA_EINVAL: no size is set. */
via_status via_record_read(void *full, uint32_t full_size, const void *record, uint32_t least);
/* Copies `full` into a caller's record, as far as the caller knows it; its size stays. VIA_EINVAL: no size is set. */
via_status via_record_write(void *record, const void *full, uint32_t full_size, uint32_t least);

#endif
