/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose the selection is: every change told once and in order, under the ext and the wlr protocol, with compositors that tell it
 * soon, late, or not at all.
 */
#include "compositor.h"

#include "wayland_protocol.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const foreign[] = {"image/png", "image/bmp"};

static void answer_yes(void *data, const char *type, int descriptor)
{
    (void)data;
    (void)type;
    assert_int_equal(dprintf(descriptor, "yes"), 3);
    close(descriptor);
}

static const compositor_manners all_manners[] = {
    {.seats = 1},
    {.is_wlr = true, .seats = 1},
    {.is_wlr = true, .version = 1, .seats = 1},
    {.seats = 1, .never_echoes = true},
    {.seats = 1, .echoes_late = true},
};

enum { MANNERS = sizeof(all_manners) / sizeof(all_manners[0]) };

/* The tables are written by hand: these are the names of the protocols. */
static void test_wayland__names_of_the_protocols(void **state)
{
    static const char *const names[][5] = {
        {"ext_data_control_manager_v1", "ext_data_control_device_v1", "ext_data_control_source_v1",
         "ext_data_control_offer_v1"},
        {"zwlr_data_control_manager_v1", "zwlr_data_control_device_v1", "zwlr_data_control_source_v1",
         "zwlr_data_control_offer_v1"},
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(wayland_protocols[i].manager->name, names[i][0]);
        assert_string_equal(wayland_protocols[i].device->name, names[i][1]);
        assert_string_equal(wayland_protocols[i].source->name, names[i][2]);
        assert_string_equal(wayland_protocols[i].offer->name, names[i][3]);
    }
    assert_null(wayland_protocols[2].manager);
}

static void test_wayland__tells_what_is_there_and_every_change(void **state)
{
    (void)state;
    for (size_t i = 0; i < MANNERS; i++) {
        compositor server;
        driver client = {0};

        compositor_init(&server, all_manners[i]);
        assert_int_equal(compositor_open(&server, &client, &clip_wayland, "clipboard")->count, 0);
        compositor_own(&server, COMPOSITOR_CLIPBOARD, foreign, 2, answer_yes, NULL);
        const driver_event *change = driver_await(&client, DRIVER_CHANGED, 0);
        assert_string_equal(change->types, "image/png\nimage/bmp\n");
        assert_int_equal(change->id, 0);
        compositor_clear(&server, COMPOSITOR_CLIPBOARD);
        assert_int_equal(driver_await(&client, DRIVER_CHANGED, 0)->count, 0);
        assert_int_equal(driver_untaken(&client, DRIVER_CHANGED), 0);
        driver_close(&client);
        compositor_fini(&server);
    }
}

static void test_wayland__finds_what_is_there_at_the_start(void **state)
{
    (void)state;
    for (size_t i = 0; i < MANNERS; i++) {
        compositor server;
        driver client = {0};

        compositor_init(&server, all_manners[i]);
        compositor_own(&server, COMPOSITOR_CLIPBOARD, foreign, 2, answer_yes, NULL);
        assert_string_equal(compositor_open(&server, &client, &clip_wayland, "clipboard")->types,
                            "image/png\nimage/bmp\n");
        assert_int_equal(driver_fetch(&client, 1, "image/png")->bytes.size, 3);
        assert_int_equal(driver_untaken(&client, DRIVER_CHANGED), 0);
        driver_close(&client);
        compositor_fini(&server);
    }
}

/* Waits for everything that may still be told. */
static void settle(driver *client)
{
    static uint64_t ticket = 1000;

    for (int i = 0; i < 3; i++) {
        client->backend->look(client->self, ++ticket);
        driver_await(client, DRIVER_LOOKED, ticket);
    }
}

static void test_wayland__own_contents_are_told_as_ours_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < MANNERS; i++) {
        compositor server;
        driver client = {0};

        compositor_init(&server, all_manners[i]);
        compositor_open(&server, &client, &clip_wayland, "clipboard");
        for (uint64_t number = 1; number <= 3; number++) {
            driver_offer(&client, number, "text/plain", "mine", 4);
            settle(&client);
            const driver_event *change = driver_await(&client, DRIVER_CHANGED, 0);
            assert_int_equal(change->id, number);
            assert_non_null(strstr(change->types, "UTF8_STRING\n"));
            if (number > 1)
                driver_await(&client, DRIVER_RELEASED, number - 1);
            assert_int_equal(driver_untaken(&client, DRIVER_CHANGED), 0);
        }
        compositor_own(&server, COMPOSITOR_CLIPBOARD, foreign, 2, answer_yes, NULL);
        driver_await(&client, DRIVER_RELEASED, 3);
        const driver_event *change = driver_await(&client, DRIVER_CHANGED, 0);
        assert_int_equal(change->id, 0);
        assert_string_equal(change->types, "image/png\nimage/bmp\n");
        driver_close(&client);
        compositor_fini(&server);
    }
}

/* Its own content is answered from memory; the compositor is not asked, so nobody waits for himself. */
static void test_wayland__reads_its_own_content(void **state)
{
    (void)state;
    for (size_t i = 0; i < MANNERS; i++) {
        compositor server;
        driver client = {0};

        compositor_init(&server, all_manners[i]);
        compositor_open(&server, &client, &clip_wayland, "clipboard");
        driver_offer(&client, 5, "text/plain", "mine", 4);
        const driver_event *end = driver_fetch(&client, 1, "UTF8_STRING");
        assert_int_equal(end->status, VIA_OK);
        assert_memory_equal(end->bytes.data, "mine", 4);
        assert_int_equal(driver_fetch(&client, 2, "image/png")->status, VIA_ETYPE);
        assert_int_equal(server.receives, 0);
        driver_close(&client);
        compositor_fini(&server);
    }
}

static void test_wayland__clears_and_withdraws(void **state)
{
    (void)state;
    for (size_t i = 0; i < MANNERS; i++) {
        compositor server;
        driver client = {0};

        compositor_init(&server, all_manners[i]);
        compositor_open(&server, &client, &clip_wayland, "clipboard");
        client.backend->offer(client.self, NULL, 1); /* of an empty one: no change */
        assert_int_equal(driver_await(&client, DRIVER_OFFERED, 1)->status, VIA_OK);
        driver_offer(&client, 2, "text/plain", "mine", 4);
        driver_await(&client, DRIVER_CHANGED, 2);
        client.backend->offer(client.self, NULL, 3);
        assert_int_equal(driver_await(&client, DRIVER_OFFERED, 3)->status, VIA_OK);
        driver_await(&client, DRIVER_RELEASED, 2);
        assert_int_equal(driver_await(&client, DRIVER_CHANGED, 3)->count, 0);
        driver_offer(&client, 4, "text/plain", "mine", 4);
        driver_await(&client, DRIVER_CHANGED, 4);
        client.backend->withdraw(client.self, 3); /* not that one */
        client.backend->withdraw(client.self, 4);
        driver_await(&client, DRIVER_RELEASED, 4);
        assert_int_equal(driver_await(&client, DRIVER_CHANGED, 4)->count, 0);
        settle(&client);
        assert_int_equal(driver_untaken(&client, DRIVER_CHANGED), 0);
        assert_int_equal(driver_fetch(&client, 9, "text/plain")->status, VIA_ENOENT);
        driver_close(&client);
        compositor_fini(&server);
    }
}

static void test_wayland__clears_what_others_set(void **state)
{
    compositor server;
    driver client = {0};

    (void)state;
    compositor_init(&server, all_manners[0]);
    compositor_own(&server, COMPOSITOR_CLIPBOARD, foreign, 2, answer_yes, NULL);
    compositor_open(&server, &client, &clip_wayland, "clipboard");
    client.backend->offer(client.self, NULL, 8);
    assert_int_equal(driver_await(&client, DRIVER_OFFERED, 8)->status, VIA_OK);
    assert_int_equal(driver_await(&client, DRIVER_CHANGED, 8)->count, 0);
    assert_null(server.selections[COMPOSITOR_CLIPBOARD].owner);
    driver_close(&client);
    compositor_fini(&server);
}

/* Somebody else sets it between our setting and the compositor's answer. */
static void test_wayland__tells_that_somebody_was_faster(void **state)
{
    (void)state;
    for (int is_wlr = 0; is_wlr < 2; is_wlr++) {
        const via_offer offer = {"text/plain", "mine", 4};
        compositor server;
        driver client = {0};

        compositor_init(&server, (compositor_manners){.is_wlr = is_wlr, .seats = 1, .is_contested = true});
        compositor_open(&server, &client, &clip_wayland, "clipboard");
        clip_content *content = clip_content_create(&offer, 1, (clip_marks){0}, 6);
        client.backend->offer(client.self, content, 6);
        clip_content_drop(content);
        assert_int_equal(driver_await(&client, DRIVER_OFFERED, 6)->status, VIA_EREVOKED);
        driver_await(&client, DRIVER_CHANGED, 6);
        assert_string_equal(driver_await(&client, DRIVER_CHANGED, 0)->types, "application/x-rival\n");
        settle(&client);
        assert_int_equal(driver_untaken(&client, DRIVER_CHANGED), 0);
        driver_close(&client);
        compositor_fini(&server);
    }
}

/* Several wishes at once are fulfilled one after the other. */
static void test_wayland__sets_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < MANNERS; i++) {
        compositor server;
        driver client = {0};

        compositor_init(&server, all_manners[i]);
        compositor_open(&server, &client, &clip_wayland, "clipboard");
        for (uint64_t number = 1; number <= 5; number++) {
            const via_offer offer = {"text/plain", &number, 1};
            clip_content *content = clip_content_create(&offer, 1, (clip_marks){0}, number);

            client.backend->offer(client.self, number == 3 ? NULL : content, number);
            clip_content_drop(content);
        }
        client.backend->withdraw(client.self, 4); /* waits still: it is never set */
        for (uint64_t number = 1; number <= 5; number++) {
            const driver_event *end = driver_await(&client, DRIVER_OFFERED, 0);

            if (end->id == 4) { /* refused at once */
                assert_int_equal(end->status, VIA_EREVOKED);
                end = driver_await(&client, DRIVER_OFFERED, 0);
                number++;
            }
            assert_int_equal(end->status, VIA_OK);
        }
        settle(&client);
        for (uint64_t number = 1; number <= 5; number++)
            if (number != 4)
                assert_int_equal(driver_await(&client, DRIVER_CHANGED, 0)->id, number);
        assert_int_equal(driver_untaken(&client, DRIVER_CHANGED), 0);
        driver_close(&client);
        compositor_fini(&server);
    }
}

/* Taken back before it is known to be there; not where the echo comes so late that it finds nothing of ours any more. */
static void test_wayland__withdraws_what_is_being_set(void **state)
{
    const via_offer offer = {"text/plain", "mine", 4};

    (void)state;
    for (size_t i = 0; i < MANNERS && !all_manners[i].echoes_late; i++) {
        compositor server;
        driver client = {0};

        compositor_init(&server, all_manners[i]);
        compositor_open(&server, &client, &clip_wayland, "clipboard");
        clip_content *content = clip_content_create(&offer, 1, (clip_marks){0}, 6);
        client.backend->offer(client.self, content, 6);
        clip_content_drop(content);
        client.backend->withdraw(client.self, 6);
        assert_int_equal(driver_await(&client, DRIVER_OFFERED, 6)->status, VIA_OK);
        driver_await(&client, DRIVER_RELEASED, 6);
        assert_true(driver_await(&client, DRIVER_CHANGED, 6)->count > 0);
        assert_int_equal(driver_await(&client, DRIVER_CHANGED, 6)->count, 0);
        driver_close(&client);
        compositor_fini(&server);
    }
}

static void test_wayland__primary_is_another_one(void **state)
{
    (void)state;
    for (int is_wlr = 0; is_wlr < 2; is_wlr++) {
        compositor server;
        driver client = {0};
        driver other = {0};

        compositor_init(&server, (compositor_manners){.is_wlr = is_wlr, .seats = 1});
        compositor_own(&server, COMPOSITOR_CLIPBOARD, foreign, 2, answer_yes, NULL);
        assert_int_equal(compositor_open(&server, &client, &clip_wayland, "primary")->count, 0);
        compositor_open(&server, &other, &clip_wayland, "clipboard");
        driver_offer(&client, 1, "text/plain", "mine", 4);
        driver_await(&client, DRIVER_CHANGED, 1);
        assert_non_null(server.selections[COMPOSITOR_PRIMARY].source);
        assert_non_null(server.selections[COMPOSITOR_CLIPBOARD].owner);
        settle(&other);
        assert_int_equal(driver_untaken(&other, DRIVER_CHANGED), 0);
        driver_close(&other);
        driver_close(&client);
        compositor_fini(&server);
    }
}

static void test_wayland__is_empty_if_nothing_is_told(void **state)
{
    compositor server;
    driver client = {0};

    (void)state;
    compositor_init(&server, (compositor_manners){.seats = 1, .is_silent = true});
    assert_int_equal(compositor_open(&server, &client, &clip_wayland, "clipboard")->count, 0);
    compositor_own(&server, COMPOSITOR_CLIPBOARD, foreign, 1, answer_yes, NULL);
    assert_string_equal(driver_await(&client, DRIVER_CHANGED, 0)->types, "image/png\n");
    driver_close(&client);
    compositor_fini(&server);
}

/* When a look has ended, what was there before has been told. */
static void test_wayland__looks(void **state)
{
    compositor server;
    driver client = {0};

    (void)state;
    compositor_init(&server, all_manners[0]);
    compositor_open(&server, &client, &clip_wayland, "clipboard");
    compositor_own(&server, COMPOSITOR_CLIPBOARD, foreign, 1, answer_yes, NULL);
    client.backend->look(client.self, 1);
    client.backend->look(client.self, 2);
    driver_await(&client, DRIVER_LOOKED, 1);
    assert_int_equal(driver_untaken(&client, DRIVER_CHANGED), 1);
    driver_await(&client, DRIVER_LOOKED, 2);
    driver_close(&client);
    compositor_fini(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wayland__names_of_the_protocols),
        cmocka_unit_test(test_wayland__tells_what_is_there_and_every_change),
        cmocka_unit_test(test_wayland__finds_what_is_there_at_the_start),
        cmocka_unit_test(test_wayland__own_contents_are_told_as_ours_once),
        cmocka_unit_test(test_wayland__reads_its_own_content),
        cmocka_unit_test(test_wayland__clears_and_withdraws),
        cmocka_unit_test(test_wayland__clears_what_others_set),
        cmocka_unit_test(test_wayland__tells_that_somebody_was_faster),
        cmocka_unit_test(test_wayland__sets_in_order),
        cmocka_unit_test(test_wayland__withdraws_what_is_being_set),
        cmocka_unit_test(test_wayland__primary_is_another_one),
        cmocka_unit_test(test_wayland__is_empty_if_nothing_is_told),
        cmocka_unit_test(test_wayland__looks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
