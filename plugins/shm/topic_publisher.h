/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The publishing end of a topic.
 *
 * Owns: the state that the publisher's files share. Everything but `wake` needs the lock, which keeps a sender and a waitset's
 * work apart; nobody sleeps with it.
 */
#ifndef SHM_TOPIC_PUBLISHER_H
#define SHM_TOPIC_PUBLISHER_H

#include "arena.h"
#include "channel.h"
#include "kit/pollset.h"
#include "kit/wake.h"
#include "letter.h"
#include "meeting.h"
#include "memfd.h"
#include "topic_door.h"
#include "topic_heads.h"
#include "topic_redial.h"
#include "topic_ring.h"
#include "topic_waker.h"

#include <pthread.h>

/* One who is attached, as the publisher sees it. */
typedef struct topic_subscriber {
    topic_head head;                       /* first: how far it is */
    int socket;                            /* hangs up when it dies */
    uint32_t number;                       /* unlike that of any other */
    bool knocks;                           /* it has the board */
    uint32_t answered;                     /* the call that was answered last */
    uint32_t rung;                         /* the same, by the waker: it answers no call but a bell's */
    shm_memory memory;                     /* its desk's */
    const topic_desk *desk;                /* NULL: its hello has not come */
    uint64_t start;                        /* position of its first message */
    uint32_t told[SHM_SEGMENTS];           /* serial numbers of the segments that it knows */
    struct topic_subscriber *next_sleeper; /* of those who knock; the waker's */
} topic_subscriber;

typedef struct topic_publisher {
    shm_channel base;
    shm_settings settings;
    char path[108];
    via_wake wake;
    pthread_mutex_t lock;

    /* what is published */
    shm_memory mine;
    int memory; /* its descriptor, for those who come */
    topic_writer writer;
    uint64_t sequence; /* of the newest message */
    uint64_t ticket;   /* the same, of one of many */
    shm_arena arena;
    shm_pool pool;
    int segments[SHM_SEGMENTS];  /* their descriptors, for those who come */
    bool all_know[SHM_SEGMENTS]; /* nobody has to be told of that one */
    bool owes_call;              /* VIA_MORE: published, and no sleeper looked for */
    bool starved;                /* the last attempt has failed for want of room */

    /* who is there */
    topic_heads heads;
    size_t deaf;      /* how many do not knock */
    size_t strangers; /* how many have not said hello yet */
    uint32_t last_number;
    uint64_t dropped; /* by those who have left, because they were too slow */
    topic_door door;
    uint32_t joins; /* on the board, when last seen */
    topic_seen calls;
    topic_waker waker;
    uint32_t idle_looks;  /* joins were announced, and nobody was there */
    uint64_t admitted_ns; /* when that was tried last, once it is rationed */
    uint64_t looked_ns;   /* when the sockets were looked at last */
    uint32_t sends_to_go; /* until the sockets are looked at */
    uint64_t spin_ns;

    /* how they come */
    via_pollset set;     /* the first epoll for work, the second for room */
    shm_meeting meeting; /* this side binds */
    bool is_full;        /* as many as may be */
    topic_redial redial; /* this side connects */
    int bell;            /* an eventfd in the second epoll: something was given back; -1 = nobody polls */
} topic_publisher;

/* ---- topic_publisher.c: life -------------------------------------------------------------------------------- */

via_status topic_publisher_create(const shm_settings *settings, const char *path, shm_porter *porter,
                                  const via_open *open, void **channel, via_error *error);

/* ---- topic_attach.c: who is there --------------------------------------------------------------------------- */

static inline topic_subscriber *topic_subscriber_at(const topic_publisher *publisher, size_t index)
{
    return (topic_subscriber *)(void *)publisher->heads.all[index];
}

/* Takes in who waits outside: to be called before anything is published. */
void topic_publisher_admit(topic_publisher *publisher);
/* Dials, once. VIA_OK, VIA_ENOPEER and others. */
via_status topic_publisher_dial(topic_publisher *publisher, via_error *error);
/* One of many: takes in a subscriber whose socket this is, whatever becomes of it. VIA_OK, VIA_EPEER and others. */
via_status topic_publisher_add(topic_publisher *publisher, int socket);
/* Does what can be done now: takes in, dials, notices who has left. Makes a few system calls. */
void topic_publisher_look(topic_publisher *publisher);
/* Reads the hellos that have come of those whom we have dialed: whoever sleeps has said so on the desk that comes with it. */
void topic_publisher_hear(topic_publisher *publisher);
/* Lets one go. */
void topic_publisher_drop(topic_publisher *publisher, topic_subscriber *who, const char *why);
/* Messages that subscribers have lost by being slow, all together. */
uint64_t topic_publisher_lost(const topic_publisher *publisher);
/* Everybody goes; the channel ends. */
void topic_publisher_drop_all(topic_publisher *publisher);
/* Has somebody connected? One load. */
static inline bool topic_publisher_is_visited(const topic_publisher *publisher)
{
    return publisher->door.board ? SHM_LOOK(&publisher->door.board->joins) != publisher->joins
                                 : publisher->meeting.acceptor != NULL;
}
/* The pool's: tells all who are there of a segment, and keeps its descriptor for those who come. */
via_status topic_publisher_tell(void *publisher, shm_word *word, int descriptor);
/* Tells those of the segment who do not know it. */
void topic_publisher_show(topic_publisher *publisher, const shm_segment *segment);

/* ---- topic_room.c: memory ----------------------------------------------------------------------------------- */

/* Can the oldest message be given up? */
bool topic_publisher_can_give_up(topic_publisher *publisher);
/*
 * Memory for a message. VIA_OK; VIA_ETIMEDOUT: none now; VIA_ENOMEM, VIA_ELIMIT, VIA_EIO. What was found so far is in
 * `place`, for another attempt or topic_publisher_return().
 */
via_status topic_publisher_find(topic_publisher *publisher, size_t size, shm_place *place);
via_status topic_publisher_find_texts(topic_publisher *publisher, size_t size, shm_place *place);
/* The same for a slot. */
via_status topic_publisher_find_slot(topic_publisher *publisher);
void topic_publisher_return(topic_publisher *publisher, const shm_place *place);

/* ---- topic_wait.c: waiting for the slowest, and waking those who sleep -------------------------------------- */

/* VIA_OK: try again. VIA_ETIMEDOUT, VIA_ECANCELED. */
via_status topic_publisher_wait(topic_publisher *publisher, via_deadline deadline);
/* After something was published: the few are woken, the many left to the waker. */
void topic_publisher_call_up(topic_publisher *publisher);
/* All are, now. */
void topic_publisher_call_up_all(topic_publisher *publisher);
/* What one wants to be woken by, or 0. A call is answered once by each who answers, the publisher and the waker. */
uint32_t topic_publisher_call_of(const topic_subscriber *who, uint32_t *answered);
/* Is it likely that a message has room? */
bool topic_publisher_is_ready(topic_publisher *publisher);
via_status topic_publisher_pollable(void *channel, uint32_t event, via_poll_handle *out);
via_status topic_publisher_arm(void *channel, uint32_t event);

/* ---- topic_publish.c: the slots of sending ------------------------------------------------------------------ */

via_status topic_publisher_send(void *channel, const via_slice *slices, size_t count, const via_meta *meta,
                                via_deadline deadline);
via_status topic_publisher_loan(void *channel, size_t size, via_deadline deadline, via_msg *message);
via_status topic_publisher_commit(void *channel, via_msg *message, via_deadline deadline);
void topic_publisher_discard(void *channel, via_msg *message);
via_status topic_publisher_flush(void *channel, via_deadline deadline);

#endif
