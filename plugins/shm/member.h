/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One member of a value or a region: members are equal, and what they share lives as long as one of them does.
 *
 * Owns: the meeting (the socket's name, the porter who hands the memory to newcomers, the roster), the lock, sleeping for a
 * later generation, and the handle of those who poll. What is done with the memory is the pattern's: value.c, region.c.
 */
#ifndef SHM_MEMBER_H
#define SHM_MEMBER_H

#include "channel.h"
#include "common.h"
#include "kit/pollset.h"
#include "kit/spin.h"
#include "kit/unix_name.h"
#include "kit/wake.h"
#include "porter.h"
#include "roster.h"
#include "settings.h"
#include "store.h"

#include <pthread.h>

enum { SHM_LOOK_NS = 50 * 1000 * 1000 }; /* how long a death may stay unnoticed */

typedef struct shm_member {
    shm_channel head; /* first */
    shm_settings settings;
    shm_porter *porter;
    uint32_t pattern;  /* VIA_PATTERN_VALUE, VIA_PATTERN_REGION */
    bool is_writable;  /* its own pages, not only the first */
    shm_socket socket; /* where newcomers ask */
    int listening;     /* shared by all members, so that each can let newcomers in */
    int bell;          /* shared by all members, an eventfd: rung for those who poll */
    shm_store store;
    shm_common *common; /* its first page */
    uint64_t limit;     /* largest message of a value; largest size of a region */
    shm_roster roster;
    uint64_t self; /* our name on it */
    shm_door door;
    via_wake wake;
    via_spin spin;          /* the receiving thread's */
    _Atomic(uint64_t) seen; /* the generation that was received, or waited for, last */
    atomic_int broken;      /* VIA_OK, or VIA_EPROTO */
    pthread_mutex_t lock;   /* of the sets */
    via_pollset sets[2];    /* who polls for reading, and for writing */
    atomic_bool wants_lock; /* one polls until the lock is free */
} shm_member;

/* ---- joining.c ---------------------------------------------------------------------------------------------- */

/* How large a cell to make, if nobody has one: bytes at the start, and of address space. */
typedef struct shm_extent {
    uint64_t size;
    uint64_t reserve;
    uint64_t limit;
    void (*prepare)(shm_common *common, const struct shm_extent *extent); /* writes the first page; the rest is zero */
} shm_extent;

/*
 * Becomes a member. VIA_OK; VIA_ENOPEER: try again; VIA_EBUSY, VIA_EPROTO, VIA_EPERM, VIA_ENOMEM, VIA_ELIMIT, VIA_EIO,
 * VIA_EREFUSED. Also after a failure it is to be disposed of.
 */
via_status shm_member_join(shm_member *member, const via_open *open, const shm_extent *extent, via_error *error);

/* The door's work: lets in whoever waits outside. */
bool shm_member_let_in(void *member);

/* ---- member.c ----------------------------------------------------------------------------------------------- */

void shm_member_init(shm_member *member, const via_channel_ops *ops, const shm_settings *settings, shm_porter *porter,
                     uint32_t pattern);
void shm_member_dispose(shm_member *member, uint32_t how);
/* What another member wrote makes no sense: keeps why, and answers VIA_EPROTO. */
via_status shm_member_break(shm_member *member, const char *what);

/* VIA_OK; *died: an owner has died, and nobody has said that all is in order. VIA_ETIMEDOUT, VIA_ECANCELED. */
via_status shm_member_lock(shm_member *member, via_deadline deadline, bool *died);
/* VIA_OK, VIA_EINVAL: it was not ours. */
via_status shm_member_unlock(shm_member *member);
bool shm_member_has_lock(const shm_member *member);

static inline uint64_t shm_member_latest(const shm_member *member)
{
    return SHM_GET(&member->common->latest);
}

/* Waits for another generation than `seen`. VIA_OK, VIA_ETIMEDOUT, VIA_ECANCELED, VIA_EPROTO. */
via_status shm_member_await(shm_member *member, uint64_t seen, via_deadline deadline);
/* Wakes all who wait for another generation. */
void shm_member_announce(shm_member *member);

/* Slots that both patterns have. */
via_status shm_member_pollable(void *channel, uint32_t event, via_poll_handle *out);
via_status shm_member_arm(void *channel, uint32_t event);
void shm_member_interrupt(void *channel);
via_status shm_member_flush(void *channel, via_deadline deadline);
void shm_member_refresh_counters(void *channel);

/* ---- value.c, region.c -------------------------------------------------------------------------------------- */

via_status shm_value_join(const via_host_api *host, shm_porter *porter, const via_open *open, void **channel,
                          via_error *error);
via_status shm_region_join(const via_host_api *host, shm_porter *porter, const via_open *open, void **channel,
                           via_error *error);

#endif
