/* SPDX-License-Identifier: Apache-2.0 */
/* The two futex calls, on words in memory that two processes share. */
#ifndef BENCH_PEERS_FUTEX_H
#define BENCH_PEERS_FUTEX_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Sleeps unless the word has changed already. */
static inline void futex_wait(_Atomic(uint32_t) *word, uint32_t seen)
{
    (void)syscall(SYS_futex, word, FUTEX_WAIT, seen, NULL, NULL, 0);
}

static inline void futex_wake(_Atomic(uint32_t) *word)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

#endif
