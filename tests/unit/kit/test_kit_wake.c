/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines, interruptible sleep, errno.
 */
#include "kit_fixture.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "kit/deadline.h"
#include "kit/fail.h"
#include "kit/wake.h"

static void test_deadline__edges(void **state)
{
    struct timespec storage;

    (void)state;
    assert_true(via_deadline_after(-1) == VIA_FOREVER);
    assert_true(via_deadline_after(INT64_MAX) != VIA_NOW);
    assert_int_equal(via_deadline_left(VIA_NOW), 0);
    assert_true(via_deadline_left(VIA_FOREVER) == UINT64_MAX);
    assert_int_equal(via_deadline_left(via_deadline_clock() - 1), 0);
    assert_true(via_deadline_left(via_deadline_after(1000000000000)) > 999000000000);
    assert_null(via_deadline_timespec(VIA_FOREVER, &storage));
    assert_ptr_equal(via_deadline_timespec(VIA_NOW, &storage), &storage);
    assert_int_equal(storage.tv_sec, 0);
    assert_int_equal(storage.tv_nsec, 0);
    assert_true(via_deadline_min(1, VIA_FOREVER) == 1);
}

static void test_wake__poll_sees_readiness_and_deadline(void **state)
{
    via_wake wake;
    int ends[2];
    uint64_t before;

    (void)state;
    via_wake_init(&wake);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(via_wake_poll(&wake, ends[0], POLLIN, VIA_NOW), VIA_ETIMEDOUT);
    assert_int_equal(atomic_load(&wake.descriptor), -1); /* who does not sleep costs no descriptor */
    before = via_deadline_clock();
    assert_int_equal(via_wake_poll(&wake, ends[0], POLLIN, via_deadline_after(20000000)), VIA_ETIMEDOUT);
    assert_true(via_deadline_clock() - before >= 20000000);
    assert_int_equal(via_wake_poll(&wake, ends[1], POLLOUT, VIA_FOREVER), VIA_OK);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(via_wake_poll(&wake, ends[0], POLLIN, VIA_FOREVER), VIA_OK);
    close(ends[1]);
    close(ends[0]);
    via_wake_fini(&wake);
}

static void test_wake__raise_is_final(void **state)
{
    via_wake wake;
    int ends[2];
    struct pollfd set = {.events = POLLIN};

    (void)state;
    via_wake_init(&wake);
    assert_int_equal(pipe(ends), 0);
    assert_false(via_wake_is_raised(&wake));
    errno = 77;
    atomic_store(&wake.descriptor, INT_MAX); /* a write that fails must not show in a signal handler's errno */
    via_wake_raise(&wake);
    atomic_store(&wake.descriptor, -1);
    assert_int_equal(errno, 77);
    assert_true(via_wake_is_raised(&wake));
    assert_int_equal(via_wake_poll(&wake, ends[0], POLLIN, VIA_FOREVER), VIA_ECANCELED);
    assert_int_equal(via_wake_poll(&wake, ends[1], POLLOUT, VIA_NOW), VIA_ECANCELED);
    set.fd = via_wake_descriptor(&wake); /* made after the raise, and yet readable */
    assert_int_equal(poll(&set, 1, 0), 1);
    close(ends[0]);
    close(ends[1]);
    via_wake_fini(&wake);
}

static void *sleep_on(void *argument)
{
    via_wake *wake = argument;
    int ends[2];
    via_status status;

    if (pipe(ends) != 0)
        return (void *)1;
    status = via_wake_poll(wake, ends[0], POLLIN, via_deadline_after(20000000000));
    close(ends[0]);
    close(ends[1]);
    return (void *)(uintptr_t)(status == VIA_ECANCELED ? 0 : 1);
}

/* The raise falls before, between and after the sleepers' first look; none may be lost. */
static void test_wake__no_sleeper_is_lost(void **state)
{
    enum { SLEEPERS = 3 };

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        pthread_t threads[SLEEPERS];
        via_wake wake;

        via_wake_init(&wake);
        for (int i = 0; i < SLEEPERS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, sleep_on, &wake), 0);
        for (volatile unsigned spin = 0; spin < round * 100; spin++)
            ;
        via_wake_raise(&wake);
        for (int i = 0; i < SLEEPERS; i++) {
            void *failed;

            assert_int_equal(pthread_join(threads[i], &failed), 0);
            assert_null(failed);
        }
        via_wake_fini(&wake);
    }
}

static void test_fail__every_errno_has_a_status(void **state)
{
    (void)state;
    assert_int_equal(via_status_of_errno(EAGAIN), VIA_ETIMEDOUT);
    assert_int_equal(via_status_of_errno(EPIPE), VIA_ECLOSED);
    assert_int_equal(via_status_of_errno(ECONNRESET), VIA_EPEER);
    assert_int_equal(via_status_of_errno(ECONNREFUSED), VIA_ENOPEER);
    assert_int_equal(via_status_of_errno(EMFILE), VIA_ELIMIT);
    assert_int_equal(via_status_of_errno(EACCES), VIA_EPERM);
    assert_int_equal(via_status_of_errno(12345), VIA_EIO);
}

static void test_fail__formats_through_the_host(void **state)
{
    fake_host host = {.failures = 0};
    via_error error;

    (void)state;
    assert_int_equal(via_fail(&fake_host_api, &error, VIA_EBUSY, EADDRINUSE, "wait", "%s is %d", "it", 7), VIA_EBUSY);
    assert_string_equal(error.what, "it is 7");
    assert_string_equal(error.mend, "wait");
    assert_int_equal(error.os_code, EADDRINUSE);
    assert_int_equal(via_fail_channel(&fake_host_api, fake_context(&host), VIA_EPEER, 0, NULL, "gone %d", 1),
                     VIA_EPEER);
    assert_int_equal(host.failures, 1);
    assert_string_equal(host.failure.what, "gone 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadline__edges),
        cmocka_unit_test(test_wake__poll_sees_readiness_and_deadline),
        cmocka_unit_test(test_wake__raise_is_final),
        cmocka_unit_test(test_wake__no_sleeper_is_lost),
        cmocka_unit_test(test_fail__every_errno_has_a_status),
        cmocka_unit_test(test_fail__formats_through_the_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
