/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A publisher or a subscriber of a topic that is killed (SIGKILL) at every single instruction of what it does with it.
 *
 * After a publisher: its subscriber gets what was committed before, whole, the killed message whole or not at all, and follows the
 * next publisher of the name. After a subscriber: the publisher, whom overflow=block lets wait for the slowest, goes on
 * through several rings, and its other subscriber gets everything.
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

enum {
    SLOTS = 16,
    RINGS = 3,
    MARKER = 100,    /* size of what the next publisher sends */
    STUCK_MS = 5000, /* a hundred looks at the dead */
    DEATHS = 55
};

static char address[128];
static via_channel *publisher, *subscriber;
static unsigned char bytes[LARGE];

typedef struct deed {
    via_scene scene; /* first */
    size_t size;     /* of the message it sends, if it does */
    void (*perform)(const struct deed *act, via_host *host, via_channel *channel);
    uint32_t role;
    bool joins; /* in the act only */
} deed;

/* ---- the process -------------------------------------------------------------------------------------------- */

static via_channel *join(via_host *host, uint32_t role)
{
    const char *options[] = {role == VIA_PUBLISH ? "ring=64KiB" : "reconnect=1ms",
                             role == VIA_PUBLISH ? "slots=16" : "history=8"};
    via_channel *channel = NULL;
    via_open_options how;

    via_open_options_init(&how);
    how.options = options;
    how.option_count = 2;
    via_status status = via_join(host, address, role, &how, via_after_ms(PATIENCE_MS), &channel, NULL);
    return status == VIA_OK ? channel : NULL;
}

static void publish(const deed *act, via_host *host, via_channel *channel)
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

static void take_messages(const deed *act, via_host *host, via_channel *channel)
{
    via_msg messages[2];

    (void)act, (void)host;
    for (int i = 0; i < 2; i++)
        via_kills_require(via_recv(channel, VIA_NOW, &messages[i]));
    via_release(channel, &messages[1]);
    via_release(channel, &messages[0]);
}

static void become_member(const deed *act, via_host *host, via_channel *channel)
{
    (void)channel;
    via_kills_require(join(host, act->role) ? VIA_OK : VIA_EIO);
}

static void leave(const deed *act, via_host *host, via_channel *channel)
{
    (void)act, (void)host;
    via_close(channel);
}

/* A publisher binds before the first mark, for the survivor to follow it; a subscriber follows the survivor after it. */
static void live(void *argument)
{
    const deed *act = argument;
    via_host *host = via_kills_enter();
    via_channel *channel = NULL;

    if (!act->joins && act->role == VIA_PUBLISH)
        via_kills_require((channel = join(host, act->role)) ? VIA_OK : VIA_EIO);
    VIA_STEPPER_MARK();
    if (!act->joins && act->role == VIA_SUBSCRIBE)
        via_kills_require((channel = join(host, act->role)) ? VIA_OK : VIA_EIO);
    via_kills_fill(bytes, SMALL);
    if (!act->joins && act->role == VIA_PUBLISH)
        via_kills_require(via_send(channel, bytes, SMALL, NULL, VIA_NOW));
    via_kills_fill(bytes, act->size);
    VIA_STEPPER_MARK();
    act->perform(act, host, channel);
    VIA_STEPPER_MARK();
}

/* ---- who survives a publisher ------------------------------------------------------------------------------- */

static via_channel *must_join(uint32_t role)
{
    via_channel *channel = join(via_kills_host(), role);

    assert_non_null(channel);
    return channel;
}

/* Before a publisher that binds in the act there was another one, which the subscriber has lost. */
static void raise_publisher(const via_scene *scene, via_stepper *stepper)
{
    const deed *act = (const deed *)scene;

    via_stepper_start(stepper, live, (void *)(uintptr_t)act);
    publisher = act->joins ? must_join(VIA_PUBLISH) : NULL;
    subscriber = must_join(VIA_SUBSCRIBE);
    via_close(publisher);
    via_stepper_to_mark(stepper);
}

static void send_filled(size_t size)
{
    static unsigned char data[MEDIUM];

    via_kills_fill(data, size);
    assert_int_equal(via_send(publisher, data, size, NULL, via_after_ms(STUCK_MS)), VIA_OK);
}

/* A publisher lets those in who dial again when it is in a call. */
static via_status await_next_publisher(via_msg *message)
{
    via_deadline deadline = via_after_ms(PATIENCE_MS);
    via_status status;

    do
        assert_int_equal(via_arm(publisher, VIA_WORK), VIA_OK);
    while ((status = via_recv(subscriber, via_after_ms(1), message)) == VIA_ETIMEDOUT && via_after_ms(0) < deadline);
    return status;
}

static bool survive_publisher(const via_scene *scene, bool asleep)
{
    const deed *act = (const deed *)scene;
    via_msg message;

    (void)asleep;
    if (!act->joins)
        via_kills_expect_next(subscriber, true, SMALL);
    publisher = must_join(VIA_PUBLISH);
    send_filled(MARKER);
    assert_int_equal(await_next_publisher(&message), VIA_OK);
    bool has_happened = act->size && message.size == act->size;
    if (has_happened) {
        via_kills_expect_whole(subscriber, &message, act->size);
        assert_int_equal(await_next_publisher(&message), VIA_OK);
    }
    via_kills_expect_whole(subscriber, &message, MARKER);
    via_close(publisher);
    via_close(subscriber);
    return has_happened;
}

/* ---- who survives a subscriber ------------------------------------------------------------------------------ */

static void raise_subscriber(const via_scene *scene, via_stepper *stepper)
{
    const deed *act = (const deed *)scene;

    via_stepper_start(stepper, live, (void *)(uintptr_t)act);
    publisher = must_join(VIA_PUBLISH);
    subscriber = must_join(VIA_SUBSCRIBE);
    via_stepper_to_mark(stepper);
    send_filled(SMALL);
    send_filled(MEDIUM);
}

static bool survive_subscriber(const via_scene *scene, bool asleep)
{
    (void)scene;
    via_kills_expect_next(subscriber, asleep, SMALL);
    via_kills_expect_next(subscriber, asleep, MEDIUM);
    for (size_t i = 0; i < (size_t)RINGS * SLOTS; i++) {
        send_filled(MEDIUM);
        via_kills_expect_next(subscriber, asleep, MEDIUM);
    }
    via_close(subscriber);
    via_close(publisher);
    return false;
}

/* ---- the tests ---------------------------------------------------------------------------------------------- */

#define PUBLISHER(what)                                                                                                \
    .name = "topic: " what, .at_most = DEATHS, .raise = raise_publisher, .survive = survive_publisher
#define SUBSCRIBER(what)                                                                                               \
    .name = "topic: " what, .at_most = DEATHS, .raise = raise_subscriber, .survive = survive_subscriber
#define SENDS .happens = true, .stays = true

static const deed acts[] = {
    {{PUBLISHER("publish in a slot"), SENDS}, .size = SMALL + 1, .perform = publish, .role = VIA_PUBLISH},
    {{PUBLISHER("publish through the ring"), SENDS}, .size = MEDIUM, .perform = publish, .role = VIA_PUBLISH},
    {{PUBLISHER("publish in a memory of its own"), SENDS}, .size = LARGE, .perform = publish, .role = VIA_PUBLISH},
    {{PUBLISHER("loan and commit"), SENDS}, .size = MEDIUM, .perform = commit_loan, .role = VIA_PUBLISH},
    {{PUBLISHER("bind")}, .perform = become_member, .role = VIA_PUBLISH, .joins = true},
    {{PUBLISHER("close a publisher")}, .perform = leave, .role = VIA_PUBLISH},
    {{SUBSCRIBER("receive and release")}, .perform = take_messages, .role = VIA_SUBSCRIBE},
    {{SUBSCRIBER("follow")}, .perform = become_member, .role = VIA_SUBSCRIBE, .joins = true},
    {{SUBSCRIBER("close a subscriber")}, .perform = leave, .role = VIA_SUBSCRIBE},
};

int main(int argc, char **argv)
{
    enum { ACTS = sizeof(acts) / sizeof(acts[0]) };
    struct CMUnitTest tests[ACTS];

    (void)snprintf(address, sizeof(address), "shm:stepping-topic-%d", (int)getpid());
    for (size_t i = 0; i < ACTS; i++)
        tests[i] = (struct CMUnitTest){acts[i].scene.name, via_kills_test, NULL, NULL, (void *)(uintptr_t)&acts[i]};
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, via_kills_begin, via_kills_end);
}
