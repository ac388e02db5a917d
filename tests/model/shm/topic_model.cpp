/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of a topic, the same source, under every interleaving and every reordering that C11 allows.
 *
 * Owns: small worlds. In `waiting` a writer waits for two readers, who read in place; in `lapping` it waits for nobody, and a
 * reader must never take for a message what is none; in `sleep_and_wake` everybody sleeps as the plugin does; in `left_to_another`
 * a writer leaves its sleepers to another thread, which `handing_over` looks at by itself; in `merging` two writers have a ring
 * each, and who sees an answer has to see what it answers.
 *
 * usage: topic_model [FUNCTION]      exit status 0: the ring holds; with FUNCTION, whose order is weakened: that was caught
 */
#define SHM_MODEL 1
#include "model_tools.h"

#include "ring.h"
#include "topic_ring.h"

const char *model_mutant = "";

enum { SLOTS = 2, MESSAGES = 4, LAPS = 7, READERS = 2 };

struct rig {
    topic_slot slots[SLOTS];
    topic_control control;
    topic_desk desks[READERS];
    topic_board board;
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
        for (shm_word32 *word :
             {&control.write_call, &control.waits_for, &control.ended, &control.news, &board.calls, &board.bells})
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

/* One writer that waits, and two readers; all sleep whenever they have to wait. */
struct sleep_and_wake : rl::test_suite<sleep_and_wake, 1 + READERS> {
    rig r;
    futex news, given[READERS];
    topic_seen seen;
    uint32_t answered[READERS], answered_by[READERS];

    void before()
    {
        r.before();
        seen = {0, 0};
        for (unsigned i = 0; i < READERS; i++)
            answered[i] = answered_by[i] = 0;
    }

    void call_up()
    {
        bool called = false;
        if (!topic_knocked(&r.board, &seen))
            return;
        for (unsigned i = 0; i < READERS; i++)
            called = shm_unanswered(&r.desks[i].read_call, &answered[i]) || called;
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
            topic_call(&r.desks[which].read_call, &r.board, SHM_CALL_FUTEX);
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

/* A descriptor that is polled. */
struct bell {
    rl::mutex lock;
    rl::condition_variable sleepers;
    bool is_rung;

    void ring()
    {
        lock.lock($);
        is_rung = true;
        sleepers.notify_all($);
        lock.unlock($);
    }

    void await()
    {
        lock.lock($);
        while (!is_rung)
            sleepers.wait(lock, $);
        is_rung = false;
        lock.unlock($);
    }
};

/*
 * As topic_waker.c: the first reader sleeps on the futex, the second polls, and the writer leaves both to the last thread; but those
 * who wait for the last message it wakes itself, as where some have left.
 */
struct left_to_another : rl::test_suite<left_to_another, 2 + READERS> {
    rig r;
    futex news;
    bell told, socket;
    topic_seen seen;
    uint32_t answered[READERS], rung[READERS]; /* by the writer, by the other thread */
    shm_word32 asked, done;

    void before()
    {
        r.before();
        seen = {0, 0};
        for (unsigned i = 0; i < READERS; i++)
            answered[i] = rung[i] = 0;
        told.is_rung = socket.is_rung = false;
        SHM_PUT(&asked, 0u);
        SHM_PUT(&done, 0u);
    }

    uint32_t calls_of(uint32_t by[READERS])
    {
        uint32_t calls = 0;
        for (unsigned i = 0; i < READERS; i++)
            calls |= shm_unanswered(&r.desks[i].read_call, &by[i]);
        return calls;
    }

    void leave_all(uint32_t how)
    {
        SHM_PUBLISH(&r.control.news, SHM_GET(&r.control.news) + 1);
        if (topic_hand_over(&asked, how))
            told.ring();
    }

    void wake_all()
    {
        uint32_t calls = calls_of(answered);
        if (calls & SHM_CALL_BELL)
            socket.ring();
        if (calls & SHM_CALL_FUTEX)
            news.wake(&r.control.news);
    }

    void publish(uint64_t value)
    {
        r.write_one(value);
        uint32_t how = topic_knocked(&r.board, &seen);
        if (how && value + 1 == SLOTS)
            wake_all();
        else if (how)
            leave_all(how);
    }

    void fall_asleep(unsigned which)
    {
        uint32_t now = SHM_LOOK(&r.control.news);
        topic_call(&r.desks[which].read_call, &r.board, which == 0 ? SHM_CALL_FUTEX : SHM_CALL_BELL);
        if (topic_reader_look(&r.readers[which]) != TOPIC_NOT_YET)
            return;
        if (which == 0)
            news.wait(&r.control.news, now);
        else
            socket.await();
    }

    void read(unsigned which, uint64_t value)
    {
        while (topic_reader_look(&r.readers[which]) == TOPIC_NOT_YET)
            fall_asleep(which);
        r.read_one(which, value);
    }

    void wake()
    {
        uint32_t how = topic_take_over(&asked);
        if (how & SHM_CALL_FUTEX)
            news.wake($);
        if (how & SHM_CALL_BELL && calls_of(rung) & SHM_CALL_BELL)
            socket.ring();
    }

    void thread(unsigned which)
    {
        if (which == 1 + READERS) {
            while (SHM_GET(&done) < READERS) {
                told.await();
                wake();
            }
            return;
        }
        for (uint64_t i = 0; i < SLOTS; i++) {
            if (which == 0)
                publish(i);
            else
                read(which - 1, i);
        }
        if (which > 0) {
            (void)SHM_ADD(&done, 1);
            told.ring();
        }
    }
};

/* What that rests on: whose call the writer has seen is seen by whom it is left to, told or not. */
struct handing_over : rl::test_suite<handing_over, 3> {
    enum { TRIES = 3 };
    rig r;
    topic_seen seen;
    shm_word32 asked;

    void before()
    {
        r.before();
        seen = {0, 0};
        SHM_PUT(&asked, 0u);
    }

    void thread(unsigned which)
    {
        if (which == 0)
            topic_call(&r.desks[0].read_call, &r.board, SHM_CALL_BELL);
        for (unsigned i = 0; which == 1 && i < TRIES; i++)
            if (uint32_t how = topic_knocked(&r.board, &seen))
                (void)topic_hand_over(&asked, how);
        for (unsigned i = 0; which == 2 && i < TRIES; i++)
            if (topic_take_over(&asked) & SHM_CALL_BELL)
                RL_ASSERT(SHM_GET(&r.desks[0].read_call) & SHM_CALL_BELL);
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

int main(int argc, char **argv)
{
    model_mutant = argc > 1 ? argv[1] : "";
    const bool sound = holds<waiting>() && holds<lapping>() && holds<sleep_and_wake>() && holds<left_to_another>() &&
                       holds<handing_over>() && holds<merging>();
    const bool shipped = *model_mutant == '\0';
    if (sound && !shipped)
        fprintf(stderr, "the weakened order of %s was not caught\n", model_mutant);
    return sound == shipped ? 0 : 1;
}
