/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime folder, locks and credentials.
 */
#include "kit_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit/credentials.h"
#include "kit/lock.h"
#include "kit/runtime.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/via-kit-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    return setenv("XDG_RUNTIME_DIR", folder, 1);
}

static int remove_folder(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command);
}

static via_status path_of(const char *name, char path[108], via_error *error)
{
    return via_runtime_path(&fake_host_api, name, ".sock", path, 108, error);
}

static void test_runtime__puts_names_into_a_private_folder(void **state)
{
    char path[108];
    char expected[108];
    struct stat status;
    via_error error;

    (void)state;
    assert_int_equal(path_of("orders", path, &error), VIA_OK);
    snprintf(expected, sizeof(expected), "%s/viaduct/orders.sock", folder);
    assert_string_equal(path, expected);
    snprintf(expected, sizeof(expected), "%s/viaduct", folder);
    assert_int_equal(lstat(expected, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
}

static void test_runtime__takes_absolute_paths_as_they_are(void **state)
{
    char path[108];
    via_error error;

    (void)state;
    assert_int_equal(path_of("/somewhere/else.ipc", path, &error), VIA_OK);
    assert_string_equal(path, "/somewhere/else.ipc");
}

static void test_runtime__refuses_what_is_no_name(void **state)
{
    static const char *const names[] = {"", ".", "..", "a/b", "../x"};
    char path[108];
    via_error error;
    char longest[102];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(path_of(names[i], path, &error), VIA_EINVAL);
    memset(longest, 'n', 101);
    longest[101] = '\0';
    assert_int_equal(path_of(longest, path, &error), VIA_EINVAL);
}

static void test_runtime__refuses_long_paths_and_never_cuts(void **state)
{
    char path[108];
    char absolute[200] = "/";
    char name[101];
    via_error error;

    (void)state;
    memset(absolute + 1, 'p', 106);
    assert_int_equal(path_of(absolute, path, &error), VIA_OK); /* 107 bytes and the NUL */
    absolute[107] = 'p';
    assert_int_equal(path_of(absolute, path, &error), VIA_EINVAL);
    memset(name, 'n', 100);
    name[100] = '\0';
    assert_int_equal(path_of(name, path, &error), VIA_EINVAL);
    assert_true(strlen(error.mend) > 0);
}

static void test_runtime__refuses_a_folder_open_to_others(void **state)
{
    char path[108];
    char own[108];
    via_error error;

    (void)state;
    snprintf(own, sizeof(own), "%s/viaduct", folder);
    assert_int_equal(mkdir(own, 0700), 0);
    assert_int_equal(chmod(own, 0770), 0);
    assert_int_equal(path_of("a", path, &error), VIA_EPERM);
    assert_non_null(strstr(error.mend, "chmod 700"));
    assert_int_equal(chmod(own, 0700), 0);
    assert_int_equal(path_of("a", path, &error), VIA_OK);
}

/* It takes no descriptor to look at a folder. */
static void test_runtime__serves_a_process_that_has_too_much_open(void **state)
{
    char path[108];
    struct rlimit kept;
    struct rlimit none;
    via_error error;

    (void)state;
    assert_int_equal(path_of("orders", path, &error), VIA_OK);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &kept), 0);
    none = (struct rlimit){0, kept.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    via_status status = path_of("orders", path, &error);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &kept), 0);
    assert_int_equal(status, VIA_OK);
}

static void test_runtime__refuses_a_symlink(void **state)
{
    char path[108];
    char own[108];
    via_error error;

    (void)state;
    snprintf(own, sizeof(own), "%s/viaduct", folder);
    assert_int_equal(symlink(folder, own), 0);
    assert_int_equal(path_of("a", path, &error), VIA_EPERM);
}

/* ---- locks -------------------------------------------------------------------------------------------------- */

static void lock_name(char *name, size_t size)
{
    snprintf(name, size, "%s/name", folder);
}

static void test_lock__has_one_owner(void **state)
{
    char name[108];
    via_lock first;
    via_lock second;
    via_error error;
    char pid[32];

    (void)state;
    lock_name(name, sizeof(name));
    assert_int_equal(via_lock_owner(name), 0);
    assert_int_equal(via_lock_take(&fake_host_api, name, &first, &error), VIA_OK);
    assert_int_equal(via_lock_owner(name), getpid());
    assert_int_equal(via_lock_take(&fake_host_api, name, &second, &error), VIA_EBUSY);
    snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
    assert_non_null(strstr(error.what, pid));
    assert_int_equal(second.descriptor, -1);
    via_lock_drop(&second); /* harmless */
    via_lock_drop(&first);
    assert_int_equal(via_lock_owner(name), 0);
    assert_int_equal(access(first.path, F_OK), -1);
    assert_int_equal(via_lock_take(&fake_host_api, name, &second, &error), VIA_OK);
    via_lock_drop(&second);
}

static void test_lock__a_dead_owner_is_not_in_the_way(void **state)
{
    char name[108];
    via_lock lock;
    via_error error;
    int outcome;
    pid_t child;

    (void)state;
    lock_name(name, sizeof(name));
    child = fork();
    if (child == 0)
        _exit(via_lock_take(&fake_host_api, name, &lock, &error) == VIA_OK ? 0 : 1);
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_int_equal(outcome, 0);
    snprintf(lock.path, sizeof(lock.path), "%s.lock", name);
    assert_int_equal(access(lock.path, F_OK), 0); /* it is still there, */
    assert_int_equal(via_lock_owner(name), 0);    /* and nobody's */
    assert_int_equal(via_lock_take(&fake_host_api, name, &lock, &error), VIA_OK);
    via_lock_drop(&lock);
}

static void test_lock__a_forked_child_does_not_drop_it(void **state)
{
    char name[108];
    via_lock lock;
    via_lock second;
    via_error error;
    int outcome;
    pid_t child;

    (void)state;
    lock_name(name, sizeof(name));
    assert_int_equal(via_lock_take(&fake_host_api, name, &lock, &error), VIA_OK);
    child = fork();
    if (child == 0) {
        via_lock_forget(&lock);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_int_equal(via_lock_take(&fake_host_api, name, &second, &error), VIA_EBUSY);
    via_lock_drop(&lock);
}

static int contend(const char *name, int holding)
{
    for (int i = 0; i < 300; i++) {
        via_lock lock;
        via_error error;
        via_status status = via_lock_take(&fake_host_api, name, &lock, &error);

        if (status == VIA_EBUSY)
            continue;
        if (status != VIA_OK)
            return 1;
        if (lockf(holding, F_TLOCK, 0) != 0) /* somebody else thinks that he owns the name */
            return 2;
        if (lockf(holding, F_ULOCK, 0) != 0)
            return 3;
        via_lock_drop(&lock);
    }
    return 0;
}

static void test_lock__survives_owners_that_come_and_go(void **state)
{
    enum { CHILDREN = 4 };
    char name[108];
    char witness[120];
    pid_t children[CHILDREN];

    (void)state;
    lock_name(name, sizeof(name));
    snprintf(witness, sizeof(witness), "%s/witness", folder);
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(contend(name, open(witness, O_RDWR | O_CREAT | O_CLOEXEC, 0600)));
    }
    for (int i = 0; i < CHILDREN; i++) {
        int outcome;

        assert_int_equal(waitpid(children[i], &outcome, 0), children[i]);
        assert_int_equal(outcome, 0);
    }
}

static char vanishing[128]; /* a lock file that goes away between its opening and its locking; "" = none */

int __real_fcntl(int descriptor, int command, ...);
int __wrap_fcntl(int descriptor, int command, ...);

/* Stands between the kit and the C library: see CMakeLists.txt. */
int __wrap_fcntl(int descriptor, int command, ...)
{
    va_list arguments;
    void *argument;

    va_start(arguments, command);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    if (command == F_OFD_SETLK && vanishing[0]) {
        assert_int_equal(unlink(vanishing), 0);
        vanishing[0] = '\0';
    }
    return __real_fcntl(descriptor, command, argument);
}

static void test_lock__a_file_that_is_removed_meanwhile_does_not_count(void **state)
{
    char name[108];
    via_lock lock;
    via_lock second;
    via_error error;

    (void)state;
    lock_name(name, sizeof(name));
    snprintf(vanishing, sizeof(vanishing), "%s.lock", name);
    assert_int_equal(via_lock_take(&fake_host_api, name, &lock, &error), VIA_OK);
    assert_int_equal(vanishing[0], '\0');
    assert_int_equal(via_lock_take(&fake_host_api, name, &second, &error), VIA_EBUSY);
    via_lock_drop(&lock);
}

/* Cargo and others have lock files of that name, too. */
static void test_lock__leaves_a_file_alone_that_is_no_lock(void **state)
{
    static const char precious[] = "# generated\nversion = 3\n";
    char name[108], file[120], found[64] = "";
    via_lock lock;
    via_error error;

    (void)state;
    lock_name(name, sizeof(name));
    snprintf(file, sizeof(file), "%s.lock", name);
    FILE *theirs = fopen(file, "w");
    assert_non_null(theirs);
    assert_int_equal(fwrite(precious, 1, sizeof(precious) - 1, theirs), sizeof(precious) - 1);
    fclose(theirs);
    assert_int_equal(via_lock_take(&fake_host_api, name, &lock, &error), VIA_EPERM);
    assert_non_null(strstr(error.what, ".lock"));
    assert_true(error.mend[0] != '\0');
    theirs = fopen(file, "r");
    assert_non_null(theirs);
    assert_int_equal(fread(found, 1, sizeof(found) - 1, theirs), sizeof(precious) - 1);
    fclose(theirs);
    assert_string_equal(found, precious);
}

static void test_lock__refuses_a_symlink_and_a_fifo(void **state)
{
    char name[108];
    char path[128];
    via_lock lock;
    via_error error;

    (void)state;
    lock_name(name, sizeof(name));
    snprintf(path, sizeof(path), "%s.lock", name);
    assert_int_equal(symlink("/tmp/elsewhere", path), 0);
    assert_int_equal(via_lock_take(&fake_host_api, name, &lock, &error), VIA_EPERM);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(via_lock_take(&fake_host_api, name, &lock, &error), VIA_EPERM);
}

static void test_lock__refuses_a_path_that_is_too_long(void **state)
{
    char name[600];
    via_lock lock;
    via_error error;

    (void)state;
    memset(name, 'a', sizeof(name));
    name[599] = '\0';
    assert_int_equal(via_lock_take(&fake_host_api, name, &lock, &error), VIA_EINVAL);
    assert_int_equal(via_lock_owner(name), 0);
}

/* ---- credentials -------------------------------------------------------------------------------------------- */

static void test_credentials__come_from_the_kernel(void **state)
{
    int ends[2];
    via_peer_info peer = {.size = sizeof(peer)};

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(via_credentials_of_socket(ends[0], &peer), VIA_OK);
    assert_int_equal(peer.known, VIA_PEER_PROCESS | VIA_PEER_USER);
    assert_int_equal(peer.pid, getpid());
    assert_int_equal(peer.uid, geteuid());
    assert_int_equal(peer.gid, getegid());
    close(ends[0]);
    close(ends[1]);
}

static void test_credentials__only_of_unix_sockets(void **state)
{
    int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    via_peer_info peer = {.size = sizeof(peer)};

    (void)state;
    assert_int_equal(via_credentials_of_socket(tcp, &peer), VIA_ENOTSUP);
    assert_int_equal(via_credentials_of_socket(null, &peer), VIA_ENOTSUP);
    close(tcp);
    close(null);
}

static void test_credentials__let_in_our_own_user_or_anybody(void **state)
{
    int ends[2];
    int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    uid_t before = geteuid();

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(via_credentials_check_user(ends[0], false), VIA_OK);
    assert_int_equal(via_credentials_check_user(tcp, false), VIA_EPERM); /* it cannot be told */
    assert_int_equal(via_credentials_check_user(tcp, true), VIA_OK);
    if (before == 0 && seteuid(65534) == 0) { /* only root can be somebody else */
        via_status status = via_credentials_check_user(ends[0], false);
        via_status anybody = via_credentials_check_user(ends[0], true);
        assert_int_equal(seteuid(before), 0);
        assert_int_equal(status, VIA_EPERM);
        assert_int_equal(anybody, VIA_OK);
    }
    close(ends[0]);
    close(ends[1]);
    close(tcp);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_runtime__puts_names_into_a_private_folder),
        IN_FOLDER(test_runtime__takes_absolute_paths_as_they_are),
        IN_FOLDER(test_runtime__refuses_what_is_no_name),
        IN_FOLDER(test_runtime__refuses_long_paths_and_never_cuts),
        IN_FOLDER(test_runtime__refuses_a_folder_open_to_others),
        IN_FOLDER(test_runtime__serves_a_process_that_has_too_much_open),
        IN_FOLDER(test_runtime__refuses_a_symlink),
        IN_FOLDER(test_lock__has_one_owner),
        IN_FOLDER(test_lock__a_dead_owner_is_not_in_the_way),
        IN_FOLDER(test_lock__a_forked_child_does_not_drop_it),
        IN_FOLDER(test_lock__survives_owners_that_come_and_go),
        IN_FOLDER(test_lock__a_file_that_is_removed_meanwhile_does_not_count),
        IN_FOLDER(test_lock__leaves_a_file_alone_that_is_no_lock),
        IN_FOLDER(test_lock__refuses_a_symlink_and_a_fifo),
        IN_FOLDER(test_lock__refuses_a_path_that_is_too_long),
        cmocka_unit_test(test_credentials__come_from_the_kernel),
        cmocka_unit_test(test_credentials__only_of_unix_sockets),
        cmocka_unit_test(test_credentials__let_in_our_own_user_or_anybody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
