/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Noticing that files and folders have changed, by their names.
 *
 * Owns: one descriptor that becomes readable, and the list of names that matter. A name is followed as an opening call would
 * follow it: through every folder above and every symlink, so that a folder that is made later, replaced by a rename, or
 * reached by a link that is pointed elsewhere is noticed as well. Must never start a thread or look into a file.
 *
 * Threads: the caller's lock is held around each call.
 */
#ifndef VIADUCT_HOST_PLATFORM_WATCH_H
#define VIADUCT_HOST_PLATFORM_WATCH_H

#include <stdbool.h>
#include <viaduct/types.h>

typedef struct via_watch via_watch;

/* NULL with *os_code: the system has none left. */
via_watch *via_watch_open(int32_t *os_code);
/* NULL is allowed. */
void via_watch_close(via_watch *watch);
/* For poll: readable when something has happened, which may turn out to be of no matter. */
intptr_t via_watch_handle(const via_watch *watch);

/*
 * True if something that is watched has changed since the last call, or may have. Takes what has been reported; what changes
 * from then on is told by the next call. Never blocks: one system call where nothing has happened.
 */
bool via_watch_changed(via_watch *watch);

/* Begins the list anew: what is not added again before via_watch_end() is watched no longer. */
void via_watch_begin(via_watch *watch);
/*
 * Adds a file or a folder that is there or may come; of a folder, the names in it that end in `suffix` and do not begin with a
 * dot. Absolute paths only. True: a folder came in that had not been watched before, so that what happened there until now has
 * not been reported.
 */
bool via_watch_add(via_watch *watch, const char *path, const char *suffix);
/* VIA_OK; VIA_ELIMIT with *os_code: something is not watched, so nobody should rely on it. */
via_status via_watch_end(via_watch *watch, int32_t *os_code);

#endif
