/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What members of a value or a region share, the same source, under every interleaving and every reordering that C11 allows.
 *
 * Owns: four worlds. In `values` two members write under the lock while a third copies what is newest; in `sleepers` two wait
 * for it; in `owners` two sleep for the lock; in `notices` one reads what another wrote before it gave notice.
 *
 * usage: common_model [FUNCTION]      exit status 0: all hold; with FUNCTION, whose order is weakened: that was caught
 */
#define SHM_MODEL 1
#include "model_atomics.h"

#include "common.h"
#include "model_tools.h"

const char *model_mutant = "";

struct rig {
    shm_common common;
    rl::var<uint64_t> guarded; /* by the lock */
    futex news, turn;

    void before()
    {
        SHM_PUT(&common.owner, (uint64_t)0);
        SHM_PUT(&common.latest, (uint64_t)0);
        SHM_PUT(&common.end, (uint64_t)0);
        SHM_PUT(&common.taken, (uint64_t)0);
        for (shm_word32 *word : {&common.turn, &common.call, &common.news})
            SHM_PUT(word, 0u);
        for (shm_entry &entry : common.entries) {
            for (shm_word64 *word : {&entry.stamp, &entry.place, &entry.room, &entry.size})
                SHM_PUT(word, (uint64_t)0);
        }
        guarded($) = 0;
    }

    void lock(uint64_t self)
    {
        for (bool waited = false; !shm_lock_try(&common.owner, self, waited); waited = true) {
            uint32_t seen = SHM_LOOK(&common.turn);
            if (shm_lock_wait(&common.owner))
                turn.wait(&common.turn, seen);
        }
        guarded($) = guarded($) + 1;
    }

    void unlock(uint64_t self)
    {
        bool waited = false;
        RL_ASSERT(shm_lock_give(&common.owner, self, &waited));
        if (!waited)
            return;
        shm_lock_pass(&common.turn);
        turn.wake($);
    }

    /* Both words of a value are its number. */
    void write_one(uint64_t self)
    {
        lock(self);
        uint64_t generation = SHM_GET(&common.latest) + 1;
        shm_entry *entry = shm_value_entry(&common, generation);
        shm_value_begin(entry);
        SHM_PUT(&entry->place, generation);
        SHM_PUT(&entry->size, generation);
        shm_value_publish(&common, entry, generation);
        unlock(self);
        if (!shm_common_called(&common))
            return;
        (void)SHM_ADD(&common.news, 1u);
        news.wake($);
    }

    /* The number of the value that was copied, or 0. */
    uint64_t read_one()
    {
        uint64_t generation = SHM_GET(&common.latest);
        const shm_entry *entry = shm_value_entry(&common, generation);
        if (generation == 0 || !shm_value_is_there(entry, generation))
            return 0;
        uint64_t place = SHM_GET(&entry->place), size = SHM_GET(&entry->size);
        if (!shm_value_is_whole(entry, generation))
            return 0;
        RL_ASSERT(place == generation && size == generation);
        return generation;
    }

    void await_other(uint64_t seen)
    {
        while (SHM_GET(&common.latest) == seen) {
            uint32_t before = SHM_LOOK(&common.news);
            shm_common_call(&common, SHM_CALL_FUTEX);
            if (SHM_GET(&common.latest) == seen)
                news.wait(&common.news, before);
        }
    }
};

enum { WRITES = 3 };

struct values : rl::test_suite<values, 3> {
    rig r;

    void before()
    {
        r.before();
    }

    void thread(unsigned which)
    {
        if (which < 2) {
            for (int i = 0; i < WRITES; i++)
                r.write_one(which + 1);
            return;
        }
        rl::linear_backoff backoff;
        uint64_t last = 0;
        for (int i = 0; i < 6; i++) {
            uint64_t now = r.read_one();
            RL_ASSERT(now == 0 || now >= last);
            last = now ? now : last;
            backoff.yield($);
        }
    }
};

struct sleepers : rl::test_suite<sleepers, 3> {
    rig r;

    void before()
    {
        r.before();
    }

    void thread(unsigned which)
    {
        for (uint64_t i = 0; i < 2; i++) {
            if (which == 0)
                r.write_one(1);
        }
        if (which == 0)
            return;
        for (uint64_t seen = 0; seen < 2;) {
            r.await_other(seen);
            seen = SHM_GET(&r.common.latest);
        }
    }
};

struct owners : rl::test_suite<owners, 3> {
    rig r;

    void before()
    {
        r.before();
    }

    void thread(unsigned which)
    {
        for (int i = 0; i < 2; i++) {
            r.lock(which + 1);
            r.unlock(which + 1);
        }
    }

    void after()
    {
        RL_ASSERT((uint64_t)r.guarded($) == 6);
    }
};

struct notices : rl::test_suite<notices, 2> {
    rig r;
    rl::var<uint64_t> bytes;

    void before()
    {
        r.before();
        bytes($) = 0;
    }

    void thread(unsigned which)
    {
        if (which == 0) {
            bytes($) = 1;
            shm_notice_post(&r.common);
            return;
        }
        rl::linear_backoff backoff;
        while (shm_notice_look(&r.common) == 0)
            backoff.yield($);
        RL_ASSERT((uint64_t)bytes($) == 1);
    }
};

int main(int argc, char **argv)
{
    model_mutant = argc > 1 ? argv[1] : "";
    const bool sound = holds<values>() && holds<sleepers>() && holds<owners>() && holds<notices>();
    const bool shipped = *model_mutant == '\0';
    if (sound && !shipped)
        fprintf(stderr, "the weakened order of %s was not caught\n", model_mutant);
    return sound == shipped ? 0 : 1;
}
