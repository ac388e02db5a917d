/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How streams end: finish, end of file at and inside a message, resets, close with something left.
 */
#include "kit_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "kit/deadline.h"
#include "kit/stream_internal.h"

static void put(int descriptor, const char *text)
{
    assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
}

static void test_ends__finish_closes_one_direction(void **state)
{
    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        via_stream_config config = config_of(&via_framing_length32);
        stream_pair pair;
        via_slice slice = {"x", 1};

        pair_open(&pair, kind, &config);
        send_text(pair.end[0], "last", VIA_MORE);
        assert_int_equal(via_stream_finish(pair.end[0], soon_enough()), VIA_OK);
        assert_int_equal(via_stream_finish(pair.end[0], soon_enough()), VIA_OK);
        assert_int_equal(via_stream_send(pair.end[0], &slice, 1, NULL, soon_enough()), VIA_EINVAL);
        assert_int_equal(via_stream_arm(pair.end[0], VIA_WRITE), VIA_EREADY);
        expect_text(pair.end[1], "last");
        expect_end(pair.end[1], VIA_ECLOSED);
        assert_int_equal(via_stream_arm(pair.end[1], VIA_READ), VIA_EREADY);
        send_text(pair.end[1], "answer", 0); /* the other direction goes on */
        expect_text(pair.end[0], "answer");
        assert_int_equal(via_stream_finish(pair.end[1], soon_enough()), VIA_OK);
        expect_end(pair.end[0], VIA_ECLOSED);
        assert_int_equal(pair.host[0].failures + pair.host[1].failures, 0);
        pair_close(&pair);
    }
}

static void test_ends__close_is_seen_after_everything_sent(void **state)
{
    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        via_stream_config config = config_of(&via_framing_sp_ipc);
        stream_pair pair;

        pair_open(&pair, kind, &config);
        send_text(pair.end[1], "never read", 0); /* unread input must not turn the close into a reset */
        send_text(pair.end[0], "one", 0);
        send_text(pair.end[0], "two", 0);
        via_stream_close(pair.end[0], VIA_CLOSE_FLUSH);
        pair.end[0] = NULL;
        expect_text(pair.end[1], "one");
        expect_text(pair.end[1], "two");
        expect_end(pair.end[1], VIA_ECLOSED);
        assert_int_equal(pair.host[1].failures, 0);
        pair_close(&pair);
    }
}

static void test_ends__inside_a_message_is_death(void **state)
{
    static const struct {
        const via_framing *framing;
        const char *bytes;
        size_t size;
    } cases[] = {
        {&via_framing_sp_ipc, "\1", 1},
        {&via_framing_sp_ipc, "\1\0\0\0\0\0\0\0\2a", 10},
        {&via_framing_sp_tcp, "\0\0\0\0\0\0\0\2", 8},
        {&via_framing_length32, "\0\0\0\4abc", 7},
        {&via_framing_content_length, "Content-Length: 3\r\n\r\nab", 23},
        {&via_framing_content_length, "Content-", 8},
    };

    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            via_stream_config config = config_of(cases[i].framing);
            stream_pair pair;

            pair_open_half(&pair, kind, &config);
            assert_int_equal(write(pair.peer_fd[0], cases[i].bytes, cases[i].size), cases[i].size);
            pair_close_peer_fds(&pair);
            expect_end(pair.end[0], VIA_EPEER);
            assert_int_equal(pair.host[0].failures, 1);
            assert_int_equal(pair.host[0].failure.status, VIA_EPEER);
            pair_close(&pair);
        }
    }
}

static void test_ends__line_and_raw_give_what_is_left(void **state)
{
    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        via_stream_config line = config_of(&via_framing_line);
        via_stream_config raw = config_of(&via_framing_raw);
        stream_pair pair;

        pair_open_half(&pair, kind, &line);
        put(pair.peer_fd[0], "whole\n\nhalf");
        pair_close_peer_fds(&pair);
        expect_text(pair.end[0], "whole");
        expect_text(pair.end[0], "");
        expect_text(pair.end[0], "half");
        expect_end(pair.end[0], VIA_ECLOSED);
        pair_close(&pair);

        pair_open_half(&pair, kind, &line);
        put(pair.peer_fd[0], "whole\n");
        pair_close_peer_fds(&pair);
        expect_text(pair.end[0], "whole");
        expect_end(pair.end[0], VIA_ECLOSED);
        pair_close(&pair);

        pair_open_half(&pair, kind, &raw);
        put(pair.peer_fd[0], "bytes");
        pair_close_peer_fds(&pair);
        expect_text(pair.end[0], "bytes");
        expect_end(pair.end[0], VIA_ECLOSED);
        pair_close(&pair);
    }
}

static void test_ends__a_reset_of_tcp_is_death(void **state)
{
    via_stream_config config = config_of(&via_framing_sp_tcp);
    const struct linger at_once = {1, 0};
    stream_pair pair;

    (void)state;
    pair_open_half(&pair, KIND_TCP, &config);
    assert_int_equal(setsockopt(pair.peer_fd[0], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    pair_close_peer_fds(&pair);
    expect_end(pair.end[0], VIA_EPEER);
    assert_int_equal(pair.host[0].failures, 1);
    pair_close(&pair);
}

/* A Unix peer that dies with unread input resets; that is an end like any other there. */
static void test_ends__a_unix_reset_between_messages_is_a_close(void **state)
{
    via_stream_config config = config_of(&via_framing_sp_ipc);
    stream_pair pair;

    (void)state;
    pair_open_half(&pair, KIND_SOCKET, &config);
    send_text(pair.end[0], "never read", 0);
    assert_int_equal(write(pair.peer_fd[0], "\1\0\0\0\0\0\0\0\1a", 10), 10);
    pair_close_peer_fds(&pair);
    expect_text(pair.end[0], "a");
    expect_end(pair.end[0], VIA_ECLOSED);
    pair_close(&pair);
}

static void test_ends__sending_to_nobody_raises_no_signal(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_DFL);
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        via_stream_config config = config_of(&via_framing_sp_ipc);
        via_slice slice = {"x", 1};
        stream_pair pair;
        via_status status;
        int tries = 0;

        pair_open(&pair, kind, &config);
        via_stream_close(pair.end[1], VIA_CLOSE_FLUSH);
        pair.end[1] = NULL;
        do /* TCP needs a round trip to know */
            status = via_stream_send(pair.end[0], &slice, 1, NULL, soon_enough());
        while (status == VIA_OK && ++tries < 100000);
        assert_true(status == VIA_ECLOSED || (kind == KIND_TCP && status == VIA_EPEER));
        assert_int_equal(via_stream_send(pair.end[0], &slice, 1, NULL, soon_enough()), status);
        pair_close(&pair);
    }
}

/* Fills the way out, so that the last message leaves in part. Returns how many were accepted. */
static unsigned fill_up(via_stream *stream, size_t size)
{
    uint8_t *body = calloc(1, size);
    via_slice slice = {body, size};
    unsigned accepted = 0;

    while (via_stream_send(stream, &slice, 1, NULL, VIA_NOW) == VIA_OK)
        accepted++;
    free(body);
    return accepted;
}

static void test_ends__a_tail_is_kept_and_goes_on(void **state)
{
    enum { SIZE = 300000 };

    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        via_stream_config config = config_of(&via_framing_sp_ipc);
        stream_pair pair;
        unsigned accepted;
        uint64_t undelivered = 0;

        pair_open(&pair, kind, &config);
        accepted = fill_up(pair.end[0], SIZE);
        assert_true(accepted > 0);
        assert_true(via_stream_backlog(pair.end[0]) > 0);
        assert_in_range(atomic_load(&pair.host[0].attentions), 1,
                        accepted); /* TCP may take a tail and leave the next */
        assert_int_equal(via_stream_arm(pair.end[0], VIA_WORK), VIA_OK);
        assert_int_equal(via_stream_drain(pair.end[0], VIA_NOW, &undelivered), VIA_ETIMEDOUT);
        assert_int_equal(undelivered, 1);
        for (unsigned i = 0; i < accepted; i++) {
            via_msg message;
            via_status status;

            while ((status = via_stream_recv(pair.end[1], VIA_NOW, &message)) == VIA_ETIMEDOUT)
                (void)via_stream_arm(pair.end[0], VIA_WORK);
            assert_int_equal(status, VIA_OK);
            assert_int_equal(message.size, SIZE);
            via_stream_release(pair.end[1], &message);
        }
        assert_int_equal(via_stream_arm(pair.end[0], VIA_WORK), VIA_ENOENT);
        assert_int_equal(via_stream_drain(pair.end[0], VIA_NOW, &undelivered), VIA_OK);
        assert_int_equal(undelivered, 0);
        send_text(pair.end[0], "after", 0);
        expect_text(pair.end[1], "after");
        pair_close(&pair);
    }
}

static void test_ends__what_linger_could_not_send_is_counted(void **state)
{
    via_stream_config config = config_of(&via_framing_sp_ipc);
    stream_pair pair;
    uint64_t before;

    (void)state;
    config.linger_ns = 30000000;
    pair_open_half(&pair, KIND_SOCKET, &config);
    fill_up(pair.end[0], 300000);
    before = via_deadline_clock();
    via_stream_close(pair.end[0], VIA_CLOSE_FLUSH);
    pair.end[0] = NULL;
    assert_true(via_deadline_clock() - before >= config.linger_ns);
    assert_int_equal(pair.counters[0].dropped_closing, 1);
    pair_close(&pair);
}

/* A short tail leaves room to gather behind it; then there are two messages to lose. */
static void test_ends__a_torn_message_and_whole_ones_are_counted(void **state)
{
    via_stream_config config = config_of(&via_framing_sp_ipc);
    stream_pair pair;

    (void)state;
    config.linger_ns = 1000000;
    pair_open_half(&pair, KIND_PIPE, &config);
    fill_up(pair.end[0], 10000);
    assert_true(pair.end[0]->torn > 0);
    send_text(pair.end[0], "gathered", VIA_MORE);
    via_stream_close(pair.end[0], VIA_CLOSE_FLUSH);
    pair.end[0] = NULL;
    assert_int_equal(pair.counters[0].dropped_closing, 2);
    pair_close(&pair);
}

static void *receive_one(void *argument)
{
    via_msg message;
    size_t size;

    if (via_stream_recv(argument, soon_enough(), &message) != VIA_OK)
        return NULL;
    size = message.size;
    via_stream_release(argument, &message);
    return (void *)size;
}

static void test_ends__an_interrupted_stream_still_sends_its_tail(void **state)
{
    enum { SIZE = 20000000 };
    uint8_t *body = make_body(SIZE, 1);
    via_slice slice = {body, SIZE};

    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        via_stream_config config = config_of(&via_framing_sp_ipc);
        stream_pair pair;
        pthread_t thread;
        void *size;

        config.linger_ns = UINT64_MAX;
        pair_open(&pair, kind, &config);
        assert_int_equal(via_stream_send(pair.end[0], &slice, 1, NULL, VIA_NOW), VIA_OK);
        assert_true(via_stream_backlog(pair.end[0]) > 0);
        via_stream_interrupt(pair.end[0]);
        assert_int_equal(pthread_create(&thread, NULL, receive_one, pair.end[1]), 0);
        via_stream_close(pair.end[0], VIA_CLOSE_FLUSH);
        pair.end[0] = NULL;
        assert_int_equal(pthread_join(thread, &size), 0);
        assert_int_equal((size_t)size, SIZE);
        expect_end(pair.end[1], VIA_ECLOSED);
        pair_close(&pair);
    }
    free(body);
}

static void test_ends__a_close_with_unread_input_is_no_reset(void **state)
{
    via_stream_config config = config_of(&via_framing_sp_ipc);
    stream_pair pair;
    char byte;

    (void)state;
    pair_open_half(&pair, KIND_SOCKET, &config);
    put(pair.peer_fd[0], "never read");
    via_stream_close(pair.end[0], VIA_CLOSE_FLUSH);
    pair.end[0] = NULL;
    assert_int_equal(read(pair.peer_fd[1], &byte, 1), 0); /* and not ECONNRESET */
    pair_close(&pair);
}

static void test_ends__a_forked_child_only_frees(void **state)
{
    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        via_stream_config config = config_of(&via_framing_sp_ipc);
        stream_pair pair;
        int outcome;
        pid_t child;

        pair_open(&pair, kind, &config);
        send_text(pair.end[0], "gathered", VIA_MORE);
        child = fork();
        if (child == 0) {
            via_stream_close(pair.end[0], VIA_CLOSE_FORKED);
            via_stream_close(pair.end[1], VIA_CLOSE_FORKED);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &outcome, 0), child);
        assert_int_equal(outcome, 0);
        send_text(pair.end[0], "second", 0);
        expect_text(pair.end[1], "gathered");
        expect_text(pair.end[1], "second");
        assert_int_equal(via_stream_recv(pair.end[1], VIA_NOW, &(via_msg){0}), VIA_ETIMEDOUT);
        pair_close(&pair);
    }
}

static void test_ends__regular_files_are_read_and_polled(void **state)
{
    via_stream_config config = config_of(&via_framing_line);
    FILE *file = tmpfile();
    fake_host host = {.failures = 0};
    via_counters counters = {.size = sizeof(counters)};
    via_poll_handle handle = {.size = sizeof(handle)};
    via_stream stream;

    (void)state;
    assert_non_null(file);
    assert_int_equal(fputs("a\nb", file), 1);
    rewind(file);
    config.host = &fake_host_api;
    config.context = fake_context(&host);
    config.counters = &counters;
    config.io = &via_stream_io_shared;
    config.read_fd = dup(fileno(file));
    config.write_fd = -1;
    assert_int_equal(via_stream_init(&stream, &config), VIA_OK);
    assert_int_equal(via_stream_pollable(&stream, VIA_WRITE, &handle), VIA_ENOTSUP);
    assert_int_equal(via_stream_pollable(&stream, VIA_READ, &handle), VIA_OK);
    assert_int_not_equal(handle.handle, config.read_fd); /* epoll would refuse that one */
    expect_text(&stream, "a");
    expect_text(&stream, "b");
    expect_end(&stream, VIA_ECLOSED);
    via_stream_fini(&stream, VIA_CLOSE_FLUSH);
    fclose(file);
}

/* Of linger, when the descriptors were closed. */
static uint64_t left_ns;

/* The way out stays full until the deadline. */
static int64_t write_nothing(via_stream *stream, const via_slice *from, size_t count, via_deadline deadline)
{
    (void)from;
    (void)count;
    return via_stream_wait(stream, -1, 0, deadline);
}

static void note_close(via_stream *stream, uint32_t how)
{
    left_ns = via_deadline_left(stream->close_by);
    via_stream_io_socket.close(stream, how);
}

/* What the tail has used up is gone for whatever else a close waits for. */
static void test_ends__linger_is_spent_once(void **state)
{
    static const via_stream_io io = {.write = write_nothing, .close = note_close};
    via_stream_config config = config_of(&via_framing_sp_ipc);
    stream_pair pair;

    (void)state;
    config.linger_ns = 1000000;
    pair_open_half(&pair, KIND_TCP, &config);
    pair.end[0]->config.io = &io;
    send_text(pair.end[0], "never taken", VIA_MORE);
    left_ns = UINT64_MAX;
    via_stream_close(pair.end[0], VIA_CLOSE_FLUSH);
    pair.end[0] = NULL;
    assert_int_equal(left_ns, 0);
    assert_int_equal(pair.counters[0].dropped_closing, 1);
    pair_close(&pair);
}

/* Nothing went out, so there is nothing that a missing greeting could cost. */
static void test_ends__a_refused_message_is_not_lingered_for(void **state)
{
    via_stream_config config = config_of(&via_framing_sp_ipc);
    stream_pair pair;
    via_slice slice = {"too long", 8};

    (void)state;
    config.greeting_size = 8;
    config.max_message = 4;
    pair_open_half(&pair, KIND_SOCKET, &config);
    assert_int_equal(via_stream_send(pair.end[0], &slice, 1, NULL, VIA_NOW), VIA_ETOOBIG);
    via_stream_await_greeting(pair.end[0], soon_enough());
    assert_false(pair.end[0]->closing); /* it would have waited */
    pair_close(&pair);
}

static void ignore_signal(int signal)
{
    (void)signal;
}

static int open_terminal(int *master)
{
    struct termios raw;
    int slave;

    *master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_int_equal(grantpt(*master) + unlockpt(*master), 0);
    slave = open(ptsname(*master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_int_equal(tcgetattr(slave, &raw), 0);
    cfmakeraw(&raw);
    assert_int_equal(tcsetattr(slave, TCSANOW, &raw), 0);
    return slave;
}

/* Where only poll(2) tells whether a read would block, a signal in the middle of it must not be taken for a yes. */
static void test_ends__a_signal_does_not_make_a_terminal_block(void **state)
{
    const struct itimerval storm = {{0, 150}, {0, 150}};
    const struct itimerval calm = {{0, 0}, {0, 0}};
    const struct sigaction ignore = {.sa_handler = ignore_signal, .sa_flags = SA_RESTART};
    via_stream_config config = config_of(&via_framing_line);
    fake_host host = {.failures = 0};
    via_counters counters = {.size = sizeof(counters)};
    struct sigaction before;
    via_stream stream;
    via_msg message;
    int master;

    (void)state;
    config.host = &fake_host_api;
    config.context = fake_context(&host);
    config.counters = &counters;
    config.io = &via_stream_io_shared;
    config.read_fd = open_terminal(&master);
    config.write_fd = -1;
    assert_int_equal(via_stream_init(&stream, &config), VIA_OK);
    assert_int_equal(sigaction(SIGALRM, &ignore, &before), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &storm, NULL), 0);
    for (int i = 0; i < 200000; i++) /* one that blocked would do so for ever */
        assert_int_equal(via_stream_recv(&stream, VIA_NOW, &message), VIA_ETIMEDOUT);
    assert_int_equal(setitimer(ITIMER_REAL, &calm, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
    via_stream_fini(&stream, VIA_CLOSE_FLUSH);
    close(master);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends__finish_closes_one_direction),
        cmocka_unit_test(test_ends__close_is_seen_after_everything_sent),
        cmocka_unit_test(test_ends__inside_a_message_is_death),
        cmocka_unit_test(test_ends__line_and_raw_give_what_is_left),
        cmocka_unit_test(test_ends__a_reset_of_tcp_is_death),
        cmocka_unit_test(test_ends__a_unix_reset_between_messages_is_a_close),
        cmocka_unit_test(test_ends__sending_to_nobody_raises_no_signal),
        cmocka_unit_test(test_ends__a_tail_is_kept_and_goes_on),
        cmocka_unit_test(test_ends__what_linger_could_not_send_is_counted),
        cmocka_unit_test(test_ends__a_torn_message_and_whole_ones_are_counted),
        cmocka_unit_test(test_ends__an_interrupted_stream_still_sends_its_tail),
        cmocka_unit_test(test_ends__a_close_with_unread_input_is_no_reset),
        cmocka_unit_test(test_ends__a_forked_child_only_frees),
        cmocka_unit_test(test_ends__regular_files_are_read_and_polled),
        cmocka_unit_test(test_ends__linger_is_spent_once),
        cmocka_unit_test(test_ends__a_signal_does_not_make_a_terminal_block),
        cmocka_unit_test(test_ends__a_refused_message_is_not_lingered_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
