/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON-RPC: messages as specified, parameters in order and by name.
 */
#include "rpc_fixture.h"
#include "writer.h"

#include <stdio.h>

static const rpc_codec *const codec = &rpc_json;

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

        if (rpc_open_text(f, codec, cases[i].text) != VIA_OK)
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
        if (rpc_open_text(f, codec, cases[i].text) != VIA_EPROTO)
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
        assert_int_equal(rpc_open_text(f, codec, message), VIA_OK);
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

/* ---- lists, maps, parameters by name ------------------------------------------------------------------------ */

static void test_json__lists_and_maps_in_order(void **state)
{
    rpc_fixture *f = *state;
    rpc_reader *r = &f->reader;
    size_t count, size;
    const char *key;
    int64_t value;

    assert_int_equal(
        rpc_open_text(f, codec,
                      "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":[[1,[2],{\"z\":3,\"a\":[4],\"k\":5},6],7]}"),
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
        rpc_open_text(f, codec,
                      "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":{\"a\":1,\"b\":[2,3],\"c\":{\"a\":4}}}"),
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
    assert_int_equal(rpc_open_text(f, codec, "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":{\"a\":1}}"), VIA_OK);
    assert_true(codec->enter_map(r, &count) && count == 1); /* all of them as one value */
    rpc_shut(f, codec);
    assert_int_equal(rpc_open_text(f, codec, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":1}}"), VIA_OK);
    assert_false(codec->member(r, "a"));
    assert_true(codec->enter_map(r, &count) && count == 1);
    codec->leave_map(r);
    assert_false(codec->member(r, "a"));
    assert_int_equal(codec->next(r), RPC_NOTHING);
    rpc_shut(f, codec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_json__messages_are_as_specified, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__envelopes_are_read, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__wrong_messages_keep_their_id, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__errors_of_all_kinds, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__an_error_that_is_too_long_to_show, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__lists_and_maps_in_order, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__parameters_by_name, rpc_set_up, rpc_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
