/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subscribers that come while a publisher gathers (VIA_MORE).
 */
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SMALL = 16, LARGE = 2000, END_BY_SEND = 0, END_BY_FLUSH, END_BY_DRAIN, END_BY_CLOSE, ENDS };

static void publish(via_channel *publisher, uint32_t number, size_t size, uint32_t flags)
{
    static char body[LARGE];
    const via_meta meta = {.flags = flags};

    memcpy(body, &number, sizeof(number));
    assert_int_equal(via_send(publisher, body, size, &meta, scene_patience()), VIA_OK);
}

static uint32_t receive(via_channel *subscriber)
{
    uint32_t number;
    via_msg message;

    assert_int_equal(via_recv(subscriber, scene_patience(), &message), VIA_OK);
    memcpy(&number, message.data, sizeof(number));
    via_release(subscriber, &message);
    return number;
}

/* Everything from `joined` on; what had not left by then may come before it. */
static void expect_from(via_channel *subscriber, uint32_t joined, uint32_t end)
{
    uint32_t number = receive(subscriber);

    assert_true(number <= joined);
    while (++number < end)
        assert_int_equal(receive(subscriber), number);
}

static void end_series(via_channel *publisher, int how, uint32_t last)
{
    if (how == END_BY_SEND)
        publish(publisher, last, SMALL, 0);
    else
        publish(publisher, last, SMALL, VIA_MORE);
    if (how == END_BY_FLUSH)
        assert_int_equal(via_flush(publisher, scene_patience()), VIA_OK);
    if (how == END_BY_DRAIN)
        assert_int_equal(via_drain(publisher, scene_patience(), NULL), VIA_OK);
    if (how == END_BY_CLOSE)
        via_close(publisher);
}

static void test_topic__whoever_joins_in_a_series_misses_nothing(void **state)
{
    static const char *const policies[] = {NULL, "overflow=drop-oldest", "overflow=drop-newest", "overflow=fail"};
    scene *s = *state;

    for (int i = 0; i < 4 * ENDS; i++) {
        via_channel *publisher = scene_join(s, VIA_PUBLISH, VIA_SIDE_BIND, policies[i / ENDS]);
        via_channel *subscriber[3];
        subscriber[0] = scene_join(s, VIA_SUBSCRIBE, VIA_SIDE_CONNECT, NULL);
        publish(publisher, 0, SMALL, 0);
        for (uint32_t n = 1; n < 3; n++) {
            publish(publisher, 2 * n - 1, SMALL, VIA_MORE);
            subscriber[n] = scene_join(s, VIA_SUBSCRIBE, VIA_SIDE_CONNECT, NULL);
            publish(publisher, 2 * n, SMALL, VIA_MORE);
        }
        end_series(publisher, i % ENDS, 5);
        for (uint32_t n = 0; n < 3; n++) {
            expect_from(subscriber[n], 2 * n, 6);
            via_close(subscriber[n]);
        }
        if (i % ENDS != END_BY_CLOSE)
            via_close(publisher);
    }
}

/* Longer than what is gathered: parts of it leave before its end. */
static void test_topic__a_long_series_is_joined_anywhere(void **state)
{
    enum { COUNT = 100 };
    scene *s = *state;
    via_channel *publisher = scene_join(s, VIA_PUBLISH, VIA_SIDE_BIND, "send_buffer=1MiB");
    via_channel *subscriber[COUNT / 10];

    for (uint32_t n = 0; n < COUNT; n++) {
        if (n % 10 == 0)
            subscriber[n / 10] = scene_join(s, VIA_SUBSCRIBE, VIA_SIDE_CONNECT, NULL);
        publish(publisher, n, LARGE, n + 1 < COUNT ? VIA_MORE : 0);
    }
    for (uint32_t n = 0; n < COUNT; n += 10) {
        expect_from(subscriber[n / 10], n, COUNT);
        via_close(subscriber[n / 10]);
    }
    via_close(publisher);
}

/* The one who was there has no room, which breaks the series off. */
static void test_topic__a_series_that_breaks_off_is_joined_too(void **state)
{
    scene *s = *state;
    via_channel *publisher = scene_join(s, VIA_PUBLISH, VIA_SIDE_BIND, "send_buffer=8KiB");
    via_channel *early = scene_join(s, VIA_SUBSCRIBE, VIA_SIDE_CONNECT, NULL), *late;
    char body[LARGE] = {0};
    const via_meta more = {.flags = VIA_MORE};
    uint32_t count = 1;

    publish(publisher, 0, LARGE, VIA_MORE);
    late = scene_join(s, VIA_SUBSCRIBE, VIA_SIDE_CONNECT, NULL);
    for (via_status status = VIA_OK; status == VIA_OK && count < 10000;) {
        memcpy(body, &count, sizeof(count));
        status = via_send(publisher, body, sizeof(body), &more, VIA_NOW);
        if (status == VIA_OK)
            count++;
    }
    assert_true(count < 10000);
    for (uint32_t n = 0; n < count; n++) { /* side by side: each keeps the publisher waiting */
        via_msg message;
        while (via_recv(early, VIA_NOW, &message) != VIA_OK)
            assert_int_equal(via_arm(publisher, VIA_WORK), VIA_OK);
        assert_memory_equal(message.data, &n, sizeof(n));
        via_release(early, &message);
    }
    uint32_t number = UINT32_MAX;
    while (number != count - 1) {
        via_msg message;
        if (via_recv(late, VIA_NOW, &message) != VIA_OK) {
            assert_int_equal(via_arm(publisher, VIA_WORK), VIA_OK);
            continue;
        }
        uint32_t found;
        memcpy(&found, message.data, sizeof(found));
        assert_true(number == UINT32_MAX ? found <= 1 : found == number + 1);
        number = found;
        via_release(late, &message);
    }
    via_close(early);
    via_close(late);
    via_close(publisher);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_topic__whoever_joins_in_a_series_misses_nothing),
        TEST(test_topic__a_long_series_is_joined_anywhere),
        TEST(test_topic__a_series_that_breaks_off_is_joined_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
