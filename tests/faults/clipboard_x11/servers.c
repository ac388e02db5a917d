/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The display server itself: one that stands still after it was reached, and a connection to it that a forked child inherits.
 *
 * Through libviaduct, as a program does it: deadlines are the channel's promise, not the backend's. The same for X11 and
 * Wayland. usage: PROGRAM backend=x11|backend=wayland VARIABLE (which holds the server's process)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <viaduct/ext/offers.h>
#include <viaduct/viaduct.h>

enum {
    PATIENCE_MS = 20000, /* only a hanging test comes to its end */
    SHORT_MS = 300,      /* a deadline that is to pass */
    DESCRIPTORS = 256    /* that are looked through */
};

static const char *backend, *server_variable;

static via_host *host;

/* ---- channels ----------------------------------------------------------------------------------------------- */

static via_status join(via_deadline deadline, via_channel **channel)
{
    const char *const list[] = {backend, "reply_timeout=500ms", "idle_timeout=500ms", "transfer_timeout=1s"};
    via_open_options options;
    via_error error;

    via_open_options_init(&options);
    options.options = list;
    options.option_count = sizeof(list) / sizeof(list[0]);
    return via_join(host, "clipboard:", VIA_VALUE, &options, deadline, channel, &error);
}

static via_channel *open_clipboard(void)
{
    via_channel *channel = NULL;

    assert_int_equal(join(via_after_ms(PATIENCE_MS), &channel), VIA_OK);
    return channel;
}

static void copy_text(via_channel *channel, const char *text)
{
    assert_int_equal(via_send(channel, text, strlen(text), NULL, via_after_ms(PATIENCE_MS)), VIA_OK);
}

static void expect_text(via_channel *channel, const char *text)
{
    via_msg message;

    assert_int_equal(via_offers_receive(channel, NULL, via_after_ms(PATIENCE_MS), &message), VIA_OK);
    assert_int_equal(message.size, strlen(text));
    assert_memory_equal(message.data, text, message.size);
    via_release(channel, &message);
}

/* ---- the server stands still --------------------------------------------------------------------------------- */

static pid_t server(void)
{
    const char *number = getenv(server_variable); // NOLINT(concurrency-mt-unsafe): nobody writes variables

    assert_non_null(number);
    return (pid_t)strtol(number ? number : "0", NULL, 10);
}

/* proc(5): the state follows the name, which may have any character. */
static bool is_stopped(void)
{
    char path[32], text[256];

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)server());
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    const size_t size = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    text[size] = '\0';
    const char *name_end = strrchr(text, ')');
    return name_end && strncmp(name_end, ") T", 3) == 0;
}

/* It may be in the middle of an answer when the signal is sent. */
static void freeze(void)
{
    const uint64_t began = via_now_ns();

    assert_int_equal(kill(server(), SIGSTOP), 0);
    while (!is_stopped()) {
        assert_true(via_now_ns() - began < (uint64_t)PATIENCE_MS * 1000000);
        (void)sched_yield();
    }
}

static void thaw(void)
{
    assert_int_equal(kill(server(), SIGCONT), 0);
}

static int thaw_at_the_end(void **state)
{
    (void)state;
    return kill(server(), SIGCONT);
}

static void expect_soon(uint64_t since_ns)
{
    assert_true(via_now_ns() - since_ns < (uint64_t)PATIENCE_MS / 2 * 1000000);
}

/* Whatever is asked of it ends when it was said to end; and all goes on when the server does. */
static void test_server__stands_still_after_it_was_reached(void **state)
{
    via_channel *owner = open_clipboard(), *reader = open_clipboard();
    via_msg message;
    uint64_t generation = 0, undelivered;
    size_t needed;

    (void)state;
    copy_text(owner, "before");
    expect_text(reader, "before");
    assert_int_equal(via_offers_wait(reader, &generation, via_after_ms(PATIENCE_MS)), VIA_OK);
    freeze();
    const uint64_t began = via_now_ns();
    assert_int_not_equal(via_offers_receive(reader, NULL, via_after_ms(SHORT_MS), &message), VIA_OK);
    assert_int_not_equal(via_offers_types(reader, NULL, 0, &needed, via_after_ms(SHORT_MS)), VIA_OK);
    assert_int_equal(via_offers_wait(reader, &generation, via_after_ms(SHORT_MS)), VIA_ETIMEDOUT);
    assert_int_equal(via_send(owner, "after", 5, NULL, via_after_ms(SHORT_MS)), VIA_OK); /* accepted */
    assert_int_equal(via_flush(owner, via_after_ms(SHORT_MS)), VIA_ETIMEDOUT);
    assert_int_equal(via_drain(owner, via_after_ms(SHORT_MS), &undelivered), VIA_ETIMEDOUT);
    expect_soon(began);
    thaw();
    assert_int_equal(via_flush(owner, via_after_ms(PATIENCE_MS)), VIA_OK);
    expect_text(reader, "after");
    via_close(owner);
    via_close(reader);
}

static void test_server__stands_still_when_a_channel_closes(void **state)
{
    via_channel *owner = open_clipboard(), *reader = open_clipboard();

    (void)state;
    copy_text(owner, "before");
    freeze();
    const uint64_t began = via_now_ns();
    via_close(owner);
    via_close(reader);
    expect_soon(began);
    thaw();
    via_close(open_clipboard());
}

static bool is_display(const struct sockaddr_un *peer)
{
    const char *path = getenv("WAYLAND_DISPLAY"); // NOLINT(concurrency-mt-unsafe): nobody writes variables

    if (strcmp(backend, "backend=x11") == 0)
        path = "/tmp/.X11-unix/";
    return path && strstr(peer->sun_path + !peer->sun_path[0], path) != NULL; /* with or without a file (unix(7)) */
}

/* Our end of the connection to the server, while one channel is open; -1 = there is none. */
static int connection(void)
{
    struct sockaddr_un peer;

    for (int at = 3; at < DESCRIPTORS; at++) {
        socklen_t size = sizeof(peer);
        memset(&peer, 0, sizeof(peer));
        if (getpeername(at, (struct sockaddr *)&peer, &size) == 0 && peer.sun_family == AF_UNIX && is_display(&peer))
            return at;
    }
    return -1;
}

/* Asks for more than a server that stands still can be sent; the last question is not sent whole. */
static void fill_connection(via_channel *channel)
{
    struct pollfd socket = {.fd = connection(), .events = POLLOUT};
    size_t needed;

    assert_true(socket.fd >= 0);
    const uint64_t began = via_now_ns();
    while (poll(&socket, 1, 0) != 0) {
        assert_int_equal(via_offers_types(channel, NULL, 0, &needed, via_after_ms(1)), VIA_ETIMEDOUT);
        assert_true(via_now_ns() - began < (uint64_t)PATIENCE_MS * 1000000);
    }
    assert_int_equal(via_offers_types(channel, NULL, 0, &needed, via_after_ms(SHORT_MS)), VIA_ETIMEDOUT);
}

/* Who writes to it then may wait, inside of libxcb: that is not for ever, and keeps nobody else. */
static void test_server__stands_still_and_takes_no_more(void **state)
{
    via_channel *owner = open_clipboard();

    (void)state;
    copy_text(owner, "before");
    freeze();
    fill_connection(owner);
    const uint64_t began = via_now_ns();
    assert_int_equal(via_send(owner, "after", 5, NULL, via_after_ms(SHORT_MS)), VIA_OK); /* accepted */
    assert_int_equal(via_flush(owner, via_after_ms(SHORT_MS)), VIA_ETIMEDOUT);
    via_close(owner);
    expect_soon(began);
    thaw();
    via_close(open_clipboard());
}

/* What was asked of it meanwhile is not lost. */
static void test_server__goes_on_after_it_took_no_more(void **state)
{
    via_channel *owner = open_clipboard();

    (void)state;
    copy_text(owner, "before");
    freeze();
    fill_connection(owner);
    assert_int_equal(via_send(owner, "after", 5, NULL, via_after_ms(SHORT_MS)), VIA_OK); /* accepted */
    thaw();
    assert_int_equal(via_flush(owner, via_after_ms(PATIENCE_MS)), VIA_OK);
    expect_text(owner, "after");
    via_close(owner);
}

static void test_server__stands_still_when_it_is_to_be_reached(void **state)
{
    via_channel *channel = NULL;

    (void)state;
    freeze();
    const uint64_t began = via_now_ns();
    assert_int_not_equal(join(via_after_ms(SHORT_MS), &channel), VIA_OK);
    assert_null(channel);
    expect_soon(began);
    thaw();
    via_close(open_clipboard());
}

/* ---- forks -------------------------------------------------------------------------------------------------- */

/* What a child closes is its copy: the connection, the ownership and what is read through it stay the parent's. */
static void test_fork__closes_what_is_the_parents(void **state)
{
    via_channel *owner = open_clipboard(), *reader = open_clipboard();
    int how;

    (void)state;
    copy_text(owner, "the parent's");
    for (int i = 0; i < 5; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            via_status status = via_send(owner, "x", 1, NULL, via_after_ms(PATIENCE_MS));
            via_close(owner);
            via_close(reader);
            via_host_close(host);
            _exit(status == VIA_EFORK ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFEXITED(how));
        assert_int_equal(WEXITSTATUS(how), 0);
        expect_text(reader, "the parent's");
    }
    copy_text(owner, "still the parent's");
    expect_text(reader, "still the parent's");
    via_close(owner);
    via_close(reader);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_server__stands_still_after_it_was_reached, thaw_at_the_end),
        cmocka_unit_test_teardown(test_server__stands_still_when_a_channel_closes, thaw_at_the_end),
        cmocka_unit_test_teardown(test_server__stands_still_and_takes_no_more, thaw_at_the_end),
        cmocka_unit_test_teardown(test_server__goes_on_after_it_took_no_more, thaw_at_the_end),
        cmocka_unit_test_teardown(test_server__stands_still_when_it_is_to_be_reached, thaw_at_the_end),
        cmocka_unit_test(test_fork__closes_what_is_the_parents),
    };
    via_error error;

    if (count != 3 || via_host_open(NULL, &host, &error) != VIA_OK)
        return 1;
    backend = arguments[1];
    server_variable = arguments[2];
    int failed = cmocka_run_group_tests_name(backend, tests, NULL, NULL);
    via_host_close(host);
    return failed;
}
