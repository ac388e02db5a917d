/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The algorithm: one writer, one reader, a slot for each message, and calls that wake a sleeper.
 *
 * Owns: the order in which shared words are written and read, and every check of a word that the other end wrote. It moves
 * no bytes, makes no system call and keeps no time. A model checker runs this file as it is.
 *
 * A slot is published by its own stamp, so a small message crosses in one transfer. Positions count from 0 and wrap at
 * 2^32; a slot of an earlier round has another stamp, since the number of slots is a power of two and far smaller.
 */
#ifndef SHM_RING_H
#define SHM_RING_H

#include "layout.h"

#include <stdbool.h>

/* The writing end. `theirs` is NULL until the other end is known: until then nothing has been given back. */
typedef struct shm_writer {
    shm_slot *slots;
    const shm_control *ours; /* what our reading end has given back */
    const shm_control *theirs;
    const shm_word32 *heard; /* how many were given back, as our reading end was told with a message */
    uint32_t mask;
    uint32_t tail;     /* position of the next message */
    uint32_t head;     /* how many were given back, when last looked */
    uint32_t answered; /* the call that was answered last */
    uint32_t judged;   /* what of `heard` was looked at last: after 2^32 messages it would look new again */
} shm_writer;

/* The reading end. */
typedef struct shm_reader {
    const shm_slot *slots;
    shm_control *ours;
    const shm_control *theirs;
    shm_word32 *heard;    /* for our writing end */
    uint64_t *given_back; /* which messages after `head` have been given back, a bit a slot; nobody else's business */
    uint32_t mask;
    uint32_t next; /* position of the next message */
    uint32_t head; /* as published in ours->head */
    uint32_t answered;
} shm_reader;

/* ---- writing ------------------------------------------------------------------------------------------------ */

/* The slot of the next message. Only with room. */
static inline shm_slot *shm_writer_slot(const shm_writer *writer)
{
    return &writer->slots[writer->tail & writer->mask];
}

static inline bool shm_writer_has_room(const shm_writer *writer)
{
    return writer->tail - writer->head <= writer->mask;
}

/*
 * Looks how far the reader is. False: it claims to have given back what was never sent. The caller frees what the
 * positions from the old head to the new one held.
 */
static inline bool shm_writer_look(const shm_writer *writer, uint32_t *head)
{
    *head = writer->theirs ? SHM_LOOK(&writer->theirs->head) : writer->head;
    return *head - writer->head <= writer->tail - writer->head;
}

/* The same, as we were told with a message. False: nothing new, or nonsense. Needs no line of the other end's. */
static inline bool shm_writer_hear(shm_writer *writer, uint32_t *head)
{
    *head = SHM_LOOK(writer->heard);
    if (*head == writer->judged)
        return false;
    writer->judged = *head;
    return *head - writer->head <= writer->tail - writer->head;
}

/* Says with the message of that slot how many of the other end's have been given back. */
static inline void shm_writer_tell(const shm_writer *writer)
{
    SHM_PUT(&shm_writer_slot(writer)->given, SHM_LOOK(&writer->ours->head));
}

static inline void shm_writer_publish(shm_writer *writer)
{
    shm_writer_tell(writer);
    SHM_PUBLISH(&shm_writer_slot(writer)->stamp, writer->tail + 1);
    writer->tail++;
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

static inline const shm_slot *shm_reader_slot(const shm_reader *reader)
{
    return &reader->slots[reader->next & reader->mask];
}

static inline bool shm_reader_has_message(const shm_reader *reader)
{
    return SHM_LOOK(&shm_reader_slot(reader)->stamp) == reader->next + 1;
}

/* What the message says of those that our writing end has sent. */
static inline void shm_reader_hear(const shm_reader *reader)
{
    uint32_t given = SHM_GET(&shm_reader_slot(reader)->given);

    if (given != SHM_GET(reader->heard))
        SHM_PUBLISH(reader->heard, given);
}

static inline uint64_t *shm_reader_flags(const shm_reader *reader, uint32_t position)
{
    return &reader->given_back[(position & reader->mask) / 64];
}

/* Gives a message back. Those after it may have been given back before; the head moves over all that have. */
static inline void shm_reader_give_back(shm_reader *reader, uint32_t position)
{
    uint32_t head = reader->head;

    if (position != head) {
        *shm_reader_flags(reader, position) |= UINT64_C(1) << (position & reader->mask & 63);
        return;
    }
    head++;
    while (head != reader->next) {
        uint64_t *flags = shm_reader_flags(reader, head), flag = UINT64_C(1) << (head & reader->mask & 63);
        if (!(*flags & flag))
            break;
        *flags &= ~flag;
        head++;
    }
    reader->head = head;
    SHM_PUBLISH(&reader->ours->head, head);
}

/* ---- calls -------------------------------------------------------------------------------------------------- */

/*
 * A sleeper writes its call, then looks again before it sleeps; the other end writes its news, then looks for a call.
 * One of the two sees the other. A call is answered once, however many news there are.
 */
static inline void shm_call(shm_word32 *call, uint32_t how)
{
    SHM_PUT(call, ((SHM_GET(call) & ~SHM_CALL_ANY) + SHM_CALL_STEP) | how);
    SHM_CROSS();
}

/* Nobody sleeps on the futex any more. The bell is for somebody else, who may still sleep. */
static inline void shm_call_off(shm_word32 *call)
{
    uint32_t now = SHM_GET(call);

    if (now & SHM_CALL_FUTEX)
        SHM_PUT(call, now & ~SHM_CALL_FUTEX);
}

static inline uint32_t shm_unanswered(const shm_word32 *call, uint32_t *answered)
{
    uint32_t now = SHM_GET(call);

    if (!(now & SHM_CALL_ANY) || now == *answered)
        return 0;
    *answered = now;
    return now & SHM_CALL_ANY;
}

/* After news: what the other end wants to be woken by, or 0. */
static inline uint32_t shm_called(const shm_word32 *call, uint32_t *answered)
{
    SHM_CROSS();
    return shm_unanswered(call, answered);
}

/* The same, where the other end makes both of us cross after it has called (barrier.h). */
static inline uint32_t shm_called_across(const shm_word32 *call, uint32_t *answered)
{
    SHM_CROSS_HERE();
    return shm_unanswered(call, answered);
}

#endif
