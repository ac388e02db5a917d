/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sdk/examples/rpc/zlib.rpc.json: each imported function beside the one that is linked.
 */
#include "library_ends.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { BYTES = 100000 };

typedef uLong checksum(uLong sum, const Bytef *bytes, uInt size);
typedef int compressing(Bytef *to, uLongf *room, const Bytef *from, uLong size, int level);
typedef int uncompressing(Bytef *to, uLongf *room, const Bytef *from, uLong size);

LIBRARY_TESTS("zlib.rpc.json", "libz.so.1")

/* Bytes that can be made smaller, but not to nothing. */
static void fill(Bytef *bytes, size_t size)
{
    uint32_t random = 1;

    for (size_t i = 0; i < size; i++) {
        random = random * 1103515245 + 12345;
        bytes[i] = (Bytef)(random >> 28);
    }
}

static void versions(void **state)
{
    const char *(*version_there)(void);
    uLong (*bound_there)(uLong);

    IMPORT(*state, "version", version_there);
    IMPORT(*state, "compressBound", bound_there);
    assert_string_equal(version_there(), zlibVersion());
    for (uLong size = 0; size < 1u << 30; size = size * 3 + 1)
        assert_true(bound_there(size) == compressBound(size));
    assert_good(*state);
}

static void checksums(void **state)
{
    static Bytef bytes[BYTES];
    checksum *crc_there, *adler_there;
    uLong crc = crc32(0, NULL, 0), adler = adler32(0, NULL, 0);

    IMPORT(*state, "crc32", crc_there);
    IMPORT(*state, "adler32", adler_there);
    fill(bytes, sizeof(bytes));
    for (uInt size = 0; size <= BYTES; size = size * 7 + 1) {
        crc = crc32(crc, bytes, size);
        assert_true(crc_there(crc, bytes, size) == crc32(crc, bytes, size));
        adler = adler32(adler, bytes, size);
        assert_true(adler_there(adler, bytes, size) == adler32(adler, bytes, size));
    }
    assert_good(*state);
}

static void compressed_alike(both_ends *ends, const Bytef *bytes, uLong size, int level)
{
    uLongf here = compressBound(size), there = here, back = size;
    Bytef *one = test_malloc(here), *other = test_malloc(there), *again = test_malloc(size + 1);
    compressing *compress_there;
    uncompressing *uncompress_there;

    IMPORT(ends, "compress2", compress_there);
    IMPORT(ends, "uncompress", uncompress_there);
    assert_int_equal(compress2(one, &here, bytes, size, level), Z_OK);
    assert_int_equal(compress_there(other, &there, bytes, size, level), Z_OK);
    assert_good(ends);
    assert_int_equal(there, here);
    assert_memory_equal(other, one, here);
    assert_int_equal(uncompress_there(again, &back, other, there), Z_OK);
    assert_int_equal(back, size);
    assert_memory_equal(again, bytes, size);
    test_free(one);
    test_free(other);
    test_free(again);
}

static void what_is_compressed_there_is_what_is_compressed_here(void **state)
{
    static Bytef bytes[BYTES];

    fill(bytes, sizeof(bytes));
    for (int level = -1; level <= 9; level++)
        compressed_alike(*state, bytes, BYTES, level);
    compressed_alike(*state, bytes, 1, 6);
    compressed_alike(*state, bytes, 0, 6);
}

static void errors_are_the_same_and_have_names(void **state)
{
    static const Bytef damaged[] = "no bytes of zlib";
    Bytef bytes[1000], room[1000];
    uLongf there = 4, here = 4;
    compressing *compress_there;
    uncompressing *uncompress_there;

    IMPORT(*state, "compress2", compress_there);
    IMPORT(*state, "uncompress", uncompress_there);
    fill(bytes, sizeof(bytes));
    assert_int_equal(compress_there(room, &there, bytes, sizeof(bytes), 6), compress2(room, &here, bytes, 1000, 6));
    assert_failed(*state, Z_BUF_ERROR, "buf_error");
    there = here = sizeof(room);
    assert_int_equal(compress_there(room, &there, bytes, 1, 77), compress2(room, &here, bytes, 1, 77));
    assert_failed(*state, Z_STREAM_ERROR, "stream_error");
    there = here = sizeof(room);
    assert_int_equal(uncompress_there(room, &there, damaged, sizeof(damaged)),
                     uncompress(room, &here, damaged, sizeof(damaged)));
    assert_failed(*state, Z_DATA_ERROR, "data_error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIBRARY_TEST(versions),
        LIBRARY_TEST(checksums),
        LIBRARY_TEST(what_is_compressed_there_is_what_is_compressed_here),
        LIBRARY_TEST(errors_are_the_same_and_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
