/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xclip and xsel, in both directions, at sizes around every threshold.
 *
 * xsel knows text only: it cuts at a NUL, and is given none. xclip gives whatever it has for any target that it is asked for.
 */
#include "x11_unit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 256 * 1024 /* bytes that go without INCR */ };
static const size_t sizes[] = {0, 1, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5 << 20};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static const char text_type[] = "text/plain;charset=utf-8";
static const char *const xclip_text_out[] = {"xclip", "-o", "-selection", "clipboard", "-t", "UTF8_STRING", NULL};
static const char *const xclip_png_out[] = {"xclip", "-o", "-selection", "clipboard", "-t", "image/png", NULL};
static const char *const xclip_targets[] = {"xclip", "-o", "-selection", "clipboard", "-t", "TARGETS", NULL};
static const char *const xclip_png_in[] = {"xclip", "-quiet", "-i", "-selection", "clipboard", "-t", "image/png", NULL};
static const char *const xclip_in[] = {"xclip", "-quiet", "-i", "-selection", "clipboard", NULL};
static const char *const xsel_out[] = {"xsel", "-b", "-o", NULL};
static const char *const xsel_in[] = {"xsel", "-b", "-i", "-n", NULL};

static int fresh(void **state)
{
    (void)state;
    unit_reset();
    return 0;
}

/* UTF-8 of one, two, three and four bytes a character, and exactly this long. */
static uint8_t *make_text(size_t size)
{
    static const char sample[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x9a\x82 ";
    uint8_t *text = malloc(size + 1);

    assert_non_null(text);
    memset(text, '.', size);
    for (size_t at = 0; at + sizeof(sample) - 1 <= size; at += sizeof(sample) - 1)
        memcpy(text + at, sample, sizeof(sample) - 1);
    return text;
}

static void expect_output(program *reader, const uint8_t *bytes, size_t size)
{
    size_t got;

    assert_int_equal(program_wait(reader), 0);
    uint8_t *output = program_output(reader, &got);
    assert_int_equal(got, size);
    assert_true(memcmp(output, bytes, size) == 0);
    free(output);
    program_end(reader);
}

static void to_program(const char *const *argv, const char *type, const uint8_t *bytes, size_t size)
{
    const via_offer offer = {type, bytes, size};
    driver *owner = driver_open();

    assert_int_equal(driver_publish(owner, 1, &offer, 1, false), VIA_OK);
    program reader = program_start(argv, NULL, 0);
    expect_output(&reader, bytes, size);
    driver_close(owner);
}

static void from_program(const char *const *argv, const char *type, const uint8_t *bytes, size_t size)
{
    driver *reader = driver_open();
    program owner = program_start(argv, bytes, size);

    AWAIT(reader->count > 0);
    const unit_answer *answer = driver_fetch(reader, 1, type);
    assert_int_equal(answer->status, VIA_OK);
    assert_int_equal(answer->bytes.size, size);
    assert_true(size == 0 || memcmp(answer->bytes.data, bytes, size) == 0);
    program_end(&owner);
    AWAIT(reader->count == 0);
    driver_close(reader);
}

static void test_programs__read_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        uint8_t *text = make_text(sizes[i]);
        to_program(xclip_text_out, text_type, text, sizes[i]);
        to_program(xsel_out, text_type, text, sizes[i]);
        free(text);
    }
}

static void test_programs__read_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        uint8_t *bytes = unit_pattern(sizes[i]);
        to_program(xclip_png_out, "image/png", bytes, sizes[i]);
        free(bytes);
    }
}

static void test_programs__give_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        uint8_t *text = make_text(sizes[i]);
        from_program(xclip_in, "UTF8_STRING", text, sizes[i]);
        if (sizes[i] > 0) /* of nothing xsel makes no selection */
            from_program(xsel_in, "UTF8_STRING", text, sizes[i]);
        free(text);
    }
}

static void test_programs__give_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        uint8_t *bytes = unit_pattern(sizes[i]);
        from_program(xclip_png_in, "image/png", bytes, sizes[i]);
        free(bytes);
    }
}

static void test_programs__three_read_at_once(void **state)
{
    const size_t size = 5 << 20;
    uint8_t *text = make_text(size);
    const via_offer offer = {text_type, text, size};
    const char *const *const argv[] = {xclip_text_out, xsel_out, xclip_text_out};
    program readers[3];
    (void)state;
    driver *owner = driver_open();

    assert_int_equal(driver_publish(owner, 1, &offer, 1, false), VIA_OK);
    for (size_t i = 0; i < 3; i++)
        readers[i] = program_start(argv[i], NULL, 0);
    for (size_t i = 0; i < 3; i++)
        expect_output(&readers[i], text, size);
    AWAIT(owner->pasted[1] == 3);
    driver_close(owner);
    free(text);
}

static void test_programs__see_what_is_offered(void **state)
{
    static const char *const names[] = {"\nimage/png\n", "\nUTF8_STRING\n", "\nSTRING\n",
                                        "\ntext/plain;charset=utf-8\n", "\nTIMESTAMP\n"};
    const via_offer offers[] = {{"image/png", "\x89PNG", 4}, {text_type, "alt", 3}};
    size_t size;
    (void)state;
    driver *owner = driver_open();

    assert_int_equal(driver_publish(owner, 1, offers, 2, false), VIA_OK);
    program reader = program_start(xclip_targets, NULL, 0);
    assert_int_equal(program_wait(&reader), 0);
    uint8_t *list = program_output(&reader, &size);
    list[size] = '\0';
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_non_null(strstr((const char *)list, names[i]));
    free(list);
    program_end(&reader);
    driver_close(owner);
}

/* A reader that is killed on its way harms nobody. */
static void test_programs__may_be_killed(void **state)
{
    const size_t size = 5 << 20;
    uint8_t *text = make_text(size);
    const via_offer offer = {text_type, text, size};
    (void)state;
    driver *owner = driver_open();

    assert_int_equal(driver_publish(owner, 1, &offer, 1, false), VIA_OK);
    for (int i = 0; i < 10; i++) {
        program victim = program_start(xclip_text_out, NULL, 0);
        for (int turn = 0; turn < i * 3; turn++)
            unit_turn();
        program_end(&victim);
    }
    program reader = program_start(xclip_text_out, NULL, 0);
    expect_output(&reader, text, size);
    driver_publish_text(owner, 2, "next");
    AWAIT(owner->released[1] == 1);
    driver_close(owner);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_programs__read_text, fresh),
        cmocka_unit_test_setup(test_programs__read_bytes, fresh),
        cmocka_unit_test_setup(test_programs__give_text, fresh),
        cmocka_unit_test_setup(test_programs__give_bytes, fresh),
        cmocka_unit_test_setup(test_programs__three_read_at_once, fresh),
        cmocka_unit_test_setup(test_programs__see_what_is_offered, fresh),
        cmocka_unit_test_setup(test_programs__may_be_killed, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
