/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the files of the embedded backend change.
 *
 * Owns: the inotify instance, and what it listens to: the runtime folder, and the folder above it, since the removal of a folder
 * that somebody has open is told of nowhere else. Must never decide what is there: a sign is a reason to look.
 */
#ifndef CLIPBOARD_WATCH_H
#define CLIPBOARD_WATCH_H

#include "store.h"

/*
 * A descriptor to poll for reading, to be closed; -1 with the error filled. What changes after this call, before the first look too,
 * is not missed.
 */
int clip_watch_open(const clip_store *store, const via_host_api *host, via_error *error);
/* Takes all signs there are. True: the file may be another one, or the folder, or signs were lost. */
bool clip_watch_hear(int watch, const clip_store *store);

#endif
