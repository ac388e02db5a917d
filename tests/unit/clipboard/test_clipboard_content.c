/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contents, the bytes that come in, and the names of text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bytes.h"
#include "content.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* ---- bytes -------------------------------------------------------------------------------------------------- */

static void test_bytes__grow_with_what_comes(void **state)
{
    clip_bytes bytes;

    (void)state;
    clip_bytes_init(&bytes, 100000);
    for (unsigned i = 0; i < 50000; i++) {
        const uint8_t two[2] = {(uint8_t)i, (uint8_t)(i >> 8)};
        assert_int_equal(clip_bytes_add(&bytes, two, 2), VIA_OK);
        assert_true(bytes.capacity <= 100000);
    }
    for (unsigned i = 0; i < 50000; i++)
        assert_int_equal(bytes.data[2 * (size_t)i] | bytes.data[2 * (size_t)i + 1] << 8, i);
    assert_int_equal(clip_bytes_add(&bytes, "x", 1), VIA_ETOOBIG);
    assert_int_equal(clip_bytes_add(&bytes, "x", 0), VIA_OK);
    assert_int_equal(bytes.size, 100000);
    clip_bytes_fini(&bytes);
    assert_int_equal(clip_bytes_add(&bytes, "again", 5), VIA_OK);
    clip_bytes_fini(&bytes);
}

static void test_bytes__never_above_the_limit(void **state)
{
    static const size_t limits[] = {0, 1, 4095, 4096, 4097, 6000};
    clip_bytes bytes;

    (void)state;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        clip_bytes_init(&bytes, limits[i]);
        assert_int_equal(clip_bytes_reserve(&bytes, limits[i] + 1), VIA_ETOOBIG);
        assert_int_equal(clip_bytes_reserve(&bytes, SIZE_MAX), VIA_ETOOBIG);
        assert_int_equal(clip_bytes_reserve(&bytes, limits[i]), VIA_OK);
        assert_true(bytes.capacity <= limits[i] || limits[i] == 0);
        bytes.size = limits[i];
        assert_int_equal(clip_bytes_reserve(&bytes, 1), VIA_ETOOBIG);
        clip_bytes_fini(&bytes);
    }
}

/* ---- content ------------------------------------------------------------------------------------------------ */

static const via_offer page[] = {
    {"text/html", "<b>hi</b>", 9}, {"text/plain", "hi", 2}, {"application/x-none", NULL, 0}};

static void expect_format(const clip_content *content, const char *asked, const char *type, const char *bytes)
{
    const clip_format *found = clip_content_find(content, asked);

    assert_non_null(found);
    assert_string_equal(found->type, type);
    assert_int_equal(found->size, strlen(bytes));
    assert_memory_equal(found->data, bytes, found->size);
}

static void test_content__copies_and_finds(void **state)
{
    char volatile_type[] = "text/html", volatile_bytes[] = "<b>hi</b>";
    via_offer offers[3] = {page[0], page[1], page[2]};

    (void)state;
    offers[0].type = volatile_type;
    offers[0].data = volatile_bytes;
    clip_content *content = clip_content_create(offers, 3, (clip_marks){false, false}, 7);
    assert_non_null(content);
    memset(volatile_type, 'x', 9);
    memset(volatile_bytes, 'x', 9);
    assert_int_equal(content->number, 7);
    expect_format(content, "text/html", "text/html", "<b>hi</b>");
    expect_format(content, "UTF8_STRING", "text/plain", "hi");
    expect_format(content, "text/plain;charset=UTF-8", "text/plain", "hi");
    expect_format(content, "application/x-none", "application/x-none", "");
    assert_null(clip_content_find(content, "image/png"));
    assert_null(clip_content_find(content, "text/plain;charset=utf-16"));
    assert_null(clip_content_find(content, clip_hint_type));
    assert_ptr_equal(clip_content_hold(content), content);
    clip_content_drop(content);
    expect_format(content, "text/html", "text/html", "<b>hi</b>");
    clip_content_drop(content);
    clip_content_drop(NULL);
}

static void test_content__text_goes_by_every_name(void **state)
{
    const char *names[CLIP_NAMES];

    (void)state;
    clip_content *content = clip_content_create(page, 3, (clip_marks){false, false}, 1);
    const size_t count = clip_content_names(content, names, CLIP_NAMES);
    const char *const expected[] = {
        "text/html", "text/plain", "application/x-none", "text/plain;charset=utf-8", "UTF8_STRING", "TEXT", "STRING"};
    assert_int_equal(count, sizeof(expected) / sizeof(expected[0]));
    for (size_t i = 0; i < count; i++)
        assert_string_equal(names[i], expected[i]);
    names[2] = NULL;
    assert_int_equal(clip_content_names(content, names, 2), count);
    assert_null(names[2]);
    clip_content_drop(content);
    content = clip_content_create(page, 1, (clip_marks){false, false}, 1);
    assert_int_equal(clip_content_names(content, names, CLIP_NAMES), 1);
    clip_content_drop(content);
}

static void test_content__secrets_carry_the_hint_once(void **state)
{
    const via_offer marked[] = {{"text/plain", "pw", 2}, {clip_hint_type, "secret", 6}};

    (void)state;
    for (size_t offers = 1; offers <= 2; offers++) {
        clip_content *content = clip_content_create(marked, offers, (clip_marks){true, false}, 1);
        assert_int_equal(content->count, 2);
        assert_true(content->is_sensitive);
        expect_format(content, clip_hint_type, clip_hint_type, "secret");
        clip_content_drop(content);
    }
}

/* ---- names of text ------------------------------------------------------------------------------------------ */

static void test_text__names(void **state)
{
    static const char *const text[] = {"text/plain",
                                       "TEXT/PLAIN",
                                       "text/plain;charset=utf-8",
                                       "text/plain; charset=UTF-8",
                                       "text/plain;charset=\"utf-8\"",
                                       "text/plain;charset=us-ascii",
                                       "text/plain ; format=flowed ; charset=utf8",
                                       "UTF8_STRING",
                                       "STRING",
                                       "TEXT"};
    static const char *const other[] = {"text/html",
                                        "text/plain2",
                                        "text/plain;charset=utf-16",
                                        "text/plain;charset=iso-8859-1",
                                        "text/plain;charset=",
                                        "text/plain charset=utf-8",
                                        "utf8_string",
                                        "",
                                        "text/",
                                        "text/plain;format=flowed;charset=koi8-r",
                                        "text/plain;charset=\"utf-8"};

    (void)state;
    for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
        if (!clip_text_is(text[i]))
            fail_msg("'%s' is text", text[i]);
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        if (clip_text_is(other[i]))
            fail_msg("'%s' is no text that can be read", other[i]);
    for (size_t i = 0; clip_text_names[i]; i++)
        assert_true(clip_text_is(clip_text_names[i]));
    assert_string_equal(clip_text_names[0], clip_text_type);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes__grow_with_what_comes),
        cmocka_unit_test(test_bytes__never_above_the_limit),
        cmocka_unit_test(test_content__copies_and_finds),
        cmocka_unit_test(test_content__text_goes_by_every_name),
        cmocka_unit_test(test_content__secrets_carry_the_hint_once),
        cmocka_unit_test(test_text__names),
    };

    return cmocka_run_group_tests_name("clipboard content", tests, NULL, NULL);
}
