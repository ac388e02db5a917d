/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where names live in the file system.
 *
 * Owns: the runtime folder ($XDG_RUNTIME_DIR/viaduct, else /tmp/viaduct-<uid>; mode 0700, owner and mode checked, never
 * a symlink) and the rule that a path too long for the OS is refused, never cut.
 */
#ifndef VIADUCT_KIT_RUNTIME_H
#define VIADUCT_KIT_RUNTIME_H

#include <viaduct/plugin.h>

/*
 * A folder of this user alone: $XDG_RUNTIME_DIR/KIND, else /tmp/KIND-<uid>; made if missing. Names are in the kind "viaduct".
 * VIA_OK, VIA_EINVAL (too long), VIA_EPERM, VIA_EIO.
 */
via_status via_runtime_folder(const via_host_api *host, const char *kind, char *path, size_t capacity,
                              via_error *error);

/*
 * The path that `name` stands for: an absolute path is taken as it is; a relative one becomes FOLDER/NAME + `suffix`
 * (".sock", ".fifo"; may be ""), and the folder is made if missing. A name has no '/', is not "." or "..", at most 100 bytes.
 * `capacity`: the OS's limit including the NUL (108 for sun_path). VIA_OK, VIA_EINVAL, VIA_EPERM, VIA_ENOMEM, VIA_EIO.
 */
via_status via_runtime_path(const via_host_api *host, const char *name, const char *suffix, char *path, size_t capacity,
                            via_error *error);

/*
 * Where the folder of that kind is, for those who look at what is in it; it need not be there, and nothing is made or
 * checked. VIA_OK; VIA_EINVAL: its path has no room in `capacity` bytes.
 */
via_status via_runtime_place(const char *kind, char *folder, size_t capacity);

#endif
