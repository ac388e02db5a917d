/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who owns a name: a lock file beside it.
 *
 * Owns: PATH.lock with an advisory lock (open file description lock) that the kernel drops when its owner dies, and the
 * owner's pid in it for diagnosis. A live owner's name is never stolen; a dead one's is never in the way.
 */
#ifndef VIADUCT_KIT_LOCK_H
#define VIADUCT_KIT_LOCK_H

#include <viaduct/plugin.h>

typedef struct via_lock {
    int descriptor; /* -1 = not held */
    char path[512];
} via_lock;

/*
 * Takes the lock of `name` (a path). VIA_EBUSY: a live process has it (its pid is in the error's text). Survives the
 * race with an owner that is removing its lock file. VIA_OK, VIA_EBUSY, VIA_EPERM, VIA_EIO, VIA_ELIMIT.
 */
via_status via_lock_take(const via_host_api *host, const char *name, via_lock *lock, via_error *error);
/* Removes the file and drops the lock. */
void via_lock_drop(via_lock *lock);
/* After fork, in the child: closes the descriptor only; file and lock stay the parent's. */
void via_lock_forget(via_lock *lock);
/* The pid that holds the lock of `name`, or 0. */
int64_t via_lock_owner(const char *name);

#endif
