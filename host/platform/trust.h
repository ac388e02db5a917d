/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose files may become code in this process.
 *
 * Owns: the rule for owner and mode of a file and of every folder above it. Must never change anything on the disk.
 */
#ifndef VIADUCT_HOST_PLATFORM_TRUST_H
#define VIADUCT_HOST_PLATFORM_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <viaduct/types.h>

/* The folders below which other owners are accepted. */
typedef struct via_trust {
    char **folders; /* resolved */
    size_t count;
    bool fixed; /* the environment is not read, so no error advises to set a variable */
} via_trust;

/* Adds a folder. One that does not exist is left out. VIA_OK, VIA_ENOMEM. */
via_status via_trust_add(via_trust *trust, const char *folder);
void via_trust_fini(via_trust *trust);

/*
 * True if root or this user owns `path` and every folder above it, and nobody else can write to them; a root-owned
 * sticky folder may be above, but not hold it. A symlink of `path` must stay in `inside` (NULL = in its own folder).
 * On VIA_OK *resolved is the path without symlinks, the caller's. `noun` says in errors what the file is.
 * VIA_EPERM, VIA_ENOENT, VIA_EIO, VIA_ENOMEM; the stage is VIA_STAGE_TRUST, of a missing file VIA_STAGE_DISCOVER.
 */
via_status via_trust_check(const via_trust *trust, const char *noun, const char *path, const char *inside,
                           char **resolved, via_error *error);

#endif
