/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON-RPC: messages as published, values that must come back the same, what is cut, altered or hostile.
 */
#include "rpc_fixture.h"
#include "writer.h"

#include <float.h>
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>

static const rpc_codec *const codec = &rpc_json;

static via_status open_text(rpc_fixture *f, const char *text)
{
    return rpc_open_bytes(f, codec, text, strlen(text));
}

static void expect_written(rpc_fixture *f, const char *text)
{
    assert_int_equal(f->writer.status, VIA_OK);
    if (f->writer.size != strlen(text) || memcmp(f->writer.data, text, f->writer.size) != 0)
        fail_msg("%.*s, expected %s", (int)f->writer.size, (const char *)f->writer.data, text);
    rpc_writer_reset(&f->writer);
}

static bool is_text(const char *text, size_t size, const char *expected)
{
    return text && size == strlen(expected) && memcmp(text, expected, size) == 0;
}

/* ---- messages ----------------------------------------------------------------------------------------------- */

static void test_json__messages_are_as_specified(void **state)
{
    rpc_fixture *f = *state;
    rpc_writer *w = &f->writer;
    rpc_id id = {.number = 1}, text_id = {.text = "\"a\"", .text_size = 3};
    rpc_fault fault = {.code = -32601, .text = "n\"o", .text_size = 3};

    codec->request(w, 1, "add", 0, 2);
    codec->put_signed(w, 40);
    codec->put_unsigned(w, 2);
    codec->end(w);
    expect_written(f, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"add\",\"params\":[40,2]}");
    codec->request(w, UINT64_MAX, "add", 1500, 0);
    codec->end(w);
    expect_written(
        f, "{\"jsonrpc\":\"2.0\",\"id\":18446744073709551615,\"method\":\"add\",\"timeout_ms\":1500,\"params\":[]}");
    codec->request_named(w, 1, "add", 0);
    codec->begin_map(w, 2);
    codec->put_key(w, "a", 1);
    codec->begin_list(w, 2);
    codec->put_nil(w);
    codec->put_bool(w, true);
    codec->end_list(w);
    codec->put_key(w, "b", 1);
    codec->begin_map(w, 0);
    codec->end_map(w);
    codec->end_map(w);
    codec->end(w);
    expect_written(f, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"add\",\"params\":{\"a\":[null,true],\"b\":{}}}");
    codec->notification(w, "hi", 0);
    codec->end(w);
    expect_written(f, "{\"jsonrpc\":\"2.0\",\"method\":\"hi\",\"params\":[]}");
    codec->notification_named(w, "hi");
    codec->begin_map(w, 0);
    codec->end_map(w);
    codec->end(w);
    expect_written(f, "{\"jsonrpc\":\"2.0\",\"method\":\"hi\",\"params\":{}}");
    codec->result(w, &text_id);
    codec->put_bool(w, false);
    codec->end(w);
    expect_written(f, "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":false}");
    codec->fault(w, &id, &fault, false);
    expect_written(f, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"n\\\"o\"}}");
    fault.name = "E";
    fault.name_size = 1;
    codec->fault(w, NULL, &fault, true);
    expect_written(f, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32601,\"message\":\"n\\\"o\",\"data\":{"
                      "\"name\":\"E\"}}}");
    codec->cancel(w, 7);
    expect_written(f, "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":7}}");
}

static void test_json__envelopes_are_read(void **state)
{
    static const struct {
        const char *text;
        rpc_message_kind kind;
        bool has_id;
        uint64_t number;
        const char *id_text;
        size_t count;
        bool is_named;
        uint64_t timeout_ms;
    } cases[] = {
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":[40,2]}", RPC_REQUEST, true, 1, NULL, 2, false, 0},
        {" { \"params\" : [ ] , \"method\" : \"m\" , \"id\" : 7 , \"jsonrpc\" : \"2.0\" } \n", RPC_REQUEST, true, 7,
         NULL, 0, false, 0},
        {"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"m\"}", RPC_REQUEST, true, 0, NULL, 0, false, 0},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"a\\\"]\",\"method\":\"m\"}", RPC_REQUEST, true, 0, "\"a\\\"]\"", 0, false, 0},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"m\"}", RPC_REQUEST, true, 0, "null", 0, false, 0},
        {"{\"jsonrpc\":\"2.0\",\"id\":-1,\"method\":\"m\"}", RPC_REQUEST, true, 0, "-1", 0, false, 0},
        {"{\"jsonrpc\":\"2.0\",\"id\":1.50,\"method\":\"m\"}", RPC_REQUEST, true, 0, "1.50", 0, false, 0},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"timeout_ms\":99}", RPC_NOTIFICATION, false, 0, NULL, 0, false, 99},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":{\"id\":3,\"b\":[{\"id\":4}]}}", RPC_NOTIFICATION, false, 0,
         NULL, 2, true, 0},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":[\"id\",5]}", RPC_NOTIFICATION, false, 0, NULL, 2, false, 0},
        {"{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":null}", RPC_RESULT, true, 9, NULL, 0, false, 0},
        {"{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":1,\"error\":null}", RPC_RESULT, true, 9, NULL, 0, false, 0},
        {"{\"jsonrpc\":\"2.0\",\"id\":9,\"error\":{}}", RPC_FAULT, true, 9, NULL, 0, false, 0},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{}}", RPC_FAULT, false, 0, NULL, 0, false, 0},
        {"{\"jsonrpc\":\"2.0\",\"error\":{}}", RPC_FAULT, false, 0, NULL, 0, false, 0},
    };
    rpc_fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const rpc_envelope *e = &f->envelope;

        if (open_text(f, cases[i].text) != VIA_OK)
            fail_msg("%s: %s", cases[i].text, f->reader.wrong);
        if (e->kind != cases[i].kind || e->has_id != cases[i].has_id || e->id.number != cases[i].number ||
            e->count != cases[i].count || e->is_named != cases[i].is_named || e->timeout_ms != cases[i].timeout_ms)
            fail_msg("%s: %d %d %zu", cases[i].text, (int)e->kind, (int)e->has_id, e->count);
        if (cases[i].id_text ? !is_text(e->id.text, e->id.text_size, cases[i].id_text) : e->id.text != NULL)
            fail_msg("%s: id %.*s", cases[i].text, (int)e->id.text_size, e->id.text);
        if (e->kind == RPC_REQUEST)
            assert_true(is_text(e->method, e->method_size, "m"));
        rpc_shut(f, codec);
    }
}

static void test_json__wrong_messages_keep_their_id(void **state)
{
    static const struct {
        const char *text;
        bool has_id;
        const char *wrong; /* the beginning */
    } cases[] = {
        {"", false, "it is not a JSON object"},
        {"3", false, "it is not a JSON object"},
        {"[]", false, "a list of messages"},
        {" [{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\"}]", false, "a list of messages"},
        {"{}", false, "it does not say"},
        {"{\"id\":7,\"method\":\"m\"}", true, "it does not say"},
        {"{\"jsonrpc\":\"1.0\",\"id\":7,\"method\":\"m\"}", true, "it does not say"},
        {"{\"jsonrpc\":2.0,\"id\":7,\"method\":\"m\"}", true, "it does not say"},
        {"{\"jsonrpc\":\"2.0\",\"id\":7}", true, "it has no method"},
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":null}", true, "it has no method"},
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":1,\"error\":{}}", true, "it has both"},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":1}", false, "it is a result of no call"},
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":5}", true, "the method"},
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\",\"params\":5}", true, "the parameters"},
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\",\"params\":null}", true, "the parameters"},
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\",\"timeout_ms\":-1}", true, "the time"},
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\",\"timeout_ms\":\"1\"}", true, "the time"},
        {"{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"m\"}", false, "the id"},
        {"{\"jsonrpc\":\"2.0\",\"id\":[7],\"method\":\"m\"}", false, "the id"},
        {"{\"jsonrpc\":\"2.0\",\"id\":{\"id\":7},\"method\":\"m\"}", false, "the id"},
        {"{\"jsonrpc\":\"2.0\",\"\\u0069d\":7,\"method\":\"m\"}", false, "the id"},
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\",\"id\":8}", true, "it has a key twice"},
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\",\"params\":[{\"a\":1,\"a\":2}]}", true, "it has a key twice"},
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\"} x", true, "something follows"},
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\"}{}", true, "something follows"},
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\"", true, "it is cut short"},
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\",\"params\":[1e999]}", true, "it has a number"},
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\",\"params\":[18446744073709551615]}", true, "it has a number"},
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\",\"params\":[\"\xc0\x80\"]}", true, "it has text that"},
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\",\"params\":[\"\\ud800\"]}", true, "it is not JSON"},
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\",\"params\":{\"\\u0000\":1}}", true, "it has a key with a NUL"},
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\",\"params\":[NaN]}", true, "it is not JSON"},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"\xff\",\"method\":\"m\"}", false, "it has text that"},
        {"{\"jsonrpc\":\"2.0\",\"id\":07,\"method\":\"m\"}", false, "it is not JSON"},
        {"{\"jsonrpc\":\"2.0\",\"id\":}", false, "it is not JSON"},
    };
    rpc_fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (open_text(f, cases[i].text) != VIA_EPROTO)
            fail_msg("%s was accepted", cases[i].text);
        if (strncmp(f->reader.wrong, cases[i].wrong, strlen(cases[i].wrong)) != 0)
            fail_msg("%s: %s", cases[i].text, f->reader.wrong);
        if (f->envelope.has_id != cases[i].has_id || (cases[i].has_id && f->envelope.id.number != 7))
            fail_msg("%s: has_id %d", cases[i].text, f->envelope.has_id);
        assert_int_equal(codec->next(&f->reader), RPC_NOTHING);
        rpc_shut(f, codec);
    }
}

static void test_json__errors_of_all_kinds(void **state)
{
    static const struct {
        const char *error;
        int32_t code;
        const char *text, *name;
    } cases[] = {
        {"{\"code\":-32601,\"message\":\"no\"}", -32601, "no", NULL},
        {"{\"code\":5,\"message\":\"no\",\"data\":{\"name\":\"Oops\"}}", 5, "no", "Oops"},
        {"{\"code\":5,\"message\":\"no\",\"data\":\"name\"}", 5, "no", NULL},
        {"{\"code\":5.5,\"message\":\"no\",\"data\":{\"name\":7}}", RPC_CODE_INTERNAL, "no", NULL},
        {"{\"code\":2147483648,\"message\":\"no\"}", RPC_CODE_INTERNAL, "no", NULL},
        {"\"no\"", RPC_CODE_INTERNAL, "no", NULL},
        {"{\"code\":5,\"why\":\"no\"}", 5, "{\"code\":5,\"why\":\"no\"}", NULL},
        {"[1, 2]", RPC_CODE_INTERNAL, "[1,2]", NULL},
        {"true", RPC_CODE_INTERNAL, "true", NULL},
    };
    rpc_fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const rpc_fault *fault = &f->envelope.fault;
        char message[200];

        (void)snprintf(message, sizeof(message), "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":%s}", cases[i].error);
        assert_int_equal(open_text(f, message), VIA_OK);
        assert_int_equal(f->envelope.kind, RPC_FAULT);
        if (!is_text(fault->text, fault->text_size, cases[i].text) || fault->code != cases[i].code)
            fail_msg("%s: %d %.*s", message, fault->code, (int)fault->text_size, fault->text);
        assert_true(cases[i].name ? is_text(fault->name, fault->name_size, cases[i].name) : !fault->name);
        assert_int_equal(codec->next(&f->reader), RPC_NOTHING);
        rpc_shut(f, codec);
    }
}

static void test_json__an_error_that_is_too_long_to_show(void **state)
{
    rpc_fixture *f = *state;
    rpc_id id = {.number = 1};

    codec->result(&f->writer, &id);
    f->writer.size -= strlen("\"result\":");
    rpc_writer_put(&f->writer, "\"error\":", 8);
    codec->begin_list(&f->writer, 5000);
    for (int i = 0; i < 5000; i++)
        codec->put_nil(&f->writer);
    codec->end(&f->writer);
    rpc_open_written(f, codec);
    assert_true(f->envelope.fault.text_size > 0 && f->envelope.fault.text_size < 100);
    rpc_shut(f, codec);
}

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
        assert_int_equal(open_text(f, message), VIA_OK);
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

/* ---- lists, maps, parameters by name ------------------------------------------------------------------------ */

static void test_json__lists_and_maps_in_order(void **state)
{
    rpc_fixture *f = *state;
    rpc_reader *r = &f->reader;
    size_t count, size;
    const char *key;
    int64_t value;

    assert_int_equal(
        open_text(f, "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":[[1,[2],{\"z\":3,\"a\":[4],\"k\":5},6],7]}"),
        VIA_OK);
    assert_true(codec->enter_list(r, &count) && count == 4);
    assert_true(codec->get_signed(r, &value) && value == 1);
    assert_true(codec->enter_list(r, &count) && count == 1);
    codec->leave_list(r);
    assert_true(codec->enter_map(r, &count) && count == 3);
    assert_true(codec->get_key(r, &key, &size) && is_text(key, size, "z"));
    assert_true(codec->get_signed(r, &value) && value == 3);
    assert_true(codec->get_key(r, &key, &size) && is_text(key, size, "a"));
    assert_true(codec->enter_list(r, &count) && count == 1);
    assert_false(codec->get_key(r, &key, &size));
    assert_true(codec->get_signed(r, &value) && value == 4);
    assert_int_equal(codec->next(r), RPC_NOTHING);
    codec->leave_list(r);
    assert_true(codec->get_key(r, &key, &size) && is_text(key, size, "k"));
    codec->leave_map(r);
    assert_true(codec->get_signed(r, &value) && value == 6);
    assert_int_equal(codec->next(r), RPC_NOTHING);
    codec->leave_list(r);
    assert_true(codec->get_signed(r, &value) && value == 7);
    assert_int_equal(codec->next(r), RPC_NOTHING);
    codec->leave_list(r); /* once too often is harmless */
    codec->leave_list(r);
    assert_int_equal(codec->next(r), RPC_NOTHING);
    rpc_shut(f, codec);
}

static void test_json__parameters_by_name(void **state)
{
    rpc_fixture *f = *state;
    rpc_reader *r = &f->reader;
    size_t count;
    int64_t value;

    assert_int_equal(
        open_text(f, "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":{\"a\":1,\"b\":[2,3],\"c\":{\"a\":4}}}"),
        VIA_OK);
    assert_int_equal(codec->next(r), RPC_MAP);
    assert_false(codec->member(r, "d"));
    assert_true(codec->member(r, "b"));
    assert_true(codec->enter_list(r, &count) && count == 2);
    assert_false(codec->member(r, "a")); /* not from within */
    codec->leave_list(r);
    assert_int_equal(codec->next(r), RPC_NOTHING);
    assert_true(codec->member(r, "a"));
    assert_true(codec->get_signed(r, &value) && value == 1);
    assert_int_equal(codec->next(r), RPC_NOTHING);
    assert_true(codec->member(r, "c"));
    assert_true(codec->enter_map(r, &count) && count == 1);
    codec->leave_map(r);
    assert_true(codec->member(r, "a"));
    rpc_shut(f, codec);
    assert_int_equal(open_text(f, "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":{\"a\":1}}"), VIA_OK);
    assert_true(codec->enter_map(r, &count) && count == 1); /* all of them as one value */
    rpc_shut(f, codec);
    assert_int_equal(open_text(f, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":1}}"), VIA_OK);
    assert_false(codec->member(r, "a"));
    assert_true(codec->enter_map(r, &count) && count == 1);
    codec->leave_map(r);
    assert_false(codec->member(r, "a"));
    assert_int_equal(codec->next(r), RPC_NOTHING);
    rpc_shut(f, codec);
}

/* ---- limits ------------------------------------------------------------------------------------------------- */

static void append(rpc_fixture *f, const char *text)
{
    rpc_writer_put(&f->writer, text, strlen(text));
}

/* A message with this many lists or maps in each other as its parameters, closed again if they are few. */
static via_status open_nested(rpc_fixture *f, size_t depth, const char *opening)
{
    rpc_writer_reset(&f->writer);
    append(f, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\",\"params\":");
    for (size_t i = 0; i < depth; i++)
        append(f, opening);
    for (size_t i = 0; i < depth && depth < 1000; i++)
        append(f, "]");
    append(f, "}");
    return rpc_open_bytes(f, codec, f->writer.data, f->writer.size);
}

static void test_json__deep_messages(void **state)
{
    rpc_fixture *f = *state;

    assert_int_equal(open_nested(f, RPC_DEPTH - 1, "["), VIA_OK);
    assert_int_equal(rpc_walk_values(codec, &f->reader), RPC_DEPTH - 2);
    rpc_shut(f, codec);
    assert_int_equal(open_nested(f, RPC_DEPTH, "["), VIA_EPROTO);
    assert_string_equal(f->reader.wrong, "lists and maps are nested too deeply");
    assert_true(f->envelope.has_id && f->envelope.id.number == 7);
    rpc_shut(f, codec);
    assert_int_equal(open_nested(f, 100000, "["), VIA_EPROTO);
    assert_string_equal(f->reader.wrong, "lists and maps are nested too deeply");
    rpc_shut(f, codec);
    assert_int_equal(open_nested(f, 100000, "{\"a\":"), VIA_EPROTO);
    assert_string_equal(f->reader.wrong, "lists and maps are nested too deeply");
    rpc_shut(f, codec);
    rpc_writer_reset(&f->writer);
    for (int depth = 0; depth < RPC_DEPTH; depth++)
        codec->begin_list(&f->writer, 1);
    assert_int_equal(f->writer.status, VIA_OK);
    codec->begin_list(&f->writer, 1);
    assert_int_equal(f->writer.status, VIA_ETOOBIG);
}

static void test_json__too_many_values(void **state)
{
    rpc_fixture *f = *state;

    codec->notification(&f->writer, "m", 0);
    for (int i = 0; i <= RPC_ELEMENTS; i++)
        codec->put_unsigned(&f->writer, 1);
    codec->end(&f->writer);
    f->arena.limit = SIZE_MAX;
    assert_int_equal(rpc_open_bytes(f, codec, f->writer.data, f->writer.size), VIA_EPROTO);
    assert_string_equal(f->reader.wrong, "there are too many values in one message");
    rpc_shut(f, codec);
}

static size_t allocated, allocated_most;

/* The size is kept in front; malloc's own share is 16 at most. */
static void *count_malloc(size_t size)
{
    size_t *block = malloc(size + 16);

    if (!block)
        return NULL;
    *block = size + 16;
    allocated += *block;
    allocated_most = allocated > allocated_most ? allocated : allocated_most;
    return (char *)block + 16;
}

static void count_free(void *pointer)
{
    size_t *block = pointer ? (size_t *)(void *)((char *)pointer - 16) : NULL;

    allocated -= block ? *block : 0;
    free(block);
}

static void test_json__the_tree_takes_no_more_than_was_reckoned(void **state)
{
    static const char *const parts[] = {"0",
                                        "0.5",
                                        "\"\"",
                                        "\"a\"",
                                        "[]",
                                        "{}",
                                        "[0]",
                                        "null",
                                        "[[]]",
                                        "[[[],[]]]",
                                        "{\"\":0}",
                                        "{\"a\":{}}",
                                        "\"\\n\\n\\n\\n\\n\\n\"",
                                        "{\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0,\"i\":0}"};
    rpc_fixture *f = *state;
    const char *prefix = "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":[";

    json_set_alloc_funcs(count_malloc, count_free);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        for (size_t count = 1; count < 10000; count = count * 3 / 2 + 1) {
            rpc_writer_reset(&f->writer);
            append(f, prefix);
            for (size_t j = 0; j < count; j++) {
                append(f, j > 0 ? "," : "");
                append(f, parts[i]);
            }
            append(f, "]}");
            allocated = allocated_most = 0;
            rpc_open_written(f, codec);
            if (allocated_most > f->arena.taken)
                fail_msg("%zu times %s: %zu bytes, reckoned with %zu", count, parts[i], allocated_most, f->arena.taken);
            rpc_shut(f, codec);
            assert_int_equal(allocated, 0);
        }
    json_set_alloc_funcs(malloc, free);
}

static void test_json__the_arena_limits_the_tree(void **state)
{
    rpc_fixture *f = *state;

    f->arena.limit = 1000;
    assert_int_equal(open_text(f, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\",\"params\":[{},{},{},{}]}"),
                     VIA_EPROTO);
    assert_string_equal(f->reader.wrong, "it needs more memory than a message may take");
    assert_true(f->envelope.has_id);
    rpc_shut(f, codec);
}

/* ---- altered messages --------------------------------------------------------------------------------------- */

static const char rich[] =
    "{\"jsonrpc\":\"2.0\",\"id\":\"a\\u00e9\",\"method\":\"m\",\"timeout_ms\":5,\"params\":[1,-2.5e3,\"t\\\\\\u0000\","
    "null,true,[[],{\"k\":{\"l\":\"\xc3\xa9\"}}],\"9007199254740993\"]}";

static void test_json__every_truncation_is_refused(void **state)
{
    rpc_fixture *f = *state;

    for (size_t size = 0; size < sizeof(rich) - 1; size++) {
        assert_int_equal(rpc_open_bytes(f, codec, rich, size), VIA_EPROTO);
        assert_int_equal(rpc_walk_values(codec, &f->reader), 0);
        rpc_shut(f, codec);
    }
    assert_int_equal(rpc_open_bytes(f, codec, rich, sizeof(rich) - 1), VIA_OK);
    assert_int_equal(rpc_walk_values(codec, &f->reader), 11);
    rpc_shut(f, codec);
}

static void test_json__no_altered_bit_reads_outside(void **state)
{
    rpc_fixture *f = *state;
    char altered[sizeof(rich)];

    for (size_t bit = 0; bit < 8 * (sizeof(rich) - 1); bit++) {
        memcpy(altered, rich, sizeof(rich));
        altered[bit / 8] = (char)(altered[bit / 8] ^ 1 << bit % 8);
        if (rpc_open_bytes(f, codec, altered, sizeof(rich) - 1) == VIA_OK)
            (void)rpc_walk_values(codec, &f->reader);
        if (f->envelope.has_id && f->envelope.id.text) { /* what a reply repeats */
            json_t *id =
                json_loadb(f->envelope.id.text, f->envelope.id.text_size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
            assert_non_null(id);
            json_decref(id);
        }
        rpc_shut(f, codec);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_json__messages_are_as_specified, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__envelopes_are_read, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__wrong_messages_keep_their_id, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__errors_of_all_kinds, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__an_error_that_is_too_long_to_show, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__integers, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__what_is_no_integer, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__floats_come_back_the_same, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__floats_are_short_and_look_like_floats, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__no_locale_changes_a_number, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__what_is_not_finite_is_refused, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__integers_as_floats_only_if_exact, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__texts_with_every_character, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__bytes, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__lists_and_maps_in_order, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__parameters_by_name, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__deep_messages, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__too_many_values, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__the_tree_takes_no_more_than_was_reckoned, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__the_arena_limits_the_tree, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__every_truncation_is_refused, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__no_altered_bit_reads_outside, rpc_set_up, rpc_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
