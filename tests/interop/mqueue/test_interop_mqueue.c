/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plain C program (plain.c) as the peer of mq: with framing=none: both ways, and whoever made the queue.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <viaduct/viaduct.h>

enum { PATIENCE_MS = 20000, NAME_SIZE = 64, ADDRESS_SIZE = 96 };

extern char **environ;
static const char *plain; /* the program */
static char name[NAME_SIZE];
static char address[ADDRESS_SIZE];

/* ---- the peer ----------------------------------------------------------------------------------------------- */

/* Starts it; its output is readable at *out, if that is not NULL. */
static pid_t start(int *out, const char *const *words)
{
    posix_spawn_file_actions_t actions;
    char *argv[10] = {(char *)(uintptr_t)plain};
    int ends[2] = {-1, -1};
    pid_t pid;

    for (size_t i = 0; words[i]; i++)
        argv[i + 1] = (char *)(uintptr_t)words[i];
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    if (out) {
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO), 0);
        assert_int_equal(posix_spawn_file_actions_addclose(&actions, ends[0]), 0);
    }
    assert_int_equal(posix_spawn(&pid, plain, &actions, NULL, argv, environ), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (out) {
        (void)close(ends[1]);
        *out = ends[0];
    }
    return pid;
}

static void await_end(pid_t pid)
{
    int status = -1;

    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static pid_t start_receiving(int *out, const char *count)
{
    return start(out, (const char *const[]){"receive", name, count, NULL});
}

#define RUN(...) await_end(start(NULL, (const char *const[]){__VA_ARGS__, NULL}))

/* Waits for its end; what it printed is this. */
static void expect_output(pid_t pid, int out, const char *expected)
{
    char text[512];
    size_t size = 0;
    ssize_t got;

    while ((got = read(out, text + size, sizeof(text) - 1 - size)) > 0)
        size += (size_t)got;
    text[size] = '\0';
    (void)close(out);
    await_end(pid);
    assert_string_equal(text, expected);
}

static void expect_received(const char *count, const char *expected)
{
    int out = -1;
    pid_t pid = start_receiving(&out, count);

    expect_output(pid, out, expected);
}

/* ---- our side ----------------------------------------------------------------------------------------------- */

static via_channel *join(uint32_t role, uint32_t side)
{
    via_channel *channel = NULL;
    via_open_options options;
    via_error error;

    via_open_options_init(&options);
    options.side = side;
    if (via_join(NULL, address, role, &options, via_after_ms(PATIENCE_MS), &channel, &error) != VIA_OK)
        fail_msg("%s: %s; %s", address, error.what, error.mend);
    return channel;
}

static void send_text(via_channel *channel, const char *text, int32_t priority)
{
    const via_meta meta = {.priority = priority};

    assert_int_equal(via_send(channel, text, strlen(text), &meta, via_after_ms(PATIENCE_MS)), VIA_OK);
}

static void expect_text(via_channel *channel, const char *text, int32_t priority)
{
    via_msg message;

    assert_int_equal(via_recv(channel, via_after_ms(PATIENCE_MS), &message), VIA_OK);
    assert_int_equal(message.size, strlen(text));
    assert_memory_equal(message.data, text, message.size);
    assert_int_equal(message.meta.priority, priority);
    via_release(channel, &message);
}

/* ---- tests -------------------------------------------------------------------------------------------------- */

static void test_interop_mqueue__it_sends_to_ours(void **state)
{
    (void)state;
    via_channel *owner = join(VIA_PULL, VIA_SIDE_BIND);
    RUN("send", name, "3", "one", "two");
    RUN("send", name, "32767", "urgent");
    expect_text(owner, "urgent", 32767);
    expect_text(owner, "one", 3);
    expect_text(owner, "two", 3);
    via_close(owner);
}

static void test_interop_mqueue__it_receives_from_ours(void **state)
{
    int out;

    (void)state;
    via_channel *owner = join(VIA_PUSH, VIA_SIDE_BIND);
    send_text(owner, "first", 0);
    send_text(owner, "before it", 9);
    expect_received("2", "9 before it\n0 first\n");
    pid_t waiting = start_receiving(&out, "1"); /* asleep or not, it gets it */
    send_text(owner, "later", 1);
    expect_output(waiting, out, "1 later\n");
    via_close(owner);
}

static void test_interop_mqueue__ours_uses_its_queue(void **state)
{
    char large[101];

    (void)state;
    RUN("make", name);
    via_channel *sender = join(VIA_PUSH, VIA_SIDE_DEFAULT);
    memset(large, 'x', sizeof(large));
    assert_int_equal(via_send(sender, large, sizeof(large), NULL, VIA_NOW), VIA_ETOOBIG);
    send_text(sender, "to you", 5);
    expect_received("1", "5 to you\n");
    via_channel *receiver = join(VIA_PULL, VIA_SIDE_CONNECT);
    RUN("send", name, "0", "to me");
    expect_text(receiver, "to me", 0);
    via_close(sender);
    via_close(receiver);
    RUN("remove", name); /* it is still there: it is not ours */
}

/* Binding a queue that is there uses it, and leaves it. */
static void test_interop_mqueue__owning_its_queue_leaves_it(void **state)
{
    (void)state;
    RUN("make", name);
    RUN("send", name, "0", "waiting");
    via_channel *owner = join(VIA_PULL, VIA_SIDE_BIND);
    expect_text(owner, "waiting", 0);
    via_close(owner);
    RUN("remove", name);
}

/* It removes its queue and makes another: whoever waits is taken along. */
static void test_interop_mqueue__follows_to_another_queue(void **state)
{
    (void)state;
    RUN("make", name);
    via_channel *receiver = join(VIA_PULL, VIA_SIDE_CONNECT);
    RUN("send", name, "0", "of the first");
    expect_text(receiver, "of the first", 0);
    RUN("remove", name);
    RUN("make", name);
    RUN("send", name, "0", "of the second");
    expect_text(receiver, "of the second", 0);
    via_close(receiver);
    RUN("remove", name);
}

/* The other queue's messages are larger: both ends take to that, too. */
static void test_interop_mqueue__follows_to_larger_messages(void **state)
{
    char text[201];
    const via_slice halves[] = {{text, 100}, {text + 100, 100}};

    (void)state;
    memset(text, 'x', 200);
    text[200] = '\0';
    RUN("make", name);
    via_channel *receiver = join(VIA_PULL, VIA_SIDE_CONNECT);
    via_channel *sender = join(VIA_PUSH, VIA_SIDE_DEFAULT);
    RUN("send", name, "0", "of the first");
    expect_text(receiver, "of the first", 0);
    RUN("remove", name);
    RUN("make", name, "200");
    RUN("send", name, "1", text);
    expect_text(receiver, text, 1);
    via_deadline limit = via_after_ms(PATIENCE_MS);
    via_status status = VIA_ETOOBIG; /* in the first queue */
    while (status == VIA_ETOOBIG && via_now_ns() < limit) {
        assert_int_equal(via_arm(sender, VIA_WRITE), VIA_EREADY); /* looks whether there is another */
        status = via_sendv(sender, halves, 2, NULL, limit);
    }
    assert_int_equal(status, VIA_OK);
    expect_text(receiver, text, 0);
    via_close(sender);
    via_close(receiver);
    RUN("remove", name);
}

static int new_name(void **state)
{
    static unsigned count;

    (void)state;
    (void)snprintf(name, sizeof(name), "/via-plain-%ld-%u", (long)getpid(), count++);
    (void)snprintf(address, sizeof(address), "mq:%s?framing=none", name);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_interop_mqueue__it_sends_to_ours, new_name),
        cmocka_unit_test_setup(test_interop_mqueue__it_receives_from_ours, new_name),
        cmocka_unit_test_setup(test_interop_mqueue__ours_uses_its_queue, new_name),
        cmocka_unit_test_setup(test_interop_mqueue__owning_its_queue_leaves_it, new_name),
        cmocka_unit_test_setup(test_interop_mqueue__follows_to_another_queue, new_name),
        cmocka_unit_test_setup(test_interop_mqueue__follows_to_larger_messages, new_name),
    };

    if (argc < 2)
        return 2;
    plain = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
