/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers of every kind: each gets everything or is left, none keeps another from reading, and none costs this process a signal.
 */
#include "compositor.h"

#include "kit/deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 3 << 20 /* more than any pipe holds */ };

typedef struct fixture {
    compositor server;
    driver client;
    uint8_t *bytes;
} fixture;

/* The default action of SIGPIPE is the end of the process: if it were raised, nothing here would be reported. */
static int start(void **state)
{
    fixture *it = calloc(1, sizeof(*it));

    signal(SIGPIPE, SIG_DFL);
    compositor_init(&it->server, (compositor_manners){.seats = 1});
    driver_init(&it->client, &clip_wayland);
    it->bytes = driver_bytes(SIZE, 2);
    *state = it;
    return 0;
}

static int stop(void **state)
{
    fixture *it = *state;

    driver_close(&it->client);
    compositor_fini(&it->server);
    free(it->bytes);
    free(it);
    return 0;
}

static void open_and_offer(fixture *it)
{
    compositor_open(&it->server, &it->client, &clip_wayland, "clipboard");
    driver_offer(&it->client, 1, "application/x-test", it->bytes, SIZE);
}

static int receive(fixture *it, const char *type)
{
    int descriptor = compositor_receive(&it->server, COMPOSITOR_CLIPBOARD, type);

    assert_true(descriptor >= 0);
    assert_int_equal(fcntl(descriptor, F_SETFL, O_NONBLOCK), 0);
    return descriptor;
}

/* Reads to the end while turns go on. */
static size_t read_all(int descriptor, uint8_t *into, size_t capacity)
{
    const via_deadline limit = via_deadline_after(INT64_C(20000000000));
    size_t size = 0;
    ssize_t moved;

    while ((moved = read(descriptor, into + size, capacity - size)) != 0) {
        assert_true(via_deadline_left(limit) > 0);
        if (moved > 0)
            size += (size_t)moved;
        else
            assert_int_equal(errno, EAGAIN);
        driver_turn(VIA_NOW);
    }
    close(descriptor);
    return size;
}

static void expect_whole(const fixture *it, int descriptor)
{
    uint8_t *into = malloc(SIZE + 1);

    assert_int_equal(read_all(descriptor, into, SIZE + 1), SIZE);
    assert_memory_equal(into, it->bytes, SIZE);
    free(into);
}

static void test_wayland_serve__three_readers_at_once(void **state)
{
    fixture *it = *state;
    int readers[3];

    open_and_offer(it);
    for (int i = 0; i < 3; i++)
        readers[i] = receive(it, "application/x-test");
    for (int i = 0; i < 3; i++)
        expect_whole(it, readers[i]);
    for (int i = 0; i < 3; i++)
        driver_await(&it->client, DRIVER_PASTED, 1);
}

static void test_wayland_serve__what_is_not_offered_gets_nothing(void **state)
{
    fixture *it = *state;
    uint8_t byte;

    open_and_offer(it);
    assert_int_equal(read_all(receive(it, "image/png"), &byte, 1), 0);
    assert_int_equal(read_all(receive(it, ""), &byte, 1), 0);
    assert_int_equal(driver_untaken(&it->client, DRIVER_PASTED), 0);
}

static void test_wayland_serve__text_under_each_of_its_names(void **state)
{
    static const char *const names[] = {"text/plain", "text/plain;charset=utf-8", "UTF8_STRING", "STRING", "TEXT"};
    fixture *it = *state;
    uint8_t into[16];

    compositor_open(&it->server, &it->client, &clip_wayland, "clipboard");
    driver_offer(&it->client, 1, "text/plain", "gr\xc3\xbc\xc3\x9f", 6);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(read_all(receive(it, names[i]), into, sizeof(into)), 6);
        assert_memory_equal(into, "gr\xc3\xbc\xc3\x9f", 6);
    }
}

/* A secret is marked as password managers do. */
static void test_wayland_serve__marks_secrets(void **state)
{
    const via_offer offer = {"text/plain", "hush", 4};
    fixture *it = *state;
    uint8_t into[16];

    compositor_open(&it->server, &it->client, &clip_wayland, "clipboard");
    clip_content *content = clip_content_create(&offer, 1, (clip_marks){.is_sensitive = true}, 1);
    it->client.backend->offer(it->client.self, content, 1);
    clip_content_drop(content);
    assert_int_equal(driver_await(&it->client, DRIVER_OFFERED, 1)->status, VIA_OK);
    assert_int_equal(read_all(receive(it, "x-kde-passwordManagerHint"), into, sizeof(into)), 6);
    assert_memory_equal(into, "secret", 6);
}

static void test_wayland_serve__reader_that_closes_in_the_middle(void **state)
{
    fixture *it = *state;
    uint8_t some[100];

    open_and_offer(it);
    for (int i = 0; i < 20; i++) {
        int descriptor = receive(it, "application/x-test");

        while (read(descriptor, some, sizeof(some)) < 0) {
            assert_int_equal(errno, EAGAIN);
            driver_turn(VIA_NOW);
        }
        close(descriptor);
    }
    close(receive(it, "application/x-test")); /* before anything could be written */
    expect_whole(it, receive(it, "application/x-test"));
    driver_await(&it->client, DRIVER_PASTED, 1);
    assert_int_equal(driver_untaken(&it->client, DRIVER_PASTED), 0);
}

static void test_wayland_serve__reader_killed_in_the_middle(void **state)
{
    fixture *it = *state;

    open_and_offer(it);
    int descriptor = receive(it, "application/x-test");
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char byte;
        while (read(descriptor, &byte, 1) != 1)
            ;
        raise(SIGKILL);
    }
    close(descriptor);
    int status;
    while (waitpid(pid, &status, WNOHANG) == 0)
        driver_turn(VIA_NOW);
    assert_true(WIFSIGNALED(status));
    expect_whole(it, receive(it, "application/x-test"));
}

static bool has_hung_up(void *data)
{
    char some[1 << 16];
    ssize_t moved;

    while ((moved = read(*(int *)data, some, sizeof(some))) > 0)
        ;
    return moved == 0;
}

/* It is left after the time limit, though it still holds its end; meanwhile others read. */
static void test_wayland_serve__reader_that_stalls(void **state)
{
    fixture *it = *state;

    it->client.settings.idle_ns = UINT64_C(300000000);
    open_and_offer(it);
    const uint64_t begin = via_deadline_clock();
    int stalled = receive(it, "application/x-test");
    expect_whole(it, receive(it, "application/x-test"));
    driver_await(&it->client, DRIVER_PASTED, 1);
    compositor_clear(&it->server, COMPOSITOR_CLIPBOARD);
    driver_await(&it->client, DRIVER_RELEASED, 1); /* only once nobody is served any more */
    const uint64_t took = via_deadline_clock() - begin;
    assert_true(took >= it->client.settings.idle_ns);
    assert_true(took < UINT64_C(15000000000));
    assert_true(has_hung_up(&stalled));
    assert_int_equal(driver_untaken(&it->client, DRIVER_PASTED), 0);
    close(stalled);
}

/* More than are served at once, behind as many that stall. */
static void test_wayland_serve__behind_a_crowd_that_stalls(void **state)
{
    enum { CROWD = 80 };
    fixture *it = *state;
    int crowd[CROWD];

    it->client.settings.idle_ns = UINT64_C(200000000);
    open_and_offer(it);
    for (int i = 0; i < CROWD; i++)
        crowd[i] = receive(it, "application/x-test");
    expect_whole(it, receive(it, "application/x-test"));
    for (int i = 0; i < CROWD; i++)
        close(crowd[i]);
}

/* Lost, and still read by somebody who asked before. */
static void test_wayland_serve__reader_of_what_was_replaced(void **state)
{
    fixture *it = *state;

    open_and_offer(it);
    int descriptor = receive(it, "application/x-test");
    driver_turn(VIA_NOW);
    driver_offer(&it->client, 2, "text/plain", "next", 4);
    expect_whole(it, descriptor);
    driver_await(&it->client, DRIVER_PASTED, 1);
    driver_await(&it->client, DRIVER_RELEASED, 1);
}

/* Not every descriptor is a pipe. */
static void test_wayland_serve__descriptors_of_any_kind(void **state)
{
    fixture *it = *state;
    char path[] = "/tmp/via-serve-XXXXXX";
    int file = mkstemp(path);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC); /* cannot be written to */
    int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat facts;

    open_and_offer(it);
    compositor_send_to(&it->server, COMPOSITOR_CLIPBOARD, "application/x-test", nothing);
    compositor_send_to(&it->server, COMPOSITOR_CLIPBOARD, "application/x-test", folder);
    compositor_send_to(&it->server, COMPOSITOR_CLIPBOARD, "application/x-test", file);
    driver_await(&it->client, DRIVER_PASTED, 1);
    assert_int_equal(fstat(file, &facts), 0);
    assert_int_equal(facts.st_size, SIZE);
    expect_whole(it, receive(it, "application/x-test"));
    close(nothing);
    close(folder);
    close(file);
    unlink(path);
}

static void test_wayland_serve__empty_content(void **state)
{
    fixture *it = *state;
    uint8_t byte;

    compositor_open(&it->server, &it->client, &clip_wayland, "clipboard");
    driver_offer(&it->client, 1, "text/plain", "", 0);
    assert_int_equal(read_all(receive(it, "text/plain"), &byte, 1), 0);
    driver_await(&it->client, DRIVER_PASTED, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wayland_serve__three_readers_at_once, start, stop),
        cmocka_unit_test_setup_teardown(test_wayland_serve__what_is_not_offered_gets_nothing, start, stop),
        cmocka_unit_test_setup_teardown(test_wayland_serve__text_under_each_of_its_names, start, stop),
        cmocka_unit_test_setup_teardown(test_wayland_serve__marks_secrets, start, stop),
        cmocka_unit_test_setup_teardown(test_wayland_serve__reader_that_closes_in_the_middle, start, stop),
        cmocka_unit_test_setup_teardown(test_wayland_serve__reader_killed_in_the_middle, start, stop),
        cmocka_unit_test_setup_teardown(test_wayland_serve__reader_that_stalls, start, stop),
        cmocka_unit_test_setup_teardown(test_wayland_serve__behind_a_crowd_that_stalls, start, stop),
        cmocka_unit_test_setup_teardown(test_wayland_serve__reader_of_what_was_replaced, start, stop),
        cmocka_unit_test_setup_teardown(test_wayland_serve__descriptors_of_any_kind, start, stop),
        cmocka_unit_test_setup_teardown(test_wayland_serve__empty_content, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
