/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins and endpoint files that come, change and go while a program runs, which calls nothing to see it. */
#include "load_fixture.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENDPOINTS(text) "{\"manifest\": 1, \"endpoints\": {" text "}}"

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

static void seal(const load_fixture *fixture)
{
    const char *manifest = load_fixture_path(fixture, "p/good.json");
    via_error error;

    if (via_seal(manifest, load_fixture_path(fixture, "p/via_good.so"), manifest, &error) != VIA_OK)
        fail_msg("%s", error.what);
}

static void install_sealed(const load_fixture *fixture)
{
    load_fixture_install(fixture, "good", "p");
    seal(fixture);
}

/* Writes over the library in place, as cp(1) does, with `size` bytes of what it was. */
static void cut_library(const load_fixture *fixture, size_t size)
{
    FILE *file = fopen(load_fixture_path(fixture, "p/via_good.so"), "r+");

    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), (off_t)size), 0);
    assert_int_equal(fclose(file), 0);
}

static const char *const kinds[] = {"", "came", "went", "replaced", "refused", "lost"};

/* "came good, refused shop.json serves", emptied by it. */
static const char *changes(load_fixture *fixture)
{
    static char text[2048];
    via_change change = {.size = sizeof(change)};
    size_t at = 0;

    text[0] = '\0';
    while (via_registry_change_next(fixture->registry, &change) == VIA_OK) {
        const char *slash = strrchr(change.file, '/');
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s %s%s", at ? ", " : "", kinds[change.kind],
                               change.name[0] ? change.name
                               : slash        ? slash + 1
                                              : "",
                               change.serves ? " serves" : "");
        change.size = sizeof(change);
    }
    return text;
}

static void watch(load_fixture *fixture, via_poll_handle *handle)
{
    *handle = (via_poll_handle){.size = sizeof(*handle)};
    assert_int_equal(via_registry_watch(fixture->registry, handle, &fixture->error), VIA_OK);
}

static bool is_told(const via_poll_handle *handle, int timeout_ms)
{
    struct pollfd wait = {.fd = (int)handle->handle, .events = POLLIN};

    return poll(&wait, 1, timeout_ms) == 1;
}

static size_t count_lines(const load_fixture *fixture, const char *text)
{
    size_t count = 0;

    for (const char *at = strstr(fixture->lines, text); at; at = strstr(at + 1, text))
        count++;
    return count;
}

/* ---- plugins ------------------------------------------------------------------------------------------------ */

static void test_dropin__the_next_open_finds_a_new_plugin(void **state)
{
    load_fixture *fixture = *state;

    assert_int_equal(mkdir(load_fixture_path(fixture, "p"), 0755), 0);
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(resolve(fixture, "good:x"), VIA_ENOENT);
    load_fixture_install(fixture, "good", "p");
    assert_int_equal(resolve(fixture, "good:x"), VIA_OK);
    assert_int_equal(unlink(load_fixture_path(fixture, "p/good.json")), 0);
    assert_int_equal(resolve(fixture, "good:x"), VIA_ENOENT);
}

static void test_dropin__a_replaced_plugin_serves_new_opens_while_the_old_code_lives(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *old, *new, *again;

    install_sealed(fixture);
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(load_fixture_load(fixture, "good:x", &old), VIA_OK);
    install_sealed(fixture);
    assert_int_equal(load_fixture_load(fixture, "good:x", &new), VIA_OK);
    assert_ptr_not_equal(old->state, new->state);
    via_loader_release(old);
    assert_int_equal(load_fixture_load(fixture, "good:x", &again), VIA_OK);
    assert_ptr_equal(new, again);
    via_loader_release(again);
    via_loader_release(new);
}

static void test_dropin__channels_of_a_removed_plugin_go_on(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *loaded;
    void *channel = NULL;

    load_fixture_install(fixture, "good", "p");
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(load_fixture_load(fixture, "good:x", &loaded), VIA_OK);
    assert_int_equal(unlink(load_fixture_path(fixture, "p/good.json")), 0);
    assert_int_equal(unlink(load_fixture_path(fixture, "p/via_good.so")), 0);
    assert_int_equal(resolve(fixture, "good:x"), VIA_ENOENT);
    const via_transport *transport = via_loaded_transport(loaded, "good");
    assert_int_equal(transport->dial(loaded->state, NULL, &channel, &fixture->error), VIA_OK);
    transport->channel_ops->close(channel, VIA_CLOSE_FLUSH);
    via_loader_release(loaded);
}

/* Neither while it is loaded, nor later, when its last user has gone. */
static void test_dropin__a_broken_library_does_not_disturb_what_works(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *loaded, *later;

    install_sealed(fixture);
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(load_fixture_load(fixture, "good:x", &loaded), VIA_OK);
    cut_library(fixture, 5000);
    assert_int_equal(load_fixture_load(fixture, "good:x", &later), VIA_OK);
    assert_ptr_equal(loaded, later);
    via_loader_release(later);
    via_loader_release(loaded);
    assert_int_equal(load_fixture_load(fixture, "good:x", &later), VIA_OK);
    via_loader_release(later);
    via_plugin_info info = load_fixture_plugin(fixture, "good");
    assert_int_equal(info.status, VIA_PLUGIN_READY);
    assert_int_equal(info.error.stage, VIA_STAGE_PREFLIGHT);
    install_sealed(fixture); /* whole at last */
    assert_int_equal(resolve(fixture, "good:x"), VIA_OK);
    assert_int_equal(load_fixture_plugin(fixture, "good").error.status, VIA_OK);
}

static void test_dropin__a_broken_manifest_keeps_the_last_good_one(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *loaded;

    install_sealed(fixture);
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    load_fixture_write(fixture, "p/good.json", "{\"manifest\": 1,");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(load_fixture_load(fixture, "good:x", &loaded), VIA_OK); /* never loaded before */
        via_loader_release(loaded);
        assert_int_equal(via_registry_scan(fixture->registry, &fixture->error), VIA_OK);
    }
    via_plugin_info info = load_fixture_plugin(fixture, "good");
    load_fixture_expect(
        fixture, &info.error,
        "VIA_EINVAL parse good $/p/good.json:1:15 | not valid JSON: string or '}' expected near end of file | "
        "mend the JSON here; comments and trailing commas are not part of it");
    assert_int_equal(count_lines(fixture, "the last good one serves on"), 1);
}

/* What nobody has opened yet is not in memory: then the file is the answer, and says why. */
static void test_dropin__code_that_never_ran_cannot_serve_on(void **state)
{
    load_fixture *fixture = *state;

    install_sealed(fixture);
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    cut_library(fixture, 5000);
    assert_int_equal(resolve(fixture, "good:x"), VIA_EREFUSED);
    assert_int_equal(fixture->error.stage, VIA_STAGE_PREFLIGHT);
    install_sealed(fixture);
    assert_int_equal(resolve(fixture, "good:x"), VIA_OK);
}

static void test_dropin__a_resident_library_serves_on_too(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *loaded;

    load_fixture_install(fixture, "good", "p");
    load_fixture_edit(fixture, "p/good.json", "\"kind\"", "\"resident\": true,\n  \"kind\"");
    seal(fixture);
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(load_fixture_load(fixture, "good:x", &loaded), VIA_OK);
    void *before = loaded->state;
    via_loader_release(loaded);
    cut_library(fixture, 5000);
    assert_int_equal(load_fixture_load(fixture, "good:x", &loaded), VIA_OK);
    assert_ptr_equal(loaded->state, before);
    via_loader_release(loaded);
}

/* A second write of the same length in the same tick of the clock leaves the same times. */
static void test_dropin__two_edits_at_once_are_both_seen(void **state)
{
    load_fixture *fixture = *state;
    char text[] = ENDPOINTS("\"aaaa\": {\"address\": \"good:x\"}"), name[] = "aaaa";
    char *at = strstr(text, name);

    load_fixture_install(fixture, "good", "p");
    load_fixture_write(fixture, "e/shop.json", text);
    assert_int_equal(load_fixture_open(fixture, "p", "e/shop.json"), VIA_OK);
    for (int c = 'b'; c <= 'z'; c++) {
        memset(at, c, 4);
        load_fixture_write(fixture, "e/shop.json", text);
        memset(name, c, 4);
        assert_int_equal(resolve(fixture, name), VIA_OK);
        load_fixture_edit(fixture, "p/good.json", "\"good\": {", "\"gooo\": {");
        assert_int_equal(resolve(fixture, "good:x"), VIA_ENOENT);
        load_fixture_edit(fixture, "p/good.json", "\"gooo\": {", "\"good\": {");
        assert_int_equal(resolve(fixture, "good:x"), VIA_OK);
    }
}

/* ---- endpoints ---------------------------------------------------------------------------------------------- */

static void test_dropin__an_edit_of_an_endpoint_counts_at_the_next_open(void **state)
{
    load_fixture *fixture = *state;
    via_resolved out;

    load_fixture_install(fixture, "good", "p");
    load_fixture_write(fixture, "e/shop.json", ENDPOINTS("\"orders\": {\"address\": \"good:a\"}"));
    assert_int_equal(load_fixture_open(fixture, "p", "e"), VIA_OK);
    load_fixture_write(fixture, "e/shop.json", ENDPOINTS("\"orders\": {\"address\": \"good:b\"}"));
    assert_int_equal(via_resolve(fixture->registry, "orders", VIA_PAIR, true, NULL, &out, &fixture->error), VIA_OK);
    assert_string_equal(out.rest, "b");
    via_resolved_fini(&out);
    assert_int_equal(unlink(load_fixture_path(fixture, "e/shop.json")), 0);
    assert_int_equal(resolve(fixture, "orders"), VIA_ENOENT);
}

static void test_dropin__a_broken_edit_keeps_the_last_good_endpoints_and_says_so(void **state)
{
    load_fixture *fixture = *state;
    via_poll_handle handle;

    load_fixture_install(fixture, "good", "p");
    load_fixture_write(fixture, "e/shop.json", ENDPOINTS("\"orders\": {\"address\": \"good:a\"}"));
    assert_int_equal(load_fixture_open(fixture, "p", "e"), VIA_OK);
    watch(fixture, &handle);
    load_fixture_write(fixture, "e/shop.json", ENDPOINTS("\"orders\": {\"address\": \"good:a\"}, \"new\": 1"));
    assert_int_equal(resolve(fixture, "orders"), VIA_OK);
    assert_int_equal(resolve(fixture, "orders?no_such=1"), VIA_EINVAL); /* perhaps because of the state it is in */
    assert_non_null(strstr(fixture->error.more, "e/shop.json:1:71 is refused"));
    assert_int_equal(resolve(fixture, "new"), VIA_ENOENT);
    assert_non_null(strstr(fixture->error.more, "e/shop.json:1:71 is refused: \"new\" is a whole number; "));
    assert_string_equal(changes(fixture), "refused shop.json serves");
    assert_int_equal(count_lines(fixture, "the last good one serves on"), 1);
    load_fixture_write(fixture, "e/shop.json", ENDPOINTS("\"new\": {\"address\": \"good:a\"}"));
    assert_int_equal(resolve(fixture, "new"), VIA_OK);
    assert_int_equal(resolve(fixture, "orders"), VIA_ENOENT);
    assert_string_equal(changes(fixture), "replaced shop.json");
}

/* ---- being told --------------------------------------------------------------------------------------------- */

static void test_dropin__a_program_is_told_what_came_and_went(void **state)
{
    load_fixture *fixture = *state;
    via_poll_handle handle;

    assert_int_equal(mkdir(load_fixture_path(fixture, "p"), 0755), 0);
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    watch(fixture, &handle);
    assert_false(is_told(&handle, 0));
    load_fixture_install(fixture, "good", "p");
    assert_true(is_told(&handle, 5000));
    assert_int_equal(via_registry_scan(fixture->registry, &fixture->error), VIA_OK);
    assert_string_equal(changes(fixture), "came good");
    install_sealed(fixture);
    assert_int_equal(via_registry_scan(fixture->registry, &fixture->error), VIA_OK);
    assert_string_equal(changes(fixture), "replaced good");
    cut_library(fixture, 100);
    assert_int_equal(via_registry_scan(fixture->registry, &fixture->error), VIA_OK);
    assert_int_equal(via_registry_scan(fixture->registry, &fixture->error), VIA_OK);
    assert_string_equal(changes(fixture), "refused good");
    assert_int_equal(unlink(load_fixture_path(fixture, "p/good.json")), 0);
    assert_int_equal(via_registry_scan(fixture->registry, &fixture->error), VIA_OK);
    assert_string_equal(changes(fixture), "went good");
    assert_false(is_told(&handle, 0));
}

/* An open has looked already: the program is told all the same. */
static void test_dropin__what_an_open_has_found_is_told(void **state)
{
    load_fixture *fixture = *state;
    via_poll_handle handle;

    assert_int_equal(mkdir(load_fixture_path(fixture, "p"), 0755), 0);
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    watch(fixture, &handle);
    load_fixture_install(fixture, "good", "p");
    assert_int_equal(resolve(fixture, "good:x"), VIA_OK);
    assert_true(is_told(&handle, 0));
    assert_int_equal(via_registry_scan(fixture->registry, &fixture->error), VIA_OK);
    assert_false(is_told(&handle, 0));
    assert_string_equal(changes(fixture), "came good");
}

/* A program that never takes them holds a bounded number, and is told that it has missed some. */
static void test_dropin__changes_that_nobody_takes_are_bounded(void **state)
{
    load_fixture *fixture = *state;
    via_poll_handle handle;
    via_change change = {.size = sizeof(change)};
    size_t count = 0;

    load_fixture_write(fixture, "e/shop.json", ENDPOINTS(""));
    assert_int_equal(load_fixture_open(fixture, NULL, "e"), VIA_OK);
    watch(fixture, &handle);
    for (int i = 0; i < 300; i++) {
        load_fixture_write(fixture, "e/shop.json",
                           i % 2 ? ENDPOINTS("") : ENDPOINTS("\"x\": {\"address\": \"good:x\"}"));
        (void)resolve(fixture, "x");
    }
    assert_int_equal(via_registry_change_next(fixture->registry, &change), VIA_OK);
    assert_int_equal(change.kind, VIA_CHANGE_LOST);
    while (via_registry_change_next(fixture->registry, &change) == VIA_OK)
        count++;
    assert_int_equal(count, 256);
}

static void test_dropin__a_shorter_record_of_a_change_is_not_overrun(void **state)
{
    load_fixture *fixture = *state;
    via_poll_handle handle;
    via_change change;

    load_fixture_write(fixture, "e/shop.json", ENDPOINTS(""));
    assert_int_equal(load_fixture_open(fixture, NULL, "e"), VIA_OK);
    watch(fixture, &handle);
    assert_int_equal(unlink(load_fixture_path(fixture, "e/shop.json")), 0);
    assert_int_equal(via_registry_scan(fixture->registry, &fixture->error), VIA_OK);
    memset(&change, 0x5a, sizeof(change));
    change.size = 2;
    assert_int_equal(via_registry_change_next(fixture->registry, &change), VIA_EINVAL);
    change.size = offsetof(via_change, name);
    assert_int_equal(via_registry_change_next(fixture->registry, &change), VIA_OK);
    assert_int_equal(change.kind, VIA_CHANGE_WENT);
    assert_int_equal(change.size, offsetof(via_change, name));
    assert_int_equal(change.name[0], 0x5a);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, load_fixture_setup, load_fixture_teardown)
#define BOTH(f)                                                                                                        \
    TEST(f),                                                                                                           \
    {                                                                                                                  \
#f ", watched", f, load_fixture_setup_watched, load_fixture_teardown, NULL                                     \
    }
    const struct CMUnitTest tests[] = {
        BOTH(test_dropin__the_next_open_finds_a_new_plugin),
        BOTH(test_dropin__a_replaced_plugin_serves_new_opens_while_the_old_code_lives),
        BOTH(test_dropin__channels_of_a_removed_plugin_go_on),
        BOTH(test_dropin__a_broken_library_does_not_disturb_what_works),
        BOTH(test_dropin__a_broken_manifest_keeps_the_last_good_one),
        BOTH(test_dropin__code_that_never_ran_cannot_serve_on),
        BOTH(test_dropin__a_resident_library_serves_on_too),
        BOTH(test_dropin__two_edits_at_once_are_both_seen),
        BOTH(test_dropin__an_edit_of_an_endpoint_counts_at_the_next_open),
        BOTH(test_dropin__a_broken_edit_keeps_the_last_good_endpoints_and_says_so),
        BOTH(test_dropin__a_program_is_told_what_came_and_went),
        BOTH(test_dropin__what_an_open_has_found_is_told),
        BOTH(test_dropin__changes_that_nobody_takes_are_bounded),
        BOTH(test_dropin__a_shorter_record_of_a_change_is_not_overrun),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
