/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Error records, records with sizes, and VIADUCT_LOG, from inside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "core/record.h"
#include "kit/error.h"

static void test_error__record_is_filled_and_emptied(void **state)
{
    (void)state;
    via_error error;
    assert_int_equal(via_error_set(&error, VIA_EPERM, VIA_STAGE_TRUST, "do this", "%s is %d", "it", 7), VIA_EPERM);
    via_error_at(&error, "a.json", "/b", 3, 4);
    via_error_os(&error, EACCES);
    via_error_more(&error, "first %d", 1);
    via_error_more(&error, "second");
    assert_string_equal(error.what, "it is 7");
    assert_string_equal(error.mend, "do this");
    assert_string_equal(error.file, "a.json");
    assert_string_equal(error.pointer, "/b");
    assert_int_equal(error.line, 3);
    assert_int_equal(error.os_code, EACCES);
    assert_string_equal(error.os_text, "Permission denied");
    assert_string_equal(error.more, "first 1\nsecond");
    via_error_mend(&error, "do %s", "that");
    assert_string_equal(error.mend, "do that");
    assert_int_equal(via_error_set(&error, VIA_EIO, VIA_STAGE_OPEN, NULL, "x"), VIA_EIO);
    assert_string_equal(error.file, "");
    assert_string_equal(error.more, "");
    assert_int_equal(via_error_set(NULL, VIA_EIO, VIA_STAGE_OPEN, NULL, "x"), VIA_EIO);
    via_error_at(NULL, "", "", 0, 0);
    via_error_os(NULL, 1);
    via_error_more(NULL, "x");
    via_error_mend(NULL, "x");
}

static void test_error__long_texts_are_cut_and_marked(void **state)
{
    (void)state;
    via_error error;
    char text[2000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    (void)via_error_set(&error, VIA_EIO, VIA_STAGE_OPEN, text, "%s", text);
    via_error_at(&error, text, text, 1, 1);
    assert_int_equal(strlen(error.what), sizeof(error.what) - 1);
    assert_string_equal(error.what + sizeof(error.what) - 4, "...");
    assert_string_equal(error.mend + sizeof(error.mend) - 4, "...");
    assert_string_equal(error.file + sizeof(error.file) - 4, "...");
    assert_string_equal(error.pointer + sizeof(error.pointer) - 4, "...");
    for (int i = 0; i < 200; i++)
        via_error_more(&error, "cause number %d", i);
    assert_int_equal(strncmp(error.more, "cause number 0\ncause number 1\n", 30), 0);
    assert_string_equal(error.more + strlen(error.more) - 3, "...");
    assert_true(strlen(error.more) < sizeof(error.more));
}

static void test_error__cutting_leaves_whole_characters(void **state)
{
    (void)state;
    via_error error;
    char text[600];
    for (size_t shift = 0; shift < 3; shift++) { /* U+20AC is three bytes: the cut falls on each of them */
        memset(text, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof(text); i += 3)
            memcpy(text + i, "\xe2\x82\xac", 4);
        (void)via_error_set(&error, VIA_EIO, VIA_STAGE_OPEN, NULL, "%s", text);
        const size_t length = strlen(error.what);
        assert_string_equal(error.what + length - 3, "...");
        assert_memory_equal(error.what + length - 6, "\xe2\x82\xac", 3);
    }
}

static void test_record__grows_at_its_end(void **state)
{
    (void)state;
    struct {
        uint32_t size;
        uint32_t a, b, c;
    } full = {16, 1, 2, 3}, given = {12, 7, 8, 9}, out = {8, 0, 0, 0};
    assert_int_equal(via_record_read(&full, sizeof(full), &given, 8), VIA_OK);
    assert_true(full.size == 16 && full.a == 7 && full.b == 8 && full.c == 3);
    assert_int_equal(via_record_write(&out, &full, sizeof(full), 8), VIA_OK);
    assert_true(out.size == 8 && out.a == 7 && out.b == 0);
    out.size = 400;
    assert_int_equal(via_record_write(&out, &full, sizeof(full), 8), VIA_OK);
    assert_true(out.size == 400 && out.c == 3);
    out.size = 4;
    assert_int_equal(via_record_write(&out, &full, sizeof(full), 8), VIA_EINVAL);
    assert_int_equal(via_record_read(&full, sizeof(full), &out, 8), VIA_EINVAL);
}

/* ---- VIADUCT_LOG -------------------------------------------------------------------------------------------- */

/* What a log opened under this setting writes of two lines. */
static void write_log(const char *level, char *text, size_t capacity)
{
    char folder[] = "/tmp/via-log-XXXXXX";
    char path[64];
    char setting[128];
    via_log log;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/log", folder);
    (void)snprintf(setting, sizeof(setting), "%s,%s", level, path);
    assert_int_equal(setenv("VIADUCT_LOG", setting, 1), 0);
    via_log_init(&log, NULL, NULL, 0, false);
    via_log_line(&log, VIA_LOG_WARNING, "socket", "careful: %d", 1);
    via_log_line(&log, VIA_LOG_DEBUG, NULL, "detail");
    via_log_fini(&log);
    assert_int_equal(unsetenv("VIADUCT_LOG"), 0);
    text[0] = '\0';
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        text[fread(text, 1, capacity - 1, file)] = '\0';
        (void)fclose(file);
    }
    (void)unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

static void test_log__level_and_file_come_from_the_environment(void **state)
{
    (void)state;
    char text[512];
    write_log("debug", text, sizeof(text));
    assert_string_equal(text, "viaduct: warning: socket: careful: 1\nviaduct: debug: detail\n");
    write_log("4", text, sizeof(text));
    assert_string_equal(text, "viaduct: warning: socket: careful: 1\nviaduct: debug: detail\n");
    write_log("info", text, sizeof(text));
    assert_string_equal(text, "viaduct: warning: socket: careful: 1\n");
    write_log("error", text, sizeof(text));
    assert_string_equal(text, "");
    write_log("off", text, sizeof(text));
    assert_string_equal(text, "");
    write_log("loud", text, sizeof(text));
    assert_non_null(strstr(text, "VIADUCT_LOG=loud"));
    assert_non_null(strstr(text, "careful: 1"));
}

static void test_log__environment_may_be_ignored(void **state)
{
    (void)state;
    via_log log;
    assert_int_equal(setenv("VIADUCT_LOG", "debug", 1), 0);
    via_log_init(&log, NULL, NULL, 0, true);
    assert_false(via_log_wants(&log, VIA_LOG_ERROR));
    via_log_fini(&log);
    assert_int_equal(unsetenv("VIADUCT_LOG"), 0);
}

static void test_log__closed_pipe_raises_no_signal(void **state)
{
    (void)state;
    int ends[2];
    via_log log;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    (void)close(ends[0]);
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    via_log_init(&log, NULL, NULL, VIA_LOG_DEBUG, true);
    log.file = ends[1];
    errno = 42;
    via_log_line(&log, VIA_LOG_ERROR, NULL, "nobody reads this");
    assert_int_equal(errno, 42);
    sigset_t pending;
    assert_int_equal(sigpending(&pending), 0);
    assert_int_equal(sigismember(&pending, SIGPIPE), 0);
    via_log_fini(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error__record_is_filled_and_emptied),
        cmocka_unit_test(test_error__long_texts_are_cut_and_marked),
        cmocka_unit_test(test_error__cutting_leaves_whole_characters),
        cmocka_unit_test(test_record__grows_at_its_end),
        cmocka_unit_test(test_log__level_and_file_come_from_the_environment),
        cmocka_unit_test(test_log__environment_may_be_ignored),
        cmocka_unit_test(test_log__closed_pipe_raises_no_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
