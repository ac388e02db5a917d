/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The choice of a shape, and the words for each limit. What the kernel makes of it is in tests/faults/mqueue/limits.c.
 */
#include "mqueue_unit.h"

#include "limits.h"

#include <errno.h>
#include <string.h>

static void test_limits__what_was_set_stays(void **state)
{
    mqueue_settings settings = unit_settings(VIA_PULL);

    (void)state;
    settings.messages = 1000000;
    settings.message_size = 1 << 24;
    mqueue_shape shape = mqueue_limits_choose(&settings);
    assert_true(shape.messages > 0 && shape.messages < 1000000); /* what /proc allows */
    assert_true(shape.size > 0 && shape.size < 1 << 24);
    settings.has_messages = settings.has_message_size = true;
    shape = mqueue_limits_choose(&settings);
    assert_int_equal(shape.messages, 1000000);
    assert_int_equal(shape.size, 1 << 24);
    assert_false(mqueue_limits_shrink(&settings, &shape));
}

static void test_limits__shrinking_ends(void **state)
{
    mqueue_settings settings = unit_settings(VIA_PULL);
    mqueue_shape shape = {10, 4608};
    int steps = 0;

    (void)state;
    while (mqueue_limits_shrink(&settings, &shape))
        steps++;
    assert_int_equal(steps, 3);
    assert_int_equal(shape.size, 576);
    settings.is_bare = true;
    shape.size = 8192;
    assert_false(mqueue_limits_shrink(&settings, &shape)); /* a larger message would have no way */
}

static void test_limits__each_is_named(void **state)
{
    static const struct {
        int code;
        mqueue_shape shape;
        const char *what;
        const char *mend;
    } cases[] = {
        {EMFILE, {10, 4608}, "RLIMIT_MSGQUEUE", "ulimit -q"},
        {EINVAL, {1000000, 64}, "/proc/sys/fs/mqueue/msg_max", "sysctl -w fs.mqueue.msg_max=1000000"},
        {EINVAL, {1, 1 << 24}, "/proc/sys/fs/mqueue/msgsize_max", "sysctl -w fs.mqueue.msgsize_max=16777216"},
        {ENOSPC, {10, 4608}, "/proc/sys/fs/mqueue/queues_max", "sysctl -w fs.mqueue.queues_max"},
    };
    const mqueue_settings settings = unit_settings(VIA_PULL);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        via_error error;
        assert_int_equal(mqueue_limits_explain(&settings, &cases[i].shape, "/x", cases[i].code, &error), VIA_ELIMIT);
        assert_non_null(strstr(error.what, cases[i].what));
        assert_non_null(strstr(error.mend, cases[i].mend));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits__what_was_set_stays),
        cmocka_unit_test(test_limits__shrinking_ends),
        cmocka_unit_test(test_limits__each_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
