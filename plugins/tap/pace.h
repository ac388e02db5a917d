/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a disk keeps up with the traffic.
 *
 * Owns: the rule. The page cache can take for a while what a disk is too slow for: so it gets its turn where messages were lost
 * during each of many direct writes, one after the other. Now and then some are lost because all processors are busy.
 */
#ifndef VIADUCT_TAP_PACE_H
#define VIADUCT_TAP_PACE_H

#include <stdbool.h>

enum { TAP_LATE_MOST = 8 };

typedef struct tap_pace {
    unsigned late; /* direct writes, one after the other, during which messages were lost */
} tap_pace;

/* After a direct write. true: the disk is too slow, as of now; what follows is judged anew. */
static inline bool tap_pace_is_late(tap_pace *pace, bool has_lost)
{
    pace->late = has_lost ? pace->late + 1 : 0;
    if (pace->late < TAP_LATE_MOST)
        return false;
    pace->late = 0;
    return true;
}

#endif
