/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading from owners of every kind: each ends in a status of its own, on time, and never in a part of a content.
 */
#include "compositor.h"

#include "kit/deadline.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const one_type[] = {"application/x-test"};

enum { MAX_SIZE = 1 << 20 };

/* What the owner of this test does. */
typedef struct plan {
    size_t size; /* bytes that it writes first */
    enum { CLOSES, EXITS, IS_KILLED, STOPS, GOES_ON, SENDS_DESCRIPTORS } then;
    pid_t pid; /* of the last owner */
    bool is_reaped;
    int kept; /* the descriptor, for STOPS; -1 */
} plan;

static void write_all(int descriptor, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t moved = write(descriptor, bytes, size);

        if (moved <= 0)
            _exit(3);
        bytes += moved;
        size -= (size_t)moved;
    }
}

/* Hands over a descriptor that nobody asked for. */
static void send_descriptor(int through)
{
    char control[CMSG_SPACE(sizeof(int))] = {0};
    char byte = 'x';
    struct iovec piece = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *item = CMSG_FIRSTHDR(&message);

    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(item), &through, sizeof(int));
    if (sendmsg(through, &message, 0) != 1)
        _exit(4);
}

static void be_owner(const plan *self, int descriptor)
{
    uint8_t *bytes = driver_bytes(self->size, 1);

    signal(SIGPIPE, SIG_IGN);
    if (descriptor > 3) /* the reader's end is the parent's only */
        (void)close_range(3, (unsigned)descriptor - 1, 0);
    (void)close_range((unsigned)descriptor + 1, ~0u, 0);
    write_all(descriptor, bytes, self->size);
    if (self->then == GOES_ON)
        for (;;)
            write_all(descriptor, bytes, self->size);
    if (self->then == SENDS_DESCRIPTORS)
        send_descriptor(descriptor);
    if (self->then == IS_KILLED)
        raise(SIGKILL);
    if (self->then == CLOSES)
        close(descriptor);
    _exit(0);
}

/* Each question is answered by a process of its own, as a real owner is one. */
static void answer(void *data, const char *type, int descriptor)
{
    plan *self = data;

    (void)type;
    if (self->then == STOPS) {
        uint8_t *bytes = driver_bytes(self->size, 1);
        write_all(descriptor, bytes, self->size);
        free(bytes);
        self->kept = descriptor;
        return;
    }
    self->pid = fork();
    assert_true(self->pid >= 0);
    if (self->pid == 0)
        be_owner(self, descriptor);
    close(descriptor);
    if (self->is_reaped)
        assert_int_equal(waitpid(self->pid, NULL, 0), self->pid);
}

static void reap(plan *self)
{
    if (self->pid > 0 && !self->is_reaped)
        assert_int_equal(waitpid(self->pid, NULL, 0), self->pid);
    if (self->kept >= 0)
        close(self->kept);
    *self = (plan){.kept = -1};
}

typedef struct fixture {
    compositor server;
    driver client;
    plan plan;
} fixture;

static int start(void **state)
{
    fixture *it = calloc(1, sizeof(*it));

    it->plan.kept = -1;
    compositor_init(&it->server, (compositor_manners){.seats = 1});
    driver_init(&it->client, &clip_wayland);
    it->client.settings.max_size = MAX_SIZE;
    it->client.settings.reply_ns = UINT64_C(20000000000); /* a busy machine is no stalled owner */
    it->client.settings.idle_ns = UINT64_C(20000000000);
    *state = it;
    return 0;
}

static int stop(void **state)
{
    fixture *it = *state;

    driver_close(&it->client);
    compositor_fini(&it->server);
    reap(&it->plan);
    free(it);
    return 0;
}

static void own(fixture *it)
{
    compositor_own(&it->server, COMPOSITOR_CLIPBOARD, one_type, 1, answer, &it->plan);
    driver_await(&it->client, DRIVER_CHANGED, 0);
}

static void expect_bytes(const driver_event *end, size_t size)
{
    uint8_t *bytes = driver_bytes(size, 1);

    assert_int_equal(end->status, VIA_OK);
    assert_int_equal(end->bytes.size, size);
    if (size > 0)
        assert_memory_equal(end->bytes.data, bytes, size);
    free(bytes);
}

static void test_wayland_fetch__sizes_up_to_the_limit(void **state)
{
    static const size_t sizes[] = {0, 1, 4095, 4096, 65536, 262143, 262144, 262145, MAX_SIZE - 1, MAX_SIZE};
    fixture *it = *state;

    compositor_open(&it->server, &it->client, &clip_wayland, "clipboard");
    own(it);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        it->plan.size = sizes[i];
        it->plan.then = i % 2 ? CLOSES : EXITS;
        expect_bytes(driver_fetch(&it->client, i + 1, one_type[0]), sizes[i]);
        assert_int_equal(waitpid(it->plan.pid, NULL, 0), it->plan.pid);
        it->plan.pid = 0;
    }
}

/* One that writes what it has and ends at once is not one that died: also not when the clipboard is empty by then. */
static void test_wayland_fetch__owner_that_ends_after_one_reader(void **state)
{
    static const size_t sizes[] = {1, 100000, MAX_SIZE};
    fixture *it = *state;

    compositor_open(&it->server, &it->client, &clip_wayland, "clipboard");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        it->plan.size = sizes[i];
        it->plan.then = EXITS;
        own(it);
        it->client.backend->fetch(it->client.self, i + 1, one_type[0]);
        while (it->server.receives < i + 1)
            driver_turn(VIA_NOW);
        compositor_clear(&it->server, COMPOSITOR_CLIPBOARD);
        assert_int_equal(driver_await(&it->client, DRIVER_CHANGED, 0)->count, 0);
        expect_bytes(driver_await(&it->client, DRIVER_FETCHED, i + 1), sizes[i]);
        reap(&it->plan);
    }
}

static void test_wayland_fetch__owner_killed_in_the_middle(void **state)
{
    static const size_t sizes[] = {1, 1000, 65536, 500000};
    fixture *it = *state;

    compositor_open(&it->server, &it->client, &clip_wayland, "clipboard");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        it->plan.size = sizes[i];
        it->plan.then = IS_KILLED;
        own(it);
        assert_int_equal(driver_fetch(&it->client, i + 1, one_type[0])->status, VIA_EPEER);
        reap(&it->plan);
    }
}

/* Does this kernel tell how a process has ended that was reaped (Linux 6.15)? */
static bool can_tell_of_the_reaped(void)
{
    struct {
        uint64_t mask;
        uint8_t rest[56];
    } facts = {.mask = 8};
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(0);
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    bool can = pidfd >= 0 && ioctl(pidfd, _IOC(_IOC_READ | _IOC_WRITE, 0xFF, 11, sizeof(facts)), &facts) == 0 &&
               (facts.mask & 8);
    if (pidfd >= 0)
        close(pidfd);
    return can;
}

/* Killed and reaped before anything was read: an older kernel does not know any more, and what was written counts. */
static void test_wayland_fetch__owner_killed_and_reaped(void **state)
{
    const via_status expected = can_tell_of_the_reaped() ? VIA_EPEER : VIA_OK;
    fixture *it = *state;

    compositor_open(&it->server, &it->client, &clip_wayland, "clipboard");
    it->plan = (plan){.size = 1000, .then = IS_KILLED, .is_reaped = true, .kept = -1};
    own(it);
    assert_int_equal(driver_fetch(&it->client, 1, one_type[0])->status, expected);
    it->plan = (plan){.size = 1000, .then = EXITS, .is_reaped = true, .kept = -1};
    expect_bytes(driver_fetch(&it->client, 2, one_type[0]), 1000);
}

/* Nothing was written, and the clipboard is empty before the compositor can be asked about it. */
static void test_wayland_fetch__owner_killed_before_it_began(void **state)
{
    fixture *it = *state;

    compositor_open(&it->server, &it->client, &clip_wayland, "clipboard");
    it->plan.then = STOPS;
    own(it);
    it->client.backend->fetch(it->client.self, 1, one_type[0]);
    while (it->plan.kept < 0)
        driver_turn(VIA_NOW);
    compositor_clear(&it->server, COMPOSITOR_CLIPBOARD);
    close(it->plan.kept);
    it->plan.kept = -1;
    assert_int_equal(driver_await(&it->client, DRIVER_FETCHED, 1)->status, VIA_EPEER);
}

static void test_wayland_fetch__owner_that_does_not_begin_or_go_on(void **state)
{
    static const size_t sizes[] = {0, 1, 70000};
    fixture *it = *state;

    it->client.settings.reply_ns = UINT64_C(200000000);
    it->client.settings.idle_ns = UINT64_C(300000000);
    compositor_open(&it->server, &it->client, &clip_wayland, "clipboard");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const uint64_t begin = via_deadline_clock();

        it->plan.size = sizes[i];
        it->plan.then = STOPS;
        own(it);
        assert_int_equal(driver_fetch(&it->client, i + 1, one_type[0])->status, VIA_ESTALLED);
        const uint64_t took = via_deadline_clock() - begin;
        assert_true(took >= it->client.settings.reply_ns);
        assert_true(took < UINT64_C(10000000000)); /* on time: a bound for a busy machine */
        reap(&it->plan);
    }
}

static void test_wayland_fetch__owner_without_end(void **state)
{
    fixture *it = *state;

    compositor_open(&it->server, &it->client, &clip_wayland, "clipboard");
    it->plan.size = 100000;
    it->plan.then = GOES_ON;
    own(it);
    assert_int_equal(driver_fetch(&it->client, 1, one_type[0])->status, VIA_ETOOBIG);
    int status; /* the descriptor is closed, so it ends */
    assert_int_equal(waitpid(it->plan.pid, &status, 0), it->plan.pid);
    it->plan.pid = 0;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

static void test_wayland_fetch__one_byte_too_many(void **state)
{
    fixture *it = *state;

    compositor_open(&it->server, &it->client, &clip_wayland, "clipboard");
    it->plan.size = MAX_SIZE + 1;
    it->plan.then = CLOSES;
    own(it);
    assert_int_equal(driver_fetch(&it->client, 1, one_type[0])->status, VIA_ETOOBIG);
}

static void test_wayland_fetch__replaced_in_the_middle(void **state)
{
    fixture *it = *state;

    compositor_open(&it->server, &it->client, &clip_wayland, "clipboard");
    it->plan.size = 1000;
    it->plan.then = STOPS;
    own(it);
    it->client.backend->fetch(it->client.self, 1, one_type[0]);
    while (it->plan.kept < 0)
        driver_turn(VIA_NOW);
    own(it);
    assert_int_equal(driver_await(&it->client, DRIVER_FETCHED, 1)->status, VIA_EREVOKED);
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;

    for (int descriptor = 0; descriptor < 1024; descriptor++)
        count += fcntl(descriptor, F_GETFD) >= 0;
    return count;
}

static void test_wayland_fetch__owner_that_sends_descriptors(void **state)
{
    fixture *it = *state;

    compositor_open(&it->server, &it->client, &clip_wayland, "clipboard");
    it->plan.size = 100;
    it->plan.then = SENDS_DESCRIPTORS;
    own(it);
    const unsigned before = open_descriptors();
    const driver_event *end = driver_fetch(&it->client, 1, one_type[0]);
    assert_int_equal(end->status, VIA_OK);
    assert_int_equal(end->bytes.size, 101);
    assert_int_equal(open_descriptors(), before);
}

/* More than go on at once, and each gets its own answer. */
static void test_wayland_fetch__many_at_once(void **state)
{
    enum { MANY = 100 };
    fixture *it = *state;

    /* A hundred processes at once on a busy machine: the last one to begin has not stalled. */
    it->client.settings.reply_ns = it->client.settings.idle_ns = it->client.settings.transfer_ns =
        UINT64_C(100000000000);
    compositor_open(&it->server, &it->client, &clip_wayland, "clipboard");
    it->plan.size = 20000;
    it->plan.then = CLOSES;
    it->plan.is_reaped = false;
    own(it);
    signal(SIGCHLD, SIG_IGN); /* nobody waits for these */
    for (uint64_t ticket = 1; ticket <= MANY; ticket++)
        it->client.backend->fetch(it->client.self, ticket, one_type[0]);
    it->client.backend->cancel(it->client.self, 7);
    it->client.backend->cancel(it->client.self, 99);
    it->client.backend->cancel(it->client.self, 12345);
    for (uint64_t ticket = 1; ticket <= MANY; ticket++)
        if (ticket != 7 && ticket != 99)
            expect_bytes(driver_await(&it->client, DRIVER_FETCHED, ticket), 20000);
    assert_int_equal(driver_untaken(&it->client, DRIVER_FETCHED), 0);
    signal(SIGCHLD, SIG_DFL);
    it->plan.pid = 0;
}

static void test_wayland_fetch__what_is_not_there(void **state)
{
    fixture *it = *state;

    compositor_open(&it->server, &it->client, &clip_wayland, "clipboard");
    assert_int_equal(driver_fetch(&it->client, 1, one_type[0])->status, VIA_ENOENT);
    own(it);
    assert_int_equal(driver_fetch(&it->client, 2, "text/plain")->status, VIA_ETYPE);
    assert_int_equal(it->server.receives, 0);
}

/* Closed in the middle of everything: nothing is left behind. */
static void test_wayland_fetch__closes_in_the_middle(void **state)
{
    const unsigned before = open_descriptors();
    compositor server;
    driver client = {0};
    plan mine = {.size = 1000, .then = STOPS, .kept = -1};

    (void)state;
    compositor_init(&server, (compositor_manners){.seats = 1});
    compositor_open(&server, &client, &clip_wayland, "clipboard");
    compositor_own(&server, COMPOSITOR_CLIPBOARD, one_type, 1, answer, &mine);
    driver_await(&client, DRIVER_CHANGED, 0);
    client.backend->fetch(client.self, 1, one_type[0]);
    client.backend->look(client.self, 2);
    while (mine.kept < 0)
        driver_turn(VIA_NOW);
    driver_close(&client);
    compositor_fini(&server);
    reap(&mine);
    assert_int_equal(open_descriptors(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wayland_fetch__sizes_up_to_the_limit, start, stop),
        cmocka_unit_test_setup_teardown(test_wayland_fetch__owner_that_ends_after_one_reader, start, stop),
        cmocka_unit_test_setup_teardown(test_wayland_fetch__owner_killed_in_the_middle, start, stop),
        cmocka_unit_test_setup_teardown(test_wayland_fetch__owner_killed_and_reaped, start, stop),
        cmocka_unit_test_setup_teardown(test_wayland_fetch__owner_killed_before_it_began, start, stop),
        cmocka_unit_test_setup_teardown(test_wayland_fetch__owner_that_does_not_begin_or_go_on, start, stop),
        cmocka_unit_test_setup_teardown(test_wayland_fetch__owner_without_end, start, stop),
        cmocka_unit_test_setup_teardown(test_wayland_fetch__one_byte_too_many, start, stop),
        cmocka_unit_test_setup_teardown(test_wayland_fetch__replaced_in_the_middle, start, stop),
        cmocka_unit_test_setup_teardown(test_wayland_fetch__owner_that_sends_descriptors, start, stop),
        cmocka_unit_test_setup_teardown(test_wayland_fetch__many_at_once, start, stop),
        cmocka_unit_test_setup_teardown(test_wayland_fetch__what_is_not_there, start, stop),
        cmocka_unit_test(test_wayland_fetch__closes_in_the_middle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
