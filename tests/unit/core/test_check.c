/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that a layer's plugin checks.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[64];

static void write_file(const char *text)
{
    (void)snprintf(path, sizeof(path), "/tmp/via_check_XXXXXX");
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

/* Checks a file with this text. */
static via_status check(via_host *host, const char *text, via_file_info *info, via_error *error)
{
    *info = (via_file_info){.size = sizeof(*info)};
    write_file(text);
    const via_status status = via_validate_with(host, path, info, error);
    assert_int_equal(unlink(path), 0);
    return status;
}

static void test_check__a_layer_is_asked_about_its_files(void **state)
{
    via_file_info info;
    via_error error;
    assert_int_equal(check(*state, "{\"sums\": 1}", &info, &error), VIA_OK);
    assert_int_equal(info.kind, VIA_MANIFEST_OF_LAYER);
    assert_string_equal(info.word, "sums");
    assert_string_equal(info.plugin, "terminal");
    /* A claimed key counts, whatever stands before it. */
    assert_int_equal(check(*state, "{\"b\": 2, \"sums\": 1}", &info, &error), VIA_OK);
    assert_string_equal(info.word, "sums");
}

static void test_check__what_the_layer_says_is_told(void **state)
{
    via_file_info info;
    via_error error;
    assert_int_equal(check(*state, "{\"sums\": 1, \"wrong\": 2}", &info, &error), VIA_EINVAL);
    assert_string_equal(error.what, "a wrong sum in 23 bytes");
    assert_string_equal(error.mend, "write a right one");
    assert_string_equal(error.plugin, "terminal");
    assert_string_equal(error.file, path);
    assert_string_equal(info.word, "sums");
    assert_int_equal(check(*state, "{\"sums\": 1, \"silent\": 2}", &info, NULL), VIA_EINVAL);
    assert_int_equal(check(*state, "{\"sums\": 1, \"silent\": 2}", &info, &error), VIA_EINVAL);
    assert_non_null(strstr(error.what, "plugin 'terminal' refuses"));
    assert_true(error.mend[0] && error.stage == VIA_STAGE_SCHEMA);
}

static void test_check__manifests_are_the_hosts_own(void **state)
{
    via_file_info info;
    via_error error;
    assert_int_equal(check(*state, "{\"manifest\": 1, \"endpoints\": {}, \"x-sums\": 1}", &info, &error), VIA_OK);
    assert_int_equal(info.kind, VIA_MANIFEST_ENDPOINTS);
    assert_string_equal(info.word, "endpoints");
    assert_string_equal(info.plugin, "");
    assert_int_equal(check(*state, "{\"manifest\": 1, \"kind\": \"layer\"}", &info, &error), VIA_EINVAL);
    assert_string_equal(info.word, "plugin");
}

static void test_check__nobody_checks_it(void **state)
{
    via_file_info info;
    via_error error;
    assert_int_equal(check(*state, "{\"table\": 1}", &info, &error), VIA_ENOENT);
    assert_string_equal(error.what, "no plugin checks files with \"table\"");
    assert_string_equal(error.mend, "install a plugin for it; via plugins lists what is there");
    assert_string_equal(error.file, path);
    assert_string_equal(info.word, "table");
    assert_int_equal(check(*state, "{\"sumz\": 1}", &info, &error), VIA_ENOENT);
    assert_string_equal(error.mend, "write \"sums\"");
    assert_int_equal(check(*state, "{", &info, &error), VIA_EINVAL);
    assert_int_equal(info.kind, 0);
}

static void test_check__records_and_files_that_are_not_there(void **state)
{
    via_file_info none = {0};
    via_error error;
    write_file("{\"sums\": 1}");
    assert_int_equal(via_validate_with(*state, path, NULL, NULL), VIA_OK);
    assert_int_equal(via_validate_with(*state, path, &none, &error), VIA_EINVAL);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(via_validate_with(*state, path, NULL, &error), VIA_ENOENT);
    assert_int_equal(via_validate_with(*state, NULL, NULL, &error), VIA_EINVAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, core_setup, core_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_check__a_layer_is_asked_about_its_files),     TEST(test_check__what_the_layer_says_is_told),
        TEST(test_check__manifests_are_the_hosts_own),          TEST(test_check__nobody_checks_it),
        TEST(test_check__records_and_files_that_are_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
