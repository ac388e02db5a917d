/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contents between two connections to one X server: what is published is what is read, at every size.
 */
#include "x11_unit.h"

#include <stdlib.h>
#include <string.h>

static int fresh(void **state)
{
    (void)state;
    unit_reset();
    return 0;
}

static void test_x11__is_empty_at_first(void **state)
{
    (void)state;
    driver *reader = driver_open();

    assert_int_equal(reader->changes, 1);
    assert_int_equal(reader->count, 0);
    assert_int_equal(driver_fetch(reader, 1, "text/plain")->status, VIA_ENOENT);
    driver_close(reader);
}

static void carry(size_t size)
{
    uint8_t *bytes = unit_pattern(size);
    const via_offer offer = {"image/png", bytes, size};
    driver *owner = driver_open();
    driver *reader = driver_open();
    const size_t before = reader->changes;

    assert_int_equal(driver_publish(owner, 7, &offer, 1, false), VIA_OK);
    AWAIT(reader->changes > before);
    assert_int_equal(reader->ours, 0);
    assert_int_equal(reader->count, 1);
    assert_string_equal(reader->types[0], "image/png");
    const unit_answer *answer = driver_fetch(reader, 1, "image/png");
    assert_int_equal(answer->status, VIA_OK);
    assert_int_equal(answer->bytes.size, size);
    assert_true(size == 0 || memcmp(answer->bytes.data, bytes, size) == 0);
    AWAIT(owner->pasted[7] == 1);
    driver_close(reader);
    driver_close(owner);
    free(bytes);
}

static void test_x11__carries_every_size(void **state)
{
    static const size_t sizes[] = {0,       1,       262143, 262144, 262145, (1 << 20) - 1, 1 << 20, (1 << 20) + 1,
                                   5 << 20, 16 << 20};
    (void)state;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        carry(sizes[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_x11__is_empty_at_first, fresh),
        cmocka_unit_test_setup(test_x11__carries_every_size, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
