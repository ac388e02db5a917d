/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hunt for a wake-up that is lost between two processes.
 *
 * Whoever sleeps looks by itself every 50 ms, so a lost wake-up is a round that takes that long. The pauses are chosen so that
 * news come just when the other end goes to sleep. A busy machine has such rounds, too; seldom, and not in each of several hunts.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <viaduct/viaduct.h>

enum { ROUNDS = 25000, HUNTS = 4, ENOUGH = 20, PAUSE_US = 120, PATIENCE_MS = 20000 };
static const uint64_t look_ns = UINT64_C(50000000), late_ns = UINT64_C(10000000);

typedef struct scene {
    char folder[64];
    char address[128];
    pid_t echo;
} scene;

static void pause_a_little(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    uint64_t until = via_now_ns() + (uint64_t)(*seed >> 8) % PAUSE_US * 1000;

    while (via_now_ns() < until)
        ;
}

/* ---- the other process -------------------------------------------------------------------------------------- */

static void answer(via_channel *channel)
{
    via_msg message;

    while (via_recv(channel, VIA_FOREVER, &message) == VIA_OK) {
        via_status status = via_send(channel, message.data, message.size, NULL, VIA_FOREVER);
        via_release(channel, &message);
        if (status != VIA_OK)
            break;
    }
}

static void swallow(via_channel *channel)
{
    via_msg message;
    uint32_t seed = 2;

    while (via_recv(channel, VIA_FOREVER, &message) == VIA_OK) {
        pause_a_little(&seed);
        via_release(channel, &message);
    }
}

static void serve(const scene *s, void (*work)(via_channel *channel))
{
    via_listener *listener;
    via_channel *channel;

    if (via_listen(NULL, s->address, NULL, &listener, NULL) != VIA_OK ||
        via_accept(listener, via_after_ms(PATIENCE_MS), &channel, NULL) != VIA_OK)
        _exit(1);
    work(channel);
    via_close(channel);
    via_listener_close(listener);
    _exit(0);
}

static int open_scene(void **state)
{
    scene *s = calloc(1, sizeof(*s));

    (void)snprintf(s->folder, sizeof(s->folder), "/tmp/via-wakeups.XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    *state = s;
    return 0;
}

static int close_scene(void **state)
{
    scene *s = *state;

    if (s->echo > 0)
        (void)kill(s->echo, SIGKILL);
    assert_int_equal(rmdir(s->folder), 0);
    free(s);
    return 0;
}

/* ---- the hunt ----------------------------------------------------------------------------------------------- */

static void ask(via_channel *channel)
{
    via_msg message;

    assert_int_equal(via_send(channel, "ping", 4, NULL, via_after_ms(PATIENCE_MS)), VIA_OK);
    assert_int_equal(via_recv(channel, via_after_ms(PATIENCE_MS), &message), VIA_OK);
    via_release(channel, &message);
}

/* More than the other end takes meanwhile. */
static void send_two(via_channel *channel)
{
    for (int i = 0; i < 2; i++)
        assert_int_equal(via_send(channel, "ping", 4, NULL, via_after_ms(PATIENCE_MS)), VIA_OK);
}

/* Rounds that took as long as a sleeper takes to look by itself. */
static size_t hunt(via_channel *channel, void (*act)(via_channel *channel), uint32_t *seed)
{
    size_t found = 0;

    for (int i = 0; i < ROUNDS && found < ENOUGH; i++) {
        uint64_t began = via_now_ns();
        act(channel);
        uint64_t took = via_now_ns() - began;
        found += took > look_ns - late_ns / 2 && took < look_ns + late_ns;
        pause_a_little(seed);
    }
    return found;
}

static void check(scene *s, const char *options, void (*act)(via_channel *channel), void (*other)(via_channel *channel))
{
    via_channel *channel;
    uint32_t seed = 1;
    int status = -1;
    size_t found = 1;

    (void)snprintf(s->address, sizeof(s->address), "shm:%s/echo?%s", s->folder, options);
    s->echo = fork();
    if (s->echo == 0)
        serve(s, other);
    assert_int_equal(via_dial(NULL, s->address, NULL, via_after_ms(PATIENCE_MS), &channel, NULL), VIA_OK);
    for (int i = 0; i < HUNTS && found > 0; i++)
        found = hunt(channel, act, &seed);
    via_close(channel);
    assert_int_equal(waitpid(s->echo, &status, 0), s->echo);
    s->echo = 0;
    assert_int_equal(status, 0);
    assert_int_equal(found, 0);
}

static void test_wakeups__none_is_lost_by_those_who_spin_first(void **state)
{
    check(*state, "wake=hybrid", ask, answer);
}

static void test_wakeups__none_is_lost_by_those_who_sleep_at_once(void **state)
{
    check(*state, "wake=block", ask, answer);
}

static void test_wakeups__none_is_lost_by_those_who_lack_room(void **state)
{
    check(*state, "wake=block&slots=16", send_two, swallow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wakeups__none_is_lost_by_those_who_spin_first, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_wakeups__none_is_lost_by_those_who_sleep_at_once, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_wakeups__none_is_lost_by_those_who_lack_room, open_scene, close_scene),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
