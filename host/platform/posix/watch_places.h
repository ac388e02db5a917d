/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a watch, for the two files that make it up.
 *
 * Owns: the layout. watch.c talks to the kernel; watch_walk.c finds out which folders a path leads through.
 */
#ifndef VIADUCT_HOST_PLATFORM_WATCH_PLACES_H
#define VIADUCT_HOST_PLATFORM_WATCH_PLACES_H

#include "platform/watch.h"

#include <limits.h>
#include <stddef.h>

/* A folder, and the names in it that matter. */
typedef struct via_place {
    int descriptor;     /* the kernel's; never used again for another folder */
    bool is_wanted;     /* added since via_watch_begin() */
    const char *suffix; /* every name that ends so, too; NULL = none. Lives as long as the program */
    char **names;
    size_t count;
} via_place;

struct via_watch {
    int fd;
    via_place *places;
    size_t count;
    bool grew;                   /* a place came in during the call */
    bool raced;                  /* a folder went while it was walked through: look again */
    int code;                    /* errno of what could not be watched; 0 = all is */
    char known_folder[PATH_MAX]; /* walked through already, and no link leads to it; "" = none */
    int known_place;             /* its descriptor */
};

/* Watches a folder; `has_names` = names in it, not only what becomes of itself. NULL = it cannot be, which is noted. */
via_place *via_watch_place(via_watch *watch, const char *folder, bool has_names);
/* One more name that matters there. */
void via_place_add(via_watch *watch, via_place *place, const char *name);

#endif
