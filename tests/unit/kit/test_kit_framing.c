/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Framings by themselves: every prefix of every frame, sizes that lie, header blocks that are wrong.
 */
#include "kit_fixture.h"

#include <stdlib.h>
#include <string.h>

static const via_framing *const framed[] = {&via_framing_sp_ipc, &via_framing_sp_tcp, &via_framing_line,
                                            &via_framing_length32, &via_framing_content_length};
enum { FRAMED_COUNT = sizeof(framed) / sizeof(framed[0]), LIMIT = 100000 };

static size_t write_frame(const via_framing *framing, const char *body, size_t size, uint8_t *out)
{
    size_t at = framing->header(size, out);

    memcpy(out + at, body, size);
    at += size;
    memcpy(out + at, framing->trailer, strlen(framing->trailer));
    return at + strlen(framing->trailer);
}

static void test_framing__every_prefix_is_understood(void **state)
{
    static const size_t sizes[] = {0, 1, 9, 10, 99, 255, 256, 300};
    char body[300];

    (void)state;
    memset(body, 'x', sizeof(body));
    for (size_t f = 0; f < FRAMED_COUNT; f++) {
        for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
            uint8_t wire[512];
            size_t size = write_frame(framed[f], body, sizes[s], wire);
            via_frame frame = {0};
            via_status status = VIA_ETIMEDOUT;

            for (size_t have = 0; have <= size; have++) { /* the same frame growing byte by byte */
                via_frame fresh = {0};
                via_status once = framed[f]->parse(wire, have, LIMIT, &fresh);

                if (status == VIA_ETIMEDOUT)
                    status = framed[f]->parse(wire, have, LIMIT, &frame);
                assert_int_equal(once, status);
                assert_true(status == VIA_OK || status == VIA_ETIMEDOUT);
            }
            assert_int_equal(status, VIA_OK);
            assert_int_equal(frame.header + frame.body + frame.trailer, size);
            assert_int_equal(frame.body, sizes[s]);
            assert_memory_equal(wire + frame.header, body, frame.body);
        }
    }
}

static void test_framing__sizes_above_the_limit_are_refused(void **state)
{
    static const uint64_t hostile[] = {LIMIT + 1, UINT32_MAX, (uint64_t)UINT32_MAX + 1, INT64_MAX, UINT64_MAX};

    (void)state;
    for (size_t f = 0; f < FRAMED_COUNT; f++) {
        for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
            uint8_t header[VIA_FRAME_HEADER_MAX];
            via_frame frame = {0};
            size_t size = framed[f]->header(hostile[i], header);

            if (framed[f] == &via_framing_line || hostile[i] > framed[f]->max_body)
                continue; /* cannot say such a size */
            assert_int_equal(framed[f]->parse(header, size, LIMIT, &frame), VIA_ETOOBIG);
        }
    }
}

static void test_framing__the_limit_itself_is_allowed(void **state)
{
    (void)state;
    for (size_t f = 0; f < FRAMED_COUNT; f++) {
        uint8_t header[VIA_FRAME_HEADER_MAX];
        via_frame frame = {0};
        size_t size = framed[f]->header(LIMIT, header);

        if (framed[f] == &via_framing_line)
            continue;
        assert_int_equal(framed[f]->parse(header, size, LIMIT, &frame), VIA_OK);
        assert_int_equal(frame.body, LIMIT);
    }
}

static void test_framing__sp_ipc_wants_its_first_byte(void **state)
{
    via_frame frame = {0};

    (void)state;
    assert_int_equal(via_framing_sp_ipc.parse((const uint8_t *)"\2", 1, LIMIT, &frame), VIA_EPROTO);
    assert_int_equal(via_framing_sp_ipc.parse((const uint8_t *)"\1", 1, LIMIT, &frame), VIA_ETIMEDOUT);
}

static void test_framing__wire_bytes_are_as_published(void **state)
{
    uint8_t out[VIA_FRAME_HEADER_MAX];

    (void)state;
    assert_int_equal(via_framing_sp_ipc.header(0x0102, out), 9);
    assert_memory_equal(out, "\1\0\0\0\0\0\0\1\2", 9);
    assert_int_equal(via_framing_sp_tcp.header(0x0102, out), 8);
    assert_memory_equal(out, "\0\0\0\0\0\0\1\2", 8);
    assert_int_equal(via_framing_length32.header(0x0102, out), 4);
    assert_memory_equal(out, "\0\0\1\2", 4);
    assert_int_equal(via_framing_content_length.header(258, out), 23);
    assert_memory_equal(out, "Content-Length: 258\r\n\r\n", 23);
}

static void test_framing__line_has_a_limit(void **state)
{
    via_frame frame = {0};

    (void)state;
    assert_int_equal(via_framing_line.parse((const uint8_t *)"abcde", 5, 5, &frame), VIA_ETIMEDOUT);
    assert_int_equal(via_framing_line.parse((const uint8_t *)"abcde\n", 6, 5, &frame), VIA_OK);
    memset(&frame, 0, sizeof(frame));
    assert_int_equal(via_framing_line.parse((const uint8_t *)"abcdef", 6, 5, &frame), VIA_ETOOBIG);
    memset(&frame, 0, sizeof(frame));
    assert_int_equal(via_framing_line.parse((const uint8_t *)"abcdef\n", 7, 5, &frame), VIA_ETOOBIG);
}

static void test_framing__line_refuses_its_separator(void **state)
{
    static const via_slice bad[] = {{"ab", 2}, {"c\nd", 3}};
    static const via_slice good[] = {{"ab", 2}, {NULL, 0}, {"cd\r", 3}};

    (void)state;
    assert_int_equal(via_framing_line.check(bad, 2), VIA_EINVAL);
    assert_int_equal(via_framing_line.check(good, 3), VIA_OK);
}

static void test_framing__raw_takes_what_there_is(void **state)
{
    via_frame frame = {0};

    (void)state;
    assert_int_equal(via_framing_raw.parse((const uint8_t *)"", 0, LIMIT, &frame), VIA_ETIMEDOUT);
    assert_int_equal(via_framing_raw.parse((const uint8_t *)"abc", 3, LIMIT, &frame), VIA_OK);
    assert_int_equal(frame.body, 3);
    assert_int_equal(via_framing_raw.parse((const uint8_t *)"abc", 3, 2, &frame), VIA_OK);
    assert_int_equal(frame.body, 2);
}

static void test_framing__content_length_blocks(void **state)
{
    static const struct {
        const char *block;
        via_status status;
        size_t body;
    } cases[] = {
        {"Content-Length: 5\r\n\r\n", VIA_OK, 5},
        {"content-length:5\r\n\r\n", VIA_OK, 5},
        {"CONTENT-LENGTH: \t 5 \t\r\n\r\n", VIA_OK, 5},
        {"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 7\r\n\r\n", VIA_OK, 7},
        {"Content-Length: 7\r\nX-More: a:b\r\n\r\n", VIA_OK, 7},
        {"Content-Length: 000000000000000000000000007\r\n\r\n", VIA_OK, 7},
        {"\r\n\r\n", VIA_EPROTO, 0},
        {"Content-Type: text/plain\r\n\r\n", VIA_EPROTO, 0},
        {"Content-Length:\r\n\r\n", VIA_EPROTO, 0},
        {"Content-Length: -1\r\n\r\n", VIA_EPROTO, 0},
        {"Content-Length: +1\r\n\r\n", VIA_EPROTO, 0},
        {"Content-Length: 1 2\r\n\r\n", VIA_EPROTO, 0},
        {"Content-Length: 0x10\r\n\r\n", VIA_EPROTO, 0},
        {"Content-Length: 1\r\nContent-Length: 1\r\n\r\n", VIA_EPROTO, 0},
        {"Content-Length 5\r\n\r\n", VIA_EPROTO, 0},
        {": 5\r\n\r\n", VIA_EPROTO, 0},
        {"Content-Length: 100001\r\n\r\n", VIA_ETOOBIG, 0},
        {"Content-Length: 99999999999999999999999999999999\r\n\r\n", VIA_ETOOBIG, 0},
        {"Content-Length: 18446744073709551621\r\n\r\n", VIA_ETOOBIG, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t size = strlen(cases[i].block);
        via_frame frame = {0};
        via_status status = via_framing_content_length.parse((const uint8_t *)cases[i].block, size, LIMIT, &frame);

        if (status != cases[i].status)
            fail_msg("%s: %d, expected %d", cases[i].block, status, cases[i].status);
        if (status == VIA_OK) {
            assert_int_equal(frame.body, cases[i].body);
            assert_int_equal(frame.header, size);
        }
    }
}

static void test_framing__content_length_block_without_end(void **state)
{
    uint8_t block[5000];
    via_frame frame = {0};

    (void)state;
    memset(block, 'a', sizeof(block));
    assert_int_equal(via_framing_content_length.parse(block, 4000, LIMIT, &frame), VIA_ETIMEDOUT);
    assert_int_equal(via_framing_content_length.parse(block, sizeof(block), LIMIT, &frame), VIA_EPROTO);
}

static void test_framing__found_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(via_framing_find("raw"), &via_framing_raw);
    assert_ptr_equal(via_framing_find("line"), &via_framing_line);
    assert_ptr_equal(via_framing_find("length32"), &via_framing_length32);
    assert_ptr_equal(via_framing_find("content-length"), &via_framing_content_length);
    assert_null(via_framing_find("sp"));
    assert_null(via_framing_find("sp-ipc"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_framing__every_prefix_is_understood),
        cmocka_unit_test(test_framing__sizes_above_the_limit_are_refused),
        cmocka_unit_test(test_framing__the_limit_itself_is_allowed),
        cmocka_unit_test(test_framing__sp_ipc_wants_its_first_byte),
        cmocka_unit_test(test_framing__wire_bytes_are_as_published),
        cmocka_unit_test(test_framing__line_has_a_limit),
        cmocka_unit_test(test_framing__line_refuses_its_separator),
        cmocka_unit_test(test_framing__raw_takes_what_there_is),
        cmocka_unit_test(test_framing__content_length_blocks),
        cmocka_unit_test(test_framing__content_length_block_without_end),
        cmocka_unit_test(test_framing__found_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
