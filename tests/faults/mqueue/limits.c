/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an ordinary user may have: the queue is as small as it must be, and an error says which limit it was and how to raise it.
 *
 * Owns: children that are ordinary users, whoever runs the test: root is above some of the limits.
 */
#include "mqueue_fixture.h"

#include <fcntl.h>
#include <grp.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOBODY = 65534, SOME_BYTES = 100 * 1024, LARGE = 300000 };

/* Becomes an ordinary user with a runtime folder of its own. */
static bool become_nobody(char folder[64])
{
    (void)snprintf(folder, 64, "/tmp/via-limits.XXXXXX");
    if (geteuid() == 0 &&
        (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0))
        return false;
    return mkdtemp(folder) && setenv("XDG_RUNTIME_DIR", folder, 1) == 0;
}

static void remove_folder(const char *folder)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/viaduct", folder);
    (void)rmdir(path);
    (void)rmdir(folder);
}

static int complain(const char *what, const via_error *error)
{
    (void)fprintf(stderr, "%s: %s: %s; %s\n", what, via_status_name(error->status), error->what, error->mend);
    return 1;
}

/* VIA_ELIMIT, with these words in what is wrong and in what mends it. */
static int expect_limit(const char *address, const char *what, const char *mend)
{
    via_channel *channel;
    via_error error;
    via_status status = mq_try_join(address, VIA_PULL, VIA_SIDE_DEFAULT, VIA_NOW, &channel, &error);

    if (status == VIA_ELIMIT && strstr(error.what, what) && strstr(error.mend, mend))
        return 0;
    error.status = status;
    via_close(channel);
    return complain(address, &error);
}

/* Both ends, one large message through them. */
static int pass_one(const char *address)
{
    via_channel *owner = mq_join(address, VIA_PULL, VIA_SIDE_DEFAULT);
    via_channel *sender = mq_join(address, VIA_PUSH, VIA_SIDE_DEFAULT);
    char *large = calloc(1, LARGE);
    via_msg message;
    bool is_right = large && via_send(sender, large, LARGE, NULL, via_after_ms(PATIENCE_MS)) == VIA_OK &&
                    via_recv(owner, via_after_ms(PATIENCE_MS), &message) == VIA_OK && message.size == LARGE;

    if (is_right)
        via_release(owner, &message);
    free(large);
    via_close(sender);
    via_close(owner);
    return is_right ? 0 : 1;
}

static int within_the_defaults(void *argument)
{
    char folder[64];

    (void)argument;
    if (!become_nobody(folder))
        return 2;
    int result = pass_one("mq:defaults");
    remove_folder(folder);
    return result;
}

static int told_of_the_systems_limits(void *argument)
{
    char folder[64];

    (void)argument;
    if (!become_nobody(folder))
        return 2;
    int result =
        expect_limit("mq:deep?messages=60000", "/proc/sys/fs/mqueue/msg_max", "sysctl -w fs.mqueue.msg_max=60000") +
        expect_limit("mq:wide?message_size=15MiB&messages=1", "/proc/sys/fs/mqueue/msgsize_max",
                     "sysctl -w fs.mqueue.msgsize_max=15728640");
    remove_folder(folder);
    return result;
}

/* The share of one user: several queues fit, each smaller, and then it is told. */
static int told_of_the_users_share(void *argument)
{
    const struct rlimit share = {SOME_BYTES, SOME_BYTES};
    via_channel *channels[64] = {NULL};
    via_error error;
    via_status status = VIA_OK;
    unsigned count = 0;
    char folder[64];

    (void)argument;
    if (!become_nobody(folder) || setrlimit(RLIMIT_MSGQUEUE, &share) != 0)
        return 2;
    int result = 0;
    for (; status == VIA_OK && count < 64; count++) {
        char address[64];
        (void)snprintf(address, sizeof(address), "mq:share-%u", count);
        status = mq_try_join(address, VIA_PULL, VIA_SIDE_DEFAULT, VIA_NOW, &channels[count], &error);
    }
    if (status != VIA_ELIMIT || !strstr(error.what, "RLIMIT_MSGQUEUE") || !strstr(error.mend, "ulimit -q"))
        result = complain("the last of many", &error);
    if (count <= SOME_BYTES / 47040 + 1) /* so many of the usual size fit */
        result = complain("not smaller as it gets tight", &error);
    for (unsigned i = 0; i < count; i++)
        via_close(channels[i]);
    result += pass_one("mq:share-again");
    remove_folder(folder);
    return result;
}

/* No room for even one queue: told so, and nothing is left of the attempt. */
static int left_nothing_where_there_is_no_room(void *argument)
{
    const struct rlimit share = {0, 0};
    char folder[64];

    (void)argument;
    if (!become_nobody(folder) || setrlimit(RLIMIT_MSGQUEUE, &share) != 0)
        return 2;
    int result = expect_limit("mq:fresh", "RLIMIT_MSGQUEUE", "ulimit -q");
    if (mq_files(".members") != 0) {
        (void)fprintf(stderr, "a file of members is left of a queue that never was\n");
        result++;
    }
    remove_folder(folder);
    return result;
}

static int send_and_die(void *argument)
{
    via_channel *owner = mq_join(argument, VIA_PULL, VIA_SIDE_BIND);
    via_channel *sender = mq_join(argument, VIA_PUSH, VIA_SIDE_DEFAULT);

    mq_send_text(sender, "kept", 0);
    return owner ? 0 : 1; /* neither is closed */
}

/* Somebody who cannot open a dead owner's queue leaves it, and what is known of it, to who can. */
static int kept_for_who_can_open_it(void *argument)
{
    char address[] = "mq:kept";
    char name[256], folder[64];

    (void)argument;
    if (!become_nobody(folder))
        return 2;
    mq_reap(mq_fork(send_and_die, address));
    mq_kernel_name("kept", name, sizeof(name));
    mqd_t queue = mq_open(name, O_RDONLY | O_CLOEXEC);
    if (queue == (mqd_t)-1 || fchmod(queue, 0) != 0)
        return 3;
    via_channel *channel;
    via_error error;
    via_status status = mq_try_join(address, VIA_PULL, VIA_SIDE_BIND, VIA_NOW, &channel, &error);
    if (status != VIA_EPERM || fchmod(queue, 0600) != 0)
        return 4;
    (void)mq_close(queue);
    channel = mq_join(address, VIA_PULL, VIA_SIDE_BIND);
    mq_expect_text(channel, "kept", 0);
    via_close(channel);
    remove_folder(folder);
    return 0;
}

/* Where another user has the name, it is not used, and not touched. */
static int refused_a_strangers_queue(void *argument)
{
    char folder[64];
    via_channel *channel;
    via_error error;
    const char *name = argument;

    if (!become_nobody(folder))
        return 2;
    for (uint32_t side = VIA_SIDE_BIND; side <= VIA_SIDE_CONNECT; side++) {
        via_open_options options;
        via_open_options_init(&options);
        options.side = side;
        via_status status = via_join(NULL, name, VIA_PULL, &options, VIA_NOW, &channel, &error);
        if (status != VIA_EPERM || !error.mend[0]) {
            error.status = status;
            return complain("a stranger's queue", &error);
        }
    }
    remove_folder(folder);
    return 0;
}

static void test_limits__unprivileged_defaults_do(void **state)
{
    (void)state;
    mq_reap(mq_fork(within_the_defaults, NULL));
}

static void test_limits__the_systems_are_named(void **state)
{
    (void)state;
    mq_reap(mq_fork(told_of_the_systems_limits, NULL));
}

static void test_limits__the_users_share_is_named(void **state)
{
    (void)state;
    mq_reap(mq_fork(told_of_the_users_share, NULL));
}

static void test_limits__no_room_leaves_nothing(void **state)
{
    (void)state;
    mq_reap(mq_fork(left_nothing_where_there_is_no_room, NULL));
}

static void test_limits__what_cannot_be_opened_is_kept(void **state)
{
    (void)state;
    mq_reap(mq_fork(kept_for_who_can_open_it, NULL));
}

/*
 * Root's queues are trusted by all, so the stranger is another ordinary user. Without root nobody here can be one: then the queue is
 * closed to its own user, which is refused the same way.
 */
static int make_as_stranger(void *argument)
{
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 64};
    const mode_t mode = geteuid() == 0 ? 0666 : 0;

    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setresgid(NOBODY - 1, NOBODY - 1, NOBODY - 1) != 0 ||
                           setresuid(NOBODY - 1, NOBODY - 1, NOBODY - 1) != 0))
        return 2;
    mqd_t queue = mq_open(argument, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600, &attributes);
    return queue != (mqd_t)-1 && fchmod(queue, mode) == 0 ? 0 : 1;
}

static void test_limits__a_strangers_queue_is_refused(void **state)
{
    char name[64], address[96];

    (void)state;
    (void)snprintf(name, sizeof(name), "/via-stranger-%d", (int)getpid());
    (void)snprintf(address, sizeof(address), "mq:%s?framing=none", name);
    mq_reap(mq_fork(make_as_stranger, name));
    mq_reap(mq_fork(refused_a_strangers_queue, address));
    assert_int_equal(mq_unlink(name), 0); /* it was left alone */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits__unprivileged_defaults_do),
        cmocka_unit_test(test_limits__the_systems_are_named),
        cmocka_unit_test(test_limits__the_users_share_is_named),
        cmocka_unit_test(test_limits__no_room_leaves_nothing),
        cmocka_unit_test(test_limits__what_cannot_be_opened_is_kept),
        cmocka_unit_test(test_limits__a_strangers_queue_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
