/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counter pages of all processes of this user.
 *
 * Owns: how many pages of the dead are kept: the newest, which may still be asked what happened.
 */
#ifndef VIADUCT_HOST_STATS_PAGES_H
#define VIADUCT_HOST_STATS_PAGES_H

#include "stats/page.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    VIA_PAGE_PATH = 480,        /* a folder of pages, with the NUL */
    VIA_PAGES_KEPT = 16,        /* of dead processes */
    VIA_PAGES_CROWD = 64,       /* so many in a folder, and a process that begins looks which are left over */
    VIA_PAGES_LARGEST = 1 << 28 /* bytes: of a later version, perhaps */
};

/* Removes pages of the dead if there are at least `crowd` pages. */
void via_pages_tidy(const char *folder, size_t crowd);

/*
 * Looks at each page once: removes those of the dead, and gives the processes of the folder, or the one of `pid` if that is not 0, in the
 * order of their pids: what via_observe() answers. NULL = out of memory. A file that is no page is passed over.
 */
json_t *via_pages_read(const char *folder, int64_t pid);

#endif
