/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways to send a message. Owns: addresses and opening; knows no fault.
 */
#include "ways.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const via_way ways[] = {
    {"unix_pair", "unix", VIA_PAIR, false},    {"unix_queue", "unix", VIA_PUSH, false},
    {"unix_topic", "unix", VIA_PUBLISH, true}, {"tcp_pair", "tcp", VIA_PAIR, false},
    {"tcp_queue", "tcp", VIA_PUSH, false},     {"tcp_topic", "tcp", VIA_PUBLISH, true},
    {"pipe_pair", "pipe", VIA_PAIR, false},    {"pipe_queue", "pipe", VIA_PUSH, false},
    {"mq_pair", "mq", VIA_PAIR, false},        {"mq_queue", "mq", VIA_PUSH, false},
    {"shm_pair", "shm", VIA_PAIR, false},      {"shm_topic", "shm", VIA_PUBLISH, true},
};

static via_host *host; /* of via_way_open() */

static unsigned free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(descriptor >= 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)&address, &size), 0);
    (void)close(descriptor);
    return ntohs(address.sin_port);
}

void via_way_address(const via_way *way, char *buffer, size_t capacity)
{
    static unsigned count;

    if (strcmp(way->scheme, "tcp") == 0)
        (void)snprintf(buffer, capacity, "tcp://127.0.0.1:%u", free_port());
    else
        (void)snprintf(buffer, capacity, "%s:fault-%d-%u", way->scheme, (int)getpid(), count++);
}

const via_open_options *via_way_options(const via_way *way)
{
    static via_open_options options;

    via_open_options_init(&options);
    if (getenv("FAULT_LAYERS"))
        options.layers = way->sender == VIA_PUBLISH ? "pass,thin" : "pass,flip";
    return &options;
}

via_status via_way_open_sender(const via_way *way, via_ends *ends, via_error *error)
{
    via_deadline deadline = via_after_ms(VIA_WAY_PATIENCE_MS);

    if (way->sender == VIA_PAIR)
        return via_dial(ends->host, ends->address, via_way_options(way), deadline, &ends->sender, error);
    return via_join(ends->host, ends->address, way->sender, via_way_options(way), deadline, &ends->sender, error);
}

via_status via_way_open_receiver(const via_way *way, via_ends *ends, via_error *error)
{
    via_deadline deadline = via_after_ms(VIA_WAY_PATIENCE_MS);
    via_status status = VIA_OK;

    if (way->sender == VIA_PAIR) {
        if (!ends->listener)
            status = via_listen(ends->host, ends->address, via_way_options(way), &ends->listener, error);
        return status == VIA_OK ? via_accept(ends->listener, deadline, &ends->receiver, error) : status;
    }
    return via_join(ends->host, ends->address, way->sender == VIA_PUSH ? VIA_PULL : VIA_SUBSCRIBE, via_way_options(way),
                    deadline, &ends->receiver, error);
}

static void require(via_status status, const char *doing, const via_error *error)
{
    if (status != VIA_OK)
        fail_msg("%s: %s: %s %s", doing, via_status_name(status), error->what, error->mend);
}

void via_way_open(const via_way *way, via_ends *ends)
{
    via_error error;

    *ends = (via_ends){.host = host};
    via_error_init(&error);
    via_way_address(way, ends->address, sizeof ends->address);
    if (way->sender == VIA_PAIR)
        require(via_listen(ends->host, ends->address, via_way_options(way), &ends->listener, &error), "listen", &error);
    if (way->sender == VIA_PAIR || way->sender_binds) {
        require(via_way_open_sender(way, ends, &error), "open the sender", &error);
        require(via_way_open_receiver(way, ends, &error), "open the receiver", &error);
    } else {
        require(via_way_open_receiver(way, ends, &error), "open the receiver", &error);
        require(via_way_open_sender(way, ends, &error), "open the sender", &error);
    }
    via_way_exchange(ends, "hello");
}

void via_way_close(via_ends *ends)
{
    via_close(ends->sender);
    via_close(ends->receiver);
    via_listener_close(ends->listener);
    *ends = (via_ends){.host = ends->host};
}

void via_way_exchange(via_ends *ends, const char *text)
{
    via_deadline deadline = via_after_ms(VIA_WAY_PATIENCE_MS);
    via_msg message;

    assert_int_equal(via_send(ends->sender, text, strlen(text), NULL, deadline), VIA_OK);
    assert_int_equal(via_recv(ends->receiver, deadline, &message), VIA_OK);
    assert_int_equal(message.size, strlen(text));
    assert_memory_equal(message.data, text, message.size);
    via_release(ends->receiver, &message);
}

void via_way_reap(pid_t child)
{
    int status = -1;

    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the child ended with wait status %#x", (unsigned)status);
}

static int open_host(void **state)
{
    (void)state;
    return via_host_open(NULL, &host, NULL) == VIA_OK ? 0 : -1;
}

static int close_host(void **state)
{
    (void)state;
    via_host_close(host);
    return 0;
}

int via_ways_run(const char *name, void (*test)(void **state))
{
    enum { COUNT = sizeof ways / sizeof *ways };
    struct CMUnitTest tests[COUNT];
    static char names[COUNT][96];

    for (size_t i = 0; i < COUNT; i++) {
        (void)snprintf(names[i], sizeof names[i], "test_%s__%s", name, ways[i].name);
        tests[i] = (struct CMUnitTest){names[i], test, NULL, NULL, (void *)(uintptr_t)&ways[i]};
    }
    return _cmocka_run_group_tests(name, tests, COUNT, open_host, close_host);
}
