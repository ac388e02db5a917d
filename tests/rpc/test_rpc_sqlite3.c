/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sdk/examples/rpc/sqlite3.rpc.json: the same statements through imported functions and through those that are linked.
 */
#include "library_ends.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef int each_row(void *user, int count, char **values, char **columns);

/* Either the library itself, or what was imported: the same types. */
typedef struct functions {
    int (*open)(const char *file, sqlite3 **database);
    int (*close)(sqlite3 *database);
    int (*exec)(sqlite3 *database, const char *sql, each_row *row, void *user, char **message);
    int (*errcode)(sqlite3 *database);
    const char *(*errmsg)(sqlite3 *database);
    const char *(*errstr)(int code);
    int (*changes)(sqlite3 *database);
    int (*total_changes)(sqlite3 *database);
    sqlite3_int64 (*last_insert_rowid)(sqlite3 *database);
    int (*busy_timeout)(sqlite3 *database, int ms);
    int (*complete)(const char *sql);
} functions;

static const functions here = {
    .open = sqlite3_open,
    .close = sqlite3_close_v2,
    .exec = sqlite3_exec,
    .errcode = sqlite3_errcode,
    .errmsg = sqlite3_errmsg,
    .errstr = sqlite3_errstr,
    .changes = sqlite3_changes,
    .total_changes = sqlite3_total_changes,
    .last_insert_rowid = sqlite3_last_insert_rowid,
    .busy_timeout = sqlite3_busy_timeout,
    .complete = sqlite3_complete,
};

LIBRARY_TESTS("sqlite3.rpc.json", "libsqlite3.so.0")

static functions import_all(const both_ends *ends)
{
    functions there;

    IMPORT(ends, "open", there.open);
    IMPORT(ends, "close", there.close);
    IMPORT(ends, "exec", there.exec);
    IMPORT(ends, "errcode", there.errcode);
    IMPORT(ends, "errmsg", there.errmsg);
    IMPORT(ends, "errstr", there.errstr);
    IMPORT(ends, "changes", there.changes);
    IMPORT(ends, "total_changes", there.total_changes);
    IMPORT(ends, "last_insert_rowid", there.last_insert_rowid);
    IMPORT(ends, "busy_timeout", there.busy_timeout);
    IMPORT(ends, "complete", there.complete);
    return there;
}

/* ---- what is written down ----------------------------------------------------------------------------------- */

typedef struct notes {
    char text[4096];
    size_t size;
    int rows_wanted; /* 0 = all */
    int rows;
} notes;

static void note(notes *all, const char *format, const char *word, int number)
{
    int written = snprintf(all->text + all->size, sizeof(all->text) - all->size, format, word, number);

    assert_true(written >= 0 && all->size + (size_t)written < sizeof(all->text));
    all->size += (size_t)written;
}

static int note_row(void *user, int count, char **values, char **columns)
{
    notes *all = user;

    for (int i = 0; i < count; i++) {
        note(all, "%s=", columns[i], 0);
        note(all, "%s;", values[i] ? values[i] : "NULL", 0);
    }
    note(all, "%s\n", "", 0);
    return ++all->rows == all->rows_wanted;
}

static const char *const statements[] = {
    "create table people(name text not null unique, age int)",
    "insert into people values('Ada', 36), ('Grüße 世界', null), ('O''Brien', -1)",
    "select rowid, * from people order by rowid",
    "update people set age = 7 where age is not null",
    "select count(*) as many, sum(age) from people; select 'second' as result",
    "insert into people values('Ada', 1)",
    "insert into people values(null, 1)",
    "selec nonsense",
    "select * from nowhere",
    "",
    "delete from people",
};

static void run_all(const functions *with, notes *all)
{
    sqlite3 *database = NULL;

    note(all, "%sopen %d\n", "", with->open(":memory:", &database));
    assert_non_null(database);
    note(all, "%stimeout %d\n", "", with->busy_timeout(database, 10));
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        note(all, "%s: %d\n", statements[i], with->exec(database, statements[i], note_row, all, NULL));
        note(all, "%s %d", with->errmsg(database), with->errcode(database));
        note(all, " %s changed %d", "", with->changes(database));
        note(all, " %sin all %d", "", with->total_changes(database));
        note(all, " %slast %d\n", "", (int)with->last_insert_rowid(database));
    }
    note(all, "%sclose %d\n", "", with->close(database));
}

static void the_same_statements_have_the_same_results(void **state)
{
    static notes direct, called;
    const functions there = import_all(*state);

    direct = called = (notes){.size = 0};
    run_all(&here, &direct);
    run_all(&there, &called);
    assert_string_equal(called.text, direct.text);
    assert_non_null(strstr(called.text, "name=Grüße 世界;age=NULL;"));
    assert_non_null(strstr(called.text, "UNIQUE constraint failed"));
}

static void what_needs_no_database(void **state)
{
    const functions there = import_all(*state);

    for (int code = -1; code < 110; code++)
        assert_string_equal(there.errstr(code), here.errstr(code));
    assert_int_equal(there.complete("select 1;"), here.complete("select 1;"));
    assert_int_equal(there.complete("select 1"), here.complete("select 1"));
    assert_good(*state);
}

/* ---- errors ------------------------------------------------------------------------------------------------- */

static void a_database_that_cannot_be_opened_says_why(void **state)
{
    const functions there = import_all(*state);
    sqlite3 *database = NULL;

    assert_int_equal(there.open("/nonexistent/folder/file", &database), SQLITE_CANTOPEN);
    assert_good(*state);
    assert_non_null(database);
    assert_string_equal(there.errmsg(database), here.errstr(SQLITE_CANTOPEN));
    assert_int_equal(there.close(database), SQLITE_OK);
    assert_int_equal(there.changes(database), 0); /* it is closed, and found out */
    assert_failed(*state, -32602, "");
}

static void errors_have_names_and_leave_nothing_written(void **state)
{
    const functions there = import_all(*state);
    sqlite3 *database = NULL;
    char *message = (char *)1;

    assert_int_equal(there.open(":memory:", &database), SQLITE_OK);
    assert_int_equal(there.exec(database, "selec", NULL, NULL, &message), SQLITE_ERROR);
    assert_failed(*state, SQLITE_ERROR, "sql_error");
    assert_null(message);
    assert_string_equal(there.errmsg(database), "near \"selec\": syntax error");
    assert_int_equal(there.exec(database, "select 1", NULL, NULL, &message), SQLITE_OK);
    assert_null(message);
    assert_int_equal(there.close(database), SQLITE_OK);
}

static void a_callback_that_has_seen_enough_ends_it(void **state)
{
    const functions there = import_all(*state);
    const char *sql = "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n limit 1000";
    static notes all;
    sqlite3 *database = NULL;

    all = (notes){.rows_wanted = 3};
    assert_int_equal(there.open(":memory:", &database), SQLITE_OK);
    assert_int_equal(there.exec(database, sql, note_row, &all, NULL), SQLITE_ABORT);
    assert_failed(*state, SQLITE_ABORT, "abort");
    assert_int_equal(all.rows, 3);
    assert_string_equal(all.text, "i=1;\ni=2;\ni=3;\n");
    assert_int_equal(there.close(database), SQLITE_OK);
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

static void what_a_client_has_left_open_is_closed_behind_it(void **state)
{
    char file[64];
    sqlite3 *database = NULL, *other = NULL;
    both_ends ends = {.ended = VIA_OK};

    (void)state;
    (void)snprintf(file, sizeof(file), "/tmp/via-sqlite-%d.db", (int)getpid());
    library_ends_open(&ends, &library_ways[0], "sqlite3.rpc.json", "libsqlite3.so.0");
    const functions there = import_all(&ends);
    assert_int_equal(there.open(file, &database), SQLITE_OK);
    assert_int_equal(there.exec(database, "create table t(i); begin exclusive", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_open(file, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "insert into t values(1)", NULL, NULL, NULL), SQLITE_BUSY);
    both_ends_close(&ends);
    assert_int_equal(sqlite3_exec(other, "insert into t values(1)", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    assert_int_equal(unlink(file), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIBRARY_TEST(the_same_statements_have_the_same_results),
        LIBRARY_TEST(what_needs_no_database),
        LIBRARY_TEST(a_database_that_cannot_be_opened_says_why),
        LIBRARY_TEST(errors_have_names_and_leave_nothing_written),
        LIBRARY_TEST(a_callback_that_has_seen_enough_ends_it),
        cmocka_unit_test(what_a_client_has_left_open_is_closed_behind_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
