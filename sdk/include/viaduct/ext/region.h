/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extension "via.region/1": the same bytes in many processes, with a lock and notices.
 *
 * Owns: the table a transport offers and libviaduct's forwarders to it. shm: offers it to whoever joins with VIA_REGION.
 *
 * Every member may read and write all bytes at any time: the lock is an agreement, and what lies in the region has to be
 * checked as far as its writers are not trusted. Pointers into the region stay valid until the channel is closed.
 */
#ifndef VIADUCT_EXT_REGION_H
#define VIADUCT_EXT_REGION_H

#include <viaduct/viaduct.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIA_REGION_ID "via.region/1"

/* A region as it is now. */
typedef struct via_region_view {
    uint32_t size;
    uint32_t writable;   /* 0: opened with access=read; writing there ends the program */
    void *address;       /* constant for the channel's life; the same place in each process only by chance */
    uint64_t bytes;      /* how much of it there is; never shrinks */
    uint64_t max_bytes;  /* how far it can grow */
    uint64_t generation; /* number of the last notice; 0 = none yet */
} via_region_view;

/* What via_region_lock() tells about the state of the bytes. */
enum {
    VIA_REGION_CONSISTENT = 0u,
    VIA_REGION_ABANDONED =
        1u /* an owner died, or left, with the lock held, and nobody has repaired yet what it was changing */
};

/* Offered by a transport. Any thread, except that wait is a receiving call. */
typedef struct via_region {
    uint32_t size;
    uint32_t reserved;
    /* Where the region is. Set view->size first. VIA_OK, VIA_EPROTO. Does not block. */
    via_status (*map)(void *self, via_region_view *view);
    /*
     * Takes the lock, which belongs to the channel: another thread of it waits like everybody else. *state (may be NULL):
     * VIA_REGION_*; abandoned: the lock is held all the same, for repairing. VIA_OK, VIA_ETIMEDOUT, VIA_ECANCELED, VIA_EPERM
     * (opened for reading). Blocks.
     */
    via_status (*lock)(void *self, via_deadline deadline, uint32_t *state);
    /* With the lock held: the bytes are in order again. Until then each next owner is told. VIA_OK, VIA_EPERM (no lock). */
    via_status (*repaired)(void *self);
    /* VIA_OK, VIA_EPERM: the channel does not hold it. */
    via_status (*unlock)(void *self);
    /* A new generation: wakes all who wait. Needs no lock. VIA_OK. Does not block. */
    via_status (*notify)(void *self);
    /*
     * Waits until the generation is another than *generation, then sets it. What was written before that notice is seen
     * afterwards. VIA_OK, VIA_ETIMEDOUT, VIA_ECANCELED. A poll handle (VIA_READ) shows a generation that no wait has set.
     */
    via_status (*wait)(void *self, uint64_t *generation, via_deadline deadline);
    /*
     * With the lock held: makes the region `bytes` large (rounded up to whole pages), and notifies. New bytes are zero; others
     * see the size in their next map. VIA_OK (also if it is that large), VIA_EPERM (no lock), VIA_ETOOBIG (above max_bytes),
     * VIA_ENOMEM (nothing has changed), VIA_EIO.
     */
    via_status (*grow)(void *self, uint64_t bytes);
} via_region;

/* Forwarders; VIA_ENOTSUP where the channel does not offer the extension. */
VIA_API VIA_CHECK_RESULT via_status via_region_map(via_channel *channel, via_region_view *view);
VIA_API VIA_CHECK_RESULT via_status via_region_lock(via_channel *channel, via_deadline deadline, uint32_t *state);
VIA_API VIA_CHECK_RESULT via_status via_region_repaired(via_channel *channel);
VIA_API VIA_CHECK_RESULT via_status via_region_unlock(via_channel *channel);
VIA_API VIA_CHECK_RESULT via_status via_region_notify(via_channel *channel);
VIA_API VIA_CHECK_RESULT via_status via_region_wait(via_channel *channel, uint64_t *generation, via_deadline deadline);
VIA_API VIA_CHECK_RESULT via_status via_region_grow(via_channel *channel, uint64_t bytes);

#ifdef __cplusplus
}
#endif
#endif
