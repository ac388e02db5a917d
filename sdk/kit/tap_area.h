/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a channel's messages are put for whoever records them: a piece of memory with a ring for each direction.
 *
 * Owns: its layout, and who may touch what. A thread of the channel writes each ring, one recorder reads both; neither ever
 * waits for the other. What does not fit is counted. The memory is private, for a recorder in the same process, or a file in
 * the runtime folder (mode 0600), for one that comes from outside: then neither side believes what the other could have
 * written.
 */
#ifndef VIADUCT_KIT_TAP_AREA_H
#define VIADUCT_KIT_TAP_AREA_H

#include "kit/pcapng.h"

#include <stdatomic.h>
#include <viaduct/plugin.h>

enum { VIA_TAP_RECEIVED = 0, VIA_TAP_SENT = 1, VIA_TAP_ADDRESS = 512, VIA_TAP_RING_MOST = 1 << 28 };
#define VIA_TAP_MAGIC UINT64_C(0x3150415441495601) /* "\1VIATAP1" */
#define VIA_TAP_SUFFIX ".tap"

/* Bytes are counted from the beginning of time, so that the difference is what is in it. */
typedef struct via_tap_ring {
    _Alignas(64) atomic_uint_fast64_t head; /* written by the channel */
    atomic_uint_fast64_t recorded;          /* messages */
    atomic_uint_fast64_t dropped;
    _Alignas(64) atomic_uint_fast64_t tail; /* read by the recorder */
} via_tap_ring;

/* The beginning of the memory; the rings' bytes follow, VIA_TAP_RECEIVED first. */
typedef struct via_tap_head {
    uint64_t magic;
    uint64_t ring_size; /* of each; a power of two */
    int64_t pid;
    uint32_t pattern, role, side, snaplen;
    char address[VIA_TAP_ADDRESS];
    _Alignas(64) atomic_uint wanted; /* somebody records */
    atomic_uint is_over;             /* the channel has been closed */
    atomic_uint sleeps;              /* the recorder wants to be woken; in the same process only */
    via_tap_ring rings[2];
} via_tap_head;

/* The channel's or the recorder's view of it. Fields are its own. */
typedef struct via_tap_area {
    via_tap_head *head;
    uint8_t *bytes[2];
    uint64_t ring_size; /* not what the memory says now: what was checked */
    size_t mapped;
    int descriptor; /* -1 = private */
} via_tap_area;

/* ---- making and finding ------------------------------------------------------------------------------------- */

/* Bytes of the whole for rings of `ring_size`, which is rounded up to a power of two. */
size_t via_tap_area_size(uint64_t *ring_size);
/* Private memory. VIA_OK, VIA_ENOMEM. */
via_status via_tap_area_open_private(via_tap_area *area, uint64_t ring_size);
/*
 * The channel makes a file at `path`, and holds its lock. VIA_OK; VIA_EBUSY: there is one; VIA_EINVAL: too long a name;
 * VIA_EPERM, VIA_ELIMIT, VIA_EIO, VIA_ENOMEM; errno.
 */
via_status via_tap_area_create(via_tap_area *area, const char *path, uint64_t ring_size);
/*
 * A recorder takes one over. VIA_OK; VIA_ENOENT: its channel has gone (the file is removed then); VIA_EBUSY: another records;
 * VIA_EPROTO: it is something else; VIA_EPERM, VIA_EIO, VIA_ENOMEM; errno. With `looks` nothing is taken over, and it does
 * not matter who records.
 */
via_status via_tap_area_take(via_tap_area *area, const char *path, bool looks);
/* Room for both rings is made on the file system, so that the channel never meets a full one. VIA_OK, VIA_ENOMEM; errno. */
via_status via_tap_area_back(const via_tap_area *area);
/* Is the channel's process alive and the channel open? For the recorder. */
bool via_tap_area_lives(const via_tap_area *area);
/* Is there a recorder? For the channel, now and then. */
bool via_tap_area_is_read(const via_tap_area *area);
void via_tap_area_close(via_tap_area *area);

/* ---- the channel -------------------------------------------------------------------------------------------- */

static inline bool via_tap_is_wanted(const via_tap_area *area)
{
    return atomic_load_explicit(&area->head->wanted, memory_order_relaxed) != 0;
}

/* One direction's end, that of the thread that writes. All zero at first. */
typedef struct via_tap_writer {
    uint64_t head;    /* what was made known */
    uint64_t pending; /* where that will be after the message that is being written */
    uint64_t missing; /* messages that did not fit since the one before */
} via_tap_writer;

/*
 * Writes a message, of which nobody knows until via_tap_publish(). false: there is no room; via_tap_lose() counts it. Sets
 * message->captured by the snaplen, and message->dropped.
 */
bool via_tap_write(const via_tap_area *area, unsigned direction, via_tap_writer *writer, via_pcapng_message *message,
                   const via_slice *slices, size_t count);
void via_tap_publish(const via_tap_area *area, unsigned direction, via_tap_writer *writer);
void via_tap_lose(const via_tap_area *area, unsigned direction, via_tap_writer *writer);
/* Bytes that wait for the recorder. */
uint64_t via_tap_waiting(const via_tap_area *area, unsigned direction);

/* ---- the recorder ------------------------------------------------------------------------------------------- */

/* The recorder's end of both directions. All zero at first, or where the tails stand. */
typedef struct via_tap_reader {
    uint64_t tails[2]; /* what has been taken */
    uint64_t heads[2]; /* what was there at the last look */
} via_tap_reader;

/* Sees what is there by now; the channel pays for every look, by a line of its cache. VIA_OK; VIA_EPROTO: nonsense. */
via_status via_tap_look(const via_tap_area *area, via_tap_reader *reader);
/*
 * The packet block of the oldest message of both directions that was there at the last look. Its bytes stay until
 * via_tap_release(). VIA_OK; NULL with VIA_ETIMEDOUT: there is none; with VIA_EPROTO: the memory holds nonsense.
 */
via_status via_tap_peek(const via_tap_area *area, via_tap_reader *reader, const uint8_t **block, size_t *size,
                        unsigned *direction);
/* Takes that block. */
void via_tap_next(via_tap_reader *reader, unsigned direction, size_t size);
/* The channel may write where the blocks stood that were taken. */
void via_tap_release(const via_tap_area *area, const via_tap_reader *reader, unsigned direction);

#endif
