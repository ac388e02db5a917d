/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handshakes: quick ones, slow ones, hostile ones, and no descriptor left.
 */
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "acceptor.h"
#include "greeting.h"
#include "kit/deadline.h"
#include "socket_fixture.h"

typedef struct fixture {
    via_counters counters;
    via_error error;
    socket_settings settings;
    via_pollset set;
    socket_acceptor *acceptor;
} fixture;

static int set_up_with(void **state, uint64_t handshake_ns)
{
    fixture *f = calloc(1, sizeof(*f));
    via_open open = fixture_open("tcp", "//127.0.0.1:0", VIA_SIDE_BIND);
    socket_address address;
    socket_listening listening;

    f->settings = (socket_settings){.host = &fixture_host,
                                    .counters = &f->counters,
                                    .role = VIA_PAIR,
                                    .side = VIA_SIDE_BIND,
                                    .speaks_sp = true,
                                    .backlog = 16,
                                    .handshake_ns = handshake_ns,
                                    .handshake_limit = 3};
    assert_int_equal(via_pollset_init(&f->set, false), VIA_OK);
    assert_int_equal(socket_address_resolve(&fixture_host, &open, &address, &f->error), VIA_OK);
    assert_int_equal(socket_listening_open(&f->settings, &address, &listening, &f->error), VIA_OK);
    assert_int_equal(socket_acceptor_create(&f->settings, &listening, &f->set, f, &f->acceptor, &f->error), VIA_OK);
    *state = f;
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, UINT64_C(3600000000000));
}

static int set_up_impatient(void **state)
{
    return set_up_with(state, 20000000);
}

static int tear_down(void **state)
{
    fixture *f = *state;

    socket_acceptor_destroy(f->acceptor, VIA_CLOSE_FLUSH);
    via_pollset_fini(&f->set);
    free(f);
    return 0;
}

static int dial(const fixture *f)
{
    const socket_endpoint *to = socket_acceptor_bound(f->acceptor);
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

    while ((status = socket_acceptor_next(f->acceptor, connection)) == VIA_ETIMEDOUT) {
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
        assert_int_equal(socket_acceptor_next(f->acceptor, &connection), VIA_ETIMEDOUT);
        assert_true(poll(set, 2, 10000) > 0);
    }
    assert_true(recv(descriptor, &byte, 1, 0) <= 0);
}

static void test_acceptor__answers_in_the_dialers_version(void **state)
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

static void test_acceptor__a_slow_one_delays_nobody(void **state)
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

static void test_acceptor__turns_strangers_away(void **state)
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

static void test_acceptor__forgets_who_leaves_at_once(void **state)
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

static void test_acceptor__has_a_limit_of_time(void **state)
{
    fixture *f = *state;

    int silent = dial(f);
    expect_turned_away(f, silent);
    (void)close(silent);
}

static void test_acceptor__has_a_limit_of_number(void **state)
{
    fixture *f = *state;
    socket_connection connection;
    int silent[4];

    for (int i = 0; i < 4; i++) {
        silent[i] = dial(f);
        assert_int_equal(socket_acceptor_next(f->acceptor, &connection), VIA_ETIMEDOUT);
    }
    expect_turned_away(f, silent[0]); /* the oldest */
    greet(silent[1], SOCKET_SP_PAIR0, 0, SOCKET_GREETING_SIZE);
    assert_int_equal(next(f, &connection), VIA_OK);
    socket_connection_close(&connection);
    for (int i = 0; i < 4; i++)
        (void)close(silent[i]);
}

static rlim_t limit_files(rlim_t wanted)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = wanted;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return before;
}

static void test_acceptor__does_not_spin_without_descriptors(void **state)
{
    fixture *f = *state;
    socket_connection connection;
    struct pollfd set = {.fd = f->set.main, .events = POLLIN};
    int dialer = dial(f);
    int free_one = dup(dialer);

    greet(dialer, SOCKET_SP_PAIR0, 0, SOCKET_GREETING_SIZE);
    rlim_t before = limit_files((rlim_t)free_one);
    (void)close(free_one);
    assert_int_equal(socket_acceptor_next(f->acceptor, &connection), VIA_ELIMIT);
    assert_int_equal(socket_acceptor_next(f->acceptor, &connection), VIA_ETIMEDOUT);
    assert_int_equal(poll(&set, 1, 0), 0); /* the handle is quiet though a dialer waits */
    (void)limit_files(before);
    assert_int_equal(next(f, &connection), VIA_OK); /* and comes back by itself */
    socket_connection_close(&connection);
    (void)close(dialer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_acceptor__answers_in_the_dialers_version),
        TEST(test_acceptor__a_slow_one_delays_nobody),
        TEST(test_acceptor__turns_strangers_away),
        TEST(test_acceptor__forgets_who_leaves_at_once),
        cmocka_unit_test_setup_teardown(test_acceptor__has_a_limit_of_time, set_up_impatient, tear_down),
        TEST(test_acceptor__has_a_limit_of_number),
        TEST(test_acceptor__does_not_spin_without_descriptors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
