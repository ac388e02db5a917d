/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pairs whose other end dies, stalls or lies, and names whose owner died.
 */
#include "scene.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static via_channel *accept_raw(scene *s, via_listener **listener, int *raw, const char *options)
{
    *listener = scene_listen(s, options);
    *raw = scene_raw(s, SP_PAIR);
    return scene_accept(*listener);
}

static via_status receive(via_channel *channel)
{
    via_msg message;
    via_status status = via_recv(channel, scene_patience(), &message);

    if (status == VIA_OK)
        via_release(channel, &message);
    return status;
}

static void test_socket__half_a_message_is_a_death(void **state)
{
    via_listener *listener;
    int raw;
    via_channel *channel = accept_raw(*state, &listener, &raw, NULL);
    via_error error;

    scene_raw_frame(raw, 5, "whole", 5);
    scene_raw_frame(raw, 100, "half", 4);
    (void)close(raw);
    scene_expect(channel, "whole");
    assert_int_equal(receive(channel), VIA_EPEER);
    assert_int_equal(receive(channel), VIA_EPEER); /* and stays so */
    assert_int_equal(via_failure(channel, &error), VIA_OK);
    via_close(channel);
    via_listener_close(listener);
}

static void test_socket__a_whole_message_and_an_end(void **state)
{
    via_listener *listener;
    int raw;
    via_channel *channel = accept_raw(*state, &listener, &raw, NULL);

    scene_raw_frame(raw, 5, "whole", 5);
    (void)close(raw);
    scene_expect(channel, "whole");
    assert_int_equal(receive(channel), VIA_ECLOSED);
    via_close(channel);
    via_listener_close(listener);
}

static void test_socket__an_oversize_frame_is_refused_unread(void **state)
{
    via_listener *listener;
    int raw;
    via_channel *channel = accept_raw(*state, &listener, &raw, "max_message=64KiB");

    scene_raw_frame(raw, UINT64_MAX, "x", 1);
    assert_int_equal(receive(channel), VIA_ETOOBIG);
    via_close(channel);
    (void)close(raw);
    via_listener_close(listener);
}

static void test_socket__an_unknown_frame_type_is_a_protocol_error(void **state)
{
    via_listener *listener;
    int raw;
    via_channel *channel = accept_raw(*state, &listener, &raw, NULL);

    scene_raw_send(raw, "\2\0\0\0\0\0\0\0\1x", 10);
    assert_int_equal(receive(channel), VIA_EPROTO);
    via_close(channel);
    (void)close(raw);
    via_listener_close(listener);
}

static void test_socket__the_listeners_greeting_is_checked(void **state)
{
    scene *s = *state;
    int listening = scene_raw_listen(s);
    via_channel *channel = scene_dial(s, NULL);
    int raw = accept(listening, NULL, NULL);

    scene_raw_send(raw, "SSH-2.0-x\r\n", 11);
    assert_int_equal(receive(channel), VIA_EPROTO);
    via_close(channel);
    (void)close(raw);
    (void)close(listening);
}

/* A caller that left before it had said anything keeps the listener's handle quiet: its time-out goes with it. */
static void test_socket__one_that_left_during_the_handshake_wakes_nobody(void **state)
{
    scene *s = *state;
    via_listener *listener = scene_listen(s, "handshake_timeout=20ms");
    int raw = scene_raw(s, 0);
    via_poll_handle handle = {.size = sizeof(handle)};
    via_channel *none;

    scene_raw_send(raw, "\0", 1);
    assert_int_equal(via_accept(listener, VIA_NOW, &none, NULL), VIA_ETIMEDOUT);
    (void)close(raw);
    assert_int_equal(via_listener_pollable(listener, &handle), VIA_OK);
    assert_int_equal(via_listener_arm(listener), VIA_OK);
    struct pollfd quiet = {.fd = (int)handle.handle, .events = POLLIN};
    assert_int_equal(poll(&quiet, 1, 100), 0);
    assert_int_equal(via_accept(listener, via_after_ms(1), &none, NULL), VIA_ETIMEDOUT);
    via_listener_close(listener);
}

/* ---- death -------------------------------------------------------------------------------------------------- */

/* A child that runs `body` and then waits to be killed; returns when it says that it is ready. */
static pid_t start_child(scene *s, void (*body)(scene *s))
{
    int ready[2];
    char byte;

    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        body(s);
        if (write(ready[1], "r", 1) == 1)
            for (;;)
                (void)pause();
        _exit(1);
    }
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    return child;
}

static void kill_child(pid_t child)
{
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void dial_and_send_half(scene *s)
{
    int raw = scene_raw(s, SP_PAIR);

    scene_raw_frame(raw, 1000, "half", 4);
}

static void test_socket__sigkill_in_the_middle_wakes_the_receiver(void **state)
{
    scene *s = *state;
    via_listener *listener = scene_listen(s, NULL);
    pid_t child = start_child(s, dial_and_send_half);
    via_channel *channel = scene_accept(listener);

    kill_child(child);
    assert_int_equal(receive(channel), VIA_EPEER);
    via_close(channel);
    via_listener_close(listener);
}

static void test_socket__sending_to_the_dead_fails(void **state)
{
    via_listener *listener;
    int raw;
    via_channel *channel = accept_raw(*state, &listener, &raw, NULL);
    via_status status = VIA_OK;

    (void)close(raw);
    for (int i = 0; i < 100 && status == VIA_OK; i++)
        status = via_send(channel, "x", 1, NULL, scene_patience());
    assert_true(status == VIA_EPEER || status == VIA_ECLOSED);
    via_close(channel);
    via_listener_close(listener);
}

static void listen_for_ever(scene *s)
{
    via_listener *listener = NULL;

    if (via_listen(s->host, s->address, NULL, &listener, NULL) != VIA_OK)
        _exit(2);
}

static void listen_in_own_host(scene *s)
{
    s->host = NULL; /* the parent's is not for a child */
    listen_for_ever(s);
}

static void test_socket__a_live_owner_keeps_its_name_and_a_dead_one_does_not(void **state)
{
    scene *s = *state;
    pid_t child = start_child(s, listen_in_own_host);
    via_listener *listener = NULL;
    via_error error;
    struct stat there;

    assert_int_equal(via_listen(s->host, s->address, NULL, &listener, &error), VIA_EBUSY);
    assert_string_not_equal(error.mend, "");
    kill_child(child);
    assert_int_equal(lstat(s->path, &there), 0); /* it left its file behind */
    listener = scene_listen(s, NULL);
    via_channel *dialer = scene_dial(s, NULL);
    via_channel *channel = scene_accept(listener);
    scene_send(dialer, "alive");
    scene_expect(channel, "alive");
    via_close(channel);
    via_close(dialer);
    via_listener_close(listener);
}

/* ---- stalling ----------------------------------------------------------------------------------------------- */

static void test_socket__a_slow_reader_costs_the_sender_its_deadline_only(void **state)
{
    via_listener *listener;
    int raw;
    via_channel *channel = accept_raw(*state, &listener, &raw, "send_buffer=8KiB");
    static char block[4096];
    via_status status = VIA_OK;

    for (int i = 0; i < 10000 && status == VIA_OK; i++)
        status = via_send(channel, block, sizeof(block), NULL, VIA_NOW);
    assert_int_equal(status, VIA_ETIMEDOUT);
    assert_int_equal(via_send(channel, block, sizeof(block), NULL, via_after_ms(20)), VIA_ETIMEDOUT);
    via_close(channel); /* bounded by linger */
    (void)close(raw);
    via_listener_close(listener);
}

static void test_socket__slow_handshakes_delay_nobody(void **state)
{
    scene *s = *state;
    via_listener *listener = scene_listen(s, NULL);
    int slow[8];

    for (int i = 0; i < 8; i++) {
        slow[i] = scene_raw(s, 0);
        scene_raw_send(slow[i], "\0S", 2);
    }
    via_channel *dialer = scene_dial(s, NULL);
    via_channel *channel = scene_accept(listener);
    scene_send(channel, "hello");
    scene_expect(dialer, "hello");
    via_close(dialer);
    via_close(channel);
    via_listener_close(listener);
    for (int i = 0; i < 8; i++) {
        assert_true(scene_raw_is_closed(slow[i]));
        (void)close(slow[i]);
    }
}

static void test_socket__a_full_backlog_is_waited_for(void **state)
{
    scene *s = *state;
    via_listener *listener = scene_listen(s, "backlog=1");
    int crowd[8], count = 0;
    via_channel *dialer = NULL;
    via_error error;

    while (count < 8 && via_dial(s->host, s->address, NULL, VIA_NOW, &dialer, &error) == VIA_OK) {
        via_close(dialer);
        crowd[count++] = 0;
    }
    (void)crowd;
    assert_in_range(count, 1, 7);
    assert_int_equal(error.status, VIA_ENOPEER);
    assert_int_equal(error.os_code, EAGAIN);
    assert_non_null(strstr(error.mend, "backlog"));
    via_close(scene_accept(listener)); /* makes room */
    dialer = scene_dial(s, NULL);
    via_close(dialer);
    via_listener_close(listener);
}

/* ---- who is it ---------------------------------------------------------------------------------------------- */

static void test_socket__knows_its_peer(void **state)
{
    scene *s = *state;
    via_listener *listener = scene_listen(s, NULL);
    via_channel *dialer = scene_dial(s, NULL);
    via_channel *channel = scene_accept(listener);
    via_peer_info peer = {.size = sizeof(peer)};

    assert_int_equal(via_peer(channel, &peer), VIA_OK);
    assert_int_equal(peer.known & (VIA_PEER_PROCESS | VIA_PEER_USER), VIA_PEER_PROCESS | VIA_PEER_USER);
    assert_int_equal(peer.pid, getpid());
    assert_int_equal(peer.uid, geteuid());
    via_close(dialer);
    via_close(channel);
    via_listener_close(listener);
}

static void dial_as_nobody(scene *s)
{
    struct passwd *nobody = getpwnam("nobody");

    if (!nobody || setuid(nobody->pw_uid) < 0)
        _exit(3);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* setuid() has cleared it */
    (void)scene_raw(s, SP_PAIR);
}

/* Only root can be two users; others have nothing to test here. */
static void test_socket__other_users_are_turned_away(void **state)
{
    scene *s = *state;
    via_channel *channel = NULL;

    if (geteuid() != 0 || !getpwnam("nobody"))
        skip();
    assert_int_equal(chmod(s->folder, 0711), 0);
    via_listener *listener = scene_listen(s, "mode=0666");
    pid_t child = start_child(s, dial_as_nobody);
    assert_int_equal(via_accept(listener, via_after_ms(50), &channel, NULL), VIA_ETIMEDOUT);
    kill_child(child);
    via_listener_close(listener);
    listener = scene_listen(s, "mode=0666&users=any");
    child = start_child(s, dial_as_nobody);
    channel = scene_accept(listener);
    kill_child(child);
    via_close(channel);
    via_listener_close(listener);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)

static long sleeps_so_far(void)
{
    struct rusage usage;

    assert_int_equal(getrusage(RUSAGE_THREAD, &usage), 0);
    return usage.ru_nvcsw;
}

/* A Viaduct listener takes what was sent by one that has gone, so its greeting is not waited for. */
static void test_socket__a_close_before_the_accept_does_not_wait(void **state)
{
    enum { COUNT = 10 };
    scene *s = *state;
    via_listener *listener = scene_listen(s, NULL);
    long before = sleeps_so_far();

    for (int i = 0; i < COUNT; i++) {
        via_channel *dialer = scene_dial(s, NULL);
        scene_send(dialer, "bye");
        via_close(dialer);
    }
    assert_true(sleeps_so_far() - before < COUNT); /* one each if a close slept */
    for (int i = 0; i < COUNT; i++) {
        via_channel *channel = scene_accept(listener);
        scene_expect(channel, "bye");
        assert_int_equal(receive(channel), VIA_ECLOSED);
        via_close(channel);
    }
    via_listener_close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_socket__half_a_message_is_a_death),
        TEST(test_socket__a_whole_message_and_an_end),
        TEST(test_socket__an_oversize_frame_is_refused_unread),
        TEST(test_socket__an_unknown_frame_type_is_a_protocol_error),
        TEST(test_socket__the_listeners_greeting_is_checked),
        TEST(test_socket__a_close_before_the_accept_does_not_wait),
        TEST(test_socket__sigkill_in_the_middle_wakes_the_receiver),
        TEST(test_socket__sending_to_the_dead_fails),
        TEST(test_socket__a_live_owner_keeps_its_name_and_a_dead_one_does_not),
        TEST(test_socket__a_slow_reader_costs_the_sender_its_deadline_only),
        TEST(test_socket__slow_handshakes_delay_nobody),
        TEST(test_socket__one_that_left_during_the_handshake_wakes_nobody),
        TEST(test_socket__a_full_backlog_is_waited_for),
        TEST(test_socket__knows_its_peer),
        TEST(test_socket__other_users_are_turned_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
