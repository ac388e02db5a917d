/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which way a recording takes to the disk, and when it tries the other.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pace.h"
#include "tap.h"

enum { PIECE = 2 * TAP_DIRECT_LEAST, ALIGNMENT = 4096 };

static void test_pace__is_late_after_many_losses_in_a_row(void **state)
{
    tap_pace pace = {0};

    (void)state;
    for (int i = 0; i < 100; i++)
        assert_false(tap_pace_is_late(&pace, i % TAP_LATE_MOST != 0)); /* now and then one write is in time */
    assert_false(tap_pace_is_late(&pace, false));
    for (int i = 1; i < TAP_LATE_MOST; i++)
        assert_false(tap_pace_is_late(&pace, true));
    assert_true(tap_pace_is_late(&pace, true));
    assert_false(tap_pace_is_late(&pace, true)); /* judged anew */
}

/* While the page cache has its turn nothing goes past it; then one tries, where the file system has that at all. */
static void test_pace__the_page_cache_has_its_turn(void **state)
{
    char path[] = "/tmp/via-tap-pace.XXXXXX";
    tap_file *file = calloc(1, sizeof(*file));
    uint8_t *bytes = aligned_alloc(ALIGNMENT, PIECE), *again = malloc(PIECE);

    (void)state;
    assert_true(file && bytes && again);
    file->descriptor = mkstemp(path);
    assert_true(file->descriptor >= 0);
    file->cached_left = PIECE + 1;
    for (int i = 0; i < 4; i++) {
        memset(bytes, 'a' + i, PIECE);
        assert_int_equal(tap_file_write(file, bytes, PIECE), 0);
        assert_int_equal(file->size, (uint64_t)(i + 1) * PIECE);
        if (i < 2)
            assert_false(file->is_direct);
        else
            assert_true(file->is_direct || file->cached_left == UINT64_MAX);
        assert_int_equal(pread(file->descriptor, again, PIECE, (off_t)i * PIECE), PIECE);
        assert_memory_equal(bytes, again, PIECE);
    }
    (void)close(file->descriptor);
    assert_int_equal(unlink(path), 0);
    free(again);
    free(bytes);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pace__is_late_after_many_losses_in_a_row),
        cmocka_unit_test(test_pace__the_page_cache_has_its_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
