/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far the slowest subscriber is.
 *
 * Owns: a heap of all subscribers by where each was seen last, so that only one that holds something up is looked at again:
 * what a message costs does not depend on how many there are. Must never own the subscribers.
 */
#ifndef SHM_TOPIC_HEADS_H
#define SHM_TOPIC_HEADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A member of a subscriber. */
typedef struct topic_head {
    uint64_t position; /* before which it has given everything back; it may be further by now */
    size_t index;      /* in the heap */
} topic_head;

typedef struct topic_heads {
    topic_head **all; /* the slowest first; the others in no order that matters */
    size_t count;
    size_t capacity;
} topic_heads;

/* False: no memory. */
bool topic_heads_add(topic_heads *heads, topic_head *head);
void topic_heads_remove(topic_heads *heads, topic_head *head);
/* The position of one has grown. */
void topic_heads_moved(topic_heads *heads, topic_head *head);
/* Or NULL: there is none. */
static inline topic_head *topic_heads_slowest(const topic_heads *heads)
{
    return heads->count > 0 ? heads->all[0] : NULL;
}
void topic_heads_fini(topic_heads *heads);

#endif
