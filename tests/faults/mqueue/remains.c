/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the dead and the leaving leave: messages for the next owner, nothing for nobody, and no message by halves.
 */
#include "mqueue_fixture.h"

#include <mqueue.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LARGE = 100000, FILLERS = 10 };

static int ready[2]; /* a pipe: the child says that it got so far */

static void say_ready(void)
{
    if (write(ready[1], "r", 1) != 1)
        _exit(1);
}

static void await_ready(void)
{
    char byte;

    assert_int_equal(read(ready[0], &byte, 1), 1);
}

static int make_pipe(void **state)
{
    (void)state;
    return pipe(ready);
}

static int close_pipe(void **state)
{
    (void)state;
    return close(ready[0]) + close(ready[1]);
}

/* ---- owners ------------------------------------------------------------------------------------------------- */

static int own_for_ever(void *argument)
{
    (void)mq_join(argument, VIA_PULL, VIA_SIDE_BIND);
    say_ready();
    while (pause() < 0)
        ;
    return 1;
}

/* Before the death, between death and successor, and after: all of it arrives, in order. */
static void test_remains__outlive_a_killed_owner(void **state)
{
    char address[] = "mq:killed-owner";
    pid_t owner = mq_fork(own_for_ever, address);

    (void)state;
    await_ready();
    via_channel *sender = mq_join(address, VIA_PUSH, VIA_SIDE_DEFAULT);
    mq_send_text(sender, "before", 0);
    mq_kill(owner);
    mq_send_text(sender, "between", 0);
    via_channel *next = mq_join(address, VIA_PULL, VIA_SIDE_DEFAULT);
    mq_send_text(sender, "after", 0);
    mq_expect_text(next, "before", 0);
    mq_expect_text(next, "between", 0);
    mq_expect_text(next, "after", 0);
    via_close(sender);
    via_close(next);
}

/* The sender leaves as well: what it sent is the kernel's, and waits. */
static void test_remains__wait_for_the_next_owner(void **state)
{
    char address[] = "mq:all-gone";
    pid_t owner = mq_fork(own_for_ever, address);

    (void)state;
    await_ready();
    via_channel *sender = mq_join(address, VIA_PUSH, VIA_SIDE_DEFAULT);
    mq_kill(owner);
    mq_send_text(sender, "kept", 0);
    via_close(sender);
    via_channel *next = mq_join(address, VIA_PULL, VIA_SIDE_DEFAULT);
    mq_expect_text(next, "kept", 0);
    via_close(next);
}

/* An owner that closes while others are there takes nothing with it. */
static void test_remains__outlive_an_owner_that_closes(void **state)
{
    const char *address = "mq:closed-owner";

    (void)state;
    via_channel *first = mq_join(address, VIA_PULL, VIA_SIDE_DEFAULT);
    via_channel *sender = mq_join(address, VIA_PUSH, VIA_SIDE_DEFAULT);
    mq_send_text(sender, "one", 0);
    via_close(first);
    mq_send_text(sender, "two", 0);
    via_channel *next = mq_join(address, VIA_PULL, VIA_SIDE_DEFAULT);
    mq_expect_text(next, "one", 0);
    mq_expect_text(next, "two", 0);
    via_close(sender);
    via_close(next);
}

/* Once all have closed nothing is left in the folder or the kernel, whoever goes last. */
static void test_remains__none_after_the_last(void **state)
{
    const char *address = "mq:nothing-left";
    char kernel_name[256];

    (void)state;
    for (int owner_first = 0; owner_first < 2; owner_first++) {
        via_channel *owner = mq_join(address, VIA_PULL, VIA_SIDE_DEFAULT);
        via_channel *sender = mq_join(address, VIA_PUSH, VIA_SIDE_DEFAULT);
        mq_kernel_name("nothing-left", kernel_name, sizeof(kernel_name));
        mq_send_text(sender, "nobody wants it", 0);
        via_close(owner_first ? owner : sender);
        assert_true(mq_kernel_has(kernel_name));
        via_close(owner_first ? sender : owner);
        assert_false(mq_kernel_has(kernel_name));
        assert_int_equal(mq_files(".members"), 0);
    }
}

/* ---- what the dead have left --------------------------------------------------------------------------------- */

/* Whoever opens any queue of the folder. */
static void open_another(void)
{
    via_close(mq_join("mq:another", VIA_PULL, VIA_SIDE_DEFAULT));
}

/* Nobody binds the name again, and it does not stay in the user's share. */
static void test_remains__of_the_dead_go_when_another_opens(void **state)
{
    char address[] = "mq:dead";
    char kernel_name[256];
    pid_t owner = mq_fork(own_for_ever, address);

    (void)state;
    await_ready();
    mq_kernel_name("dead", kernel_name, sizeof(kernel_name));
    open_another();
    assert_true(mq_kernel_has(kernel_name)); /* a live owner's */
    via_channel *sender = mq_join(address, VIA_PUSH, VIA_SIDE_DEFAULT);
    mq_kill(owner);
    open_another();
    assert_true(mq_kernel_has(kernel_name)); /* a live member's */
    mq_send_text(sender, "kept", 0);
    via_close(sender);
    open_another();
    assert_true(mq_kernel_has(kernel_name)); /* with what waits for the next owner */
    owner = mq_fork(own_for_ever, address);
    await_ready();
    mq_kill(owner);
    via_channel *next = mq_join(address, VIA_PULL, VIA_SIDE_DEFAULT);
    mq_expect_text(next, "kept", 0);
    via_close(next);
    owner = mq_fork(own_for_ever, address);
    await_ready();
    mq_kill(owner);
    assert_true(mq_kernel_has(kernel_name));
    open_another();
    assert_false(mq_kernel_has(kernel_name));
    assert_int_equal(mq_files(".members"), 0);
}

/* Bodies whose references are gone with the queue. */
static void test_remains__of_the_dead_are_bodies_as_well(void **state)
{
    char address[] = "mq:bodies";
    char kernel_name[256];
    char *large = calloc(1, LARGE);
    pid_t owner = mq_fork(own_for_ever, address);

    (void)state;
    assert_non_null(large);
    await_ready();
    mq_kernel_name("bodies", kernel_name, sizeof(kernel_name));
    via_channel *sender = mq_join(address, VIA_PUSH, VIA_SIDE_DEFAULT);
    assert_int_equal(via_send(sender, large, LARGE, NULL, via_after_ms(PATIENCE_MS)), VIA_OK);
    mq_kill(owner);
    via_close(sender);
    open_another();
    assert_int_equal(mq_files(".body"), 1);
    assert_int_equal(mq_unlink(kernel_name), 0);
    open_another();
    assert_int_equal(mq_files(".body"), 0);
    assert_int_equal(mq_files(".members"), 0);
    free(large);
}

/* ---- large messages ----------------------------------------------------------------------------------------- */

static int send_large_into_full(void *argument)
{
    via_channel *channel = mq_join(argument, VIA_PUSH, VIA_SIDE_DEFAULT);
    char *large = calloc(1, LARGE);

    if (!large)
        return 1;
    for (int i = 0; i < FILLERS; i++)
        mq_send_text(channel, "filler", 0);
    return via_send(channel, large, LARGE, NULL, VIA_FOREVER) == VIA_OK ? 1 : 2; /* killed in here */
}

/* The body is written and waits for room when its sender dies: no byte of it is ever received, and it is counted. */
static void test_remains__half_a_message_vanishes(void **state)
{
    char address[] = "mq:half";
    via_counters counters = {.size = sizeof(counters)};
    via_deadline limit = via_after_ms(PATIENCE_MS);

    (void)state;
    via_channel *owner = mq_join(address, VIA_PULL, VIA_SIDE_DEFAULT);
    pid_t sender = mq_fork(send_large_into_full, address);
    while (mq_files(".part") == 0 && via_now_ns() < limit)
        (void)sched_yield();
    assert_int_equal(mq_files(".part"), 1);
    mq_kill(sender);
    for (int i = 0; i < FILLERS; i++)
        mq_expect_text(owner, "filler", 0);
    mq_expect_nothing(owner);
    assert_int_equal(mq_files(".part"), 0);
    assert_int_equal(mq_files(".body"), 0);
    assert_int_equal(via_stats(owner, &counters), VIA_OK);
    assert_int_equal(counters.missed, 1);
    via_close(owner);
}

/* A deadline that passes while a body waits for room leaves nothing of it, and the next one goes through. */
static void test_remains__nothing_of_one_that_found_no_room(void **state)
{
    const char *address = "mq:no-room";
    char *large = calloc(1, LARGE);
    via_msg message;

    (void)state;
    assert_non_null(large);
    via_channel *owner = mq_join(address, VIA_PULL, VIA_SIDE_DEFAULT);
    via_channel *sender = mq_join(address, VIA_PUSH, VIA_SIDE_DEFAULT);
    for (int i = 0; i < FILLERS; i++)
        mq_send_text(sender, "filler", 0);
    assert_int_equal(via_send(sender, large, LARGE, NULL, VIA_NOW), VIA_ETIMEDOUT);
    assert_int_equal(via_send(sender, large, LARGE, NULL, via_after_ms(30)), VIA_ETIMEDOUT);
    assert_int_equal(mq_files(".part") + mq_files(".body"), 0);
    for (int i = 0; i < FILLERS; i++)
        mq_expect_text(owner, "filler", 0);
    assert_int_equal(via_send(sender, large, LARGE, NULL, via_after_ms(PATIENCE_MS)), VIA_OK);
    assert_int_equal(via_recv(owner, via_after_ms(PATIENCE_MS), &message), VIA_OK);
    assert_int_equal(message.size, LARGE);
    via_release(owner, &message);
    assert_int_equal(mq_files(".part") + mq_files(".body"), 0);
    free(large);
    via_close(sender);
    via_close(owner);
}

/* ---- priorities --------------------------------------------------------------------------------------------- */

static void test_priorities__order_and_range(void **state)
{
    const char *address = "mq:priorities";
    const via_meta below = {.priority = -1};
    const via_meta above = {.priority = 32768};

    (void)state;
    via_channel *owner = mq_join(address, VIA_PULL, VIA_SIDE_DEFAULT);
    via_channel *sender = mq_join(address, VIA_PUSH, VIA_SIDE_DEFAULT);
    mq_send_text(sender, "first of 0", 0);
    mq_send_text(sender, "first of 7", 7);
    mq_send_text(sender, "second of 0", 0);
    mq_send_text(sender, "most urgent", 32767);
    mq_send_text(sender, "second of 7", 7);
    assert_int_equal(via_send(sender, "x", 1, &below, VIA_NOW), VIA_EINVAL);
    assert_int_equal(via_send(sender, "x", 1, &above, VIA_NOW), VIA_EINVAL);
    mq_expect_text(owner, "most urgent", 32767);
    mq_expect_text(owner, "first of 7", 7);
    mq_expect_text(owner, "second of 7", 7);
    mq_expect_text(owner, "first of 0", 0);
    mq_expect_text(owner, "second of 0", 0);
    mq_expect_nothing(owner);
    via_close(sender);
    via_close(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remains__outlive_a_killed_owner),
        cmocka_unit_test(test_remains__wait_for_the_next_owner),
        cmocka_unit_test(test_remains__outlive_an_owner_that_closes),
        cmocka_unit_test(test_remains__none_after_the_last),
        cmocka_unit_test(test_remains__of_the_dead_go_when_another_opens),
        cmocka_unit_test(test_remains__of_the_dead_are_bodies_as_well),
        cmocka_unit_test(test_remains__half_a_message_vanishes),
        cmocka_unit_test(test_remains__nothing_of_one_that_found_no_room),
        cmocka_unit_test(test_priorities__order_and_range),
    };

    return cmocka_run_group_tests(tests, make_pipe, close_pipe);
}
