/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A member of a region that is killed (SIGKILL) at every single instruction of what it does with it.
 *
 * It locks, changes, unlocks, notifies, grows, joins, leaves. Whoever survives gets the lock; is told VIA_REGION_ABANDONED if the
 * dead one had it, until it has repaired, and otherwise not; finds the bytes that were agreed, and zeros in what has grown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <viaduct/ext/region.h>
#include <viaduct/viaduct.h>

#include "kills.h"

enum { BEGIN = 65536, GROWN = 3 * 65536, AGREED_AT = 64, DEATHS = 55 };

/* What may be seen to have come to pass. */
typedef enum effect { NONE, TAKES, GIVES, CHANGES, NOTIFIES, GROWS } effect;

static char address[128];
static via_channel *survivor;
static uint64_t generation; /* before the act */

typedef struct deed {
    via_scene scene; /* first */
    effect effect;
    void (*perform)(via_host *host, via_channel *channel);
    bool holds;    /* the lock, before the act */
    bool joins;    /* it becomes a member in the act only */
    bool is_alone; /* nobody else is a member before its death */
} deed;

/* ---- both --------------------------------------------------------------------------------------------------- */

static via_channel *join(via_host *host)
{
    via_channel *channel = NULL;

    via_status status = via_join(host, address, VIA_REGION, NULL, via_after_ms(PATIENCE_MS), &channel, NULL);
    return status == VIA_OK ? channel : NULL;
}

static via_region_view view_of(via_channel *channel)
{
    via_region_view view = {.size = sizeof(view)};

    via_kills_require(via_region_map(channel, &view));
    return view;
}

/* Two words that are equal whenever nobody is changing them. */
static volatile uint32_t *words_in(via_channel *channel)
{
    return view_of(channel).address;
}

/* ---- the process -------------------------------------------------------------------------------------------- */

static void lock(via_host *host, via_channel *channel)
{
    (void)host;
    via_kills_require(via_region_lock(channel, VIA_NOW, NULL));
}

static void unlock(via_host *host, via_channel *channel)
{
    (void)host;
    via_kills_require(via_region_unlock(channel));
}

static void change(via_host *host, via_channel *channel)
{
    volatile uint32_t *words = words_in(channel);

    lock(host, channel);
    words[0] = 7;
    words[1] = 7;
    unlock(host, channel);
}

static void notify(via_host *host, via_channel *channel)
{
    (void)host;
    via_kills_require(via_region_notify(channel));
}

static void grow(via_host *host, via_channel *channel)
{
    (void)host;
    via_kills_require(via_region_grow(channel, GROWN));
}

static void become_member(via_host *host, via_channel *channel)
{
    (void)channel;
    via_kills_require(join(host) ? VIA_OK : VIA_EIO);
}

static void leave(via_host *host, via_channel *channel)
{
    (void)host;
    via_close(channel);
}

/* Between the first two marks the survivor makes the region. */
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
    if (act->holds)
        lock(host, channel);
    VIA_STEPPER_MARK();
    act->perform(host, channel);
    VIA_STEPPER_MARK();
}

/* ---- the survivor ------------------------------------------------------------------------------------------- */

static unsigned char *bytes_of(via_channel *channel)
{
    return view_of(channel).address;
}

static uint32_t take_lock(via_channel *channel)
{
    uint32_t state = 0;

    assert_int_equal(via_region_lock(channel, via_after_ms(PATIENCE_MS), &state), VIA_OK);
    return state;
}

static void give_lock(via_channel *channel)
{
    assert_int_equal(via_region_unlock(channel), VIA_OK);
}

static void make_region(void)
{
    survivor = join(via_kills_host());
    assert_non_null(survivor);
    assert_int_equal(take_lock(survivor), VIA_REGION_CONSISTENT);
    via_kills_fill(bytes_of(survivor) + AGREED_AT, MEDIUM);
    give_lock(survivor);
}

static void raise_one(const via_scene *scene, via_stepper *stepper)
{
    const deed *act = (const deed *)scene;

    via_stepper_start(stepper, live, (void *)(uintptr_t)act);
    if (!act->is_alone)
        make_region();
    via_stepper_to_mark(stepper);
    generation = act->is_alone ? 0 : view_of(survivor).generation;
}

/* Is the lock as it should be? Leaves everything repaired. */
static bool look_at_lock(const deed *act)
{
    uint32_t state = take_lock(survivor);
    volatile uint32_t *words = words_in(survivor);

    if (act->holds && act->effect != GIVES)
        assert_int_equal(state, VIA_REGION_ABANDONED);
    if (!act->holds && act->effect != TAKES && act->effect != CHANGES)
        assert_int_equal(state, VIA_REGION_CONSISTENT);
    if (state == VIA_REGION_CONSISTENT)
        assert_int_equal(words[0], words[1]);
    give_lock(survivor);
    assert_int_equal(take_lock(survivor), state); /* until it is repaired */
    bool is_changed = words[0] && words[1];
    words[0] = words[1] = 0;
    if (state == VIA_REGION_ABANDONED)
        assert_int_equal(via_region_repaired(survivor), VIA_OK);
    give_lock(survivor);
    assert_int_equal(take_lock(survivor), VIA_REGION_CONSISTENT);
    return act->effect == CHANGES ? is_changed : (act->effect == TAKES) == (state == VIA_REGION_ABANDONED);
}

static bool look_at_notices(void)
{
    uint64_t now = view_of(survivor).generation, seen = now;

    assert_int_equal(via_region_notify(survivor), VIA_OK);
    assert_int_equal(via_region_wait(survivor, &seen, via_after_ms(PATIENCE_MS)), VIA_OK);
    assert_true(seen > now);
    return now != generation;
}

/* With the lock. It grows as far as the dead one wanted, from wherever that came. */
static bool look_at_size(bool may_have_grown)
{
    uint64_t before = view_of(survivor).bytes;

    assert_true(before == BEGIN || (may_have_grown && before == GROWN));
    assert_int_equal(via_region_grow(survivor, GROWN), VIA_OK);
    assert_int_equal(view_of(survivor).bytes, GROWN);
    const unsigned char *bytes = bytes_of(survivor);
    for (size_t i = BEGIN; i < GROWN; i++)
        if (bytes[i])
            fail_msg("byte %zu of what has grown is not zero", i);
    return before == GROWN;
}

static void let_one_in(void)
{
    via_channel *newcomer = join(via_kills_host());

    assert_non_null(newcomer);
    assert_int_equal(view_of(newcomer).bytes, GROWN);
    via_kills_expect_filled(bytes_of(newcomer) + AGREED_AT, MEDIUM);
    assert_int_equal(take_lock(newcomer), VIA_REGION_CONSISTENT);
    give_lock(newcomer);
    via_close(newcomer);
}

static bool survive(const via_scene *scene, bool asleep)
{
    const deed *act = (const deed *)scene;

    (void)asleep;
    if (act->is_alone)
        make_region();
    via_kills_expect_filled(bytes_of(survivor) + AGREED_AT, MEDIUM);
    bool is_notified = look_at_notices(), is_locked = look_at_lock(act), is_grown = look_at_size(act->effect == GROWS);
    give_lock(survivor);
    via_kills_expect_filled(bytes_of(survivor) + AGREED_AT, MEDIUM);
    let_one_in();
    via_close(survivor);
    return act->effect == NOTIFIES ? is_notified : act->effect == GROWS ? is_grown : is_locked;
}

/* ---- the tests ---------------------------------------------------------------------------------------------- */

#define SCENE(what) .name = (what), .at_most = DEATHS, .raise = raise_one, .survive = survive
#define EFFECT(what) SCENE(what), .happens = true, .stays = true

static const deed acts[] = {
    {{EFFECT("region: lock")}, .effect = TAKES, .perform = lock},
    {{EFFECT("region: unlock")}, .effect = GIVES, .perform = unlock, .holds = true},
    {{EFFECT("region: change")}, .effect = CHANGES, .perform = change},
    {{EFFECT("region: notify")}, .effect = NOTIFIES, .perform = notify},
    {{EFFECT("region: grow")}, .effect = GROWS, .perform = grow, .holds = true},
    {{SCENE("region: join")}, .effect = NONE, .perform = become_member, .joins = true},
    {{SCENE("region: join as the first")}, .effect = NONE, .perform = become_member, .joins = true, .is_alone = true},
    {{SCENE("region: leave")}, .effect = NONE, .perform = leave},
    {{SCENE("region: leave with the lock")}, .effect = NONE, .perform = leave, .holds = true},
    {{SCENE("region: leave as the last")}, .effect = NONE, .perform = leave, .is_alone = true},
};

int main(int argc, char **argv)
{
    enum { ACTS = sizeof(acts) / sizeof(acts[0]) };
    struct CMUnitTest tests[ACTS];

    (void)snprintf(address, sizeof(address), "shm:stepping-region-%d?size=%d&max_size=1MiB", (int)getpid(), BEGIN);
    for (size_t i = 0; i < ACTS; i++)
        tests[i] = (struct CMUnitTest){acts[i].scene.name, via_kills_test, NULL, NULL, (void *)(uintptr_t)&acts[i]};
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, via_kills_begin, via_kills_end);
}
