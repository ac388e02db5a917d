/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout of a counter page: the file in which a process counts what its channels do, so that others can read it while
 * the process lives, hangs, is stopped, or has crashed.
 *
 * Owns: the format. A head, then slots of one size, one for each open channel or listener. Words have the machine's byte
 * order: a page is read on the machine that wrote it. It grows at its end only; who reads it goes by the sizes in the head.
 */
#ifndef VIADUCT_HOST_STATS_PAGE_H
#define VIADUCT_HOST_STATS_PAGE_H

#include <stdalign.h>
#include <stdatomic.h>
#include <viaduct/types.h>

#define VIA_PAGE_MAGIC "VIAPAGE1"
#define VIA_PAGE_SUFFIX ".page"
/* The folder beside the one of names: $XDG_RUNTIME_DIR/viaduct-stats, or /tmp/viaduct-stats-<uid>. */
#define VIA_PAGE_FOLDER "viaduct-stats"

enum {
    VIA_PAGE_HEAD_BYTES = 4096,
    VIA_PAGE_SLOT_BYTES = 1024,
    VIA_PAGE_SLOTS = 4096,   /* objects beyond that are counted for their own process only */
    VIA_PAGE_GROWTH = 32,    /* slots that the file grows by, to the next multiple of them */
    VIA_PAGE_IDENTITY = 192, /* as kit/identity.h has it */
    VIA_PAGE_LARGEST = VIA_PAGE_HEAD_BYTES + VIA_PAGE_SLOTS * VIA_PAGE_SLOT_BYTES
};

typedef struct via_page_head {
    char magic[8];
    uint32_t head_bytes;
    uint32_t slot_bytes;
    int64_t pid;
    uint64_t started_s;       /* Unix time at which the page was made */
    _Atomic(uint64_t) unseen; /* objects, now and before, that had no place in the page */
    _Atomic(uint64_t) closed; /* channels that have been closed; what they counted is in `sums` */
    via_counters sums;
    char identity[VIA_PAGE_IDENTITY]; /* whose it is, see kit/identity.h */
    char program[64];
} via_page_head;

enum { VIA_SLOT_FREE = 0u, VIA_SLOT_CHANNEL = 1u, VIA_SLOT_LISTENER = 2u };

/* What one direction writes, on a cache line of its own. Written by one thread at a time, read by any. */
typedef struct via_slot_lane {
    alignas(64) _Atomic(uint64_t) begun; /* sends: calls that went to the transport ... */
    _Atomic(uint64_t) messages;          /* ... and of these, those that succeeded ... */
    _Atomic(uint64_t) failed;            /* ... or did not. The rest waits inside. Receiving counts messages only */
    _Atomic(uint64_t) bytes;
    _Atomic(uint64_t) stuck_at; /* `messages` as the last send timed out, plus 1; 0 = none has */
} via_slot_lane;

typedef struct via_slot {
    alignas(64) _Atomic(uint32_t) kind; /* VIA_SLOT_*; written last when taken, first when given back */
    uint32_t is_private;                /* memory of the process only */
    uint32_t pattern, role, side, flags;
    uint64_t number; /* of the object in its process, from 1 */
    uint64_t opened_s;
    int64_t peer_pid; /* -1 = not known */
    via_slot_lane sender, receiver;
    alignas(64) via_counters counters; /* the plugin's, from dropped_oldest on */
    char scheme[32], plugin[64], endpoint[96];
    char address[512]; /* cut where it is longer */
} via_slot;

_Static_assert(sizeof(via_page_head) <= VIA_PAGE_HEAD_BYTES, "the head has one page");
_Static_assert(sizeof(via_slot) == VIA_PAGE_SLOT_BYTES, "slots have the size that the format says");

#endif
