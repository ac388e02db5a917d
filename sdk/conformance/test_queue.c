/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues: many senders, competing receivers.
 */
#include "conform.h"

#include <stdlib.h>
#include <string.h>

enum { MEMBERS = 3, EACH = 300 };

/* Index = sender * EACH + place. Every message once, each sender's in order. */
static void test_queue__many_senders(via_conform *suite)
{
    via_conform_end binder, senders[MEMBERS];
    via_conform_stream streams[MEMBERS];
    via_conform_thread *threads[MEMBERS];
    uint64_t next[MEMBERS] = {0};
    via_msg message;

    via_conform_bind(suite, &binder, END_RECEIVES, NULL, NULL);
    for (uint64_t i = 0; i < MEMBERS; i++) {
        via_conform_connect(suite, &senders[i], END_SENDS, binder.address, NULL);
        streams[i] = (via_conform_stream){suite, senders[i].channel, i * EACH, EACH, via_conform_page_size, 0};
        threads[i] = via_conform_thread_start(via_conform_run_sender, &streams[i]);
    }
    for (int n = 0; n < MEMBERS * EACH; n++) {
        CHECK_OK(via_recv(binder.channel, via_conform_soon(), &message));
        uint64_t first = 0, i = 0;
        for (i = 0; i < MEMBERS; i++) { /* which sender's next one is it? */
            unsigned char expected[8];
            if (next[i] == EACH)
                continue;
            via_conform_fill(suite->seed, i * EACH + next[i], expected, sizeof(expected));
            if (message.size >= 8 && memcmp(message.data, expected, sizeof(expected)) == 0)
                break;
        }
        CHECK(i < MEMBERS, "message %d is not the next one of any sender", n);
        first = i * EACH + next[i]++;
        via_conform_check_bytes(suite->seed, first, message.data, message.size, via_conform_page_size(suite, first));
        via_release(binder.channel, &message);
    }
    via_conform_expect_nothing(binder.channel);
    for (int i = 0; i < MEMBERS; i++) {
        (void)via_conform_thread_join(threads[i]);
        via_conform_end_close(&senders[i]);
    }
    via_conform_end_close(&binder);
}

/* ---- competing receivers ------------------------------------------------------------------------------------ */

/* Message body: eight bytes of number. */
static uint64_t take_all(via_channel *channel, unsigned char seen[EACH], via_deadline deadline)
{
    via_msg message;
    uint64_t number = 0, count = 0;

    while (via_recv(channel, deadline, &message) == VIA_OK) {
        CHECK(message.size == sizeof(number), "a message of %zu bytes came that was never sent", message.size);
        memcpy(&number, message.data, sizeof(number));
        CHECK(number < EACH && !seen[number], "message %llu came twice", (unsigned long long)number);
        seen[number] = 1;
        count++;
        via_release(channel, &message);
    }
    return count;
}

/*
 * Where receivers take from a common store nothing is handed out: then each message comes to the one that asks, all of them do in
 * turn, and nobody gets it twice.
 */
static void take_in_turns(via_conform *suite, const via_conform_end *binder, const via_conform_end receivers[MEMBERS])
{
    for (uint64_t i = 0; i < EACH; i++) {
        via_conform_send(suite, binder->channel, i, 8);
        via_conform_expect(suite, receivers[i % MEMBERS].channel, i, 8);
    }
    for (int i = 0; i < MEMBERS; i++)
        via_conform_expect_nothing(receivers[i].channel);
}

/* Where they are handed out, idle receivers get their share. */
static void take_what_is_handed(const via_conform_end *binder, const via_conform_end receivers[MEMBERS])
{
    unsigned char seen[EACH] = {0};
    uint64_t taken[MEMBERS] = {0}, all = 0;

    for (uint64_t number = 0; number < EACH; number++)
        CHECK_OK(via_send(binder->channel, &number, sizeof(number), NULL, via_conform_soon()));
    CHECK_OK(via_flush(binder->channel, via_conform_soon()));
    via_deadline limit = via_conform_soon();
    while (all < EACH && via_now_ns() < limit) {
        for (int i = 0; i < MEMBERS; i++) {
            uint64_t count = take_all(receivers[i].channel, seen, via_after_ms(5));
            taken[i] += count;
            all += count;
        }
    }
    CHECK(all == EACH, "%llu of %d messages arrived", (unsigned long long)all, EACH);
    for (int i = 0; i < MEMBERS; i++) {
        CHECK(taken[i] > 0, "receiver %d of %d idle ones got nothing of %d messages", i, MEMBERS, EACH);
        CHECK(take_all(receivers[i].channel, seen, via_after_ms(50)) == 0, "more arrived than was sent");
    }
}

static void test_queue__competing(via_conform *suite)
{
    via_conform_end binder, receivers[MEMBERS];
    const via_conform_how how = {.flipped = true};

    via_conform_bind(suite, &binder, END_SENDS, NULL, &how);
    for (int i = 0; i < MEMBERS; i++)
        via_conform_connect(suite, &receivers[i], END_RECEIVES, binder.address, &how);
    if (suite->claims->shares_taken)
        take_in_turns(suite, &binder, receivers);
    else
        take_what_is_handed(&binder, receivers);
    for (int i = 0; i < MEMBERS; i++)
        via_conform_end_close(&receivers[i]);
    via_conform_end_close(&binder);
}

/* Nobody to take it: a send waits until its deadline, and goes on when somebody comes. */
static void *send_one(void *argument)
{
    const via_conform_stream *stream = argument;
    via_conform_send(stream->suite, stream->channel, stream->first, 77);
    return NULL;
}

static void test_queue__waits_for_receiver(via_conform *suite)
{
    via_conform_end binder, receiver;
    const via_conform_how how = {.flipped = true};

    via_conform_bind(suite, &binder, END_SENDS, NULL, &how);
    CHECK_STATUS(VIA_ETIMEDOUT, via_conform_try_send(suite, binder.channel, 0, 77, 0, VIA_NOW));
    CHECK_STATUS(VIA_ETIMEDOUT, via_conform_try_send(suite, binder.channel, 0, 77, 0, via_after_ms(30)));
    via_conform_stream stream = {suite, binder.channel, 5, 1, NULL, 0};
    via_conform_thread *sender = via_conform_thread_start(send_one, &stream);
    via_conform_connect(suite, &receiver, END_RECEIVES, binder.address, &how);
    via_conform_expect(suite, receiver.channel, 5, 77);
    (void)via_conform_thread_join(sender);
    via_conform_end_close(&receiver);
    via_conform_end_close(&binder);
}

static const via_conform_test tests[] = {
    {"queue.many_senders", "Queue: every message of many senders arrives once, each sender's in order",
     VIA_PATTERN_QUEUE, NEEDS_WHOLE | NEEDS_TWO_ENDS, test_queue__many_senders},
    {"queue.competing", "Queue: each message goes to one of the receivers, and all get some", VIA_PATTERN_QUEUE,
     NEEDS_WHOLE | NEEDS_TWO_ENDS, test_queue__competing},
    {"queue.waits_for_receiver", "Queue: a sender waits while there is no receiver", VIA_PATTERN_QUEUE,
     NEEDS_WHOLE | NEEDS_TWO_ENDS | NEEDS_OWNERS, test_queue__waits_for_receiver},
};

const via_conform_group via_conform_queue_tests = {tests, sizeof(tests) / sizeof(tests[0])};
