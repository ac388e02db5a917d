/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the dead leave: never in the way, never taken from the living, and gone in the end.
 */
#include "pipe_fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void listen_and_wait(const char *address, int news)
{
    via_listener *listener = listen_at(address);

    tell(news);
    (void)pause();
    via_listener_close(listener);
}

static void test_remains__of_a_killed_listener(void **state)
{
    char address[ADDRESS_SIZE];
    via_listener *listener = NULL;
    via_channel *dialer = NULL;
    via_channel *accepted;
    via_error error;
    child owner;

    (void)state;
    new_address(address);
    owner = start_child(listen_and_wait, address);
    await_news(&owner);
    assert_int_equal(via_listen(NULL, address, NULL, &listener, &error), VIA_EBUSY); /* a live owner's */
    assert_string_not_equal(error.mend, "");
    kill_child(&owner);
    assert_int_equal(via_dial(NULL, address, NULL, VIA_NOW, &dialer, &error), VIA_ENOPEER);
    listener = listen_at(address);
    dialer = dial_to(address);
    send_number(dialer, 1, 100);
    accepted = accept_from(listener);
    expect_number(accepted, 1, 100);
    via_close(dialer);
    via_close(accepted);
    via_listener_close(listener);
    assert_int_equal(count_files(), 0);
}

/* Dials, sends and closes as fast as it can, so that a kill finds it anywhere. */
static void dial_all_the_time(const char *address, int news)
{
    tell(news);
    for (uint64_t i = 0;; i++) {
        via_channel *channel = NULL;
        via_error error;

        via_msg message;
        via_status status;

        if (via_dial(NULL, address, NULL, soon_enough(), &channel, &error) != VIA_OK)
            _exit(1);
        status = via_send(channel, &i, sizeof(i), NULL, soon_enough());
        if (status != VIA_OK && status != VIA_ECLOSED) /* the other end may have closed already */
            _exit(2);
        if (i % 3 == 0 && via_recv(channel, soon_enough(), &message) == VIA_OK)
            via_release(channel, &message);
        via_close(channel);
    }
}

static void test_remains__of_dialers_killed_anywhere(void **state)
{
    char address[ADDRESS_SIZE];
    via_listener *listener;

    (void)state;
    new_address(address);
    listener = listen_at(address);
    for (int round = 0; round < 60; round++) {
        child dialer = start_child(dial_all_the_time, address);
        via_channel *channel = NULL;

        await_news(&dialer);
        for (int i = 0; i < round % 7; i++) {
            via_status status;

            channel = accept_from(listener);
            status = via_send(channel, "hello", 5, NULL, VIA_NOW);
            assert_true(status == VIA_OK || status == VIA_ECLOSED || status == VIA_EPEER);
            via_close(channel);
        }
        kill_child(&dialer);
        while (via_accept(listener, VIA_NOW, &channel, NULL) == VIA_OK) {
            via_msg message;
            via_status status = via_recv(channel, soon_enough(), &message);

            if (status == VIA_OK)
                via_release(channel, &message);
            else
                assert_true(status == VIA_ECLOSED || status == VIA_EPEER);
            via_close(channel);
        }
    }
    via_listener_close(listener);
    assert_int_equal(count_files(), 0);
}

static void send_for_ever(const char *address, int news)
{
    static uint8_t large[4 * 1024 * 1024];
    via_channel *channel = dial_to(address);

    send_number(channel, 1, 10);
    tell(news);
    while (via_send(channel, large, sizeof(large), NULL, soon_enough()) == VIA_OK)
        ;
}

static void test_remains__half_a_message(void **state)
{
    char address[ADDRESS_SIZE];
    via_listener *listener;
    via_channel *channel;
    child sender;
    via_msg message;
    via_status status;

    (void)state;
    new_address(address);
    listener = listen_at(address);
    sender = start_child(send_for_ever, address);
    channel = accept_from(listener);
    expect_number(channel, 1, 10);
    await_news(&sender);
    assert_int_equal(via_recv(channel, soon_enough(), &message), VIA_OK);
    via_release(channel, &message);
    kill_child(&sender);
    while ((status = via_recv(channel, soon_enough(), &message)) == VIA_OK) {
        assert_int_equal(message.size, 4 * 1024 * 1024);
        via_release(channel, &message);
    }
    assert_int_equal(status, VIA_EPEER);
    via_close(channel);
    via_listener_close(listener);
    assert_int_equal(count_files(), 0);
}

static void test_remains__what_is_not_ours_stays(void **state)
{
    char address[ADDRESS_SIZE];
    char path[256];
    via_listener *listener = NULL;
    via_error error;
    FILE *file;

    (void)state;
    new_address(address);
    via_listener_close(listen_at(address)); /* makes the folder */
    fifo_path(address, path, sizeof(path));
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fclose(file);
    assert_int_equal(via_listen(NULL, address, NULL, &listener, &error), VIA_EBUSY);
    assert_non_null(strstr(error.what, "not a FIFO"));
    assert_int_equal(via_dial(NULL, address, NULL, VIA_NOW, (via_channel **)&listener, &error), VIA_EINVAL);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(count_files(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remains__of_a_killed_listener),
        cmocka_unit_test(test_remains__of_dialers_killed_anywhere),
        cmocka_unit_test(test_remains__half_a_message),
        cmocka_unit_test(test_remains__what_is_not_ours_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
