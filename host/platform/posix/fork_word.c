/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fork word on a page that the kernel wipes in children (madvise(2), MADV_WIPEONFORK).
 *
 * Kernels that cannot wipe pages get a pthread_atfork() handler instead, which also sees fork() but no raw clone(2).
 */
#include "platform/fork_word.h"

#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

static _Atomic(uint64_t) nowhere; /* what is read before the first object exists */
_Atomic(uint64_t) *via_fork_word_here = &nowhere;

static atomic_uint_fast64_t last_generation;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void wipe_in_child(void)
{
    atomic_store(via_fork_word_here, 0);
}

static void make_word(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *memory = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return;
    via_fork_word_here = memory;
    if (madvise(memory, page, MADV_WIPEONFORK) != 0)
        (void)pthread_atfork(NULL, NULL, wipe_in_child);
}

uint64_t via_fork_word_enter(void)
{
    (void)pthread_once(&once, make_word);
    if (via_fork_word_here == &nowhere)
        return 0;
    uint64_t here = atomic_load(via_fork_word_here);
    if (here != 0)
        return here;
    const uint64_t fresh = atomic_fetch_add(&last_generation, 1) + 1;
    if (atomic_compare_exchange_strong(via_fork_word_here, &here, fresh))
        return fresh;
    return here; /* another thread of this process was first */
}
