/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forks and descriptors.
 */
#include "conform.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- fork --------------------------------------------------------------------------------------------------- */

/* In the child: everything is refused, closing frees only. */
static _Noreturn void live_as_child(via_conform *suite, via_conform_link *link)
{
    via_msg message;
    via_channel *fresh = NULL;
    via_error error;
    via_listener *listener = link->ends[via_conform_binder(suite, NULL)].listener;

    CHECK_STATUS(VIA_EFORK, via_conform_try_send(suite, link->tx, 0, 10, 0, VIA_NOW));
    CHECK_STATUS(VIA_EFORK, via_recv(link->rx, VIA_NOW, &message));
    CHECK_STATUS(VIA_EFORK, via_flush(link->tx, VIA_NOW));
    CHECK_STATUS(VIA_EFORK, via_drain(link->tx, VIA_NOW, NULL));
    CHECK_STATUS(VIA_EFORK, via_arm(link->rx, VIA_READ));
    if (listener)
        CHECK_STATUS(VIA_EFORK, via_accept(listener, VIA_NOW, &fresh, &error));
    via_interrupt(link->rx);
    via_conform_close(link);
    _exit(0);
}

static void test_fork__child_is_refused(via_conform *suite)
{
    via_conform_link link;
    int status = 0;

    via_conform_open(suite, &link, NULL);
    for (uint64_t round = 0; round < 3; round++) {
        via_conform_send(suite, link.tx, round * 2, 30);
        pid_t child = fork();
        CHECK(child >= 0, "no process");
        if (child == 0)
            live_as_child(suite, &link);
        CHECK(waitpid(child, &status, 0) == child && status == 0, "the forked child ended with wait status 0x%x",
              (unsigned)status);
        via_conform_send(suite, link.tx, round * 2 + 1, 30);
        via_conform_expect(suite, link.rx, round * 2, 30);
        via_conform_expect(suite, link.rx, round * 2 + 1, 30);
    }
    via_conform_expect_nothing(link.rx);
    via_conform_close(&link);
}

/* The name is still the parent's after a child closed its copy. */
static void test_fork__name_stays(via_conform *suite)
{
    int binder = via_conform_binder(suite, NULL);
    via_conform_end ends[2];
    int status = 0;

    via_conform_bind(suite, &ends[binder], binder, NULL, NULL);
    pid_t child = fork();
    CHECK(child >= 0, "no process");
    if (child == 0) {
        via_conform_end_close(&ends[binder]);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0, "the forked child ended with wait status 0x%x",
          (unsigned)status);
    via_conform_connect(suite, &ends[1 - binder], 1 - binder, ends[binder].address, NULL);
    via_conform_accept(&ends[binder]);
    via_conform_send(suite, ends[END_SENDS].channel, 0, 30);
    via_conform_expect(suite, ends[END_RECEIVES].channel, 0, 30);
    via_conform_end_close(&ends[1 - binder]);
    via_conform_end_close(&ends[binder]);
}

/* ---- descriptors -------------------------------------------------------------------------------------------- */

enum { DESCRIPTORS = 512 };

/* Which are open, apart from the one that looks. */
static unsigned list_descriptors(bool open[DESCRIPTORS])
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;

    CHECK(folder, "no /proc/self/fd");
    memset(open, 0, DESCRIPTORS * sizeof(open[0]));
    while ((entry = readdir(folder)) != NULL) {
        int descriptor = atoi(entry->d_name);
        if (entry->d_name[0] == '.' || descriptor == dirfd(folder) || descriptor >= DESCRIPTORS)
            continue;
        open[descriptor] = true;
        count++;
    }
    (void)closedir(folder);
    return count;
}

static void check_close_on_exec(const bool before[DESCRIPTORS])
{
    static bool now[DESCRIPTORS];
    char path[64], name[128];

    (void)list_descriptors(now);
    for (int i = 0; i < DESCRIPTORS; i++) {
        if (!now[i] || before[i])
            continue;
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", i);
        ssize_t size = readlink(path, name, sizeof(name) - 1);
        name[size < 0 ? 0 : size] = '\0';
        CHECK(fcntl(i, F_GETFD) & FD_CLOEXEC, "descriptor %d (%s) survives exec", i, name);
    }
}

static void test_descriptors__close_on_exec(via_conform *suite)
{
    static bool before[DESCRIPTORS];
    via_conform_link link;
    via_msg message;
    via_poll_handle handle = {.size = sizeof(handle)};

    (void)list_descriptors(before);
    via_conform_open(suite, &link, NULL);
    before[STDIN_FILENO] = before[STDOUT_FILENO] = before[STDERR_FILENO] = true;
    check_close_on_exec(before);
    via_conform_send(suite, link.tx, 0, 50);
    via_conform_expect(suite, link.rx, 0, 50);
    CHECK_STATUS(VIA_ETIMEDOUT, via_recv(link.rx, via_after_ms(5), &message));
    CHECK_OK(via_pollable(link.rx, VIA_READ, &handle));
    via_conform_arm(link.rx, VIA_READ);
    CHECK_OK(via_pollable(link.tx, VIA_WRITE, &handle));
    via_conform_arm(link.tx, VIA_WRITE);
    check_close_on_exec(before);
    via_conform_close(&link);
}

static void test_descriptors__none_left(via_conform *suite)
{
    static bool open[DESCRIPTORS];
    unsigned first = 0;

    for (int round = 0; round < 12; round++) {
        via_conform_link link;
        via_msg message;
        via_conform_open(suite, &link, NULL);
        via_conform_send(suite, link.tx, 0, 50);
        via_conform_expect(suite, link.rx, 0, 50);
        CHECK_STATUS(VIA_ETIMEDOUT, via_recv(link.rx, via_after_ms(1), &message));
        via_conform_close(&link);
        unsigned count = list_descriptors(open);
        if (round == 1)
            first = count;
        CHECK(round <= 1 || count <= first, "%u descriptors are open after %d rounds, %u after the second", count,
              round + 1, first);
    }
}

static const via_conform_test tests[] = {
    {"fork.child_is_refused", "Fork: a child gets VIA_EFORK and can only close; the parent goes on", CONFORM_ALL,
     NEEDS_WHOLE, test_fork__child_is_refused},
    {"fork.name_stays", "Fork: closing in a child frees only; the name stays the parent's", CONFORM_VALUE_TOO,
     NEEDS_WHOLE | NEEDS_TWO_ENDS, test_fork__name_stays},
    {"descriptors.close_on_exec", "Fork: every descriptor is close-on-exec", CONFORM_VALUE_TOO, NEEDS_ATTACH,
     test_descriptors__close_on_exec},
    {"descriptors.none_left", "Fork: closing gives every descriptor back", CONFORM_VALUE_TOO, NEEDS_ATTACH,
     test_descriptors__none_left},
};

const via_conform_group via_conform_process_tests = {tests, sizeof(tests) / sizeof(tests[0])};
