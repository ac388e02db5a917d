/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SP greeting and the hop count of pair 1, byte by byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "greeting.h"

static void test_greeting__is_what_the_rfc_says(void **state)
{
    static const uint8_t expected[] = {0x00, 'S', 'P', 0x00, 0x00, 0x50, 0x00, 0x00};
    uint8_t bytes[SOCKET_GREETING_SIZE];

    (void)state;
    socket_greeting_write(SOCKET_SP_PUSH, bytes);
    assert_memory_equal(bytes, expected, sizeof(expected));
}

static void test_greeting__comes_back_as_it_was_written(void **state)
{
    static const uint16_t numbers[] = {SOCKET_SP_PAIR0, SOCKET_SP_PAIR1, SOCKET_SP_PUB, SOCKET_SP_SUB, 0x1234};

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        uint8_t bytes[SOCKET_GREETING_SIZE];
        uint16_t found = 0;
        socket_greeting_write(numbers[i], bytes);
        assert_int_equal(socket_greeting_read(bytes, &found), VIA_OK);
        assert_int_equal(found, numbers[i]);
    }
}

static void test_greeting__every_wrong_byte_is_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOCKET_GREETING_SIZE; i++) {
        uint8_t bytes[SOCKET_GREETING_SIZE];
        uint16_t found;
        socket_greeting_write(SOCKET_SP_PAIR0, bytes);
        bytes[i] ^= 0x40;
        via_status status = socket_greeting_read(bytes, &found);
        assert_int_equal(status, i == 4 || i == 5 ? VIA_OK : VIA_EPROTO);
        if (status == VIA_OK)
            assert_int_not_equal(found, SOCKET_SP_PAIR0);
    }
}

static void test_greeting__knows_who_talks_to_whom(void **state)
{
    (void)state;
    assert_int_equal(socket_greeting_peer(socket_greeting_protocol(VIA_PUSH)), SOCKET_SP_PULL);
    assert_int_equal(socket_greeting_peer(socket_greeting_protocol(VIA_PULL)), SOCKET_SP_PUSH);
    assert_int_equal(socket_greeting_peer(socket_greeting_protocol(VIA_PUBLISH)), SOCKET_SP_SUB);
    assert_int_equal(socket_greeting_peer(socket_greeting_protocol(VIA_SUBSCRIBE)), SOCKET_SP_PUB);
    assert_int_equal(socket_greeting_peer(SOCKET_SP_PAIR0), SOCKET_SP_PAIR0);
    assert_int_equal(socket_greeting_peer(SOCKET_SP_PAIR1), SOCKET_SP_PAIR1);
    assert_int_equal(socket_greeting_peer(0x7777), 0);
}

static void test_greeting__checks_the_other_end(void **state)
{
    via_stream_config config = {0};
    uint8_t bytes[SOCKET_GREETING_SIZE];

    (void)state;
    socket_greeting_configure(&config, SOCKET_SP_SUB, true);
    assert_int_equal(config.greeting_size, SOCKET_GREETING_SIZE);
    assert_int_equal(config.prefix_size, 0);
    socket_greeting_write(SOCKET_SP_PUB, bytes);
    assert_int_equal(config.greeting(config.user, bytes), VIA_OK);
    socket_greeting_write(SOCKET_SP_PUSH, bytes);
    assert_int_equal(config.greeting(config.user, bytes), VIA_EPROTO);
}

static void test_greeting__pair1_counts_hops(void **state)
{
    static const uint8_t one[] = {0, 0, 0, 1}, many[] = {0, 0, 0, 255}, none[] = {0, 0, 1, 0};
    via_stream_config config = {0};

    (void)state;
    socket_greeting_configure(&config, SOCKET_SP_PAIR1, false);
    assert_int_equal(config.greeting_size, 0);
    assert_int_equal(config.prefix_size, 4);
    assert_memory_equal(config.prefix, one, 4);
    assert_int_equal(config.check_prefix(config.user, one), VIA_OK);
    assert_int_equal(config.check_prefix(config.user, many), VIA_OK);
    assert_int_equal(config.check_prefix(config.user, none), VIA_EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_greeting__is_what_the_rfc_says),
        cmocka_unit_test(test_greeting__comes_back_as_it_was_written),
        cmocka_unit_test(test_greeting__every_wrong_byte_is_noticed),
        cmocka_unit_test(test_greeting__knows_who_talks_to_whom),
        cmocka_unit_test(test_greeting__checks_the_other_end),
        cmocka_unit_test(test_greeting__pair1_counts_hops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
