/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the application's threads and the worker of one channel meet.
 *
 * Owns: the lock, who waits for what, and the two handles that the application may sleep on. Must never call a backend, and
 * never holds the lock while somebody else is waited for, but in clip_desk_wait(). All but interrupt and ring: under the lock.
 */
#ifndef CLIPBOARD_DESK_H
#define CLIPBOARD_DESK_H

#include "backend.h"

#include <pthread.h>
#include <stdatomic.h>

/* A content that was received, or the status that stands for it. */
typedef struct clip_letter {
    clip_bytes bytes;
    char type[256];
} clip_letter;

/* What is on the clipboard, as the backend has told it last. */
typedef struct clip_present {
    bool is_known;       /* told at all */
    uint64_t generation; /* counts all changes */
    uint64_t ours;       /* number of our content; 0 = another's */
    char **types;        /* one block of memory */
    size_t count;        /* 0 = empty, or not to be read */
    via_status status;   /* VIA_OK, or why it is not to be read */
    char what[512];      /* that in words; "" = it has been logged */
} clip_present;

enum { CLIP_OUT_IDLE, CLIP_OUT_QUEUED, CLIP_OUT_UNDER_WAY };

/* What is being published, one at a time. */
typedef struct clip_outbox {
    uint32_t state;
    clip_content *content; /* NULL = clear */
    uint64_t number;       /* of the one in the state, or of the last one */
    via_status status;     /* of the last one that ended */
    bool is_unheard;       /* nobody waits for it: a failure is told by the next flush */
    via_status unheard;    /* that failure, or VIA_OK */
    uint64_t released;     /* no content up to this number depends on this process */
    uint64_t held;         /* the content that does; 0 = none */
    uint64_t timed;        /* the content that is to be withdrawn at `until`; 0 = none */
    via_deadline until;
    uint64_t withdrawal;  /* the content that is to be withdrawn now; 0 = none */
    uint64_t withdrawing; /* the content that the backend has not withdrawn yet, though asked; 0 = none */
    bool is_leaving;      /* somebody waits for nothing to depend on us: hand it over */
} clip_outbox;

/* What via_recv() takes: at most one content ahead, and only if somebody wants it. */
typedef struct clip_inbox {
    bool is_wanted;
    bool is_fresh; /* the present content is another's, and has not been asked for */
    uint64_t lost; /* contents that went by since the last one that was asked for */
    struct {
        uint64_t ticket; /* 0 = nothing is under way */
        uint64_t generation;
        uint64_t lost;
        char type[256]; /* as told */
    } flight;
    struct {
        bool is_there;
        via_status status;
        clip_letter *letter; /* with VIA_OK */
        uint64_t generation;
        uint64_t lost;
    } ready;
} clip_inbox;

enum { CLIP_ERRAND_NEW, CLIP_ERRAND_LOOKING, CLIP_ERRAND_LOOKED, CLIP_ERRAND_FETCHING, CLIP_ERRAND_DONE };

/* What one thread has asked for and waits for. Freed by whoever is last: the thread, or the worker if it has given up. */
typedef struct clip_errand {
    struct clip_errand *next;
    uint32_t state;
    bool is_look; /* nothing is to be fetched */
    bool is_abandoned;
    uint64_t ticket;
    uint64_t generation; /* of the content that is being fetched */
    char *wanted;        /* as for clip_choose() */
    clip_letter *letter; /* with VIA_OK */
    via_status status;
} clip_errand;

/* An eventfd that shows a state. Made by the first who asks for it. */
typedef struct clip_flag {
    int descriptor; /* -1 */
    bool is_shown;
} clip_flag;

typedef struct clip_desk {
    pthread_mutex_t lock;
    pthread_cond_t moved; /* something that somebody may wait for */
    int bell;             /* eventfd: the worker shall look */
    atomic_bool is_interrupted;
    bool is_closing;
    bool has_ended;   /* the worker, for good */
    via_status ended; /* VIA_OK = not yet */
    clip_present present;
    clip_outbox out;
    clip_inbox in;
    clip_errand *errands;
    clip_flag readable, writable;
} clip_desk;

/* VIA_OK, VIA_ELIMIT, VIA_ENOMEM, with errno. To be ended with clip_desk_fini(), also after a failure. */
via_status clip_desk_init(clip_desk *desk);
/* Nobody else is there any more. how: VIA_CLOSE_FORKED = in a child, where lock and condition are left as they are. */
void clip_desk_fini(clip_desk *desk, uint32_t how);

static inline void clip_desk_lock(clip_desk *desk)
{
    (void)pthread_mutex_lock(&desk->lock);
}

static inline void clip_desk_unlock(clip_desk *desk)
{
    (void)pthread_mutex_unlock(&desk->lock);
}

/* Any thread, signal-safe, without the lock. */
void clip_desk_ring(clip_desk *desk);
void clip_desk_interrupt(clip_desk *desk);

static inline bool clip_desk_is_interrupted(const clip_desk *desk)
{
    return atomic_load_explicit(&desk->is_interrupted, memory_order_relaxed);
}

/* Something has changed: shows it on the handles and wakes all who wait. */
void clip_desk_tell(clip_desk *desk);
/* Gives the lock away until something has changed. VIA_OK, VIA_ETIMEDOUT, VIA_ECANCELED. */
via_status clip_desk_wait(clip_desk *desk, via_deadline deadline);
/* The same, whether interrupted or not. False: the deadline has passed. */
bool clip_desk_sleep(clip_desk *desk, via_deadline deadline);
/* The handle of VIA_READ or VIA_WRITE; -1 with errno. */
int clip_desk_handle(clip_desk *desk, uint32_t event);
/* Does the state of that handle show? */
bool clip_desk_is_ready(const clip_desk *desk, uint32_t event);

clip_letter *clip_letter_create(size_t limit);
void clip_letter_destroy(clip_letter *letter);
void clip_errand_destroy(clip_errand *errand);

#endif
