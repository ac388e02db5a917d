/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subscribing end of a topic.
 *
 * Owns: the state that the subscriber's files share. One thread has it, but for `wake`.
 */
#ifndef SHM_TOPIC_SUBSCRIBER_H
#define SHM_TOPIC_SUBSCRIBER_H

#include "channel.h"
#include "kit/pollset.h"
#include "kit/spin.h"
#include "kit/wake.h"
#include "meeting.h"
#include "topic_link.h"
#include "topic_redial.h"

typedef struct topic_subscriber_end {
    shm_channel base;
    shm_settings settings;
    char *filter; /* "" = everything */
    char path[108];
    via_wake wake;
    topic_link *links;   /* the next to be asked first; those that have hung up before all others */
    topic_link *over;    /* they wait for what is lent of them */
    via_pollset set;     /* sockets, the timer or the name, the interrupt */
    shm_meeting meeting; /* this side binds */
    bool is_full;        /* as many as may be */
    topic_redial redial; /* this side connects */
    via_spin spin;
    uint64_t looked_ns;      /* when the sockets were looked at last */
    uint32_t receives_to_go; /* until the sockets are looked at, though there are messages */
    bool has_gap;            /* the next message follows one that is missing */
    bool told_too_big;       /* that one was above max_message has been said */

    /* one of many publishers is followed beside others */
    topic_door door;      /* where they make themselves known; they find it beside our name */
    uint32_t joins;       /* on the board, when last seen */
    uint32_t idle_looks;  /* joins were announced, and nobody was there */
    uint64_t accepted_ns; /* when that was tried last, once it is rationed */
    uint64_t sequence;    /* of the newest message, counted here */
    uint64_t runner_up;   /* the ticket of the message after the next; UINT64_MAX = there is none */
} topic_subscriber_end;

/* ---- topic_subscriber.c: life -------------------------------------------------------------------------------- */

via_status topic_subscriber_create(const shm_settings *settings, const char *path, const via_open *open, void **channel,
                                   via_error *error);

/* ---- topic_follow.c: whom it follows ------------------------------------------------------------------------ */

/* Connects, once. VIA_OK, VIA_ENOPEER and others. */
via_status topic_subscriber_dial(topic_subscriber_end *end, via_error *error);
/* Without a door: waits for the publisher to answer. VIA_OK, VIA_ENOPEER. */
via_status topic_subscriber_await_hello(topic_subscriber_end *end, via_deadline deadline, via_error *error);
/* One of many: follows the publisher that serves `path`. It has the socket from then on. VIA_OK, VIA_EPEER and others. */
via_status topic_subscriber_meet(void *subscriber, int socket, const char *path, via_error *error);
/* Takes in the publishers that have connected. */
void topic_subscriber_accept(topic_subscriber_end *end);
/* Does what can be done now: reads sockets, dials, takes publishers in. */
void topic_subscriber_look(topic_subscriber_end *end);
/* A link has ended with `why`. VIA_EPEER: what it had committed is received first; others: it is forgotten. */
void topic_subscriber_lose(topic_subscriber_end *end, topic_link *link, via_status why);
/* A link that has hung up has nothing left. What is lent of it stays. */
void topic_subscriber_forget(topic_subscriber_end *end, topic_link *link);
/* Nothing is lent any more of a link that is over. */
void topic_subscriber_bury(topic_subscriber_end *end, topic_link *link);
void topic_subscriber_forget_all(topic_subscriber_end *end);
/* The others' turn comes first. */
void topic_subscriber_put_last(topic_subscriber_end *end, topic_link *link);

/* ---- topic_receive.c, topic_await.c: the slots -------------------------------------------------------------- */

via_status topic_subscriber_receive(void *channel, via_deadline deadline, via_msg *message);
void topic_subscriber_release(void *channel, via_msg *message);
/* A link with a message, or NULL. */
topic_link *topic_subscriber_find(topic_subscriber_end *end);
/* VIA_OK: look again. VIA_ETIMEDOUT, VIA_ECANCELED. */
via_status topic_subscriber_await(topic_subscriber_end *end, via_deadline deadline);
via_status topic_subscriber_pollable(void *channel, uint32_t event, via_poll_handle *out);
via_status topic_subscriber_arm(void *channel, uint32_t event);

#endif
