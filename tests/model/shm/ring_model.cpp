/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of plugins/shm, the same source, under every interleaving and every reordering that C11 allows.
 *
 * Owns: three small worlds. In `stream` a writer sends more messages than there are slots and spins for room; in `sleep_and_wake` both
 * ends sleep as pair_wait.c does; in `answers` each end has a thread that writes and one that reads, and the first writer learns what
 * has been given back from the answers alone. Relacy finds races on the bytes, wrong values, and sleepers that nobody wakes.
 *
 * usage: ring_model [FUNCTION]      exit status 0: the ring holds; with FUNCTION, whose order is weakened: that was caught
 */
#define SHM_MODEL 1
#include "model_atomics.h"

#include "model_tools.h"
#include "ring.h"

const char *model_mutant = "";

enum { SLOTS = 2, MESSAGES = 4 };

struct rig {
    shm_slot slots[SLOTS];
    shm_control sends, receives;
    uint64_t given_back[1];
    shm_writer writer;
    shm_reader reader;
    shm_word32 heard;

    void before()
    {
        for (uint32_t i = 0; i < SLOTS; i++)
            SHM_PUT(&slots[i].stamp, 0u), SHM_PUT(&slots[i].given, 0u);
        for (shm_control *control : {&sends, &receives}) {
            SHM_PUT(&control->head, 0u);
            SHM_PUT(&control->read_call, 0u);
            SHM_PUT(&control->write_call, 0u);
            SHM_PUT(&control->published, 0u);
            SHM_PUT(&control->given, 0u);
        }
        SHM_PUT(&heard, 0u);
        writer = {slots, &sends, &receives, &heard, SLOTS - 1, 0, 0, 0, 0};
        given_back[0] = 0;
        reader = {slots, &receives, &sends, &heard, given_back, SLOTS - 1, 0, 0, 0};
    }

    bool has_room()
    {
        uint32_t head = 0;
        if (shm_writer_has_room(&writer))
            return true;
        RL_ASSERT(shm_writer_look(&writer, &head));
        writer.head = head;
        return shm_writer_has_room(&writer);
    }

    void write_one(uint64_t value)
    {
        shm_writer_slot(&writer)->letter.size($) = value;
        shm_writer_publish(&writer);
    }

    void read_one(uint64_t value)
    {
        RL_ASSERT((uint64_t) const_cast<shm_slot *>(shm_reader_slot(&reader))->letter.size($) == value);
        reader.next++;
        shm_reader_give_back(&reader, reader.next - 1);
    }
};

/* Nobody sleeps. */
struct stream : rl::test_suite<stream, 2> {
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
                while (!r.has_room())
                    backoff.yield($);
                r.write_one(i);
            } else {
                while (!shm_reader_has_message(&r.reader))
                    backoff.yield($);
                r.read_one(i);
            }
        }
    }
};

/* Both ends sleep whenever they have to wait. */
struct sleep_and_wake : rl::test_suite<sleep_and_wake, 2> {
    rig r;
    futex published, given;

    void before()
    {
        r.before();
    }

    void await_message()
    {
        while (!shm_reader_has_message(&r.reader)) {
            uint32_t seen = SHM_LOOK(&r.sends.published);
            shm_call(&r.receives.read_call, SHM_CALL_FUTEX);
            if (!shm_reader_has_message(&r.reader))
                published.wait(&r.sends.published, seen);
            shm_call_off(&r.receives.read_call);
        }
    }

    void await_room()
    {
        while (!r.has_room()) {
            uint32_t seen = SHM_LOOK(&r.receives.given);
            shm_call(&r.sends.write_call, SHM_CALL_FUTEX);
            if (!r.has_room())
                given.wait(&r.receives.given, seen);
            shm_call_off(&r.sends.write_call);
        }
    }

    void thread(unsigned which)
    {
        for (uint64_t i = 0; i < MESSAGES; i++) {
            if (which == 0) {
                await_room();
                r.write_one(i);
                if (shm_called(&r.receives.read_call, &r.writer.answered))
                    published.wake(&r.sends.published);
            } else {
                await_message();
                r.read_one(i);
                if (shm_called(&r.sends.write_call, &r.reader.answered))
                    given.wake(&r.receives.given);
            }
        }
    }
};

/* Threads: one end writes, one end reads; the other end writes, the other end reads. */
struct answers : rl::test_suite<answers, 4> {
    rig questions, replies;

    void before()
    {
        questions.before();
        replies.before();
        replies.writer.ours = &questions.receives;
        replies.reader.heard = &questions.heard;
    }

    void ask(rl::linear_backoff &backoff)
    {
        uint32_t head = 0;
        for (uint64_t i = 0; i < MESSAGES; i++) {
            while (!shm_writer_has_room(&questions.writer)) {
                if (shm_writer_hear(&questions.writer, &head))
                    questions.writer.head = head;
                else
                    backoff.yield($);
            }
            questions.write_one(i);
        }
    }

    void take_replies(rl::linear_backoff &backoff)
    {
        for (uint64_t i = 0; i < MESSAGES; i++) {
            while (!shm_reader_has_message(&replies.reader))
                backoff.yield($);
            shm_reader_hear(&replies.reader);
            replies.read_one(i);
        }
    }

    /* That one has been given back says nothing of its bytes here: telling so has to. */
    void reply(rl::linear_backoff &backoff)
    {
        for (uint64_t i = 0; i < MESSAGES; i++) {
            while (SHM_GET(&questions.receives.head) <= i || !replies.has_room())
                backoff.yield($);
            replies.write_one(i);
        }
    }

    void take_questions(rl::linear_backoff &backoff)
    {
        for (uint64_t i = 0; i < MESSAGES; i++) {
            while (!shm_reader_has_message(&questions.reader))
                backoff.yield($);
            questions.read_one(i);
        }
    }

    void thread(unsigned which)
    {
        rl::linear_backoff backoff;
        which == 0 ? ask(backoff) : which == 1 ? take_replies(backoff) : which == 2 ? reply(backoff) : take_questions(backoff);
    }
};

int main(int argc, char **argv)
{
    model_mutant = argc > 1 ? argv[1] : "";
    const bool sound = holds<stream>() && holds<sleep_and_wake>() && holds<answers>(), shipped = *model_mutant == '\0';
    if (sound && !shipped)
        fprintf(stderr, "the weakened order of %s was not caught\n", model_mutant);
    return sound == shipped ? 0 : 1;
}
