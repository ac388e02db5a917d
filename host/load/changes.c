/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of changes, a ring; see changes.h. Owns: what happens when nobody takes them. */
#include "load/changes.h"

#include "kit/error.h"

#include <stdlib.h>

via_status via_changes_keep(via_changes *changes)
{
    if (!changes->list)
        changes->list = calloc(VIA_CHANGES_MOST, sizeof(*changes->list));
    return changes->list ? VIA_OK : VIA_ENOMEM;
}

void via_changes_fini(via_changes *changes)
{
    free(changes->list);
    *changes = (via_changes){0};
}

void via_changes_add(via_changes *changes, const via_change *change)
{
    if (!changes->list)
        return;
    if (changes->count == VIA_CHANGES_MOST) {
        changes->first = (changes->first + 1) % VIA_CHANGES_MOST;
        changes->count--;
        changes->lost = true;
    }
    changes->list[(changes->first + changes->count++) % VIA_CHANGES_MOST] = *change;
}

bool via_changes_take(via_changes *changes, via_change *change)
{
    if (changes->lost) {
        *change = (via_change){.size = sizeof(*change), .kind = VIA_CHANGE_LOST};
        via_error_init(&change->error);
        changes->lost = false;
        return true;
    }
    if (!changes->count)
        return false;
    *change = changes->list[changes->first];
    changes->first = (changes->first + 1) % VIA_CHANGES_MOST;
    changes->count--;
    return true;
}
