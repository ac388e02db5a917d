/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same bytes, whoever copies and whoever pastes: the backend, wl-copy and wl-paste, under sway.
 */
#include "peer.h"

#include <stdlib.h>
#include <string.h>

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

typedef struct content {
    const char *type;
    size_t size;
    const char *text; /* NULL: bytes of every value */
} content;

static const size_t rounds = 2; /* each content on the clipboard and on the primary selection */

/* A PNG's signature has what breaks text: a byte above 127, both ends of a line, a NUL follows. */
static const content contents[] = {
    {"text/plain;charset=utf-8", 0, ""},
    {"text/plain;charset=utf-8", 1, "x"},
    {"text/plain;charset=utf-8", 21, "gr\xc3\xbc\xc3\x9f dich \xe2\x82\xac \xf0\x9f\x93\x8b\n"},
    {"application/octet-stream", 7, "a\0b\0\0c\n"},
    {"image/png", 16, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"},
    {"application/x-test", 256 * KIB - 1, NULL},
    {"application/x-test", 256 * KIB, NULL},
    {"application/x-test", 256 * KIB + 1, NULL},
    {"application/x-test", MIB - 1, NULL},
    {"application/x-test", MIB, NULL},
    {"application/x-test", MIB + 1, NULL},
    {"application/x-test", 5 * MIB, NULL},
};

enum { CONTENTS = sizeof(contents) / sizeof(contents[0]) };

static uint8_t *bytes_of(const content *from)
{
    uint8_t *bytes = driver_bytes(from->size, (unsigned)from->size);

    if (from->text)
        memcpy(bytes, from->text, from->size);
    return bytes;
}

static const char *display(void)
{
    const char *name = getenv("WAYLAND_DISPLAY"); /* NOLINT(concurrency-mt-unsafe): one thread */

    assert_non_null(name);
    return name;
}

static const char *const selections[] = {"clipboard", "primary"};

static void test_wayland__pastes_what_wl_copy_copied(void **state)
{
    (void)state;
    for (size_t i = 0; i < rounds * CONTENTS; i++) {
        const content *from = &contents[i / 2];
        const char *const copy[] = {"wl-copy", "--type", from->type, i % 2 ? "--primary" : NULL, NULL};
        uint8_t *bytes = bytes_of(from);
        driver ours;

        driver_init(&ours, &clip_wayland);
        driver_open(&ours, selections[i % 2], display());
        peer_copy(copy, bytes, from->size);
        const driver_event *change = driver_await(&ours, DRIVER_CHANGED, 0);
        while (!strstr(change->types, from->type))
            change = driver_await(&ours, DRIVER_CHANGED, 0);
        const driver_event *end = driver_fetch(&ours, 1, from->type);
        assert_int_equal(end->status, VIA_OK);
        assert_int_equal(end->bytes.size, from->size);
        if (from->size > 0)
            assert_memory_equal(end->bytes.data, bytes, from->size);
        driver_close(&ours);
        free(bytes);
    }
}

static void test_wayland__wl_paste_pastes_what_was_offered(void **state)
{
    (void)state;
    for (size_t i = 0; i < rounds * CONTENTS; i++) {
        const content *from = &contents[i / 2];
        const char *const paste[] = {"wl-paste", "--no-newline", "--type", from->type, i % 2 ? "--primary" : NULL,
                                     NULL};
        uint8_t *bytes = bytes_of(from);
        driver ours;

        driver_init(&ours, &clip_wayland);
        driver_open(&ours, selections[i % 2], display());
        driver_offer(&ours, 7, from->type, bytes, from->size);
        driver_await(&ours, DRIVER_CHANGED, 7);
        peer_result result = peer_run(paste, NULL, 0);
        peer_expect(&result, bytes, from->size);
        driver_await(&ours, DRIVER_PASTED, 7);
        driver_close(&ours);
        free(bytes);
    }
}

/* It serves one reader and ends: what we got is whole, and the clipboard empty. */
static void test_wayland__pastes_once(void **state)
{
    (void)state;
    for (size_t i = 1; i < CONTENTS; i++) { /* an empty one cannot be told from an owner that died */
        const content *from = &contents[i];
        const char *const copy[] = {"wl-copy", "--paste-once", "--type", from->type, NULL};
        uint8_t *bytes = bytes_of(from);
        driver ours;

        driver_init(&ours, &clip_wayland);
        driver_open(&ours, "clipboard", display());
        peer_copy(copy, bytes, from->size);
        while (!strstr(driver_await(&ours, DRIVER_CHANGED, 0)->types, from->type))
            ;
        const driver_event *end = driver_fetch(&ours, 1, from->type);
        assert_int_equal(end->status, VIA_OK);
        assert_int_equal(end->bytes.size, from->size);
        assert_memory_equal(end->bytes.data, bytes, from->size);
        assert_int_equal(driver_await(&ours, DRIVER_CHANGED, 0)->count, 0);
        driver_close(&ours);
        free(bytes);
    }
}

static void test_wayland__three_readers_at_once(void **state)
{
    enum { SIZE = 5 << 20 };
    static const char *const paste[] = {"wl-paste", "--no-newline", "--type", "application/x-test", NULL};
    uint8_t *bytes = driver_bytes(SIZE, 9);
    peer readers[3];
    driver ours;

    (void)state;
    driver_init(&ours, &clip_wayland);
    /* What one has read is taken from it after the other's end only: the last of them pauses for as long as that takes. */
    ours.settings.idle_ns = ours.settings.transfer_ns = UINT64_C(120000000000);
    driver_open(&ours, "clipboard", display());
    driver_offer(&ours, 1, "application/x-test", bytes, SIZE);
    for (int i = 0; i < 3; i++)
        peer_start(&readers[i], paste);
    for (int i = 0; i < 3; i++) {
        peer_result result = peer_finish(&readers[i]);
        peer_expect(&result, bytes, SIZE);
    }
    driver_close(&ours);
    free(bytes);
}

static void test_wayland__lists_each_name_of_text(void **state)
{
    static const char *const list[] = {"wl-paste", "--list-types", NULL};
    static const char *const names[] = {"text/plain\n", "text/plain;charset=utf-8\n", "UTF8_STRING\n", "STRING\n",
                                        "TEXT\n"};
    driver ours;

    (void)state;
    driver_init(&ours, &clip_wayland);
    driver_open(&ours, "clipboard", display());
    driver_offer(&ours, 1, "text/plain", "words", 5);
    peer_result result = peer_run(list, NULL, 0);
    assert_int_equal(result.status, 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_non_null(strstr((const char *)result.output, names[i]));
    free(result.output);
    driver_close(&ours);
}

static void test_wayland__is_cleared_and_taken_over(void **state)
{
    static const char *const clear[] = {"wl-copy", "--clear", NULL};
    static const char *const copy[] = {"wl-copy", "--type", "application/x-theirs", NULL};
    driver ours;

    (void)state;
    driver_init(&ours, &clip_wayland);
    driver_open(&ours, "clipboard", display());
    driver_offer(&ours, 1, "text/plain", "words", 5);
    driver_await(&ours, DRIVER_CHANGED, 1);
    peer_copy(clear, NULL, 0);
    driver_await(&ours, DRIVER_RELEASED, 1);
    assert_int_equal(driver_await(&ours, DRIVER_CHANGED, 0)->count, 0);
    assert_int_equal(driver_fetch(&ours, 1, "text/plain")->status, VIA_ENOENT);
    driver_offer(&ours, 2, "text/plain", "words", 5);
    driver_await(&ours, DRIVER_CHANGED, 2);
    peer_copy(copy, "theirs", 6);
    driver_await(&ours, DRIVER_RELEASED, 2);
    const driver_event *change = driver_await(&ours, DRIVER_CHANGED, 0);
    assert_int_equal(change->id, 0);
    assert_string_equal(change->types, "application/x-theirs\n");
    ours.backend->offer(ours.self, NULL, 3); /* whoever set it */
    assert_int_equal(driver_await(&ours, DRIVER_OFFERED, 3)->status, VIA_OK);
    assert_int_equal(driver_await(&ours, DRIVER_CHANGED, 3)->count, 0);
    driver_close(&ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wayland__pastes_what_wl_copy_copied),
        cmocka_unit_test(test_wayland__wl_paste_pastes_what_was_offered),
        cmocka_unit_test(test_wayland__pastes_once),
        cmocka_unit_test(test_wayland__three_readers_at_once),
        cmocka_unit_test(test_wayland__lists_each_name_of_text),
        cmocka_unit_test(test_wayland__is_cleared_and_taken_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
