/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening: files, abstract names, ports. What happens to a file is tested with kit/unix_name.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "listening.h"
#include "socket_fixture.h"

typedef struct fixture {
    char folder[64];
    char path[96];
    via_counters counters;
    socket_settings settings;
    socket_address address;
    via_error error;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));

    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/via-listening.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof(f->path), "%s/s", f->folder);
    f->settings = (socket_settings){.host = &fixture_host,
                                    .counters = &f->counters,
                                    .is_unix = true,
                                    .mode = 0600,
                                    .backlog = 4,
                                    .side = VIA_SIDE_BIND};
    via_open open = fixture_open("unix", f->path, VIA_SIDE_BIND);
    assert_int_equal(socket_address_resolve(&fixture_host, &open, &f->address, &f->error), VIA_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    (void)unlink(f->path);
    (void)rmdir(f->folder);
    free(f);
    return 0;
}

static via_status open_it(fixture *f, socket_listening *listening)
{
    return socket_listening_open(&f->settings, &f->address, listening, &f->error);
}

static bool exists(const char *path)
{
    struct stat there;

    return lstat(path, &there) == 0;
}

static void test_listening__takes_a_name_and_gives_it_up(void **state)
{
    fixture *f = *state;
    socket_listening first, second;
    struct stat made;

    f->settings.mode = 0660;
    assert_int_equal(open_it(f, &first), VIA_OK);
    assert_int_equal(lstat(f->path, &made), 0);
    assert_int_equal(made.st_mode & 07777, 0660);
    assert_int_equal(first.bound.size, f->address.endpoints[0].size);
    assert_int_equal(open_it(f, &second), VIA_EBUSY);
    socket_listening_close(&first, VIA_CLOSE_FLUSH);
    assert_false(exists(f->path));
    assert_int_equal(rmdir(f->folder), 0); /* no lock file is left either */
}

static int send_buffer_of(const socket_listening *listening)
{
    int bytes = 0;
    socklen_t size = sizeof(bytes);

    assert_int_equal(getsockopt(listening->descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, &size), 0);
    return bytes;
}

static void test_listening__sets_the_options_of_the_socket(void **state)
{
    fixture *f = *state;
    socket_listening listening;

    f->settings.send_buffer = 32768;
    assert_int_equal(open_it(f, &listening), VIA_OK);
    assert_int_equal(send_buffer_of(&listening), 2 * 32768); /* socket(7): Linux doubles it */
    socket_listening_close(&listening, VIA_CLOSE_FLUSH);
}

static void test_listening__gives_the_name_up_when_the_options_are_refused(void **state)
{
    fixture *f = *state;
    socket_listening listening;

    f->settings.is_unix = false; /* so that options of TCP are set, which a Unix socket has not */
    assert_int_not_equal(open_it(f, &listening), VIA_OK);
    assert_false(exists(f->path));
    assert_int_equal(rmdir(f->folder), 0);
}

static void test_listening__an_abstract_name_has_no_file(void **state)
{
    fixture *f = *state;
    socket_listening first, second;
    char name[sizeof(f->path) + 1];

    (void)snprintf(name, sizeof(name), "@%s", f->path);
    via_open open = fixture_open("unix", name, VIA_SIDE_BIND);
    assert_int_equal(socket_address_resolve(&fixture_host, &open, &f->address, &f->error), VIA_OK);
    assert_int_equal(open_it(f, &first), VIA_OK);
    assert_false(exists(f->path));
    assert_int_equal(open_it(f, &second), VIA_EBUSY);
    socket_listening_close(&first, VIA_CLOSE_FLUSH);
    assert_int_equal(open_it(f, &second), VIA_OK);
    socket_listening_close(&second, VIA_CLOSE_FLUSH);
}

static void test_listening__a_forked_close_leaves_the_name(void **state)
{
    fixture *f = *state;
    socket_listening listening, copy;

    assert_int_equal(open_it(f, &listening), VIA_OK);
    copy = listening;
    copy.file.descriptor = dup(listening.file.descriptor);
    copy.file.lock.descriptor = dup(listening.file.lock.descriptor);
    socket_listening_close(&copy, VIA_CLOSE_FORKED);
    assert_true(exists(f->path));
    assert_int_equal(open_it(f, &copy), VIA_EBUSY);
    socket_listening_close(&listening, VIA_CLOSE_FLUSH);
}

static via_status listen_tcp(fixture *f, const char *rest, bool is_public, socket_listening *listening)
{
    via_open open = fixture_open("tcp", rest, VIA_SIDE_BIND);

    f->settings.is_unix = false;
    f->settings.is_public = is_public;
    assert_int_equal(socket_address_resolve(&fixture_host, &open, &f->address, &f->error), VIA_OK);
    return open_it(f, listening);
}

static void test_listening__is_private_unless_told_otherwise(void **state)
{
    static const char *const all[] = {"//0.0.0.0:0", "//[::]:0", "//*:0"};
    fixture *f = *state;

    for (size_t i = 0; i < 3; i++) {
        socket_listening listening;
        assert_int_equal(listen_tcp(f, all[i], false, &listening), VIA_EPERM);
        assert_non_null(strstr(f->error.mend, "public=true"));
        if (i == 1) /* a machine may have no IPv6 */
            continue;
        assert_int_equal(listen_tcp(f, all[i], true, &listening), VIA_OK);
        socket_listening_close(&listening, VIA_CLOSE_FLUSH);
    }
}

static void test_listening__lets_the_system_choose_a_port(void **state)
{
    fixture *f = *state;
    socket_listening first, second;
    char text[64], rest[64];

    assert_int_equal(listen_tcp(f, "//127.0.0.1:0", false, &first), VIA_OK);
    socket_address_print(&first.bound, text, sizeof(text));
    assert_null(strstr(text, ":0"));
    (void)snprintf(rest, sizeof(rest), "%s", text + strlen("tcp:"));
    assert_int_equal(listen_tcp(f, rest, false, &second), VIA_EBUSY);
    socket_listening_close(&first, VIA_CLOSE_FLUSH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_listening__takes_a_name_and_gives_it_up),
        TEST(test_listening__sets_the_options_of_the_socket),
        TEST(test_listening__gives_the_name_up_when_the_options_are_refused),
        TEST(test_listening__an_abstract_name_has_no_file),
        TEST(test_listening__a_forked_close_leaves_the_name),
        TEST(test_listening__is_private_unless_told_otherwise),
        TEST(test_listening__lets_the_system_choose_a_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
