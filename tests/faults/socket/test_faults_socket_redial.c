/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pair that dials again, and a server that is killed and comes back under the same name.
 */
#include "scene.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define FIELD(name) offsetof(via_counters, name)

enum { LARGE = 32 << 20, TCP_PORT = 7000, KILLS = 3, LETTERS = 500 };

/* ---- the server --------------------------------------------------------------------------------------------- */

typedef struct server {
    pid_t pid;
    atomic_uint_fast64_t *received; /* messages, all servers together; shared with them */
} server;

static server present; /* of the test that runs */

/* Says hello; then gives back what comes, as far as there is room. "bye": closes; "flood": begins a message without end. */
static void talk(via_channel *channel, server *s)
{
    via_msg message;

    (void)!via_send(channel, "hello", 5, NULL, VIA_FOREVER);
    while (via_recv(channel, VIA_FOREVER, &message) == VIA_OK) {
        bool bye = message.size == 3, flood = message.size == 5 && memcmp(message.data, "flood", 5) == 0;
        atomic_fetch_add(s->received, 1);
        if (!bye && !flood)
            (void)!via_send(channel, message.data, message.size, NULL, VIA_NOW);
        via_release(channel, &message);
        if (flood)
            (void)!via_send(channel, calloc(1, LARGE), LARGE, NULL, VIA_FOREVER);
        if (bye)
            break;
    }
    via_close(channel);
}

static void serve(const scene *there, server *s, int ready)
{
    via_listener *listener = NULL;
    via_channel *channel = NULL;

    if (via_listen(NULL, there->address, NULL, &listener, NULL) != VIA_OK || write(ready, "r", 1) != 1)
        _exit(2);
    while (via_accept(listener, VIA_FOREVER, &channel, NULL) == VIA_OK)
        talk(channel, s);
    _exit(3);
}

static void start(scene *there, server *s)
{
    int ready[2];
    char byte;

    assert_int_equal(pipe(ready), 0);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(there, s, ready[1]);
    }
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
}

static void stop(server *s)
{
    assert_int_equal(kill(s->pid, SIGKILL), 0);
    assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
    s->pid = 0;
}

/* ---- the dialer --------------------------------------------------------------------------------------------- */

static int unix_open(void **state)
{
    present.received = mmap(NULL, sizeof(*present.received), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(present.received, MAP_FAILED);
    return scene_open(state);
}

/* An address of our own, so that nobody takes the port while the server is away. */
static int tcp_open(void **state)
{
    int status = unix_open(state);
    scene *s = *state;
    unsigned id = (unsigned)getpid();

    (void)snprintf(s->address, sizeof(s->address), "tcp://127.%u.%u.%u:%d", 1 + (id >> 16) % 250, (id >> 8) & 255,
                   1 + (id & 255) % 250, TCP_PORT);
    return status;
}

/* Also after a failure: the next test wants the port. */
static int close_all(void **state)
{
    if (present.pid > 0)
        stop(&present);
    (void)munmap((void *)present.received, sizeof(*present.received));
    return scene_close(state);
}

static via_channel *dial(scene *there)
{
    via_channel *channel = scene_dial(there, "redial=true&reconnect=1ms");

    scene_expect(channel, "hello");
    return channel;
}

static void ask(via_channel *channel, const char *text)
{
    scene_send(channel, text);
    scene_expect(channel, text);
}

static int handle_of(via_channel *channel, uint32_t event)
{
    via_poll_handle handle = {.size = sizeof(handle)};

    assert_int_equal(via_pollable(channel, event, &handle), VIA_OK);
    return (int)handle.handle;
}

static via_counters stats(via_channel *channel)
{
    via_counters counters = {.size = sizeof(counters)};

    assert_int_equal(via_stats(channel, &counters), VIA_OK);
    return counters;
}

static void expect_peer(const scene *there, via_channel *channel)
{
    via_peer_info info = {.size = sizeof(info)};

    assert_int_equal(via_peer(channel, &info), VIA_OK);
    if (there->address[0] == 'u')
        assert_int_equal(info.pid, present.pid);
}

/* ---- tests -------------------------------------------------------------------------------------------------- */

static void test_redial__goes_on_with_whoever_comes_back(void **state)
{
    scene *there = *state;
    via_channel_info info = {.size = sizeof(info)};
    via_peer_info nobody = {.size = sizeof(nobody)};
    via_error error;

    start(there, &present);
    via_channel *channel = dial(there);
    int readable = handle_of(channel, VIA_READ), writable = handle_of(channel, VIA_WRITE);
    assert_int_equal(via_info(channel, &info), VIA_OK);
    assert_true(info.flags & VIA_INFO_REDIALS);
    for (uint64_t round = 1; round <= 2; round++) {
        ask(channel, "before");
        expect_peer(there, channel);
        stop(&present);
        scene_wait_counter(channel, FIELD(disconnects), round);
        assert_int_equal(via_peer(channel, &nobody), VIA_ENOPEER);
        assert_int_equal(via_send(channel, "x", 1, NULL, VIA_NOW), VIA_ETIMEDOUT);
        assert_int_equal(via_send(channel, "x", 1, NULL, via_after_ms(20)), VIA_ETIMEDOUT);
        start(there, &present);
        scene_expect(channel, "hello"); /* a receive alone brings the connection back */
    }
    ask(channel, "after");
    assert_int_equal(stats(channel).connects, 3);
    assert_int_equal(handle_of(channel, VIA_READ), readable);
    assert_int_equal(handle_of(channel, VIA_WRITE), writable);
    assert_int_equal(via_failure(channel, &error), VIA_ENOENT);
    via_close(channel);
}

static void test_redial__a_send_waits_for_the_next_server(void **state)
{
    scene *there = *state;

    start(there, &present);
    via_channel *channel = dial(there);
    stop(&present);
    scene_wait_counter(channel, FIELD(disconnects), 1);
    start(there, &present);
    scene_send(channel, "made it");
    scene_expect(channel, "hello");
    scene_expect(channel, "made it");
    via_close(channel);
}

static void test_redial__an_orderly_end_is_a_loss_like_any_other(void **state)
{
    scene *there = *state;

    start(there, &present);
    via_channel *channel = dial(there);
    for (int i = 0; i < 3; i++) {
        scene_send(channel, "bye");
        scene_expect(channel, "hello");
    }
    assert_int_equal(stats(channel).disconnects, 3);
    via_close(channel);
}

static void test_redial__half_a_message_is_dropped_whole(void **state)
{
    scene *there = *state;

    start(there, &present);
    via_channel *channel = dial(there);
    struct pollfd input = {.fd = handle_of(channel, VIA_READ), .events = POLLIN};
    scene_send(channel, "flood");
    assert_int_equal(poll(&input, 1, 20000), 1);
    stop(&present);
    start(there, &present);
    scene_expect(channel, "hello");
    ask(channel, "whole");
    via_close(channel);
}

static void test_redial__a_waitset_hears_of_the_next_server(void **state)
{
    scene *there = *state;
    via_waitset *set = NULL;
    via_ready ready;
    size_t count = 0;

    start(there, &present);
    via_channel *channel = dial(there);
    assert_int_equal(via_waitset_create(&set, NULL), VIA_OK);
    assert_int_equal(via_waitset_add(set, channel, VIA_READ, NULL), VIA_OK);
    for (int i = 0; i < 2; i++) {
        stop(&present);
        while (stats(channel).peers > 0) /* an end is nothing to receive */
            assert_int_equal(via_waitset_wait(set, &ready, 1, &count, via_after_ms(20)), VIA_ETIMEDOUT);
        start(there, &present);
        assert_int_equal(via_waitset_wait(set, &ready, 1, &count, scene_patience()), VIA_OK);
        assert_int_equal(ready.events, VIA_READ);
        scene_expect(channel, "hello");
    }
    assert_int_equal(via_waitset_add(set, channel, VIA_WRITE, NULL), VIA_OK);
    stop(&present);
    scene_wait_counter(channel, FIELD(disconnects), 3);
    assert_int_equal(via_waitset_wait(set, &ready, 1, &count, via_after_ms(20)), VIA_ETIMEDOUT);
    start(there, &present);
    assert_int_equal(via_waitset_wait(set, &ready, 1, &count, scene_patience()), VIA_OK);
    assert_int_equal(ready.events, VIA_WRITE);
    assert_int_equal(via_send(channel, "x", 1, NULL, VIA_NOW), VIA_OK);
    via_waitset_destroy(set);
    via_close(channel);
}

/* ---- threads ------------------------------------------------------------------------------------------------ */

static void *send_blocked(void *user)
{
    return (void *)(intptr_t)via_send(user, "x", 1, NULL, VIA_FOREVER);
}

static void *receive_blocked(void *user)
{
    via_msg message;

    return (void *)(intptr_t)via_recv(user, VIA_FOREVER, &message);
}

static void test_redial__an_interrupt_ends_the_waiting(void **state)
{
    scene *there = *state;
    pthread_t threads[2];
    void *status[2];

    start(there, &present);
    via_channel *channel = dial(there);
    stop(&present);
    scene_wait_counter(channel, FIELD(disconnects), 1);
    assert_int_equal(pthread_create(&threads[0], NULL, send_blocked, channel), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, receive_blocked, channel), 0);
    (void)poll(NULL, 0, 5); /* asleep by now, or not: both must end */
    via_interrupt(channel);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], &status[i]), 0);
        assert_int_equal((intptr_t)status[i], VIA_ECANCELED);
    }
    via_close(channel);
}

typedef struct post {
    via_channel *channel;
    via_status status;
    atomic_bool is_over;
} post;

static void *send_numbers(void *user)
{
    post *p = user;

    for (uint32_t i = 1; p->status == VIA_OK && !atomic_load(&p->is_over); i++)
        p->status = via_send(p->channel, &i, sizeof(i), NULL, scene_patience());
    return NULL;
}

/* Numbers may be missing, but neither repeated nor out of order. True: it was none, but the next server's hello. */
static bool take_number(via_channel *channel, uint32_t *last)
{
    via_msg message;
    uint32_t number = 0;

    assert_int_equal(via_recv(channel, scene_patience(), &message), VIA_OK);
    bool is_hello = message.size != sizeof(number);
    if (!is_hello) {
        memcpy(&number, message.data, sizeof(number));
        assert_true(number > *last);
        *last = number;
    }
    via_release(channel, &message);
    return is_hello;
}

static void test_redial__two_threads_survive_kills_without_a_double(void **state)
{
    scene *there = *state;
    pthread_t sender;
    uint32_t last = 0;

    start(there, &present);
    post p = {.channel = dial(there), .status = VIA_OK};
    assert_int_equal(pthread_create(&sender, NULL, send_numbers, &p), 0);
    for (int i = 0; i < KILLS; i++) {
        for (int j = 0; j < LETTERS; j++)
            assert_false(take_number(p.channel, &last));
        stop(&present);
        start(there, &present);
        while (!take_number(p.channel, &last)) /* what the killed one said comes first */
            continue;
    }
    atomic_store(&p.is_over, true);
    assert_int_equal(pthread_join(sender, NULL), 0);
    assert_int_equal(p.status, VIA_OK);
    assert_true(stats(p.channel).disconnects >= KILLS); /* a dying server may take one more in */
    via_close(p.channel);
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

/* What it has not received itself does not cost what it has sent. */
static void test_redial__close_hands_over_what_was_accepted(void **state)
{
    static const char body[1000];
    scene *there = *state;
    via_deadline end;

    start(there, &present);
    via_channel *channel = dial(there);
    for (int i = 0; i < LETTERS; i++)
        assert_int_equal(via_send(channel, body, sizeof(body), NULL, scene_patience()), VIA_OK);
    via_close(channel);
    end = scene_patience();
    while (atomic_load(present.received) < LETTERS && via_now_ns() < end)
        (void)poll(NULL, 0, 1);
    assert_int_equal(atomic_load(present.received), LETTERS);
}

static void expect_refusal(const scene *there, const char *options, via_status status, const char *word)
{
    char address[256];
    via_channel *channel = NULL;
    via_error error;

    (void)snprintf(address, sizeof(address), "%s?%s", there->address, options);
    assert_int_equal(via_dial(there->host, address, NULL, VIA_NOW, &channel, &error), status);
    assert_non_null(strstr(error.what, word));
    assert_string_not_equal(error.mend, "");
}

static void test_redial__refuses_what_does_not_go_with_it(void **state)
{
    scene *there = *state;

    expect_refusal(there, "redial=true&framing=raw", VIA_ENOTSUP, "framing=raw");
    expect_refusal(there, "reconnect=1s", VIA_EINVAL, "reconnect");
    if (there->address[0] == 'u')
        expect_refusal(there, "redial=true&handles=true", VIA_ENOTSUP, "handles=true");
    expect_refusal(there, "redial=true", VIA_ENOPEER, "nobody");
}

#define BOTH(test)                                                                                                     \
    {"unix: " #test, test, unix_open, close_all, NULL},                                                                \
    {                                                                                                                  \
        "tcp: " #test, test, tcp_open, close_all, NULL                                                                 \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_redial__goes_on_with_whoever_comes_back),
        BOTH(test_redial__a_send_waits_for_the_next_server),
        BOTH(test_redial__an_orderly_end_is_a_loss_like_any_other),
        BOTH(test_redial__half_a_message_is_dropped_whole),
        BOTH(test_redial__a_waitset_hears_of_the_next_server),
        BOTH(test_redial__an_interrupt_ends_the_waiting),
        BOTH(test_redial__two_threads_survive_kills_without_a_double),
        BOTH(test_redial__close_hands_over_what_was_accepted),
        BOTH(test_redial__refuses_what_does_not_go_with_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
