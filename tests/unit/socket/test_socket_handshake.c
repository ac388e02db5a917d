/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SP handshake with those who connect to us. Limits and shortages are tested with kit/acceptor.
 */
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "greeting.h"
#include "handshake.h"
#include "socket_fixture.h"

typedef struct fixture {
    via_counters counters;
    via_error error;
    socket_settings settings;
    via_pollset set;
    socket_listening listening;
    via_acceptor *acceptor;
} fixture;

static int set_up_as(void **state, uint32_t role, bool speaks_sp)
{
    fixture *f = calloc(1, sizeof(*f));
    via_open open = fixture_open("tcp", "//127.0.0.1:0", VIA_SIDE_BIND);
    socket_address address;

    f->settings = (socket_settings){.host = &fixture_host,
                                    .counters = &f->counters,
                                    .role = role,
                                    .side = VIA_SIDE_BIND,
                                    .speaks_sp = speaks_sp,
                                    .protocol = role == VIA_PAIR ? 0 : socket_greeting_protocol(role),
                                    .backlog = 16,
                                    .handshake_ns = UINT64_MAX,
                                    .handshake_limit = 3};
    assert_int_equal(via_pollset_init(&f->set, false), VIA_OK);
    assert_int_equal(socket_address_resolve(&fixture_host, &open, &address, &f->error), VIA_OK);
    assert_int_equal(socket_listening_open(&f->settings, &address, &f->listening, &f->error), VIA_OK);
    assert_int_equal(socket_handshake_accept_on(&f->listening, &f->settings, &f->set, f, &f->acceptor, &f->error),
                     VIA_OK);
    *state = f;
    return 0;
}

static int set_up(void **state)
{
    return set_up_as(state, VIA_PAIR, true);
}

static int set_up_publisher(void **state)
{
    return set_up_as(state, VIA_PUBLISH, true);
}

static int set_up_puller(void **state)
{
    return set_up_as(state, VIA_PULL, true);
}

static int set_up_without_sp(void **state)
{
    return set_up_as(state, VIA_PAIR, false);
}

static int tear_down(void **state)
{
    fixture *f = *state;

    via_acceptor_destroy(f->acceptor, VIA_CLOSE_FLUSH);
    socket_listening_close(&f->listening, VIA_CLOSE_FLUSH);
    via_pollset_fini(&f->set);
    free(f);
    return 0;
}

static int dial(const fixture *f)
{
    const socket_endpoint *to = &f->listening.bound;
    int descriptor = socket(to->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(descriptor, (const struct sockaddr *)&to->storage, to->size), 0);
    return descriptor;
}

static void greet(int descriptor, uint16_t protocol, size_t from, size_t to)
{
    uint8_t bytes[SOCKET_GREETING_SIZE];

    socket_greeting_write(protocol, bytes);
    assert_int_equal(send(descriptor, bytes + from, to - from, 0), (ssize_t)(to - from));
}

/* Waits on the acceptor's handle as a listener does. */
static via_status next(const fixture *f, socket_connection *connection)
{
    via_status status;

    while ((status = socket_handshake_next(f->acceptor, connection)) == VIA_ETIMEDOUT) {
        struct pollfd set = {.fd = f->set.main, .events = POLLIN};
        assert_int_equal(poll(&set, 1, 10000), 1);
    }
    return status;
}

static void expect_answer(int descriptor, uint16_t protocol)
{
    uint8_t bytes[SOCKET_GREETING_SIZE];
    uint16_t found;

    assert_int_equal(recv(descriptor, bytes, sizeof(bytes), MSG_WAITALL), sizeof(bytes));
    assert_int_equal(socket_greeting_read(bytes, &found), VIA_OK);
    assert_int_equal(found, protocol);
}

/* Handles events until the other end is closed. */
static void expect_turned_away(const fixture *f, int descriptor)
{
    struct pollfd set[2] = {{.fd = descriptor, .events = POLLIN}, {.fd = f->set.main, .events = POLLIN}};
    socket_connection connection;
    char byte;

    while ((set[0].revents & POLLIN) == 0) {
        assert_int_equal(socket_handshake_next(f->acceptor, &connection), VIA_ETIMEDOUT);
        assert_true(poll(set, 2, 10000) > 0);
    }
    assert_true(recv(descriptor, &byte, 1, 0) <= 0);
}

static void test_handshake__answers_in_the_dialers_version(void **state)
{
    static const uint16_t versions[] = {SOCKET_SP_PAIR0, SOCKET_SP_PAIR1};
    fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        socket_connection connection;
        int dialer = dial(f);
        greet(dialer, versions[i], 0, SOCKET_GREETING_SIZE);
        assert_int_equal(next(f, &connection), VIA_OK);
        assert_int_equal(connection.protocol, versions[i]);
        expect_answer(dialer, versions[i]);
        socket_connection_close(&connection);
        (void)close(dialer);
    }
}

static void test_handshake__a_slow_one_delays_nobody(void **state)
{
    fixture *f = *state;
    socket_connection connection;
    int slow = dial(f), quick;

    greet(slow, SOCKET_SP_PAIR0, 0, 3);
    quick = dial(f);
    greet(quick, SOCKET_SP_PAIR1, 0, SOCKET_GREETING_SIZE);
    assert_int_equal(next(f, &connection), VIA_OK);
    assert_int_equal(connection.protocol, SOCKET_SP_PAIR1);
    socket_connection_close(&connection);
    greet(slow, SOCKET_SP_PAIR0, 3, SOCKET_GREETING_SIZE);
    assert_int_equal(next(f, &connection), VIA_OK);
    assert_int_equal(connection.protocol, SOCKET_SP_PAIR0);
    socket_connection_close(&connection);
    (void)close(slow);
    (void)close(quick);
}

static void test_handshake__turns_strangers_away(void **state)
{
    static const char *const hostile[] = {"GET / HTTP/1.1\r\n\r\n", "\0SQ\0\0\x10\0\0", "\0SP\0\0\x50\0\0",
                                          "\0SP\0\0\x10\0\1"};
    fixture *f = *state;

    for (size_t i = 0; i < 4; i++) {
        int dialer = dial(f);
        assert_int_equal(send(dialer, hostile[i], SOCKET_GREETING_SIZE, 0), SOCKET_GREETING_SIZE);
        expect_turned_away(f, dialer);
        (void)close(dialer);
        assert_int_equal(f->counters.protocol_errors, i + 1);
    }
}

static void test_handshake__forgets_who_leaves_at_once(void **state)
{
    fixture *f = *state;
    socket_connection connection;
    int gone = dial(f), good;

    (void)close(gone);
    good = dial(f);
    greet(good, SOCKET_SP_PAIR0, 0, SOCKET_GREETING_SIZE);
    assert_int_equal(next(f, &connection), VIA_OK);
    socket_connection_close(&connection);
    (void)close(good);
}

static void test_handshake__is_with_the_other_end_of_the_pattern(void **state)
{
    fixture *f = *state; /* a puller */
    socket_connection connection;
    int wrong = dial(f), right;

    greet(wrong, SOCKET_SP_PULL, 0, SOCKET_GREETING_SIZE);
    expect_turned_away(f, wrong);
    (void)close(wrong);
    right = dial(f);
    greet(right, SOCKET_SP_PUSH, 0, SOCKET_GREETING_SIZE);
    assert_int_equal(next(f, &connection), VIA_OK);
    assert_int_equal(connection.protocol, SOCKET_SP_PULL);
    expect_answer(right, SOCKET_SP_PULL);
    socket_connection_close(&connection);
    (void)close(right);
}

static void test_handshake__takes_who_has_sent_all_and_gone(void **state)
{
    fixture *f = *state;
    socket_connection connection;
    int gone = dial(f);

    greet(gone, SOCKET_SP_PAIR0, 0, SOCKET_GREETING_SIZE);
    (void)close(gone);
    assert_int_equal(next(f, &connection), VIA_OK);
    assert_int_equal(connection.protocol, SOCKET_SP_PAIR0);
    socket_connection_close(&connection);
}

static void test_handshake__attaches_subscribers_at_once(void **state)
{
    fixture *f = *state; /* a publisher */
    socket_connection connection;
    int silent = dial(f);

    assert_int_equal(next(f, &connection), VIA_OK);
    assert_int_equal(connection.protocol, SOCKET_SP_PUB);
    assert_true(connection.expects_greeting);
    expect_answer(silent, SOCKET_SP_PUB);
    socket_connection_close(&connection);
    (void)close(silent);
}

static void test_handshake__is_none_without_sp(void **state)
{
    fixture *f = *state;
    socket_connection connection;
    int silent = dial(f);

    assert_int_equal(next(f, &connection), VIA_OK);
    assert_int_equal(connection.protocol, 0);
    assert_false(connection.expects_greeting);
    socket_connection_close(&connection);
    (void)close(silent);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_handshake__answers_in_the_dialers_version),
        TEST(test_handshake__a_slow_one_delays_nobody),
        TEST(test_handshake__turns_strangers_away),
        TEST(test_handshake__forgets_who_leaves_at_once),
        cmocka_unit_test_setup_teardown(test_handshake__is_with_the_other_end_of_the_pattern, set_up_puller, tear_down),
        TEST(test_handshake__takes_who_has_sent_all_and_gone),
        cmocka_unit_test_setup_teardown(test_handshake__attaches_subscribers_at_once, set_up_publisher, tear_down),
        cmocka_unit_test_setup_teardown(test_handshake__is_none_without_sp, set_up_without_sp, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
