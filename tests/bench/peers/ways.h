/* SPDX-License-Identifier: Apache-2.0 */
/* The table of all contestants. Owns: which there are, and what to install for those that are not in this program. */
#ifndef BENCH_PEERS_WAYS_H
#define BENCH_PEERS_WAYS_H

#include "way.h"

#include <stdint.h>

/* Of Viaduct's own addresses; not in the table. */
extern const struct way way_viaduct;
extern const struct way way_viaduct_loan; /* the payload is neither written nor read */
extern const struct way way_viaduct_copy; /* the copy into a loan is timed by itself */

/* How long the copies of way_viaduct_copy took, in memory that is shared. */
struct way_copies {
    uint64_t bytes, ns;
};
void way_viaduct_count_copies(struct way_copies *copies);

extern const struct way way_ring, way_plain_ring, way_line, way_futex;

/* Every peer and limit, ended by NULL. */
extern const struct way *const ways[];

#endif
