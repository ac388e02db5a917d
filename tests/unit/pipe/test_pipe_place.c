/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names, and which of them are a dead dialer's.
 */
#include "pipe_unit.h"

#include "place.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The number of a process that is no more. */
static pid_t dead_pid(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return pid;
}

static void test_place__finds_paths(void **state)
{
    char long_path[PIPE_PATH_MAX + 2];
    pipe_place place;
    via_error error;

    (void)state;
    assert_int_equal(pipe_place_find(&unit_host, "/somewhere/a%20b", &place, &error), VIA_OK);
    assert_string_equal(place.path, "/somewhere/a b");
    assert_int_equal(pipe_place_find(&unit_host, "orders", &place, &error), VIA_OK);
    assert_string_equal(strrchr(place.path, '/'), "/orders.fifo");
    assert_int_equal(pipe_place_find(&unit_host, "%4", &place, &error), VIA_EINVAL);
    assert_int_equal(pipe_place_find(&unit_host, "a/b", &place, &error), VIA_EINVAL);
    assert_int_equal(pipe_place_find(&unit_host, "", &place, &error), VIA_EINVAL);
    memset(long_path, 'x', sizeof(long_path));
    long_path[0] = '/';
    long_path[PIPE_PATH_MAX] = '\0';
    assert_int_equal(pipe_place_find(&unit_host, long_path, &place, &error), VIA_EINVAL);
    assert_string_not_equal(error.mend, "");
}

static void make_all(const pipe_names *names, time_t age)
{
    const struct timespec times[2] = {{.tv_sec = time(NULL) - age}, {.tv_sec = time(NULL) - age}};
    int file = open(names->rest, O_WRONLY | O_CREAT | O_EXCL, 0600);

    assert_true(file >= 0);
    assert_int_equal(futimens(file, times), 0);
    close(file);
    assert_int_equal(mkfifo(names->up, 0600), 0);
    assert_int_equal(mkfifo(names->down, 0600), 0);
    assert_int_equal(utimensat(AT_FDCWD, names->up, times, 0), 0);
    assert_int_equal(utimensat(AT_FDCWD, names->down, times, 0), 0);
}

static void test_place__reclaims_the_dead_only(void **state)
{
    pipe_place place;
    pipe_names names;
    pipe_record record = {.pid = dead_pid(), .id = {0xab}};
    int reader;

    (void)state;
    unit_folder_make(place.path);
    pipe_place_names(&place, &record, &names);
    make_all(&names, 0);
    assert_int_equal(pipe_place_reclaim(&place), 3); /* its process is no more */

    record.pid = getpid();
    pipe_place_names(&place, &record, &names);
    make_all(&names, 0);
    assert_int_equal(pipe_place_reclaim(&place), 0); /* may be about to open them */
    pipe_place_remove(&names);

    make_all(&names, 3600);
    reader = open(names.up, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_int_equal(pipe_place_reclaim(&place), 0); /* has them open */
    close(reader);
    assert_int_equal(pipe_place_reclaim(&place), 3); /* has had time enough */
    unit_folder_remove(place.path);
}

static void touch(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

    assert_true(file >= 0);
    close(file);
}

static void test_place__leaves_strangers_alone(void **state)
{
    static const char *const endings[] = {
        "",
        ".1",
        ".1.00000000000000000000000000000000",
        ".1.0000000000000000000000000000000.up",
        ".1.00000000000000000000000000000000.other",
        ".x.00000000000000000000000000000000.up",
        "y.1.00000000000000000000000000000000.up",
        ".-1.00000000000000000000000000000000.up",
    };
    pipe_place place;

    (void)state;
    unit_folder_make(place.path);
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        char path[128];

        (void)snprintf(path, sizeof(path), "%.60s%s", place.path, endings[i]);
        touch(path);
        assert_int_equal(pipe_place_reclaim(&place), 0);
        assert_int_equal(unlink(path), 0);
    }
    unit_folder_remove(place.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_place__finds_paths),
        cmocka_unit_test(test_place__reclaims_the_dead_only),
        cmocka_unit_test(test_place__leaves_strangers_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
