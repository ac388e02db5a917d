/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON-RPC: limits, and messages that are cut, altered or hostile.
 */
#include "rpc_fixture.h"
#include "writer.h"

#include <jansson.h>

static const rpc_codec *const codec = &rpc_json;

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
    assert_int_equal(
        rpc_open_text(f, codec, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\",\"params\":[{},{},{},{}]}"),
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
        cmocka_unit_test_setup_teardown(test_json__deep_messages, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__too_many_values, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__the_tree_takes_no_more_than_was_reckoned, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__the_arena_limits_the_tree, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__every_truncation_is_refused, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_json__no_altered_bit_reads_outside, rpc_set_up, rpc_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
