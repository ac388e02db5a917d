/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hub over connections whose every write is planned: what happens when a peer goes at the worst moment.
 */
#include "kit_fixture.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit/deadline.h"
#include "kit/hub.h"

enum { PEERS = 2, STEPS = 3 };

#define STUCK INT64_MIN /* no room, now and for ever */

/* What the next writes of one connection come to: a number of bytes (0 = all), a status, or STUCK. */
struct plan {
    int64_t steps[STEPS];
    size_t next;
};

struct stage {
    struct plan plans[PEERS];
    int others[PEERS];
    size_t accepted;
    bool deserted; /* nobody comes */
    int bell[2];   /* rings for ever: somebody may want to be accepted */
    fake_host host;
    via_counters counters;
};

static int64_t planned_read(via_stream *stream, via_slice *into, size_t count, via_deadline deadline)
{
    (void)stream;
    (void)into;
    (void)count;
    (void)deadline;
    return VIA_ETIMEDOUT;
}

static int64_t planned_write(via_stream *stream, const via_slice *from, size_t count, via_deadline deadline)
{
    struct plan *plan = stream->config.user;
    int64_t step = plan->next < STEPS ? plan->steps[plan->next++] : 0;
    int64_t all = 0;

    (void)deadline;
    if (step == STUCK) {
        plan->next--;
        return VIA_ETIMEDOUT;
    }
    for (size_t i = 0; i < count; i++)
        all += (int64_t)from[i].size;
    return step ? step : all;
}

static uint64_t longest_close_ns;

static void planned_close(via_stream *stream, uint32_t how)
{
    uint64_t ns = via_deadline_left(stream->close_by);

    (void)how;
    longest_close_ns = ns > longest_close_ns ? ns : longest_close_ns;
    (void)close(stream->config.read_fd);
}

static const via_stream_io planned_io = {.read = planned_read, .write = planned_write, .close = planned_close};

static via_status stage_accept(void *user, via_stream_config *out)
{
    struct stage *stage = user;
    int ends[2];

    if (stage->accepted == PEERS || stage->deserted)
        return VIA_ETIMEDOUT;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    stage->others[stage->accepted] = ends[1];
    out->read_fd = out->write_fd = ends[0];
    out->user = &stage->plans[stage->accepted++];
    return VIA_OK;
}

static int stage_fd(void *user)
{
    struct stage *stage = user;

    return stage->bell[0];
}

static void stage_close(void *user, uint32_t how)
{
    (void)user;
    (void)how;
}

static const via_hub_port stage_port = {.accept = stage_accept, .accept_fd = stage_fd, .close = stage_close};

static via_status put(void *hub, const void *data, size_t size, uint32_t flags)
{
    const via_slice slice = {data, size};
    const via_meta meta = {.flags = flags};

    return via_hub_send(hub, &slice, 1, &meta, VIA_NOW);
}

static void *open_hub(struct stage *stage, uint32_t role, uint32_t peer_limit)
{
    via_hub_config config = {.stream = config_of(&via_framing_length32),
                             .port = &stage_port,
                             .user = stage,
                             .role = role,
                             .peer_limit = peer_limit};
    void *hub = NULL;
    via_error error;

    config.stream.host = &fake_host_api;
    config.stream.context = fake_context(&stage->host);
    config.stream.counters = &stage->counters;
    config.stream.io = &planned_io;
    stage->counters.size = sizeof(stage->counters);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stage->bell), 0);
    assert_int_equal(write(stage->bell[1], "!", 1), 1);
    assert_int_equal(via_hub_create(&config, VIA_NOW, &hub, &error), VIA_OK);
    return hub;
}

static void close_hub(struct stage *stage, void *hub)
{
    via_hub_close(hub, VIA_CLOSE_FLUSH);
    for (int i = 0; i < 2; i++)
        (void)close(stage->bell[i]);
    for (size_t i = 0; i < stage->accepted; i++)
        (void)close(stage->others[i]);
}

/* The one that takes the end of a series leaves while the others get their part. */
static void test_hub__a_taker_that_leaves_in_a_series_is_let_go_once(void **state)
{
    static char block[4096];
    struct stage stage = {.plans = {{.steps = {200, VIA_ETIMEDOUT, VIA_EPEER}}}};
    void *hub = open_hub(&stage, VIA_PUSH, PEERS);

    (void)state;
    assert_int_equal(put(hub, "first", 5, VIA_MORE), VIA_OK);
    assert_int_equal(stage.counters.peers, PEERS);
    assert_int_equal(put(hub, "second", 6, VIA_MORE), VIA_OK);
    assert_int_equal(put(hub, block, sizeof(block), 0), VIA_OK);
    assert_int_equal(stage.counters.disconnects, 1);
    close_hub(&stage, hub);
}

/* What was accepted before a message that nobody could take is not held back with it. */
static void test_hub__a_series_that_breaks_off_leaves_by_itself(void **state)
{
    struct stage stage = {.plans = {{.steps = {VIA_ETIMEDOUT, VIA_ETIMEDOUT}}, {.steps = {VIA_ETIMEDOUT}}}};
    void *hub = open_hub(&stage, VIA_PUSH, PEERS);

    (void)state;
    assert_int_equal(put(hub, "first", 5, VIA_MORE), VIA_OK);
    assert_int_equal(put(hub, "last", 4, 0), VIA_ETIMEDOUT);
    via_hub_refresh_counters(hub);
    assert_int_not_equal(stage.counters.backlog_bytes, 0);
    assert_int_equal(via_hub_arm(hub, VIA_WORK), VIA_OK);
    via_hub_refresh_counters(hub);
    assert_int_equal(stage.counters.backlog_bytes, 0);
    close_hub(&stage, hub);
}

/* ---- deadlines ---------------------------------------------------------------------------------------------- */

enum { SHORT_NS = 20000000 };

/* The bell keeps the hub's handle busy for ever: what is waited for below would never be given up for silence. */
static void test_hub__deadlines_hold_while_events_keep_coming(void **state)
{
    static const via_slice slice = {"x", 1};
    static const uint32_t roles[] = {VIA_PUSH, VIA_PULL};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct stage stage = {.deserted = true};
        void *hub = open_hub(&stage, roles[i], PEERS);
        via_msg message;
        via_status status = roles[i] == VIA_PULL ? via_hub_recv(hub, via_deadline_after(SHORT_NS), &message)
                                                 : via_hub_send(hub, &slice, 1, NULL, via_deadline_after(SHORT_NS));
        assert_int_equal(status, VIA_ETIMEDOUT);
        close_hub(&stage, hub);
    }
}

static void test_hub__deadlines_hold_while_a_subscriber_is_stuck(void **state)
{
    static char block[4096];
    const via_slice slice = {block, sizeof(block)};
    struct stage stage = {.plans = {{.steps = {200, STUCK}}}};
    void *hub = open_hub(&stage, VIA_PUBLISH, PEERS);
    uint64_t undelivered;

    (void)state;
    assert_int_equal(via_hub_send(hub, &slice, 1, NULL, via_deadline_after(SHORT_NS)), VIA_OK); /* with a tail */
    assert_int_equal(via_hub_send(hub, &slice, 1, NULL, via_deadline_after(SHORT_NS)), VIA_ETIMEDOUT);
    assert_int_equal(via_hub_flush(hub, via_deadline_after(SHORT_NS)), VIA_ETIMEDOUT);
    assert_int_equal(via_hub_drain(hub, via_deadline_after(SHORT_NS), &undelivered), VIA_ETIMEDOUT);
    assert_int_equal(undelivered, 1);
    stage.plans[0].next = STEPS;
    assert_int_equal(via_hub_drain(hub, via_deadline_after(SHORT_NS), &undelivered), VIA_OK);
    close_hub(&stage, hub);
}

static bool shows(void *hub)
{
    via_poll_handle handle = {.size = sizeof(handle)};

    assert_int_equal(via_hub_arm(hub, VIA_WORK), VIA_OK);
    assert_int_equal(via_hub_pollable(hub, VIA_WORK, &handle), VIA_OK);
    return poll(&(struct pollfd){.fd = (int)handle.handle, .events = POLLIN}, 1, 0) > 0;
}

/* Who comes when all places are taken is left where it is, and wakes nobody until one leaves. */
static void test_hub__a_full_one_accepts_again_when_a_peer_leaves(void **state)
{
    struct stage stage = {.plans = {{.steps = {0, VIA_EPEER}}}};
    void *hub = open_hub(&stage, VIA_PUSH, 1);

    (void)state;
    assert_int_equal(put(hub, "first", 5, 0), VIA_OK);
    assert_int_equal(stage.accepted, 1);
    assert_int_equal(stage.counters.peers, 1);
    assert_false(shows(hub));
    assert_int_equal(put(hub, "second", 6, 0), VIA_ETIMEDOUT);
    assert_int_equal(stage.counters.peers, 0);
    assert_int_equal(put(hub, "third", 5, 0), VIA_OK);
    assert_int_equal(stage.accepted, 2);
    assert_false(shows(hub));
    assert_int_equal(stage.counters.protocol_errors, 0);
    close_hub(&stage, hub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hub__a_taker_that_leaves_in_a_series_is_let_go_once),
        cmocka_unit_test(test_hub__a_series_that_breaks_off_leaves_by_itself),
        cmocka_unit_test(test_hub__deadlines_hold_while_events_keep_coming),
        cmocka_unit_test(test_hub__deadlines_hold_while_a_subscriber_is_stuck),
        cmocka_unit_test(test_hub__a_full_one_accepts_again_when_a_peer_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
