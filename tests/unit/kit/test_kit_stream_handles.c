/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handles of a stream: which they are, and that they stay.
 */
#include "kit_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

/* Holds every descriptor that is open now. */
static pid_t fork_holder(void)
{
    pid_t child = fork();

    if (child == 0)
        for (;;)
            (void)pause();
    assert_true(child > 0);
    return child;
}

static int watch(const via_poll_handle *handle)
{
    struct epoll_event event = {.events = handle->wait == VIA_WAIT_READABLE ? EPOLLIN : EPOLLOUT};
    int set = epoll_create1(EPOLL_CLOEXEC);

    assert_true(set >= 0);
    assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, (int)handle->handle, &event), 0);
    return set;
}

/* As a waitset sees it: what it has put in it can take out again, and hears nothing of it from then on. */
static void test_handles__stay_when_the_stream_has_finished(void **state)
{
    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        via_stream_config config = config_of(&via_framing_sp_ipc);
        via_poll_handle before = {.size = sizeof(before)};
        via_poll_handle after = {.size = sizeof(after)};
        struct epoll_event event;
        stream_pair pair;
        pid_t child;
        int set;

        pair_open(&pair, kind, &config);
        assert_int_equal(via_stream_pollable(pair.end[0], VIA_WRITE, &before), VIA_OK);
        set = watch(&before);
        assert_int_equal(epoll_wait(set, &event, 1, 0), 1);
        child = fork_holder();
        assert_int_equal(via_stream_finish(pair.end[0], soon_enough()), VIA_OK);
        assert_int_equal(via_stream_pollable(pair.end[0], VIA_WRITE, &after), VIA_OK);
        assert_int_equal(after.handle, before.handle);
        assert_int_equal(after.wait, before.wait);
        assert_int_equal(via_stream_arm(pair.end[0], VIA_WRITE), VIA_EREADY);
        assert_int_equal(epoll_wait(set, &event, 1, 0), 1); /* whoever slept there has been woken */
        assert_int_equal(epoll_ctl(set, EPOLL_CTL_DEL, (int)before.handle, NULL), 0);
        assert_int_equal(epoll_wait(set, &event, 1, 0), 0);
        close(set);
        pair_close(&pair);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
    }
}

/* Asked for afterwards it is one as well. */
static void test_handles__exist_when_the_stream_has_finished(void **state)
{
    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        via_stream_config config = config_of(&via_framing_sp_ipc);
        via_poll_handle handle = {.size = sizeof(handle)};
        struct epoll_event event;
        stream_pair pair;
        int set;

        pair_open(&pair, kind, &config);
        assert_int_equal(via_stream_finish(pair.end[0], soon_enough()), VIA_OK);
        expect_end(pair.end[1], VIA_ECLOSED);
        assert_int_equal(via_stream_pollable(pair.end[0], VIA_WRITE, &handle), VIA_OK);
        set = watch(&handle);
        assert_int_equal(epoll_wait(set, &event, 1, 0), 1);
        close(set);
        send_text(pair.end[1], "the other way round", 0);
        expect_text(pair.end[0], "the other way round");
        pair_close(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handles__stay_when_the_stream_has_finished),
        cmocka_unit_test(test_handles__exist_when_the_stream_has_finished),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
