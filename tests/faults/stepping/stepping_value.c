/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A member of a value that is killed (SIGKILL) at every single instruction of what it does with it.
 *
 * It sets a value, takes one, joins, leaves. Whoever survives sees the value before or the new one, whole; can set the next,
 * whatever lock the dead one had; and lets newcomers in, who get the current one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <viaduct/viaduct.h>

#include "kills.h"

enum { NEXT = 100, LAST = 200 }; /* sizes of what the survivors set */
enum { DEATHS = 55 };

static char address[128];
static via_channel *survivor;
static unsigned char bytes[LARGE];

typedef struct deed {
    via_scene scene; /* first */
    size_t size;     /* of the value it sets, if it does */
    void (*perform)(const struct deed *act, via_host *host, via_channel *channel);
    bool joins;    /* it becomes a member in the act only */
    bool is_alone; /* nobody else is a member before its death */
} deed;

/* ---- the process -------------------------------------------------------------------------------------------- */

static via_channel *join(via_host *host)
{
    via_channel *channel = NULL;

    via_status status = via_join(host, address, VIA_VALUE, NULL, via_after_ms(PATIENCE_MS), &channel, NULL);
    return status == VIA_OK ? channel : NULL;
}

static void set_value(const deed *act, via_host *host, via_channel *channel)
{
    (void)host;
    via_kills_require(via_send(channel, bytes, act->size, NULL, VIA_NOW));
}

static void take_value(const deed *act, via_host *host, via_channel *channel)
{
    via_msg message;

    (void)act, (void)host;
    via_kills_require(via_recv(channel, VIA_NOW, &message));
    via_release(channel, &message);
}

static void become_member(const deed *act, via_host *host, via_channel *channel)
{
    (void)act, (void)channel;
    via_kills_require(join(host) ? VIA_OK : VIA_EIO);
}

static void leave(const deed *act, via_host *host, via_channel *channel)
{
    (void)act, (void)host;
    via_close(channel);
}

/* Between the first two marks the survivor makes the cell. */
static void live(void *argument)
{
    const deed *act = argument;
    via_host *host = via_kills_enter();
    via_channel *channel = NULL;

    VIA_STEPPER_MARK();
    if (!act->joins) {
        channel = join(host);
        via_kills_require(channel ? VIA_OK : VIA_EIO);
    }
    via_kills_fill(bytes, act->size);
    VIA_STEPPER_MARK();
    act->perform(act, host, channel);
    VIA_STEPPER_MARK();
}

/* ---- the survivor ------------------------------------------------------------------------------------------- */

static void set_and_see(size_t size)
{
    unsigned char value[LAST];

    via_kills_fill(value, size);
    assert_int_equal(via_send(survivor, value, size, NULL, via_after_ms(PATIENCE_MS)), VIA_OK);
    via_kills_expect_next(survivor, false, size);
}

static void raise_one(const via_scene *scene, via_stepper *stepper)
{
    const deed *act = (const deed *)scene;

    via_stepper_start(stepper, live, (void *)(uintptr_t)act);
    if (!act->is_alone) {
        survivor = join(via_kills_host());
        assert_non_null(survivor);
        set_and_see(SMALL);
    }
    via_stepper_to_mark(stepper);
}

/* The size of the value that is current now; 0 = there is none. */
static size_t look_at_current(const deed *act)
{
    via_msg message;
    via_status status = via_recv(survivor, VIA_NOW, &message);

    if (status == VIA_OK && act->size) {
        via_kills_expect_whole(survivor, &message, act->size);
        return act->size;
    }
    assert_int_equal(status, VIA_ETIMEDOUT);
    return act->is_alone ? 0 : SMALL;
}

static void let_one_in(size_t current, bool asleep)
{
    via_channel *newcomer = join(via_kills_host());
    unsigned char value[LAST];
    via_msg message;

    assert_non_null(newcomer);
    if (current)
        via_kills_expect_next(newcomer, asleep, current);
    else
        assert_int_equal(via_recv(newcomer, VIA_NOW, &message), VIA_ETIMEDOUT);
    set_and_see(NEXT);
    via_kills_expect_next(newcomer, asleep, NEXT);
    via_kills_fill(value, LAST);
    assert_int_equal(via_send(newcomer, value, LAST, NULL, VIA_NOW), VIA_OK);
    via_kills_expect_next(survivor, asleep, LAST);
    via_close(newcomer);
}

static bool survive(const via_scene *scene, bool asleep)
{
    const deed *act = (const deed *)scene;

    if (act->is_alone)
        survivor = join(via_kills_host());
    assert_non_null(survivor);
    size_t current = look_at_current(act);
    let_one_in(current, asleep);
    via_close(survivor);
    return current == act->size;
}

/* ---- the tests ---------------------------------------------------------------------------------------------- */

#define SCENE(what) .name = (what), .at_most = DEATHS, .raise = raise_one, .survive = survive

static const deed acts[] = {
    {{SCENE("value: set"), .happens = true, .stays = true}, .size = MEDIUM, .perform = set_value},
    {{SCENE("value: set one that makes it grow"), .happens = true, .stays = true}, .size = LARGE, .perform = set_value},
    {{SCENE("value: take")}, .perform = take_value},
    {{SCENE("value: join")}, .perform = become_member, .joins = true},
    {{SCENE("value: join as the first")}, .perform = become_member, .joins = true, .is_alone = true},
    {{SCENE("value: leave")}, .perform = leave},
    {{SCENE("value: leave as the last")}, .perform = leave, .is_alone = true},
};

int main(int argc, char **argv)
{
    enum { ACTS = sizeof(acts) / sizeof(acts[0]) };
    struct CMUnitTest tests[ACTS];

    (void)snprintf(address, sizeof(address), "shm:stepping-value-%d?max_message=1MiB", (int)getpid());
    for (size_t i = 0; i < ACTS; i++)
        tests[i] = (struct CMUnitTest){acts[i].scene.name, via_kills_test, NULL, NULL, (void *)(uintptr_t)&acts[i]};
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, via_kills_begin, via_kills_end);
}
