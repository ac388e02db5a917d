/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that read late, stop speaking early or hold on to what they were given.
 */
#include "pipe_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LARGE = 4 * 1024 * 1024 };

/* It has nothing more to say, and yet the end of what it hears is still to be sent. */
static void test_exec__tail_goes_out_after_the_last_word(void **state)
{
    uint8_t *bytes = test_calloc(1, LARGE);
    via_channel *channel = dial_to("exec:sh -c 'exec >&-; head -c 4194304 >/dev/null'?framing=raw");

    (void)state;
    assert_int_equal(via_send(channel, bytes, LARGE, NULL, VIA_NOW), VIA_OK);
    expect_end(channel, VIA_ECLOSED);
    via_close(channel);
    test_free(bytes);
}

/* The program sleeps for longer than `linger`; SIGTERM ends it, but only before it has begun to read. */
static void close_before_it_is_read(size_t size, bool finish)
{
    uint8_t *bytes = test_calloc(1, size);
    char path[256];
    char address[1024];
    via_channel *channel;
    struct stat heard;

    (void)snprintf(path, sizeof(path), "%s/heard-%zu-%d", getenv("XDG_RUNTIME_DIR"), size, finish);
    (void)snprintf(address, sizeof(address),
                   "exec:sh -c 'trap \"exit 1\" TERM; sleep 0.3; trap \"\" TERM; tee %s.part; mv %s.part %s'"
                   "?framing=raw&linger=1ms&terminate=30s",
                   path, path, path);
    channel = dial_to(address);
    assert_int_equal(via_send(channel, bytes, size, NULL, VIA_NOW), VIA_OK);
    if (finish)
        assert_int_equal(via_finish(channel, VIA_NOW), VIA_OK);
    via_close(channel);
    assert_int_equal(stat(path, &heard), 0);
    assert_int_equal(heard.st_size, size);
    assert_int_equal(unlink(path), 0);
    test_free(bytes);
}

static void test_exec__close_lets_everything_be_read(void **state)
{
    (void)state;
    close_before_it_is_read(10, false);
    close_before_it_is_read(10, true);
    close_before_it_is_read(LARGE, false); /* with a tail, and more than the pipe back holds */
}

/* Such a program would be waited for; whoever interrupts, or says `deliver`, does not. */
static void test_exec__close_can_be_impatient(void **state)
{
    static const char *const options[] = {"deliver=1ms&linger=0s&terminate=0s", "linger=0s&terminate=0s"};

    (void)state;
    for (int interrupt = 0; interrupt < 2; interrupt++) {
        char address[128];
        via_channel *channel;

        (void)snprintf(address, sizeof(address), "exec:sleep 1000?framing=raw&%s", options[interrupt]);
        channel = dial_to(address);
        assert_int_equal(via_send(channel, "unread", 6, NULL, VIA_NOW), VIA_OK);
        if (interrupt)
            via_interrupt(channel);
        via_close(channel);
    }
}

/* `channel` finishes while a waitset has it and a forked child has its descriptors. */
static void finish_in_a_waitset(via_channel *channel)
{
    via_poll_handle before = {.size = sizeof(before)};
    via_poll_handle after = {.size = sizeof(after)};
    via_waitset *set = NULL;
    via_ready ready;
    size_t count;
    pid_t holder;

    assert_int_equal(via_waitset_create(&set, NULL), VIA_OK);
    assert_int_equal(via_waitset_add(set, channel, VIA_READ | VIA_WRITE, NULL), VIA_OK);
    assert_int_equal(via_waitset_wait(set, &ready, 1, &count, soon_enough()), VIA_OK);
    assert_int_equal(via_pollable(channel, VIA_WRITE, &before), VIA_OK);
    holder = fork();
    if (holder == 0)
        for (;;)
            (void)pause();
    assert_int_equal(via_finish(channel, soon_enough()), VIA_OK);
    assert_int_equal(via_pollable(channel, VIA_WRITE, &after), VIA_OK);
    assert_int_equal(after.handle, before.handle);
    assert_int_equal(via_waitset_remove(set, channel), VIA_OK);
    assert_int_equal(via_waitset_wait(set, &ready, 1, &count, via_after_ms(20)), VIA_ETIMEDOUT);
    assert_int_equal(kill(holder, SIGKILL), 0);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
    via_close(channel);
    via_waitset_destroy(set);
}

static void test_exec__finish_leaves_nothing_in_a_waitset(void **state)
{
    (void)state;
    finish_in_a_waitset(dial_to("exec:cat"));
}

static void test_pipe__finish_leaves_nothing_in_a_waitset(void **state)
{
    (void)state;
    for (int accepted = 0; accepted < 3; accepted++) { /* a dialer before and after that, and a listener */
        char address[ADDRESS_SIZE];
        via_listener *listener;
        via_channel *dialer;
        via_channel *other;

        new_address(address);
        listener = listen_at(address);
        dialer = dial_to(address);
        if (accepted == 0)
            finish_in_a_waitset(dialer);
        other = accept_from(listener);
        if (accepted == 1) {
            send_number(other, 1, 10);
            expect_number(dialer, 1, 10);
        }
        if (accepted > 0)
            finish_in_a_waitset(accepted == 1 ? dialer : other);
        via_close(accepted == 2 ? dialer : other);
        via_listener_close(listener);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exec__tail_goes_out_after_the_last_word),
        cmocka_unit_test(test_exec__close_lets_everything_be_read),
        cmocka_unit_test(test_exec__close_can_be_impatient),
        cmocka_unit_test(test_exec__finish_leaves_nothing_in_a_waitset),
        cmocka_unit_test(test_pipe__finish_leaves_nothing_in_a_waitset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
