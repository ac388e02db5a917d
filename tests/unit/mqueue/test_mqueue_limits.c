/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The choice of a shape, and the words for each limit. What the kernel makes of it is in tests/faults/mqueue/limits.c.
 */
#include "mqueue_unit.h"

#include "limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

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

static uint64_t advised_share(const mqueue_settings *settings, const mqueue_shape *shape)
{
    static const char command[] = "ulimit -q ";
    via_error error;

    assert_int_equal(mqueue_limits_explain(settings, shape, "/x", EMFILE, &error), VIA_ELIMIT);
    const char *found = strstr(error.mend, command);
    assert_non_null(found);
    return strtoull(found + sizeof(command) - 1, NULL, 10);
}

/* Whoever follows the advice has room for this queue beside as many bytes as were allowed before. */
static void test_limits__the_advised_share_is_enough(void **state)
{
    static const rlim_t shares[] = {0, 3000, 100000};
    const mqueue_settings settings = unit_settings(VIA_PULL);
    const mqueue_shape shape = {10, 576};
    struct rlimit before;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_MSGQUEUE, &before), 0);
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        assert_int_equal(setrlimit(RLIMIT_MSGQUEUE, &(struct rlimit){shares[i], before.rlim_max}), 0);
        uint64_t advised = advised_share(&settings, &shape);
        assert_int_equal(setrlimit(RLIMIT_MSGQUEUE, &before), 0);
        assert_true(advised >= shares[i] + mqueue_limits_cost(&shape));
        assert_true(advised >= 2 * shares[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits__what_was_set_stays),
        cmocka_unit_test(test_limits__shrinking_ends),
        cmocka_unit_test(test_limits__each_is_named),
        cmocka_unit_test(test_limits__the_advised_share_is_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
