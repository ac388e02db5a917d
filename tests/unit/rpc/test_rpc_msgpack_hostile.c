/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MessagePack-RPC: where messages end, however they come; messages that are cut, altered or hostile.
 */
#include "rpc_fixture.h"

static const rpc_codec *const codec = &rpc_msgpack;

#define BYTES(text) (text), sizeof(text) - 1

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
