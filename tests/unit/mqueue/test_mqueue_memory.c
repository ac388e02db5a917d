/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buffers for received messages, and parcels that wait for their reference.
 */
#include "mqueue_unit.h"

#include "buffers.h"
#include "parcels.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void test_buffers__are_used_again(void **state)
{
    mqueue_buffers buffers;

    (void)state;
    mqueue_buffers_init(&buffers, 100);
    mqueue_buffer *one = mqueue_buffers_take(&buffers, 0);
    mqueue_buffer *other = mqueue_buffers_take(&buffers, 100);
    mqueue_buffer *large = mqueue_buffers_take(&buffers, 101);
    assert_true(one && other && large && one != other);
    assert_int_equal((uintptr_t)one->bytes % 16, 0);
    assert_int_equal(large->size, 101);
    mqueue_buffers_give(&buffers, large);
    mqueue_buffers_give(&buffers, one);
    assert_ptr_equal(mqueue_buffers_take(&buffers, 50), one);
    assert_null(mqueue_buffers_take(&buffers, SIZE_MAX));
    mqueue_buffers_fini(&buffers); /* with two of them out: a leak would be told by the sanitizer */
    assert_null(buffers.all);
}

static void test_parcels__by_their_numbers(void **state)
{
    mqueue_parcels parcels;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    mqueue_parcels_init(&parcels, 3);
    assert_int_equal(mqueue_parcels_put(&parcels, 10, ends[0]), VIA_OK);
    assert_int_equal(mqueue_parcels_put(&parcels, 11, ends[1]), VIA_OK);
    assert_int_equal(mqueue_parcels_take(&parcels, 12), -1);
    assert_int_equal(mqueue_parcels_take(&parcels, 10), ends[0]);
    assert_int_equal(mqueue_parcels_take(&parcels, 10), -1);
    mqueue_parcels_fini(&parcels);
    assert_int_equal(fcntl(ends[1], F_GETFD), -1); /* closed with the rest */
    assert_int_equal(fcntl(ends[0], F_GETFD), 0);
    (void)close(ends[0]);
}

static void test_parcels__no_more_than_agreed(void **state)
{
    mqueue_parcels parcels;

    (void)state;
    mqueue_parcels_init(&parcels, 20);
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(mqueue_parcels_put(&parcels, i, dup(STDIN_FILENO)), VIA_OK);
    assert_int_equal(mqueue_parcels_put(&parcels, 20, STDIN_FILENO), VIA_EPROTO);
    mqueue_parcels_fini(&parcels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buffers__are_used_again),
        cmocka_unit_test(test_parcels__by_their_numbers),
        cmocka_unit_test(test_parcels__no_more_than_agreed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
