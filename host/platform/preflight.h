/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a library says about itself before any of it runs.
 *
 * Owns: reading the executable's headers. Bytes are hostile: every offset is checked before it is followed.
 */
#ifndef VIADUCT_HOST_PLATFORM_PREFLIGHT_H
#define VIADUCT_HOST_PLATFORM_PREFLIGHT_H

#include <viaduct/types.h>

typedef struct via_abi {
    uint32_t major;
    uint32_t minor;
    uint64_t hash;
} via_abi;

/*
 * Checks format, architecture, thread-local storage, the ABI note and the entry symbol; *abi is what the note says. The stage is
 * VIA_STAGE_PREFLIGHT. VIA_OK, VIA_EREFUSED.
 */
via_status via_preflight_check(const unsigned char *bytes, size_t size, via_abi *abi, via_error *error);

#endif
