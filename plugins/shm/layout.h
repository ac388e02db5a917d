/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies in shared memory: the half of a channel that one process writes, and the other only reads.
 *
 * Owns: the layout, version 1. Each process makes one memory of its own, sealed against shrinking, growing and the other
 * end's writing: two lines of control, the slots of what it sends, the arena that larger messages are written in. So every
 * word has one writer, and the worst that the other end can do is to write nonsense into its own half. Control and the first
 * slots share a page: what is mapped and looked at costs more than what is moved when a channel is opened for one message.
 *
 *   0                    128                        + slots * 128                    + ring
 *   | shm_control        | shm_slot[slots]          | arena                          |
 */
#ifndef SHM_LAYOUT_H
#define SHM_LAYOUT_H

#include "atomics.h"

#include <stdalign.h>
#include <stddef.h>

enum {
    SHM_LINE = 64,
    SHM_PAGE = 4096,
    SHM_SLOTS_AT = 128,
    SHM_SLOT_SIZE = 128, /* two lines, which the processor fetches as one pair */
    SHM_SLOT_HEAD = 48,
    SHM_SLOT_BYTES = SHM_SLOT_SIZE - SHM_SLOT_HEAD, /* of a message that travels in its slot */
    SHM_SLOTS_MAX = 16384
};

/* shm_letter.kind: where the bytes are */
enum { SHM_IN_SLOT = 1, SHM_IN_ARENA = 2, SHM_IN_SEGMENT = 3 };

/* What a slot says of its message. */
typedef struct shm_letter {
    shm_plain64 size;
    uint32_t place;       /* offset in the arena */
    uint32_t texts_place; /* the same, unless texts_in_slot */
    uint32_t segment;     /* serial number */
    int32_t priority;
    uint16_t key_size; /* with the NUL; 0 = none */
    uint16_t type_size;
    uint8_t kind;
    uint8_t texts_in_slot; /* key and type are in `bytes`, after a message that is there too */
    uint16_t reserved;
} shm_letter;

/*
 * One message. `stamp` is written last: the position of the message plus one. `given` says by the way how many of the other end's
 * messages have been given back: who gets an answer need not ask the line that counts them.
 */
typedef struct shm_slot {
    shm_word32 stamp;
    shm_word32 given;
    uint32_t reserved[2];
    shm_letter letter;
    unsigned char bytes[SHM_SLOT_BYTES];
} shm_slot;

/* shm_control.*_call: bits of what a sleeper wants; the rest counts, so that each call is answered once */
#define SHM_CALL_FUTEX 1u
#define SHM_CALL_BELL 2u
#define SHM_CALL_ANY 3u
#define SHM_CALL_STEP 4u

/* shm_control.ended */
#define SHM_FINISHED 1u
#define SHM_GOODBYE 2u

/* Bytes before the arena. */
static inline size_t shm_head_size(uint32_t slots)
{
    return SHM_SLOTS_AT + (size_t)slots * SHM_SLOT_SIZE;
}

typedef struct shm_control {
    alignas(SHM_LINE)
        shm_word32 head; /* how many of the other end's messages have been given back, all before included */
    alignas(SHM_LINE) shm_word32 read_call; /* we sleep until the other end publishes */
    shm_word32 write_call;                  /* we sleep until the other end gives back */
    shm_word32 ended;
    shm_word32 published; /* changes when a sleeping reader is woken: the word it sleeps on */
    shm_word32 given;     /* the same for a sleeping writer */
} shm_control;

#ifndef SHM_MODEL
_Static_assert(sizeof(shm_letter) == 32, "nothing is left out");
_Static_assert(sizeof(shm_slot) == SHM_SLOT_SIZE, "a slot is two lines");
_Static_assert(offsetof(shm_slot, bytes) == SHM_SLOT_HEAD, "the head of a slot");
_Static_assert(sizeof(shm_control) <= SHM_SLOTS_AT, "control is two lines");
#endif

#endif
