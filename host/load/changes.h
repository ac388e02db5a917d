/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has changed in the folders of a search, for a program that wants to know.
 *
 * Owns: a queue of bounded length. Nothing is kept before somebody asks. Guarded by the registry's lock.
 */
#ifndef VIADUCT_HOST_CHANGES_H
#define VIADUCT_HOST_CHANGES_H

#include <viaduct/viaduct.h>

enum { VIA_CHANGES_MOST = 256 };

typedef struct via_changes {
    via_change *list; /* NULL = nobody asks */
    size_t first;
    size_t count;
    bool lost; /* older ones had to go */
} via_changes;

/* From now on changes are kept. VIA_OK, VIA_ENOMEM. */
via_status via_changes_keep(via_changes *changes);
void via_changes_fini(via_changes *changes);
/* Adds one, at the cost of the oldest where there is no room. `change` is copied. */
void via_changes_add(via_changes *changes, const via_change *change);
/* Takes the oldest; first of all the word that some were lost. False: there is none. */
bool via_changes_take(via_changes *changes, via_change *change);

#endif
