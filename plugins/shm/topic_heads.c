/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far the slowest subscriber is; see topic_heads.h.
 */
#include "topic_heads.h"

#include <stdlib.h>

static void put(topic_heads *heads, size_t index, topic_head *head)
{
    heads->all[index] = head;
    head->index = index;
}

static void rise(topic_heads *heads, topic_head *head)
{
    size_t at = head->index;

    while (at > 0 && heads->all[(at - 1) / 2]->position > head->position) {
        put(heads, at, heads->all[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(heads, at, head);
}

/* The slower of the two below `index`; `count` if there is none. */
static size_t child_of(const topic_heads *heads, size_t index)
{
    size_t left = 2 * index + 1, right = left + 1;

    if (left >= heads->count)
        return heads->count;
    return right < heads->count && heads->all[right]->position < heads->all[left]->position ? right : left;
}

void topic_heads_moved(topic_heads *heads, topic_head *head)
{
    size_t at = head->index, child;

    while ((child = child_of(heads, at)) < heads->count && heads->all[child]->position < head->position) {
        put(heads, at, heads->all[child]);
        at = child;
    }
    put(heads, at, head);
}

static bool grow(topic_heads *heads)
{
    size_t capacity = heads->capacity ? 2 * heads->capacity : 8;
    topic_head **larger = realloc(heads->all, capacity * sizeof(topic_head *));

    if (!larger)
        return false;
    heads->all = larger;
    heads->capacity = capacity;
    return true;
}

bool topic_heads_add(topic_heads *heads, topic_head *head)
{
    if (heads->count == heads->capacity && !grow(heads))
        return false;
    put(heads, heads->count++, head);
    rise(heads, head);
    return true;
}

void topic_heads_remove(topic_heads *heads, topic_head *head)
{
    topic_head *last = heads->all[--heads->count];

    if (last == head)
        return;
    put(heads, head->index, last);
    rise(heads, last);
    topic_heads_moved(heads, last);
}

void topic_heads_fini(topic_heads *heads)
{
    free(heads->all);
    *heads = (topic_heads){NULL, 0, 0};
}
