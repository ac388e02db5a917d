/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who owns a name: a lock file beside it.
 *
 * Owns: PATH.lock with an advisory lock (open file description lock) that the kernel drops when the last process that has
 * it open ends. That is the owner or, later, a child that it forked and that runs no other program: so the file also says
 * who the owner is (kit/identity.h), and a lock that outlives its owner is as good as none.
 *
 * A live owner's name is never stolen. A dead one's is not in the way, whoever of its children lives, as soon as its death
 * can be proven: the same machine and PID namespace, a readable /proc. Elsewhere the name stays taken until the last child
 * has ended, and so it does for an owner that was killed inside via_lock_take() while another of its threads forked. An
 * owner that has become another program by exec(2) is not dead.
 */
#ifndef VIADUCT_KIT_LOCK_H
#define VIADUCT_KIT_LOCK_H

#include <viaduct/plugin.h>

#include <stdbool.h>
#include <sys/types.h>

typedef struct via_lock {
    int descriptor; /* -1 = not held */
    char path[512];
} via_lock;

/*
 * Takes the lock of `name` (a path). VIA_EBUSY: a live process has it (its pid is in the error's text). Survives the
 * race with an owner that is removing its lock file, and with others that take over from a dead one. If a dead owner's
 * children hold its lock, the file that it noted (via_lock_note_file) is removed from the name: they may have it open, so
 * that it looks alive. VIA_OK, VIA_EBUSY, VIA_EPERM, VIA_EINVAL, VIA_EIO, VIA_ELIMIT.
 */
via_status via_lock_take(const via_host_api *host, const char *name, via_lock *lock, via_error *error);
/* The owner has made this file under the name. To be called before anybody can connect to it. */
void via_lock_note_file(via_lock *lock, dev_t device, ino_t inode);
/* Removes the file and drops the lock. */
void via_lock_drop(via_lock *lock);
/* After fork, in the child: closes the descriptor only; file and lock stay the parent's. */
void via_lock_forget(via_lock *lock);
/* The pid that holds the lock of `name`, or 0: nobody who lives. */
int64_t via_lock_owner(const char *name);
/* Is the owner of `name` dead, and do its children keep it open? Who connects to it then waits for nobody. */
bool via_lock_is_orphaned(const char *name);

#endif
