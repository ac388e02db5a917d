/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64: the published examples, every length, and each character that must not be there.
 */
#include "base64.h"
#include "rpc_fixture.h"

/* Both sides in memory of exactly the size that is promised. */
static bool decode(const char *text, size_t length, unsigned char *bytes, size_t *size)
{
    char *copy = malloc(length ? length : 1);
    unsigned char *room = malloc(length / 4 * 3 + 2);
    bool is_good;

    assert_non_null(copy);
    assert_non_null(room);
    memcpy(copy, text, length);
    is_good = rpc_base64_decode(copy, length, room, size);
    if (is_good)
        memcpy(bytes, room, *size);
    free(copy);
    free(room);
    return is_good;
}

static void test_base64__as_published(void **state)
{
    static const char *const cases[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"},
                                           {"\xfb\xff\xbf", "+/+/"}};
    char text[16];
    unsigned char bytes[16];
    size_t size;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t length = rpc_base64_length(strlen(cases[i][0])), bare = strcspn(cases[i][1], "=");

        assert_int_equal(length, strlen(cases[i][1]));
        rpc_base64_encode(cases[i][0], strlen(cases[i][0]), text);
        assert_memory_equal(text, cases[i][1], length);
        assert_true(decode(cases[i][1], length, bytes, &size));
        assert_int_equal(size, strlen(cases[i][0]));
        assert_memory_equal(bytes, cases[i][0], size);
        assert_true(decode(cases[i][1], bare, bytes, &size));
        assert_int_equal(size, strlen(cases[i][0]));
    }
    assert_int_equal(rpc_base64_length(SIZE_MAX), SIZE_MAX);
}

static void test_base64__round_trips_at_every_length(void **state)
{
    unsigned char bytes[300], back[300];
    char text[400];
    uint64_t seed = 1;
    size_t size;

    (void)state;
    for (size_t length = 0; length < sizeof(bytes); length++) {
        for (size_t i = 0; i < length; i++)
            bytes[i] = (unsigned char)rpc_random(&seed);
        rpc_base64_encode(bytes, length, text);
        assert_true(decode(text, rpc_base64_length(length), back, &size));
        assert_int_equal(size, length);
        assert_memory_equal(bytes, back, length);
    }
}

static void test_base64__what_is_not_canonical_is_refused(void **state)
{
    static const char *const bad[] = {"Z",        "Zg=",   "Zh==",   "Zm9=",  "Zm8==", "Zm9v=", "=",     "==", "====",
                                      "Zg==Zg==", "Zm 9v", "Zm9v\n", "Zm9v ", "Zm-_",  "Z===",  "Zm9vZ", "Zh", "Zm9"};
    unsigned char bytes[16];
    size_t size;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (decode(bad[i], strlen(bad[i]), bytes, &size))
            fail_msg("%s", bad[i]);
}

/* Two texts for the same bytes would be a way past whoever compares texts. */
static void test_base64__one_text_for_two_characters(void **state)
{
    unsigned good = 0;
    unsigned char bytes[4];
    size_t size;

    (void)state;
    for (unsigned pair = 0; pair < 65536; pair++) {
        char text[2] = {(char)(pair >> 8), (char)pair}, again[4];

        if (!decode(text, 2, bytes, &size))
            continue;
        good++;
        assert_int_equal(size, 1);
        rpc_base64_encode(bytes, 1, again);
        assert_memory_equal(text, again, 2);
    }
    assert_int_equal(good, 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64__as_published),
        cmocka_unit_test(test_base64__round_trips_at_every_length),
        cmocka_unit_test(test_base64__what_is_not_canonical_is_refused),
        cmocka_unit_test(test_base64__one_text_for_two_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
