/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer that is killed (SIGKILL) at every single instruction of what it does with a channel.
 *
 * A process does one act between two marks: sends, commits a loan, takes a message, dials, ends. It is killed before each
 * instruction of that, its own and the libraries', a fresh process each time (of long acts at every tenth, from a place that
 * differs from run to run; VIADUCT_STEPPING_ALL=1 takes them all, for ten minutes). The survivor gets what was committed, whole;
 * nothing that was not; then the truth about the end; and keeps nothing.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <viaduct/viaduct.h>

#include "stepper.h"

enum {
    PATIENCE_MS = 20000,
    ROUNDS = 3, /* of a loop, at its beginning and its end */
    SMALL = 64,
    MEDIUM = 3000,
    LARGE = 70000, /* more than the ring */
    MANY = 1000,   /* instructions: of more, a tenth each time */
    SHARE = 10,
    LOOK_EVERY = 100 /* deaths: how often the survivor is asleep in a call */
};

static char address[128];
static via_listener *listener;

/* ---- the process -------------------------------------------------------------------------------------------- */

typedef struct deed {
    const char *name;
    size_t size; /* of the message, if there is one */
    void (*perform)(const struct deed *act, via_host *host, via_channel *channel);
    bool sends;    /* the survivor gets a message if the act came far enough */
    bool ends;     /* the survivor is told VIA_ECLOSED then */
    bool connects; /* there may be one more connection */
} deed;

/* What a killed process does is lost anyway; what it cannot do is a failure that the survivor would misread. */
static void require(via_status status)
{
    if (status != VIA_OK)
        _exit(1);
}

static unsigned char byte_of(size_t size, size_t i)
{
    return (unsigned char)(size * 31 + i * 7 + (i >> 8));
}

static void fill(void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((unsigned char *)data)[i] = byte_of(size, i);
}

static unsigned char bytes[LARGE]; /* filled before the mark: it is not the caller's loop that is tested */

static void send_message(const deed *act, via_host *host, via_channel *channel)
{
    (void)host;
    require(via_send(channel, bytes, act->size, NULL, VIA_NOW));
}

static void commit_loan(const deed *act, via_host *host, via_channel *channel)
{
    via_msg message;

    (void)host;
    require(via_loan(channel, act->size, VIA_NOW, &message));
    memcpy(message.data, bytes, act->size);
    require(via_commit(channel, &message, VIA_NOW));
}

static void discard_loan(const deed *act, via_host *host, via_channel *channel)
{
    via_msg message;

    (void)host;
    require(via_loan(channel, act->size, VIA_NOW, &message));
    via_discard(channel, &message);
}

static void take_message(const deed *act, via_host *host, via_channel *channel)
{
    via_msg message;

    (void)act, (void)host;
    require(via_recv(channel, VIA_NOW, &message));
    via_release(channel, &message);
}

static void dial_again(const deed *act, via_host *host, via_channel *channel)
{
    (void)act, (void)channel;
    require(via_dial(host, address, NULL, VIA_NOW, &channel, NULL));
}

static void finish_channel(const deed *act, via_host *host, via_channel *channel)
{
    (void)act, (void)host;
    require(via_finish(channel, VIA_NOW));
}

static void close_channel(const deed *act, via_host *host, via_channel *channel)
{
    (void)act, (void)host;
    via_close(channel);
}

static const deed acts[] = {
    {.name = "send in a slot", .size = SMALL, .perform = send_message, .sends = true},
    {.name = "send through the ring", .size = MEDIUM, .perform = send_message, .sends = true},
    {.name = "send in a memory of its own", .size = LARGE, .perform = send_message, .sends = true},
    {.name = "loan and commit", .size = MEDIUM, .perform = commit_loan, .sends = true},
    {.name = "loan and discard", .size = MEDIUM, .perform = discard_loan},
    {.name = "receive and release", .perform = take_message},
    {.name = "attach", .perform = dial_again, .connects = true},
    {.name = "finish", .perform = finish_channel, .ends = true},
    {.name = "detach", .perform = close_channel, .ends = true},
};

/* To be killed somewhere in here: after the second mark. */
static void live(void *argument)
{
    const deed *act = argument;
    via_host *host = NULL;
    via_channel *channel = NULL;
    via_msg message;
    unsigned char first[SMALL];

    require(via_host_open(NULL, &host, NULL));
    require(via_dial(host, address, NULL, via_after_ms(PATIENCE_MS), &channel, NULL));
    VIA_STEPPER_MARK();
    require(via_recv(channel, via_after_ms(PATIENCE_MS), &message));
    via_release(channel, &message);
    fill(first, sizeof(first));
    require(via_send(channel, first, sizeof(first), NULL, VIA_NOW));
    fill(bytes, act->size);
    VIA_STEPPER_MARK();
    act->perform(act, host, channel);
    VIA_STEPPER_MARK();
}

/* ---- the survivor ------------------------------------------------------------------------------------------- */

/* A process that has come to the second mark, and our end of its channel, in which two messages wait for it. */
static via_channel *raise_one(const deed *act, via_stepper *stepper)
{
    via_channel *channel = NULL;

    via_stepper_start(stepper, live, (void *)(uintptr_t)act);
    assert_int_equal(via_accept(listener, via_after_ms(PATIENCE_MS), &channel, NULL), VIA_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(via_send(channel, "go", 2, NULL, VIA_NOW), VIA_OK);
    via_stepper_to_mark(stepper);
    return channel;
}

/* Waits awake, so that a test of thousands of deaths is not one of thousands of naps; now and then asleep. */
static via_status next(via_channel *channel, bool asleep, via_msg *message)
{
    via_deadline deadline = via_after_ms(PATIENCE_MS);
    via_status status;

    if (asleep)
        return via_recv(channel, deadline, message);
    while ((status = via_recv(channel, VIA_NOW, message)) == VIA_ETIMEDOUT && via_after_ms(0) < deadline)
        ;
    return status;
}

static void expect_whole(via_channel *channel, via_msg *message, size_t size)
{
    assert_int_equal(message->size, size);
    for (size_t i = 0; i < size; i++)
        if (((const unsigned char *)message->data)[i] != byte_of(size, i))
            fail_msg("byte %zu of a message of %zu is torn", i, size);
    via_release(channel, message);
}

/* Has the act come to pass? Whatever the answer: all that was committed before is here, and the end is told. */
static bool look_at(const deed *act, via_channel *channel, bool asleep)
{
    via_msg message;
    bool has_happened = false;

    assert_int_equal(next(channel, asleep, &message), VIA_OK);
    expect_whole(channel, &message, SMALL);
    via_status status = next(channel, asleep, &message);
    if (act->sends && status == VIA_OK) {
        has_happened = true;
        expect_whole(channel, &message, act->size);
        status = next(channel, asleep, &message);
    }
    if (act->ends && status == VIA_ECLOSED)
        return true;
    if (status != VIA_EPEER)
        fail_msg("%s: the survivor is told %s", act->name, via_status_name(status));
    return has_happened;
}

/* A connection that the dead process may have begun. */
static bool look_for_another(void)
{
    via_channel *channel = NULL;
    via_msg message;

    if (via_accept(listener, VIA_NOW, &channel, NULL) != VIA_OK)
        return false;
    assert_int_equal(next(channel, false, &message), VIA_EPEER);
    via_close(channel);
    return true;
}

static void expect_nothing_sent_in_vain(via_channel *channel)
{
    via_deadline deadline = via_after_ms(PATIENCE_MS);
    via_status status;

    while ((status = via_send(channel, "?", 1, NULL, VIA_NOW)) == VIA_OK && via_after_ms(0) < deadline)
        ;
    assert_true(status == VIA_EPEER || status == VIA_ECLOSED);
}

/* Kills one at that step; NULL: at the end of the act. */
static bool kill_at(const deed *act, const via_step *step, bool asleep)
{
    via_stepper stepper;
    via_channel *channel = raise_one(act, &stepper);

    if (!step)
        via_stepper_to_mark(&stepper);
    else if (!via_stepper_to(&stepper, step))
        step = NULL;
    via_stepper_kill(&stepper);
    bool has_happened = look_at(act, channel, asleep);
    if (act->connects)
        has_happened = look_for_another();
    expect_nothing_sent_in_vain(channel);
    via_close(channel);
    if (!step && (act->sends || act->ends || act->connects))
        assert_true(has_happened);
    return has_happened;
}

/* ---- the tests ---------------------------------------------------------------------------------------------- */

static size_t count_entries(const char *folder)
{
    DIR *directory = opendir(folder);
    size_t count = 0;

    assert_non_null(directory);
    while (readdir(directory))
        count++;
    (void)closedir(directory);
    return count;
}

static size_t count_mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    size_t count = 0;
    char line[512];

    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps))
        count += strstr(line, "memfd:") != NULL;
    (void)fclose(maps);
    return count;
}

static void test_killed_at_every_instruction(void **state)
{
    const deed *act = *state;
    via_stepper stepper;
    via_steps steps;

    (void)kill_at(act, NULL, false); /* once, so that what is made once is made */
    size_t descriptors = count_entries("/proc/self/fd"), mappings = count_mappings();
    via_channel *channel = raise_one(act, &stepper);
    via_stepper_record(&stepper, ROUNDS, &steps);
    via_stepper_kill(&stepper);
    via_close(channel);
    if (act->connects)
        (void)look_for_another();

    size_t happened = 0, deaths = 0;
    size_t stride = steps.count > MANY && !getenv("VIADUCT_STEPPING_ALL") ? SHARE : 1;
    for (size_t i = (size_t)getpid() % stride; i < steps.count; i += stride, deaths++)
        happened += kill_at(act, &steps.list[i], deaths % LOOK_EVERY == 0);
    free(steps.list);
    print_message("%s: %zu instructions at %zu places, killed at %zu, in vain at %zu of them\n", act->name,
                  steps.executed, steps.count, deaths, deaths - happened);
    assert_int_equal(count_entries("/proc/self/fd"), descriptors);
    assert_int_equal(count_mappings(), mappings);
}

static int open_listener(void **state)
{
    (void)state;
    (void)snprintf(address, sizeof(address), "shm:stepping-%d?ring=64KiB&slots=16", (int)getpid());
    return via_listen(NULL, address, NULL, &listener, NULL) == VIA_OK ? 0 : -1;
}

static int close_listener(void **state)
{
    (void)state;
    via_listener_close(listener);
    return 0;
}

int main(int argc, char **argv)
{
    enum { ACTS = sizeof(acts) / sizeof(acts[0]) };
    struct CMUnitTest tests[ACTS];

    for (size_t i = 0; i < ACTS; i++)
        tests[i] = (struct CMUnitTest){acts[i].name, test_killed_at_every_instruction, NULL, NULL,
                                       (void *)(uintptr_t)&acts[i]};
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, open_listener, close_listener);
}
