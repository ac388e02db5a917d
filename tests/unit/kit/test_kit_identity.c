/* SPDX-License-Identifier: Apache-2.0 */
/* What a process does, as its number tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kit/identity.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_process__states_are_told(void **state)
{
    siginfo_t info;
    int status;

    (void)state;
    assert_int_equal(via_process_state(getpid()), 'R');
    const pid_t child = fork();
    if (child == 0) {
        (void)alarm(60); /* it does not outlive a test that has failed by more */
        for (;;)
            (void)pause();
    }
    assert_int_equal(via_process_state(child), 'R');
    assert_int_equal(kill(child, SIGSTOP), 0);
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_int_equal(via_process_state(child), 'T');
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(via_process_state(child), 'X'); /* a zombie */
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(via_process_state(child), 'X');
}

static void test_process__what_is_no_pid_is_not_taken_for_one(void **state)
{
    (void)state;
    assert_int_equal(via_process_state(0), '?');
    assert_int_equal(via_process_state(-1), '?');
    assert_int_equal(via_process_state((INT64_C(1) << 32) + getpid()), '?');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_process__states_are_told),
        cmocka_unit_test(test_process__what_is_no_pid_is_not_taken_for_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
