/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MessagePack-RPC: messages as published, and those that are none.
 */
#include "rpc_fixture.h"

static const rpc_codec *const codec = &rpc_msgpack;

#define BYTES(text) (text), sizeof(text) - 1

static void expect_written(rpc_fixture *f, const char *bytes, size_t size)
{
    assert_int_equal(f->writer.status, VIA_OK);
    assert_int_equal(f->writer.size, size);
    assert_memory_equal(f->writer.data, bytes, size);
    rpc_writer_reset(&f->writer);
}

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
