/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the models of plugins/shm have in common.
 *
 * Owns: a futex as the kernel has it, and how long a world is tried.
 */
#ifndef SHM_MODEL_TOOLS_H
#define SHM_MODEL_TOOLS_H

#include "model_atomics.h"

/* A futex: the kernel compares the word and goes to sleep under a lock that the waker takes too. */
struct futex {
    rl::mutex lock;
    rl::condition_variable sleepers;

    void wait(const shm_word32 *word, uint32_t seen)
    {
        lock.lock($);
        if (SHM_GET(word) == seen)
            sleepers.wait(lock, $);
        lock.unlock($);
    }

    /* Whoever has changed the word. */
    void wake(rl::debug_info_param info)
    {
        lock.lock(info);
        sleepers.notify_all(info);
        lock.unlock(info);
    }

    void wake(shm_word32 *word)
    {
        SHM_PUBLISH(word, SHM_GET(word) + 1);
        wake($);
    }
};

template <typename world> static bool holds()
{
    rl::test_params how;

    how.search_type = rl::random_scheduler_type;
    how.iteration_count = 100000;
    how.execution_depth_limit = 8000;
    return rl::simulate<world>(how); /* prints the execution that fails */
}

#endif
