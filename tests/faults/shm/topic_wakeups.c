/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hunt for a subscriber that is not woken, where a publisher leaves most of them to another thread.
 *
 * Who blocks looks by itself every 50 ms, so a wake-up that is lost is a round that takes that long; who polls would wait for ever. A
 * busy machine has such rounds, too; seldom, and not in each of several hunts.
 */
#include "topic_scene.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SLEEPERS = 4,
    POLLERS = 3,
    ALL = SLEEPERS + POLLERS,
    ROUNDS = 1500,
    LEAVERS = 100,
    HUNTS = 4,
    ENOUGH = 20,
    DESCRIPTORS = 200,
    PAUSE_US = 400
};
static const uint64_t look_ns = UINT64_C(50000000), late_ns = UINT64_C(10000000), last = UINT64_MAX - 1;

typedef struct crowd {
    via_channel *publisher;
    other members[ALL];
    size_t count;
    uint32_t seed;
    uint64_t published;
} crowd;

/* ---- who subscribes ----------------------------------------------------------------------------------------- */

static uint64_t take(via_channel *channel, via_deadline deadline)
{
    via_msg message;
    uint64_t number = 0;

    if (via_recv(channel, deadline, &message) != VIA_OK)
        return 0;
    memcpy(&number, message.data, sizeof(number));
    via_release(channel, &message);
    return number;
}

static void block(const scene *s, int line)
{
    via_channel *channel = join(s, VIA_SUBSCRIBE, "?wake=block");
    uint64_t number = 0;

    tell(line, 0);
    while (number != last) {
        number = take(channel, via_after_ms(PATIENCE_MS));
        tell(line, number);
    }
    via_close(channel);
}

static void poll_for(const scene *s, int line)
{
    via_channel *channel = join(s, VIA_SUBSCRIBE, "");
    via_poll_handle handle = {.size = sizeof(handle)};
    uint64_t number = 0;

    if (via_pollable(channel, VIA_READ, &handle) != VIA_OK)
        _exit(1);
    struct pollfd waits = {.fd = (int)handle.handle, .events = POLLIN};
    tell(line, 0);
    while (number != last) {
        while (via_arm(channel, VIA_READ) == VIA_OK)
            (void)poll(&waits, 1, PATIENCE_MS);
        number = take(channel, VIA_NOW);
        if (number)
            tell(line, number);
    }
    via_close(channel);
}

/* ---- the hunt ----------------------------------------------------------------------------------------------- */

static void pause_a_little(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    uint64_t until = via_now_ns() + (uint64_t)(*seed >> 8) % PAUSE_US * 1000;

    while (via_now_ns() < until)
        ;
}

static void gather(const scene *s, via_channel *publisher, crowd *c)
{
    c->publisher = publisher;
    c->seed = 1;
    c->count = ALL;
    for (size_t i = 0; i < ALL; i++)
        c->members[i] = start(s, i < SLEEPERS ? block : poll_for);
    for (size_t i = 0; i < ALL; i++)
        assert_int_equal(hear(c->members[i].line), 0);
}

/* Is everybody told, but those before `first`? */
static void publish(crowd *c, uint64_t number, size_t first)
{
    assert_int_equal(via_send(c->publisher, &number, sizeof(number), NULL, via_after_ms(PATIENCE_MS)), VIA_OK);
    for (size_t i = first; i < c->count; i++) {
        struct pollfd waits = {.fd = c->members[i].line, .events = POLLIN};
        assert_int_equal(poll(&waits, 1, PATIENCE_MS / 2), 1);
        assert_int_equal(hear(c->members[i].line), number);
    }
}

/* Did that take as long as a sleeper takes to look by itself? */
static bool is_late(crowd *c, size_t first)
{
    uint64_t began = via_now_ns();

    publish(c, ++c->published, first);
    uint64_t took = via_now_ns() - began;
    return took > look_ns - late_ns / 2 && took < look_ns + late_ns;
}

static size_t hunt(crowd *c, size_t first)
{
    size_t found = 0;

    for (int i = 0; i < ROUNDS && found < ENOUGH; i++) {
        found += is_late(c, first);
        pause_a_little(&c->seed);
    }
    return found;
}

static void expect_none(crowd *c, size_t first)
{
    size_t found = 1;

    for (int i = 0; i < HUNTS && found > 0; i++)
        found = hunt(c, first);
    assert_int_equal(found, 0);
}

/* The third of three goes, and is missed by the publisher. True: another one was, too. */
static bool leaves_one(const scene *s, crowd *c)
{
    c->members[c->count++] = start(s, block);
    assert_int_equal(hear(c->members[c->count - 1].line), 0);
    for (int i = 0; i < 2; i++) { /* the second one is heard asleep, and wakes them as one of many */
        publish(c, ++c->published, 0);
        (void)usleep(PAUSE_US);
    }
    end(&c->members[--c->count], SIGKILL);
    assert_int_equal(via_arm(c->publisher, VIA_WORK), VIA_OK);
    return is_late(c, 0);
}

static void dismiss(crowd *c, size_t first)
{
    publish(c, last, first);
    for (size_t i = first; i < c->count; i++)
        end(&c->members[i], 0);
    via_close(c->publisher);
}

/* ---- the tests ---------------------------------------------------------------------------------------------- */

static void test_wakeups__none_of_many_is_forgotten(void **state)
{
    crowd c = {.published = 0};

    gather(*state, join(*state, VIA_PUBLISH, ""), &c);
    expect_none(&c, 0);
    dismiss(&c, 0);
}

/* Who was woken, and does nothing then, is no link in anybody's chain. */
static void test_wakeups__one_who_stops_keeps_no_other_asleep(void **state)
{
    crowd c = {.published = 0};
    int status;

    gather(*state, join(*state, VIA_PUBLISH, "?overflow=drop-oldest"), &c);
    assert_int_equal(kill(c.members[0].pid, SIGSTOP), 0);
    assert_int_equal(waitpid(c.members[0].pid, &status, WUNTRACED), c.members[0].pid);
    expect_none(&c, 1);
    end(&c.members[0], SIGKILL);
    dismiss(&c, 1);
}

/* From three to two: the publisher wakes all itself again, also who called while the thread was at work. */
static void test_wakeups__one_who_leaves_keeps_no_other_asleep(void **state)
{
    via_channel *publisher = join(*state, VIA_PUBLISH, "");
    other rest[] = {start(*state, block), start(*state, poll_for)};
    crowd c = {.publisher = publisher, .members = {rest[0], rest[1]}, .count = 2};
    size_t found = 1;

    for (size_t i = 0; i < c.count; i++)
        assert_int_equal(hear(c.members[i].line), 0);
    for (int i = 0; i < HUNTS && found > 0; i++) {
        found = 0;
        for (int round = 0; round < LEAVERS; round++)
            found += leaves_one(*state, &c);
    }
    assert_int_equal(found, 0);
    dismiss(&c, 0);
}

static void connect_to(int stranger, const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    (void)snprintf(name.sun_path, sizeof(name.sun_path), "%.100s", path);
    assert_int_equal(connect(stranger, (const struct sockaddr *)&name, sizeof(name)), 0);
}

static via_channel *join_with(via_host *host, const char *address, uint32_t role)
{
    via_channel *channel = NULL;

    assert_int_equal(via_join(host, address, role, NULL, via_after_ms(PATIENCE_MS), &channel, NULL), VIA_OK);
    return channel;
}

/* The same thread lets in who comes to a value, and cannot: it waits for a descriptor, and nobody waits for it. */
static void test_wakeups__a_stranger_at_another_door_keeps_nobody_asleep(void **state)
{
    const scene *s = *state;
    struct rlimit before, few;
    crowd c = {.published = 0};
    char value[128], door[100];
    size_t late = 0;
    int held[DESCRIPTORS], count = 0, most = -1;

    (void)snprintf(value, sizeof(value), "shm:%s/v", s->folder);
    (void)snprintf(door, sizeof(door), "%s/v", s->folder);
    via_host *host = NULL;
    assert_int_equal(via_host_open(NULL, &host, NULL), VIA_OK);
    via_channel *cell = join_with(host, value, VIA_VALUE);
    gather(s, join_with(host, s->name, VIA_PUBLISH), &c);
    publish(&c, ++c.published, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = DESCRIPTORS;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    int stranger = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    while ((most = dup(0)) >= 0)
        held[count++] = most;
    connect_to(stranger, door);
    for (int i = 0; i < LEAVERS; i++) {
        uint64_t began = via_now_ns();
        publish(&c, ++c.published, 0);
        late += via_now_ns() - began > look_ns / 10;
    }
    while (count > 0)
        (void)close(held[--count]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    (void)close(stranger);
    assert_in_range(late, 0, LEAVERS / 2);
    dismiss(&c, 0);
    via_close(cell);
    via_host_close(host);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_wakeups__none_of_many_is_forgotten),
        TEST(test_wakeups__one_who_stops_keeps_no_other_asleep),
        TEST(test_wakeups__one_who_leaves_keeps_no_other_asleep),
        TEST(test_wakeups__a_stranger_at_another_door_keeps_nobody_asleep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
