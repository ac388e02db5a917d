/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an address stands for: the queue's name in the kernel, and the files beside it in the runtime folder.
 *
 * Owns: the notation. `mq:NAME` is the user's own: the kernel's name has the user and the runtime folder in it, so that two users,
 * or two folders of one user, never meet by chance. `mq:/NAME` is the kernel's name as it is (mq_overview(7)).
 */
#ifndef MQUEUE_PLACE_H
#define MQUEUE_PLACE_H

#include "settings.h"

enum { MQUEUE_NAME_MAX = 256, MQUEUE_PATH_MAX = 108 };

#define MQUEUE_MEMBERS ".members" /* behind a path: the file of members.h */

typedef struct mqueue_place {
    char
        queue[MQUEUE_NAME_MAX]; /* "/...", for mq_open(3); of a pair: the name of the moment in which a queue is made */
    char path[MQUEUE_PATH_MAX]; /* of the socket where ends meet; ".lock" and others are beside it */
    bool is_absolute;
} mqueue_place;

/*
 * The place of a queue whose members' file is `entry` in this folder. False: it is no such file, or of bare messages: whoever has
 * such a queue open need be no member.
 */
bool mqueue_place_of_members(const char *folder, const char *entry, mqueue_place *place);
/* VIA_OK, VIA_EINVAL, VIA_EPERM, VIA_ENOMEM, VIA_EIO. */
via_status mqueue_place_find(const mqueue_settings *settings, const char *rest, mqueue_place *place, via_error *error);

#endif
