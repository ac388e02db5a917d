/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One publisher, as a subscriber sees it.
 *
 * Owns: its socket and memory, the desk that is written for it, and where reading is. Must never know of other links, nor wait.
 */
#ifndef SHM_TOPIC_LINK_H
#define SHM_TOPIC_LINK_H

#include "letter.h"
#include "memfd.h"
#include "settings.h"
#include "topic_door.h"
#include "topic_ring.h"
#include "words.h"

typedef struct topic_link {
    struct topic_link *next;
    int socket; /* -1 = it has hung up: what it had committed is received, and then it is over */
    topic_door door;
    shm_memory memory; /* of the desk */
    topic_desk *desk;
    size_t lent;                                 /* messages that are out; the memory stays as long */
    bool is_over;                                /* it stays for those only */
    char refusal[sizeof(((shm_word *)0)->text)]; /* why we are not let in; "" = nothing was said */

    /* once its hello has come */
    shm_memory theirs;
    const topic_control *control; /* NULL: it has not */
    topic_reader reader;
    shm_sender sender;
    shm_views views;
    bool is_lossy;     /* it waits for nobody: whatever is received is copied */
    bool is_hurried;   /* lapped while copying */
    uint32_t number;   /* ours, of its subscribers */
    uint32_t answered; /* the call that was answered last */
    uint64_t head;     /* as published on the desk */
    uint64_t *given;   /* which messages after `head` have been given back, a bit a slot */
    uint64_t sequence; /* of the next message, if none is missing */

    /* one of many: see topic_merge.c */
    uint32_t answers;    /* on its board, when last seen */
    uint64_t floor;      /* no message to come has a lower ticket */
    uint64_t mark;       /* the ticket of a message that waits, ... */
    uint64_t mark_until; /* ... while this one's are received up to here; 0 = none does */
} topic_link;

/* The socket is its own from now on, or closed. `knocks`: look for a door at `path`. NULL: no memory, with errno. */
topic_link *topic_link_create(int socket, const char *path);
/* Only with nothing lent, or when nothing of it will be released. */
void topic_link_destroy(topic_link *link);
/* Hangs up; what it had committed can still be received. */
void topic_link_hang_up(topic_link *link);
/* Says that we are here, then knocks. VIA_OK, VIA_EPEER, VIA_EIO and others. */
via_status topic_link_say_hello(topic_link *link, const shm_settings *settings);
/* Takes the publisher's hello in. The descriptor stays the caller's. VIA_OK, VIA_EPROTO, VIA_ENOMEM. */
via_status topic_link_meet(topic_link *link, const shm_settings *settings, const shm_word *hello, int memory);
/* Reads its socket. VIA_OK: it lives; VIA_EPEER; VIA_EPROTO; VIA_ENOMEM, VIA_ELIMIT: it has to go. */
via_status topic_link_listen(topic_link *link, const shm_settings *settings);

/* Is there a message? Goes on past what was lost. VIA_OK, VIA_ETIMEDOUT, VIA_EPROTO. */
via_status topic_link_look(topic_link *link);
/*
 * Copies and checks the message that is there. VIA_OK; VIA_ETIMEDOUT: it was lost meanwhile; VIA_ETOOBIG: it is larger than
 * we take; VIA_EPROTO.
 */
via_status topic_link_read(topic_link *link, const shm_settings *settings, shm_reading *reading);
/* Is what was read still the message? False: it was lost. */
bool topic_link_holds(topic_link *link);
/* Done with the next message, whose bytes are not needed any more (`given_back`), or still lent. Counts gaps; how many. */
uint64_t topic_link_advance(topic_link *link, uint64_t sequence, bool given_back);
/* Gives a lent message back. */
void topic_link_give_back(topic_link *link, uint64_t position);

#endif
