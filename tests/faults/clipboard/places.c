/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others put in the place of the clipboard's files: it is refused in words, and nobody hangs on it.
 */
#include "clipboard_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- putting things there ----------------------------------------------------------------------------------- */

static void put_fifo(const char *path)
{
    assert_int_equal(mkfifo(path, 0600), 0);
}

static void put_folder(const char *path)
{
    assert_int_equal(mkdir(path, 0700), 0);
}

static void put_link(const char *path)
{
    assert_int_equal(symlink("/etc/passwd", path), 0);
}

static void put_dangling_link(const char *path)
{
    assert_int_equal(symlink("/tmp/via-no-such-file-at-all", path), 0);
}

static void put_bytes(const char *path, const void *bytes, size_t size)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, bytes, size), (ssize_t)size);
    (void)close(descriptor);
}

static void put_open_to_all(const char *path)
{
    put_bytes(path, "", 0);
    assert_int_equal(chmod(path, 0644), 0);
}

static void put_socket(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&name, sizeof(name)), 0);
    (void)close(descriptor);
}

/* Only root can. For others every file is their own or out of reach. */
static void put_anothers(const char *path)
{
    put_bytes(path, "", 0);
    if (geteuid() == 0)
        assert_int_equal(chown(path, 65534, 65534), 0);
    else
        put_open_to_all(path);
}

static void (*const things[])(const char *path) = {put_fifo,        put_folder, put_link,    put_dangling_link,
                                                   put_open_to_all, put_socket, put_anothers};

enum { THINGS = sizeof(things) / sizeof(things[0]) };

static void take_away(const char *path)
{
    if (unlink(path) != 0)
        assert_int_equal(rmdir(path), 0);
}

/* The folder, and a content in it. */
static void begin(const clipboard_fixture *fixture)
{
    via_channel *channel = open_clipboard(fixture, NULL);

    copy_text(channel, "before");
    via_close(channel);
}

/* ---- tests -------------------------------------------------------------------------------------------------- */

static void test_places__instead_of_the_content(void **state)
{
    via_error error;

    begin(*state);
    take_away(clipboard_path(*state, ""));
    for (size_t i = 0; i < THINGS; i++) {
        things[i](clipboard_path(*state, ""));
        assert_int_equal(refuse_clipboard(*state, "clipboard:test", &error, NULL), VIA_EPERM);
        assert_non_null(strstr(error.what, clipboard_path(*state, "")));
        assert_non_null(strstr(error.mend, "remove"));
        take_away(clipboard_path(*state, ""));
    }
    via_channel *channel = open_clipboard(*state, NULL);
    copy_text(channel, "after");
    expect_offer(channel, NULL, NULL, "after", 5);
    via_close(channel);
}

static void test_places__instead_of_the_content_while_it_is_open(void **state)
{
    via_error error;
    via_msg message;

    for (size_t i = 0; i < THINGS; i++) {
        via_channel *channel = open_clipboard(*state, NULL), *idle = open_clipboard(*state, NULL);
        copy_text(channel, "before");
        expect_text(idle, "before");
        take_away(clipboard_path(*state, ""));
        things[i](clipboard_path(*state, ".thing"));
        char from[160];
        (void)snprintf(from, sizeof(from), "%s", clipboard_path(*state, ".thing"));
        assert_int_equal(rename(from, clipboard_path(*state, "")), 0);
        assert_int_equal(via_recv(idle, soon_enough(), &message), VIA_EPERM);
        assert_int_equal(via_failure(idle, &error), VIA_OK);
        assert_non_null(strstr(error.what, "test.clip"));
        assert_int_equal(via_send(idle, "x", 1, NULL, soon_enough()), VIA_EPERM);
        via_close(channel);
        via_close(idle);
        take_away(clipboard_path(*state, ""));
    }
}

/* Nothing can be published, and what is there can still be read. */
static void test_places__instead_of_the_lock(void **state)
{
    via_channel *channel;

    begin(*state);
    take_away(clipboard_path(*state, ".lock"));
    for (size_t i = 0; i < THINGS; i++) {
        things[i](clipboard_path(*state, ".lock"));
        channel = open_clipboard(*state, NULL);
        assert_int_equal(via_send(channel, "x", 1, NULL, soon_enough()), VIA_EPERM);
        assert_int_equal(via_offers_clear(channel, soon_enough()), VIA_EPERM);
        expect_text(channel, "before");
        via_close(channel);
        take_away(clipboard_path(*state, ".lock"));
    }
    channel = open_clipboard(*state, NULL);
    copy_text(channel, "after");
    via_close(channel);
}

/* What a dead writer may have left is removed; a folder cannot be, and is no file of ours. */
static void test_places__instead_of_the_next_content(void **state)
{
    via_channel *channel = open_clipboard(*state, NULL), *reader = open_clipboard(*state, NULL);

    for (size_t i = 0; i < THINGS; i++) {
        things[i](clipboard_path(*state, ".new"));
        if (things[i] == put_folder) {
            assert_int_not_equal(via_send(channel, "x", 1, NULL, soon_enough()), VIA_OK);
            take_away(clipboard_path(*state, ".new"));
        }
        copy_text(channel, "over it");
        expect_text(reader, "over it");
        assert_int_not_equal(access(clipboard_path(*state, ".new"), F_OK), 0);
    }
    assert_int_not_equal(access("/tmp/via-no-such-file-at-all", F_OK), 0);
    via_close(channel);
    via_close(reader);
}

/* ---- contents that are none ------------------------------------------------------------------------------------- */

/* Who reads is told, and the channel goes on. */
static void expect_damaged(via_channel *channel)
{
    via_error error;
    via_msg message;
    size_t needed;

    assert_int_equal(via_recv(channel, soon_enough(), &message), VIA_ETYPE);
    expect_nothing(channel);
    assert_int_equal(via_offers_receive(channel, NULL, soon_enough(), &message), VIA_ETYPE);
    assert_int_equal(via_offers_types(channel, NULL, 0, &needed, soon_enough()), VIA_ETYPE);
    assert_int_equal(via_failure(channel, &error), VIA_ENOENT);
}

/* As it gets there when a machine crashes, or by another version of this plugin. */
static void damage(const clipboard_fixture *fixture, const void *bytes, size_t size)
{
    char from[160];

    (void)snprintf(from, sizeof(from), "%s", clipboard_path(fixture, ".damaged"));
    put_bytes(from, bytes, size);
    assert_int_equal(rename(from, clipboard_path(fixture, "")), 0);
}

static void test_content__that_is_none(void **state)
{
    static const char *const wrong[] = {"", "V", "VIACLIP1", "VIACLIP2",
                                        "not a clipboard file at all, and long enough to be one of the kind"};

    begin(*state);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        damage(*state, wrong[i], strlen(wrong[i]));
        via_channel *reader = open_clipboard(*state, NULL), *writer = open_clipboard(*state, NULL);
        expect_damaged(reader);
        copy_text(writer, "over it");
        expect_text(reader, "over it");
        damage(*state, wrong[i], strlen(wrong[i]));
        expect_damaged(reader);
        assert_int_equal(via_offers_clear(writer, soon_enough()), VIA_OK);
        expect_emptied(reader);
        via_close(reader);
        via_close(writer);
    }
}

/* What is no content was none of the channel's: neither a secret nor what has a time hits what others have put there. */
static void test_content__that_took_the_place_of_ours(void **state)
{
    via_channel *brief = open_clipboard(*state, "ttl=300ms", NULL), *reader = open_clipboard(*state, NULL);
    struct stat before, after;

    copy_text(brief, "brief");
    damage(*state, "VIACLIP2", 8);
    assert_int_equal(stat(clipboard_path(*state, ""), &before), 0);
    assert_int_equal(via_drain(brief, soon_enough(), NULL), VIA_OK);
    via_close(brief);
    assert_int_equal(stat(clipboard_path(*state, ""), &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    expect_damaged(reader);
    via_close(reader);
}

static size_t read_content(const clipboard_fixture *fixture, uint8_t *bytes, size_t capacity)
{
    int descriptor = open(clipboard_path(fixture, ""), O_RDONLY | O_CLOEXEC);
    const ssize_t size = read(descriptor, bytes, capacity);

    (void)close(descriptor);
    assert_true(size > 0);
    return (size_t)size;
}

/* A whole one that was cut, or that has grown. */
static void test_content__of_another_length(void **state)
{
    uint8_t bytes[512];
    via_msg message;

    begin(*state);
    const size_t size = read_content(*state, bytes, sizeof(bytes) - 1);
    for (size_t i = 0; i <= size + 1; i++) {
        damage(*state, bytes, i);
        via_channel *channel = open_clipboard(*state, NULL);
        via_status status = via_offers_receive(channel, NULL, soon_enough(), &message);
        assert_int_equal(status, i == size ? VIA_OK : VIA_ETYPE);
        if (status == VIA_OK)
            via_release(channel, &message);
        via_close(channel);
    }
}

/* Numbers near the end of all numbers are no content's, and nobody counts on from them to where no number is. */
static void test_content__of_a_late_generation(void **state)
{
    static const uint64_t late[] = {UINT64_MAX,    (uint64_t)INT64_MAX + 1, INT64_MAX,
                                    INT64_MAX - 1, INT64_MAX / 2 + 1,       INT64_MAX / 2};
    enum { AT_GENERATION = 16 };
    uint8_t bytes[512];
    via_msg message;

    begin(*state);
    const size_t size = read_content(*state, bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++) {
        via_channel *reader = open_clipboard(*state, NULL);
        for (size_t at = 0; at < sizeof(late[i]); at++)
            bytes[AT_GENERATION + at] = (uint8_t)(late[i] >> (8 * at));
        damage(*state, bytes, size);
        via_channel *writer = open_clipboard(*state, NULL);
        via_status status = via_offers_receive(writer, NULL, soon_enough(), &message);
        assert_int_equal(status, late[i] > INT64_MAX / 2 ? VIA_ETYPE : VIA_OK);
        if (status == VIA_OK)
            via_release(writer, &message);
        for (int turn = 0; turn < 3; turn++) {
            copy_text(writer, "after it");
            expect_offer(reader, NULL, NULL, "after it", 8);
        }
        via_close(writer);
        via_close(reader);
    }
}

/* ---- what goes away ----------------------------------------------------------------------------------------- */

static void test_files__removed_by_somebody(void **state)
{
    via_channel *writer = open_clipboard(*state, NULL), *reader = open_clipboard(*state, NULL);

    for (int i = 0; i < 5; i++) {
        copy_text(writer, "there");
        expect_text(reader, "there");
        take_away(clipboard_path(*state, ""));
        expect_emptied(reader);
        take_away(clipboard_path(*state, ".lock"));
    }
    copy_text(writer, "one");
    const uint64_t one = expect_received(reader, NULL, "one", 3);
    take_away(clipboard_path(*state, ""));
    expect_emptied(reader);
    copy_text(writer, "two");
    assert_true(expect_received(reader, NULL, "two", 3) > one);
    via_close(writer);
    via_close(reader);
}

/* The folder of all of them, and what is in it. */
static void remove_folder(const clipboard_fixture *fixture)
{
    char path[128];

    (void)unlink(clipboard_path(fixture, ".lock"));
    (void)unlink(clipboard_path(fixture, ""));
    (void)snprintf(path, sizeof(path), "%s/viaduct", fixture->folder);
    assert_int_equal(rmdir(path), 0);
}

/* Who only waits hears of what comes in the folder that has the name now. */
static void test_folder__removed_while_somebody_waits(void **state)
{
    via_channel *reader = open_clipboard(*state, NULL);

    for (int i = 0; i < 5; i++) {
        begin(*state);
        expect_text(reader, "before");
        remove_folder(*state);
        expect_emptied(reader);
        expect_nothing(reader);
        begin(*state);
        expect_text(reader, "before");
        remove_folder(*state);
        begin(*state); /* before the reader has looked, perhaps */
        expect_offer(reader, NULL, NULL, "before", 6);
        expect_text(reader, "before");
    }
    via_close(reader);
}

static void test_folder__moved_away(void **state)
{
    via_channel *writer = open_clipboard(*state, NULL), *reader = open_clipboard(*state, NULL);
    char from[128], to[128];

    (void)snprintf(from, sizeof(from), "%s/viaduct", ((clipboard_fixture *)*state)->folder);
    (void)snprintf(to, sizeof(to), "%s/elsewhere", ((clipboard_fixture *)*state)->folder);
    copy_text(writer, "one");
    expect_text(reader, "one");
    assert_int_equal(rename(from, to), 0);
    expect_emptied(reader);
    copy_text(writer, "two");
    expect_text(reader, "two");
    begin(*state);
    expect_text(reader, "before");
    via_close(writer);
    via_close(reader);
}

/* Where no folder can be made any more: told with its path, at once, to whoever waits, too. */
static void test_folder__cannot_be_made_again(void **state)
{
    clipboard_fixture *fixture = *state;
    via_channel *reader = open_clipboard(fixture, NULL), *writer = open_clipboard(fixture, NULL);
    via_msg message;
    via_error error;
    char away[80];

    (void)snprintf(away, sizeof(away), "%s.away", fixture->folder);
    assert_int_equal(rename(fixture->folder, away), 0);
    assert_int_not_equal(via_recv(reader, soon_enough(), &message), VIA_ETIMEDOUT);
    assert_int_equal(via_failure(reader, &error), VIA_OK);
    assert_non_null(strstr(error.what, fixture->folder));
    assert_int_not_equal(error.mend[0], '\0');
    assert_int_not_equal(via_send(writer, "x", 1, NULL, soon_enough()), VIA_OK);
    via_close(reader);
    via_close(writer);
    assert_int_equal(rename(away, fixture->folder), 0);
}

/* No room: the old content stays, and nothing half written. */
static void test_files__no_room(void **state)
{
    static char large[1 << 20];
    int status;

    begin(*state);
    pid_t child = fork();
    if (child == 0) {
        clipboard_fixture own = *(clipboard_fixture *)*state;
        struct rlimit limit = {100000, 100000};
        via_error error;
        via_status got = VIA_EIO;
        if (via_host_open(NULL, &own.host, &error) != VIA_OK)
            _exit(10);
        via_channel *channel = open_clipboard(&own, NULL);
        if (setrlimit(RLIMIT_FSIZE, &limit) == 0)
            got = via_send(channel, large, sizeof(large), NULL, soon_enough());
        via_close(channel);
        via_host_close(own.host);
        _exit(got == VIA_ELIMIT ? 0 : 11);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_not_equal(access(clipboard_path(*state, ".new"), F_OK), 0);
    via_channel *channel = open_clipboard(*state, NULL);
    expect_text(channel, "before");
    via_close(channel);
}

static void test_names__that_are_none(void **state)
{
    static const char *const wrong[] = {"clipboard:a/b", "clipboard:/tmp/x", "clipboard:..", "clipboard:%00",
                                        "clipboard:%zz"};
    via_error error;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(refuse_clipboard(*state, wrong[i], &error, NULL), VIA_EINVAL);
        assert_int_not_equal(error.mend[0], '\0');
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, clipboard_set_up, clipboard_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_places__instead_of_the_content),
        TEST(test_places__instead_of_the_content_while_it_is_open),
        TEST(test_places__instead_of_the_lock),
        TEST(test_places__instead_of_the_next_content),
        TEST(test_content__that_is_none),
        TEST(test_content__of_another_length),
        TEST(test_content__that_took_the_place_of_ours),
        TEST(test_content__of_a_late_generation),
        TEST(test_files__removed_by_somebody),
        TEST(test_folder__removed_while_somebody_waits),
        TEST(test_folder__moved_away),
        TEST(test_folder__cannot_be_made_again),
        TEST(test_files__no_room),
        TEST(test_names__that_are_none),
    };

    return cmocka_run_group_tests_name("clipboard places", tests, NULL, NULL);
}
