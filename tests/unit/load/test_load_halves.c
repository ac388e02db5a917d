/* SPDX-License-Identifier: Apache-2.0 */
/* Every state that copying a plugin can leave for a moment: the last good one serves through all of them. */
#include "load_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Each prefix of what is looked into first; then in steps that are no multiple of anything. */
enum { EACH = 256, STEP = 1499 };

typedef struct bytes {
    char *data;
    size_t size;
} bytes;

static bytes take(const load_fixture *fixture, const char *name)
{
    bytes all;

    all.data = load_fixture_read(fixture, name, &all.size);
    return all;
}

static void put(const load_fixture *fixture, const char *name, const bytes *all, size_t size)
{
    FILE *file = fopen(load_fixture_path(fixture, name), "w");

    assert_non_null(file);
    assert_int_equal(fwrite(all->data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Loaded from what it was before, and not refused. */
static void expect_service(load_fixture *fixture, const char *doing, size_t size)
{
    via_loaded *loaded;

    if (load_fixture_load(fixture, "good:x", &loaded) != VIA_OK)
        fail_msg("%s, %zu bytes: %s", doing, size, fixture->error.what);
    via_loader_release(loaded);
}

static void expect_not_good(load_fixture *fixture, const char *doing, size_t size)
{
    via_plugin_info info = load_fixture_plugin(fixture, "good");

    if (info.status != VIA_PLUGIN_READY || info.error.status == VIA_OK || !info.error.what[0] || !info.error.mend[0])
        fail_msg("%s, %zu bytes: status %u, reason \"%s\"", doing, size, info.status, info.error.what);
}

static void copy_slowly(load_fixture *fixture, const char *name, const bytes *all)
{
    for (size_t size = 0; size < all->size; size += size < EACH ? 1 : STEP) {
        put(fixture, name, all, size);
        expect_service(fixture, name, size);
        expect_not_good(fixture, name, size);
    }
    put(fixture, name, all, all->size);
    expect_service(fixture, name, all->size);
}

/* Another good state of both files. */
static void make_next(const load_fixture *fixture, bytes *manifest, bytes *library)
{
    via_error error;
    char from[PATH_MAX];

    load_fixture_install(fixture, "good", "next");
    FILE *file = fopen(load_fixture_path(fixture, "next/via_good.so"), "a");
    assert_int_equal(fputs("next", file) >= 0 && fclose(file) == 0, 1);
    load_fixture_edit(fixture, "next/good.json", "1.0.0", "1.0.1");
    (void)snprintf(from, sizeof(from), "%s", load_fixture_path(fixture, "next/good.json"));
    assert_int_equal(via_seal(from, load_fixture_path(fixture, "next/via_good.so"), from, &error), VIA_OK);
    *manifest = take(fixture, "next/good.json");
    *library = take(fixture, "next/via_good.so");
}

static void start(load_fixture *fixture)
{
    const char *manifest = NULL;
    via_error error;

    load_fixture_install(fixture, "good", "p");
    manifest = load_fixture_path(fixture, "p/good.json");
    assert_int_equal(via_seal(manifest, load_fixture_path(fixture, "p/via_good.so"), manifest, &error), VIA_OK);
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    expect_service(fixture, "the first", 0);
}

static void check_order(load_fixture *fixture, bool library_first)
{
    bytes manifest, library;

    start(fixture);
    make_next(fixture, &manifest, &library);
    copy_slowly(fixture, library_first ? "p/via_good.so" : "p/good.json", library_first ? &library : &manifest);
    expect_not_good(fixture, "one of two", 0);
    copy_slowly(fixture, library_first ? "p/good.json" : "p/via_good.so", library_first ? &manifest : &library);
    via_plugin_info info = load_fixture_plugin(fixture, "good");
    assert_string_equal(info.version, "1.0.1");
    assert_int_equal(info.error.status, VIA_OK);
    free(manifest.data);
    free(library.data);
}

static void test_halves__library_before_manifest(void **state)
{
    check_order(*state, true);
}

static void test_halves__manifest_before_library(void **state)
{
    check_order(*state, false);
}

/* A new plugin, whose files come piece by piece: refused with a reason until it is whole. */
static void test_halves__a_plugin_that_comes_piece_by_piece(void **state)
{
    load_fixture *fixture = *state;
    bytes manifest, library;
    via_loaded *loaded;

    load_fixture_install(fixture, "wide", "p");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    make_next(fixture, &manifest, &library);
    for (size_t size = 0; size < manifest.size; size += 7) {
        put(fixture, "p/good.json", &manifest, size);
        assert_int_not_equal(load_fixture_load(fixture, "good:x", &loaded), VIA_OK);
        assert_int_equal(load_fixture_load(fixture, "wide:x", &loaded), VIA_OK);
        via_loader_release(loaded);
    }
    put(fixture, "p/good.json", &manifest, manifest.size);
    assert_int_equal(load_fixture_load(fixture, "good:x", &loaded), VIA_ENOENT); /* of the library */
    put(fixture, "p/via_good.so", &library, library.size / 2);
    assert_int_equal(load_fixture_load(fixture, "good:x", &loaded), VIA_EREFUSED);
    put(fixture, "p/via_good.so", &library, library.size);
    expect_service(fixture, "whole", library.size);
    free(manifest.data);
    free(library.data);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, load_fixture_setup, load_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_halves__library_before_manifest),
        TEST(test_halves__manifest_before_library),
        TEST(test_halves__a_plugin_that_comes_piece_by_piece),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
