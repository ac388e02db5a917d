/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The algorithm of a topic: one writer, any number of readers that it never hears of unless it waits for them.
 *
 * Owns: the order in which shared words are written and read. It moves no bytes, makes no system call and keeps no time. A
 * model checker runs this file as it is.
 *
 * The writer keeps the newest messages whole, from `oldest` to `tail`. Before any memory of the oldest is written again it
 * gives that message up, by marking its stamp. A reader of a writer that waits for it reads in place, since what it has not
 * given back is not given up. A reader of one that does not wait copies, then looks at the stamp again: if that has changed, the
 * copy may be anything, and the reader has been lapped. Positions have 64 bits and never wrap.
 */
#ifndef SHM_TOPIC_RING_H
#define SHM_TOPIC_RING_H

#include "topic_layout.h"

#include <stdbool.h>

typedef struct topic_writer {
    topic_slot *slots;
    topic_control *ours;
    uint64_t mask;
    uint64_t tail;       /* position of the next message */
    uint64_t oldest;     /* of the oldest that is whole */
    shm_word64 *tickets; /* a slot's each; NULL: it is the only writer */
} topic_writer;

typedef struct topic_reader {
    const topic_slot *slots;
    const topic_control *theirs;
    uint64_t mask;
    uint64_t next; /* position of the next message */
    const shm_word64 *tickets;
} topic_reader;

/* ---- writing ------------------------------------------------------------------------------------------------ */

static inline topic_slot *topic_writer_slot(const topic_writer *writer, uint64_t position)
{
    return &writer->slots[position & writer->mask];
}

static inline bool topic_writer_has_room(const topic_writer *writer)
{
    return writer->tail - writer->oldest <= writer->mask;
}

/* Gives the oldest message up. From then on its memory may be written. */
static inline void topic_writer_give_up(topic_writer *writer)
{
    shm_word64 *stamp = &topic_writer_slot(writer, writer->oldest)->stamp;

    writer->oldest++;
    SHM_PUBLISH(&writer->ours->oldest, writer->oldest);
    SHM_PUBLISH(stamp, writer->oldest | TOPIC_GONE);
    SHM_BEFORE();
}

/*
 * The next message is younger than all that this writer knows of when it takes `ticket`: whoever has read it, and publishes
 * then, takes a higher one. To be called before the message is published.
 */
static inline void topic_writer_number(topic_writer *writer, uint64_t ticket)
{
    SHM_PUT(&writer->tickets[writer->tail & writer->mask], ticket);
}

/* The slot of `tail` is written. */
static inline void topic_writer_publish(topic_writer *writer)
{
    shm_word64 *stamp = &topic_writer_slot(writer, writer->tail)->stamp;

    writer->tail++;
    SHM_PUT(&writer->ours->tail, writer->tail);
    SHM_PUBLISH(stamp, writer->tail);
}

/* How far a reader is; 0 on its desk: it has not begun. False: that cannot be, after where it was seen last. */
static inline bool topic_writer_look(const topic_writer *writer, const topic_desk *desk, uint64_t *head)
{
    uint64_t now = SHM_LOOK(&desk->head);

    if (now == 0)
        return true;
    if (now - *head > writer->tail - *head)
        return false;
    *head = now;
    return true;
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

typedef enum topic_found { TOPIC_NOT_YET, TOPIC_THERE, TOPIC_LAPPED } topic_found;

static inline const topic_slot *topic_reader_slot(const topic_reader *reader)
{
    return &reader->slots[reader->next & reader->mask];
}

static inline topic_found topic_reader_look(const topic_reader *reader)
{
    uint64_t stamp = SHM_LOOK(&topic_reader_slot(reader)->stamp);

    if (stamp == reader->next + 1)
        return TOPIC_THERE;
    return (stamp & ~TOPIC_GONE) > reader->next ? TOPIC_LAPPED : TOPIC_NOT_YET;
}

/* Of a message that is there. If it has been lapped meanwhile, of another. */
static inline uint64_t topic_reader_ticket(const topic_reader *reader)
{
    return SHM_GET(&reader->tickets[reader->next & reader->mask]);
}

/* After copying: is what was copied the message? */
static inline bool topic_reader_holds(const topic_reader *reader)
{
    SHM_AFTER();
    return SHM_GET(&topic_reader_slot(reader)->stamp) == reader->next + 1;
}

/*
 * After being lapped: goes on at the oldest message that is whole, or `hurried` a quarter of the ring after it, since the
 * oldest is the first to be given up. False: the writer says what cannot be.
 */
static inline bool topic_reader_jump(topic_reader *reader, bool hurried)
{
    uint64_t oldest = SHM_LOOK(&reader->theirs->oldest), tail = SHM_GET(&reader->theirs->tail);
    uint64_t whole = tail - oldest;

    if (oldest <= reader->next || tail < oldest)
        return false;
    reader->next = oldest + (hurried ? (whole < reader->mask ? whole : reader->mask) / 4 : 0);
    return true;
}

/* Gives everything before `head` back. */
static inline void topic_reader_give_back(topic_desk *desk, uint64_t head)
{
    SHM_PUBLISH(&desk->head, head);
}

/* ---- calls -------------------------------------------------------------------------------------------------- */

/*
 * As shm_call(), of one reader among many: with a board, the writer looks at one counter instead of at every desk. Whoever looks
 * after the counter has changed sees the call.
 */
static inline void topic_call(shm_word32 *call, topic_board *board, uint32_t how)
{
    SHM_PUT(call, ((SHM_GET(call) & ~SHM_CALL_ANY) + SHM_CALL_STEP) | how);
    if (board) {
        if (how & SHM_CALL_BELL)
            SHM_BUMP(&board->bells); /* with an order of its own: it may be seen before `calls` is */
        SHM_BUMP(&board->calls);
    }
    SHM_CROSS();
}

/* What a writer has seen of the board. */
typedef struct topic_seen {
    uint32_t calls, bells;
} topic_seen;

/* After news: how those sleep who have written a call since, or 0. */
static inline uint32_t topic_knocked(const topic_board *board, topic_seen *seen)
{
    topic_seen before = *seen;

    SHM_CROSS();
    seen->calls = SHM_LOOK(&board->calls);
    if (seen->calls == before.calls)
        return 0;
    seen->bells = SHM_LOOK(&board->bells);
    return seen->bells == before.bells ? SHM_CALL_FUTEX : SHM_CALL_ANY;
}

/* Leaves those who sleep that way to another thread. True: it has to be told. */
static inline bool topic_hand_over(shm_word32 *asked, uint32_t how)
{
    SHM_BEFORE();
    return SHM_SET(asked, how) == 0;
}

/* What has been left to us. Who had called by then is seen. */
static inline uint32_t topic_take_over(shm_word32 *asked)
{
    uint32_t how = SHM_SWAP(asked, 0);

    SHM_AFTER();
    return how;
}

#endif
