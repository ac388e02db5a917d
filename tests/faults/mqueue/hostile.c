/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Others of the same user who do not keep to the rules: strange bytes in the queue, strange words at the socket, references to bodies
 * that are not there. What is wrong is counted and thrown away, and the next message comes.
 */
#include "mqueue_fixture.h"

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct strange {
    const char *bytes;
    size_t size;
} strange;

/* Header: "VQ", version 1, kind, four zeros, eight bytes of size. */
static const strange in_queue[] = {
    {"", 0},
    {"hello", 5},
    {"VQ\1\0\0\0\0\0\5\0\0\0\0\0\0\0four", 20},                              /* says 5, has 4 */
    {"VQ\2\0\0\0\0\0\4\0\0\0\0\0\0\0four", 20},                              /* another version */
    {"VQ\1\7\0\0\0\0\4\0\0\0\0\0\0\0four", 20},                              /* no such kind */
    {"VQ\1\1\0\0\0\0\4\0\0\0\0\0\0\0", 16},                                  /* a body without its number */
    {"VQ\1\1\0\0\0\0\4\0\0\0\0\0\0\0\1\2\3\4\5\6\7\10", 24},                 /* of a body that nobody has written */
    {"VQ\1\1\0\0\0\0\377\377\377\377\377\377\377\177\1\2\3\4\5\6\7\10", 24}, /* larger than anything */
};

enum { STRANGE = sizeof(in_queue) / sizeof(in_queue[0]) };

static void put_strange(const char *kernel_name, const strange *what)
{
    mqd_t queue = mq_open(kernel_name, O_WRONLY | O_CLOEXEC);

    assert_true(queue != (mqd_t)-1);
    assert_int_equal(mq_send(queue, what->bytes, what->size, 0), 0);
    (void)mq_close(queue);
}

static void test_hostile__bytes_in_a_queue(void **state)
{
    via_counters counters = {.size = sizeof(counters)};
    char kernel_name[256];

    (void)state;
    via_channel *owner = mq_join("mq:hostile", VIA_PULL, VIA_SIDE_DEFAULT);
    via_channel *sender = mq_join("mq:hostile", VIA_PUSH, VIA_SIDE_DEFAULT);
    mq_kernel_name("hostile", kernel_name, sizeof(kernel_name));
    for (size_t i = 0; i < STRANGE; i++) {
        put_strange(kernel_name, &in_queue[i]);
        mq_send_text(sender, "sound", 0);
        mq_expect_text(owner, "sound", 0);
    }
    assert_int_equal(via_stats(owner, &counters), VIA_OK);
    assert_int_equal(counters.protocol_errors, STRANGE);
    via_close(sender);
    via_close(owner);
}

/* A body that is a link to a secret, or another size than announced, is not read. */
static void test_hostile__bodies(void **state)
{
    via_counters counters = {.size = sizeof(counters)};
    char kernel_name[256], body[512], secret[512];

    (void)state;
    via_channel *owner = mq_join("mq:bodies", VIA_PULL, VIA_SIDE_DEFAULT);
    mq_kernel_name("bodies", kernel_name, sizeof(kernel_name));
    mq_path("secret", secret, sizeof(secret));
    mq_path("bodies.mq.0807060504030201.body", body, sizeof(body));
    int file = open(secret, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(write(file, "four", 4), 4);
    (void)close(file);
    for (int is_link = 0; is_link < 2; is_link++) {
        if (is_link)
            assert_int_equal(symlink(secret, body), 0);
        else
            (void)close(open(body, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)); /* empty */
        put_strange(kernel_name, &in_queue[6]);
        mq_expect_nothing(owner);
        (void)unlink(body);
    }
    assert_int_equal(via_stats(owner, &counters), VIA_OK);
    assert_int_equal(counters.protocol_errors, 2);
    (void)unlink(secret);
    via_close(owner);
}

/* ---- at the socket ------------------------------------------------------------------------------------------ */

static int connect_to(const char *file)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    mq_path(file, name.sun_path, sizeof(name.sun_path));
    assert_int_equal(connect(descriptor, (struct sockaddr *)&name, sizeof(name)), 0);
    return descriptor;
}

/* A hello of a pair, with descriptors that are no queues; `count` of them. */
static void say_hello(int descriptor, int count, uint32_t role)
{
    unsigned char word[32] = {'V', 'M', 'Q', 'W', 1, 0, 1, 0, (unsigned char)role};
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec bytes = {word, sizeof(word)};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
    const int sent[2] = {descriptor, STDIN_FILENO};

    memset(&control, 0, sizeof(control));
    if (count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
        memcpy(CMSG_DATA(rights), sent, (size_t)count * sizeof(int));
    }
    assert_int_equal(sendmsg(descriptor, &message, MSG_NOSIGNAL), sizeof(word));
}

static void test_hostile__dialers(void **state)
{
    via_listener *listener = NULL;
    via_channel *dialer = NULL;
    via_channel *accepted = NULL;
    via_error error;
    int strangers[5];

    (void)state;
    assert_int_equal(via_listen(NULL, "mq:door", NULL, &listener, &error), VIA_OK);
    for (int i = 0; i < 5; i++)
        strangers[i] = connect_to("door.mqp");
    assert_int_equal(send(strangers[0], "GET / HTTP/1.0\r\n", 16, MSG_NOSIGNAL), 16);
    for (int i = 1; i < 5; i++)
        say_hello(strangers[i], i < 4 ? i - 1 : 0, i < 4 ? VIA_PAIR : VIA_PULL);
    assert_int_equal(via_dial(NULL, "mq:door", NULL, via_after_ms(PATIENCE_MS), &dialer, &error), VIA_OK);
    assert_int_equal(via_accept(listener, via_after_ms(PATIENCE_MS), &accepted, &error), VIA_OK);
    mq_send_text(dialer, "a friend", 0);
    mq_expect_text(accepted, "a friend", 0);
    for (int i = 0; i < 5; i++) {
        struct pollfd end = {strangers[i], POLLIN, 0};
        assert_int_equal(poll(&end, 1, PATIENCE_MS), 1); /* turned away */
        (void)close(strangers[i]);
    }
    via_close(dialer);
    via_close(accepted);
    via_listener_close(listener);
}

static void test_hostile__members(void **state)
{
    via_counters counters = {.size = sizeof(counters)};

    (void)state;
    via_channel *owner = mq_join("mq:club", VIA_PULL, VIA_SIDE_DEFAULT);
    int stranger = connect_to("club.mq");
    assert_int_equal(send(stranger, "x", 1, MSG_NOSIGNAL), 1);
    via_channel *sender = mq_join("mq:club", VIA_PUSH, VIA_SIDE_DEFAULT);
    mq_send_text(sender, "a member", 0);
    mq_expect_text(owner, "a member", 0);
    assert_int_equal(via_stats(owner, &counters), VIA_OK);
    assert_int_equal(counters.protocol_errors, 1);
    assert_int_equal(counters.peers, 1);
    (void)close(stranger);
    via_close(sender);
    via_close(owner);
}

/* ---- a pair whose other end goes mad ------------------------------------------------------------------------ */

/* The queues of a pair have no name; but whoever made one may write into it what he likes. */
static void test_hostile__names_of_a_pair(void **state)
{
    via_listener *listener = NULL;
    via_channel *dialer = NULL;
    via_error error;
    char kernel_name[256];

    (void)state;
    assert_int_equal(via_listen(NULL, "mq:nameless", NULL, &listener, &error), VIA_OK);
    assert_int_equal(via_dial(NULL, "mq:nameless", NULL, via_after_ms(PATIENCE_MS), &dialer, &error), VIA_OK);
    mq_kernel_name("", kernel_name, sizeof(kernel_name));
    (void)snprintf(strrchr(kernel_name, '.'), 5, "%s", ".mqp");
    assert_false(mq_kernel_has(kernel_name));
    assert_int_equal(mq_files(".making"), 0);
    via_close(dialer);
    via_listener_close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile__bytes_in_a_queue), cmocka_unit_test(test_hostile__bodies),
        cmocka_unit_test(test_hostile__dialers),          cmocka_unit_test(test_hostile__members),
        cmocka_unit_test(test_hostile__names_of_a_pair),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
