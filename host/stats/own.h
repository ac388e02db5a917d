/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This process's counter page, and the slots of its channels and listeners.
 *
 * Owns: the page's life: it is made with the first slot, and goes with the last host. Never a reason to fail: where there can be no page
 * (VIADUCT_STATS=0, a full disk, no runtime folder, more objects than it has slots for) a slot is memory like any other.
 */
#ifndef VIADUCT_HOST_STATS_OWN_H
#define VIADUCT_HOST_STATS_OWN_H

#include "stats/page.h"

#include <stdbool.h>

/* One more host of this process, or one less. A host that came by fork() must not leave. Any thread. */
void via_stats_enter(void);
void via_stats_leave(void);

/* A slot, all zero; to be shown by via_slot_show(). NULL = out of memory. Any thread. */
via_slot *via_slot_take(void);
/* Others see it from now on: its texts are complete. */
void via_slot_show(via_slot *slot, uint32_t kind);
/* `is_foreign`: it came by fork(), and the page is the parent's. NULL is accepted. Any thread. */
void via_slot_give(via_slot *slot, bool is_foreign);

#endif
