/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of integers and pointers are called as libffi calls them: every type at its boundaries, in every place.
 */
#include "rpc_fixture.h"

#include "invoke.h"

typedef struct cells {
    uint64_t words[8];
    void *at[8];
} cells;

static cells point(void)
{
    cells made = {.words = {0}};

    for (size_t i = 0; i < 8; i++)
        made.words[i] = UINT64_C(0xa5a5a5a5a5a5a5a5); /* what a narrow value leaves must not matter */
    return made;
}

static void put(cells *all, size_t index, const void *value, size_t size)
{
    memcpy(&all->words[index], value, size);
    all->at[index] = &all->words[index];
}

#define PUT(all, index, type, value) put((all), (index), &(type){value}, sizeof(type))

/* ---- what is called ----------------------------------------------------------------------------------------- */

static struct {
    int8_t i8;
    uint8_t u8;
    int16_t i16;
    uint16_t u16;
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
    bool truth;
    const void *pointer;
    size_t size;
} seen;

static int8_t narrow(int8_t i8, uint8_t u8, int16_t i16, uint16_t u16, int32_t i32, uint32_t u32)
{
    seen.i8 = i8;
    seen.u8 = u8;
    seen.i16 = i16;
    seen.u16 = u16;
    seen.i32 = i32;
    seen.u32 = u32;
    return (int8_t)(i8 + 1);
}

static const char *wide(int64_t i64, uint64_t u64, bool truth, const void *pointer, size_t size)
{
    seen.i64 = i64;
    seen.u64 = u64;
    seen.truth = truth;
    seen.pointer = pointer;
    seen.size = size;
    return pointer;
}

/* How the compiler itself widens what a function gets and returns. */
static int64_t widened(int8_t i8, uint8_t u8, int16_t i16, uint16_t u16)
{
    return (int64_t)i8 * 1000000000000 + (int64_t)u8 * 1000000000 + (int64_t)i16 * 10000 + u16;
}

static uint8_t low_byte(uint64_t word)
{
    return (uint8_t)word;
}

static int16_t low_half(uint64_t word)
{
    return (int16_t)word;
}

static uint32_t low_word(uint64_t word)
{
    return (uint32_t)word;
}

static void nothing(void)
{
    seen.size++;
}

/* ---- tests -------------------------------------------------------------------------------------------------- */

static void call(ffi_type *result_type, ffi_type **types, unsigned count, via_rpc_any function, cells *all,
                 uint64_t *result)
{
    uint64_t by_libffi[2] = {0, 0};
    ffi_cif cif;

    assert_int_equal(ffi_prep_cif(&cif, FFI_DEFAULT_ABI, count, result_type, types), FFI_OK);
    ffi_call(&cif, function, by_libffi, all->at);
    *result = by_libffi[0];
    if (!rpc_invoke_is_of_words(&cif))
        return; /* on other systems */
    memset(&seen, 0, sizeof(seen));
    result[0] = 0;
    rpc_invoke_words(&cif, function, result, all->at);
    assert_memory_equal(result, by_libffi, sizeof(*result));
}

static void test_invoke__narrow_integers_keep_their_sign(void **state)
{
    ffi_type *types[] = {&ffi_type_sint8,  &ffi_type_uint8,  &ffi_type_sint16,
                         &ffi_type_uint16, &ffi_type_sint32, &ffi_type_uint32};
    cells all = point();
    uint64_t result;

    (void)state;
    PUT(&all, 0, int8_t, INT8_MIN);
    PUT(&all, 1, uint8_t, UINT8_MAX);
    PUT(&all, 2, int16_t, INT16_MIN);
    PUT(&all, 3, uint16_t, UINT16_MAX);
    PUT(&all, 4, int32_t, INT32_MIN);
    PUT(&all, 5, uint32_t, UINT32_MAX);
    call(&ffi_type_sint8, types, 6, (via_rpc_any)narrow, &all, &result);
    assert_int_equal(seen.i8, INT8_MIN);
    assert_int_equal(seen.u8, UINT8_MAX);
    assert_int_equal(seen.i16, INT16_MIN);
    assert_int_equal(seen.u16, UINT16_MAX);
    assert_int_equal(seen.i32, INT32_MIN);
    assert_int_equal(seen.u32, UINT32_MAX);
    assert_int_equal((int64_t)result, INT8_MIN + 1);
    call(&ffi_type_sint64, types, 4, (via_rpc_any)widened, &all, &result);
    assert_int_equal((int64_t)result, INT64_C(-128) * 1000000000000 + INT64_C(255000000000) - 327680000 + 65535);
}

static void test_invoke__words_go_whole(void **state)
{
    ffi_type *types[] = {&ffi_type_sint64, &ffi_type_uint64, &ffi_type_uint8, &ffi_type_pointer, &ffi_type_uint64};
    cells all = point();
    uint64_t result;

    (void)state;
    PUT(&all, 0, int64_t, INT64_MIN);
    PUT(&all, 1, uint64_t, UINT64_MAX);
    PUT(&all, 2, bool, true);
    PUT(&all, 3, void *, &all);
    PUT(&all, 4, size_t, SIZE_MAX - 1);
    call(&ffi_type_pointer, types, 5, (via_rpc_any)wide, &all, &result);
    assert_int_equal(seen.i64, INT64_MIN);
    assert_int_equal(seen.u64, UINT64_MAX);
    assert_true(seen.truth);
    assert_ptr_equal(seen.pointer, &all);
    assert_int_equal(seen.size, SIZE_MAX - 1);
    assert_int_equal(result, (uintptr_t)&all);
}

static void test_invoke__narrow_results_are_widened(void **state)
{
    ffi_type *types[] = {&ffi_type_uint64};
    cells all = point();
    uint64_t result;

    (void)state;
    PUT(&all, 0, uint64_t, UINT64_C(0x123456789abcf0fe));
    call(&ffi_type_uint8, types, 1, (via_rpc_any)low_byte, &all, &result);
    assert_int_equal(result, 0xfe);
    call(&ffi_type_sint16, types, 1, (via_rpc_any)low_half, &all, &result);
    assert_int_equal((int64_t)result, (int16_t)0xf0fe);
    call(&ffi_type_uint32, types, 1, (via_rpc_any)low_word, &all, &result);
    assert_int_equal(result, 0x9abcf0fe);
}

static void test_invoke__a_function_of_nothing(void **state)
{
    cells all = point();
    uint64_t result;

    (void)state;
    seen.size = 0;
    call(&ffi_type_void, NULL, 0, (via_rpc_any)nothing, &all, &result);
    assert_int_equal(seen.size, 1);
    assert_int_equal(result, 0);
}

static void test_invoke__others_are_left_to_libffi(void **state)
{
    ffi_type *fields[] = {&ffi_type_sint32, NULL};
    ffi_type record = {.type = FFI_TYPE_STRUCT, .elements = fields};
    ffi_type *types[7], *others[] = {&ffi_type_float, &ffi_type_double, &record};
    ffi_cif cif;

    (void)state;
    for (size_t i = 0; i < 7; i++)
        types[i] = &ffi_type_sint32;
    assert_int_equal(ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 7, &ffi_type_void, types), FFI_OK);
    assert_false(rpc_invoke_is_of_words(&cif));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        types[1] = others[i];
        assert_int_equal(ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 2, &ffi_type_void, types), FFI_OK);
        assert_false(rpc_invoke_is_of_words(&cif));
        types[1] = &ffi_type_sint32;
        assert_int_equal(ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 2, others[i], types), FFI_OK);
        assert_false(rpc_invoke_is_of_words(&cif));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_invoke__narrow_integers_keep_their_sign),
        cmocka_unit_test(test_invoke__words_go_whole),
        cmocka_unit_test(test_invoke__narrow_results_are_widened),
        cmocka_unit_test(test_invoke__a_function_of_nothing),
        cmocka_unit_test(test_invoke__others_are_left_to_libffi),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
