/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks in the arena: in one piece, never overlapping, free again when given back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arena.h"
#include "layout.h"

enum { SIZE = 4096, LIVE = 16 };

typedef struct fixture {
    unsigned char *base;
    shm_arena arena;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));

    f->base = aligned_alloc(SHM_LINE, SIZE);
    assert_non_null(f->base);
    memset(f->base, 0, SIZE);
    shm_arena_init(&f->arena, f->base, SIZE);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    free(f->base);
    free(f);
    return 0;
}

static void test_arena__lends_all_of_it_in_one_piece(void **state)
{
    fixture *f = *state;

    assert_int_equal(shm_arena_limit(&f->arena), SIZE - SHM_LINE);
    for (int i = 0; i < 3; i++) {
        uint64_t offset = shm_arena_take(&f->arena, SIZE - SHM_LINE);
        assert_int_not_equal(offset, SHM_ARENA_NONE);
        assert_int_equal(offset % SHM_LINE, 0);
        assert_int_equal(shm_arena_take(&f->arena, 1), SHM_ARENA_NONE);
        shm_arena_give(&f->arena, offset);
    }
    assert_int_equal(shm_arena_take(&f->arena, SIZE), SHM_ARENA_NONE);
    assert_int_equal(shm_arena_take(&f->arena, UINT64_MAX), SHM_ARENA_NONE);
}

static void test_arena__knows_how_much_was_asked_for(void **state)
{
    fixture *f = *state;

    assert_int_equal(shm_arena_holds(&f->arena, shm_arena_take(&f->arena, 100)), 100);
    assert_int_equal(shm_arena_holds(&f->arena, shm_arena_take(&f->arena, 0)), 0);
}

static void test_arena__tells_a_loan_that_is_in_the_way(void **state)
{
    fixture *f = *state;
    uint64_t lent = shm_arena_take(&f->arena, 1000), sent = shm_arena_take(&f->arena, 1000);

    assert_false(shm_arena_is_held_by_loan(&f->arena));
    shm_arena_lend(&f->arena, lent, true);
    assert_true(shm_arena_is_held_by_loan(&f->arena));
    shm_arena_give(&f->arena, sent);
    assert_true(shm_arena_is_held_by_loan(&f->arena));
    shm_arena_lend(&f->arena, lent, false);
    assert_false(shm_arena_is_held_by_loan(&f->arena));
    shm_arena_give(&f->arena, lent);
    assert_int_equal(f->arena.used, 0);
}

/* Random sizes and orders: each block keeps its bytes, and in the end everything is free. */
static void test_arena__keeps_blocks_apart(void **state)
{
    fixture *f = *state;
    struct {
        uint64_t offset;
        size_t size;
        int mark;
    } live[LIVE];
    size_t count = 0;
    uint32_t seed = 7;
    uint64_t taken = 0;

    for (int turn = 0; turn < 20000; turn++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t chance = seed >> 8;
        if (count < LIVE && chance % 2) {
            size_t size = chance / 2 % 900;
            uint64_t offset = shm_arena_take(&f->arena, size);
            if (offset == SHM_ARENA_NONE)
                continue;
            assert_in_range(offset, SHM_LINE, SIZE);
            assert_in_range(offset + size, 0, SIZE);
            memset(f->base + offset, turn & 0xff, size);
            live[count].offset = offset, live[count].size = size, live[count++].mark = turn & 0xff;
            taken++;
        } else if (count > 0) {
            size_t i = chance / 2 % count;
            for (size_t b = 0; b < live[i].size; b++)
                assert_int_equal(f->base[live[i].offset + b], live[i].mark);
            shm_arena_give(&f->arena, live[i].offset);
            live[i] = live[--count];
        }
    }
    assert_in_range(taken, 1000, 20000);
    while (count > 0)
        shm_arena_give(&f->arena, live[--count].offset);
    assert_int_equal(f->arena.used, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_arena__lends_all_of_it_in_one_piece),
        TEST(test_arena__knows_how_much_was_asked_for),
        TEST(test_arena__tells_a_loan_that_is_in_the_way),
        TEST(test_arena__keeps_blocks_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
