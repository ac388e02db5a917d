/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Announcements and greetings.
 */
#include "pipe_unit.h"

#include "record.h"

#include <limits.h>
#include <string.h>

static const pipe_record example = {.kind = PIPE_RECORD_CONNECT,
                                    .role = VIA_PUSH,
                                    .framing = 77,
                                    .pid = 4321,
                                    .id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static void test_record__comes_back_as_it_was(void **state)
{
    uint8_t bytes[PIPE_RECORD_SIZE];
    pipe_record record;

    (void)state;
    assert_true(PIPE_RECORD_SIZE <= PIPE_BUF); /* or it would not be one atomic write */
    pipe_record_write(&example, bytes);
    assert_int_equal(pipe_record_read(bytes, &record), VIA_OK);
    assert_int_equal(record.kind, example.kind);
    assert_int_equal(record.role, example.role);
    assert_int_equal(record.framing, example.framing);
    assert_int_equal(record.pid, example.pid);
    assert_memory_equal(record.id, example.id, sizeof(record.id));
}

/* Every single bit counts. */
static void test_record__no_flipped_bit_passes(void **state)
{
    uint8_t bytes[PIPE_RECORD_SIZE];
    pipe_record record;

    (void)state;
    pipe_record_write(&example, bytes);
    for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(pipe_record_read(bytes, &record), VIA_EPROTO);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(pipe_record_read(bytes, &record), VIA_OK);
}

static void test_record__wrong_contents(void **state)
{
    const pipe_record wrong[] = {
        {.kind = 0, .role = VIA_PAIR, .pid = 1},
        {.kind = 4, .role = VIA_PAIR, .pid = 1},
        {.kind = PIPE_RECORD_CONNECT, .role = VIA_PUBLISH, .pid = 1},
        {.kind = PIPE_RECORD_CONNECT, .role = VIA_PAIR, .pid = 0},
        {.kind = PIPE_RECORD_CONNECT, .role = VIA_PAIR, .pid = -1},
        {.kind = PIPE_RECORD_REST, .role = VIA_PAIR, .pid = INT64_C(1) << 40},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        uint8_t bytes[PIPE_RECORD_SIZE];
        pipe_record record;

        pipe_record_write(&wrong[i], bytes);
        assert_int_equal(pipe_record_read(bytes, &record), VIA_EPROTO);
    }
}

static void test_record__is_found_after_noise(void **state)
{
    static const struct {
        const char *bytes;
        size_t at;
    } table[] = {
        {"VIAPIPE1VIAPIPE1", 8}, {"xVIAPIPE1", 1}, {"xxxx", 4}, {"xxVIAP", 2}, {"VVV", 2}, {"V", 1}, {"VIAPIPV", 6},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(pipe_record_resync((const uint8_t *)table[i].bytes, strlen(table[i].bytes)), table[i].at);
}

static void test_greeting__says_what_it_means(void **state)
{
    uint8_t bytes[PIPE_GREETING_SIZE];

    (void)state;
    for (int verdict = PIPE_GREETING_WELCOME; verdict <= PIPE_GREETING_FRAMING; verdict++) {
        pipe_greeting_write((uint8_t)verdict, bytes);
        assert_int_equal(pipe_greeting_read(bytes), verdict);
    }
    pipe_greeting_write(200, bytes);
    assert_int_equal(pipe_greeting_read(bytes), 0);
    memset(bytes, PIPE_GREETING_WELCOME, sizeof(bytes));
    assert_int_equal(pipe_greeting_read(bytes), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record__comes_back_as_it_was), cmocka_unit_test(test_record__no_flipped_bit_passes),
        cmocka_unit_test(test_record__wrong_contents),       cmocka_unit_test(test_record__is_found_after_noise),
        cmocka_unit_test(test_greeting__says_what_it_means),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
