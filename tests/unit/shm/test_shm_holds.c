/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What messages under way hold: in order, as many as there are, and only what was sent before the head.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "holds.h"

static shm_place at(uint64_t offset)
{
    return (shm_place){offset, SHM_ARENA_NONE, NULL};
}

static void add(shm_holds *holds, uint32_t position)
{
    const shm_place place = at(position);

    assert_true(shm_holds_reserve(holds));
    shm_holds_add(holds, position, &place);
}

static void expect(shm_holds *holds, uint32_t head, uint32_t position)
{
    shm_place place;

    assert_true(shm_holds_take(holds, head, &place));
    assert_int_equal(place.offset, position);
}

static void test_holds__are_taken_off_in_order_up_to_the_head(void **state)
{
    shm_holds holds = {0};
    shm_place place;

    (void)state;
    assert_false(shm_holds_take(&holds, 100, &place));
    for (uint32_t position = UINT32_MAX - 2; position != 3; position++)
        add(&holds, position);
    assert_false(shm_holds_take(&holds, UINT32_MAX - 2, &place));
    expect(&holds, UINT32_MAX - 1, UINT32_MAX - 2);
    assert_false(shm_holds_take(&holds, UINT32_MAX - 1, &place));
    for (uint32_t position = UINT32_MAX - 1; position != 2; position++)
        expect(&holds, 2, position);
    assert_false(shm_holds_take(&holds, 2, &place));
    expect(&holds, 3, 2);
    assert_int_equal(holds.count, 0);
    shm_holds_fini(&holds);
}

/* The queue gets longer while it begins anywhere in its memory. */
static void test_holds__are_as_many_as_there_are_messages(void **state)
{
    shm_holds holds = {0};
    uint32_t oldest = 0, next = 0;

    (void)state;
    for (uint32_t round = 0; round < 200; round++) {
        for (uint32_t i = 0; i < 7; i++)
            add(&holds, next++);
        for (uint32_t i = 0; i < 3; i++, oldest++)
            expect(&holds, oldest + 1, oldest);
    }
    assert_int_equal(holds.count, 200 * 4);
    for (; oldest != next; oldest++)
        expect(&holds, next, oldest);
    shm_holds_fini(&holds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holds__are_taken_off_in_order_up_to_the_head),
        cmocka_unit_test(test_holds__are_as_many_as_there_are_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
