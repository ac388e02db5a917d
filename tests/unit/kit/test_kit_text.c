/* SPDX-License-Identifier: Apache-2.0 */
#include "kit_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/text.h"

static void test_text__decodes_escapes(void **state)
{
    static const struct {
        const char *text;
        const char *decoded; /* NULL: refused */
    } cases[] = {
        {"", ""},      {"abc", "abc"}, {"a%20b", "a b"},       {"%2Ftmp%2fx", "/tmp/x"},
        {"%25", "%"},  {"a+b", "a+b"}, {"%c3%a4", "\xc3\xa4"}, {"%", NULL},
        {"%2", NULL},  {"%2g", NULL},  {"%00", NULL},          {"%0a", NULL},
        {"%7f", NULL}, {"a\tb", NULL}, {"%%20", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *decoded = (char *)"";
        via_status status = via_text_decode(cases[i].text, &decoded);

        assert_int_equal(status, cases[i].decoded ? VIA_OK : VIA_EINVAL);
        if (cases[i].decoded)
            assert_string_equal(decoded, cases[i].decoded);
        else
            assert_null(decoded);
        free(decoded);
    }
}

/* `expected`: the words with '|' after each. */
static void check_words(const char *text, const char *expected)
{
    char joined[256] = "";
    char **words = NULL;
    size_t count = 0;
    via_status status = via_text_words(text, &words, &count);

    if (!expected) {
        assert_int_equal(status, VIA_EINVAL);
        assert_null(words);
        return;
    }
    assert_int_equal(status, VIA_OK);
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(joined);
        (void)snprintf(joined + used, sizeof(joined) - used, "%s|", words[i]);
    }
    assert_null(words[count]);
    assert_string_equal(joined, expected);
    free(words);
}

static void test_text__splits_words_as_a_shell_does(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"   ", ""},
        {"bc", "bc|"},
        {"  sort  -n\t-r ", "sort|-n|-r|"},
        {"a b c", "a|b|c|"},
        {"'a b' c", "a b|c|"},
        {"\"a b\" c", "a b|c|"},
        {"a' 'b", "a b|"},
        {"'' \"\"", "||"},
        {"a\\ b", "a b|"},
        {"'a\\b'", "a\\b|"},
        {"\"a\\\"b\\\\c\\n\"", "a\"b\\c\\n|"},
        {"\\'a", "'a|"},
        {"'it'\\''s'", "it's|"},
        {"a%20b c", "a b|c|"},
        {"%27a b%27", "'a|b'|"},
        {"$HOME *", "$HOME|*|"},
        {"'open", NULL},
        {"\"open", NULL},
        {"\"open\\\"", NULL},
        {"end\\", NULL},
        {"bad %zz", NULL},
        {"nul %00", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_words(cases[i][0], cases[i][1]);
}

static void test_text__finds_options(void **state)
{
    static const via_option options[] = {{.name = "mode", .text = "0600", .number = 0600},
                                         {.name = "linger", .text = "1s", .number = 1000000000}};
    const via_open open = {.options = options, .option_count = 2};

    (void)state;
    assert_ptr_equal(via_option_find(&open, "linger"), &options[1]);
    assert_string_equal(via_option_find(&open, "nothing")->text, "");
    assert_int_equal(via_option_find(&open, "nothing")->number, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text__decodes_escapes),
        cmocka_unit_test(test_text__splits_words_as_a_shell_does),
        cmocka_unit_test(test_text__finds_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
