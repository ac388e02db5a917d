/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring alone: positions, giving back in any order, calls, and two threads at full speed.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ring.h"

enum { SLOTS = 8 };

/* Both halves, as two processes would have them. */
typedef struct rig {
    shm_slot slots[SLOTS];
    shm_control sends; /* of the end that writes */
    shm_control receives;
    shm_writer writer;
    shm_reader reader;
    shm_word32 heard;
    uint64_t given_back[(SLOTS + 63) / 64];
} rig;

static int set_up(void **state)
{
    rig *r = aligned_alloc(SHM_LINE, (sizeof(*r) + SHM_LINE - 1) / SHM_LINE * SHM_LINE);

    assert_non_null(r);
    memset(r, 0, sizeof(*r));
    r->writer = (shm_writer){
        .slots = r->slots, .ours = &r->sends, .theirs = &r->receives, .heard = &r->heard, .mask = SLOTS - 1};
    r->reader = (shm_reader){.slots = r->slots,
                             .ours = &r->receives,
                             .theirs = &r->sends,
                             .heard = &r->heard,
                             .given_back = r->given_back,
                             .mask = SLOTS - 1};
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static bool room(rig *r)
{
    uint32_t head = 0;

    if (!shm_writer_look(&r->writer, &head))
        fail_msg("the reader was taken for a liar");
    r->writer.head = head;
    return shm_writer_has_room(&r->writer);
}

static void write_one(rig *r, uint64_t value)
{
    shm_writer_slot(&r->writer)->letter.size = value;
    shm_writer_publish(&r->writer);
}

static uint64_t read_one(rig *r)
{
    assert_true(shm_reader_has_message(&r->reader));
    uint64_t value = shm_reader_slot(&r->reader)->letter.size;
    r->reader.next++;
    return value;
}

/* Sets all positions, as if so many messages had gone through. */
static void begin_at(rig *r, uint32_t position)
{
    for (uint32_t i = 0; i < SLOTS; i++)
        SHM_PUT(&r->slots[(position - SLOTS + i) & (SLOTS - 1)].stamp, position - SLOTS + i + 1);
    r->writer.tail = r->writer.head = r->reader.next = r->reader.head = position;
    SHM_PUT(&r->receives.head, position);
}

static void test_ring__carries_in_order_across_the_wrap_of_positions(void **state)
{
    static const uint32_t starts[] = {0, 5, UINT32_MAX - 3, UINT32_MAX - SLOTS};
    rig *r = *state;

    for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
        begin_at(r, starts[s]);
        for (uint64_t i = 0; i < 100; i++) {
            assert_true(room(r));
            assert_false(shm_reader_has_message(&r->reader));
            write_one(r, i);
            assert_int_equal(read_one(r), i);
            shm_reader_give_back(&r->reader, r->reader.next - 1);
        }
    }
}

static void test_ring__is_full_after_as_many_as_it_has_slots(void **state)
{
    rig *r = *state;

    for (uint64_t i = 0; i < SLOTS; i++) {
        assert_true(room(r));
        write_one(r, i);
    }
    assert_false(room(r));
    assert_int_equal(read_one(r), 0);
    assert_false(room(r)); /* read, and not given back */
    shm_reader_give_back(&r->reader, 0);
    assert_true(room(r));
}

/* Every order of giving eight back. */
static void test_ring__takes_messages_back_in_any_order(void **state)
{
    rig *r = *state;
    uint32_t order[SLOTS], seed = 1;

    for (int round = 0; round < 2000; round++) {
        uint32_t first = r->reader.next;
        for (uint32_t i = 0; i < SLOTS; i++) {
            assert_true(room(r));
            write_one(r, i);
            order[i] = first + i;
        }
        for (uint32_t i = 0; i < SLOTS; i++)
            assert_int_equal(read_one(r), i);
        for (uint32_t i = SLOTS - 1; i > 0; i--) {
            seed = seed * 1664525 + 1013904223;
            uint32_t j = (seed >> 16) % (i + 1), kept = order[i];
            order[i] = order[j];
            order[j] = kept;
        }
        bool back[SLOTS] = {false};
        uint32_t expected = first;
        for (uint32_t i = 0; i < SLOTS; i++) {
            shm_reader_give_back(&r->reader, order[i]);
            back[order[i] - first] = true;
            while (expected < first + SLOTS && back[expected - first])
                expected++;
            assert_int_equal(SHM_LOOK(&r->receives.head), expected);
        }
    }
}

static void test_ring__believes_no_reader_that_gives_back_what_was_never_sent(void **state)
{
    rig *r = *state;
    uint32_t head;

    write_one(r, 1);
    write_one(r, 2);
    SHM_PUT(&r->receives.head, 3);
    assert_false(shm_writer_look(&r->writer, &head));
    SHM_PUT(&r->receives.head, UINT32_MAX);
    assert_false(shm_writer_look(&r->writer, &head));
    SHM_PUT(&r->receives.head, 2);
    assert_true(shm_writer_look(&r->writer, &head));
    r->writer.head = head;
    SHM_PUT(&r->receives.head, 1); /* backwards */
    assert_false(shm_writer_look(&r->writer, &head));
}

/* What is said with a message is what the end that sends it has given back. */
static void test_ring__says_with_a_message_what_was_given_back(void **state)
{
    rig *r = *state;

    SHM_PUT(&r->sends.head, 7);
    write_one(r, 1);
    shm_reader_hear(&r->reader);
    assert_int_equal(SHM_GET(&r->heard), 7);
}

static void test_ring__hears_news_once_and_no_nonsense(void **state)
{
    rig *r = *state;
    uint32_t head;

    begin_at(r, UINT32_MAX - 1);
    r->writer.judged = UINT32_MAX - 1;
    for (uint64_t i = 0; i < 4; i++)
        write_one(r, i);
    SHM_PUT(&r->heard, UINT32_MAX - 1);
    assert_false(shm_writer_hear(&r->writer, &head));
    SHM_PUT(&r->heard, 3); /* sent up to 2 */
    assert_false(shm_writer_hear(&r->writer, &head));
    SHM_PUT(&r->heard, 1);
    assert_true(shm_writer_hear(&r->writer, &head));
    assert_int_equal(head, 1);
    r->writer.head = head;
    assert_false(shm_writer_hear(&r->writer, &head));
    SHM_PUT(&r->heard, 0); /* backwards */
    assert_false(shm_writer_hear(&r->writer, &head));
    r->writer.head = UINT32_MAX; /* it counts no second time when the positions come round */
    assert_false(shm_writer_hear(&r->writer, &head));
}

static void test_ring__answers_each_call_once(void **state)
{
    rig *r = *state;
    uint32_t answered = 0;

    assert_int_equal(shm_called(&r->receives.read_call, &answered), 0);
    shm_call(&r->receives.read_call, SHM_CALL_FUTEX);
    assert_int_equal(shm_called(&r->receives.read_call, &answered), SHM_CALL_FUTEX);
    assert_int_equal(shm_called(&r->receives.read_call, &answered), 0);
    shm_call(&r->receives.read_call, SHM_CALL_BELL);
    assert_int_equal(shm_called(&r->receives.read_call, &answered), SHM_CALL_BELL);
    shm_call(&r->receives.read_call, SHM_CALL_FUTEX);
    shm_call_off(&r->receives.read_call);
    assert_int_equal(shm_called(&r->receives.read_call, &answered), 0);
    shm_call(&r->receives.read_call, SHM_CALL_FUTEX | SHM_CALL_BELL);
    shm_call_off(&r->receives.read_call);
    assert_int_equal(shm_called(&r->receives.read_call, &answered), SHM_CALL_BELL);
}

/* ---- two threads -------------------------------------------------------------------------------------------- */

enum { MESSAGES = 200000 };

static void *write_all(void *argument)
{
    rig *r = argument;

    for (uint64_t i = 0; i < MESSAGES; i++) {
        for (; !shm_writer_has_room(&r->writer); (void)sched_yield()) {
            uint32_t head;
            if (!shm_writer_look(&r->writer, &head))
                return NULL;
            r->writer.head = head;
        }
        shm_slot *slot = shm_writer_slot(&r->writer);
        memset(slot->bytes, (int)(i & 0xff), sizeof(slot->bytes));
        write_one(r, i);
    }
    return r;
}

static void test_ring__tears_nothing_between_two_threads(void **state)
{
    rig *r = *state;
    pthread_t writer;
    void *result = NULL;

    assert_int_equal(pthread_create(&writer, NULL, write_all, r), 0);
    for (uint64_t i = 0; i < MESSAGES; i++) {
        while (!shm_reader_has_message(&r->reader))
            (void)sched_yield();
        const shm_slot *slot = shm_reader_slot(&r->reader);
        if (slot->letter.size != i || slot->bytes[0] != (i & 0xff) || slot->bytes[SHM_SLOT_BYTES - 1] != (i & 0xff))
            fail_msg("message %llu is torn", (unsigned long long)i);
        r->reader.next++;
        shm_reader_give_back(&r->reader, (uint32_t)i);
    }
    assert_int_equal(pthread_join(writer, &result), 0);
    assert_non_null(result);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ring__carries_in_order_across_the_wrap_of_positions),
        TEST(test_ring__is_full_after_as_many_as_it_has_slots),
        TEST(test_ring__takes_messages_back_in_any_order),
        TEST(test_ring__believes_no_reader_that_gives_back_what_was_never_sent),
        TEST(test_ring__says_with_a_message_what_was_given_back),
        TEST(test_ring__hears_news_once_and_no_nonsense),
        TEST(test_ring__answers_each_call_once),
        TEST(test_ring__tears_nothing_between_two_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
