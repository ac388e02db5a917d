/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs and a compositor that stop or are killed at the worst moment, under sway.
 */
#include "peer.h"

#include "kit/deadline.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *variable(const char *name)
{
    const char *value = getenv(name); /* NOLINT(concurrency-mt-unsafe): one thread */

    assert_non_null(value);
    return value;
}

/* An owner that stays our child, so that it can be stopped. */
static void start_owner(peer *owner, driver *ours, const char *type, const void *data, size_t size)
{
    const char *const copy[] = {"wl-copy", "--foreground", "--type", type, NULL};

    peer_start(owner, copy);
    peer_feed(owner, data, size);
    while (!strstr(driver_await(ours, DRIVER_CHANGED, 0)->types, type))
        ;
}

static void end_owner(peer *owner)
{
    kill(owner->pid, SIGKILL);
    kill(owner->pid, SIGCONT);
    peer_result result = peer_finish(owner);
    free(result.output);
}

static void test_wayland__owner_that_was_stopped(void **state)
{
    enum { TRIES = 60 };
    peer owner;
    driver ours;

    (void)state;
    driver_init(&ours, &clip_wayland);
    ours.settings.reply_ns = UINT64_C(500000000);
    driver_open(&ours, "clipboard", variable("WAYLAND_DISPLAY"));
    start_owner(&owner, &ours, "application/x-stopped", "words", 5);
    assert_int_equal(kill(owner.pid, SIGSTOP), 0);
    const uint64_t begin = via_deadline_clock();
    assert_int_equal(driver_fetch(&ours, 1, "application/x-stopped")->status, VIA_ESTALLED);
    const uint64_t took = via_deadline_clock() - begin;
    assert_true(took >= ours.settings.reply_ns);
    assert_true(took < UINT64_C(10000000000)); /* on time: a bound for a busy machine */
    assert_int_equal(kill(owner.pid, SIGCONT), 0);
    uint64_t ticket = 2; /* on a busy machine it may be late again */
    while (driver_fetch(&ours, ticket, "application/x-stopped")->status != VIA_OK)
        assert_true(ticket++ < TRIES);
    end_owner(&owner);
    assert_int_equal(driver_await(&ours, DRIVER_CHANGED, 0)->count, 0);
    driver_close(&ours);
}

/* It has been asked, has not answered, and dies. */
static void test_wayland__owner_that_was_killed(void **state)
{
    peer owner;
    driver ours;

    (void)state;
    driver_init(&ours, &clip_wayland);
    ours.settings.reply_ns = UINT64_C(15000000000);
    driver_open(&ours, "clipboard", variable("WAYLAND_DISPLAY"));
    start_owner(&owner, &ours, "application/x-killed", "words", 5);
    assert_int_equal(kill(owner.pid, SIGSTOP), 0);
    ours.backend->fetch(ours.self, 1, "application/x-killed");
    ours.backend->look(ours.self, 1); /* once it is answered, the compositor has passed the question on */
    driver_await(&ours, DRIVER_LOOKED, 1);
    end_owner(&owner);
    assert_int_equal(driver_await(&ours, DRIVER_FETCHED, 1)->status, VIA_EPEER);
    driver_close(&ours);
}

/* Another process with the same backend: it writes by itself, and is killed once something has come. */
static void test_wayland__owner_killed_in_the_middle(void **state)
{
    enum { SIZE = 12 << 20 };
    const char *display = variable("WAYLAND_DISPLAY");
    uint8_t *bytes = driver_bytes(SIZE, 4);
    driver ours;

    (void)state;
    for (int i = 0; i < 10; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            driver owner;
            driver_init(&owner, &clip_wayland);
            driver_open(&owner, "clipboard", display);
            driver_offer(&owner, 1, "application/x-large", bytes, SIZE);
            for (;;)
                driver_turn(VIA_FOREVER);
        }
        driver_init(&ours, &clip_wayland);
        const driver_event *change = driver_open(&ours, "clipboard", display);
        while (!strstr(change->types, "application/x-large"))
            change = driver_await(&ours, DRIVER_CHANGED, 0);
        ours.backend->fetch(ours.self, 1, "application/x-large");
        struct pollfd set[CLIP_DESCRIPTORS];
        via_deadline until;
        size_t count = ours.backend->wants(ours.self, set, &until);
        assert_int_equal(count, 2); /* the display, and the transfer: nothing is read until there is something */
        assert_int_equal(poll(&set[1], 1, 20000), 1);
        kill(pid, SIGKILL);
        const driver_event *end = driver_await(&ours, DRIVER_FETCHED, 1);
        assert_int_equal(end->status, VIA_EPEER);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        driver_close(&ours);
    }
    free(bytes);
}

static void test_wayland__reader_that_was_killed(void **state)
{
    enum { SIZE = 12 << 20 };
    static const char *const paste[] = {"wl-paste", "--no-newline", "--type", "application/x-test", NULL};
    uint8_t *bytes = driver_bytes(SIZE, 5);
    peer reader;
    driver ours;

    (void)state;
    signal(SIGPIPE, SIG_DFL);
    driver_init(&ours, &clip_wayland);
    driver_open(&ours, "clipboard", variable("WAYLAND_DISPLAY"));
    driver_offer(&ours, 1, "application/x-test", bytes, SIZE);
    for (int i = 0; i < 5; i++) {
        char byte;

        peer_start(&reader, paste);
        while (read(reader.output, &byte, 1) != 1)
            driver_turn(via_deadline_after(1000000));
        kill(reader.pid, SIGKILL);
        close(reader.output);
        close(reader.input);
        assert_int_equal(waitpid(reader.pid, NULL, 0), reader.pid);
    }
    peer_result result = peer_run(paste, NULL, 0);
    peer_expect(&result, bytes, SIZE);
    driver_close(&ours);
    free(bytes);
}

/* Two that take the clipboard from each other, and one that reads: what it gets is always one of theirs, whole. */
static void test_wayland__takeover_races(void **state)
{
    enum { ROUNDS = 60 };
    const char *display = variable("WAYLAND_DISPLAY");
    driver pair[2];
    driver reader;
    uint64_t fetches = 0;
    uint64_t whole = 0;

    (void)state;
    for (int i = 0; i < 2; i++) {
        driver_init(&pair[i], &clip_wayland);
        driver_open(&pair[i], "clipboard", display);
    }
    driver_init(&reader, &clip_wayland);
    driver_open(&reader, "clipboard", display);
    for (uint64_t number = 1; number <= ROUNDS; number++) {
        for (int i = 0; i < 2; i++) {
            uint8_t *bytes = driver_bytes(100000, (unsigned)number);
            const via_offer offer = {i ? "application/x-one" : "application/x-two", bytes, 100000};
            clip_content *content = clip_content_create(&offer, 1, (clip_marks){0}, number);

            memset(bytes, (int)number, 100000);
            pair[i].backend->offer(pair[i].self, content, number);
            clip_content_drop(content);
            free(bytes);
        }
        reader.backend->fetch(reader.self, ++fetches, number % 2 ? "application/x-one" : "application/x-two");
        for (int i = 0; i < 2; i++) {
            const via_status status = driver_await(&pair[i], DRIVER_OFFERED, number)->status;
            assert_true(status == VIA_OK || status == VIA_EREVOKED);
        }
        const driver_event *end = driver_await(&reader, DRIVER_FETCHED, fetches);
        assert_true(end->status == VIA_OK || end->status == VIA_EREVOKED || end->status == VIA_ETYPE ||
                    end->status == VIA_ENOENT);
        if (end->status == VIA_OK) {
            whole++;
            assert_int_equal(end->bytes.size, 100000);
            assert_int_equal(end->bytes.data[0], end->bytes.data[99999]);
        }
    }
    reader.backend->look(reader.self, 1);
    driver_await(&reader, DRIVER_LOOKED, 1);
    assert_int_equal(driver_untaken(&reader, DRIVER_CHANGED), 2 * ROUNDS); /* none is left out */
    for (int i = 0; i < 2; i++) {
        pair[i].backend->look(pair[i].self, 1);
        driver_await(&pair[i], DRIVER_LOOKED, 1);
        assert_int_equal(driver_untaken(&pair[i], DRIVER_CHANGED), 2 * ROUNDS);
        for (uint64_t number = 1; number <= ROUNDS; number++)
            driver_await(&pair[i], DRIVER_CHANGED, number); /* and ours are known as ours */
    }
    print_message("%llu of %llu contents were read before they were replaced\n", (unsigned long long)whole,
                  (unsigned long long)fetches);
    driver_close(&reader);
    driver_close(&pair[1]);
    driver_close(&pair[0]);
}

/* The last one: there is no compositor after it. */
static void test_wayland__compositor_that_was_killed(void **state)
{
    driver ours;

    (void)state;
    driver_init(&ours, &clip_wayland);
    driver_open(&ours, "clipboard", variable("WAYLAND_DISPLAY"));
    driver_offer(&ours, 1, "text/plain", "words", 5);
    assert_int_equal(kill((pid_t)strtol(variable("WITH_SWAY_PID"), NULL, 10), SIGKILL), 0);
    const driver_event *end = driver_await(&ours, DRIVER_FAILED, 0);
    assert_int_equal(end->status, VIA_EPEER);
    driver_close(&ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wayland__owner_that_was_stopped),
        cmocka_unit_test(test_wayland__owner_that_was_killed),
        cmocka_unit_test(test_wayland__owner_killed_in_the_middle),
        cmocka_unit_test(test_wayland__reader_that_was_killed),
        cmocka_unit_test(test_wayland__takeover_races),
        cmocka_unit_test(test_wayland__compositor_that_was_killed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
