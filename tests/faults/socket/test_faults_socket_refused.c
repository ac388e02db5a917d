/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dialers that a listener turns away, with what they have sent already.
 */
#include "scene.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FIELD(name) offsetof(via_counters, name)

enum { UNIX_FILE, UNIX_ABSTRACT, TCP, PLACES };

/* Who binds: a listener of pairs, or a member of a queue or topic. */
typedef struct binder {
    via_listener *listener;
    via_channel *channel;
} binder;

static binder bind_somewhere(scene *s, int place, uint32_t role)
{
    via_channel_info info = {.size = sizeof(info)};
    binder made = {NULL, NULL};

    if (place == UNIX_ABSTRACT)
        (void)snprintf(s->address, sizeof(s->address), "unix:@%s", s->folder + 5);
    if (place == TCP)
        (void)snprintf(s->address, sizeof(s->address), "tcp://127.0.0.1:0");
    if (role == VIA_PAIR)
        made.listener = scene_listen(s, NULL);
    else
        made.channel = scene_join(s, role, VIA_SIDE_BIND, NULL);
    if (place != TCP)
        return made;
    if (role == VIA_PAIR) {
        assert_int_equal(via_listener_address(made.listener, s->address, sizeof(s->address)), VIA_OK);
    } else {
        assert_int_equal(via_info(made.channel, &info), VIA_OK);
        (void)snprintf(s->address, sizeof(s->address), "%.100s", info.address);
    }
    return made;
}

static via_channel *connect_to(scene *s, uint32_t role)
{
    return role == VIA_PAIR ? scene_dial(s, NULL) : scene_join(s, role, VIA_SIDE_CONNECT, "reconnect=1h");
}

/* The binding end looks at who has come, and turns it away. */
static void refuse(const binder *by)
{
    via_channel *nobody = NULL;

    if (by->listener)
        assert_int_equal(via_accept(by->listener, via_after_ms(20), &nobody, NULL), VIA_ETIMEDOUT);
    else
        scene_wait_counter(by->channel, FIELD(protocol_errors), 1);
}

static void unbind(binder *by)
{
    via_listener_close(by->listener);
    via_close(by->channel);
}

/* ---- refusals ----------------------------------------------------------------------------------------------- */

static void expect_refusal(via_channel *dialer, via_status expected)
{
    via_error reason;

    assert_int_equal(via_drain(dialer, scene_patience(), NULL), expected);
    assert_int_equal(via_failure(dialer, &reason), VIA_OK);
    assert_int_equal(reason.status, expected);
    assert_non_null(strstr(reason.what, "greeting"));
    assert_true(reason.mend[0]);
}

static void test_refused__drain_says_what_became_of_it(void **state)
{
    static const struct {
        uint32_t binds, dials;
        via_status status;
    } pairs[] = {
        {VIA_PULL, VIA_PAIR, VIA_EPEER},     {VIA_PAIR, VIA_PUSH, VIA_EPEER},
        {VIA_PUBLISH, VIA_PUSH, VIA_EPROTO}, /* a publisher greets before it has heard */
        {VIA_PUBLISH, VIA_PAIR, VIA_EPROTO}, {VIA_PULL, VIA_PUBLISH, VIA_EPEER},
    };
    scene *s = *state;

    for (int place = 0; place < PLACES; place++) {
        for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
            (void)snprintf(s->address, sizeof(s->address), "unix:%s", s->path);
            binder by = bind_somewhere(s, place, pairs[i].binds);
            via_channel *dialer = connect_to(s, pairs[i].dials);
            scene_send(dialer, "lost");
            refuse(&by);
            expect_refusal(dialer, pairs[i].status);
            via_close(dialer);
            unbind(&by);
        }
    }
}

/* A drain waits for a second after the connect. If this machine took longer for the rest, it proves nothing. */
static bool is_slow(uint64_t since)
{
    return via_now_ns() - since > 500000000U;
}

static void *refuse_in_background(void *user)
{
    refuse(user);
    return NULL;
}

static void test_refused__drain_waits_for_the_answer(void **state)
{
    static const uint32_t dials[] = {VIA_PAIR, VIA_PUBLISH};
    scene *s = *state;

    for (int i = 0; i < 2; i++) {
        binder by = bind_somewhere(s, UNIX_FILE, VIA_PULL);
        uint64_t start = via_now_ns();
        via_channel *dialer = connect_to(s, dials[i]);
        pthread_t thread;
        uint64_t unsure = 0;
        scene_send(dialer, "lost");
        assert_true((via_drain(dialer, VIA_NOW, &unsure) == VIA_ETIMEDOUT && unsure == 1) || is_slow(start));
        assert_int_equal(pthread_create(&thread, NULL, refuse_in_background, &by), 0);
        assert_true(via_drain(dialer, scene_patience(), NULL) == VIA_EPEER || is_slow(start));
        assert_int_equal(pthread_join(thread, NULL), 0);
        via_close(dialer);
        unbind(&by);
    }
}

/* TCP tells a reset once, to whoever asks first: that may be drain itself, in the middle of its look. */
static void test_refused__a_reset_at_any_moment_is_seen(void **state)
{
    enum { ROUNDS = 150 };
    scene *s = *state;

    for (int i = 0; i < ROUNDS; i++) {
        binder by = bind_somewhere(s, TCP, VIA_PAIR);
        uint64_t start = via_now_ns();
        via_channel *dialer = connect_to(s, VIA_PUSH);
        pthread_t thread;
        scene_send(dialer, "lost");
        assert_int_equal(pthread_create(&thread, NULL, refuse_in_background, &by), 0);
        assert_true(via_drain(dialer, scene_patience(), NULL) == VIA_EPEER || is_slow(start));
        assert_int_equal(pthread_join(thread, NULL), 0);
        via_close(dialer);
        unbind(&by);
    }
}

static void *receive_the_end(void *user)
{
    via_msg message;

    assert_int_not_equal(via_recv(user, scene_patience(), &message), VIA_OK);
    return NULL;
}

/* The end of the stream goes to whoever looks first. */
static void test_refused__a_receiver_does_not_hide_it(void **state)
{
    scene *s = *state;

    for (int i = 0; i < 20; i++) {
        binder by = bind_somewhere(s, UNIX_FILE, VIA_PULL);
        uint64_t start = via_now_ns();
        via_channel *dialer = scene_dial(s, NULL);
        pthread_t thread;
        scene_send(dialer, "lost");
        assert_int_equal(pthread_create(&thread, NULL, receive_the_end, dialer), 0);
        refuse(&by);
        assert_true(via_drain(dialer, scene_patience(), NULL) == VIA_EPEER || is_slow(start));
        assert_int_equal(pthread_join(thread, NULL), 0);
        via_close(dialer);
        unbind(&by);
    }
}

/* ---- no refusals -------------------------------------------------------------------------------------------- */

static void test_refused__not_if_the_listener_is_right(void **state)
{
    scene *s = *state;
    via_listener *listener = scene_listen(s, NULL);
    via_channel *dialer = scene_dial(s, NULL);

    scene_send(dialer, "kept");
    via_channel *channel = scene_accept(listener);
    assert_int_equal(via_drain(dialer, VIA_NOW, NULL), VIA_OK);
    scene_expect(channel, "kept");
    scene_send(channel, "answer"); /* the look has taken nothing */
    via_close(channel);            /* nor is the end after a greeting a refusal */
    assert_int_equal(via_drain(dialer, scene_patience(), NULL), VIA_OK);
    scene_expect(dialer, "answer");
    via_close(dialer);
    via_listener_close(listener);
}

/* A listener in no call cannot say anything; it gets what was sent when it accepts. */
static void test_refused__not_if_nobody_has_accepted_yet(void **state)
{
    scene *s = *state;
    binder by = bind_somewhere(s, UNIX_FILE, VIA_PULL);
    via_channel *dialer = scene_join(s, VIA_PUSH, VIA_SIDE_CONNECT, NULL);

    scene_send(dialer, "early");
    assert_int_equal(via_drain(dialer, scene_patience(), NULL), VIA_OK);
    via_close(dialer);
    scene_expect(by.channel, "early");
    unbind(&by);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_refused__drain_says_what_became_of_it),  TEST(test_refused__drain_waits_for_the_answer),
        TEST(test_refused__a_reset_at_any_moment_is_seen), TEST(test_refused__a_receiver_does_not_hide_it),
        TEST(test_refused__not_if_the_listener_is_right),  TEST(test_refused__not_if_nobody_has_accepted_yet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
