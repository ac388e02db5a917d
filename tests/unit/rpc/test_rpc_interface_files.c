/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every fixture loads, or is refused at its place, with the words that it expects: "x-error" in the fixture.
 */
#include "interface_fixture.h"

#include "check.h"

#include <dirent.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

typedef void (*fixture_fn)(const char *path);

/* Answers how many there are. */
static size_t each_fixture(const char *folder, fixture_fn judge)
{
    char path[4096];
    size_t count = 0;
    (void)snprintf(path, sizeof(path), RPC_FIXTURES "/%s", folder);
    DIR *listing = opendir(path);
    assert_non_null(listing);
    for (const struct dirent *entry = readdir(listing); entry; entry = readdir(listing)) {
        if (!strstr(entry->d_name, ".json"))
            continue;
        (void)snprintf(path, sizeof(path), RPC_FIXTURES "/%s/%s", folder, entry->d_name);
        judge(path);
        count++;
    }
    (void)closedir(listing);
    return count;
}

static void judge_right(const char *path)
{
    rpc_interface *interface = NULL;
    via_error error;

    via_error_init(&error);
    if (rpc_interface_read(path, &interface, &error) != VIA_OK)
        fail_msg("%s:%u:%u: %s: %s", path, error.line, error.column, error.pointer, error.what);
    rpc_interface_drop(interface);
}

static const char *expected(json_t *root, const char *key)
{
    const char *text = json_string_value(json_object_get(json_object_get(root, "x-error"), key));

    return text ? text : "no x-error";
}

static void judge_wrong(const char *path)
{
    rpc_interface *interface = NULL;
    via_error error;
    char at[32];
    json_t *root = json_load_file(path, 0, NULL);

    via_error_init(&error);
    if (rpc_interface_read(path, &interface, &error) != VIA_EINVAL)
        fail_msg("%s: is accepted", path);
    assert_null(interface);
    (void)snprintf(at, sizeof(at), "%u:%u", error.line, error.column);
    if (strcmp(at, expected(root, "at")) != 0 || strcmp(error.pointer, expected(root, "pointer")) != 0)
        fail_msg("%s: at %s, %s; expected %s, %s", path, at, error.pointer, expected(root, "at"),
                 expected(root, "pointer"));
    if (strcmp(error.what, expected(root, "what")) != 0)
        fail_msg("%s: \"%s\"; expected \"%s\"", path, error.what, expected(root, "what"));
    if (strcmp(error.mend, expected(root, "mend")) != 0)
        fail_msg("%s: \"%s\"; expected \"%s\"", path, error.mend, expected(root, "mend"));
    assert_string_equal(error.file, path);
    json_decref(root);
}

static void test_interface_files__right_ones_load(void **state)
{
    (void)state;
    assert_true(each_fixture("valid", judge_right) >= 5);
}

static void test_interface_files__wrong_ones_are_refused_at_their_place(void **state)
{
    (void)state;
    assert_true(each_fixture("invalid", judge_wrong) >= 50);
    assert_true(each_fixture("rules", judge_wrong) >= 40);
}

/* ---- texts that no fixture can hold --------------------------------------------------------------------------- */

typedef struct text_case {
    const char *text;
    uint32_t line, column;
    const char *what;
} text_case;

static const text_case texts[] = {
    {"", 1, 1, "not valid JSON"},
    {"[]", 1, 1, "the interface is an array; expected an object"},
    {"{\"rpc\": 1,\n}", 2, 1, "not valid JSON"},
    {"{\"rpc\": 1, \"name\": \"\xff\"}", 1, 20, "not UTF-8"},
    {"{\"rpc\": 1} x", 1, 12, "not valid JSON"},
};

static void test_interface_files__other_texts_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        rpc_interface *interface = NULL;
        via_error error;
        via_error_init(&error);
        assert_int_equal(rpc_interface_parse("f", texts[i].text, strlen(texts[i].text), &interface, &error),
                         VIA_EINVAL);
        if (!strstr(error.what, texts[i].what))
            fail_msg("\"%s\"; expected \"%s\"", error.what, texts[i].what);
        assert_int_equal(error.line, texts[i].line);
        assert_int_equal(error.column, texts[i].column);
        assert_true(error.mend[0]);
        assert_int_equal(rpc_interface_parse("f", texts[i].text, strlen(texts[i].text), &interface, NULL), VIA_EINVAL);
    }
}

static void test_interface_files__large_ones_are_refused(void **state)
{
    (void)state;
    size_t size = RPC_FILE_BYTES + 1;
    char *text = malloc(size);
    rpc_interface *interface = NULL;
    via_error error;

    assert_non_null(text);
    memset(text, ' ', size);
    via_error_init(&error);
    assert_int_equal(rpc_interface_parse("f", text, size, &interface, &error), VIA_EINVAL);
    assert_string_equal(error.what, "the interface is larger than 1024 KiB");
    const char whole[] = "{\"rpc\":1,\"name\":\"t\",\"version\":\"1.0.0\",\"methods\":{}}";
    memcpy(text, whole, sizeof(whole) - 1);
    assert_int_equal(rpc_interface_parse("f", text, size - 1, &interface, &error), VIA_OK);
    rpc_interface_drop(interface);
    free(text);
}

/* Every end of a right text is a wrong one. */
static void test_interface_files__truncated_ones_are_refused(void **state)
{
    (void)state;
    rpc_interface *database = load("database"), *cut = NULL;

    for (size_t size = 0; size < database->text_size; size++)
        assert_int_equal(rpc_interface_parse("f", database->text, size, &cut, NULL), VIA_EINVAL);
    rpc_interface_drop(database);
}

/* The arrays in all structs together are bounded: a small text does not become a large model. */
static void test_interface_files__small_text_takes_no_large_memory(void **state)
{
    (void)state;
    size_t capacity = 8192, at = 0;
    char *text = malloc(capacity);
    rpc_interface *interface = NULL;
    via_error error;

    assert_non_null(text);
    at += (size_t)snprintf(text, capacity, "{\"rpc\":1,\"name\":\"t\",\"version\":\"1.0.0\",\"structs\":{");
    for (int i = 0; i < 17; i++)
        at += (size_t)snprintf(text + at, capacity - at,
                               "%s\"s%d\":{\"fields\":[{\"name\":\"x\",\"type\":\"u8[65536]\"}]}", i ? "," : "", i);
    (void)snprintf(text + at, capacity - at, "},\"methods\":{}}");
    via_error_init(&error);
    assert_int_equal(rpc_interface_parse("f", text, strlen(text), &interface, &error), VIA_EINVAL);
    assert_string_equal(error.pointer, "/structs/s16/fields/0/type");
    free(text);
}

/* ---- files ---------------------------------------------------------------------------------------------------- */

static void test_interface_files__what_is_no_file_is_refused_at_once(void **state)
{
    (void)state;
    char folder[] = "/tmp/via_interface_XXXXXX", path[64];
    rpc_interface *interface = NULL;
    via_error error;

    assert_non_null(mkdtemp(folder));
    via_error_init(&error);
    (void)snprintf(path, sizeof(path), "%s/fifo", folder);
    assert_int_equal(rpc_interface_read(path, &interface, &error), VIA_ENOENT);
    assert_string_equal(error.file, path);
    assert_string_equal(error.mend, "check the path");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(rpc_interface_read(path, &interface, &error), VIA_EINVAL);
    assert_int_equal(rpc_interface_read(folder, &interface, &error), VIA_EINVAL);
    assert_non_null(strstr(error.what, "no regular file"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void test_interface_files__check_needs_no_state(void **state)
{
    (void)state;
    via_error error;

    via_error_init(&error);
    assert_int_equal(rpc_check_file(NULL, RPC_FIXTURES "/valid/calc.json", &error), VIA_OK);
    assert_int_equal(rpc_check_file(NULL, RPC_FIXTURES "/invalid/type_int.json", &error), VIA_EINVAL);
    assert_string_equal(error.pointer, "/methods/f/params/0/type");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interface_files__right_ones_load),
        cmocka_unit_test(test_interface_files__wrong_ones_are_refused_at_their_place),
        cmocka_unit_test(test_interface_files__other_texts_are_refused),
        cmocka_unit_test(test_interface_files__large_ones_are_refused),
        cmocka_unit_test(test_interface_files__truncated_ones_are_refused),
        cmocka_unit_test(test_interface_files__small_text_takes_no_large_memory),
        cmocka_unit_test(test_interface_files__what_is_no_file_is_refused_at_once),
        cmocka_unit_test(test_interface_files__check_needs_no_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
