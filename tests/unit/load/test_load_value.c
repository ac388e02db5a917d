/* SPDX-License-Identifier: Apache-2.0 */
/* Values with units, and nearest names. */
#include "load_fixture.h"

#include "kit/json/nearest.h"
#include "manifest/value.h"

#include <viaduct/plugin.h>

typedef struct value_case {
    uint32_t type;
    const char *text;
    bool right;
    int64_t number;
} value_case;

static const value_case values[] = {
    {VIA_OPTION_BOOL, "true", true, 1},
    {VIA_OPTION_BOOL, "false", true, 0},
    {VIA_OPTION_BOOL, "yes", false, 0},
    {VIA_OPTION_BOOL, "True", false, 0},
    {VIA_OPTION_INT, "0", true, 0},
    {VIA_OPTION_INT, "-12", true, -12},
    {VIA_OPTION_INT, "9223372036854775807", true, INT64_MAX},
    {VIA_OPTION_INT, "9223372036854775808", false, 0},
    {VIA_OPTION_INT, "", false, 0},
    {VIA_OPTION_INT, "-", false, 0},
    {VIA_OPTION_INT, "1.5", false, 0},
    {VIA_OPTION_INT, " 1", false, 0},
    {VIA_OPTION_INT, "+1", false, 0},
    {VIA_OPTION_INT, "0x10", false, 0},
    {VIA_OPTION_SIZE, "512", true, 512},
    {VIA_OPTION_SIZE, "512B", true, 512},
    {VIA_OPTION_SIZE, "64KiB", true, 65536},
    {VIA_OPTION_SIZE, "1GiB", true, 1073741824},
    {VIA_OPTION_SIZE, "2TiB", true, INT64_C(2199023255552)},
    {VIA_OPTION_SIZE, "8388608TiB", false, 0},
    {VIA_OPTION_SIZE, "64KB", false, 0},
    {VIA_OPTION_SIZE, "64 KiB", false, 0},
    {VIA_OPTION_SIZE, "-1", false, 0},
    {VIA_OPTION_SIZE, "KiB", false, 0},
    {VIA_OPTION_DURATION, "500ms", true, 500000000},
    {VIA_OPTION_DURATION, "2s", true, 2000000000},
    {VIA_OPTION_DURATION, "3min", true, INT64_C(180000000000)},
    {VIA_OPTION_DURATION, "1h", true, INT64_C(3600000000000)},
    {VIA_OPTION_DURATION, "7us", true, 7000},
    {VIA_OPTION_DURATION, "7ns", true, 7},
    {VIA_OPTION_DURATION, "0", true, 0},
    {VIA_OPTION_DURATION, "forever", true, -1},
    {VIA_OPTION_DURATION, "5", false, 0},
    {VIA_OPTION_DURATION, "5m", false, 0},
    {VIA_OPTION_DURATION, "2562048h", false, 0},
    {VIA_OPTION_MODE, "0600", true, 0600},
    {VIA_OPTION_MODE, "777", true, 0777},
    {VIA_OPTION_MODE, "1777", false, 0},
    {VIA_OPTION_MODE, "0800", false, 0},
    {VIA_OPTION_MODE, "00600", false, 0},
    {VIA_OPTION_MODE, "rw", false, 0},
    {VIA_OPTION_STRING, "text", false, 0}, /* has no number */
};

static void test_value__reads_every_notation_and_guesses_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        int64_t number = -77;
        bool right = via_value_read(values[i].type, values[i].text, &number);
        if (right != values[i].right || (right && number != values[i].number))
            fail_msg("%s \"%s\": %s, %lld", via_value_type_name(values[i].type), values[i].text,
                     right ? "accepted" : "refused", (long long)number);
    }
}

static void test_value__writes_a_size_in_the_largest_unit_that_divides_it(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } sizes[] = {{0, "0"},
                 {1, "1"},
                 {1023, "1023"},
                 {1024, "1KiB"},
                 {1025, "1025"},
                 {1536, "1536"},
                 {1 << 20, "1MiB"},
                 {1 << 30, "1GiB"},
                 {3 << 20, "3MiB"},
                 {1025 << 10, "1025KiB"},
                 {UINT64_C(2048) << 40, "2048TiB"}};
    char text[32];

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        via_value_write_size(sizes[i].bytes, text, sizeof(text));
        assert_string_equal(text, sizes[i].text);
    }
}

static void test_value__names_every_type(void **state)
{
    (void)state;
    for (uint32_t type = VIA_OPTION_BOOL; type <= VIA_OPTION_MODE; type++) {
        assert_non_null(via_value_type_name(type));
        assert_int_equal(via_value_type(via_value_type_name(type)), type);
    }
    assert_int_equal(via_value_type("float"), 0);
    assert_null(via_value_type_name(99));
    assert_string_equal(via_value_expected(99), "a value");
}

typedef struct near_case {
    const char *wrong;
    const char *nearest; /* NULL = none is near */
} near_case;

static void test_nearest__finds_slips_and_not_other_words(void **state)
{
    static const char *const names[] = {"mode", "send_buffer", "receive_buffer", "overflow", "linger"};
    static const near_case cases[] = {
        {"mdoe", "mode"},
        {"Mode", "mode"},
        {"send_bufer", "send_buffer"},
        {"overflw", "overflow"},
        {"lingers", "linger"},
        {"nodelay", NULL},
        {"x", NULL},
        {"", NULL},
        {"recv_buffer", "receive_buffer"},
    };
    via_nearest nearest;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        via_nearest_begin(&nearest, cases[i].wrong);
        for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++)
            via_nearest_offer(&nearest, names[j]);
        if (!cases[i].nearest)
            assert_null(nearest.best);
        else
            assert_string_equal(nearest.best, cases[i].nearest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value__reads_every_notation_and_guesses_nothing),
        cmocka_unit_test(test_value__writes_a_size_in_the_largest_unit_that_divides_it),
        cmocka_unit_test(test_value__names_every_type),
        cmocka_unit_test(test_nearest__finds_slips_and_not_other_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
