/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child process, without a channel around it.
 */
#include "pipe_unit.h"

#include "child.h"
#include "descriptors.h"
#include "kit/deadline.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT = 64 };

static char *const no_environment[] = {NULL};

/* Runs a shell command whose input is `input`[0]. */
static via_status start(const char *command, int input[2], pipe_child *child, via_error *error)
{
    char *arguments[] = {(char *)(uintptr_t) "/bin/sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t)command, NULL};
    int output = pipe_descriptors_duplicate(STDERR_FILENO);
    pipe_child_plan plan = {arguments, no_environment, "", -1, output};
    via_status status;

    assert_int_equal(pipe_descriptors_make(input), 0);
    plan.standard_input = input[0];
    *child = (pipe_child){0};
    status = pipe_child_start(&unit_host, &plan, child, error);
    pipe_descriptors_close(&output);
    pipe_descriptors_close(&input[0]);
    return status;
}

static void test_child__ends_with_its_input(void **state)
{
    pipe_child child;
    via_error error;
    int input[2];

    (void)state;
    assert_int_equal(start("read line; exit 7", input, &child, &error), VIA_OK);
    assert_false(pipe_child_has_ended(&child));
    assert_int_equal(pipe_child_wait(&child, NULL, VIA_NOW), VIA_ETIMEDOUT);
    pipe_descriptors_close(&input[1]);
    assert_int_equal(pipe_child_wait(&child, NULL, VIA_FOREVER), VIA_OK);
    assert_true(child.known);
    assert_int_equal(child.code, 7);
    assert_int_equal(child.signal, 0);
    assert_int_equal(pipe_child_kill(&child, SIGTERM), VIA_ENOENT);
    pipe_child_fini(&child);
}

static void test_child__is_ended(void **state)
{
    pipe_child child;
    via_error error;
    int input[2];

    (void)state;
    assert_int_equal(start("read line", input, &child, &error), VIA_OK);
    pipe_child_end(&child, UINT64_MAX);
    assert_true(child.ended);
    assert_int_equal(child.signal, SIGTERM);
    pipe_child_fini(&child);
    pipe_descriptors_close(&input[1]);

    assert_int_equal(start("read line", input, &child, &error), VIA_OK);
    assert_int_equal(pipe_child_kill(&child, SIGSTOP), VIA_OK);
    pipe_child_end(&child, UINT64_MAX); /* stopped, so that it has to be let go on */
    assert_true(child.ended);
    pipe_child_fini(&child);
    pipe_descriptors_close(&input[1]);
}

static void test_child__interrupt_wakes_the_waiter(void **state)
{
    pipe_child child;
    via_error error;
    via_wake wake;
    int input[2];

    (void)state;
    via_wake_init(&wake);
    assert_int_equal(start("read line", input, &child, &error), VIA_OK);
    via_wake_raise(&wake);
    assert_int_equal(pipe_child_wait(&child, &wake, VIA_FOREVER), VIA_ECANCELED);
    pipe_descriptors_close(&input[1]);
    assert_int_equal(pipe_child_wait(&child, NULL, VIA_FOREVER), VIA_OK);
    pipe_child_fini(&child);
    via_wake_fini(&wake);
}

/* No descriptor for the pidfd: dial fails, and the child that was there already does not live on. */
static void test_child__that_cannot_be_watched(void **state)
{
    struct rlimit usual;
    struct rlimit low;
    pipe_child child = {0};
    via_error error;
    char *arguments[] = {(char *)(uintptr_t) "/bin/sleep", (char *)(uintptr_t) "1000", NULL};
    pipe_child_plan plan = {arguments, no_environment, "", STDERR_FILENO, STDERR_FILENO};
    int fillers[LIMIT];
    size_t count = 0;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    low = usual;
    low.rlim_cur = LIMIT;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    while (count < LIMIT && (fillers[count] = dup(STDERR_FILENO)) >= 0)
        count++;
    via_error_init(&error);
    assert_int_equal(pipe_child_start(&unit_host, &plan, &child, &error), VIA_ELIMIT);
    while (count > 0)
        close(fillers[--count]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
    assert_string_not_equal(error.mend, "");
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_child__ends_with_its_input),
        cmocka_unit_test(test_child__is_ended),
        cmocka_unit_test(test_child__interrupt_wakes_the_waiter),
        cmocka_unit_test(test_child__that_cannot_be_watched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
