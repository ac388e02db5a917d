/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MessagePack: values of every width at its boundaries, and what stays of one that is not what was asked for.
 */
#include "rpc_fixture.h"

#include <float.h>
#include <math.h>

static const rpc_codec *const codec = &rpc_msgpack;

#define BYTES(text) (text), sizeof(text) - 1

static void test_msgpack__integers_at_every_width(void **state)
{
    static const struct {
        uint64_t value;
        size_t size;
    } naturals[] = {{0, 1},          {1, 1},
                    {0x7f, 1},       {0x80, 2},
                    {0xff, 2},       {0x100, 3},
                    {0xffff, 3},     {0x10000, 5},
                    {UINT32_MAX, 5}, {UINT32_MAX + 1ull, 9},
                    {INT64_MAX, 9},  {INT64_MAX + 1ull, 9},
                    {UINT64_MAX, 9}};
    static const struct {
        int64_t value;
        size_t size;
    } negatives[] = {{-1, 1},        {-32, 1},           {-33, 2},       {INT8_MIN, 2},        {INT8_MIN - 1, 3},
                     {INT16_MIN, 3}, {INT16_MIN - 1, 5}, {INT32_MIN, 5}, {INT32_MIN - 1ll, 9}, {INT64_MIN, 9}};
    rpc_fixture *f = *state;
    uint64_t natural;
    int64_t integer;

    for (size_t i = 0; i < sizeof(naturals) / sizeof(naturals[0]); i++) {
        rpc_writer_reset(&f->writer);
        codec->put_unsigned(&f->writer, naturals[i].value);
        assert_int_equal(f->writer.size, naturals[i].size);
        rpc_writer_reset(&f->writer);
        codec->notification(&f->writer, "m", 2);
        codec->put_unsigned(&f->writer, naturals[i].value);
        codec->put_signed(&f->writer, (int64_t)naturals[i].value);
        codec->end(&f->writer);
        rpc_open_written(f, codec);
        assert_int_equal(codec->next(&f->reader), RPC_UNSIGNED);
        if (naturals[i].value > INT64_MAX)
            assert_false(codec->get_signed(&f->reader, &integer));
        assert_true(codec->get_unsigned(&f->reader, &natural) && natural == naturals[i].value);
        assert_true(codec->get_signed(&f->reader, &integer) && integer == (int64_t)naturals[i].value);
    }
    for (size_t i = 0; i < sizeof(negatives) / sizeof(negatives[0]); i++) {
        rpc_writer_reset(&f->writer);
        codec->put_signed(&f->writer, negatives[i].value);
        assert_int_equal(f->writer.size, negatives[i].size);
        rpc_writer_reset(&f->writer);
        codec->notification(&f->writer, "m", 1);
        codec->put_signed(&f->writer, negatives[i].value);
        codec->end(&f->writer);
        rpc_open_written(f, codec);
        assert_int_equal(codec->next(&f->reader), RPC_NEGATIVE);
        assert_false(codec->get_unsigned(&f->reader, &natural));
        assert_string_equal(f->reader.wrong, "a negative integer");
        assert_true(codec->get_signed(&f->reader, &integer) && integer == negatives[i].value);
    }
}

/* Others may write any integer in any width. */
static void test_msgpack__integers_wider_than_they_need_be(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        int64_t value;
    } cases[] = {{BYTES("\xcc\x05"), 5},
                 {BYTES("\xcd\x00\x05"), 5},
                 {BYTES("\xce\x00\x00\x00\x05"), 5},
                 {BYTES("\xcf\x00\x00\x00\x00\x00\x00\x00\x05"), 5},
                 {BYTES("\xd0\x05"), 5},
                 {BYTES("\xd1\x00\x05"), 5},
                 {BYTES("\xd2\x00\x00\x00\x05"), 5},
                 {BYTES("\xd3\x00\x00\x00\x00\x00\x00\x00\x05"), 5},
                 {BYTES("\xd0\xff"), -1},
                 {BYTES("\xd1\xff\xff"), -1},
                 {BYTES("\xd2\xff\xff\xff\xff"), -1},
                 {BYTES("\xd3\xff\xff\xff\xff\xff\xff\xff\xff"), -1}};
    rpc_fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char message[32] = "\x93\x02\xa1m\x91";
        uint64_t natural;
        int64_t integer;

        memcpy(message + 5, cases[i].bytes, cases[i].size);
        assert_int_equal(rpc_open_bytes(f, codec, message, 5 + cases[i].size), VIA_OK);
        if (cases[i].value >= 0) {
            assert_int_equal(codec->next(&f->reader), RPC_UNSIGNED);
            assert_true(codec->get_unsigned(&f->reader, &natural));
            assert_int_equal(natural, cases[i].value);
        } else {
            assert_int_equal(codec->next(&f->reader), RPC_NEGATIVE);
            assert_true(codec->get_signed(&f->reader, &integer));
            assert_int_equal(integer, cases[i].value);
        }
    }
}

static void test_msgpack__floats(void **state)
{
    static const double values[] = {0,        -0.0,     1,         1.5, DBL_MAX, DBL_MIN, DBL_TRUE_MIN,
                                    -DBL_MAX, INFINITY, -INFINITY, 0.1};
    rpc_fixture *f = *state;
    double value;

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        float single = (float)(values[i] > FLT_MAX ? FLT_MAX : values[i] < -FLT_MAX ? -FLT_MAX : values[i]);

        rpc_writer_reset(&f->writer);
        codec->notification(&f->writer, "m", 2);
        codec->put_float(&f->writer, values[i]);
        codec->put_single(&f->writer, single);
        codec->end(&f->writer);
        assert_int_equal(f->writer.size, 5 + 9 + 5);
        rpc_open_written(f, codec);
        assert_int_equal(codec->next(&f->reader), RPC_FLOAT);
        assert_true(codec->get_float(&f->reader, &value));
        assert_memory_equal(&value, &values[i], sizeof(value));
        assert_true(codec->get_float(&f->reader, &value));
        assert_true(value == single && !signbit(value) == !signbit(single));
    }
}

static void test_msgpack__integers_as_floats_only_if_exact(void **state)
{
    static const struct {
        uint64_t magnitude;
        bool is_exact;
    } cases[] = {{0, true},
                 {UINT64_C(1) << 53, true},
                 {(UINT64_C(1) << 53) + 1, false},
                 {(UINT64_C(1) << 53) + 2, true},
                 {INT64_MAX, false},
                 {UINT64_C(1) << 63, true},
                 {UINT64_MAX, false}};
    rpc_fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool has_negative = cases[i].magnitude <= UINT64_C(1) << 63;
        double value;
        int64_t integer;

        rpc_writer_reset(&f->writer);
        codec->notification(&f->writer, "m", 2);
        codec->put_unsigned(&f->writer, cases[i].magnitude);
        codec->put_signed(&f->writer, has_negative ? (int64_t)(0 - cases[i].magnitude) : 0);
        codec->end(&f->writer);
        rpc_open_written(f, codec);
        assert_int_equal(codec->get_float(&f->reader, &value), cases[i].is_exact);
        if (cases[i].is_exact)
            assert_true(value == (double)cases[i].magnitude);
        else
            assert_true(codec->skip(&f->reader)); /* it stayed the next */
        if (!has_negative)
            continue;
        assert_int_equal(codec->get_float(&f->reader, &value), cases[i].is_exact);
        assert_true(cases[i].is_exact ? value == -(double)cases[i].magnitude : codec->get_signed(&f->reader, &integer));
    }
}

static void test_msgpack__texts_and_bytes_at_every_width(void **state)
{
    static const size_t sizes[] = {0, 1, 31, 32, 255, 256, 65535, 65536, 100000};
    static const size_t text_heads[] = {1, 1, 1, 2, 2, 3, 3, 5, 5}, bytes_heads[] = {2, 2, 2, 2, 2, 3, 3, 5, 5};
    rpc_fixture *f = *state;
    char *content = calloc(1, 100000);

    assert_non_null(content);
    memset(content, 'x', 100000);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const unsigned char *bytes;
        const char *text;
        size_t size, before;

        rpc_writer_reset(&f->writer);
        codec->notification(&f->writer, "m", 2);
        before = f->writer.size;
        codec->put_text(&f->writer, content, sizes[i]);
        assert_int_equal(f->writer.size - before, text_heads[i] + sizes[i]);
        before = f->writer.size;
        codec->put_bytes(&f->writer, sizes[i] ? content : NULL, sizes[i]);
        assert_int_equal(f->writer.size - before, bytes_heads[i] + sizes[i]);
        codec->end(&f->writer);
        rpc_open_written(f, codec);
        assert_int_equal(codec->next(&f->reader), RPC_TEXT);
        assert_true(codec->get_text(&f->reader, &text, &size));
        assert_int_equal(size, sizes[i]);
        assert_memory_equal(text, content, size);
        assert_int_equal(codec->next(&f->reader), RPC_BINARY);
        assert_false(codec->get_text(&f->reader, &text, &size));
        assert_string_equal(f->reader.wrong, "bytes");
        assert_true(codec->get_bytes(&f->reader, &bytes, &size));
        assert_int_equal(size, sizes[i]);
        assert_memory_equal(bytes, content, size);
    }
    free(content);
}

static void test_msgpack__text_that_is_not_utf8(void **state)
{
    rpc_fixture *f = *state;
    const unsigned char *bytes;
    const char *text;
    size_t size;

    assert_int_equal(rpc_open_bytes(f, codec, BYTES("\x93\x02\xa1m\x91\xa2\xc0\x80")), VIA_OK);
    assert_false(codec->get_text(&f->reader, &text, &size));
    assert_string_equal(f->reader.wrong, "text that is not UTF-8");
    assert_true(codec->get_bytes(&f->reader, &bytes, &size));
    assert_int_equal(size, 2);
    codec->put_text(&f->writer, "\xff", 1);
    assert_int_equal(f->writer.status, VIA_EINVAL);
}

static void test_msgpack__lists_and_maps_at_every_width(void **state)
{
    static const size_t counts[] = {0, 1, 15, 16, 65535, 65536, 100000}, heads[] = {1, 1, 1, 3, 3, 5, 5};
    rpc_fixture *f = *state;

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        size_t count, before, size;
        const char *key;
        uint64_t value;

        rpc_writer_reset(&f->writer);
        codec->notification(&f->writer, "m", 2);
        before = f->writer.size;
        codec->begin_list(&f->writer, counts[i]);
        assert_int_equal(f->writer.size - before, heads[i]);
        for (size_t j = 0; j < counts[i]; j++)
            codec->put_unsigned(&f->writer, j & 127);
        codec->end_list(&f->writer);
        before = f->writer.size;
        codec->begin_map(&f->writer, counts[i]);
        assert_int_equal(f->writer.size - before, heads[i]);
        for (size_t j = 0; j < counts[i]; j++) {
            codec->put_key(&f->writer, "k", 1);
            codec->put_unsigned(&f->writer, j & 127);
        }
        codec->end_map(&f->writer);
        codec->end(&f->writer);
        rpc_open_written(f, codec);
        assert_true(codec->enter_list(&f->reader, &count));
        assert_int_equal(count, counts[i]);
        for (size_t j = 0; j < count; j++)
            assert_true(codec->get_unsigned(&f->reader, &value) && value == (j & 127));
        assert_int_equal(codec->next(&f->reader), RPC_NOTHING);
        codec->leave_list(&f->reader);
        assert_true(codec->enter_map(&f->reader, &count));
        assert_int_equal(count, counts[i]);
        for (size_t j = 0; j < count; j++) {
            assert_true(codec->get_key(&f->reader, &key, &size) && size == 1);
            assert_true(codec->get_unsigned(&f->reader, &value) && value == (j & 127));
        }
        codec->leave_map(&f->reader);
        assert_int_equal(codec->next(&f->reader), RPC_NOTHING);
    }
}

static void test_msgpack__what_was_not_read_is_skipped(void **state)
{
    rpc_fixture *f = *state;
    int64_t value;
    size_t count;

    /* [[1, [2, 3], {"a": 4}, ext], 5] */
    assert_int_equal(rpc_open_bytes(f, codec,
                                    BYTES("\x93\x02\xa1m\x92\x94\x01\x92\x02\x03\x81\xa1"
                                          "a\x04\xc7\x03\x01xyz\x05")),
                     VIA_OK);
    assert_true(codec->enter_list(&f->reader, &count) && count == 4);
    assert_true(codec->skip(&f->reader));
    assert_true(codec->enter_list(&f->reader, &count) && count == 2);
    codec->leave_list(&f->reader);
    assert_int_equal(codec->next(&f->reader), RPC_MAP);
    codec->leave_list(&f->reader);
    assert_true(codec->get_signed(&f->reader, &value));
    assert_int_equal(value, 5);
    codec->leave_list(&f->reader); /* once too often is harmless */
    codec->leave_list(&f->reader);
    assert_int_equal(codec->next(&f->reader), RPC_NOTHING);
}

static void test_msgpack__extensions_are_skipped(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {{BYTES("\xd4\x00\x01")},
                 {BYTES("\xd5\x01xx")},
                 {BYTES("\xd6\x01xxxx")},
                 {BYTES("\xd7\x01xxxxxxxx")},
                 {BYTES("\xd8\x01xxxxxxxxxxxxxxxx")},
                 {BYTES("\xc7\x00\x01")},
                 {BYTES("\xc7\x03\x01xxx")},
                 {BYTES("\xc8\x00\x03\x01xxx")},
                 {BYTES("\xc9\x00\x00\x00\x03\x01xxx")}};
    rpc_fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char message[64] = "\x93\x02\xa1m\x92";
        int64_t value;

        memcpy(message + 5, cases[i].bytes, cases[i].size);
        message[5 + cases[i].size] = 9;
        assert_int_equal(rpc_open_bytes(f, codec, message, 6 + cases[i].size), VIA_OK);
        assert_int_equal(codec->next(&f->reader), RPC_OTHER);
        assert_false(codec->get_signed(&f->reader, &value));
        assert_true(codec->skip(&f->reader));
        assert_true(codec->get_signed(&f->reader, &value) && value == 9);
    }
}

static void test_msgpack__a_value_of_another_type_stays_the_next(void **state)
{
    rpc_fixture *f = *state;
    rpc_reader *r = &f->reader;
    const unsigned char *bytes;
    const char *text;
    uint64_t natural;
    int64_t integer;
    double number;
    size_t size;
    bool truth;

    assert_int_equal(rpc_open_bytes(f, codec, BYTES("\x93\x02\xa1m\x92\xc0\xc3")), VIA_OK);
    assert_false(codec->get_bool(r, &truth) || codec->get_unsigned(r, &natural) || codec->get_signed(r, &integer) ||
                 codec->get_float(r, &number) || codec->get_text(r, &text, &size) ||
                 codec->get_bytes(r, &bytes, &size) || codec->enter_list(r, &size) || codec->enter_map(r, &size));
    assert_string_equal(r->wrong, "nil");
    assert_true(codec->get_nil(r));
    assert_false(codec->get_nil(r));
    assert_string_equal(r->wrong, "a boolean");
    assert_true(codec->get_bool(r, &truth) && truth);
}

static void test_msgpack__the_writer_refuses_what_is_too_deep(void **state)
{
    rpc_fixture *f = *state;

    codec->notification(&f->writer, "m", 1);
    for (int depth = 2; depth < RPC_DEPTH; depth++)
        codec->begin_list(&f->writer, 1);
    codec->put_nil(&f->writer);
    assert_int_equal(f->writer.status, VIA_OK);
    rpc_open_written(f, codec);
    assert_int_equal(rpc_walk_values(codec, &f->reader), RPC_DEPTH - 2 + 1);
    codec->begin_list(&f->writer, 1);
    assert_int_equal(f->writer.status, VIA_ETOOBIG);
    codec->put_nil(&f->writer);
    assert_int_equal(f->writer.status, VIA_ETOOBIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_msgpack__integers_at_every_width, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__integers_wider_than_they_need_be, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__floats, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__integers_as_floats_only_if_exact, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__texts_and_bytes_at_every_width, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__text_that_is_not_utf8, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__lists_and_maps_at_every_width, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__what_was_not_read_is_skipped, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__extensions_are_skipped, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__a_value_of_another_type_stays_the_next, rpc_set_up,
                                        rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__the_writer_refuses_what_is_too_deep, rpc_set_up, rpc_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
