/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON: values that must come back the same.
 */
#include "rpc_fixture.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>

static const rpc_codec *const codec = &rpc_json;

/* ---- values ------------------------------------------------------------------------------------------------- */

/* Writes one parameter by `put`, opens the message and leaves the reader before it. */
#define OPEN_WITH(f, put)                                                                                              \
    do {                                                                                                               \
        rpc_writer_reset(&(f)->writer);                                                                                \
        codec->notification(&(f)->writer, "m", 1);                                                                     \
        put;                                                                                                           \
        codec->end(&(f)->writer);                                                                                      \
        rpc_open_written((f), codec);                                                                                  \
    } while (0)

static bool has_parameter(rpc_fixture *f, const char *expected)
{
    const char *prefix = "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":[";
    size_t size = strlen(expected);

    return f->writer.size == strlen(prefix) + size + 2 && memcmp(f->writer.data + strlen(prefix), expected, size) == 0;
}

static void test_json__integers(void **state)
{
    static const struct {
        uint64_t value;
        const char *text;
    } naturals[] = {{0, "0"},
                    {9, "9"},
                    {10, "10"},
                    {INT32_MAX, "2147483647"},
                    {UINT32_MAX, "4294967295"},
                    {UINT64_C(9007199254740992), "9007199254740992"},
                    {UINT64_C(9007199254740993), "\"9007199254740993\""},
                    {INT64_MAX, "\"9223372036854775807\""},
                    {INT64_MAX + 1ull, "\"9223372036854775808\""},
                    {UINT64_MAX, "\"18446744073709551615\""}};
    static const struct {
        int64_t value;
        const char *text;
    } negatives[] = {{-1, "-1"},
                     {INT32_MIN, "-2147483648"},
                     {-INT64_C(9007199254740992), "-9007199254740992"},
                     {-INT64_C(9007199254740993), "\"-9007199254740993\""},
                     {INT64_MIN, "\"-9223372036854775808\""}};
    rpc_fixture *f = *state;
    uint64_t natural;
    int64_t integer;

    for (size_t i = 0; i < sizeof(naturals) / sizeof(naturals[0]); i++) {
        OPEN_WITH(f, codec->put_unsigned(&f->writer, naturals[i].value));
        assert_true(has_parameter(f, naturals[i].text));
        if (naturals[i].value > INT64_MAX)
            assert_false(codec->get_signed(&f->reader, &integer));
        assert_true(codec->get_unsigned(&f->reader, &natural) && natural == naturals[i].value);
        rpc_shut(f, codec);
        if (naturals[i].value > INT64_MAX)
            continue;
        OPEN_WITH(f, codec->put_signed(&f->writer, (int64_t)naturals[i].value));
        assert_true(codec->get_signed(&f->reader, &integer) && integer == (int64_t)naturals[i].value);
        rpc_shut(f, codec);
    }
    for (size_t i = 0; i < sizeof(negatives) / sizeof(negatives[0]); i++) {
        OPEN_WITH(f, codec->put_signed(&f->writer, negatives[i].value));
        assert_true(has_parameter(f, negatives[i].text));
        assert_false(codec->get_unsigned(&f->reader, &natural));
        assert_string_equal(f->reader.wrong, "a negative integer");
        assert_true(codec->get_signed(&f->reader, &integer) && integer == negatives[i].value);
        rpc_shut(f, codec);
    }
}

static void test_json__what_is_no_integer(void **state)
{
    static const char *const cases[] = {"1.0",
                                        "1e3",
                                        "\"5\"",
                                        "\"9007199254740992\"",
                                        "\"09007199254740993\"",
                                        "\"+9007199254740993\"",
                                        "\"9007199254740993 \"",
                                        "\"9007199254740993\\u0000\"",
                                        "\"18446744073709551616\"",
                                        "\"99999999999999999999999\"",
                                        "\"-9223372036854775809\"",
                                        "\"\"",
                                        "\"-\"",
                                        "true",
                                        "null",
                                        "[1]",
                                        "{}"};
    rpc_fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char message[100];
        uint64_t natural;
        int64_t integer;

        (void)snprintf(message, sizeof(message), "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":[%s]}", cases[i]);
        assert_int_equal(rpc_open_text(f, codec, message), VIA_OK);
        if (codec->get_unsigned(&f->reader, &natural) || codec->get_signed(&f->reader, &integer))
            fail_msg("%s", cases[i]);
        assert_non_null(f->reader.wrong);
        assert_true(codec->skip(&f->reader)); /* it stayed the next */
        assert_false(codec->skip(&f->reader));
        rpc_shut(f, codec);
    }
}

static void expect_same_float(rpc_fixture *f, double value)
{
    double back = 0;

    OPEN_WITH(f, codec->put_float(&f->writer, value));
    assert_int_equal(codec->next(&f->reader), RPC_FLOAT);
    assert_true(codec->get_float(&f->reader, &back));
    if (back != value || signbit(back) != signbit(value))
        fail_msg("%a became %a: %.*s", value, back, (int)f->writer.size, (const char *)f->writer.data);
    rpc_shut(f, codec);
}

static void expect_same_single(rpc_fixture *f, float value)
{
    double back = 0;
    float single;

    OPEN_WITH(f, codec->put_single(&f->writer, value));
    assert_true(codec->get_float(&f->reader, &back));
    single = (float)back;
    if (single != value || signbit(single) != signbit(value))
        fail_msg("%a became %a", (double)value, (double)single);
    rpc_shut(f, codec);
}

static void test_json__floats_come_back_the_same(void **state)
{
    static const double values[] = {0,          -0.0,
                                    1,          -1,
                                    0.1,        1.5,
                                    1e15,       1e16,
                                    1e17,       1e22,
                                    1e23,       123456789012345678.0,
                                    5e-324,     DBL_MIN,
                                    DBL_MAX,    -1e-7,
                                    1.0 / 3,    0x1p53,
                                    0x1p53 + 2, 0x1p63,
                                    0x1p64,     9007199254740993.0};
    rpc_fixture *f = *state;
    uint64_t seed = 3;

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        expect_same_float(f, values[i]);
        if (fabs(values[i]) <= FLT_MAX)
            expect_same_single(f, (float)values[i]);
    }
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = rpc_random(&seed);
        uint32_t single_bits = (uint32_t)(bits >> 20);
        double value;
        float single;

        memcpy(&value, &bits, sizeof(value));
        memcpy(&single, &single_bits, sizeof(single));
        if (isfinite(value))
            expect_same_float(f, value);
        if (isfinite(single))
            expect_same_single(f, single);
    }
}

static void test_json__floats_are_short_and_look_like_floats(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0.0"},   {-0.0, "-0.0"},    {1, "1.0"},      {-17, "-17.0"},  {0.1, "0.1"},
                 {1.5, "1.5"}, {1e300, "1e+300"}, {1e-7, "1e-07"}, {1e16, "1e+16"}, {123456789012.0, "123456789012.0"}};
    rpc_fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        OPEN_WITH(f, codec->put_float(&f->writer, cases[i].value));
        assert_true(has_parameter(f, cases[i].text));
        rpc_shut(f, codec);
    }
    OPEN_WITH(f, codec->put_single(&f->writer, 0.1f));
    assert_true(has_parameter(f, "0.1"));
    rpc_shut(f, codec);
}

static void test_json__no_locale_changes_a_number(void **state)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8"};
    rpc_fixture *f = *state;
    const char *set = NULL;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !set; i++)
        set = setlocale(LC_NUMERIC, names[i]); /* NOLINT(concurrency-mt-unsafe): there is one thread */
    OPEN_WITH(f, codec->put_float(&f->writer, -1.5e-3));
    assert_true(has_parameter(f, "-0.0015"));
    rpc_shut(f, codec);
    expect_same_float(f, 0.1);
    expect_same_single(f, 0.3f);
    (void)setlocale(LC_NUMERIC, "C"); /* NOLINT(concurrency-mt-unsafe) */
}

static void test_json__what_is_not_finite_is_refused(void **state)
{
    rpc_fixture *f = *state;
    const double values[] = {NAN, INFINITY, -INFINITY};

    for (size_t i = 0; i < 3; i++) {
        rpc_writer_reset(&f->writer);
        codec->put_float(&f->writer, values[i]);
        assert_int_equal(f->writer.status, VIA_EINVAL);
        rpc_writer_reset(&f->writer);
        codec->put_single(&f->writer, (float)values[i]);
        assert_int_equal(f->writer.status, VIA_EINVAL);
    }
}

static void test_json__integers_as_floats_only_if_exact(void **state)
{
    rpc_fixture *f = *state;
    double value;

    OPEN_WITH(f, codec->put_signed(&f->writer, -7));
    assert_true(codec->get_float(&f->reader, &value) && value == -7);
    rpc_shut(f, codec);
    OPEN_WITH(f, codec->put_unsigned(&f->writer, UINT64_C(1) << 63));
    assert_true(codec->get_float(&f->reader, &value) && value == 0x1p63);
    rpc_shut(f, codec);
    OPEN_WITH(f, codec->put_unsigned(&f->writer, (UINT64_C(1) << 53) + 1));
    assert_false(codec->get_float(&f->reader, &value));
    rpc_shut(f, codec);
    OPEN_WITH(f, codec->put_text(&f->writer, "1.5", 3));
    assert_false(codec->get_float(&f->reader, &value));
    rpc_shut(f, codec);
}

static void test_json__texts_with_every_character(void **state)
{
    rpc_fixture *f = *state;
    char all[128 + 10], *end = all;
    const char *text;
    size_t size;

    for (int character = 0; character < 128; character++)
        *end++ = (char)character;
    memcpy(end, "\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80", 9);
    OPEN_WITH(f, codec->put_text(&f->writer, all, 128 + 9));
    assert_true(codec->get_text(&f->reader, &text, &size));
    assert_int_equal(size, 128 + 9);
    assert_memory_equal(text, all, size);
    rpc_shut(f, codec);
    OPEN_WITH(f, codec->put_text(&f->writer, "\b\t\n\f\r\x01\x1f\"\\/\x7f", 11));
    assert_true(has_parameter(f, "\"\\b\\t\\n\\f\\r\\u0001\\u001f\\\"\\\\/\x7f\""));
    rpc_shut(f, codec);
    OPEN_WITH(f, codec->put_text(&f->writer, NULL, 0));
    assert_true(codec->get_text(&f->reader, &text, &size) && size == 0);
    rpc_shut(f, codec);
    codec->put_text(&f->writer, "a\xff", 2);
    assert_int_equal(f->writer.status, VIA_EINVAL);
}

static void test_json__bytes(void **state)
{
    rpc_fixture *f = *state;
    const unsigned char *bytes;
    size_t size;

    for (size_t length = 0; length < 10; length++) {
        OPEN_WITH(f, codec->put_bytes(&f->writer, "\x00\xff\x80\x7f\x01\x02\x03\x04\x05", length));
        assert_true(codec->get_bytes(&f->reader, &bytes, &size));
        assert_int_equal(size, length);
        assert_memory_equal(bytes, "\x00\xff\x80\x7f\x01\x02\x03\x04\x05", length);
        rpc_shut(f, codec);
    }
    OPEN_WITH(f, codec->put_text(&f->writer, "no base64!", 10));
    assert_false(codec->get_bytes(&f->reader, &bytes, &size));
    assert_string_equal(f->reader.wrong, "text that is not base64");
    f->arena.limit = f->arena.taken;
    assert_false(codec->get_bytes(&f->reader, &bytes, &size));
    assert_string_equal(f->reader.wrong, "more bytes than there is memory for");
    rpc_shut(f, codec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_json__integers, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__what_is_no_integer, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__floats_come_back_the_same, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__floats_are_short_and_look_like_floats, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__no_locale_changes_a_number, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__what_is_not_finite_is_refused, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__integers_as_floats_only_if_exact, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__texts_with_every_character, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__bytes, rpc_set_up, rpc_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
