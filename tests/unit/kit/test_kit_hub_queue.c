/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of a slow subscriber: order, growth, and one copy however many wait for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kit/hub_internal.h"

static via_hub_item *make_item(uint32_t value)
{
    const via_slice halves[2] = {{&value, 2}, {(const uint8_t *)&value + 2, 2}};

    return via_hub_item_create(halves, 2, sizeof(value));
}

static uint32_t first_value(const via_hub_queue *queue)
{
    uint32_t value;

    memcpy(&value, via_hub_queue_first(queue)->data, sizeof(value));
    return value;
}

static void test_queue__keeps_the_order_while_it_grows(void **state)
{
    via_hub_queue queue = {0};
    uint32_t in = 0, out = 0;

    (void)state;
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 7; i++, in++) {
            via_hub_item *item = make_item(in);
            assert_int_equal(via_hub_queue_put(&queue, item), VIA_OK);
            via_hub_item_release(item);
        }
        for (int i = 0; i < 5; i++, out++) {
            assert_int_equal(first_value(&queue), out);
            via_hub_queue_drop_first(&queue);
        }
    }
    assert_int_equal(queue.count, 200);
    assert_int_equal(queue.bytes, 800);
    via_hub_queue_fini(&queue);
}

static void test_queue__shares_one_copy(void **state)
{
    via_hub_queue first = {0}, second = {0};
    via_hub_item *item = make_item(7);

    (void)state;
    assert_int_equal(via_hub_queue_put(&first, item), VIA_OK);
    assert_int_equal(via_hub_queue_put(&second, item), VIA_OK);
    via_hub_item_release(item);
    assert_ptr_equal(via_hub_queue_first(&first), via_hub_queue_first(&second));
    via_hub_queue_drop_first(&first);
    assert_int_equal(first_value(&second), 7);
    assert_null(via_hub_queue_first(&first));
    via_hub_queue_fini(&second);
}

static void test_queue__an_empty_one_holds_no_memory(void **state)
{
    via_hub_queue queue = {0};
    via_hub_item *item = make_item(1);

    (void)state;
    assert_int_equal(via_hub_queue_put(&queue, item), VIA_OK);
    via_hub_item_release(item);
    via_hub_queue_drop_first(&queue);
    assert_null(queue.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue__keeps_the_order_while_it_grows),
        cmocka_unit_test(test_queue__shares_one_copy),
        cmocka_unit_test(test_queue__an_empty_one_holds_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
