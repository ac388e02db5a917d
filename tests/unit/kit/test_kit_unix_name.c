/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking the name of a Unix-domain socket, connecting to it and giving it up.
 */
#include "kit_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "kit/unix_name.h"

static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET};
enum { TYPES = 2, SOMEBODY_ELSE = 65534 };

typedef struct fixture {
    char folder[64];
    char path[96];
    via_error error;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/via-unix-name.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof(f->path), "%s/s", f->folder);
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

static via_status take_typed(fixture *f, int type, via_unix_name *name)
{
    return via_unix_name_take(&fake_host_api, f->path, type, 0600, name, &f->error);
}

static via_status take(fixture *f, via_unix_name *name)
{
    return take_typed(f, SOCK_STREAM, name);
}

static bool exists(const char *path)
{
    struct stat there;

    return lstat(path, &there) == 0;
}

/* ---- taking ------------------------------------------------------------------------------------------------- */

static void test_unix_name__is_taken_and_given_up(void **state)
{
    fixture *f = *state;

    for (size_t i = 0; i < TYPES; i++) {
        via_unix_name name;
        assert_int_equal(take_typed(f, types[i], &name), VIA_OK);
        assert_string_equal(name.path, f->path);
        assert_true(fcntl(name.descriptor, F_GETFL) & O_NONBLOCK);
        assert_int_equal(fcntl(name.descriptor, F_GETFD), FD_CLOEXEC);
        assert_true(exists(f->path));
        via_unix_name_give_up(&name, VIA_CLOSE_FLUSH);
        assert_int_equal(name.descriptor, -1);
        assert_false(exists(f->path));
        via_unix_name_give_up(&name, VIA_CLOSE_FLUSH); /* harmless */
    }
    assert_int_equal(rmdir(f->folder), 0); /* no lock file is left either */
}

static void test_unix_name__has_its_mode_whatever_the_umask(void **state)
{
    static const mode_t masks[] = {0, 022, 0777};
    fixture *f = *state;

    for (size_t i = 0; i < 3; i++) {
        via_unix_name name;
        struct stat made;
        mode_t before = umask(masks[i]);
        via_status status = via_unix_name_take(&fake_host_api, f->path, SOCK_SEQPACKET, 0660, &name, &f->error);
        (void)umask(before);
        assert_int_equal(status, VIA_OK);
        assert_int_equal(stat(f->path, &made), 0);
        assert_int_equal(made.st_mode & 07777, 0660);
        via_unix_name_give_up(&name, VIA_CLOSE_FLUSH);
    }
}

static mode_t born_with; /* the mode that the file bound last had at first */

int __real_bind(int descriptor, const struct sockaddr *name, socklen_t size);
int __wrap_bind(int descriptor, const struct sockaddr *name, socklen_t size);

/* Stands between the kit and the C library: see CMakeLists.txt. */
int __wrap_bind(int descriptor, const struct sockaddr *name, socklen_t size)
{
    struct stat made;
    int result = __real_bind(descriptor, name, size);

    if (result == 0 && lstat(((const struct sockaddr_un *)(const void *)name)->sun_path, &made) == 0)
        born_with = made.st_mode & 07777;
    return result;
}

static void test_unix_name__is_at_no_moment_open_to_others(void **state)
{
    fixture *f = *state;
    via_unix_name name;
    mode_t before = umask(0);
    via_status status = take(f, &name);

    (void)umask(before);
    assert_int_equal(status, VIA_OK);
    assert_int_equal(born_with, 0600);
    via_unix_name_give_up(&name, VIA_CLOSE_FLUSH);
}

static void test_unix_name__of_a_live_owner_is_never_stolen(void **state)
{
    fixture *f = *state;
    via_unix_name first, second;

    assert_int_equal(take(f, &first), VIA_OK);
    for (size_t i = 0; i < TYPES; i++) {
        assert_int_equal(take_typed(f, types[i], &second), VIA_EBUSY);
        assert_int_equal(second.descriptor, -1);
        via_unix_name_give_up(&second, VIA_CLOSE_FLUSH); /* harmless */
    }
    assert_true(exists(f->path));
    via_unix_name_give_up(&first, VIA_CLOSE_FLUSH);
    assert_int_equal(take(f, &second), VIA_OK);
    via_unix_name_give_up(&second, VIA_CLOSE_FLUSH);
}

/* An owner between taking the lock and binding. */
static void test_unix_name__respects_the_lock_alone(void **state)
{
    fixture *f = *state;
    via_unix_name name;
    via_lock lock;

    assert_int_equal(via_lock_take(&fake_host_api, f->path, &lock, &f->error), VIA_OK);
    assert_int_equal(take(f, &name), VIA_EBUSY);
    via_lock_drop(&lock);
    assert_int_equal(take(f, &name), VIA_OK);
    via_unix_name_give_up(&name, VIA_CLOSE_FLUSH);
}

/* A program that takes no locks, nng's for example. */
static int listen_without_lock(const fixture *f, int type)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    (void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", f->path);
    assert_int_equal(bind(descriptor, (const struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(listen(descriptor, 1), 0);
    return descriptor;
}

static void test_unix_name__respects_owners_without_locks(void **state)
{
    fixture *f = *state;

    for (size_t i = 0; i < (size_t)TYPES * TYPES; i++) {
        via_unix_name name;
        int ours = types[i % TYPES], theirs = types[i / TYPES];
        int stranger = listen_without_lock(f, theirs);
        assert_int_equal(take_typed(f, ours, &name), VIA_EBUSY);
        assert_true(exists(f->path));
        (void)close(stranger); /* dead now, and its file is left */
        assert_int_equal(take_typed(f, ours, &name), VIA_OK);
        via_unix_name_give_up(&name, VIA_CLOSE_FLUSH);
    }
    assert_int_equal(rmdir(f->folder), 0); /* whoever failed to take it left no lock file */
}

static void test_unix_name__deletes_nothing_but_sockets(void **state)
{
    fixture *f = *state;
    via_unix_name name;
    int descriptor = open(f->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    assert_true(descriptor >= 0);
    (void)close(descriptor);
    assert_int_equal(take(f, &name), VIA_EBUSY);
    assert_true(exists(f->path));
}

static void test_unix_name__refuses_what_is_no_path(void **state)
{
    fixture *f = *state;
    via_unix_name name;
    char path[110] = "";
    int descriptor = -1;

    assert_int_equal(via_unix_name_take(&fake_host_api, path, SOCK_STREAM, 0600, &name, &f->error), VIA_EINVAL);
    (void)memset(path, 'p', 108); /* one too many */
    (void)memcpy(path, f->path, strlen(f->path));
    assert_int_equal(via_unix_name_take(&fake_host_api, path, SOCK_STREAM, 0600, &name, &f->error), VIA_EINVAL);
    assert_int_equal(name.descriptor, -1);
    assert_int_equal(via_unix_name_dial(&fake_host_api, path, SOCK_STREAM, &descriptor, &f->error), VIA_EINVAL);
    path[107] = '\0';
    assert_int_equal(via_unix_name_take(&fake_host_api, path, SOCK_STREAM, 0600, &name, &f->error), VIA_OK);
    assert_string_equal(name.path, path);
    via_unix_name_give_up(&name, VIA_CLOSE_FLUSH);
}

/* ---- giving up ---------------------------------------------------------------------------------------------- */

static void test_unix_name__leaves_a_file_that_another_put_there(void **state)
{
    fixture *f = *state;
    via_unix_name name;

    assert_int_equal(take(f, &name), VIA_OK);
    assert_int_equal(unlink(f->path), 0);
    int stranger = listen_without_lock(f, SOCK_STREAM);
    via_unix_name_give_up(&name, VIA_CLOSE_FLUSH);
    assert_true(exists(f->path));
    (void)close(stranger);
}

static void test_unix_name__stays_the_parents_in_a_forked_child(void **state)
{
    fixture *f = *state;
    via_unix_name name, copy;

    assert_int_equal(take(f, &name), VIA_OK);
    copy = name;
    copy.descriptor = dup(name.descriptor);
    copy.lock.descriptor = dup(name.lock.descriptor);
    via_unix_name_give_up(&copy, VIA_CLOSE_FORKED);
    assert_true(exists(f->path));
    assert_int_equal(take(f, &copy), VIA_EBUSY);
    via_unix_name_give_up(&name, VIA_CLOSE_FLUSH);
}

/* ---- dialing ------------------------------------------------------------------------------------------------ */

static via_status dial(fixture *f, int type, int *descriptor)
{
    *descriptor = -1;
    return via_unix_name_dial(&fake_host_api, f->path, type, descriptor, &f->error);
}

static void test_unix_name__can_be_dialled(void **state)
{
    fixture *f = *state;

    for (size_t i = 0; i < TYPES; i++) {
        via_unix_name name;
        int dialer;
        char byte = 0;
        assert_int_equal(take_typed(f, types[i], &name), VIA_OK);
        assert_int_equal(listen(name.descriptor, 4), 0);
        assert_int_equal(dial(f, types[i], &dialer), VIA_OK);
        assert_true(fcntl(dialer, F_GETFL) & O_NONBLOCK);
        assert_int_equal(fcntl(dialer, F_GETFD), FD_CLOEXEC);
        assert_int_equal(send(dialer, "x", 1, 0), 1);
        int accepted = accept4(name.descriptor, NULL, NULL, SOCK_CLOEXEC);
        assert_int_equal(recv(accepted, &byte, 1, 0), 1);
        (void)close(accepted);
        (void)close(dialer);
        via_unix_name_give_up(&name, VIA_CLOSE_FLUSH);
    }
}

static void expect_nobody(fixture *f)
{
    int descriptor;

    assert_int_equal(dial(f, SOCK_STREAM, &descriptor), VIA_ENOPEER);
    assert_int_equal(descriptor, -1);
    assert_true(strlen(f->error.mend) > 0);
}

static void test_unix_name__says_when_nobody_listens(void **state)
{
    fixture *f = *state;
    via_unix_name name;

    expect_nobody(f); /* no file */
    assert_int_equal(take(f, &name), VIA_OK);
    expect_nobody(f); /* an owner that does not listen yet */
    via_unix_name_give_up(&name, VIA_CLOSE_FLUSH);
    (void)close(listen_without_lock(f, SOCK_STREAM));
    expect_nobody(f); /* what a dead owner left */
}

static void test_unix_name__never_waits_for_room_in_the_backlog(void **state)
{
    fixture *f = *state;
    via_unix_name name;
    int dialers[8];
    size_t count = 0;
    via_status status = VIA_OK;

    assert_int_equal(take(f, &name), VIA_OK);
    assert_int_equal(listen(name.descriptor, 1), 0);
    while (count < 8 && (status = dial(f, SOCK_STREAM, &dialers[count])) == VIA_OK)
        count++;
    assert_int_equal(status, VIA_ENOPEER);
    assert_int_equal(f->error.os_code, EAGAIN);
    while (count > 0)
        (void)close(dialers[--count]);
    via_unix_name_give_up(&name, VIA_CLOSE_FLUSH);
}

static void test_unix_name__tells_another_type_of_socket(void **state)
{
    fixture *f = *state;
    via_unix_name name;
    int dialer;

    assert_int_equal(take_typed(f, SOCK_SEQPACKET, &name), VIA_OK);
    assert_int_equal(listen(name.descriptor, 1), 0);
    assert_int_equal(dial(f, SOCK_STREAM, &dialer), VIA_EPROTO);
    via_unix_name_give_up(&name, VIA_CLOSE_FLUSH);
}

static void test_unix_name__refuses_whom_the_mode_keeps_out(void **state)
{
    fixture *f = *state;
    via_unix_name name;
    int dialer;
    bool is_root = geteuid() == 0;

    if (is_root && (seteuid(SOMEBODY_ELSE) != 0 || seteuid(0) != 0))
        skip(); /* root is kept out nowhere, and cannot be anybody else here */
    assert_int_equal(via_unix_name_take(&fake_host_api, f->path, SOCK_STREAM, 0, &name, &f->error), VIA_OK);
    assert_int_equal(listen(name.descriptor, 1), 0);
    if (is_root)
        assert_int_equal(seteuid(SOMEBODY_ELSE), 0);
    via_status status = dial(f, SOCK_STREAM, &dialer);
    if (is_root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(status, VIA_EPERM);
    assert_non_null(strstr(f->error.mend, "ask its owner"));
    via_unix_name_give_up(&name, VIA_CLOSE_FLUSH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_unix_name__is_taken_and_given_up),
        TEST(test_unix_name__has_its_mode_whatever_the_umask),
        TEST(test_unix_name__is_at_no_moment_open_to_others),
        TEST(test_unix_name__of_a_live_owner_is_never_stolen),
        TEST(test_unix_name__respects_the_lock_alone),
        TEST(test_unix_name__respects_owners_without_locks),
        TEST(test_unix_name__deletes_nothing_but_sockets),
        TEST(test_unix_name__refuses_what_is_no_path),
        TEST(test_unix_name__leaves_a_file_that_another_put_there),
        TEST(test_unix_name__stays_the_parents_in_a_forked_child),
        TEST(test_unix_name__can_be_dialled),
        TEST(test_unix_name__says_when_nobody_listens),
        TEST(test_unix_name__never_waits_for_room_in_the_backlog),
        TEST(test_unix_name__tells_another_type_of_socket),
        TEST(test_unix_name__refuses_whom_the_mode_keeps_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
