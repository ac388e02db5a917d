/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has a queue open: so that whoever leaves last removes it, and nobody sooner.
 *
 * Owns: the file PATH.members with a shared lock of each member (open file description locks, fcntl(2)), which the kernel takes
 * off whoever dies. Who gets the lock for himself alone knows that nobody else has the queue. The file says which queue was made
 * by us. Nothing here waits.
 */
#ifndef MQUEUE_MEMBERS_H
#define MQUEUE_MEMBERS_H

#include "place.h"

#include <sys/types.h>

typedef struct mqueue_members {
    int descriptor; /* -1 = no member */
    char path[MQUEUE_PATH_MAX + 16];
} mqueue_members;

/* What the file says. */
typedef struct mqueue_note {
    ino_t made;   /* the inode of the queue that an owner made; 0 = none */
    bool is_left; /* its owner has closed, and did not die: nobody waits for what is in it */
} mqueue_note;

void mqueue_members_init(mqueue_members *members, const mqueue_place *place);
/*
 * The owner becomes a member. *is_alone: nobody else is one, nor becomes one before mqueue_members_note(). *note: of the owner
 * before us. VIA_OK; VIA_ENOPEER: one is just leaving; VIA_EIO ...
 */
via_status mqueue_members_found(mqueue_members *members, const mqueue_settings *settings, bool *is_alone,
                                mqueue_note *note, via_error *error);
/* The owner writes down how it is, and lets others in. */
void mqueue_members_note(mqueue_members *members, const mqueue_note *note);
/* One more becomes a member. VIA_OK; VIA_ENOPEER: there is nothing to be a member of. */
via_status mqueue_members_join(mqueue_members *members, const mqueue_settings *settings, via_error *error);
/* Of a queue that is not ours to join: true: all members are gone, and nobody becomes one until mqueue_members_leave(). */
bool mqueue_members_inherit(mqueue_members *members);
/* Is one no more, but for mqueue_members_leave(). True: nobody else is a member, nor becomes one until then. */
bool mqueue_members_are_gone(mqueue_members *members);
void mqueue_members_read(const mqueue_members *members, mqueue_note *note);
/* `removes`: the file goes, too; only if the others are gone. */
void mqueue_members_leave(mqueue_members *members, bool removes);

#endif
