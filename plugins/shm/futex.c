/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sleeping on a word in shared memory; see futex.h.
 *
 * Must never write the word.
 */
#include "futex.h"

#include "kit/deadline.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SLICE_NS = 10 * 1000 * 1000 }; /* a sleep that an interrupt cannot end: before Linux 5.16 */

static int wake(const void *word, int scope, int most)
{
    return (int)syscall(SYS_futex, word, FUTEX_WAKE | scope, most, NULL, NULL, 0);
}

void shm_futex_wake(const shm_word32 *word)
{
    (void)wake(word, 0, INT32_MAX);
}

int shm_futex_wake_few(const shm_word32 *word, int most)
{
    return wake(word, 0, most);
}

void shm_futex_interrupt(const via_wake *interrupt)
{
    (void)wake(&interrupt->raised, FUTEX_PRIVATE_FLAG, INT32_MAX);
}

static struct timespec time_of(via_deadline deadline)
{
    return (struct timespec){(time_t)(deadline / 1000000000U), (long)(deadline % 1000000000U)};
}

/* Without futex_waitv(2) one word only can be slept on. */
static void sleep_on_one(const shm_word32 *word, uint32_t seen, via_deadline until)
{
    struct timespec when = time_of(via_deadline_min(until, via_deadline_after(SLICE_NS)));

    (void)syscall(SYS_futex, word, FUTEX_WAIT_BITSET, seen, &when, NULL, FUTEX_BITSET_MATCH_ANY);
}

void shm_futex_sleep(const shm_word32 *word, uint32_t seen, const via_wake *interrupt, via_deadline until)
{
#ifdef SYS_futex_waitv
    struct timespec when = time_of(until);
    struct futex_waitv words[2] = {
        {.val = seen, .uaddr = (uintptr_t)word, .flags = FUTEX_32},
        {.val = 0, .uaddr = (uintptr_t)&interrupt->raised, .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG},
    };
    if (syscall(SYS_futex_waitv, words, 2, 0, &when, CLOCK_MONOTONIC) >= 0 || errno != ENOSYS)
        return;
#endif
    (void)interrupt;
    sleep_on_one(word, seen, until);
}
