/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fork word on a page that the kernel wipes in children (madvise(2), MADV_WIPEONFORK).
 *
 * Kernels that cannot wipe it, or have larger pages, get a pthread_atfork() handler instead, which also sees fork() but
 * no raw clone(2).
 */
#include "platform/fork_word.h"

#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

via_fork_page via_fork_word_page;

static atomic_uint_fast64_t last_generation;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void wipe_in_child(void)
{
    atomic_store(&via_fork_word_page.word, 0);
}

static void prepare_page(void)
{
    if (sysconf(_SC_PAGESIZE) != VIA_FORK_PAGE || madvise(&via_fork_word_page, VIA_FORK_PAGE, MADV_WIPEONFORK) != 0)
        (void)pthread_atfork(NULL, NULL, wipe_in_child);
}

uint64_t via_fork_word_enter(void)
{
    (void)pthread_once(&once, prepare_page);
    uint64_t here = atomic_load(&via_fork_word_page.word);
    if (here != 0)
        return here;
    const uint64_t fresh = atomic_fetch_add(&last_generation, 1) + 1;
    if (atomic_compare_exchange_strong(&via_fork_word_page.word, &here, fresh))
        return fresh;
    return here; /* another thread of this process was first */
}
