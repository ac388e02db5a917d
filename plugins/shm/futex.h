/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sleeping on a word in shared memory, one's own or another's that can only be read.
 *
 * Owns: futex(2), and futex_waitv(2), which lets an interrupt end the same sleep. Must never decide when to sleep.
 */
#ifndef SHM_FUTEX_H
#define SHM_FUTEX_H

#include "atomics.h"
#include "kit/wake.h"

/* Sleeps until the word is another than `seen`, an interrupt, or the deadline; or for no reason. */
void shm_futex_sleep(const shm_word32 *word, uint32_t seen, const via_wake *interrupt, via_deadline until);
/* Wakes all who sleep on a word that several processes see. */
void shm_futex_wake(const shm_word32 *word);
/* Wakes those who have slept longest, `most` of them. Returns how many. */
int shm_futex_wake_few(const shm_word32 *word, int most);
/* Wakes all of this process who sleep with `interrupt`, which has been raised. Signal-safe. */
void shm_futex_interrupt(const via_wake *interrupt);

#endif
