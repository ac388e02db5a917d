/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MessagePack-RPC: bytes as published, every width at its boundaries, messages that are cut, altered or hostile.
 */
#include "rpc_fixture.h"

#include <float.h>
#include <math.h>

static const rpc_codec *const codec = &rpc_msgpack;

#define BYTES(text) (text), sizeof(text) - 1

static void expect_written(rpc_fixture *f, const char *bytes, size_t size)
{
    assert_int_equal(f->writer.status, VIA_OK);
    assert_int_equal(f->writer.size, size);
    assert_memory_equal(f->writer.data, bytes, size);
    rpc_writer_reset(&f->writer);
}

static via_status measure(const void *bytes, size_t size, size_t limit, size_t *used)
{
    rpc_measure state = {0};
    const char *why = NULL;
    unsigned char *copy = malloc(size ? size : 1);
    via_status status;

    assert_non_null(copy);
    if (size > 0)
        memcpy(copy, bytes, size);
    *used = 0;
    status = codec->measure(copy, size, limit, &state, used, &why);
    assert_true((status == VIA_EPROTO || status == VIA_ETOOBIG) == (why != NULL));
    free(copy);
    return status;
}

/* ---- messages ----------------------------------------------------------------------------------------------- */

static void test_msgpack__messages_are_as_published(void **state)
{
    rpc_fixture *f = *state;
    rpc_writer *w = &f->writer;
    rpc_id id = {.number = 1};
    rpc_fault fault = {.code = -32601, .text = "no", .text_size = 2};

    codec->request(w, 1, "nvim_eval", 0, 1);
    codec->put_text(w, "6*7", 3);
    codec->end(w);
    expect_written(f, BYTES("\x94\x00\x01\xa9nvim_eval\x91\xa3\x36*7"));
    codec->request(w, 0x1234, "add", 1500, 2);
    codec->put_signed(w, 40);
    codec->put_unsigned(w, 2);
    codec->end(w);
    expect_written(f, BYTES("\x95\x00\xcd\x12\x34\xa3"
                            "add\x92\x28\x02\xcd\x05\xdc"));
    codec->notification(w, "hi", 0);
    codec->end(w);
    expect_written(f, BYTES("\x93\x02\xa2hi\x90"));
    codec->result(w, &id);
    codec->put_signed(w, 42);
    codec->end(w);
    expect_written(f, BYTES("\x94\x01\x01\xc0\x2a"));
    codec->fault(w, &id, &fault, false);
    expect_written(f, BYTES("\x94\x01\x01\x92\x00\xa2no\xc0"));
    codec->fault(w, &id, &fault, true);
    expect_written(f, BYTES("\x94\x01\x01\x93\xd1\x80\xa7\xa2no\xc0\xc0"));
    fault.name = "E";
    fault.name_size = 1;
    codec->fault(w, &id, &fault, true);
    expect_written(f, BYTES("\x94\x01\x01\x93\xd1\x80\xa7\xa2no\xa1"
                            "E\xc0"));
    codec->cancel(w, 7);
    expect_written(f, BYTES("\x93\x02\xaarpc.cancel\x91\x07"));
}

static void test_msgpack__a_timeout_goes_with_its_own_message_only(void **state)
{
    rpc_fixture *f = *state;

    codec->request(&f->writer, 1, "m", 9, 0);
    codec->end(&f->writer);
    rpc_writer_reset(&f->writer);
    codec->request(&f->writer, 1, "m", 0, 0);
    codec->end(&f->writer);
    codec->notification(&f->writer, "m", 0);
    codec->end(&f->writer);
    expect_written(f, BYTES("\x94\x00\x01\xa1m\x90\x93\x02\xa1m\x90"));
}

static void test_msgpack__envelopes_are_read(void **state)
{
    rpc_fixture *f = *state;
    rpc_envelope *e = &f->envelope;
    int64_t value;

    assert_int_equal(rpc_open_bytes(f, codec,
                                    BYTES("\x95\x00\xce\xff\xff\xff\xff\xc4\x03"
                                          "add\x92\x28\x02\xcd\x05\xdc")),
                     VIA_OK);
    assert_int_equal(e->kind, RPC_REQUEST);
    assert_true(e->has_id);
    assert_int_equal(e->id.number, 0xffffffff);
    assert_int_equal(e->method_size, 3);
    assert_memory_equal(e->method, "add", 3);
    assert_int_equal(e->count, 2);
    assert_int_equal(e->timeout_ms, 1500);
    assert_false(e->is_named);
    assert_true(codec->get_signed(&f->reader, &value) && value == 40);
    assert_true(codec->get_signed(&f->reader, &value) && value == 2);
    assert_int_equal(codec->next(&f->reader), RPC_NOTHING); /* not the timeout */
    assert_false(codec->get_signed(&f->reader, &value));
    assert_false(codec->skip(&f->reader));

    assert_int_equal(rpc_open_bytes(f, codec, BYTES("\x93\x02\xa2hi\x90")), VIA_OK);
    assert_int_equal(e->kind, RPC_NOTIFICATION);
    assert_false(e->has_id);
    assert_int_equal(e->count, 0);
    assert_int_equal(codec->next(&f->reader), RPC_NOTHING);

    assert_int_equal(rpc_open_bytes(f, codec, BYTES("\xdc\x00\x04\x01\x05\xc0\x2a")), VIA_OK);
    assert_int_equal(e->kind, RPC_RESULT);
    assert_int_equal(e->id.number, 5);
    assert_true(codec->get_signed(&f->reader, &value) && value == 42);
    assert_int_equal(codec->next(&f->reader), RPC_NOTHING);
}

static void test_msgpack__wrong_messages_keep_their_id(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        bool has_id;
    } cases[] = {
        {BYTES(""), false},
        {BYTES("\xc0"), false},
        {BYTES("\x90"), false},
        {BYTES("\x94\x03\x01\xa1m\x90"), false},
        {BYTES("\x94\x02\x01\xa1m\x90"), false},     /* four values in a notification */
        {BYTES("\x93\x00\x07\xa1m"), false},         /* three in a request */
        {BYTES("\x95\x01\x07\xc0\xc0\xc0"), false},  /* five in a reply */
        {BYTES("\x94\x00\xff\xa1m\x90"), false},     /* -1 */
        {BYTES("\x94\x00\xa1x\xa1m\x90"), false},    /* a text as id */
        {BYTES("\x94\x00\x07\xa1m\xc0"), true},      /* no list of parameters */
        {BYTES("\x94\x00\x07\xa1m\x80"), true},      /* a map of parameters */
        {BYTES("\x94\x00\x07\x05\x90"), true},       /* a method that is a number */
        {BYTES("\x94\x00\x07\xa1\xff\x90"), true},   /* a method that is not UTF-8 */
        {BYTES("\x95\x00\x07\xa1m\x90\xff"), true},  /* a negative timeout */
        {BYTES("\x95\x00\x07\xa1m\x90\xa1x"), true}, /* a timeout that is text */
        {BYTES("\x94\x00\x07\xa1m\x90\x00"), true},  /* something after it */
        {BYTES("\x94\x00\x07\xa1m"), true},          /* cut short */
        {BYTES("\x94\x00\x07\xa1m\x91\xc1"), true},  /* a byte that means nothing */
        {BYTES("\x94\x00\x07\xa1m\xdd\xff\xff\xff\xff"), true},
        {BYTES("\x94\x00\x07\xa1m\xdf\xff\xff\xff\xff"), true},
        {BYTES("\x94\x00\x07\xa1m\x91\xdb\xff\xff\xff\xff"), true},
        {BYTES("\x94\x00\x07\xa1m\x91\xc9\xff\xff\xff\xff"), true},
    };
    rpc_fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (rpc_open_bytes(f, codec, cases[i].bytes, cases[i].size) != VIA_EPROTO)
            fail_msg("case %zu was accepted", i);
        assert_non_null(f->reader.wrong);
        if (f->envelope.has_id != cases[i].has_id)
            fail_msg("case %zu: has_id %d", i, f->envelope.has_id);
        if (cases[i].has_id)
            assert_int_equal(f->envelope.id.number, 7);
        assert_int_equal(codec->next(&f->reader), RPC_NOTHING);
        rpc_shut(f, codec);
    }
}

static void test_msgpack__a_long_method_is_refused(void **state)
{
    rpc_fixture *f = *state;
    char method[RPC_NAME_BYTES + 2];

    memset(method, 'm', sizeof(method));
    method[RPC_NAME_BYTES + 1] = '\0';
    codec->request(&f->writer, 1, method, 0, 0);
    codec->end(&f->writer);
    assert_int_equal(rpc_open_bytes(f, codec, f->writer.data, f->writer.size), VIA_EPROTO);
    rpc_writer_reset(&f->writer);
    codec->request(&f->writer, 1, method + 1, 0, 0);
    codec->end(&f->writer);
    rpc_open_written(f, codec);
    assert_int_equal(f->envelope.method_size, RPC_NAME_BYTES);
}

static void test_msgpack__errors_in_all_dialects(void **state)
{
    static const struct {
        const char *error;
        size_t size;
        int32_t code;
        const char *text, *name;
    } cases[] = {
        {BYTES("\x93\xd1\x80\xa7\xa2no\xa4Oops"), -32601, "no", "Oops"},
        {BYTES("\x93\x07\xa2no\xc0"), 7, "no", NULL},
        {BYTES("\x92\x00\xa2no"), RPC_CODE_INTERNAL, "no", NULL},
        {BYTES("\x92\x01\xa2no"), RPC_CODE_INTERNAL, "no", NULL},
        {BYTES("\xa2no"), RPC_CODE_INTERNAL, "no", NULL},
        {BYTES("\x82\xa4"
               "code\x09\xa7message\xa2no"),
         9, "no", NULL},
        {BYTES("\x83\xc0\xc0\xa7message\xa2no\xa4"
               "code\xa1x"),
         RPC_CODE_INTERNAL, "no", NULL},
        {BYTES("\x93\xce\xff\xff\xff\xff\xa2no\xc0"), RPC_CODE_INTERNAL, "no", NULL},
        {BYTES("\x81\xa3key\x93\x01\xfe\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00"), RPC_CODE_INTERNAL,
         "{\"key\":[1,-2,1.5]}", NULL},
        {BYTES("\x93\x01\x02\x03"), RPC_CODE_INTERNAL, "[1,2,3]", NULL},
        {BYTES("\x90"), RPC_CODE_INTERNAL, "[]", NULL},
        {BYTES("\x80"), RPC_CODE_INTERNAL, "{}", NULL},
        {BYTES("\x94\x90\x80\x81\x01\xc3\xd4\x01\x02"), RPC_CODE_INTERNAL, "[[],{},{\"?\":true},null]", NULL},
        {BYTES("\xc4\x03"
               "foo"),
         RPC_CODE_INTERNAL, "\"Zm9v\"", NULL},
        {BYTES("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"), RPC_CODE_INTERNAL, "null", NULL},
        {BYTES("\xc3"), RPC_CODE_INTERNAL, "true", NULL},
    };
    rpc_fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char message[128] = "\x94\x01\x07";
        const rpc_fault *fault = &f->envelope.fault;

        memcpy(message + 3, cases[i].error, cases[i].size);
        message[3 + cases[i].size] = '\xc0';
        if (rpc_open_bytes(f, codec, message, 4 + cases[i].size) != VIA_OK)
            fail_msg("case %zu: %s", i, f->reader.wrong);
        assert_int_equal(f->envelope.kind, RPC_FAULT);
        assert_int_equal(fault->code, cases[i].code);
        if (fault->text_size != strlen(cases[i].text) || memcmp(fault->text, cases[i].text, fault->text_size) != 0)
            fail_msg("case %zu: %.*s", i, (int)fault->text_size, fault->text);
        assert_true((fault->name != NULL) == (cases[i].name != NULL));
        if (cases[i].name)
            assert_memory_equal(fault->name, cases[i].name, fault->name_size);
        assert_int_equal(codec->next(&f->reader), RPC_NOTHING);
    }
}

static void test_msgpack__an_error_that_is_too_long_to_show(void **state)
{
    rpc_fixture *f = *state;
    rpc_id id = {.number = 1};

    codec->result(&f->writer, &id);
    f->writer.size--; /* the error comes instead of its nil */
    codec->begin_list(&f->writer, 5000);
    for (int i = 0; i < 5000; i++)
        codec->put_nil(&f->writer);
    codec->end_list(&f->writer);
    codec->put_nil(&f->writer);
    rpc_open_written(f, codec);
    assert_int_equal(f->envelope.kind, RPC_FAULT);
    assert_true(f->envelope.fault.text_size > 0);
}

static void test_msgpack__a_fault_is_sent_even_if_its_text_is_no_text(void **state)
{
    rpc_fixture *f = *state;
    rpc_id id = {.number = 1};
    rpc_fault fault = {.code = 3, .text = "ab\xff", .text_size = 3, .name = "\xff", .name_size = 1};

    codec->fault(&f->writer, &id, &fault, true);
    rpc_open_written(f, codec);
    assert_int_equal(f->envelope.fault.text_size, 2);
    assert_int_equal(f->envelope.fault.name_size, 0);
}

/* ---- values ------------------------------------------------------------------------------------------------- */

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

/* ---- measuring ---------------------------------------------------------------------------------------------- */

/* [0, 300, "method", [1, -5, 3.5, "text", bytes, [nil, true, {"a": [], "b": ext}], 70000, a long text], 5000] */
static void write_rich(rpc_writer *w)
{
    static const char text[] = "a text that does not fit the shortest form of all, with \xc3\xa9";

    codec->request(w, 300, "method", 5000, 8);
    codec->put_unsigned(w, 1);
    codec->put_signed(w, -5);
    codec->put_float(w, 3.5);
    codec->put_text(w, "text", 4);
    codec->put_bytes(w, "\x00\xff", 2);
    codec->begin_list(w, 3);
    codec->put_nil(w);
    codec->put_bool(w, true);
    codec->begin_map(w, 2);
    codec->put_key(w, "a", 1);
    codec->begin_list(w, 0);
    codec->end_list(w);
    codec->put_key(w, "b", 1);
    memcpy(rpc_writer_room(w, 3), "\xd4\x01\x02", 3);
    codec->end_map(w);
    codec->end_list(w);
    codec->put_unsigned(w, 70000);
    codec->put_text(w, text, sizeof(text) - 1);
    codec->end(w);
}

static void test_msgpack__measured_in_any_two_pieces_and_byte_by_byte(void **state)
{
    rpc_fixture *f = *state;
    rpc_measure whole = {0};
    const char *why;
    size_t size, used;

    write_rich(&f->writer);
    size = f->writer.size;
    for (size_t split = 0; split <= size; split++) {
        rpc_measure halves = {0};

        assert_int_equal(measure(f->writer.data, split, FIXTURE_LIMIT, &used), split < size ? VIA_ETIMEDOUT : VIA_OK);
        if (split < size)
            assert_int_equal(codec->measure(f->writer.data, split, FIXTURE_LIMIT, &halves, &used, &why), VIA_ETIMEDOUT);
        assert_int_equal(codec->measure(f->writer.data, size, FIXTURE_LIMIT, &halves, &used, &why), VIA_OK);
        assert_int_equal(used, size);
        if (split < size)
            assert_int_equal(codec->measure(f->writer.data, split, FIXTURE_LIMIT, &whole, &used, &why), VIA_ETIMEDOUT);
    }
    assert_int_equal(codec->measure(f->writer.data, size, FIXTURE_LIMIT, &whole, &used, &why), VIA_OK);
    assert_int_equal(used, size);
}

static void test_msgpack__measured_with_the_next_message_behind_it(void **state)
{
    rpc_fixture *f = *state;
    size_t first, used;

    write_rich(&f->writer);
    first = f->writer.size;
    write_rich(&f->writer);
    assert_int_equal(measure(f->writer.data, f->writer.size, FIXTURE_LIMIT, &used), VIA_OK);
    assert_int_equal(used, first);
    assert_int_equal(measure(f->writer.data, f->writer.size, first, &used), VIA_OK);
    for (size_t limit = 0; limit < first; limit++)
        assert_int_equal(measure(f->writer.data, f->writer.size, limit, &used), VIA_ETOOBIG);
}

/* While it comes in, it must be said at the latest when the limit is reached. */
static void test_msgpack__a_message_above_the_limit_is_told_early(void **state)
{
    rpc_fixture *f = *state;
    size_t size, used;

    write_rich(&f->writer);
    size = f->writer.size;
    for (size_t limit = 1; limit < size; limit++)
        for (size_t come = 1; come <= size; come++) {
            via_status status = measure(f->writer.data, come, limit, &used);

            if (status != VIA_ETOOBIG && (status != VIA_ETIMEDOUT || come >= limit))
                fail_msg("limit %zu, %zu bytes: %d", limit, come, status);
        }
}

static void test_msgpack__hostile_beginnings(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        via_status status;
    } cases[] = {
        {BYTES("\xdd\xff\x00\x00\x00"), VIA_ETOOBIG},
        {BYTES("\xdd\xff\x00\x00"), VIA_ETIMEDOUT},
        {BYTES("\xdd\x01\x00\x00\x00"), VIA_ETOOBIG}, /* as many values as the limit has bytes */
        {BYTES("\xdd\x00\xff\xff\xff"), VIA_EPROTO},
        {BYTES("\xdc\xff\xff"), VIA_EPROTO},
        {BYTES("\xdf\xff\xff\xff\xff"), VIA_EPROTO},
        {BYTES("\x94\x00\x01\xa1m\xdd\xff\x00\x00\x00"), VIA_ETOOBIG},
        {BYTES("\x94\x00\x01\xa1m\xdd\x00\x10\x00\x00"), VIA_ETOOBIG}, /* more than RPC_ELEMENTS with its own */
        {BYTES("\x94\x00\x01\xa1m\xdd\x00\x0f\xff\xfc"), VIA_ETIMEDOUT},
        {BYTES("\x94\x00\x01\xa1m\xdf\x00\x08\x00\x00"), VIA_ETOOBIG},
        {BYTES("\x94\x00\x01\xa1m\xdf\xff\xff\xff\xff"), VIA_ETOOBIG},
        {BYTES("\x94\x00\x01\xa1m\x91\xdb\xff\xff\xff\xff"), VIA_ETOOBIG},
        {BYTES("\x94\x00\x01\xa1m\x91\xc6\xff\xff\xff\xff"), VIA_ETOOBIG},
        {BYTES("\x94\x00\x01\xa1m\x91\xc9\xff\xff\xff\xff"), VIA_ETOOBIG},
        {BYTES("\x94\x00\x01\xa1m\x91\xc6\x00\xff\xff\x00"), VIA_ETIMEDOUT},
        {BYTES("\x94\x00\x01\xa1m\x91\xc6\x01\x00\x00\x00"), VIA_ETOOBIG},
        {BYTES("\xc1"), VIA_EPROTO},
        {BYTES("\x94\xc1"), VIA_EPROTO},
        {BYTES("GET / HTTP/1.1\r\n"), VIA_EPROTO},
        {BYTES("{\"jsonrpc\""), VIA_EPROTO},
        {BYTES("\x92\x00"), VIA_EPROTO},
        {BYTES("\x96\x00"), VIA_EPROTO},
        {BYTES(""), VIA_ETIMEDOUT},
        {BYTES("\x94"), VIA_ETIMEDOUT},
    };
    size_t used;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        via_status status = measure(cases[i].bytes, cases[i].size, FIXTURE_LIMIT, &used);

        if (status != cases[i].status)
            fail_msg("case %zu: %d", i, status);
    }
}

/* Long before there are RPC_ELEMENTS of them. */
static void test_msgpack__more_values_than_the_limit_has_bytes(void **state)
{
    size_t used;

    (void)state;
    assert_int_equal(measure(BYTES("\x93\x02\xa1m\xdc\x00\x61"), 100, &used), VIA_ETOOBIG);
    assert_int_equal(measure(BYTES("\x93\x02\xa1m\xdc\x00\x60"), 100, &used), VIA_ETIMEDOUT);
    assert_int_equal(measure(BYTES("\x93\x02\xa1m\xde\x00\x31"), 100, &used), VIA_ETOOBIG);
    assert_int_equal(measure(BYTES("\x93\x02\xa1m\xde\x00\x30"), 100, &used), VIA_ETIMEDOUT);
}

static void test_msgpack__ten_thousand_lists_in_each_other(void **state)
{
    rpc_fixture *f = *state;
    unsigned char message[10006] = "\x93\x02\xa1m";
    size_t used;

    for (unsigned lead = 0x81; lead <= 0x91; lead += 0x10) {
        memset(message + 4, (int)lead, sizeof(message) - 4);
        if (lead == 0x81) /* maps in maps: each the value of a key */
            for (size_t i = 5; i < sizeof(message); i += 2)
                message[i] = 0;
        assert_int_equal(measure(message, sizeof(message), FIXTURE_LIMIT, &used), VIA_EPROTO);
        assert_int_equal(measure(message, 40, FIXTURE_LIMIT, &used), VIA_ETIMEDOUT);
        assert_int_equal(rpc_open_bytes(f, codec, message, sizeof(message)), VIA_EPROTO);
    }
}

static void test_msgpack__as_deep_as_allowed_and_one_deeper(void **state)
{
    rpc_fixture *f = *state;
    unsigned char message[4 + RPC_DEPTH] = "\x93\x02\xa1m"; /* the message's own list, and what is in the others */
    size_t used;

    memset(message + 4, 0x91, sizeof(message) - 4);
    message[sizeof(message) - 1] = 0x90;
    assert_int_equal(measure(message, sizeof(message), FIXTURE_LIMIT, &used), VIA_EPROTO);
    assert_int_equal(rpc_open_bytes(f, codec, message, sizeof(message)), VIA_EPROTO);
    assert_string_equal(f->reader.wrong, "lists and maps are nested too deeply");
    message[sizeof(message) - 1] = 0xc0;
    assert_int_equal(measure(message, sizeof(message), FIXTURE_LIMIT, &used), VIA_OK);
    assert_int_equal(rpc_open_bytes(f, codec, message, sizeof(message)), VIA_OK);
    assert_int_equal(rpc_walk_values(codec, &f->reader), RPC_DEPTH - 2 + 1);
}

/* ---- altered messages --------------------------------------------------------------------------------------- */

static void test_msgpack__every_truncation_is_refused(void **state)
{
    rpc_fixture *f = *state;

    write_rich(&f->writer);
    for (size_t size = 0; size < f->writer.size; size++) {
        assert_int_equal(rpc_open_bytes(f, codec, f->writer.data, size), VIA_EPROTO);
        assert_int_equal(rpc_walk_values(codec, &f->reader), 0);
    }
    rpc_open_written(f, codec);
    assert_int_equal(rpc_walk_values(codec, &f->reader), 13);
}

static void test_msgpack__no_altered_bit_reads_outside(void **state)
{
    rpc_fixture *f = *state;
    size_t used;

    write_rich(&f->writer);
    for (size_t bit = 0; bit < 8 * f->writer.size; bit++) {
        f->writer.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        if (rpc_open_bytes(f, codec, f->writer.data, f->writer.size) == VIA_OK) {
            (void)rpc_walk_values(codec, &f->reader);
            assert_int_equal(measure(f->writer.data, f->writer.size, FIXTURE_LIMIT, &used), VIA_OK);
            assert_int_equal(used, f->writer.size);
        }
        f->writer.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
}

/* As in memory that the other end can still write to. */
static void test_msgpack__a_message_that_changes_while_it_is_read(void **state)
{
    rpc_fixture *f = *state;

    write_rich(&f->writer);
    for (size_t at = 0; at < f->writer.size; at++)
        for (unsigned byte = 0x80; byte < 0x100; byte++) {
            rpc_open_written(f, codec);
            f->copy[at] = (unsigned char)byte;
            (void)rpc_walk_values(codec, &f->reader);
        }
}

static void test_msgpack__counts_that_have_grown_are_refused(void **state)
{
    rpc_fixture *f = *state;
    size_t count;

    assert_int_equal(rpc_open_bytes(f, codec, BYTES("\x93\x02\xa1m\x91\x93\x01\x02\x03")), VIA_OK);
    f->copy[5] = 0x94;
    assert_false(codec->enter_list(&f->reader, &count));
    f->copy[5] = 0x82;
    assert_false(codec->enter_map(&f->reader, &count));
    f->copy[5] = 0x81;
    assert_true(codec->enter_map(&f->reader, &count));
    codec->leave_map(&f->reader);
    assert_int_equal(rpc_open_bytes(f, codec, BYTES("\x93\x02\xa1m\x91\x93\x01\x02\x03")), VIA_OK);
    assert_true(codec->enter_list(&f->reader, &count));
    f->copy[6] = 0xc1;
    codec->leave_list(&f->reader);
    assert_int_equal(codec->next(&f->reader), RPC_NOTHING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_msgpack__messages_are_as_published, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__a_timeout_goes_with_its_own_message_only, rpc_set_up,
                                        rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__envelopes_are_read, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__wrong_messages_keep_their_id, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__a_long_method_is_refused, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__errors_in_all_dialects, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__an_error_that_is_too_long_to_show, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__a_fault_is_sent_even_if_its_text_is_no_text, rpc_set_up,
                                        rpc_tear_down),
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
        cmocka_unit_test_setup_teardown(test_msgpack__measured_in_any_two_pieces_and_byte_by_byte, rpc_set_up,
                                        rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__measured_with_the_next_message_behind_it, rpc_set_up,
                                        rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__a_message_above_the_limit_is_told_early, rpc_set_up,
                                        rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__hostile_beginnings, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__more_values_than_the_limit_has_bytes, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__ten_thousand_lists_in_each_other, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__as_deep_as_allowed_and_one_deeper, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__every_truncation_is_refused, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__no_altered_bit_reads_outside, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__a_message_that_changes_while_it_is_read, rpc_set_up,
                                        rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack__counts_that_have_grown_are_refused, rpc_set_up, rpc_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
