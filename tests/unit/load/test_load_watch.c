/* SPDX-License-Identifier: Apache-2.0 */
/* What is noticed, by the times of files and by the watch: folders that come, go, are moved and linked, names of no matter, limits of the system. */
#include "load_fixture.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/watch.h"

/* ---- the system's limits, made by the test (-Wl,--wrap) ----------------------------------------------------------- */

static int none_left, watches_left = -1;

int __real_inotify_init1(int flags);
int __wrap_inotify_init1(int flags);
int __real_inotify_add_watch(int fd, const char *path, uint32_t mask);
int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask);

int __wrap_inotify_init1(int flags)
{
    if (!none_left)
        return __real_inotify_init1(flags);
    errno = EMFILE;
    return -1;
}

int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask)
{
    if (watches_left == 0) {
        errno = ENOSPC;
        return -1;
    }
    watches_left -= watches_left > 0;
    return __real_inotify_add_watch(fd, path, mask);
}

static int setup(void **state)
{
    none_left = 0;
    watches_left = -1;
    return load_fixture_setup(state);
}

static int setup_watched(void **state)
{
    none_left = 0;
    watches_left = -1;
    return load_fixture_setup_watched(state);
}

/* ---- tools -------------------------------------------------------------------------------------------------- */

static via_status resolve(load_fixture *fixture, const char *address)
{
    via_resolved out;

    via_error_init(&fixture->error);
    via_status status = via_resolve(fixture->registry, address, VIA_PAIR, true, NULL, &out, &fixture->error);
    if (status == VIA_OK)
        via_resolved_fini(&out);
    return status;
}

static void move(const load_fixture *fixture, const char *from, const char *to)
{
    assert_int_equal(rename(load_fixture_path(fixture, from), load_fixture_path(fixture, to)), 0);
}

static void make(const load_fixture *fixture, const char *folder)
{
    assert_int_equal(mkdir(load_fixture_path(fixture, folder), 0755), 0);
}

static void link_to(const load_fixture *fixture, const char *target, const char *name)
{
    const char *path = load_fixture_path(fixture, name), *aside = load_fixture_path(fixture, "aside");

    assert_int_equal(symlink(target, aside), 0);
    assert_int_equal(rename(aside, path), 0);
}

/* ---- folders ------------------------------------------------------------------------------------------------ */

static void test_watch__a_folder_that_is_made_later_is_found(void **state)
{
    load_fixture *fixture = *state;

    assert_int_equal(load_fixture_open(fixture, "one/two/p", NULL), VIA_OK);
    assert_int_equal(resolve(fixture, "good:x"), VIA_ENOENT);
    load_fixture_install(fixture, "good", "one/two/p");
    assert_int_equal(resolve(fixture, "good:x"), VIA_OK);
}

static void test_watch__a_folder_that_is_removed_and_made_again_is_found(void **state)
{
    load_fixture *fixture = *state;

    for (int i = 0; i < 3; i++) {
        load_fixture_install(fixture, "good", "a/p");
        if (i == 0)
            assert_int_equal(load_fixture_open(fixture, "a/p", NULL), VIA_OK);
        assert_int_equal(resolve(fixture, "good:x"), VIA_OK);
        assert_int_equal(unlink(load_fixture_path(fixture, "a/p/good.json")), 0);
        assert_int_equal(unlink(load_fixture_path(fixture, "a/p/via_good.so")), 0);
        assert_int_equal(rmdir(load_fixture_path(fixture, "a/p")), 0);
        assert_int_equal(rmdir(load_fixture_path(fixture, "a")), 0);
        assert_int_equal(resolve(fixture, "good:x"), VIA_ENOENT);
    }
}

/* The folder itself, and one above it. */
static void test_watch__a_folder_that_is_replaced_by_a_rename_is_found(void **state)
{
    load_fixture *fixture = *state;

    load_fixture_install(fixture, "good", "a/p");
    load_fixture_install(fixture, "wide", "a/new");
    load_fixture_install(fixture, "older", "b/p");
    assert_int_equal(load_fixture_open(fixture, "a/p", NULL), VIA_OK);
    move(fixture, "a/p", "a/old");
    move(fixture, "a/new", "a/p");
    assert_int_equal(resolve(fixture, "good:x"), VIA_ENOENT);
    assert_int_equal(resolve(fixture, "wide:x"), VIA_OK);
    move(fixture, "a", "c");
    move(fixture, "b", "a");
    assert_int_equal(resolve(fixture, "wide:x"), VIA_ENOENT);
    assert_int_equal(resolve(fixture, "older:x"), VIA_OK);
    load_fixture_install(fixture, "good", "c/p"); /* nobody looks there any more */
    assert_int_equal(resolve(fixture, "good:x"), VIA_ENOENT);
}

static void test_watch__a_link_that_is_pointed_elsewhere_is_followed(void **state)
{
    load_fixture *fixture = *state;

    load_fixture_install(fixture, "good", "v1/p");
    load_fixture_install(fixture, "wide", "v2/p");
    link_to(fixture, "v1", "current");
    assert_int_equal(load_fixture_open(fixture, "current/p", NULL), VIA_OK);
    assert_int_equal(resolve(fixture, "good:x"), VIA_OK);
    link_to(fixture, "v2", "current");
    assert_int_equal(resolve(fixture, "good:x"), VIA_ENOENT);
    assert_int_equal(resolve(fixture, "wide:x"), VIA_OK);
    load_fixture_install(fixture, "good", "v2/p");
    assert_int_equal(resolve(fixture, "good:x"), VIA_OK);
}

/* As a Kubernetes volume is changed: files are links through a link that is swapped. */
static void test_watch__a_file_behind_two_links_is_followed(void **state)
{
    load_fixture *fixture = *state;

    load_fixture_install(fixture, "good", "p");
    load_fixture_write(fixture, "e/one/shop.json",
                       "{\"manifest\": 1, \"endpoints\": {\"a\": {\"address\": \"good:x\"}}}");
    load_fixture_write(fixture, "e/two/shop.json",
                       "{\"manifest\": 1, \"endpoints\": {\"b\": {\"address\": \"good:x\"}}}");
    link_to(fixture, "one", "e/data");
    link_to(fixture, "data/shop.json", "e/shop.json");
    assert_int_equal(load_fixture_open(fixture, "p", "e/shop.json"), VIA_OK);
    assert_int_equal(resolve(fixture, "a"), VIA_OK);
    link_to(fixture, "two", "e/data");
    assert_int_equal(resolve(fixture, "a"), VIA_ENOENT);
    assert_int_equal(resolve(fixture, "b"), VIA_OK);
}

/* Only that the manifest stands in the searched folder is certain. */
static void test_watch__a_library_in_another_folder_is_watched(void **state)
{
    load_fixture *fixture = *state;

    load_fixture_install(fixture, "good", "p");
    make(fixture, "p/lib");
    load_fixture_edit(fixture, "p/good.json", "\"via_good.so\"", "\"lib/via_good.so\"");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(load_fixture_plugin(fixture, "good").status, VIA_PLUGIN_REFUSED);
    assert_int_equal(resolve(fixture, "good:x"), VIA_ENOENT);
    move(fixture, "p/via_good.so", "p/lib/via_good.so");
    assert_int_equal(resolve(fixture, "good:x"), VIA_OK);
}

/* ---- names of no matter --------------------------------------------------------------------------------------- */

static void test_watch__what_editors_and_packagers_leave_is_let_pass(void **state)
{
    static const char *const names[] = {"p/.good.json.swp", "p/good.json~",         "p/.#good.json", "p/4913",
                                        "p/good.json.tmp",  "p/good.json.dpkg-new", "p/.x.json",     "p/#good.json#"};
    load_fixture *fixture = *state;
    int32_t code;

    load_fixture_install(fixture, "good", "p");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    via_watch *watch = via_watch_open(&code);
    assert_non_null(watch);
    via_watch_begin(watch);
    (void)via_watch_add(watch, load_fixture_path(fixture, "p"), ".json");
    (void)via_watch_add(watch, load_fixture_path(fixture, "p/via_good.so"), NULL);
    assert_int_equal(via_watch_end(watch, &code), VIA_OK);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        load_fixture_write(fixture, names[i], "{");
        assert_false(via_watch_changed(watch));
    }
    move(fixture, "p/good.json.dpkg-new", "p/more.json");
    assert_true(via_watch_changed(watch));
    assert_false(via_watch_changed(watch));
    assert_int_equal(chmod(load_fixture_path(fixture, "p/via_good.so"), 0700), 0);
    assert_true(via_watch_changed(watch));
    via_watch_close(watch);
}

/* ---- limits ------------------------------------------------------------------------------------------------- */

/* More events than the queue of the system holds: then anything may have changed. */
static void test_watch__an_overflow_is_a_change(void **state)
{
    load_fixture *fixture = *state;
    int32_t code;
    unsigned long most = 16384;
    FILE *limit = fopen("/proc/sys/fs/inotify/max_queued_events", "r");

    if (limit) {
        assert_int_equal(fscanf(limit, "%lu", &most), 1);
        (void)fclose(limit);
    }
    make(fixture, "p");
    via_watch *watch = via_watch_open(&code);
    via_watch_begin(watch);
    (void)via_watch_add(watch, load_fixture_path(fixture, "p"), ".json");
    assert_int_equal(via_watch_end(watch, &code), VIA_OK);
    load_fixture_write(fixture, "p/a", "");
    load_fixture_write(fixture, "p/b", "");
    const char *a = load_fixture_path(fixture, "p/a"), *b = load_fixture_path(fixture, "p/b");
    assert_false(via_watch_changed(watch));
    for (unsigned long i = 0; i <= most / 2 + 1; i++) { /* two unlike names, so that no event is like the one before */
        assert_int_equal(chmod(a, 0600), 0);
        assert_int_equal(chmod(b, 0600), 0);
    }
    assert_true(via_watch_changed(watch));
    assert_false(via_watch_changed(watch));
    via_watch_close(watch);
}

static void expect_all_works(load_fixture *fixture)
{
    via_poll_handle handle = {.size = sizeof(handle)};

    for (int i = 0; i < 20; i++)
        assert_int_equal(resolve(fixture, "good:x"), VIA_ENOENT);
    assert_non_null(
        strstr(fixture->lines, "each opening call compares the times of their files instead; raise the limit"));
    assert_int_equal(via_registry_watch(fixture->registry, &handle, &fixture->error), VIA_ELIMIT);
    assert_non_null(strstr(fixture->error.mend, "fs.inotify.max_user_instances"));
    assert_int_equal(resolve(fixture, "good:x"), VIA_ENOENT);
    load_fixture_install(fixture, "good", "p");
    assert_int_equal(resolve(fixture, "good:x"), VIA_OK);
    load_fixture_edit(fixture, "p/good.json", "\"good\": {", "\"gooo\": {");
    assert_int_equal(resolve(fixture, "good:x"), VIA_ENOENT);
    load_fixture_edit(fixture, "p/good.json", "\"gooo\": {", "\"good\": {");
    assert_int_equal(resolve(fixture, "good:x"), VIA_OK);
    assert_int_equal(unlink(load_fixture_path(fixture, "p/good.json")), 0);
    assert_int_equal(resolve(fixture, "good:x"), VIA_ENOENT);
}

static void test_watch__without_inotify_times_are_compared(void **state)
{
    load_fixture *fixture = *state;
    via_poll_handle handle = {.size = sizeof(handle)};

    make(fixture, "p");
    none_left = 1;
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    expect_all_works(fixture);
    none_left = 0; /* the limit was raised */
    assert_int_equal(via_registry_watch(fixture->registry, &handle, &fixture->error), VIA_OK);
}

static void test_watch__without_enough_watches_times_are_compared(void **state)
{
    load_fixture *fixture = *state;

    make(fixture, "p");
    watches_left = 1;
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    watches_left = 0;
    expect_all_works(fixture);
}

/* A program sleeps on the handle that it was given once; what stands behind it may go, and come again with an opening call. */
static void test_watch__a_watch_that_is_begun_again_wakes_the_same_handle(void **state)
{
    load_fixture *fixture = *state;
    via_poll_handle handle = {.size = sizeof(handle)};

    make(fixture, "p");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(via_registry_watch(fixture->registry, &handle, &fixture->error), VIA_OK);
    watches_left = 0;
    load_fixture_write(fixture, "p/a.json", "{");
    assert_int_equal(resolve(fixture, "good:x"), VIA_ENOENT); /* the look finds that nothing can be watched */
    assert_non_null(strstr(fixture->lines, "each opening call compares the times of their files instead"));
    watches_left = -1;
    for (int i = 0; i < 20; i++)
        assert_int_equal(resolve(fixture, "good:x"), VIA_ENOENT);
    assert_int_equal(via_registry_watch(fixture->registry, &handle, &fixture->error), VIA_OK);
    assert_int_equal(via_registry_scan(fixture->registry, &fixture->error), VIA_OK);
    struct pollfd set = {.fd = (int)handle.handle, .events = POLLIN};
    assert_int_equal(poll(&set, 1, 0), 0);
    load_fixture_install(fixture, "good", "p");
    assert_int_equal(poll(&set, 1, 10000), 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, load_fixture_teardown)
#define BOTH(f)                                                                                                        \
    TEST(f),                                                                                                           \
    {                                                                                                                  \
#f ", watched", f, setup_watched, load_fixture_teardown, NULL                                                  \
    }
    const struct CMUnitTest tests[] = {
        BOTH(test_watch__a_folder_that_is_made_later_is_found),
        BOTH(test_watch__a_folder_that_is_removed_and_made_again_is_found),
        BOTH(test_watch__a_folder_that_is_replaced_by_a_rename_is_found),
        BOTH(test_watch__a_link_that_is_pointed_elsewhere_is_followed),
        BOTH(test_watch__a_file_behind_two_links_is_followed),
        BOTH(test_watch__a_library_in_another_folder_is_watched),
        TEST(test_watch__what_editors_and_packagers_leave_is_let_pass),
        TEST(test_watch__an_overflow_is_a_change),
        TEST(test_watch__without_inotify_times_are_compared),
        TEST(test_watch__without_enough_watches_times_are_compared),
        TEST(test_watch__a_watch_that_is_begun_again_wakes_the_same_handle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
