/* SPDX-License-Identifier: Apache-2.0 */
/* The private memory of a tap: where its rings lie, that all of it can be used, and that all of it is given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kit/tap_area.h"

#include <stdio.h>
#include <string.h>

static const uint64_t sizes[] = {1, UINT64_C(65536), UINT64_C(4) << 20};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static void record(const via_tap_area *area, unsigned direction, via_tap_writer *writer, uint8_t byte)
{
    static uint8_t data[9000];
    const via_slice slice = {data, sizeof(data)};
    via_pcapng_message message = {.time_ns = 1, .size = sizeof(data)};
    memset(data, byte, sizeof(data));
    assert_true(via_tap_write(area, direction, writer, &message, &slice, 1));
    via_tap_publish(area, direction, writer);
}

static void expect(const via_tap_area *area, via_tap_reader *reader, unsigned direction, uint8_t byte)
{
    const uint8_t *block;
    size_t size;
    unsigned found;
    assert_int_equal(via_tap_look(area, reader), VIA_OK);
    assert_int_equal(via_tap_peek(area, reader, &block, &size, &found), VIA_OK);
    assert_int_equal(found, direction);
    assert_int_equal(block[28], byte);
    assert_int_equal(block[28 + 8999], byte);
    via_tap_next(reader, found, size);
    assert_int_equal(via_tap_peek(area, reader, &block, &size, &found), VIA_ETIMEDOUT);
    via_tap_release(area, reader, found);
}

/* Three times round each ring. */
static void test_tap_area__every_byte_of_both_rings_can_be_used(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        via_tap_area area;
        via_tap_writer writers[2] = {{0}, {0}};
        via_tap_reader reader = {{0}, {0}};
        assert_int_equal(via_tap_area_open_private(&area, sizes[i]), VIA_OK);
        area.head->snaplen = UINT32_MAX;
        for (unsigned n = 0; writers[1].head < 3 * area.ring_size; n++) {
            for (unsigned direction = 0; direction < 2; direction++) {
                record(&area, direction, &writers[direction], (uint8_t)(n + direction));
                expect(&area, &reader, direction, (uint8_t)(n + direction));
            }
        }
        via_tap_area_close(&area);
    }
}

/* What is taken stays where it is until it is given back: so a recorder may write many blocks at once, without a copy. */
static void test_tap_area__taken_blocks_keep_their_room_until_released(void **state)
{
    via_tap_area area;
    via_tap_writer writer = {0};
    via_tap_reader reader = {{0}, {0}};
    static uint8_t data[9000];
    const via_slice slice = {data, sizeof(data)};
    via_pcapng_message message = {.size = sizeof(data)};
    const uint8_t *block, *end = NULL;
    size_t size = 0, count = 0;
    unsigned direction;
    (void)state;

    assert_int_equal(via_tap_area_open_private(&area, sizes[0]), VIA_OK);
    area.head->snaplen = UINT32_MAX;
    for (; via_tap_write(&area, VIA_TAP_SENT, &writer, &message, &slice, 1); count++)
        via_tap_publish(&area, VIA_TAP_SENT, &writer);
    assert_int_equal(via_tap_look(&area, &reader), VIA_OK);
    for (; via_tap_peek(&area, &reader, &block, &size, &direction) == VIA_OK; count--, end = block + size) {
        assert_true(end == NULL || block == end);
        via_tap_next(&reader, direction, size);
    }
    assert_int_equal(count, 0);
    assert_false(via_tap_write(&area, VIA_TAP_SENT, &writer, &message, &slice, 1));
    via_tap_release(&area, &reader, VIA_TAP_SENT);
    assert_true(via_tap_write(&area, VIA_TAP_SENT, &writer, &message, &slice, 1));
    via_tap_area_close(&area);
}

/* Else the system could not make it of huge pages, and every page of it would cost the traffic a fault. */
static void test_tap_area__private_rings_begin_with_a_huge_page(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        via_tap_area area;
        assert_int_equal(via_tap_area_open_private(&area, sizes[i]), VIA_OK);
        assert_int_equal((uintptr_t)area.bytes[VIA_TAP_RECEIVED] % (2U << 20), 0);
        assert_ptr_equal(area.bytes[VIA_TAP_SENT], area.bytes[VIA_TAP_RECEIVED] + area.ring_size);
        via_tap_area_close(&area);
    }
}

static unsigned long mapped_pages(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu", &pages), 1);
    (void)fclose(file);
    return pages;
}

static void test_tap_area__closing_gives_all_of_it_back(void **state)
{
    enum { ROUNDS = 400, MOST_PAGES = 200 }; /* one page a round would be more */
    via_tap_area area;
    (void)state;
    const unsigned long before = mapped_pages();
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(via_tap_area_open_private(&area, sizes[i % SIZES]), VIA_OK);
        via_tap_area_close(&area);
    }
    assert_true(mapped_pages() < before + MOST_PAGES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tap_area__every_byte_of_both_rings_can_be_used),
        cmocka_unit_test(test_tap_area__taken_blocks_keep_their_room_until_released),
        cmocka_unit_test(test_tap_area__private_rings_begin_with_a_huge_page),
        cmocka_unit_test(test_tap_area__closing_gives_all_of_it_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
