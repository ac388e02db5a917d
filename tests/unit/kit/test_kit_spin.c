/* SPDX-License-Identifier: Apache-2.0 */
/* What is learnt from waits, and that a stream spins when it is told to. */
#include "kit_fixture.h"

#include <sys/resource.h>

#include "kit/deadline.h"
#include "kit/spin.h"

enum { MOST_NS = 50000, LONG_NS = 60000, SHORT_NS = 30000 };

static void test_spin__is_given_up_and_taken_up_again(void **state)
{
    via_spin spin;

    (void)state;
    via_spin_init(&spin, MOST_NS);
    for (int i = 0; i < 8; i++)
        via_spin_learn(&spin, LONG_NS);
    assert_int_equal(spin.now_ns, VIA_SPIN_LEAST_NS);
    via_spin_learn(&spin, SHORT_NS);
    assert_int_equal(spin.now_ns, MOST_NS);
}

/* Two who have both given up, each waiting for the other to be woken, would stay so. */
static void test_spin__hopes_now_and_then(void **state)
{
    via_spin spin;
    int hopes = 0;

    (void)state;
    via_spin_init(&spin, MOST_NS);
    for (int i = 0; i < 10 * VIA_SPIN_HOPE; i++) {
        via_spin_learn(&spin, LONG_NS);
        hopes += spin.now_ns == MOST_NS;
    }
    assert_int_equal(hopes, 10);
}

static void test_spin__for_ever_and_never_stay_so(void **state)
{
    const uint64_t constant[] = {UINT64_MAX, 0};

    (void)state;
    for (int i = 0; i < 2; i++) {
        via_spin spin;
        via_spin_init(&spin, constant[i]);
        for (int j = 0; j < 3 * VIA_SPIN_HOPE; j++)
            via_spin_learn(&spin, LONG_NS);
        assert_true(spin.now_ns == constant[i]);
    }
    via_spin spin;
    via_spin_init(&spin, UINT64_MAX);
    assert_true(via_spin_until(&spin, 5, VIA_FOREVER) == VIA_FOREVER);
    assert_int_equal(via_spin_until(&spin, 5, 77), 77);
}

static void test_spin__a_short_wait_is_measured_and_one_without_spinning_is_not(void **state)
{
    const uint64_t before = via_deadline_clock();
    via_spin spin;

    (void)state;
    via_spin_init(&spin, UINT64_C(3600000000000));
    assert_true(via_spin_begin(&spin) >= before);
    spin.now_ns = VIA_SPIN_LEAST_NS;
    via_spin_end(&spin, via_spin_begin(&spin));
    assert_int_equal(spin.now_ns, spin.most_ns);
    via_spin_init(&spin, 0);
    assert_int_equal(via_spin_begin(&spin), 0);
    via_spin_end(&spin, 0);
    assert_int_equal(spin.now_ns, 0);
}

/* ---- a stream ----------------------------------------------------------------------------------------------- */

/* How often this thread went to sleep in a receive in vain. */
static long sleeps_of(int kind, uint64_t spin_ns)
{
    via_stream_config config = config_of(&via_framing_sp_ipc);
    struct rusage before, after;
    stream_pair pair;

    config.spin_ns = spin_ns;
    pair_open(&pair, kind, &config);
    assert_int_equal(getrusage(RUSAGE_THREAD, &before), 0);
    assert_int_equal(via_stream_recv(pair.end[0], via_deadline_after(5000000), &(via_msg){0}), VIA_ETIMEDOUT);
    assert_int_equal(getrusage(RUSAGE_THREAD, &after), 0);
    pair_close(&pair);
    return after.ru_nvcsw - before.ru_nvcsw;
}

static void test_spin__a_receive_spins_as_long_as_it_is_told(void **state)
{
    (void)state;
    long least = sleeps_of(KIND_SPINNING, 0);
    for (int i = 0; i < 50 && least > 0; i++) /* the system puts a thread to sleep for reasons of its own, too */
        least = sleeps_of(KIND_SPINNING, 0);
    assert_int_equal(least, 0);
    assert_true(sleeps_of(KIND_SOCKET, 0) > 0);
    assert_true(sleeps_of(KIND_SOCKET, VIA_SPIN_LEAST_NS) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spin__is_given_up_and_taken_up_again),
        cmocka_unit_test(test_spin__hopes_now_and_then),
        cmocka_unit_test(test_spin__for_ever_and_never_stay_so),
        cmocka_unit_test(test_spin__a_short_wait_is_measured_and_one_without_spinning_is_not),
        cmocka_unit_test(test_spin__a_receive_spins_as_long_as_it_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
