/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What addresses stand for.
 */
#include "mqueue_unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static via_status find(uint32_t role, bool is_bare, const char *rest, mqueue_place *place, via_error *error)
{
    mqueue_settings settings = unit_settings(role);

    settings.is_bare = is_bare;
    return mqueue_place_find(&settings, rest, place, error);
}

static void expect(uint32_t role, bool is_bare, const char *rest, mqueue_place *place)
{
    via_error error;

    if (find(role, is_bare, rest, place, &error) != VIA_OK)
        fail_msg("mq:%s: %s", rest, error.what);
}

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text);

    return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

static void test_place__own_names(void **state)
{
    mqueue_place queue, bare, pair, other;
    char user[32];

    (void)state;
    (void)snprintf(user, sizeof(user), "/viaduct.%u.", (unsigned)geteuid());
    expect(VIA_PULL, false, "a%20b", &queue);
    expect(VIA_PULL, true, "a%20b", &bare);
    expect(VIA_PAIR, false, "a%20b", &pair);
    assert_true(ends_in(queue.path, "/viaduct/a b.mq"));
    assert_int_equal(strncmp(queue.queue, user, strlen(user)), 0);
    assert_true(ends_in(queue.queue, ".a b.mq"));
    assert_false(queue.is_absolute);
    assert_string_not_equal(queue.queue, bare.queue);
    assert_string_not_equal(queue.path, bare.path);
    assert_string_not_equal(queue.path, pair.path);
    expect(VIA_PUSH, false, "a%20b", &other);
    assert_string_equal(queue.queue, other.queue); /* senders and receivers meet */
    assert_string_equal(queue.path, other.path);
}

/* Two folders of one user do not meet in the kernel. */
static void test_place__folders_are_apart(void **state)
{
    mqueue_place one, other;
    const char *folder = getenv("XDG_RUNTIME_DIR");
    char *first = strdup(folder ? folder : "");
    char second[] = "/tmp/via-mqueue-XXXXXX";
    char made[64];

    (void)state;
    expect(VIA_PULL, false, "x", &one);
    assert_non_null(mkdtemp(second));
    assert_int_equal(setenv("XDG_RUNTIME_DIR", second, 1), 0);
    expect(VIA_PULL, false, "x", &other);
    assert_string_not_equal(one.queue, other.queue);
    assert_int_equal(setenv("XDG_RUNTIME_DIR", first, 1), 0);
    (void)snprintf(made, sizeof(made), "%s/viaduct", second);
    assert_int_equal(rmdir(made) + rmdir(second), 0);
    free(first);
}

static void test_place__absolute_names_are_the_kernels(void **state)
{
    mqueue_place framed, bare;

    (void)state;
    expect(VIA_PULL, false, "/orders", &framed);
    expect(VIA_PULL, true, "/orders", &bare);
    assert_string_equal(framed.queue, "/orders");
    assert_string_equal(bare.queue, "/orders");
    assert_true(framed.is_absolute && bare.is_absolute);
}

static void test_place__wrong_names_are_refused(void **state)
{
    static const struct {
        uint32_t role;
        const char *rest;
    } wrong[] = {{VIA_PULL, ""},    {VIA_PULL, "/"},   {VIA_PULL, "a/b"}, {VIA_PULL, "/a/b"},
                 {VIA_PULL, "//a"}, {VIA_PULL, "%zz"}, {VIA_PULL, ".."},  {VIA_PAIR, "/a"}};
    char longest[300] = "";
    mqueue_place place;
    via_error error;

    (void)state;
    memset(longest, 'x', sizeof(longest) - 1);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(find(wrong[i].role, false, wrong[i].rest, &place, &error), VIA_EINVAL);
        assert_true(error.what[0] && error.mend[0]);
    }
    assert_int_equal(find(VIA_PULL, false, longest, &place, &error), VIA_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_place__own_names),
        cmocka_unit_test(test_place__folders_are_apart),
        cmocka_unit_test(test_place__absolute_names_are_the_kernels),
        cmocka_unit_test(test_place__wrong_names_are_refused),
    };

    return cmocka_run_group_tests(tests, unit_folder_make, unit_folder_remove);
}
