/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values and regions in a plain file, which keep every rule, or break exactly the one that `break=` names.
 *
 * Owns: a small implementation that shares no data path with the real plugins: all members map one file, whose locks of single
 * bytes (open file description locks) say who lives and who writes, and whose changes inotify(7) tells. Fast it is not.
 */
#ifndef VIADUCT_TESTS_CELLS_H
#define VIADUCT_TESTS_CELLS_H

#include "kit/wake.h"

#include <pthread.h>
#include <stdatomic.h>

/* In the order of the manifest's values. */
enum {
    BREAK_NONE,
    BREAK_NO_FIRST,        /* the first receive waits for the next value */
    BREAK_AGAIN,           /* a value is received again and again */
    BREAK_ONLY_MAKER,      /* what others than the first member send is ignored */
    BREAK_UNCOUNTED,       /* what was missed is not told */
    BREAK_TRUNCATE,        /* long values lose their last byte */
    BREAK_NO_TEXTS,        /* key, type and priority stay behind */
    BREAK_TORN,            /* a value is shown before it is written, and nobody locks */
    BREAK_DIES_WITH_MAKER, /* the value goes with the first member */
    BREAK_SPLIT,           /* each newcomer begins anew */
    BREAK_REMEMBERS,       /* what dead members left is still there */
    BREAK_PRIVATE,         /* each member has bytes of its own */
    BREAK_TALKS,           /* a region takes messages */
    BREAK_NO_GROWTH,       /* growing says yes and does nothing */
    BREAK_WRITABLE,        /* access=read means nothing */
    BREAK_NO_LOCK,         /* everybody gets the lock */
    BREAK_UNAWARE,         /* nobody is told of a dead owner */
    BREAK_MUTE             /* notices are not given */
};

enum { CELL_TEXT = 256, CELL_BODY = 65536, CELL_REGION = 65536, CELL_MOST = 1 << 20, CELL_HEAD = 4096 };

typedef struct via_cell_file {
    uint64_t latest;
    uint64_t bytes; /* of a region */
    uint32_t dirty, priority;
    uint64_t size; /* of a value */
    char key[CELL_TEXT], type[CELL_TEXT];
    uint32_t has_key, has_type;
} via_cell_file;

typedef struct via_cell {
    via_counters *counters;
    uint32_t pattern, broken;
    uint64_t seen;
    bool is_maker, reads_only;
    atomic_bool owns;
    int file, watch, always; /* inotify, and an eventfd that is always readable */
    char path[108];
    via_cell_file *head;
    unsigned char *bytes;
    pthread_mutex_t lock;
    via_wake wake;
} via_cell;

static inline bool via_cell_is(const via_cell *cell, uint32_t broken)
{
    return cell->broken == broken;
}

/* ---- cells.c ------------------------------------------------------------------------------------------------ */

uint64_t via_cell_latest(const via_cell *cell);
/* The next generation, and word of it. Members may do so at once: a generation never comes back. */
void via_cell_publish(via_cell *cell);
via_status via_cell_await(via_cell *cell, uint64_t seen, via_deadline deadline);
via_status via_cell_take(via_cell *cell, via_deadline deadline);
void via_cell_give(via_cell *cell);

/* ---- value.c, region.c -------------------------------------------------------------------------------------- */

via_status via_cell_send(void *channel, const via_slice *slices, size_t count, const via_meta *meta,
                         via_deadline deadline);
via_status via_cell_recv(void *channel, via_deadline deadline, via_msg *out);
void via_cell_release(void *channel, via_msg *message);
const void *via_cell_extension(void *channel, const char *id, void **self);

#endif
