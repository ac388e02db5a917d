/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that travel with messages: each arrives with its own, and none is left open.
 */
#include "scene.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <viaduct/ext/handles.h>

typedef struct wire {
    via_listener *listener;
    via_channel *sender;
    via_channel *receiver;
} wire;

static wire connect_with(scene *s, const char *options)
{
    wire l;

    l.listener = scene_listen(s, options);
    l.sender = scene_dial(s, options);
    l.receiver = scene_accept(l.listener);
    return l;
}

static void disconnect(wire *l)
{
    via_close(l->sender);
    via_close(l->receiver);
    via_listener_close(l->listener);
}

static int count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(folder))
        count++;
    (void)closedir(folder);
    return count;
}

/* The reading end of a pipe that holds one byte: by it we know which is which. */
static intptr_t marked(char mark)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], &mark, 1), 1);
    (void)close(ends[1]);
    return ends[0];
}

static void send_marked(via_channel *channel, const char *text, const char *marks)
{
    intptr_t handles[VIA_HANDLES_MAX];
    size_t count = strlen(marks);

    for (size_t i = 0; i < count; i++)
        handles[i] = marked(marks[i]);
    assert_int_equal(via_handles_send(channel, text, strlen(text), handles, count, scene_patience()), VIA_OK);
    for (size_t i = 0; i < count; i++)
        (void)close((int)handles[i]);
}

static void take_marked(via_channel *channel, const char *marks)
{
    intptr_t handles[VIA_HANDLES_MAX];
    size_t count = 0;

    assert_int_equal(via_handles_take(channel, handles, VIA_HANDLES_MAX, &count), VIA_OK);
    assert_int_equal(count, strlen(marks));
    for (size_t i = 0; i < count; i++) {
        char byte = 0;
        assert_int_equal(read((int)handles[i], &byte, 1), 1);
        assert_int_equal(byte, marks[i]);
        assert_true(fcntl((int)handles[i], F_GETFD) & FD_CLOEXEC);
        (void)close((int)handles[i]);
    }
}

static void test_handles__each_comes_with_its_message(void **state)
{
    wire l = connect_with(*state, "handles=true");

    scene_send(l.sender, "none");
    send_marked(l.sender, "first", "a");
    send_marked(l.sender, "second", "bcd");
    scene_send(l.sender, "none again");
    send_marked(l.sender, "third", "e");
    scene_expect(l.receiver, "none");
    take_marked(l.receiver, "");
    scene_expect(l.receiver, "first");
    take_marked(l.receiver, "a");
    take_marked(l.receiver, ""); /* once only */
    scene_expect(l.receiver, "second");
    take_marked(l.receiver, "bcd");
    scene_expect(l.receiver, "none again");
    take_marked(l.receiver, "");
    scene_expect(l.receiver, "third");
    take_marked(l.receiver, "e");
    disconnect(&l);
}

static void test_handles__wait_for_gathered_messages(void **state)
{
    wire l = connect_with(*state, "handles=true&framing=length32");
    const via_meta more = {.flags = VIA_MORE};

    assert_int_equal(via_send(l.sender, "held", 4, &more, scene_patience()), VIA_OK);
    send_marked(l.sender, "with", "x");
    scene_expect(l.receiver, "held");
    take_marked(l.receiver, "");
    scene_expect(l.receiver, "with");
    take_marked(l.receiver, "x");
    disconnect(&l);
}

static void test_handles__a_small_array_takes_nothing(void **state)
{
    wire l = connect_with(*state, "handles=true");
    intptr_t one[1];
    size_t count = 0;

    send_marked(l.sender, "three", "abc");
    scene_expect(l.receiver, "three");
    assert_int_equal(via_handles_take(l.receiver, one, 1, &count), VIA_EBUFFER);
    assert_int_equal(count, 3);
    take_marked(l.receiver, "abc");
    disconnect(&l);
}

static void test_handles__nobody_takes_them(void **state)
{
    int before = count_descriptors();
    wire l = connect_with(*state, "handles=true");
    int open_now = count_descriptors();

    send_marked(l.sender, "ignored", "abcdef");
    scene_send(l.sender, "next");
    scene_expect(l.receiver, "ignored");
    scene_expect(l.receiver, "next");
    assert_int_equal(count_descriptors(), open_now);
    send_marked(l.sender, "unread", "gh");
    disconnect(&l);
    assert_true(count_descriptors() <= before + 2); /* what the library keeps open: its plugin */
}

static void test_handles__a_wrong_one_harms_nothing(void **state)
{
    wire l = connect_with(*state, "handles=true");
    const intptr_t wrong[2] = {0, 999999};

    assert_int_equal(via_handles_send(l.sender, "x", 1, wrong, 2, scene_patience()), VIA_EINVAL);
    scene_send(l.sender, "fine");
    scene_expect(l.receiver, "fine");
    disconnect(&l);
}

static void test_handles__are_not_there_unless_asked_for(void **state)
{
    wire l = connect_with(*state, NULL);
    size_t count = 0;
    void *self = NULL;

    assert_null(via_extension(l.sender, VIA_HANDLES_ID, &self));
    assert_int_equal(via_handles_take(l.receiver, NULL, 0, &count), VIA_ENOTSUP);
    disconnect(&l);
}

/* `count` copies of stdin with one byte. */
static void raw_send_handles(int raw, size_t count)
{
    union {
        char bytes[CMSG_SPACE(VIA_HANDLES_MAX * sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec byte = {"x", 1};
    struct msghdr header = {
        .msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);

    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(count * sizeof(int));
    memset(CMSG_DATA(rights), 0, count * sizeof(int));
    assert_int_equal(sendmsg(raw, &header, MSG_NOSIGNAL), 1);
}

/* A peer that sends more with one message than we pass on does not fill our table with them. */
static void test_handles__a_flood_is_not_kept(void **state)
{
    enum { ROUNDS = 8 };
    via_listener *listener = scene_listen(*state, "handles=true");
    int raw = scene_raw(*state, SP_PAIR);
    via_channel *receiver = scene_accept(listener);
    int before = count_descriptors();
    via_msg message;

    scene_raw_frame(raw, ROUNDS, NULL, 0);
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(via_recv(receiver, VIA_NOW, &message), VIA_ETIMEDOUT);
        raw_send_handles(raw, VIA_HANDLES_MAX);
        assert_in_range(count_descriptors(), before, before + VIA_HANDLES_MAX);
    }
    scene_expect(receiver, "xxxxxxxx");
    assert_in_range(count_descriptors(), before, before + VIA_HANDLES_MAX);
    via_close(receiver);
    via_listener_close(listener);
    (void)close(raw);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_handles__each_comes_with_its_message), TEST(test_handles__wait_for_gathered_messages),
        TEST(test_handles__a_small_array_takes_nothing), TEST(test_handles__nobody_takes_them),
        TEST(test_handles__a_wrong_one_harms_nothing),   TEST(test_handles__are_not_there_unless_asked_for),
        TEST(test_handles__a_flood_is_not_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
