/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of a topic, the same source, under every interleaving and every reordering that C11 allows.
 *
 * Owns: four small worlds. In `waiting` a writer waits for two readers, who read in place; in `lapping` it waits for nobody, and a
 * reader must never take for a message what is none; in `sleep_and_wake` everybody sleeps as the plugin does; in `merging` two writers
 * have a ring each, and who sees an answer has to see what it answers.
 *
 * usage: topic_model [FUNCTION]      exit status 0: the ring holds; with FUNCTION, whose order is weakened: that was caught
 */
#define SHM_MODEL 1
#include "model_atomics.h"

#include "ring.h"
#include "topic_ring.h"

const char *model_mutant = "";

enum { SLOTS = 2, MESSAGES = 4, LAPS = 7, READERS = 2 };

struct rig {
    topic_slot slots[SLOTS];
    topic_control control;
    topic_desk desks[READERS];
    shm_word32 calls;
    topic_writer writer;
    topic_reader readers[READERS];
    uint64_t heads[READERS];

    void before()
    {
        for (topic_slot &slot : slots) {
            SHM_PUT(&slot.stamp, UINT64_C(0));
            SHM_PUT(&slot.sequence, UINT64_C(0));
        }
        for (shm_word64 *word : {&control.tail, &control.oldest})
            SHM_PUT(word, UINT64_C(0));
        for (shm_word32 *word : {&control.write_call, &control.waits_for, &control.ended, &control.news, &calls})
            SHM_PUT(word, 0u);
        writer = {slots, &control, SLOTS - 1, 0, 0};
        for (unsigned i = 0; i < READERS; i++) {
            SHM_PUT(&desks[i].head, UINT64_C(0));
            SHM_PUT(&desks[i].missed, UINT64_C(0));
            SHM_PUT(&desks[i].read_call, 0u);
            SHM_PUT(&desks[i].given, 0u);
            readers[i] = {slots, &control, SLOTS - 1, 0};
            heads[i] = 0;
        }
    }

    /* Can the oldest be given up? */
    bool is_free(unsigned readers_count)
    {
        bool free = true;
        for (unsigned i = 0; i < readers_count; i++) {
            RL_ASSERT(topic_writer_look(&writer, &desks[i], &heads[i]));
            free = free && heads[i] > writer.oldest;
        }
        return free;
    }

    /* In place: the bytes are watched for races. */
    void write_one(uint64_t value)
    {
        topic_writer_slot(&writer, writer.tail)->letter.size($) = value;
        topic_writer_publish(&writer);
    }

    void read_one(unsigned which, uint64_t value)
    {
        topic_reader *reader = &readers[which];
        RL_ASSERT((uint64_t) const_cast<topic_slot *>(topic_reader_slot(reader))->letter.size($) == value);
        topic_reader_give_back(&desks[which], ++reader->next);
    }
};

/* Nobody sleeps. */
struct waiting : rl::test_suite<waiting, 1 + READERS> {
    rig r;

    void before()
    {
        r.before();
    }

    void thread(unsigned which)
    {
        rl::linear_backoff backoff;
        for (uint64_t i = 0; i < MESSAGES; i++) {
            if (which == 0) {
                while (!topic_writer_has_room(&r.writer)) {
                    if (r.is_free(READERS))
                        topic_writer_give_up(&r.writer);
                    else
                        backoff.yield($);
                }
                r.write_one(i);
            } else {
                topic_found found;
                while ((found = topic_reader_look(&r.readers[which - 1])) == TOPIC_NOT_YET)
                    backoff.yield($);
                RL_ASSERT(found == TOPIC_THERE);
                r.read_one(which - 1, i);
            }
        }
    }
};

/*
 * The writer never waits. What it writes is two words, so that half of a message can be seen: here they race, and only the stamp says
 * whether what was read is one. The last message is never given up, so the reader has to find it.
 */
struct lapping : rl::test_suite<lapping, 2> {
    rig r;
    shm_word64 bytes[SLOTS];

    void before()
    {
        r.before();
        for (shm_word64 &word : bytes)
            SHM_PUT(&word, UINT64_C(0));
    }

    void write_all()
    {
        for (uint64_t i = 0; i < LAPS; i++) {
            if (!topic_writer_has_room(&r.writer))
                topic_writer_give_up(&r.writer);
            SHM_PUT(&topic_writer_slot(&r.writer, i)->sequence, i + 1);
            SHM_PUT(&bytes[i & r.writer.mask], 100 + i);
            topic_writer_publish(&r.writer);
        }
    }

    void read_all()
    {
        rl::linear_backoff backoff;
        topic_reader *reader = &r.readers[0];
        while (reader->next < LAPS) {
            topic_found found = topic_reader_look(reader);
            if (found == TOPIC_LAPPED) {
                uint64_t before = reader->next;
                RL_ASSERT(topic_reader_jump(reader, false));
                RL_ASSERT(reader->next > before && reader->next < LAPS);
            } else if (found == TOPIC_NOT_YET) {
                backoff.yield($);
            } else {
                uint64_t bytes_read = SHM_GET(&bytes[reader->next & reader->mask]);
                uint64_t sequence = SHM_GET(&topic_reader_slot(reader)->sequence);
                if (!topic_reader_holds(reader))
                    continue;
                RL_ASSERT(sequence == reader->next + 1 && bytes_read == 100 + reader->next);
                reader->next++;
            }
        }
    }

    void thread(unsigned which)
    {
        if (which == 0)
            write_all();
        else
            read_all();
    }
};

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

    void wake(shm_word32 *word)
    {
        SHM_PUBLISH(word, SHM_GET(word) + 1);
        lock.lock($);
        sleepers.notify_all($);
        lock.unlock($);
    }
};

/* One writer that waits, and two readers; all sleep whenever they have to wait. */
struct sleep_and_wake : rl::test_suite<sleep_and_wake, 1 + READERS> {
    rig r;
    futex news, given[READERS];
    uint32_t seen_calls, answered[READERS], answered_by[READERS];

    void before()
    {
        r.before();
        seen_calls = 0;
        for (unsigned i = 0; i < READERS; i++)
            answered[i] = answered_by[i] = 0;
    }

    /* As call_of() in topic_wait.c. */
    bool has_called(unsigned which)
    {
        uint32_t now = SHM_GET(&r.desks[which].read_call);
        if (!(now & SHM_CALL_ANY) || now == answered[which])
            return false;
        answered[which] = now;
        return true;
    }

    void call_up()
    {
        bool called = false;
        if (!topic_knocked(&r.calls, &seen_calls))
            return;
        for (unsigned i = 0; i < READERS; i++)
            called = has_called(i) || called;
        if (called)
            news.wake(&r.control.news);
    }

    unsigned slowest()
    {
        return r.heads[0] <= r.heads[1] ? 0 : 1;
    }

    void await_room()
    {
        while (!topic_writer_has_room(&r.writer)) {
            if (r.is_free(READERS)) {
                topic_writer_give_up(&r.writer);
                continue;
            }
            unsigned which = slowest();
            uint32_t seen = SHM_LOOK(&r.desks[which].given);
            SHM_PUT(&r.control.waits_for, which);
            SHM_BEFORE();
            shm_call(&r.control.write_call, SHM_CALL_FUTEX);
            if (!r.is_free(READERS) && slowest() == which)
                given[which].wait(&r.desks[which].given, seen);
            shm_call_off(&r.control.write_call);
        }
    }

    void await_message(unsigned which)
    {
        while (topic_reader_look(&r.readers[which]) == TOPIC_NOT_YET) {
            uint32_t seen = SHM_LOOK(&r.control.news);
            topic_call(&r.desks[which].read_call, &r.calls, SHM_CALL_FUTEX);
            if (topic_reader_look(&r.readers[which]) == TOPIC_NOT_YET)
                news.wait(&r.control.news, seen);
            shm_call_off(&r.desks[which].read_call);
        }
    }

    /* As answer() in topic_link.c. */
    void answer(unsigned which)
    {
        if (!shm_called(&r.control.write_call, &answered_by[which]))
            return;
        SHM_AFTER();
        if (SHM_GET(&r.control.waits_for) == which)
            given[which].wake(&r.desks[which].given);
    }

    void thread(unsigned which)
    {
        for (uint64_t i = 0; i < MESSAGES; i++) {
            if (which == 0) {
                await_room();
                r.write_one(i);
                call_up();
            } else {
                await_message(which - 1);
                r.read_one(which - 1, i);
                answer(which - 1);
            }
        }
    }
};

/* As topic_merge.c: what was looked at in vain is looked at again once an answer was seen. */
struct merging : rl::test_suite<merging, 3> {
    rig asks, answers;
    shm_word64 tickets[2][SLOTS];

    void before()
    {
        rig *rigs[] = {&asks, &answers};
        for (unsigned i = 0; i < 2; i++) {
            rigs[i]->before();
            SHM_PUT(&tickets[i][0], UINT64_C(0));
            rigs[i]->writer.tickets = tickets[i];
            for (topic_reader &reader : rigs[i]->readers)
                reader.tickets = tickets[i];
        }
    }

    static void publish(rig *r, uint64_t ticket)
    {
        topic_writer_number(&r->writer, ticket);
        r->write_one(0);
    }

    void merge()
    {
        if (topic_reader_look(&answers.readers[0]) != TOPIC_THERE)
            return;
        RL_ASSERT(topic_reader_ticket(&answers.readers[0]) == 2);
        RL_ASSERT(topic_reader_look(&asks.readers[1]) == TOPIC_THERE);
        RL_ASSERT(topic_reader_ticket(&asks.readers[1]) == 1);
    }

    void thread(unsigned which)
    {
        rl::linear_backoff backoff;
        if (which == 0) {
            publish(&asks, 1);
        } else if (which == 1) {
            while (topic_reader_look(&asks.readers[0]) == TOPIC_NOT_YET)
                backoff.yield($);
            publish(&answers, 2);
        } else {
            for (unsigned tries = 0; tries < 3; tries++)
                merge();
        }
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

int main(int argc, char **argv)
{
    model_mutant = argc > 1 ? argv[1] : "";
    const bool sound = holds<waiting>() && holds<lapping>() && holds<sleep_and_wake>() && holds<merging>();
    const bool shipped = *model_mutant == '\0';
    if (sound && !shipped)
        fprintf(stderr, "the weakened order of %s was not caught\n", model_mutant);
    return sound == shipped ? 0 : 1;
}
