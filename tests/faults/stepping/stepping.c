/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer that is killed (SIGKILL) at every single instruction of what it does with a channel.
 *
 * A process does one act between two marks: sends, commits a loan, takes a message, dials, ends. It is killed before each
 * instruction of that, its own and the libraries', a fresh process each time (at about DEATHS of them, from a place that differs
 * from run to run; VIADUCT_STEPPING_ALL=1 takes them all, for ten minutes). The survivor gets what was committed, whole;
 * nothing that was not; then the truth about the end; and keeps nothing.
 */
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

#include "kills.h"

enum { DEATHS = 200 };

static char address[128];
static via_listener *listener;
static via_channel *survivor;

/* ---- the process -------------------------------------------------------------------------------------------- */

typedef struct deed {
    via_scene scene; /* first */
    size_t size;     /* of the message, if there is one */
    void (*perform)(const struct deed *act, via_host *host, via_channel *channel);
    bool sends;    /* the survivor gets a message if the act came far enough */
    bool ends;     /* the survivor is told VIA_ECLOSED then */
    bool connects; /* there may be one more connection */
} deed;

static unsigned char bytes[LARGE]; /* filled before the mark: it is not the caller's loop that is tested */

static void send_message(const deed *act, via_host *host, via_channel *channel)
{
    (void)host;
    via_kills_require(via_send(channel, bytes, act->size, NULL, VIA_NOW));
}

static void commit_loan(const deed *act, via_host *host, via_channel *channel)
{
    via_msg message;

    (void)host;
    via_kills_require(via_loan(channel, act->size, VIA_NOW, &message));
    memcpy(message.data, bytes, act->size);
    via_kills_require(via_commit(channel, &message, VIA_NOW));
}

static void discard_loan(const deed *act, via_host *host, via_channel *channel)
{
    via_msg message;

    (void)host;
    via_kills_require(via_loan(channel, act->size, VIA_NOW, &message));
    via_discard(channel, &message);
}

static void take_message(const deed *act, via_host *host, via_channel *channel)
{
    via_msg message;

    (void)act, (void)host;
    via_kills_require(via_recv(channel, VIA_NOW, &message));
    via_release(channel, &message);
}

static void dial_again(const deed *act, via_host *host, via_channel *channel)
{
    (void)act, (void)channel;
    via_kills_require(via_dial(host, address, NULL, VIA_NOW, &channel, NULL));
}

static void finish_channel(const deed *act, via_host *host, via_channel *channel)
{
    (void)act, (void)host;
    via_kills_require(via_finish(channel, VIA_NOW));
}

static void close_channel(const deed *act, via_host *host, via_channel *channel)
{
    (void)act, (void)host;
    via_close(channel);
}

/* To be killed somewhere in here: after the second mark. */
static void live(void *argument)
{
    const deed *act = argument;
    via_host *host = NULL;
    via_channel *channel = NULL;
    via_msg message;
    unsigned char first[SMALL];

    via_kills_require(via_host_open(NULL, &host, NULL));
    via_kills_require(via_dial(host, address, NULL, via_after_ms(PATIENCE_MS), &channel, NULL));
    VIA_STEPPER_MARK();
    via_kills_require(via_recv(channel, via_after_ms(PATIENCE_MS), &message));
    via_release(channel, &message);
    via_kills_fill(first, sizeof(first));
    via_kills_require(via_send(channel, first, sizeof(first), NULL, VIA_NOW));
    via_kills_fill(bytes, act->size);
    VIA_STEPPER_MARK();
    act->perform(act, host, channel);
    VIA_STEPPER_MARK();
}

/* ---- the survivor ------------------------------------------------------------------------------------------- */

/* Two messages wait for it. */
static void raise_one(const via_scene *act, via_stepper *stepper)
{
    via_stepper_start(stepper, live, (void *)(uintptr_t)act);
    assert_int_equal(via_accept(listener, via_after_ms(PATIENCE_MS), &survivor, NULL), VIA_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(via_send(survivor, "go", 2, NULL, VIA_NOW), VIA_OK);
    via_stepper_to_mark(stepper);
}

/* Has the act come to pass? Whatever the answer: all that was committed before is here, and the end is told. */
static bool look_at(const deed *act, via_channel *channel, bool asleep)
{
    via_msg message;
    bool has_happened = false;

    via_kills_expect_next(channel, asleep, SMALL);
    via_status status = via_kills_next(channel, asleep, &message);
    if (act->sends && status == VIA_OK) {
        has_happened = true;
        via_kills_expect_whole(channel, &message, act->size);
        status = via_kills_next(channel, asleep, &message);
    }
    if (act->ends && status == VIA_ECLOSED)
        return true;
    if (status != VIA_EPEER)
        fail_msg("%s: the survivor is told %s", act->scene.name, via_status_name(status));
    return has_happened;
}

/* A connection that the dead process may have begun. */
static bool look_for_another(void)
{
    via_channel *channel = NULL;
    via_msg message;

    if (via_accept(listener, VIA_NOW, &channel, NULL) != VIA_OK)
        return false;
    assert_int_equal(via_kills_next(channel, false, &message), VIA_EPEER);
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

static bool survive(const via_scene *scene, bool asleep)
{
    const deed *act = (const deed *)scene;
    bool has_happened = look_at(act, survivor, asleep);

    if (act->connects)
        has_happened = look_for_another();
    expect_nothing_sent_in_vain(survivor);
    via_close(survivor);
    return has_happened;
}

/* ---- the tests ---------------------------------------------------------------------------------------------- */

static const deed acts[] = {
    {{.name = "send in a slot", .at_most = DEATHS, .happens = true, .raise = raise_one, .survive = survive},
     .size = SMALL,
     .perform = send_message,
     .sends = true},
    {{.name = "send through the ring", .at_most = DEATHS, .happens = true, .raise = raise_one, .survive = survive},
     .size = MEDIUM,
     .perform = send_message,
     .sends = true},
    {{.name = "send in a memory of its own",
      .at_most = DEATHS,
      .happens = true,
      .raise = raise_one,
      .survive = survive},
     .size = LARGE,
     .perform = send_message,
     .sends = true},
    {{.name = "loan and commit", .at_most = DEATHS, .happens = true, .raise = raise_one, .survive = survive},
     .size = MEDIUM,
     .perform = commit_loan,
     .sends = true},
    {{.name = "loan and discard", .at_most = DEATHS, .raise = raise_one, .survive = survive},
     .size = MEDIUM,
     .perform = discard_loan},
    {{.name = "receive and release", .at_most = DEATHS, .raise = raise_one, .survive = survive},
     .perform = take_message},
    {{.name = "attach", .at_most = DEATHS, .happens = true, .raise = raise_one, .survive = survive},
     .perform = dial_again,
     .connects = true},
    {{.name = "finish", .at_most = DEATHS, .happens = true, .raise = raise_one, .survive = survive},
     .perform = finish_channel,
     .ends = true},
    {{.name = "detach", .at_most = DEATHS, .happens = true, .raise = raise_one, .survive = survive},
     .perform = close_channel,
     .ends = true},
};

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
        tests[i] = (struct CMUnitTest){acts[i].scene.name, via_kills_test, NULL, NULL, (void *)(uintptr_t)&acts[i]};
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, open_listener, close_listener);
}
