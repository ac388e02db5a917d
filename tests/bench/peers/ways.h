/* SPDX-License-Identifier: Apache-2.0 */
/* The table of all contestants. Owns: which there are, and what to install for those that are not in this program. */
#ifndef BENCH_PEERS_WAYS_H
#define BENCH_PEERS_WAYS_H

#include "way.h"

extern const struct way way_viaduct, way_viaduct_loan; /* of Viaduct's own addresses; not in the table */
extern const struct way way_ring, way_line, way_futex;

/* Every peer and limit, ended by NULL. */
extern const struct way *const ways[];

#endif
