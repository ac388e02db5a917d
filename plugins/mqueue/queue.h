/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One member of a queue.
 *
 * Owns: the queue of the kernel, which all members have open and which outlives each of them, and what has to be done by whoever
 * leaves. The owner of the name is binder.c's, who looks for one member.c's; who opens a queue of strangers, plain.c's.
 */
#ifndef MQUEUE_QUEUE_H
#define MQUEUE_QUEUE_H

#include "channel.h"
#include "kit/acceptor.h"
#include "kit/unix_name.h"
#include "members.h"

#include <pthread.h>

typedef struct mqueue_queue mqueue_queue;
typedef struct mqueue_guest mqueue_guest;

/* What a kind of member does in its own way. */
typedef struct mqueue_kind {
    via_status (*open)(mqueue_queue *queue, via_error *error);
    void (*look)(mqueue_queue *queue);                /* under the lock */
    void (*close)(mqueue_queue *queue, uint32_t how); /* also after a failed open */
    bool owns;
} mqueue_kind;

struct mqueue_queue {
    mqueue_channel base; /* first */
    const mqueue_kind *kind;
    mqueue_place place;
    mqueue_members members;
    bool is_open;         /* joining went well to its end */
    pthread_mutex_t lock; /* of all below */
    via_pollset set;      /* the first for sleepers, the second for those who poll */
    /* binder.c */
    via_unix_name name;
    via_acceptor *acceptor;
    mqueue_guest *guests;
    size_t guest_count;
    size_t receiver_count;
    /* member.c, plain.c */
    int socket;
    int timer;
    via_deadline look_at; /* when to look for an owner; 0 = not at all */
    uint64_t pause_ns;
    uint64_t met_at;
};

/* A transport's join slot, once the settings are read. */
via_status mqueue_queue_join(const mqueue_settings *settings, const via_open *open, void **channel, via_error *error);

/* The queue that this member sends to or receives from, and how it opens it. */
mqueue_kernel *mqueue_queue_kernel(mqueue_queue *queue);
int mqueue_queue_access(const mqueue_queue *queue);
/* Counts what dead members left unfinished, and removes it. */
void mqueue_queue_sweep(mqueue_queue *queue, bool all);
/* Shows in the set at `at`; 0 = not. Makes the timer if there is none. */
void mqueue_queue_wake_at(mqueue_queue *queue, via_deadline at);

extern const mqueue_kind mqueue_binder;
extern const mqueue_kind mqueue_member;
extern const mqueue_kind mqueue_plain;

#endif
