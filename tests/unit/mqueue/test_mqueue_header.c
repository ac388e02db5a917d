/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands before a message's bytes: the bytes of the format, and everything that is none.
 */
#include "mqueue_unit.h"

#include "header.h"

#include <string.h>

static void test_header__is_written_as_documented(void **state)
{
    const mqueue_header whole = {MQUEUE_WHOLE, 5, 0};
    const mqueue_header body = {MQUEUE_BODY, 70000, 0x1122334455667788};
    unsigned char bytes[MQUEUE_REFERENCE_SIZE];
    uint64_t number;

    (void)state;
    assert_int_equal(mqueue_header_write(&whole, bytes), 16);
    assert_memory_equal(bytes, "VQ\1\0\0\0\0\0", 8);
    memcpy(&number, bytes + 8, sizeof(number));
    assert_int_equal(number, 5);
    assert_int_equal(mqueue_header_write(&body, bytes), 24);
    assert_memory_equal(bytes, "VQ\1\1\0\0\0\0", 8);
    memcpy(&number, bytes + 16, sizeof(number));
    assert_int_equal(number, 0x1122334455667788);
}

static void test_header__is_read_back(void **state)
{
    unsigned char bytes[64] = {0};
    const char *why = NULL;

    (void)state;
    for (uint64_t size = 0; size < 40; size++) {
        const mqueue_header in = {MQUEUE_WHOLE, size, 0};
        mqueue_header out;
        size_t at = mqueue_header_write(&in, bytes);
        assert_int_equal(mqueue_header_read(bytes, at + size, &out, &why), VIA_OK);
        assert_int_equal(out.kind, MQUEUE_WHOLE);
        assert_int_equal(out.size, size);
        assert_int_equal(mqueue_header_read(bytes, at + size + 1, &out, &why), VIA_EPROTO);
    }
    const mqueue_header in = {MQUEUE_BODY, 1, 42};
    mqueue_header out;
    size_t at = mqueue_header_write(&in, bytes);
    assert_int_equal(mqueue_header_read(bytes, at, &out, &why), VIA_OK);
    assert_int_equal(out.body, 42);
}

static void test_header__refuses_with_a_reason(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *word; /* in the reason */
    } wrong[] = {
        {"", 0, "shorter"},
        {"VQ\1\0\0\0\0\0\0\0\0\0\0\0\0", 15, "shorter"},
        {"Vq\1\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, "framing"},
        {"VQ\2\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, "version"},
        {"VQ\1\0\1\0\0\0\0\0\0\0\0\0\0\0", 16, "version"},
        {"VQ\1\0\0\0\0\0\1\0\0\0\0\0\0\0", 16, "size"},
        {"VQ\1\2\0\0\0\0\0\0\0\0\0\0\0\0", 16, "size"},
        {"VQ\1\1\0\0\0\0\0\0\0\0\0\0\0\0", 16, "size"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        mqueue_header header;
        const char *why = "";
        assert_int_equal(mqueue_header_read(wrong[i].bytes, wrong[i].size, &header, &why), VIA_EPROTO);
        assert_non_null(strstr(why, wrong[i].word));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header__is_written_as_documented),
        cmocka_unit_test(test_header__is_read_back),
        cmocka_unit_test(test_header__refuses_with_a_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
