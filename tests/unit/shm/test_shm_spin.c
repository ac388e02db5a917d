/* SPDX-License-Identifier: Apache-2.0 */
/* What is learnt from waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spin.h"

enum { MOST_NS = 50000, LONG_NS = 60000, SHORT_NS = 30000 };

static void test_spin__is_given_up_and_taken_up_again(void **state)
{
    shm_spin spin;

    (void)state;
    shm_spin_init(&spin, MOST_NS);
    for (int i = 0; i < 8; i++)
        shm_spin_learn(&spin, LONG_NS);
    assert_int_equal(spin.now_ns, SHM_SPIN_LEAST_NS);
    shm_spin_learn(&spin, SHORT_NS);
    assert_int_equal(spin.now_ns, MOST_NS);
}

/* Two who have both given up, each waiting for the other to be woken, would stay so. */
static void test_spin__hopes_now_and_then(void **state)
{
    shm_spin spin;
    int hopes = 0;

    (void)state;
    shm_spin_init(&spin, MOST_NS);
    for (int i = 0; i < 10 * SHM_SPIN_HOPE; i++) {
        shm_spin_learn(&spin, LONG_NS);
        hopes += spin.now_ns == MOST_NS;
    }
    assert_int_equal(hopes, 10);
}

static void test_spin__for_ever_and_never_stay_so(void **state)
{
    const uint64_t constant[] = {UINT64_MAX, 0};

    (void)state;
    for (int i = 0; i < 2; i++) {
        shm_spin spin;
        shm_spin_init(&spin, constant[i]);
        for (int j = 0; j < 3 * SHM_SPIN_HOPE; j++)
            shm_spin_learn(&spin, LONG_NS);
        assert_true(spin.now_ns == constant[i]);
    }
    shm_spin spin;
    shm_spin_init(&spin, UINT64_MAX);
    assert_true(shm_spin_until(&spin, 5, VIA_FOREVER) == VIA_FOREVER);
    assert_int_equal(shm_spin_until(&spin, 5, 77), 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spin__is_given_up_and_taken_up_again),
        cmocka_unit_test(test_spin__hopes_now_and_then),
        cmocka_unit_test(test_spin__for_ever_and_never_stay_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
