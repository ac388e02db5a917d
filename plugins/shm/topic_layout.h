/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies in shared memory between a publisher and its subscribers.
 *
 * Owns: the layout, version 1. The publisher's memory is laid out as an end of a pair is (layout.h): two lines of control, slots,
 * arena. A subscriber has one page, its desk. Each is sealed against everybody else's writing. The board is the one exception, and
 * holds nothing that is believed: counters that say that it is time to look.
 *
 *   publisher   0                    128                        + slots * 128                    + ring
 *               | topic_control      | topic_slot[slots]        | arena                          |
 *
 * One of many publishers has a ticket for each slot, between the slots and the arena: the time of its publication.
 */
#ifndef SHM_TOPIC_LAYOUT_H
#define SHM_TOPIC_LAYOUT_H

#include "layout.h"

#include <stdbool.h>

/* Of a stamp: its message has been given up, and its memory is written again. */
#define TOPIC_GONE (UINT64_C(1) << 63)

/* One message. The stamp is its position plus one; `sequence` counts those that were dropped before they got one, too. */
typedef struct topic_slot {
    shm_word64 stamp;
    shm_word64 sequence;
    shm_letter letter;
    unsigned char bytes[SHM_SLOT_BYTES];
} topic_slot;

/* Written by the publisher. */
typedef struct topic_control {
    alignas(SHM_LINE) shm_word64 tail;       /* messages published so far; for whoever has lost its place */
    shm_word64 oldest;                       /* position of the oldest message that is still whole */
    alignas(SHM_LINE) shm_word32 write_call; /* the publisher sleeps until a subscriber gives back */
    shm_word32 waits_for;                    /* that subscriber's number */
    shm_word32 ended;
    shm_word32 news; /* changes when sleeping subscribers are woken: the word they sleep on */
} topic_control;

/* Written by one subscriber. */
typedef struct topic_desk {
    alignas(SHM_LINE) shm_word64 head;      /* position before which everything has been given back */
    shm_word64 missed;                      /* messages that were given up before they were received */
    alignas(SHM_LINE) shm_word32 read_call; /* the subscriber sleeps until something is published */
    shm_word32 given;                       /* changes when a sleeping publisher is woken: the word it sleeps on */
} topic_desk;

/* Written by all who may attach: see topic_door.h. */
typedef struct topic_board {
    uint64_t token[2];
    alignas(SHM_LINE) shm_word32 joins;   /* somebody has connected */
    alignas(SHM_LINE) shm_word32 calls;   /* somebody has written a call */
    shm_word32 bells;                     /* and wants to be rung, not woken; changes first */
    alignas(SHM_LINE) shm_word32 answers; /* somebody has been let in */
} topic_board;

/* Bytes before the arena; without tickets as of a pair, too. */
static inline size_t topic_head_size(uint32_t slots, bool has_tickets)
{
    return shm_head_size(slots) + (has_tickets ? slots * sizeof(uint64_t) : 0);
}

#ifndef SHM_MODEL
_Static_assert(sizeof(topic_slot) == SHM_SLOT_SIZE, "a slot is two lines");
_Static_assert(sizeof(topic_control) <= SHM_SLOTS_AT, "control is two lines");
_Static_assert(sizeof(topic_desk) <= SHM_PAGE, "a desk is a page");
#endif

#endif
