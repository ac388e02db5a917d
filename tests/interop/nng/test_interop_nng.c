/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every pattern that nngcat and the socket plugin have in common, both ways, either side binding, over ipc and tcp.
 */
#include "nngcat.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <viaduct/viaduct.h>

enum { PATIENCE_MS = 10000 };

typedef struct fixture {
    via_host *host;
    bool tcp;
    char folder[64];
    char ours[160];   /* the address in our notation */
    char theirs[160]; /* and in nng's */
    nngcat cat;
} fixture;

/* ---- fixture ------------------------------------------------------------------------------------------------ */

static int set_up(void **state, bool tcp)
{
    fixture *f = calloc(1, sizeof(*f));

    f->tcp = tcp;
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/via-nng.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    if (tcp) {
        int port = free_port();
        (void)snprintf(f->ours, sizeof(f->ours), "tcp://127.0.0.1:%d", port);
        (void)snprintf(f->theirs, sizeof(f->theirs), "tcp://127.0.0.1:%d", port);
    } else {
        (void)snprintf(f->ours, sizeof(f->ours), "unix:%s/s", f->folder);
        (void)snprintf(f->theirs, sizeof(f->theirs), "ipc://%s/s", f->folder);
    }
    assert_int_equal(via_host_open(NULL, &f->host, NULL), VIA_OK);
    *state = f;
    return 0;
}

static int set_up_ipc(void **state)
{
    return set_up(state, false);
}

static int set_up_tcp(void **state)
{
    return set_up(state, true);
}

static int tear_down(void **state)
{
    fixture *f = *state;
    char path[96];

    if (f->cat.pid)
        nngcat_stop(&f->cat);
    via_host_close(f->host);
    (void)snprintf(path, sizeof(path), "%s/s", f->folder); /* a killed nngcat leaves it */
    (void)unlink(path);
    (void)rmdir(f->folder);
    free(f);
    return 0;
}

static via_deadline patience(void)
{
    return via_after_ms(PATIENCE_MS);
}

#define START(f, ...) assert_true(nngcat_start(&(f)->cat, (const char *const[]){__VA_ARGS__, NULL}))

static void expect_message(via_channel *channel, const char *text)
{
    via_msg message;

    assert_int_equal(via_recv(channel, patience(), &message), VIA_OK);
    assert_int_equal(message.size, strlen(text));
    assert_memory_equal(message.data, text, message.size);
    via_release(channel, &message);
}

static void send_text(via_channel *channel, const char *text)
{
    assert_int_equal(via_send(channel, text, strlen(text), NULL, patience()), VIA_OK);
}

static via_channel *join(fixture *f, uint32_t role, uint32_t side)
{
    via_open_options options;
    via_channel *channel = NULL;
    via_error error;

    via_open_options_init(&options);
    options.side = side;
    via_status status = via_join(f->host, f->ours, role, &options, patience(), &channel, &error);
    if (status != VIA_OK)
        fail_msg("join: %s", error.what);
    return channel;
}

/* Lets the channel work until somebody is attached. */
static void wait_for_peer(via_channel *channel)
{
    via_poll_handle handle = {.size = sizeof(handle)};
    via_counters counters = {.size = sizeof(counters)};

    assert_int_equal(via_pollable(channel, VIA_WORK, &handle), VIA_OK);
    for (via_deadline end = patience(); via_now_ns() < end && counters.peers == 0;) {
        struct pollfd set = {.fd = (int)handle.handle, .events = POLLIN};
        assert_int_equal(via_arm(channel, VIA_WORK), VIA_OK);
        assert_int_equal(via_stats(channel, &counters), VIA_OK);
        if (counters.peers == 0)
            (void)poll(&set, 1, PATIENCE_MS);
    }
    assert_int_equal(counters.peers, 1);
}

/* ---- pair --------------------------------------------------------------------------------------------------- */

static void exchange(fixture *f, via_channel *channel)
{
    expect_message(channel, "ping");
    send_text(channel, "pong");
    assert_true(nngcat_says(&f->cat, "pong"));
    via_close(channel);
}

static void answer_a_pair(fixture *f, const char *protocol)
{
    via_listener *listener = NULL;
    via_channel *channel = NULL;

    assert_int_equal(via_listen(f->host, f->ours, NULL, &listener, NULL), VIA_OK);
    START(f, protocol, "--dial", f->theirs, "--data", "ping", "--raw");
    assert_int_equal(via_accept(listener, patience(), &channel, NULL), VIA_OK);
    exchange(f, channel);
    via_listener_close(listener);
}

static void dial_a_pair(fixture *f, const char *protocol, const char *version)
{
    via_open_options options;
    via_channel *channel = NULL;

    via_open_options_init(&options);
    options.options = &version;
    options.option_count = 1;
    START(f, protocol, "--listen", f->theirs, "--data", "ping", "--raw");
    assert_int_equal(via_dial(f->host, f->ours, &options, patience(), &channel, NULL), VIA_OK);
    exchange(f, channel);
}

static void test_nng__pair0_dials_us(void **state)
{
    answer_a_pair(*state, "--pair0");
}

static void test_nng__pair1_dials_us(void **state)
{
    answer_a_pair(*state, "--pair1");
}

static void test_nng__we_dial_pair0(void **state)
{
    dial_a_pair(*state, "--pair0", "sp=0");
}

static void test_nng__we_dial_pair1(void **state)
{
    dial_a_pair(*state, "--pair1", "sp=1");
}

/* nng turns an unlike version away; we see that as the end and not as a message. */
static void test_nng__unlike_pair_versions_part(void **state)
{
    fixture *f = *state;
    via_open_options options;
    const char *version = "sp=1";
    via_channel *channel = NULL;
    via_msg message;

    via_open_options_init(&options);
    options.options = &version;
    options.option_count = 1;
    START(f, "--pair0", "--listen", f->theirs, "--raw");
    assert_int_equal(via_dial(f->host, f->ours, &options, patience(), &channel, NULL), VIA_OK);
    via_status status = via_recv(channel, patience(), &message);
    assert_true(status == VIA_EPROTO || status == VIA_ECLOSED || status == VIA_EPEER);
    via_close(channel);
}

/* ---- queue -------------------------------------------------------------------------------------------------- */

static void test_nng__push_dials_our_pull(void **state)
{
    fixture *f = *state;
    via_channel *channel = join(f, VIA_PULL, VIA_SIDE_BIND);

    START(f, "--push", "--dial", f->theirs, "--data", "job");
    expect_message(channel, "job");
    via_close(channel);
}

static void test_nng__our_pull_dials_push(void **state)
{
    fixture *f = *state;

    START(f, "--push", "--listen", f->theirs, "--data", "job");
    via_channel *channel = join(f, VIA_PULL, VIA_SIDE_CONNECT);
    expect_message(channel, "job");
    via_close(channel);
}

static void test_nng__our_push_dials_pull(void **state)
{
    fixture *f = *state;

    START(f, "--pull", "--listen", f->theirs, "--raw");
    via_channel *channel = join(f, VIA_PUSH, VIA_SIDE_CONNECT);
    send_text(channel, "job");
    assert_true(nngcat_says(&f->cat, "job"));
    via_close(channel);
}

static void test_nng__pull_dials_our_push(void **state)
{
    fixture *f = *state;
    via_channel *channel = join(f, VIA_PUSH, VIA_SIDE_BIND);

    START(f, "--pull", "--dial", f->theirs, "--raw");
    send_text(channel, "job"); /* waits for the puller */
    assert_true(nngcat_says(&f->cat, "job"));
    via_close(channel);
}

/* ---- topic -------------------------------------------------------------------------------------------------- */

static void test_nng__our_sub_dials_pub(void **state)
{
    fixture *f = *state;

    START(f, "--pub", "--listen", f->theirs, "--data", "news", "--interval", "1");
    via_channel *channel = join(f, VIA_SUBSCRIBE, VIA_SIDE_CONNECT);
    expect_message(channel, "news");
    via_close(channel);
}

static void test_nng__pub_dials_our_sub(void **state)
{
    fixture *f = *state;
    via_channel *channel = join(f, VIA_SUBSCRIBE, VIA_SIDE_BIND);

    START(f, "--pub", "--dial", f->theirs, "--data", "news", "--interval", "1");
    expect_message(channel, "news");
    via_close(channel);
}

static void publish_and_see(fixture *f, via_channel *channel)
{
    wait_for_peer(channel);
    send_text(channel, "other");
    send_text(channel, "news of today");
    assert_true(nngcat_says(&f->cat, "news of today"));
    via_close(channel);
}

static void test_nng__sub_dials_our_pub(void **state)
{
    fixture *f = *state;
    via_channel *channel = join(f, VIA_PUBLISH, VIA_SIDE_BIND);

    START(f, "--sub", "--subscribe", "news", "--dial", f->theirs, "--raw");
    publish_and_see(f, channel);
}

static void test_nng__our_pub_dials_sub(void **state)
{
    fixture *f = *state;

    START(f, "--sub", "--subscribe", "news", "--listen", f->theirs, "--raw");
    via_channel *channel = join(f, VIA_PUBLISH, VIA_SIDE_CONNECT);
    publish_and_see(f, channel);
}

#define BOTH(name)                                                                                                     \
    {#name "[ipc]", name, set_up_ipc, tear_down, NULL},                                                                \
    {                                                                                                                  \
#name "[tcp]", name, set_up_tcp, tear_down, NULL                                                               \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_nng__pair0_dials_us),
        BOTH(test_nng__pair1_dials_us),
        BOTH(test_nng__we_dial_pair0),
        BOTH(test_nng__we_dial_pair1),
        BOTH(test_nng__unlike_pair_versions_part),
        BOTH(test_nng__push_dials_our_pull),
        BOTH(test_nng__our_pull_dials_push),
        BOTH(test_nng__our_push_dials_pull),
        BOTH(test_nng__pull_dials_our_push),
        BOTH(test_nng__our_sub_dials_pub),
        BOTH(test_nng__pub_dials_our_sub),
        BOTH(test_nng__sub_dials_our_pub),
        BOTH(test_nng__our_pub_dials_sub),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
