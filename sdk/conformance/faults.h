/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls and allocations that go wrong when a test says so.
 *
 * Owns: malloc and its kin, and reads and writes, in the place of the C library's: this program exports functions of these
 * names, and the dynamic linker finds them first for libviaduct and every plugin. A sanitizer has them itself, so there
 * none of this can be done, and the claims say so (NEEDS_FAULTS).
 */
#ifndef VIADUCT_CONFORMANCE_FAULTS_H
#define VIADUCT_CONFORMANCE_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

/* Is this a build in which they can be made? */
bool via_conform_faults_possible(void);

/* The allocation after `spared` others fails, in whichever thread; it alone. */
void via_conform_fail_allocation(uint64_t spared);
/* No more. Did one fail? */
bool via_conform_spare_allocations(void);

/*
 * From now on reads and writes on byte streams (sockets, FIFOs, terminals) move at random less than they could, as the
 * kernel may do it any time. What is one piece stays one: records, what a FIFO moves whole (PIPE_BUF bytes at most), small writes. A
 * look ahead (MSG_PEEK) sees all that is there.
 */
void via_conform_shorten_calls(uint64_t seed);
/* How many were made shorter so far. */
uint64_t via_conform_shortened(void);

#endif
