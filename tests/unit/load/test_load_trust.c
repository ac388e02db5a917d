/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the host trusts: owners, modes, sticky folders, symlinks, and the line that accepts another owner. */
#include "load_fixture.h"

#include "platform/trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SOMEBODY = 54321 }; /* a user id that no account has */

static via_plugin_info open_and_look(load_fixture *fixture)
{
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    return load_fixture_plugin(fixture, "good");
}

static void test_trust__a_private_folder_is_good(void **state)
{
    load_fixture *fixture = *state;

    load_fixture_install(fixture, "good", "p");
    assert_int_equal(open_and_look(fixture).status, VIA_PLUGIN_READY);
}

typedef struct mode_case {
    const char *path;
    mode_t mode;
    const char *expected;
} mode_case;

/* The group's name is the system's own; "@" stands for it. */
static void expect_refusal(load_fixture *fixture, const char *expected)
{
    via_plugin_info info = open_and_look(fixture);
    char *at = strstr(info.error.what, "group '");

    assert_int_equal(info.status, VIA_PLUGIN_REFUSED);
    if (at)
        (void)snprintf(at, sizeof(info.error.what) - (size_t)(at - info.error.what), "group @");
    load_fixture_expect(fixture, &info.error, expected);
}

static void test_trust__what_others_can_write_is_refused(void **state)
{
    static const mode_case cases[] = {
        {"p", 0775, "VIA_EPERM trust good $/p/good.json:0:0 | $/p is writable by group @ | chmod g-w '$/p'"},
        {"p", 0757, "VIA_EPERM trust good $/p/good.json:0:0 | $/p is writable by everybody | chmod o-w '$/p'"},
        {"p", 0777, "VIA_EPERM trust good $/p/good.json:0:0 | $/p is writable by everybody | chmod go-w '$/p'"},
        {"p/good.json", 0664,
         "VIA_EPERM trust good $/p/good.json:0:0 | $/p/good.json is writable by group @ | chmod g-w '$/p/good.json'"},
        {"p/via_good.so", 0646,
         "VIA_EPERM trust good $/p/good.json:0:0 | $/p/via_good.so is writable by everybody | chmod o-w "
         "'$/p/via_good.so'"},
        {"", 0770, "VIA_EPERM trust good $/p/good.json:0:0 | $ is writable by group @ | chmod g-w '$'"},
        {"p", 01777,
         "VIA_EPERM trust good $/p/good.json:0:0 | $/p is writable by everybody | move the files into a folder of "
         "their "
         "own, such as $/p/mine (mkdir -m 755 makes one)"},
    };
    load_fixture *fixture = *state;

    load_fixture_install(fixture, "good", "p");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[PATH_MAX];
        struct stat before;
        (void)snprintf(path, sizeof(path), "%s%s%s", fixture->folder, cases[i].path[0] ? "/" : "", cases[i].path);
        assert_int_equal(stat(path, &before), 0);
        assert_int_equal(chmod(path, cases[i].mode), 0);
        expect_refusal(fixture, cases[i].expected);
        assert_int_equal(chmod(path, before.st_mode & 07777), 0);
    }
    assert_int_equal(open_and_look(fixture).status, VIA_PLUGIN_READY);
}

/* Giving a file away takes root. */
static void test_trust__another_owner_is_refused_with_the_way_out(void **state)
{
    load_fixture *fixture = *state;
    via_trust trust = {0};
    via_error error;
    char *resolved = NULL;

    if (geteuid() != 0)
        skip();
    load_fixture_install(fixture, "good", "p/q");
    assert_int_equal(chown(load_fixture_path(fixture, "p"), SOMEBODY, SOMEBODY), 0);
    const char *file = load_fixture_path(fixture, "p/q/good.json");
    via_error_init(&error);
    assert_int_equal(via_trust_check(&trust, "manifest", file, NULL, &resolved, &error), VIA_EPERM);
    load_fixture_expect(
        fixture, &error,
        "VIA_EPERM trust | $/p belongs to uid 54321; expected root or the user of this process (uid 0) | "
        "export VIADUCT_TRUST='$/p'");
    assert_int_equal(via_trust_add(&trust, load_fixture_path(fixture, "p")), VIA_OK);
    assert_int_equal(via_trust_check(&trust, "manifest", file, NULL, &resolved, &error), VIA_OK);
    free(resolved);
    via_trust_fini(&trust);
}

/* What is trusted already stays in the line, and a folder of a similar name is not meant. */
static void test_trust__the_line_adds_to_what_is_trusted(void **state)
{
    load_fixture *fixture = *state;
    via_trust trust = {0};
    via_error error;
    char *resolved = NULL;

    if (geteuid() != 0)
        skip();
    load_fixture_write(fixture, "pq/a.json", "{}");
    load_fixture_write(fixture, "p/a.json", "{}");
    assert_int_equal(chown(load_fixture_path(fixture, "pq/a.json"), SOMEBODY, SOMEBODY), 0);
    assert_int_equal(via_trust_add(&trust, load_fixture_path(fixture, "p")), VIA_OK);
    via_error_init(&error);
    assert_int_equal(
        via_trust_check(&trust, "manifest", load_fixture_path(fixture, "pq/a.json"), NULL, &resolved, &error),
        VIA_EPERM);
    load_fixture_expect(fixture, &error,
                        "VIA_EPERM trust | $/pq/a.json belongs to uid 54321; expected root or the user of this process "
                        "(uid 0) | export VIADUCT_TRUST='$/p:$/pq'");
    trust.fixed = true;
    assert_int_equal(
        via_trust_check(&trust, "manifest", load_fixture_path(fixture, "pq/a.json"), NULL, &resolved, &error),
        VIA_EPERM);
    assert_non_null(strstr(error.mend, "chown 0 '"));
    via_trust_fini(&trust);
}

static void test_trust__a_trusted_owner_still_may_not_let_others_write(void **state)
{
    load_fixture *fixture = *state;
    via_trust trust = {0};
    via_error error;
    char *resolved = NULL;

    load_fixture_write(fixture, "p/a.json", "{}");
    assert_int_equal(chmod(load_fixture_path(fixture, "p"), 0777), 0);
    assert_int_equal(via_trust_add(&trust, load_fixture_path(fixture, "p")), VIA_OK);
    assert_int_equal(
        via_trust_check(&trust, "manifest", load_fixture_path(fixture, "p/a.json"), NULL, &resolved, &error),
        VIA_EPERM);
    assert_non_null(strstr(error.what, "is writable by everybody"));
    via_trust_fini(&trust);
}

static void test_trust__a_symlink_stays_in_its_folder(void **state)
{
    load_fixture *fixture = *state;

    load_fixture_install(fixture, "good", "p");
    load_fixture_install(fixture, "good", "elsewhere");
    assert_int_equal(rename(load_fixture_path(fixture, "p/via_good.so"), load_fixture_path(fixture, "p/via_good.so.1")),
                     0);
    assert_int_equal(symlink("via_good.so.1", load_fixture_path(fixture, "p/via_good.so")), 0);
    assert_int_equal(open_and_look(fixture).status, VIA_PLUGIN_READY);
    assert_int_equal(unlink(load_fixture_path(fixture, "p/via_good.so")), 0);
    assert_int_equal(symlink("../elsewhere/via_good.so", load_fixture_path(fixture, "p/via_good.so")), 0);
    via_plugin_info info = open_and_look(fixture);
    load_fixture_expect(fixture, &info.error,
                        "VIA_EPERM trust good $/p/good.json:0:0 | the library $/p/via_good.so is a symlink out of its "
                        "folder, to $/elsewhere/via_good.so | put the file itself there instead of a symlink");
}

static void test_trust__a_manifest_that_is_a_symlink_out_is_refused(void **state)
{
    load_fixture *fixture = *state;

    load_fixture_install(fixture, "good", "p");
    assert_int_equal(rename(load_fixture_path(fixture, "p/good.json"), load_fixture_path(fixture, "good.json")), 0);
    assert_int_equal(symlink("../good.json", load_fixture_path(fixture, "p/good.json")), 0);
    via_plugin_info info = open_and_look(fixture);
    load_fixture_expect(fixture, &info.error,
                        "VIA_EPERM trust good $/p/good.json:0:0 | the manifest $/p/good.json is a symlink out of its "
                        "folder, to $/good.json | put the file itself there instead of a symlink");
}

static void test_trust__an_endpoint_file_has_to_be_trusted_too(void **state)
{
    load_fixture *fixture = *state;
    via_endpoint_info info = {.size = sizeof(info)};
    size_t cursor = 0;

    load_fixture_write(fixture, "e/a.json", "{\"manifest\": 1, \"endpoints\": {\"a\": {\"address\": \"good:x\"}}}");
    assert_int_equal(chmod(load_fixture_path(fixture, "e/a.json"), 0666), 0);
    assert_int_equal(load_fixture_open(fixture, NULL, "e"), VIA_OK);
    assert_int_equal(via_registry_endpoint_next(fixture->registry, &cursor, &info), VIA_OK);
    assert_string_equal(info.name, "");
    load_fixture_expect(
        fixture, &info.error,
        "VIA_EPERM trust $/e/a.json:0:0 | $/e/a.json is writable by everybody | chmod go-w '$/e/a.json'");
}

/* The proof that nothing runs: the constructor of this plugin aborts. */
static void test_trust__an_untrusted_plugin_is_not_loaded(void **state)
{
    load_fixture *fixture = *state;
    via_loaded *loaded;

    load_fixture_install(fixture, "aborts", "p");
    assert_int_equal(chmod(load_fixture_path(fixture, "p"), 0777), 0);
    assert_int_equal(load_fixture_open(fixture, "p", NULL), VIA_OK);
    assert_int_equal(load_fixture_load(fixture, "aborts:x", &loaded), VIA_EPERM);
    assert_int_equal(load_fixture_load(fixture, "aborts:x", &loaded), VIA_EPERM);
    assert_null(loaded);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, load_fixture_setup, load_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_trust__a_private_folder_is_good),
        TEST(test_trust__what_others_can_write_is_refused),
        TEST(test_trust__another_owner_is_refused_with_the_way_out),
        TEST(test_trust__the_line_adds_to_what_is_trusted),
        TEST(test_trust__a_trusted_owner_still_may_not_let_others_write),
        TEST(test_trust__a_symlink_stays_in_its_folder),
        TEST(test_trust__a_manifest_that_is_a_symlink_out_is_refused),
        TEST(test_trust__an_endpoint_file_has_to_be_trusted_too),
        TEST(test_trust__an_untrusted_plugin_is_not_loaded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
