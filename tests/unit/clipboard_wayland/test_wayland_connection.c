/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compositors that are not there, lack something, come and go; and clients that are many.
 */
#include "compositor.h"

#include "kit/deadline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const foreign[] = {"image/png"};

static void answer_yes(void *data, const char *type, int descriptor)
{
    (void)data;
    (void)type;
    assert_int_equal(dprintf(descriptor, "yes"), 3);
    close(descriptor);
}

static via_status try_path(const char *name, const char *display, via_deadline deadline, via_error *error)
{
    driver client;

    driver_init(&client, &clip_wayland);
    via_status status = driver_try_open(&client, name, display, deadline, error);
    assert_int_not_equal(status, VIA_OK);
    assert_true(error->what[0] != '\0' && error->mend[0] != '\0');
    return status;
}

static void test_wayland__display_that_is_not_there(void **state)
{
    char longest[300];
    via_error error;

    (void)state;
    memset(longest, 'x', sizeof(longest));
    longest[0] = '/';
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(try_path("clipboard", "/nonexistent/wayland-0", VIA_FOREVER, &error), VIA_EIO);
    assert_non_null(strstr(error.what, "/nonexistent/wayland-0"));
    assert_non_null(strstr(error.mend, "backend="));
    assert_int_equal(try_path("clipboard", "no-such-wayland", VIA_FOREVER, &error), VIA_EIO);
    assert_int_equal(try_path("clipboard", longest, VIA_FOREVER, &error), VIA_EINVAL);
    assert_int_equal(try_path("clipboard", NULL, VIA_FOREVER, &error), VIA_EINVAL);
    assert_int_equal(try_path("clipboard", "", VIA_FOREVER, &error), VIA_EINVAL);
    assert_int_equal(try_path("scratch", "/nonexistent/wayland-0", VIA_FOREVER, &error), VIA_ENOTSUP);
    assert_non_null(strstr(error.what, "scratch"));
}

/* Takes connections, and says nothing; and one that does not even take them. */
static void test_wayland__display_that_does_not_answer(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *folder = getenv("XDG_RUNTIME_DIR"); /* NOLINT(concurrency-mt-unsafe): one thread */
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    via_error error;

    (void)state;
    assert_true(listener >= 0);
    assert_non_null(folder);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/deaf-%d", folder, (int)getpid());
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 0), 0);
    const via_deadline limit = via_deadline_after(INT64_C(200000000));
    assert_int_equal(try_path("clipboard", address.sun_path, limit, &error), VIA_ETIMEDOUT);
    assert_int_equal(via_deadline_left(limit), 0);
    /* The one before was never accepted, and fills the queue. */
    assert_int_equal(try_path("clipboard", address.sun_path, via_deadline_after(INT64_C(200000000)), &error),
                     VIA_ETIMEDOUT);
    close(listener);
    unlink(address.sun_path);
}

static void test_wayland__what_a_compositor_may_lack(void **state)
{
    static const struct {
        compositor_manners manners;
        const char *name;
        const char *what;
    } table[] = {
        {{.seats = 1, .has_no_manager = true}, "clipboard", "data-control"},
        {{.seats = 0}, "clipboard", "seat"},
        {{.seats = 1, .is_wlr = true, .version = 1}, "primary", "primary"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        compositor server;
        driver client = {0};
        via_error error;

        compositor_init(&server, table[i].manners);
        assert_int_equal(compositor_try_open(&server, &client, &clip_wayland, table[i].name, &error), VIA_ENOTSUP);
        assert_non_null(strstr(error.what, table[i].what));
        assert_true(error.mend[0] != '\0');
        compositor_fini(&server);
    }
}

/* Whatever is under way, one reason is told, and nothing after it. */
static void test_wayland__compositor_that_ends(void **state)
{
    (void)state;
    for (int is_error = 0; is_error < 2; is_error++) {
        compositor server;
        driver client = {0};

        compositor_init(&server, (compositor_manners){.seats = 1});
        compositor_open(&server, &client, &clip_wayland, "clipboard");
        driver_offer(&client, 1, "text/plain", "mine", 4);
        if (is_error)
            compositor_post_error(&server);
        else
            compositor_hang_up(&server);
        const driver_event *end = driver_await(&client, DRIVER_FAILED, 0);
        assert_int_equal(end->status, is_error ? VIA_EPROTO : VIA_EPEER);
        assert_non_null(strstr(end->what, is_error ? "77 of ext_data_control_device_v1" : "gone"));
        assert_true(end->mend[0] != '\0');
        const size_t told = client.event_count;
        client.backend->fetch(client.self, 1, "text/plain");
        client.backend->offer(client.self, NULL, 2);
        client.backend->look(client.self, 3);
        client.backend->withdraw(client.self, 1);
        for (int i = 0; i < 5; i++)
            driver_turn(VIA_NOW);
        assert_int_equal(client.event_count, told);
        driver_close(&client);
        compositor_fini(&server);
    }
}

static void test_wayland__seat_that_goes_and_one_that_comes(void **state)
{
    compositor server;
    driver client = {0};

    (void)state;
    compositor_init(&server, (compositor_manners){.seats = 1});
    compositor_open(&server, &client, &clip_wayland, "clipboard");
    driver_offer(&client, 1, "text/plain", "mine", 4);
    driver_await(&client, DRIVER_CHANGED, 1);
    compositor_remove_seat(&server, 0);
    driver_await(&client, DRIVER_RELEASED, 1);
    assert_int_equal(driver_await(&client, DRIVER_CHANGED, 0)->count, 0);
    client.backend->offer(client.self, NULL, 2); /* there is nowhere to set it */
    assert_int_equal(driver_await(&client, DRIVER_OFFERED, 2)->status, VIA_ENOPEER);
    assert_int_equal(driver_fetch(&client, 3, "text/plain")->status, VIA_ENOENT);
    compositor_own(&server, COMPOSITOR_CLIPBOARD, foreign, 1, answer_yes, NULL);
    compositor_add_seat(&server, 1);
    assert_string_equal(driver_await(&client, DRIVER_CHANGED, 0)->types, "image/png\n");
    assert_int_equal(driver_fetch(&client, 4, "image/png")->status, VIA_OK);
    driver_offer(&client, 5, "text/plain", "mine", 4);
    assert_int_equal(driver_untaken(&client, DRIVER_FAILED), 0);
    driver_close(&client);
    compositor_fini(&server);
}

static void test_wayland__first_of_several_seats(void **state)
{
    compositor server;
    driver client = {0};

    (void)state;
    compositor_init(&server, (compositor_manners){.seats = 3});
    compositor_open(&server, &client, &clip_wayland, "clipboard");
    assert_non_null(strstr(client.note, "3 seats"));
    assert_int_equal(wl_list_length(&server.devices), 1);
    compositor_remove_seat(&server, 0);
    driver_offer(&client, 1, "text/plain", "mine", 4); /* on the next one */
    assert_int_equal(driver_untaken(&client, DRIVER_FAILED), 0);
    driver_close(&client);
    compositor_fini(&server);
}

/* Offers without end that are never a selection; types without end. */
static void test_wayland__compositor_that_babbles(void **state)
{
    compositor server;
    driver client = {0};

    (void)state;
    compositor_init(&server, (compositor_manners){.seats = 1});
    compositor_own(&server, COMPOSITOR_CLIPBOARD, foreign, 1, answer_yes, NULL);
    compositor_open(&server, &client, &clip_wayland, "clipboard");
    for (int i = 0; i < 50; i++) {
        compositor_babble(&server, 20);
        driver_turn(VIA_NOW);
    }
    assert_int_equal(driver_fetch(&client, 1, "image/png")->status, VIA_OK);
    assert_int_equal(driver_untaken(&client, DRIVER_CHANGED), 0);
    driver_close(&client);
    compositor_fini(&server);
}

/* Two channels of one process, on one thread: neither waits for the other. */
static void test_wayland__pastes_from_itself_through_another_channel(void **state)
{
    enum { SIZE = 5 << 20 };
    uint8_t *bytes = driver_bytes(SIZE, 3);
    compositor server;
    driver one = {0};
    driver other = {0};

    (void)state;
    compositor_init(&server, (compositor_manners){.seats = 1});
    compositor_open(&server, &one, &clip_wayland, "clipboard");
    compositor_open(&server, &other, &clip_wayland, "clipboard");
    driver_offer(&one, 1, "application/x-test", bytes, SIZE);
    assert_string_equal(driver_await(&other, DRIVER_CHANGED, 0)->types, "application/x-test\n");
    const driver_event *end = driver_fetch(&other, 1, "application/x-test");
    assert_int_equal(end->status, VIA_OK);
    assert_int_equal(end->bytes.size, SIZE);
    assert_memory_equal(end->bytes.data, bytes, SIZE);
    driver_close(&other);
    driver_close(&one);
    compositor_fini(&server);
    free(bytes);
}

/* A child frees its copy, and the parent's channel goes on. */
static void test_wayland__closes_in_a_child(void **state)
{
    compositor server;
    driver client = {0};
    int status;

    (void)state;
    compositor_init(&server, (compositor_manners){.seats = 1});
    compositor_open(&server, &client, &clip_wayland, "clipboard");
    driver_offer(&client, 1, "text/plain", "mine", 4);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        client.backend->close(client.self, VIA_CLOSE_FORKED);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    client.backend->look(client.self, 1);
    driver_await(&client, DRIVER_LOOKED, 1);
    assert_non_null(server.selections[COMPOSITOR_CLIPBOARD].source);
    driver_close(&client);
    compositor_fini(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wayland__display_that_is_not_there),
        cmocka_unit_test(test_wayland__display_that_does_not_answer),
        cmocka_unit_test(test_wayland__what_a_compositor_may_lack),
        cmocka_unit_test(test_wayland__compositor_that_ends),
        cmocka_unit_test(test_wayland__seat_that_goes_and_one_that_comes),
        cmocka_unit_test(test_wayland__first_of_several_seats),
        cmocka_unit_test(test_wayland__compositor_that_babbles),
        cmocka_unit_test(test_wayland__pastes_from_itself_through_another_channel),
        cmocka_unit_test(test_wayland__closes_in_a_child),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
