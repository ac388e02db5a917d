/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an exec: address asks for.
 */
#include "pipe_unit.h"

#include "exec_plan.h"

#include <stdlib.h>
#include <string.h>

static via_status read_plan(const char *rest, const char *env, bool clear, pipe_exec_plan *plan, via_error *error)
{
    const via_option options[] = {
        {.name = "env", .text = env, .type = VIA_OPTION_STRING},
        {.name = "clear_env", .number = clear, .type = VIA_OPTION_BOOL},
        {.name = "dir", .text = "/tmp", .type = VIA_OPTION_PATH},
    };
    via_open open = unit_open(rest, options, sizeof(options) / sizeof(options[0]));

    return pipe_exec_plan_read(&unit_host, &open, plan, error);
}

static void test_plan__words_and_folder(void **state)
{
    pipe_exec_plan plan;
    via_error error;

    (void)state;
    assert_int_equal(read_plan("cc -o 'a b' x%20y", "", true, &plan, &error), VIA_OK);
    assert_string_equal(plan.arguments[0], "cc");
    assert_string_equal(plan.arguments[1], "-o");
    assert_string_equal(plan.arguments[2], "a b");
    assert_string_equal(plan.arguments[3], "x y");
    assert_null(plan.arguments[4]);
    assert_null(plan.environment[0]);
    assert_string_equal(plan.folder, "/tmp");
    pipe_exec_plan_fini(&plan);
}

static const char *value_of(const pipe_exec_plan *plan, const char *name, unsigned *count)
{
    const char *value = NULL;
    size_t length = strlen(name);

    *count = 0;
    for (char **entry = plan->environment; *entry; entry++)
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') {
            value = *entry + length + 1;
            (*count)++;
        }
    return value;
}

static void test_plan__environment(void **state)
{
    pipe_exec_plan plan;
    via_error error;
    unsigned count;

    (void)state;
    assert_int_equal(setenv("PLAN_OLD", "old", 1), 0);
    assert_int_equal(setenv("PLAN_KEPT", "kept", 1), 0);
    assert_int_equal(read_plan("x", "PLAN_OLD=1 PLAN_NEW='a b' PLAN_OLD=2 PLAN_E=", false, &plan, &error), VIA_OK);
    assert_string_equal(value_of(&plan, "PLAN_OLD", &count), "2");
    assert_int_equal(count, 1);
    assert_string_equal(value_of(&plan, "PLAN_NEW", &count), "a b");
    assert_string_equal(value_of(&plan, "PLAN_KEPT", &count), "kept");
    assert_string_equal(value_of(&plan, "PLAN_E", &count), "");
    pipe_exec_plan_fini(&plan);
    assert_int_equal(read_plan("x", "A=1", true, &plan, &error), VIA_OK);
    assert_string_equal(plan.environment[0], "A=1");
    assert_null(plan.environment[1]);
    pipe_exec_plan_fini(&plan);
}

static void test_plan__what_is_wrong_is_told(void **state)
{
    static const struct {
        const char *rest;
        const char *env;
    } table[] = {{"", ""}, {"   ", ""}, {"''", ""}, {"a 'b", ""}, {"a%zz", ""}, {"x", "A"}, {"x", "=1"}, {"x", "A='1"}};

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        pipe_exec_plan plan;
        via_error error;

        assert_int_equal(read_plan(table[i].rest, table[i].env, false, &plan, &error), VIA_EINVAL);
        assert_string_not_equal(error.what, "");
        assert_string_not_equal(error.mend, "");
        assert_null(plan.arguments);
        assert_null(plan.environment);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan__words_and_folder),
        cmocka_unit_test(test_plan__environment),
        cmocka_unit_test(test_plan__what_is_wrong_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
