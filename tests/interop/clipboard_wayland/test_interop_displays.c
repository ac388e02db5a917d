/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both displays are there: a Wayland compositor and an X server. Wayland is meant, and X11 where Wayland has no such thing, unless
 * somebody has said which.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <viaduct/viaduct.h>

enum { PATIENCE_MS = 20000, SHORT_MS = 300 };

static via_status try_join(const char *address, via_channel **channel, via_error *error)
{
    *channel = NULL;
    return via_join(NULL, address, VIA_VALUE, NULL, via_after_ms(PATIENCE_MS), channel, error);
}

static via_channel *join(const char *address)
{
    via_channel *channel;
    via_error error;

    if (try_join(address, &channel, &error) != VIA_OK)
        fail_msg("%s: %s", address, error.what);
    return channel;
}

static void expect_content(const char *address, const char *content)
{
    via_channel *reader = join(address);
    via_msg message;

    assert_int_equal(via_recv(reader, via_after_ms(PATIENCE_MS), &message), VIA_OK);
    assert_int_equal(message.size, strlen(content));
    assert_memory_equal(message.data, content, message.size);
    via_release(reader, &message);
    via_close(reader);
}

/* Wayland has the clipboard and the primary selection, and no others; X11 has as many as one likes. */
static void test_displays__what_wayland_lacks_is_on_x11(void **state)
{
    via_channel *owner = join("clipboard:scratch");

    (void)state;
    assert_int_equal(via_send(owner, "beside", 6, NULL, via_after_ms(PATIENCE_MS)), VIA_OK);
    expect_content("clipboard:scratch?backend=x11", "beside");
    expect_content("clipboard:scratch", "beside");
    via_close(owner);
}

static void test_displays__one_that_was_named_is_the_one(void **state)
{
    char address[512];
    via_channel *channel;
    via_error error;

    (void)state;
    assert_int_equal(try_join("clipboard:scratch?backend=wayland", &channel, &error), VIA_ENOTSUP);
    assert_non_null(strstr(error.what, "scratch"));
    (void)snprintf(address, sizeof(address), "clipboard:scratch?display=%s",
                   getenv("WAYLAND_DISPLAY")); /* NOLINT(concurrency-mt-unsafe): nobody sets it */
    assert_int_equal(try_join(address, &channel, &error), VIA_ENOTSUP);
}

static void test_displays__wayland_comes_first(void **state)
{
    via_channel *owner = join("clipboard:"), *other = join("clipboard:?backend=x11");
    via_msg message;

    (void)state;
    assert_int_equal(via_send(owner, "on wayland", 10, NULL, via_after_ms(PATIENCE_MS)), VIA_OK);
    expect_content("clipboard:?backend=wayland", "on wayland");
    assert_int_equal(via_recv(other, via_after_ms(SHORT_MS), &message), VIA_ETIMEDOUT);
    via_close(other);
    via_close(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_displays__what_wayland_lacks_is_on_x11),
        cmocka_unit_test(test_displays__one_that_was_named_is_the_one),
        cmocka_unit_test(test_displays__wayland_comes_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
