/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end of a pair.
 *
 * Owns: the state of a channel, laid out by who writes it: what the sending thread has, what the receiving thread has, and
 * what either may touch under `lock`. The socket is read by whichever thread comes to it first.
 */
#ifndef SHM_PAIR_H
#define SHM_PAIR_H

#include "arena.h"
#include "channel.h"
#include "holds.h"
#include "kit/pollset.h"
#include "kit/spin.h"
#include "kit/wake.h"
#include "memfd.h"
#include "ring.h"
#include "segments.h"
#include "settings.h"

#include <pthread.h>

/* One direction's way of waiting; see pair_wait.c. */
typedef struct shm_patience {
    via_spin spin;
    uint64_t looked_ns; /* when the socket was looked at last */
    uint32_t position;  /* of the next message when a wait began last */
    uint32_t quick;     /* waits in a row that were over with the first looks */
} shm_patience;

/* What a poller sleeps on; made by the first via_pollable(). */
typedef struct shm_bell {
    int event;       /* ours, an eventfd: rung by the other end; -1 = none yet */
    via_pollset set; /* the eventfd, the socket and the interrupt */
} shm_bell;

enum { SHM_READ_BELL, SHM_WRITE_BELL, SHM_BELL_COUNT };

/* The memory that the last send or loan could not have; 0 bytes = it lacked none. */
typedef struct shm_lack {
    size_t size;
    bool are_texts;
} shm_lack;

typedef struct shm_pair {
    shm_channel base;
    shm_settings settings;
    int socket;
    via_deadline greeted_by; /* a dialer's drain waits as long for the other end's hello */
    via_wake wake;
    shm_memory mine;
    shm_control *ours; /* in `mine` */
    atomic_uint met;   /* the other end's hello has come: what follows is set */
    atomic_int gone;   /* VIA_OK while the other end lives; VIA_EPEER, VIA_EPROTO */
    shm_memory theirs; /* from here on valid once `met`; constant then */
    const shm_control *their_control;
    const unsigned char *their_arena;
    uint64_t their_arena_size;
    uint64_t their_max;
    uint32_t their_slots;
    bool crosses_for_us;  /* the other end, after each of its calls: we need no fence after news */
    uint64_t *given_back; /* for the reader */

    /* the sending thread */
    alignas(SHM_LINE) shm_writer writer;
    shm_arena arena;
    shm_pool pool;
    shm_holds holds;
    shm_patience send_patience;
    shm_lack lack;
    bool owes_call;       /* VIA_MORE: published, and no sleeper looked for */
    uint32_t sends_to_go; /* until the socket is looked at */

    /* the receiving thread */
    alignas(SHM_LINE) shm_reader reader;
    uint64_t sequence; /* of the message received last */
    shm_patience receive_patience;

    alignas(SHM_LINE) shm_word32 heard; /* by the receiving thread, for the sending one */

    /* under `lock` */
    alignas(SHM_LINE) pthread_mutex_t lock;
    shm_views views;
    shm_bell bells[SHM_BELL_COUNT];
    atomic_int their_bells[SHM_BELL_COUNT]; /* -1 = not come yet */
} shm_pair;

/* ---- pair.c: life ------------------------------------------------------------------------------------------- */

/*
 * Makes an end on a connected socket, which is its own from now on, or closed. `hello` and its memory are what a listener has
 * received; NULL for a dialer, to whom they come later. The memory's descriptor stays the caller's.
 */
via_status shm_pair_create(const shm_settings *settings, int socket, const shm_word *hello, int memory, void **channel,
                           via_error *error);
void shm_pair_close(void *channel, uint32_t how);
void shm_pair_interrupt(void *channel);

/* ---- pair_words.c: what the other end says over the socket -------------------------------------------------- */

/* Is it a hello that we can work with? Otherwise *why says why not. */
bool shm_pair_is_hello(const shm_word *word, int memory, const char **why);
via_status shm_pair_say_hello(shm_pair *pair, int memory);
/* Takes the other end's hello in. VIA_OK, VIA_EPROTO, VIA_ENOMEM. */
via_status shm_pair_meet(shm_pair *pair, const shm_word *hello, int memory);
/* Reads what there is, without waiting. Notices the other end's death. */
void shm_pair_listen(shm_pair *pair);
/* The other end is over: keeps why, and answers it. */
via_status shm_pair_end(shm_pair *pair, via_status status, const char *what);

/* ---- pair_wait.c -------------------------------------------------------------------------------------------- */

/* Something to wait for. `is_there` is asked again and again by the waiting thread, also after it has said yes. */
typedef struct shm_want {
    bool (*is_there)(shm_pair *pair, void *argument);
    void *argument;
    bool is_room; /* for a sender, otherwise a message for a receiver */
} shm_want;

/* VIA_OK: it is there. VIA_ETIMEDOUT, VIA_ECANCELED; VIA_ECLOSED, VIA_EPEER, VIA_EPROTO: and it never will be. */
via_status shm_pair_await(shm_pair *pair, const shm_want *want, via_deadline deadline);
/*
 * Why no room, or no message, will ever come again; VIA_OK: it may still. An end that has only finished sends no more, and
 * still reads.
 */
via_status shm_pair_end_of(shm_pair *pair, bool is_room);
/* Do we cross for both after a call? Not if each wait is a sleep: then our barrier would cost more than the other end's fence. */
bool shm_pair_crosses(const shm_pair *pair);
/*
 * Says what is to wake us; whoever has news from now on sees it. Look again before you sleep. False: perhaps nobody sees it, so do
 * not sleep for long.
 */
bool shm_pair_call(const shm_pair *pair, bool is_room, uint32_t how);
/* Wakes a reader or a writer at the other end, if it sleeps. */
void shm_pair_wake_reader(shm_pair *pair);
void shm_pair_wake_writer(shm_pair *pair);

/* ---- pair_send.c, pair_receive.c, pair_poll.c: the slots ---------------------------------------------------- */

via_status shm_pair_send(void *channel, const via_slice *slices, size_t count, const via_meta *meta,
                         via_deadline deadline);
via_status shm_pair_loan(void *channel, size_t size, via_deadline deadline, via_msg *message);
via_status shm_pair_commit(void *channel, via_msg *message, via_deadline deadline);
void shm_pair_discard(void *channel, via_msg *message);
via_status shm_pair_flush(void *channel, via_deadline deadline);
via_status shm_pair_finish(void *channel, via_deadline deadline);
via_status shm_pair_drain(void *channel, via_deadline deadline, uint64_t *undelivered);
/* Is there room for the next slot? Frees what has been given back. */
bool shm_pair_has_room(shm_pair *pair, void *ignored);
/* Is there memory for what did not fit the last time? Otherwise a free slot is no reason to try again. */
bool shm_pair_has_memory(shm_pair *pair);

via_status shm_pair_receive(void *channel, via_deadline deadline, via_msg *message);
void shm_pair_release(void *channel, via_msg *message);
bool shm_pair_has_message(shm_pair *pair, void *ignored);

via_status shm_pair_pollable(void *channel, uint32_t event, via_poll_handle *out);
via_status shm_pair_arm(void *channel, uint32_t event);
void shm_pair_init_bells(shm_pair *pair);
void shm_pair_drop_bells(shm_pair *pair);

#endif
