/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process behind exec: how it starts, what it inherits, how it ends, and that nothing of it is left.
 */
#include "exec_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* No child of ours, neither running nor a zombie. */
static void expect_no_children(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void test_process__that_cannot_start_is_told_by_dial(void **state)
{
    static const struct {
        const char *address;
        via_status status;
    } table[] = {
        {"exec:no-such-program-anywhere", VIA_ENOENT},
        {"exec:/no/such/path", VIA_ENOENT},
        {"exec:/etc/passwd", VIA_EPERM},
        {"exec:cat?dir=/no/such/folder", VIA_EINVAL},
        {"exec:", VIA_EINVAL},
        {"exec:cat 'open", VIA_EINVAL},
        {"exec:cat?env=NOEQUALS", VIA_EINVAL},
        {"exec:%2", VIA_EINVAL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        via_error error;
        via_status status = try_start(table[i].address, &error);

        if (status != table[i].status)
            fail_msg("%s: expected %s, got %s: %s", table[i].address, via_status_name(table[i].status),
                     via_status_name(status), error.what);
        assert_string_not_equal(error.what, "");
        assert_string_not_equal(error.mend, "");
    }
    expect_no_children();
}

static void expect_exit(via_channel *channel, int code, int signal_number)
{
    via_process_exit how = {.size = sizeof(how)};

    for (int i = 0; i < 2; i++) { /* it may be asked again */
        assert_int_equal(via_process_wait(channel, soon_enough(), &how), VIA_OK);
        assert_int_equal(how.code, code);
        assert_int_equal(how.signal, signal_number);
    }
    assert_int_equal(via_process_kill(channel, SIGTERM), VIA_ENOENT);
}

static void test_process__exit_status(void **state)
{
    via_channel *channel = start("exec:sh -c 'echo bye; exit 3'");
    via_error error;

    (void)state;
    hear(channel, "bye");
    hear_end(channel, VIA_ECLOSED); /* it finished by itself, and what it said has been received */
    assert_int_equal(via_failure(channel, &error), VIA_OK);
    assert_non_null(strstr(error.what, "status 3"));
    expect_exit(channel, 3, 0);
    via_close(channel);

    channel = start("exec:true");
    hear_end(channel, VIA_ECLOSED);
    assert_int_equal(via_failure(channel, &error), VIA_ENOENT);
    expect_exit(channel, 0, 0);
    via_close(channel);
    expect_no_children();
}

static void test_process__killed_is_no_end(void **state)
{
    via_channel *channel = start("exec:sh -c 'echo up; kill -KILL $$'");
    via_error error;

    (void)state;
    hear(channel, "up");
    hear_end(channel, VIA_EPEER);
    assert_int_equal(via_failure(channel, &error), VIA_OK);
    assert_non_null(strstr(error.what, "signal 9"));
    expect_exit(channel, -1, SIGKILL);
    via_close(channel);
    expect_no_children();
}

static void test_process__kill_and_wait(void **state)
{
    via_channel *channel = start("exec:cat");
    via_process_exit how = {.size = sizeof(how)};

    (void)state;
    say(channel, "alive");
    hear(channel, "alive");
    assert_true(via_process_pid(channel) > 0);
    assert_int_equal(via_process_wait(channel, VIA_NOW, &how), VIA_ETIMEDOUT);
    assert_int_equal(via_process_wait(channel, via_after_ms(20), &how), VIA_ETIMEDOUT);
    assert_int_equal(via_process_kill(channel, 0), VIA_OK);
    assert_int_equal(via_process_kill(channel, 12345), VIA_EINVAL);
    assert_int_equal(via_process_kill(channel, SIGTERM), VIA_OK);
    expect_exit(channel, -1, SIGTERM);
    hear_end(channel, VIA_EPEER);
    while (via_send(channel, "x", 1, NULL, soon_enough()) == VIA_OK)
        ;
    assert_int_equal(via_send(channel, "x", 1, NULL, soon_enough()), VIA_EPEER);
    via_close(channel);
    expect_no_children();
}

static void test_process__close_lets_it_finish(void **state)
{
    char path[] = "/tmp/via-exec-XXXXXX";
    int file = mkstemp(path);
    char address[128];
    char text[16] = "";
    via_channel *channel;

    (void)state;
    assert_true(file >= 0);
    /* It writes to its output too, where nobody reads: it must not die of that before it has done its work. */
    (void)snprintf(address, sizeof(address), "exec:sh -c 'cat; echo noise; echo done >%s'?linger=60s", path);
    channel = start(address);
    say(channel, "something");
    via_close(channel);
    assert_int_equal(pread(file, text, sizeof(text), 0), 5);
    assert_string_equal(text, "done\n");
    close(file);
    unlink(path);
    expect_no_children();
}

/* One that heeds neither the end of its input nor SIGTERM, and one that is stopped. */
static void test_process__close_leaves_nothing(void **state)
{
    static const char *const addresses[] = {
        "exec:sh -c 'trap \"\" TERM; echo up; while :; do sleep 1; done'?linger=10ms&terminate=50ms",
        "exec:sh -c 'echo up; exec sleep 1000'?linger=0s&terminate=60s",
        "exec:sh -c 'echo up; kill -STOP $$; :'?linger=0s&terminate=60s",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        via_channel *channel = start(addresses[i]);
        int64_t pid = via_process_pid(channel);

        hear(channel, "up");
        assert_true(process_exists(pid));
        via_close(channel);
        assert_false(process_exists(pid));
    }
    expect_no_children();
}

/* A set of signals from /proc; the two that the C library keeps for itself (32 and 33) do not count. */
static void hear_no_signals(via_channel *channel)
{
    char text[32] = "";
    size_t size = 0;

    assert_int_equal(via_recv_into(channel, text, sizeof(text) - 1, &size, NULL, soon_enough()), VIA_OK);
    assert_int_equal(size, 16);
    assert_int_equal(strtoull(text, NULL, 16) & ~(UINT64_C(3) << 31), 0);
}

/* Descriptors of ours, a blocked signal and an ignored one stay ours. */
static void test_process__inherits_nothing_odd(void **state)
{
    int leaky = dup(STDERR_FILENO); /* not close-on-exec, as a careless program has it */
    sigset_t set;
    sigset_t before;
    via_channel *channel;

    (void)state;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, &before), 0);
    assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    channel = start("exec:sh -c 'ls /proc/self/fd | wc -l; grep -E \"SigBlk|SigIgn\" /proc/self/status | cut -f2'");
    hear(channel, "4"); /* the three and what ls has open to list them */
    hear_no_signals(channel);
    hear_no_signals(channel);
    hear_end(channel, VIA_ECLOSED);
    via_close(channel);
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    close(leaky);
}

/* SIGPIPE would end this program: its disposition is the default one. */
static void test_process__that_reads_no_more(void **state)
{
    via_channel *channel = start("exec:sh -c 'exec 0<&-; echo deaf; exec sleep 1000'?linger=0s");
    via_status status = VIA_OK;

    (void)state;
    hear(channel, "deaf");
    for (int i = 0; i < 1000 && status == VIA_OK; i++)
        status = via_send(channel, "hello?", 6, NULL, soon_enough());
    assert_int_equal(status, VIA_ECLOSED);
    via_close(channel);
    expect_no_children();
}

static void test_process__in_a_waitset(void **state)
{
    via_channel *channel = start("exec:cat");
    via_waitset *set = NULL;
    via_ready ready[2];
    via_msg message;
    size_t count = 0;

    (void)state;
    assert_int_equal(via_waitset_create(&set, NULL), VIA_OK);
    assert_int_equal(via_waitset_add(set, channel, VIA_READ, NULL), VIA_OK);
    assert_int_equal(via_waitset_wait(set, ready, 2, &count, via_after_ms(10)), VIA_ETIMEDOUT);
    say(channel, "ping");
    assert_int_equal(via_waitset_wait(set, ready, 2, &count, soon_enough()), VIA_OK);
    hear(channel, "ping");
    assert_int_equal(via_process_kill(channel, SIGKILL), VIA_OK);
    do { /* first the end of its output shows, then its own */
        assert_int_equal(via_waitset_wait(set, ready, 2, &count, soon_enough()), VIA_OK);
        assert_int_equal(count, 1);
    } while (via_recv(channel, VIA_NOW, &message) == VIA_ETIMEDOUT);
    assert_int_equal(via_recv(channel, VIA_NOW, &message), VIA_EPEER);
    via_close(channel);
    via_waitset_destroy(set);
    expect_no_children();
}

static void test_process__program_that_ignores_its_children(void **state)
{
    via_channel *channel;

    (void)state;
    assert_true(signal(SIGCHLD, SIG_IGN) != SIG_ERR); /* the kernel reaps, and how it ended is not to be learned */
    channel = start("exec:sh -c 'echo here; exit 5'");
    hear(channel, "here");
    hear_end(channel, VIA_ECLOSED);
    via_close(channel);
    channel = start("exec:sleep 1000?linger=0s");
    via_close(channel);
    assert_true(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
    expect_no_children();
}

/* What a forked child closes is its copy: the program goes on, and its input stays open. */
static void test_process__is_not_a_forked_childs(void **state)
{
    via_channel *channel = start("exec:cat");
    int status = -1;
    pid_t pid = fork();

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0) {
        bool refused = via_send(channel, "x", 1, NULL, VIA_NOW) == VIA_EFORK;

        via_close(channel);
        _exit(refused ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    say(channel, "still there");
    hear(channel, "still there");
    via_close(channel);
    expect_no_children();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_process__that_cannot_start_is_told_by_dial),
        cmocka_unit_test(test_process__exit_status),
        cmocka_unit_test(test_process__killed_is_no_end),
        cmocka_unit_test(test_process__kill_and_wait),
        cmocka_unit_test(test_process__close_lets_it_finish),
        cmocka_unit_test(test_process__close_leaves_nothing),
        cmocka_unit_test(test_process__inherits_nothing_odd),
        cmocka_unit_test(test_process__that_reads_no_more),
        cmocka_unit_test(test_process__in_a_waitset),
        cmocka_unit_test(test_process__is_not_a_forked_childs),
        cmocka_unit_test(test_process__program_that_ignores_its_children),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
