/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pair that dials again, over connections that the test makes, tears and speaks on by hand.
 */
#include "kit_fixture.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit/deadline.h"
#include "kit/hub.h"

enum { FIRST_PAUSE_NS = 1000000, FULL_ROUNDS = 10000 };

/* One who dials, and whoever may be there. */
typedef struct stage {
    void *hub;
    int other; /* the connection's other end, -1 = none */
    bool is_open;
    fake_host host;
    via_counters counters;
} stage;

static via_status stage_connect(void *user, via_stream_config *out, via_error *error)
{
    stage *s = user;
    int ends[2];

    (void)error;
    if (!s->is_open || s->other >= 0)
        return VIA_ENOPEER;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    s->other = ends[1];
    out->read_fd = out->write_fd = ends[0];
    return VIA_OK;
}

static void stage_close(void *user, uint32_t how)
{
    (void)user;
    (void)how;
}

static const via_hub_port stage_port = {.connect = stage_connect, .close = stage_close};

static void open_stage(stage *s, const via_framing *framing)
{
    via_hub_config config = {.stream = config_of(framing),
                             .port = &stage_port,
                             .user = s,
                             .role = VIA_PAIR,
                             .peer_limit = 1,
                             .reconnect_ns = FIRST_PAUSE_NS};
    via_error error;

    *s = (stage){.other = -1, .is_open = true};
    config.stream.host = &fake_host_api;
    config.stream.context = fake_context(&s->host);
    config.stream.counters = &s->counters;
    config.stream.io = &via_stream_io_socket;
    s->counters.size = sizeof(s->counters);
    assert_int_equal(via_hub_create(&config, VIA_NOW, &s->hub, &error), VIA_OK);
}

static void cut(stage *s)
{
    (void)close(s->other);
    s->other = -1;
}

static void close_stage(stage *s)
{
    if (s->other >= 0)
        cut(s);
    via_hub_close(s->hub, VIA_CLOSE_FLUSH);
}

static via_status put(stage *s, const char *text, via_deadline deadline)
{
    const via_slice slice = {text, strlen(text)};

    return via_hub_send(s->hub, &slice, 1, NULL, deadline);
}

static void say(stage *s, const char *bytes, size_t size)
{
    assert_int_equal(send(s->other, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
}

static void expect(stage *s, const char *text)
{
    via_msg message;

    assert_int_equal(via_hub_recv(s->hub, soon_enough(), &message), VIA_OK);
    assert_int_equal(message.size, strlen(text));
    assert_memory_equal(message.data, text, message.size);
    via_hub_release(s->hub, &message);
}

static void expect_there(stage *s, const char *line)
{
    char bytes[64];

    assert_int_equal(recv(s->other, bytes, strlen(line), MSG_WAITALL), (ssize_t)strlen(line));
    assert_memory_equal(bytes, line, strlen(line));
}

static int handle_of(const stage *s, uint32_t event)
{
    via_poll_handle handle = {.size = sizeof(handle)};

    assert_int_equal(via_hub_pollable(s->hub, event, &handle), VIA_OK);
    return (int)handle.handle;
}

static bool shows(const stage *s, uint32_t event, int timeout_ms)
{
    struct pollfd set = {.fd = handle_of(s, event), .events = POLLIN};

    return poll(&set, 1, timeout_ms) > 0;
}

/* Fills the way to the other end up, until not one byte more goes. */
static void fill(stage *s)
{
    static char block[4096];
    const via_slice slice = {block, sizeof(block)};
    int rounds = 0;

    memset(block, 'x', sizeof(block));
    while (via_hub_send(s->hub, &slice, 1, NULL, VIA_NOW) == VIA_OK)
        assert_true(++rounds < FULL_ROUNDS);
}

/* ---- connections -------------------------------------------------------------------------------------------- */

static void test_hub_pair__goes_on_over_the_next_connection(void **state)
{
    stage s;
    via_channel_info info = {.size = sizeof(info)};

    (void)state;
    open_stage(&s, &via_framing_line);
    int readable = handle_of(&s, VIA_READ), writable = handle_of(&s, VIA_WRITE);
    via_hub_info(s.hub, &info);
    assert_true(info.flags & VIA_INFO_REDIALS);
    for (unsigned round = 1; round <= 3; round++) {
        assert_int_equal(put(&s, "there", soon_enough()), VIA_OK);
        expect_there(&s, "there\n");
        say(&s, "back\n", 5);
        expect(&s, "back");
        cut(&s);
        assert_int_equal(put(&s, "again", soon_enough()), VIA_OK); /* the end was seen first: it is sent on the next */
        expect_there(&s, "again\n");
        assert_int_equal(s.counters.disconnects, round);
        assert_int_equal(s.counters.connects, round + 1);
        assert_int_equal(s.counters.peers, 1);
    }
    assert_int_equal(handle_of(&s, VIA_READ), readable);
    assert_int_equal(handle_of(&s, VIA_WRITE), writable);
    assert_int_equal(s.counters.dropped_closing, 0);
    assert_int_equal(s.host.failures, 0);
    close_stage(&s);
}

static void test_hub_pair__both_wait_while_nobody_is_there(void **state)
{
    stage s;
    via_msg message;
    via_peer_info info = {.size = sizeof(info)};

    (void)state;
    open_stage(&s, &via_framing_line);
    s.is_open = false;
    cut(&s);
    assert_int_equal(put(&s, "x", VIA_NOW), VIA_ETIMEDOUT);
    assert_int_equal(put(&s, "x", via_deadline_after(20000000)), VIA_ETIMEDOUT);
    assert_int_equal(via_hub_recv(s.hub, VIA_NOW, &message), VIA_ETIMEDOUT);
    assert_int_equal(via_hub_recv(s.hub, via_deadline_after(20000000), &message), VIA_ETIMEDOUT);
    assert_int_equal(via_hub_ask_peer(s.hub, NULL, &info), VIA_ENOPEER);
    assert_int_equal(via_hub_arm(s.hub, VIA_READ), VIA_OK);
    assert_int_equal(via_hub_arm(s.hub, VIA_WRITE), VIA_OK);
    assert_int_equal(via_hub_arm(s.hub, VIA_WORK), VIA_OK);
    assert_true(atomic_load(&s.host.attentions) > 0); /* a waitset that left the work out hears of it */
    via_hub_interrupt(s.hub);
    assert_int_equal(put(&s, "x", soon_enough()), VIA_ECANCELED);
    assert_int_equal(via_hub_recv(s.hub, soon_enough(), &message), VIA_ECANCELED);
    close_stage(&s);
}

/* A waitset serves the work alone: nobody calls, and the connection is made all the same. */
static void test_hub_pair__its_work_is_to_dial(void **state)
{
    stage s;

    (void)state;
    open_stage(&s, &via_framing_line);
    assert_int_equal(via_hub_arm(s.hub, VIA_WORK), VIA_ENOENT);
    cut(&s);
    assert_true(shows(&s, VIA_WORK, 20000));
    while (s.other < 0 && via_hub_arm(s.hub, VIA_WORK) == VIA_OK)
        (void)shows(&s, VIA_WORK, 1000);
    assert_int_equal(s.counters.connects, 2);
    assert_int_equal(via_hub_arm(s.hub, VIA_WORK), VIA_ENOENT);
    close_stage(&s);
}

/* ---- what was under way ------------------------------------------------------------------------------------- */

static void test_hub_pair__what_came_is_received_before_the_next(void **state)
{
    stage s;

    (void)state;
    open_stage(&s, &via_framing_line);
    say(&s, "first\nsecond\nhal", 16);
    cut(&s);
    assert_int_equal(put(&s, "hello", soon_enough()), VIA_OK);
    expect_there(&s, "hello\n");
    say(&s, "third\n", 6);
    expect(&s, "first");
    expect(&s, "second");
    expect(&s, "third"); /* of the half one nothing */
    assert_int_equal(s.counters.disconnects, 1);
    close_stage(&s);
}

static void test_hub_pair__what_nobody_received_is_counted(void **state)
{
    stage s;

    (void)state;
    open_stage(&s, &via_framing_line);
    say(&s, "old\nolder\nhal", 13);
    for (int i = 0; i < 2; i++) {
        cut(&s);
        assert_int_equal(put(&s, "hello", soon_enough()), VIA_OK);
    }
    assert_int_equal(s.counters.dropped_closing, 2);
    say(&s, "new\n", 4);
    expect(&s, "new");
    close_stage(&s);
}

static void test_hub_pair__a_tail_is_lost_with_its_connection_and_counted(void **state)
{
    static const char body[4 << 20];
    const via_slice large = {body, sizeof(body)};
    stage s;

    (void)state;
    open_stage(&s, &via_framing_length32);
    assert_int_equal(via_hub_send(s.hub, &large, 1, NULL, VIA_NOW), VIA_OK); /* it has begun to leave */
    via_hub_refresh_counters(s.hub);
    assert_true(s.counters.backlog_bytes > 0);
    assert_int_equal(via_hub_arm(s.hub, VIA_WORK), VIA_OK);
    cut(&s);
    assert_int_equal(put(&s, "fresh", soon_enough()), VIA_OK);
    expect_there(&s, (const char[]){0, 0, 0, 5, 'f', 'r', 'e', 's', 'h', 0});
    assert_int_equal(s.counters.dropped_closing, 1);
    via_hub_refresh_counters(s.hub);
    assert_int_equal(s.counters.backlog_bytes, 0);
    close_stage(&s);
}

/* Nobody takes the input, and the sender sleeps for room alone. */
static void test_hub_pair__input_does_not_wake_a_sender(void **state)
{
    stage s;

    (void)state;
    open_stage(&s, &via_framing_line);
    fill(&s);
    say(&s, "unread\n", 7);
    assert_int_equal(via_hub_arm(s.hub, VIA_WRITE), VIA_OK);
    assert_false(shows(&s, VIA_WRITE, 0));
    assert_true(shows(&s, VIA_READ, 0));
    expect(&s, "unread");
    assert_false(shows(&s, VIA_READ, 0) && via_hub_arm(s.hub, VIA_READ) == VIA_EREADY);
    close_stage(&s);
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

static void *receive(void *user)
{
    via_msg message;

    return (void *)(intptr_t)via_hub_recv(user, soon_enough(), &message);
}

static void test_hub_pair__a_finished_one_ends_with_its_connection(void **state)
{
    stage s;
    via_msg message;

    (void)state;
    open_stage(&s, &via_framing_line);
    assert_int_equal(put(&s, "last", soon_enough()), VIA_OK);
    assert_int_equal(via_hub_finish(s.hub, soon_enough()), VIA_OK);
    expect_there(&s, "last\n");
    say(&s, "answer\n", 7);
    cut(&s);
    expect(&s, "answer");
    assert_int_equal(via_hub_recv(s.hub, soon_enough(), &message), VIA_ECLOSED);
    assert_int_equal(via_hub_recv(s.hub, soon_enough(), &message), VIA_ECLOSED);
    assert_true(shows(&s, VIA_READ, 0));
    assert_int_equal(via_hub_arm(s.hub, VIA_READ), VIA_EREADY);
    assert_int_equal(via_hub_arm(s.hub, VIA_WORK), VIA_ENOENT);
    assert_int_equal(put(&s, "x", VIA_NOW), VIA_EINVAL);
    assert_int_equal(s.counters.connects, 1);
    close_stage(&s);
}

static void test_hub_pair__finishing_while_nobody_is_there_wakes_a_receiver(void **state)
{
    stage s;
    pthread_t thread;
    void *status;

    (void)state;
    open_stage(&s, &via_framing_line);
    s.is_open = false;
    cut(&s);
    assert_int_equal(put(&s, "x", VIA_NOW), VIA_ETIMEDOUT);
    assert_int_equal(pthread_create(&thread, NULL, receive, s.hub), 0);
    assert_int_equal(via_hub_finish(s.hub, soon_enough()), VIA_OK);
    assert_int_equal(pthread_join(thread, &status), 0);
    assert_int_equal((intptr_t)status, VIA_ECLOSED);
    close_stage(&s);
}

static void test_hub_pair__a_finished_one_tells_a_death(void **state)
{
    stage s;
    via_msg message;

    (void)state;
    open_stage(&s, &via_framing_line);
    assert_int_equal(via_hub_finish(s.hub, soon_enough()), VIA_OK);
    say(&s, "hal", 3);
    cut(&s);
    assert_int_equal(via_hub_recv(s.hub, soon_enough(), &message), VIA_EPEER);
    assert_int_equal(s.host.failures, 1);
    close_stage(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hub_pair__goes_on_over_the_next_connection),
        cmocka_unit_test(test_hub_pair__both_wait_while_nobody_is_there),
        cmocka_unit_test(test_hub_pair__its_work_is_to_dial),
        cmocka_unit_test(test_hub_pair__what_came_is_received_before_the_next),
        cmocka_unit_test(test_hub_pair__what_nobody_received_is_counted),
        cmocka_unit_test(test_hub_pair__a_tail_is_lost_with_its_connection_and_counted),
        cmocka_unit_test(test_hub_pair__input_does_not_wake_a_sender),
        cmocka_unit_test(test_hub_pair__a_finished_one_ends_with_its_connection),
        cmocka_unit_test(test_hub_pair__finishing_while_nobody_is_there_wakes_a_receiver),
        cmocka_unit_test(test_hub_pair__a_finished_one_tells_a_death),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
