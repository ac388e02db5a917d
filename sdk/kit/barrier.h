/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One fence for two.
 *
 * Owns: membarrier(2). Whoever is about to sleep makes the stores of the other end visible, and its own to the other end: then
 * that one needs no fence after each message, which would wait until a cache line has come from the other processor. Sleeping
 * is seldom where waiting begins with a spin, and messages are not.
 */
#ifndef VIADUCT_KIT_BARRIER_H
#define VIADUCT_KIT_BARRIER_H

#include <stdbool.h>

/* From now on the barriers of others reach this process, if the system has them and lets us. */
void via_barrier_register(void);
/* Do they? */
bool via_barrier_reaches_us(void);
/*
 * Every thread of every process that has registered crosses a full fence. Only where barriers reach us, too. False: none did; the system
 * has changed its mind (a filter of system calls), or lacks memory. Nobody may sleep for ever then.
 */
bool via_barrier_cross(void);

#endif
