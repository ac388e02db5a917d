/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eight senders and four receivers, any of which is killed at any moment: every message that was accepted is received once, whole and
 * in its sender's order within its priority.
 *
 * Owns: the ledger, memory that all processes share. What is promised, exactly: a receiver that is killed has taken at most one
 * message that it had no time to enter; nothing else is ever missing.
 */
#include "mqueue_fixture.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { SENDERS = 8, RECEIVERS = 4, KILLS = 120, LIVES = SENDERS + KILLS, EACH = 1500, PRIORITIES = 3, LARGEST = 20000 };

#define ADDRESS "mq:ledger"

/* What one life of a sender has done. */
typedef struct life {
    atomic_uint tried;    /* messages begun; the last one may have been sent, or not */
    atomic_uint accepted; /* those that via_send took */
    atomic_uchar received[EACH];
} life;

typedef struct ledger {
    atomic_bool senders_stop;
    atomic_bool receivers_stop;
    atomic_uint broken; /* what a receiver found wrong: 1 = torn, 2 = unknown, 4 = out of order */
    atomic_uint received;
    life lives[LIVES];
} ledger;

typedef struct letter {
    uint32_t life;
    uint32_t number;
    uint32_t priority;
    uint32_t size;
} letter;

static ledger *book;

/* ---- senders ------------------------------------------------------------------------------------------------ */

static uint32_t size_of(uint32_t life_number, uint32_t number)
{
    uint32_t chance = (life_number * 2654435761U) ^ (number * 40503U);

    return (uint32_t)sizeof(letter) + (chance % 8 == 0 ? chance % (LARGEST - (uint32_t)sizeof(letter)) : chance % 100);
}

static void write_letter(unsigned char *body, const letter *head)
{
    memset(body, (int)((head->life * 31 + head->number) & 0xff), head->size);
    memcpy(body, head, sizeof(*head));
}

static int send_until_stopped(void *argument)
{
    const uint32_t number = *(const uint32_t *)argument;
    via_channel *channel = mq_join(ADDRESS, VIA_PUSH, VIA_SIDE_DEFAULT);
    life *mine = &book->lives[number];
    unsigned char body[LARGEST];

    for (uint32_t i = 0; i < EACH && !atomic_load(&book->senders_stop); i++) {
        const letter head = {number, i, i % PRIORITIES, size_of(number, i)};
        const via_meta meta = {.priority = (int32_t)head.priority};
        write_letter(body, &head);
        atomic_store(&mine->tried, i + 1);
        if (via_send(channel, body, head.size, &meta, VIA_FOREVER) != VIA_OK)
            return 1;
        atomic_store(&mine->accepted, i + 1);
    }
    via_close(channel);
    return 0;
}

/* ---- receivers ---------------------------------------------------------------------------------------------- */

/* Whoever comes first, or after the owner has died, is the owner. */
static via_channel *join_somehow(void)
{
    via_channel *channel = NULL;
    via_error error;
    via_deadline limit = via_after_ms(PATIENCE_MS);

    while (via_now_ns() < limit) {
        if (mq_try_join(ADDRESS, VIA_PULL, VIA_SIDE_BIND, VIA_NOW, &channel, &error) == VIA_OK ||
            mq_try_join(ADDRESS, VIA_PULL, VIA_SIDE_CONNECT, via_after_ms(20), &channel, &error) == VIA_OK)
            return channel;
    }
    return NULL;
}

/* `last`: the number of the last message of each life and priority that this receiver has had, plus one. */
static void enter(const via_msg *message, uint32_t last[LIVES][PRIORITIES])
{
    const unsigned char *body = message->data;
    letter head;
    bool is_torn = message->size < sizeof(head);

    if (!is_torn) {
        memcpy(&head, body, sizeof(head));
        is_torn = head.life >= LIVES || head.number >= EACH || head.size != message->size ||
                  (uint32_t)message->meta.priority != head.priority || head.priority >= PRIORITIES;
    }
    for (size_t i = sizeof(head); !is_torn && i < message->size; i++)
        is_torn = body[i] != ((head.life * 31 + head.number) & 0xff);
    if (is_torn) {
        atomic_fetch_or(&book->broken, 1);
        return;
    }
    if (head.number >= atomic_load(&book->lives[head.life].tried))
        atomic_fetch_or(&book->broken, 2);
    if (head.number + 1 <= last[head.life][head.priority])
        atomic_fetch_or(&book->broken, 4);
    last[head.life][head.priority] = head.number + 1;
    atomic_fetch_add(&book->lives[head.life].received[head.number], 1);
    atomic_fetch_add(&book->received, 1);
}

static int receive_until_stopped(void *argument)
{
    static uint32_t last[LIVES][PRIORITIES];
    via_channel *channel = join_somehow();
    via_msg message;

    (void)argument;
    if (!channel)
        return 1;
    memset(last, 0, sizeof(last));
    while (!atomic_load(&book->receivers_stop)) {
        via_status status = via_recv(channel, via_after_ms(20), &message);
        if (status == VIA_ETIMEDOUT)
            continue;
        if (status != VIA_OK)
            return 1;
        enter(&message, last);
        via_release(channel, &message);
    }
    via_close(channel);
    return 0;
}

/* ---- the test ----------------------------------------------------------------------------------------------- */

static uint32_t next_life;

static pid_t start_sender(void)
{
    uint32_t number = next_life++;

    return mq_fork(send_until_stopped, &number);
}

/* Until so many more have been received: so the kills are spread over the traffic, however fast the machine is. */
static void let_pass(unsigned messages)
{
    unsigned goal = atomic_load(&book->received) + messages;
    via_deadline limit = via_after_ms(2000);

    while (atomic_load(&book->received) < goal && via_now_ns() < limit)
        (void)sched_yield();
}

static unsigned count_missing(unsigned *doubled)
{
    unsigned missing = 0;

    *doubled = 0;
    for (uint32_t i = 0; i < next_life; i++) {
        unsigned accepted = atomic_load(&book->lives[i].accepted);
        for (uint32_t j = 0; j < EACH; j++) {
            unsigned times = atomic_load(&book->lives[i].received[j]);
            missing += j < accepted && times == 0;
            *doubled += times > 1;
        }
    }
    return missing;
}

/* All that can come has come when it is as much as was accepted, or when nothing has come for a while. */
static void await_quiet(void)
{
    unsigned before, doubled;
    via_deadline limit = via_after_ms(PATIENCE_MS);

    do {
        before = atomic_load(&book->received);
        let_pass(1);
    } while (count_missing(&doubled) > 0 && atomic_load(&book->received) != before && via_now_ns() < limit);
}

static void kill_at_random(pid_t senders[SENDERS], pid_t receivers[RECEIVERS], unsigned *seed, unsigned *dead_receivers)
{
    for (int i = 0; i < KILLS; i++) {
        int victim = rand_r(seed) % (SENDERS + RECEIVERS);
        let_pass((unsigned)(rand_r(seed) % 40));
        if (victim < SENDERS) {
            mq_kill(senders[victim]);
            senders[victim] = start_sender();
        } else {
            mq_kill(receivers[victim - SENDERS]);
            receivers[victim - SENDERS] = mq_fork(receive_until_stopped, NULL);
            (*dead_receivers)++;
        }
    }
}

static void test_ledger__balances(void **state)
{
    pid_t senders[SENDERS], receivers[RECEIVERS];
    unsigned seed = (unsigned)time(NULL) ^ (unsigned)getpid(), dead_receivers = 0, doubled = 0;
    char kernel_name[256];

    (void)state;
    print_message("seed %u\n", seed);
    for (int i = 0; i < RECEIVERS; i++)
        receivers[i] = mq_fork(receive_until_stopped, NULL);
    for (int i = 0; i < SENDERS; i++)
        senders[i] = start_sender();
    kill_at_random(senders, receivers, &seed, &dead_receivers);
    atomic_store(&book->senders_stop, true);
    for (int i = 0; i < SENDERS; i++)
        mq_reap(senders[i]);
    await_quiet();
    atomic_store(&book->receivers_stop, true);
    for (int i = 0; i < RECEIVERS; i++)
        mq_reap(receivers[i]);
    unsigned missing = count_missing(&doubled);
    print_message("%u received, %u senders and %u receivers killed, %u missing\n", atomic_load(&book->received),
                  next_life - SENDERS, dead_receivers, missing);
    assert_int_equal(doubled, 0);
    assert_int_equal(atomic_load(&book->broken), 0);
    assert_true(missing <= dead_receivers);
    assert_true(atomic_load(&book->received) > KILLS);
    mq_kernel_name("ledger", kernel_name, sizeof(kernel_name));
    assert_false(mq_kernel_has(kernel_name));
    assert_int_equal(mq_files(".part") + mq_files(".body") + mq_files(".members"), 0);
}

static int open_book(void **state)
{
    (void)state;
    book = mmap(NULL, sizeof(*book), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return book == MAP_FAILED ? -1 : 0;
}

static int close_book(void **state)
{
    (void)state;
    return munmap(book, sizeof(*book));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ledger__balances)};

    return cmocka_run_group_tests(tests, open_book, close_book);
}
