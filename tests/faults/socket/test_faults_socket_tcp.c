/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only TCP has: resets, socket options, ports that the system chooses, other machines.
 */
#include "scene.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct tcp_link {
    via_listener *listener;
    via_channel *channel;
    int raw; /* the other end */
} tcp_link;

static via_listener *listen_on(scene *s, const char *options)
{
    char address[256];
    via_listener *listener = NULL;
    via_error error;

    (void)snprintf(address, sizeof(address), "tcp://127.0.0.1:0%s%s", options ? "?" : "", options ? options : "");
    if (via_listen(s->host, address, NULL, &listener, &error) != VIA_OK)
        fail_msg("listen: %s", error.what);
    return listener;
}

static int connect_to(const char *address)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(strncmp(address, "tcp://127.0.0.1:", 16), 0);
    name.sin_port = htons((uint16_t)atoi(address + 16));
    assert_int_not_equal(name.sin_port, 0);
    assert_int_equal(connect(descriptor, (const struct sockaddr *)&name, sizeof(name)), 0);
    return descriptor;
}

static tcp_link link_up(scene *s, const char *options)
{
    static const uint8_t greeting[8] = {0, 'S', 'P', 0, 0, SP_PAIR, 0, 0};
    tcp_link l;
    char address[128];

    l.listener = listen_on(s, options);
    assert_int_equal(via_listener_address(l.listener, address, sizeof(address)), VIA_OK);
    l.raw = connect_to(address);
    if (!options || !strstr(options, "framing"))
        scene_raw_send(l.raw, greeting, sizeof(greeting));
    l.channel = scene_accept(l.listener);
    return l;
}

static void link_down(tcp_link *l)
{
    via_close(l->channel);
    via_listener_close(l->listener);
    if (l->raw >= 0)
        (void)close(l->raw);
}

static void test_tcp__a_reset_is_a_death(void **state)
{
    tcp_link l = link_up(*state, NULL);
    const struct linger at_once = {1, 0};
    via_msg message;

    assert_int_equal(setsockopt(l.raw, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    (void)close(l.raw);
    l.raw = -1;
    assert_int_equal(via_recv(l.channel, scene_patience(), &message), VIA_EPEER);
    link_down(&l);
}

static int option_of(via_channel *channel, int level, int option)
{
    via_poll_handle handle = {.size = sizeof(handle)};
    int value = -1;
    socklen_t size = sizeof(value);

    assert_int_equal(via_pollable(channel, VIA_READ, &handle), VIA_OK);
    assert_int_equal(getsockopt((int)handle.handle, level, option, &value, &size), 0);
    return value;
}

static void expect_options(via_channel *channel)
{
    assert_int_equal(option_of(channel, IPPROTO_TCP, TCP_NODELAY), 0);
    assert_int_equal(option_of(channel, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option_of(channel, IPPROTO_TCP, TCP_KEEPIDLE), 30);
    assert_int_equal(option_of(channel, IPPROTO_TCP, TCP_KEEPINTVL), 10);
    assert_int_equal(option_of(channel, IPPROTO_TCP, TCP_USER_TIMEOUT), 1500);
    assert_in_range(option_of(channel, SOL_SOCKET, SO_RCVBUF), 16384, 65536);
}

/* At both ends: a listener's options are its connections'. */
static void test_tcp__options_reach_the_socket(void **state)
{
    static const char options[] = "nodelay=false&keepalive=30s&user_timeout=1500ms&receive_buffer=16KiB";
    scene *s = *state;
    via_listener *listener = listen_on(s, options);
    char address[256];
    via_channel *dialer = NULL;

    assert_int_equal(via_listener_address(listener, address, 128), VIA_OK);
    (void)snprintf(address + strlen(address), 120, "?%s", options);
    assert_int_equal(via_dial(s->host, address, NULL, scene_patience(), &dialer, NULL), VIA_OK);
    via_channel *channel = scene_accept(listener);
    expect_options(dialer);
    expect_options(channel);
    via_close(channel);
    via_close(dialer);
    via_listener_close(listener);
}

static void test_tcp__defaults_are_quick(void **state)
{
    tcp_link l = link_up(*state, NULL);

    assert_int_equal(option_of(l.channel, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option_of(l.channel, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option_of(l.channel, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
    link_down(&l);
}

static void test_tcp__other_machines_only_if_told(void **state)
{
    static const char *const open_to_all[] = {"tcp://0.0.0.0:0", "tcp://*:0", "tcp://[::]:0"};
    scene *s = *state;

    for (size_t i = 0; i < 3; i++) {
        via_listener *listener = NULL;
        via_error error;
        assert_int_equal(via_listen(s->host, open_to_all[i], NULL, &listener, &error), VIA_EPERM);
        assert_non_null(strstr(error.mend, "public=true"));
    }
    via_channel *channel = NULL;
    assert_int_equal(via_join(s->host, "tcp://0.0.0.0:0", VIA_PULL, NULL, VIA_NOW, &channel, NULL), VIA_EPERM);
}

static void test_tcp__a_queue_tells_its_port(void **state)
{
    scene *s = *state;
    via_channel_info info = {.size = sizeof(info)};
    via_channel *pull = NULL, *push = NULL;

    assert_int_equal(via_join(s->host, "tcp://127.0.0.1:0", VIA_PULL, NULL, VIA_NOW, &pull, NULL), VIA_OK);
    assert_int_equal(via_info(pull, &info), VIA_OK);
    assert_int_equal(via_join(s->host, info.address, VIA_PUSH, NULL, scene_patience(), &push, NULL), VIA_OK);
    scene_send(push, "job");
    scene_expect(pull, "job");
    via_close(push);
    via_close(pull);
}

static void test_tcp__nobody_there(void **state)
{
    scene *s = *state;
    via_listener *listener = listen_on(s, NULL);
    via_channel *channel = NULL;
    char address[128];
    via_error error;

    assert_int_equal(via_listener_address(listener, address, sizeof(address)), VIA_OK);
    via_listener_close(listener);
    assert_int_equal(via_dial(s->host, address, NULL, via_after_ms(30), &channel, &error), VIA_ENOPEER);
    assert_string_not_equal(error.mend, "");
}

static void expect_bytes(int raw, const char *bytes)
{
    char found[256];
    size_t size = strlen(bytes);

    assert_int_equal(recv(raw, found, size, MSG_WAITALL), size);
    assert_memory_equal(found, bytes, size);
}

static void test_tcp__speaks_lines(void **state)
{
    tcp_link l = link_up(*state, "framing=line");

    scene_raw_send(l.raw, "EHLO\r\nQUIT\n", 11);
    scene_expect(l.channel, "EHLO\r");
    scene_expect(l.channel, "QUIT");
    scene_send(l.channel, "220 hello");
    expect_bytes(l.raw, "220 hello\n");
    assert_int_equal(via_send(l.channel, "two\nlines", 9, NULL, VIA_NOW), VIA_EINVAL);
    link_down(&l);
}

static void test_tcp__speaks_content_length(void **state)
{
    static const char request[] = "Content-Length: 2\r\nContent-Type: x\r\n\r\n{}";
    tcp_link l = link_up(*state, "framing=content-length");

    scene_raw_send(l.raw, request, sizeof(request) - 1);
    scene_expect(l.channel, "{}");
    scene_send(l.channel, "[1]");
    expect_bytes(l.raw, "Content-Length: 3\r\n\r\n[1]");
    link_down(&l);
}

static void test_tcp__speaks_raw(void **state)
{
    tcp_link l = link_up(*state, "framing=raw");
    via_channel_info info = {.size = sizeof(info)};

    scene_raw_send(l.raw, "bytes", 5);
    scene_expect(l.channel, "bytes");
    scene_send(l.channel, "bytes");
    expect_bytes(l.raw, "bytes");
    assert_int_equal(via_info(l.channel, &info), VIA_OK);
    assert_false(info.flags & VIA_INFO_KEEPS_BOUNDARIES);
    link_down(&l);
}

static void test_tcp__a_queue_without_boundaries_is_refused(void **state)
{
    scene *s = *state;
    via_channel *channel = NULL;
    via_error error;

    assert_int_equal(via_join(s->host, "tcp://127.0.0.1:0?framing=raw", VIA_PULL, NULL, VIA_NOW, &channel, &error),
                     VIA_ENOTSUP);
    assert_string_not_equal(error.mend, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tcp__a_reset_is_a_death),
        TEST(test_tcp__options_reach_the_socket),
        TEST(test_tcp__defaults_are_quick),
        TEST(test_tcp__other_machines_only_if_told),
        TEST(test_tcp__a_queue_tells_its_port),
        TEST(test_tcp__nobody_there),
        TEST(test_tcp__speaks_lines),
        TEST(test_tcp__speaks_content_length),
        TEST(test_tcp__speaks_raw),
        TEST(test_tcp__a_queue_without_boundaries_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
