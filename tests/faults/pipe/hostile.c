/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strangers on the listener's FIFO: what they write is passed over, and nobody else suffers.
 */
#include "pipe_fixture.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int open_fifo(const char *address)
{
    char path[256];
    int descriptor;

    fifo_path(address, path, sizeof(path));
    descriptor = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(descriptor >= 0);
    return descriptor;
}

static void expect_service(const char *address, via_listener *listener, uint64_t number)
{
    via_channel *dialer = dial_to(address);
    via_channel *accepted;

    send_number(dialer, number, 33);
    accepted = accept_from(listener);
    expect_number(accepted, number, 33);
    send_number(accepted, number + 1, 44);
    expect_number(dialer, number + 1, 44);
    via_close(accepted);
    expect_end(dialer, VIA_ECLOSED);
    via_close(dialer);
}

static void test_hostile__noise_of_any_length(void **state)
{
    char address[ADDRESS_SIZE];
    via_listener *listener;
    uint8_t noise[PIPE_BUF];
    unsigned seed = 1;
    int stranger;

    (void)state;
    new_address(address);
    listener = listen_at(address);
    stranger = open_fifo(address);
    for (uint64_t round = 0; round < 150; round++) {
        size_t size = round < 140 ? round + 1 : sizeof(noise);

        for (size_t i = 0; i < size; i++)
            noise[i] = (uint8_t)rand_r(&seed);
        if (round % 2) /* as if it were one of ours, and then not */
            memcpy(noise, "VIAPIPE1", size < 8 ? size : 8);
        assert_int_equal(write(stranger, noise, size), size);
        expect_service(address, listener, round);
    }
    close(stranger);
    via_listener_close(listener);
    assert_int_equal(count_files(), 0);
}

/* An announcement caught on its way, and written again: the connection is there already, or its names are gone. */
static void test_hostile__replayed_announcement(void **state)
{
    char address[ADDRESS_SIZE];
    char path[256];
    uint8_t record[64];
    via_listener *listener;
    via_channel *dialer;
    via_channel *accepted;
    via_channel *none = NULL;
    int spy;

    (void)state;
    new_address(address);
    listener = listen_at(address);
    fifo_path(address, path, sizeof(path));
    spy = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    assert_true(spy >= 0);
    dialer = dial_to(address);
    assert_int_equal(read(spy, record, sizeof(record)), sizeof(record));
    for (int i = 0; i < 3; i++)
        assert_int_equal(write(spy, record, sizeof(record)), sizeof(record));
    accepted = accept_from(listener);
    assert_int_equal(via_accept(listener, VIA_NOW, &none, NULL), VIA_ETIMEDOUT);
    assert_int_equal(write(spy, record, sizeof(record)), sizeof(record));
    assert_int_equal(via_accept(listener, VIA_NOW, &none, NULL), VIA_ETIMEDOUT);
    send_number(dialer, 1, 100);
    expect_number(accepted, 1, 100);
    via_close(dialer);
    via_close(accepted);
    expect_service(address, listener, 9);
    close(spy);
    via_listener_close(listener);
    assert_int_equal(count_files(), 0);
}

/* The names are taken by something else before the listener looks: nothing but a FIFO of ours is opened. */
static void test_hostile__names_that_point_elsewhere(void **state)
{
    char address[ADDRESS_SIZE];
    char path[256];
    char victim[300];
    char command[2048];
    via_listener *listener;
    via_channel *dialer;
    via_channel *none = NULL;

    (void)state;
    new_address(address);
    listener = listen_at(address);
    fifo_path(address, path, sizeof(path));
    dialer = dial_to(address);
    (void)snprintf(victim, sizeof(victim), "%s/victim", getenv("XDG_RUNTIME_DIR"));
    (void)snprintf(command, sizeof(command),
                   "set -e; echo precious >'%s'; for f in '%s'.*.down; do rm \"$f\"; ln -s '%s' \"$f\"; done", victim,
                   path, victim);
    assert_int_equal(system(command), 0);
    assert_int_equal(via_accept(listener, VIA_NOW, &none, NULL), VIA_ETIMEDOUT);
    (void)snprintf(command, sizeof(command), "test \"$(cat '%s')\" = precious", victim);
    assert_int_equal(system(command), 0);
    expect_service(address, listener, 1);
    via_close(dialer);
    via_listener_close(listener);
    unlink(victim);
}

static void test_hostile__another_framing_or_pattern(void **state)
{
    char address[ADDRESS_SIZE];
    char other[ADDRESS_SIZE + 32];
    via_listener *listener;
    via_channel *channel = NULL;
    via_channel *none = NULL;
    via_error error;

    (void)state;
    new_address(address);
    listener = listen_at(address);
    (void)snprintf(other, sizeof(other), "%s?framing=line", address);
    channel = dial_to(other);
    assert_int_equal(via_accept(listener, VIA_NOW, &none, NULL), VIA_ETIMEDOUT);
    expect_end(channel, VIA_EPROTO);
    assert_int_equal(via_failure(channel, &error), VIA_OK);
    assert_non_null(strstr(error.what, "framing"));
    via_close(channel);

    assert_int_equal(via_join(NULL, address, VIA_PUSH, NULL, soon_enough(), &channel, &error), VIA_EPROTO);
    assert_non_null(strstr(error.what, "pattern"));
    assert_int_equal(via_accept(listener, VIA_NOW, &none, NULL), VIA_ETIMEDOUT);
    expect_service(address, listener, 5);
    via_listener_close(listener);
    assert_int_equal(count_files(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile__noise_of_any_length),
        cmocka_unit_test(test_hostile__replayed_announcement),
        cmocka_unit_test(test_hostile__names_that_point_elsewhere),
        cmocka_unit_test(test_hostile__another_framing_or_pattern),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
