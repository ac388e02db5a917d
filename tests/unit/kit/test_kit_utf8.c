/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of UTF-8 against the definition, character by character, at every place of a longer text.
 */
#include "kit/utf8.h"
#include "kit_fixture.h"

#include <stdlib.h>
#include <string.h>

/* In memory of exactly its size. */
static size_t prefix_of(const unsigned char *bytes, size_t size)
{
    char *copy = malloc(size ? size : 1);
    size_t prefix;

    assert_non_null(copy);
    if (size > 0)
        memcpy(copy, bytes, size);
    prefix = via_utf8_prefix(copy, size);
    free(copy);
    return prefix;
}

static size_t encode(uint32_t point, unsigned char out[4])
{
    if (point < 0x80) {
        out[0] = (unsigned char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (unsigned char)(0xc0 | point >> 6);
        out[1] = (unsigned char)(0x80 | (point & 63));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (unsigned char)(0xe0 | point >> 12);
        out[1] = (unsigned char)(0x80 | (point >> 6 & 63));
        out[2] = (unsigned char)(0x80 | (point & 63));
        return 3;
    }
    out[0] = (unsigned char)(0xf0 | point >> 18);
    out[1] = (unsigned char)(0x80 | (point >> 12 & 63));
    out[2] = (unsigned char)(0x80 | (point >> 6 & 63));
    out[3] = (unsigned char)(0x80 | (point & 63));
    return 4;
}

static void test_kit_utf8__every_character_and_no_surrogate(void **state)
{
    unsigned char bytes[4];

    (void)state;
    for (uint32_t point = 0; point < 0x110000; point++) {
        size_t size = encode(point, bytes);
        bool is_character = point < 0xd800 || point > 0xdfff;

        if (prefix_of(bytes, size) != (is_character ? size : 0))
            fail_msg("U+%04x", point);
        for (size_t cut = 1; cut < size && point % 61 == 0; cut++)
            assert_int_equal(prefix_of(bytes, cut), 0);
    }
    assert_int_equal(encode(0x110000, bytes), 4);
    assert_int_equal(prefix_of(bytes, 4), 0);
}

/* How many characters of two and three bytes there are is known: whatever else is accepted is too much. */
static void test_kit_utf8__nothing_else(void **state)
{
    unsigned two = 0, three = 0, four = 0;

    (void)state;
    for (uint32_t bits = 0; bits < 0x1000000; bits++) {
        char bytes[3] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
        unsigned char first = (unsigned char)bytes[0];

        if ((bits & 0xff) == 0 && first >= 0x80)
            two += via_utf8_is_valid(bytes, 2);
        if (first >= 0xe0)
            three += via_utf8_is_valid(bytes, 3);
    }
    assert_int_equal(two, 0x800 - 0x80);
    assert_int_equal(three, 0x10000 - 0x800 - 0x800);
    for (uint32_t bits = 0; bits < 0x1000000; bits++) { /* f0 to ff, and the low bits of the rest sampled */
        char bytes[4] = {(char)(0xf0 | bits >> 20), (char)(bits >> 12), (char)(bits >> 4), (char)((bits & 15) << 4)};

        four += via_utf8_is_valid(bytes, 4);
    }
    assert_int_equal(four, 0x100000 / 64 * 4);
}

static void test_kit_utf8__a_fault_is_found_wherever_it_is(void **state)
{
    static const char *const faults[] = {"\x80",
                                         "\xff",
                                         "\xc0\x80",
                                         "\xc1\xbf",
                                         "\xe0\x9f\xbf",
                                         "\xed\xa0\x80",
                                         "\xf0\x8f\xbf\xbf",
                                         "\xf4\x90\x80\x80",
                                         "\xf5\x80\x80\x80",
                                         "\xc3",
                                         "\xe2\x82"};
    unsigned char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        for (size_t at = 0; at < 40; at++) {
            memset(text, 'a', sizeof(text));
            memcpy(text + at, faults[i], strlen(faults[i]));
            assert_int_equal(prefix_of(text, 50), at);
        }
}

static void test_kit_utf8__texts(void **state)
{
    static const struct {
        const char *text;
        size_t size, prefix;
    } cases[] = {{"", 0, 0},
                 {"a\0b", 3, 3},
                 {"12345678", 8, 8},
                 {"1234567\xc3\xa9", 9, 9},
                 {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80xyz", 12, 12},
                 {"abc\xe2\x82", 5, 3},
                 {"\xc3\xa9\xc3", 3, 2}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(prefix_of((const unsigned char *)cases[i].text, cases[i].size), cases[i].prefix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kit_utf8__every_character_and_no_surrogate),
        cmocka_unit_test(test_kit_utf8__nothing_else),
        cmocka_unit_test(test_kit_utf8__a_fault_is_found_wherever_it_is),
        cmocka_unit_test(test_kit_utf8__texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
