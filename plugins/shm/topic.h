/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking part in a topic.
 *
 * Owns: what a publisher and a subscriber say to each other in their hellos.
 */
#ifndef SHM_TOPIC_H
#define SHM_TOPIC_H

#include "porter.h"
#include "words.h"

/* shm_word.flags of a hello, beside SHM_HUGE */
enum {
    TOPIC_PUBLISHES = 0x100u, /* it is a publisher's: serial is the subscriber's number, and from, sequence are set */
    TOPIC_LOSSY = 0x200u,     /* that publisher waits for nobody */
    TOPIC_KNOCKS = 0x400u,    /* it is a subscriber's, and that has the board */
    TOPIC_TICKETS = 0x800u    /* that publisher is one of many, and numbers its messages by time */
};

/* Binds or connects, and publishes or subscribes. */
via_status topic_join(const via_host_api *host, shm_porter *porter, const via_open *open, void **channel,
                      via_error *error);

/* Hellos that we can work with; otherwise *why says why not. */
bool topic_is_subscriber(const shm_word *word, int memory, const char **why);
bool topic_is_publisher(const shm_word *word, int memory, const char **why);

#endif
