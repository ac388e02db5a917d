/* SPDX-License-Identifier: Apache-2.0 */
/* via_seal() and via_validate(). */
#include "load_fixture.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static via_status seal(load_fixture *fixture, const char *manifest, const char *library, const char *output)
{
    return via_seal(load_fixture_path(fixture, manifest), load_fixture_path(fixture, library),
                    load_fixture_path(fixture, output), &fixture->error);
}

static size_t count_files(const load_fixture *fixture, const char *name)
{
    DIR *folder = opendir(load_fixture_path(fixture, name));
    size_t count = 0;

    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        count += entry->d_name[0] != '.';
    (void)closedir(folder);
    return count;
}

static void test_seal__writes_what_the_library_is(void **state)
{
    load_fixture *fixture = *state;
    char line[128], abi[64];
    size_t size;

    load_fixture_install(fixture, "good", "p");
    assert_int_equal(seal(fixture, "p/good.json", "p/via_good.so", "p/sealed.json"), VIA_OK);
    char *text = load_fixture_read(fixture, "p/sealed.json", &size);
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    (void)snprintf(abi, sizeof(abi), "%u.%u:%016llx", VIA_ABI_MAJOR, VIA_ABI_MINOR, (unsigned long long)VIA_ABI_HASH);
    const char *platform = json_object_iter_key(json_object_iter(json_object_get(json, "abi")));
    assert_string_equal(json_string_value(json_object_get(json_object_get(json, "abi"), platform)), abi);
    (void)snprintf(line, sizeof(line), "sha256sum '%s'", load_fixture_path(fixture, "p/via_good.so"));
    FILE *pipe = popen(line, "r"); /* another program's opinion */
    char digest[65] = "";
    assert_int_equal(fread(digest, 1, 64, pipe), 64);
    (void)pclose(pipe);
    assert_string_equal(json_string_value(json_object_get(json_object_get(json, "sha256"), platform)), digest);
    assert_string_equal(json_object_iter_key(json_object_iter(json)), "manifest"); /* the order is kept */
    json_decref(json);
    free(text);
    assert_int_equal(count_files(fixture, "p"), 3); /* nothing is left beside it */
}

/* Sealing again gives the same bytes, in place, with the mode that the file had. */
static void test_seal__again_and_in_place_changes_nothing(void **state)
{
    load_fixture *fixture = *state;
    struct stat file;
    size_t first_size, second_size;

    load_fixture_install(fixture, "good", "p");
    assert_int_equal(chmod(load_fixture_path(fixture, "p/good.json"), 0640), 0);
    assert_int_equal(seal(fixture, "p/good.json", "p/via_good.so", "p/good.json"), VIA_OK);
    char *first = load_fixture_read(fixture, "p/good.json", &first_size);
    assert_int_equal(seal(fixture, "p/good.json", "p/via_good.so", "p/good.json"), VIA_OK);
    char *second = load_fixture_read(fixture, "p/good.json", &second_size);
    assert_string_equal(first, second);
    assert_int_equal(stat(load_fixture_path(fixture, "p/good.json"), &file), 0);
    assert_int_equal(file.st_mode & 0777, 0640);
    free(first);
    free(second);
}

typedef struct seal_case {
    const char *manifest;
    const char *library;
    const char *output;
    const char *expected;
} seal_case;

static void test_seal__refuses_what_the_host_would_refuse(void **state)
{
    static const seal_case cases[] = {
        {"p/good.json", "q/via_good.so", "out.json",
         "VIA_ENOENT preflight | cannot find the library $/q/via_good.so | build it first, or mend the path"},
        {"p/wrong_major.json", "p/via_wrong_major.so", "out.json",
         "VIA_EREFUSED preflight | the plugin speaks version 2 of the plugin ABI; expected version 1 | install the "
         "Viaduct "
         "that the plugin was built for | the library is $/p/via_wrong_major.so"},
        {"p/no_note.json", "p/via_no_note.so", "out.json",
         "VIA_EREFUSED preflight | the library carries no Viaduct ABI note, so it is not a plugin | define the plugin "
         "with "
         "VIA_PLUGIN(), and link without discarding .note.viaduct | the library is $/p/via_no_note.so"},
        {"broken.json", "p/via_good.so", "out.json",
         "VIA_EINVAL schema $/broken.json:1:1 | the manifest lacks the key \"manifest\" | add \"manifest\" here"},
    };
    load_fixture *fixture = *state;

    load_fixture_install(fixture, "good", "p");
    load_fixture_install(fixture, "wrong_major", "p");
    load_fixture_install(fixture, "no_note", "p");
    load_fixture_write(fixture, "broken.json", "{\"kind\": \"transport\"}");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_not_equal(seal(fixture, cases[i].manifest, cases[i].library, cases[i].output), VIA_OK);
        load_fixture_expect(fixture, &fixture->error, cases[i].expected);
        assert_int_not_equal(access(load_fixture_path(fixture, "out.json"), F_OK), 0);
    }
}

/* Only the constructor's abort would tell that the library was run. */
static void test_seal__runs_nothing(void **state)
{
    load_fixture *fixture = *state;

    load_fixture_install(fixture, "aborts", "p");
    assert_int_equal(seal(fixture, "p/aborts.json", "p/via_aborts.so", "p/aborts.json"), VIA_OK);
}

static void test_seal__an_output_that_cannot_be_written_leaves_the_old_one(void **state)
{
    load_fixture *fixture = *state;

    load_fixture_install(fixture, "good", "p");
    assert_int_not_equal(seal(fixture, "p/good.json", "p/via_good.so", "missing/out.json"), VIA_OK);
    assert_int_equal(fixture->error.status, VIA_ENOENT);
    assert_int_equal(mkdir(load_fixture_path(fixture, "taken"), 0755), 0);
    assert_int_not_equal(seal(fixture, "p/good.json", "p/via_good.so", "taken"), VIA_OK);
    assert_int_equal(count_files(fixture, "."), 2);
}

/* ---- validate ----------------------------------------------------------------------------------------------- */

static void test_validate__tells_the_kinds_apart(void **state)
{
    load_fixture *fixture = *state;
    uint32_t kind = 99;

    load_fixture_install(fixture, "good", "p");
    load_fixture_write(fixture, "e.json", "{\"manifest\": 1, \"endpoints\": {}}");
    assert_int_equal(via_validate(load_fixture_path(fixture, "p/good.json"), &kind, NULL), VIA_OK);
    assert_int_equal(kind, VIA_MANIFEST_PLUGIN);
    assert_int_equal(via_validate(load_fixture_path(fixture, "e.json"), &kind, NULL), VIA_OK);
    assert_int_equal(kind, VIA_MANIFEST_ENDPOINTS);
    assert_int_equal(via_validate(load_fixture_path(fixture, "e.json"), NULL, NULL), VIA_OK);
}

/* A whole number tells the version of a format; a slip in "manifest" is none of another. */
static void test_validate__tells_files_of_layers_from_manifests(void **state)
{
    static const struct {
        const char *text;
        uint32_t kind;
    } files[] = {
        {"{\"sums\": 1}", VIA_MANIFEST_OF_LAYER},
        {"{\"$schema\": 3, \"x-a\": 4, \"name\": \"n\", \"sums\": 1}", VIA_MANIFEST_OF_LAYER},
        {"{\"manifest\": 1, \"sums\": 1}", 0},
        {"{\"manfest\": 1, \"name\": \"n\"}", VIA_MANIFEST_PLUGIN},
        {"{\"sums\": 1, \"endpoints\": {}}", VIA_MANIFEST_ENDPOINTS},
        {"{\"name\": \"n\"}", VIA_MANIFEST_PLUGIN},
        {"{\"sums\": 1.5}", 0},
        {"[1]", 0},
    };
    load_fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        uint32_t kind = 99;
        load_fixture_write(fixture, "f.json", files[i].text);
        via_status status = via_validate(load_fixture_path(fixture, "f.json"), &kind, &fixture->error);
        assert_int_equal(status, files[i].kind == VIA_MANIFEST_OF_LAYER ? VIA_ENOTSUP : VIA_EINVAL);
        assert_int_equal(kind, files[i].kind);
    }
    load_fixture_write(fixture, "f.json", files[0].text);
    assert_int_equal(via_validate(load_fixture_path(fixture, "f.json"), NULL, &fixture->error), VIA_ENOTSUP);
    load_fixture_expect(fixture, &fixture->error,
                        "VIA_ENOTSUP schema $/f.json:0:0 | a file with \"sums\" is checked by a layer | ask a host: "
                        "via_validate_with()");
}

static void test_validate__refusals(void **state)
{
    load_fixture *fixture = *state;
    uint32_t kind;

    assert_int_equal(via_validate(load_fixture_path(fixture, "nothing.json"), &kind, &fixture->error), VIA_ENOENT);
    assert_int_equal(kind, 0);
    load_fixture_expect(fixture, &fixture->error,
                        "VIA_ENOENT discover $/nothing.json:0:0 | $/nothing.json cannot be opened | check the path");
    assert_int_equal(mkdir(load_fixture_path(fixture, "folder.json"), 0755), 0);
    assert_int_equal(via_validate(load_fixture_path(fixture, "folder.json"), &kind, &fixture->error), VIA_EINVAL);
    load_fixture_expect(
        fixture, &fixture->error,
        "VIA_EINVAL discover $/folder.json:0:0 | $/folder.json is a folder | name a file in it; a folder that is "
        "searched takes what ends in .json for a file");
    assert_int_equal(mkfifo(load_fixture_path(fixture, "pipe.json"), 0600), 0); /* must not block */
    assert_int_equal(via_validate(load_fixture_path(fixture, "pipe.json"), &kind, &fixture->error), VIA_EINVAL);
    load_fixture_write(fixture, "bad.json", "{\"manifest\": 1, \"endpoints\": 5}");
    assert_int_equal(via_validate(load_fixture_path(fixture, "bad.json"), &kind, &fixture->error), VIA_EINVAL);
    assert_int_equal(kind, VIA_MANIFEST_ENDPOINTS);
    assert_int_equal(via_validate(NULL, &kind, &fixture->error), VIA_EINVAL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, load_fixture_setup, load_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_seal__writes_what_the_library_is),
        TEST(test_seal__again_and_in_place_changes_nothing),
        TEST(test_seal__refuses_what_the_host_would_refuse),
        TEST(test_seal__runs_nothing),
        TEST(test_seal__an_output_that_cannot_be_written_leaves_the_old_one),
        TEST(test_validate__tells_the_kinds_apart),
        TEST(test_validate__tells_files_of_layers_from_manifests),
        TEST(test_validate__refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
