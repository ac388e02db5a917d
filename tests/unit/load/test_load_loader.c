/* SPDX-License-Identifier: Apache-2.0 */
/* Loading and unloading: users, copies, replacement while loaded, resident libraries, tables of other sizes. */
#include "load_fixture.h"

#include "load/negotiate.h"
#include "platform/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As in tests/fixtures/plugins/wrong/wrong.c. */
typedef struct fixture_state {
    uint32_t init_calls;
    uint32_t fini_calls;
} fixture_state;

static uint32_t init_calls(const via_loaded *loaded)
{
    return ((const fixture_state *)loaded->state)->init_calls;
}

static void test_loader__loads_once_for_all_users(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *first, *second;

    load_fixture_install(fixture, "good", "p");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(load_fixture_plugin(fixture, "good").status, VIA_PLUGIN_READY);
    assert_int_equal(load_fixture_load(fixture, "good:x", &first), VIA_OK);
    assert_int_equal(load_fixture_load(fixture, "good:x", &second), VIA_OK);
    assert_ptr_equal(first, second);
    assert_int_equal(init_calls(first), 1);
    assert_string_equal(first->name, "good");
    assert_non_null(via_loaded_transport(first, "good"));
    assert_null(via_loaded_transport(first, "bad"));
    assert_int_equal(load_fixture_plugin(fixture, "good").status, VIA_PLUGIN_LOADED);
    via_loader_release(first);
    assert_int_equal(load_fixture_plugin(fixture, "good").status, VIA_PLUGIN_LOADED);
    via_loader_release(second);
    assert_int_equal(load_fixture_plugin(fixture, "good").status, VIA_PLUGIN_READY);
}

/* A fresh mapping has fresh data: init was called once, whatever came before. */
static void test_loader__unloads_after_the_last_user(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *loaded;

    load_fixture_install(fixture, "good", "p");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(load_fixture_load(fixture, "good:x", &loaded), VIA_OK);
        assert_int_equal(init_calls(loaded), 1);
        via_loader_release(loaded);
    }
}

static size_t count_mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    size_t count = 0;

    while (fgets(line, sizeof(line), maps))
        count += strstr(line, "viaduct-plugin") != NULL;
    (void)fclose(maps);
    return count;
}

static void test_loader__leaves_no_mapping_and_no_descriptor(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *loaded;

    load_fixture_install(fixture, "good", "p");
    fixture->is_watched = true; /* it has the descriptor for that by now */
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    size_t before = count_mappings();
    int probe = dup(0);
    (void)close(probe);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(load_fixture_load(fixture, "good:x", &loaded), VIA_OK);
        via_loader_release(loaded);
    }
    int again = dup(0);
    (void)close(again);
    assert_int_equal(count_mappings(), before);
    assert_int_equal(again, probe);
}

static void test_loader__a_resident_library_stays_and_is_not_mapped_twice(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *loaded;
    fixture_state *record;

    load_fixture_install(fixture, "good", "p");
    load_fixture_edit(fixture, "p/good.json", "\"kind\"", "\"resident\": true,\n  \"kind\"");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(load_fixture_load(fixture, "good:x", &loaded), VIA_OK);
    record = loaded->state;
    uint32_t inits = record->init_calls, finis = record->fini_calls;
    via_loader_release(loaded);
    assert_int_equal(record->fini_calls, finis + 1); /* still there to be read */
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(load_fixture_load(fixture, "good:x", &loaded), VIA_OK);
    assert_ptr_equal(loaded->state, record);
    assert_int_equal(record->init_calls, inits + 1);
    via_loader_release(loaded);
}

/* Overwriting the file in place crashes a program that has mapped the file itself. */
static void test_loader__what_was_checked_is_what_runs(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *loaded;
    size_t size;

    load_fixture_install(fixture, "good", "p");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(load_fixture_load(fixture, "good:x", &loaded), VIA_OK);
    char *bytes = load_fixture_read(fixture, "p/via_good.so", &size);
    FILE *file = fopen(load_fixture_path(fixture, "p/via_good.so"), "r+");
    memset(bytes, 0xcc, size);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    free(bytes);
    const via_transport *transport = via_loaded_transport(loaded, "good");
    void *channel = NULL;
    assert_int_equal(transport->dial(loaded->state, NULL, &channel, &fixture->error), VIA_OK);
    transport->channel_ops->close(channel, VIA_CLOSE_FLUSH);
    via_loader_release(loaded);
}

static void test_loader__a_replaced_plugin_is_found_by_a_scan_while_the_old_one_lives(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *old, *new;

    load_fixture_install(fixture, "good", "p");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(load_fixture_load(fixture, "good:x", &old), VIA_OK);
    load_fixture_install(fixture, "good", "p"); /* other files of the same names */
    assert_int_equal(via_registry_scan(fixture->registry, &fixture->error), VIA_OK);
    assert_int_equal(load_fixture_plugin(fixture, "good").status, VIA_PLUGIN_READY);
    assert_int_equal(load_fixture_load(fixture, "good:x", &new), VIA_OK);
    assert_ptr_not_equal(old, new);
    assert_ptr_not_equal(old->state, new->state);
    assert_int_equal(init_calls(new), 1);
    via_loader_release(old);
    assert_int_equal(init_calls(new), 1);
    via_loader_release(new);
}

static void test_loader__an_unchanged_plugin_survives_a_scan(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *loaded;

    load_fixture_install(fixture, "good", "p");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(load_fixture_load(fixture, "good:x", &loaded), VIA_OK);
    assert_int_equal(via_registry_scan(fixture->registry, &fixture->error), VIA_OK);
    assert_int_equal(load_fixture_plugin(fixture, "good").status, VIA_PLUGIN_LOADED);
    via_loader_release(loaded);
}

static void test_loader__a_sealed_library_that_changed_is_refused(void **state)
{
    load_fixture *fixture = *state;
    char manifest[PATH_MAX], library[PATH_MAX];

    load_fixture_install(fixture, "good", "p");
    (void)snprintf(manifest, sizeof(manifest), "%s/p/good.json", fixture->folder);
    (void)snprintf(library, sizeof(library), "%s/p/via_good.so", fixture->folder);
    assert_int_equal(via_seal(manifest, library, manifest, &fixture->error), VIA_OK);
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(load_fixture_plugin(fixture, "good").status, VIA_PLUGIN_READY);
    FILE *file = fopen(library, "a");
    (void)fputc(0, file);
    (void)fclose(file);
    assert_int_equal(via_registry_scan(fixture->registry, &fixture->error), VIA_OK);
    via_plugin_info info = load_fixture_plugin(fixture, "good");
    assert_int_equal(info.status, VIA_PLUGIN_REFUSED);
    assert_int_equal(info.error.stage, VIA_STAGE_PREFLIGHT);
    assert_non_null(strstr(info.error.what, "is not the library that was sealed: its SHA-256 is "));
    assert_string_equal(info.error.mend, "install the plugin again; after building it by hand: via seal MANIFEST");
}

/* Tables that have grown are read as far as this host knows them, and the next transport is found behind them. */
static void test_loader__tables_of_a_newer_minor_version_are_cut(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *loaded;

    load_fixture_install(fixture, "wide", "p");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(load_fixture_load(fixture, "wide-too:x", &loaded), VIA_OK);
    assert_int_equal(loaded->transport_count, 2);
    assert_non_null(via_loaded_transport(loaded, "wide"));
    assert_non_null(via_loaded_transport(loaded, "wide-too"));
    via_loader_release(loaded);
}

/* The layers that such a plugin would have are beyond the end of its record, where anything may stand. */
static void test_loader__tables_from_an_older_version_are_read_to_their_end(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *loaded;

    load_fixture_install(fixture, "older", "p");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(load_fixture_load(fixture, "older:x", &loaded), VIA_OK);
    assert_int_equal(loaded->layer_count, 0);
    via_loader_release(loaded);
}

static void test_loader__empty_slots_answer(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *loaded;
    via_peer_info peer = {.size = sizeof(peer)};
    void *self = NULL;

    load_fixture_install(fixture, "good", "p");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(load_fixture_load(fixture, "good:x", &loaded), VIA_OK);
    const via_channel_ops *ops = via_loaded_transport(loaded, "good")->channel_ops;
    assert_int_equal(ops->flush(NULL, VIA_NOW), VIA_OK);
    assert_int_equal(ops->finish(NULL, VIA_NOW), VIA_ENOTSUP);
    assert_int_equal(ops->peer(NULL, &peer), VIA_ENOTSUP);
    assert_null(ops->extension(NULL, "via.none/1", &self));
    ops->refresh_counters(NULL);
    ops->info(NULL, NULL);
    assert_null(ops->loan);
    assert_null(ops->commit);
    assert_null(ops->discard);
    assert_null(ops->drain);
    via_loader_release(loaded);
}

static void test_loader__direct_loads_the_file_itself(void **state)
{
    load_fixture *fixture = *state;
    via_image image;

    load_fixture_install(fixture, "good", "p");
    const char *path = load_fixture_path(fixture, "p/via_good.so");
    assert_int_equal(via_image_open(&image, path, true, &fixture->error), VIA_OK);
    assert_int_equal(via_image_load(&image, &fixture->error), VIA_OK);
    assert_string_equal(image.name, path);
    assert_non_null(via_image_symbol(&image, "via_plugin_v1"));
    assert_null(via_image_symbol(&image, "malloc")); /* a dependency's */
    via_image_close(&image);
}

/* A program that closes all descriptors frees the number of a mapped copy; the next copy must not be taken for it. */
static void test_loader__a_number_used_again_does_not_bring_back_the_old_code(void **state)
{
    load_fixture *fixture = *state;
    via_image old, new;

    load_fixture_install(fixture, "good", "p");
    const char *path = load_fixture_path(fixture, "p/via_good.so");
    assert_int_equal(via_image_open(&old, path, false, &fixture->error), VIA_OK);
    assert_int_equal(via_image_load(&old, &fixture->error), VIA_OK);
    assert_int_equal(close(old.fd), 0);
    assert_int_equal(via_image_open(&new, path, false, &fixture->error), VIA_OK);
    assert_int_equal(new.fd, old.fd);
    assert_int_equal(via_image_load(&new, &fixture->error), VIA_OK);
    assert_int_not_equal(new.fd, old.fd);
    assert_ptr_not_equal(via_image_symbol(&old, "via_plugin_v1"), via_image_symbol(&new, "via_plugin_v1"));
    via_image_close(&new);
    old.fd = -1;
    via_image_close(&old);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, load_fixture_setup, load_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_loader__loads_once_for_all_users),
        TEST(test_loader__unloads_after_the_last_user),
        TEST(test_loader__leaves_no_mapping_and_no_descriptor),
        TEST(test_loader__a_resident_library_stays_and_is_not_mapped_twice),
        TEST(test_loader__what_was_checked_is_what_runs),
        TEST(test_loader__a_replaced_plugin_is_found_by_a_scan_while_the_old_one_lives),
        TEST(test_loader__an_unchanged_plugin_survives_a_scan),
        TEST(test_loader__a_sealed_library_that_changed_is_refused),
        TEST(test_loader__tables_of_a_newer_minor_version_are_cut),
        TEST(test_loader__tables_from_an_older_version_are_read_to_their_end),
        TEST(test_loader__empty_slots_answer),
        TEST(test_loader__direct_loads_the_file_itself),
        TEST(test_loader__a_number_used_again_does_not_bring_back_the_old_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
