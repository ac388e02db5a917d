/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a poller knows the entries of a waitset by.
 *
 * Owns: a number for each entry, never given to another one before it has been through four thousand million: what a
 * poller shows late, or for a handle that a transport has closed behind its back, finds nobody.
 */
#ifndef VIADUCT_HOST_TAGS_H
#define VIADUCT_HOST_TAGS_H

#include <viaduct/types.h>

typedef struct via_entry via_entry;

typedef struct via_tag_slot {
    via_entry *entry;    /* NULL = free */
    uint32_t generation; /* of the entry that is here, or comes next */
    uint32_t next;       /* of the free ones */
} via_tag_slot;

/* All zero = empty. */
typedef struct via_tags {
    via_tag_slot *slots;
    uint32_t count;
    uint32_t free; /* the first free slot, plus one; 0 = none */
} via_tags;

/* A tag for the entry, never 0. VIA_OK, VIA_ENOMEM. */
via_status via_tags_take(via_tags *tags, via_entry *entry, uint64_t *tag);
void via_tags_give(via_tags *tags, uint64_t tag);
/* NULL = it has been given back. */
via_entry *via_tags_find(const via_tags *tags, uint64_t tag);
void via_tags_fini(via_tags *tags);

#endif
