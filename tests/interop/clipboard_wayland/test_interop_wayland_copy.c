/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same bytes, whoever copies and whoever pastes: the backend, wl-copy and wl-paste.
 */
#include "peer.h"

#include <stdlib.h>
#include <string.h>

static const char *display(void)
{
    const char *name = getenv("WAYLAND_DISPLAY"); /* NOLINT(concurrency-mt-unsafe): one thread */

    assert_non_null(name);
    return name;
}

static void test_wayland__pastes_what_wl_copy_copied(void **state)
{
    static const char *const copy[] = {"wl-copy", NULL};
    driver ours;

    (void)state;
    driver_init(&ours, &clip_wayland);
    driver_open(&ours, "clipboard", display());
    peer_copy(copy, "hello", 5);
    assert_true(driver_await(&ours, DRIVER_CHANGED, 0)->count > 0);
    driver_event *end = driver_fetch(&ours, 1, "text/plain;charset=utf-8");
    assert_int_equal(end->status, VIA_OK);
    assert_int_equal(end->bytes.size, 5);
    assert_memory_equal(end->bytes.data, "hello", 5);
    driver_close(&ours);
}

static void test_wayland__wl_paste_pastes_what_was_offered(void **state)
{
    static const char *const paste[] = {"wl-paste", "--no-newline", NULL};
    driver ours;

    (void)state;
    driver_init(&ours, &clip_wayland);
    driver_open(&ours, "clipboard", display());
    driver_offer(&ours, 7, "text/plain", "good morning", 12);
    driver_await(&ours, DRIVER_CHANGED, 7);
    peer_result result = peer_run(paste, NULL, 0);
    peer_expect(&result, "good morning", 12);
    driver_await(&ours, DRIVER_PASTED, 7);
    driver_close(&ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wayland__pastes_what_wl_copy_copied),
        cmocka_unit_test(test_wayland__wl_paste_pastes_what_was_offered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
