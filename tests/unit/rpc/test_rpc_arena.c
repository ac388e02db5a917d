/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for one call: never above its limit, aligned, not overlapping; and the buffer of a writer.
 */
#include "rpc_fixture.h"

static void test_arena__gives_aligned_pieces_that_do_not_overlap(void **state)
{
    rpc_fixture *f = *state;
    unsigned char *pieces[300];

    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 300; i++) {
            pieces[i] = rpc_arena_take(&f->arena, i * 7);
            assert_non_null(pieces[i]);
            assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
            memset(pieces[i], (int)(i & 255), i > 0 ? i * 7 : 1);
        }
        for (size_t i = 0; i < 300; i++)
            for (size_t j = 0; j < i * 7; j++)
                assert_int_equal(pieces[i][j], i & 255);
        rpc_arena_reset(&f->arena);
        assert_int_equal(f->arena.taken, 0);
    }
}

static void test_arena__small_calls_need_no_block(void **state)
{
    rpc_fixture *f = *state;

    assert_non_null(rpc_arena_take(&f->arena, RPC_ARENA_FIRST));
    assert_null(f->arena.blocks);
    assert_non_null(rpc_arena_take(&f->arena, 1));
    assert_non_null(f->arena.blocks);
}

static void test_arena__keeps_its_limit(void **state)
{
    rpc_arena arena;
    size_t taken = 0;

    (void)state;
    rpc_arena_init(&arena, 100000);
    assert_null(rpc_arena_take(&arena, 100001));
    assert_null(rpc_arena_take(&arena, SIZE_MAX));
    assert_null(rpc_arena_take(&arena, SIZE_MAX - 7));
    while (rpc_arena_take(&arena, 1000))
        taken += 1000;
    assert_in_range(taken, 98000, 100000);
    assert_in_range(arena.taken, taken, 100000);
    while (rpc_arena_take(&arena, 0))
        taken++;
    assert_int_equal(arena.taken, 100000);
    rpc_arena_reset(&arena);
    assert_non_null(rpc_arena_take(&arena, 100000));
    rpc_arena_fini(&arena);
}

static void test_arena__arrays_are_cleared_and_their_size_does_not_overflow(void **state)
{
    rpc_fixture *f = *state;
    unsigned char *array;

    memset(rpc_arena_take(&f->arena, 1000), 0xff, 1000);
    rpc_arena_reset(&f->arena);
    array = rpc_arena_take_array(&f->arena, 100, 10);
    assert_non_null(array);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(array[i], 0);
    assert_null(rpc_arena_take_array(&f->arena, SIZE_MAX / 2 + 2, 2));
    assert_null(rpc_arena_take_array(&f->arena, SIZE_MAX, SIZE_MAX));
    assert_non_null(rpc_arena_take_array(&f->arena, SIZE_MAX, 0));
}

static void test_writer__grows_up_to_its_limit_and_no_further(void **state)
{
    static const size_t limits[] = {1, 2, 255, 256, 257, 511, 1000, 4096, 100001};

    (void)state;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        rpc_writer writer;

        rpc_writer_init(&writer, limits[i]);
        for (size_t size = 0; size < limits[i]; size++) {
            unsigned char *room = rpc_writer_room(&writer, 1);

            assert_non_null(room);
            *room = 7;
            assert_in_range(writer.capacity, size + 1, limits[i]);
        }
        assert_null(rpc_writer_room(&writer, 1));
        assert_int_equal(writer.status, VIA_ETOOBIG);
        assert_null(rpc_writer_room(&writer, 0)); /* the rest does nothing */
        assert_int_equal(writer.size, limits[i]);
        rpc_writer_reset(&writer);
        assert_non_null(rpc_writer_room(&writer, limits[i]));
        assert_null(rpc_writer_room(&writer, SIZE_MAX));
        rpc_writer_fini(&writer);
    }
}

static void test_writer__keeps_its_memory_and_what_is_in_it(void **state)
{
    rpc_fixture *f = *state;
    const unsigned char *before;

    for (unsigned i = 0; i < 100000; i++) {
        unsigned char *room = rpc_writer_room(&f->writer, 1);

        assert_non_null(room);
        *room = (unsigned char)i;
    }
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(f->writer.data[i], i & 255);
    before = f->writer.data;
    rpc_writer_reset(&f->writer);
    assert_ptr_equal(rpc_writer_room(&f->writer, 100000), before);
}

static void test_codec__is_found_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(rpc_codec_find("msgpack"), &rpc_msgpack);
    assert_ptr_equal(rpc_codec_find("json"), &rpc_json);
    assert_null(rpc_codec_find("cbor"));
    assert_null(rpc_codec_find(""));
    for (rpc_token token = RPC_NOTHING; token <= RPC_OTHER; token++)
        assert_non_null(rpc_token_words(token));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_arena__gives_aligned_pieces_that_do_not_overlap, rpc_set_up,
                                        rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_arena__small_calls_need_no_block, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_arena__keeps_its_limit, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_arena__arrays_are_cleared_and_their_size_does_not_overflow, rpc_set_up,
                                        rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_writer__grows_up_to_its_limit_and_no_further, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_writer__keeps_its_memory_and_what_is_in_it, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_codec__is_found_by_name, rpc_set_up, rpc_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
