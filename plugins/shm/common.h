/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all members of a value or a region share: a robust lock, a generation with its sleepers, a directory of values.
 *
 * Owns: the layout of the first page, version 1, the order in which its words are written and read, and every check of the
 * directory. It moves no bytes, makes no system call and keeps no time. A model checker runs this file as it is.
 *
 * Every member can write every word, at any time: what is read is copied once and checked, and nonsense never is an address.
 */
#ifndef SHM_COMMON_H
#define SHM_COMMON_H

#include "layout.h"

#include <stdbool.h>

/* More than two, so that a slow reader of the newest value has the time of three writes before it is overwritten. */
#ifndef SHM_MODEL
enum { SHM_ENTRIES = 4 };
#else
enum { SHM_ENTRIES = 2 }; /* so that a few writes overwrite what is being read */
#endif

/* One value. `stamp` is its generation, or 0 while it is being written. Who writes holds the lock. */
typedef struct shm_entry {
    alignas(SHM_LINE) shm_word64 stamp;
    shm_word64 place; /* of the memory that is this entry's: key and type, each with its NUL, then the bytes */
    shm_word64 room;  /* how much of it there is */
    shm_word64 size;  /* of the bytes */
    shm_word32 key_size;
    shm_word32 type_size;
    shm_word32 priority;
} shm_entry;

typedef struct shm_common {
    alignas(SHM_LINE) shm_word64 owner;  /* of the lock: SHM_OWNER and flags; 0 = nobody */
    shm_word32 turn;                     /* changes when the lock is given to a sleeper */
    alignas(SHM_LINE) shm_word64 latest; /* generation of the newest value, or of the last notice */
    shm_word32 call;                     /* SHM_CALL_FUTEX, SHM_CALL_BELL: somebody sleeps until there is a later one */
    shm_word32 news;                     /* changes when they are woken */
    alignas(SHM_LINE) shm_word64 end;    /* value: where unused memory begins; region: its agreed size in bytes */
    alignas(SHM_LINE) shm_word64 taken;  /* generation of the last value that another than its writer has received */
    shm_entry entries[SHM_ENTRIES];
} shm_common;

#ifndef SHM_MODEL
_Static_assert(sizeof(shm_common) <= SHM_PAGE, "it is the first page");
#endif

/* ---- the lock ----------------------------------------------------------------------------------------------- */

/*
 * The word names its owner (place and serial number of the roster), so that a death is proven by looking, and one exchange
 * hands the lock of a dead owner on. DIRTY stays, whoever owns it, until somebody says that all is in order again.
 */
#define SHM_LOCK_WAITED (UINT64_C(1) << 63)
#define SHM_LOCK_DIRTY (UINT64_C(1) << 62)
#define SHM_LOCK_OWNER ((UINT64_C(1) << 62) - 1)

/* False: somebody has it. `waited`: we slept for it, so others may do. */
static inline bool shm_lock_try(shm_word64 *word, uint64_t self, bool waited)
{
    uint64_t now = SHM_GET(word);

    while (!(now & SHM_LOCK_OWNER)) {
        if (SHM_TAKE_IF(word, &now, now | self | (waited ? SHM_LOCK_WAITED : 0)))
            return true;
    }
    return false;
}

/*
 * Takes the lock over from an owner who is known to be dead; `seen` is the word as it was then. It needs no order of its own: who
 * has been told of a death by the kernel sees what the dead wrote.
 */
static inline bool shm_lock_inherit(shm_word64 *word, uint64_t seen, uint64_t self)
{
    return SHM_NOTE_IF(word, &seen, self | SHM_LOCK_DIRTY | SHM_LOCK_WAITED);
}

/* Before a sleep: so that whoever gives the lock wakes us. False: it has changed meanwhile. */
static inline bool shm_lock_wait(shm_word64 *word)
{
    uint64_t now = SHM_GET(word);

    if (!(now & SHM_LOCK_OWNER))
        return false;
    return (now & SHM_LOCK_WAITED) || SHM_NOTE_IF(word, &now, now | SHM_LOCK_WAITED);
}

/* False: it was not ours. *waited: somebody may sleep for it. */
static inline bool shm_lock_give(shm_word64 *word, uint64_t self, bool *waited)
{
    uint64_t now = SHM_GET(word);

    while ((now & SHM_LOCK_OWNER) == self) {
        *waited = now & SHM_LOCK_WAITED;
        if (SHM_GIVE_IF(word, &now, now & SHM_LOCK_DIRTY))
            return true;
    }
    return false;
}

/* After it was given to one who may sleep: whoever sees the new turn sees that it was given, and does not sleep on. */
static inline void shm_lock_pass(shm_word32 *turn)
{
    SHM_BEFORE();
    (void)SHM_ADD(turn, 1u);
}

/* The owner's word that all is in order. */
static inline void shm_lock_clean(shm_word64 *word)
{
    uint64_t now = SHM_GET(word);

    while ((now & SHM_LOCK_DIRTY) && !SHM_NOTE_IF(word, &now, now & ~SHM_LOCK_DIRTY))
        ;
}

/* ---- sleepers ----------------------------------------------------------------------------------------------- */

/*
 * A sleeper reads `news`, calls, then looks again before it sleeps; who has news writes it, then looks for a call. One of
 * the two sees the other. All who called are woken at once, and call again.
 */
static inline void shm_common_call(shm_common *common, uint32_t how)
{
    SHM_SET(&common->call, how);
    SHM_CROSS();
}

/* After news: how those who sleep want to be woken; 0 = nobody does. */
static inline uint32_t shm_common_called(shm_common *common)
{
    SHM_CROSS();
    return SHM_GET(&common->call) ? SHM_SWAP(&common->call, 0u) : 0;
}

/* ---- values ------------------------------------------------------------------------------------------------- */

static inline shm_entry *shm_value_entry(shm_common *common, uint64_t generation)
{
    return &common->entries[generation % SHM_ENTRIES];
}

/* With the lock held: what is written from now on is not seen under the old stamp. */
static inline void shm_value_begin(shm_entry *entry)
{
    SHM_PUT(&entry->stamp, UINT64_C(0));
    SHM_BEFORE();
}

static inline void shm_value_publish(shm_common *common, shm_entry *entry, uint64_t generation)
{
    SHM_PUBLISH(&entry->stamp, generation);
    SHM_PUT(&common->latest, generation);
}

/* Is the value of that generation there? Then it may be read, and believed if shm_value_is_whole() says so afterwards. */
static inline bool shm_value_is_there(const shm_entry *entry, uint64_t generation)
{
    return SHM_LOOK(&entry->stamp) == generation;
}

static inline bool shm_value_is_whole(const shm_entry *entry, uint64_t generation)
{
    SHM_AFTER();
    return SHM_GET(&entry->stamp) == generation;
}

/* ---- notices ------------------------------------------------------------------------------------------------ */

/* Whoever sees the notice sees what was written before it. Several may post at once. */
static inline void shm_notice_post(shm_common *common)
{
    SHM_BEFORE();
    (void)SHM_ADD(&common->latest, UINT64_C(1));
}

static inline uint64_t shm_notice_look(const shm_common *common)
{
    return SHM_LOOK(&common->latest);
}

#endif
