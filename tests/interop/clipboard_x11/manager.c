/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing a content over to a clipboard manager: one of ours that does what the specification says, and some that do not.
 */
#include "x11_unit.h"

#include <stdlib.h>
#include <string.h>

static const char text_type[] = "text/plain;charset=utf-8";

static int fresh(void **state)
{
    (void)state;
    unit_reset();
    return 0;
}

/* One that runs, and an owner that knows so. */
static peer *manager_open(driver **owner, const uint8_t *text, size_t size, bool is_sensitive)
{
    const via_offer offer = {text_type, text, size};
    peer *manager = peer_open();

    (void)peer_own(manager, "CLIPBOARD_MANAGER");
    (void)peer_time(manager); /* it has it now */
    *owner = driver_open();
    assert_int_equal(driver_publish(*owner, 1, &offer, 1, is_sensitive), VIA_OK);
    return manager;
}

static xcb_selection_request_event_t *take_order(peer *manager)
{
    xcb_selection_request_event_t *order = peer_take(manager, XCB_SELECTION_REQUEST);

    assert_int_equal(order->selection, peer_atom(manager, "CLIPBOARD_MANAGER"));
    assert_int_equal(order->target, peer_atom(manager, "SAVE_TARGETS"));
    assert_int_not_equal(order->time, XCB_CURRENT_TIME);
    return order;
}

/* Reads all of one format, whichever way it comes. */
static uint8_t *read_all(peer *manager, size_t *size)
{
    const xcb_atom_t type = peer_atom(manager, "UTF8_STRING");
    uint8_t *bytes = calloc(1, 8 << 20);
    bool is_last = false;

    assert_non_null(bytes);
    *size = 0;
    assert_int_not_equal(peer_convert(manager, "UTF8_STRING", "P", peer_time(manager)), XCB_ATOM_NONE);
    xcb_get_property_reply_t *first = peer_property(manager, "P", true);
    const bool is_incremental = first->type == peer_atom(manager, "INCR");
    if (!is_incremental) {
        memcpy(bytes, first + 1, first->value_len);
        *size = first->value_len;
    }
    free(first);
    while (is_incremental && !is_last) {
        xcb_property_notify_event_t *event = peer_take(manager, XCB_PROPERTY_NOTIFY);
        const bool is_piece = event->atom == peer_atom(manager, "P") && event->state == XCB_PROPERTY_NEW_VALUE;
        free(event);
        xcb_get_property_reply_t *piece = is_piece ? peer_property(manager, "P", true) : NULL;
        if (piece && piece->type == type) {
            is_last = piece->value_len == 0;
            memcpy(bytes + *size, piece + 1, piece->value_len);
            *size += piece->value_len;
        }
        free(piece);
    }
    return bytes;
}

static void save(size_t size)
{
    driver *owner;
    uint8_t *text = malloc(size + 1);
    size_t got;

    assert_non_null(text);
    memset(text, 'k', size);
    peer *manager = manager_open(&owner, text, size, false);
    assert_true(clip_x11.hand_over(owner->backend));
    xcb_selection_request_event_t *order = take_order(manager);
    uint8_t *kept = read_all(manager, &got);
    assert_int_equal(got, size);
    assert_memory_equal(kept, text, size);
    assert_int_equal(owner->released[1], 0);
    peer_notify(manager, order, order->property);
    AWAIT(owner->released[1] == 1);
    assert_true(owner->kept[1]);
    assert_int_equal(owner->pasted[1], 0); /* a keeper is no reader */
    assert_false(clip_x11.hand_over(owner->backend));
    free(order);
    free(kept);
    free(text);
    driver_close(owner);
    peer_close(manager);
}

static void test_manager__keeps_the_content(void **state)
{
    (void)state;
    save(4);
    save(3 << 20);
}

static void test_manager__gets_no_secret(void **state)
{
    driver *owner;
    (void)state;
    peer *manager = manager_open(&owner, (const uint8_t *)"hunter2", 7, true);

    assert_false(clip_x11.hand_over(owner->backend));
    driver_close(owner);
    peer_close(manager);
}

static void test_manager__is_not_there(void **state)
{
    (void)state;
    driver *owner = driver_open();

    assert_false(clip_x11.hand_over(owner->backend));
    driver_publish_text(owner, 1, "x");
    assert_false(clip_x11.hand_over(owner->backend));
    peer *manager = peer_open(); /* one comes, and is seen without being asked for */
    (void)peer_own(manager, "CLIPBOARD_MANAGER");
    AWAIT(clip_x11.hand_over(owner->backend));
    peer_close(manager); /* and dies of it */
    AWAIT(owner->released[1] == 1);
    assert_false(owner->kept[1]);
    driver_close(owner);
}

static void test_manager__refuses(void **state)
{
    driver *owner;
    (void)state;
    peer *manager = manager_open(&owner, (const uint8_t *)"x", 1, false);

    assert_true(clip_x11.hand_over(owner->backend));
    xcb_selection_request_event_t *order = take_order(manager);
    peer_notify(manager, order, XCB_ATOM_NONE);
    free(order);
    AWAIT(owner->released[1] == 1);
    assert_false(owner->kept[1]);
    driver_close(owner);
    peer_close(manager);
}

static void test_manager__never_answers(void **state)
{
    driver *owner;
    (void)state;
    unit_settings.reply_ns = 200000000;
    peer *manager = manager_open(&owner, (const uint8_t *)"x", 1, false);

    assert_true(clip_x11.hand_over(owner->backend));
    AWAIT(owner->released[1] == 1);
    assert_false(owner->kept[1]);
    driver_close(owner);
    peer_close(manager);
}

/* Some managers take the selection themselves as soon as they have read it. */
static void test_manager__takes_over(void **state)
{
    driver *owner;
    (void)state;
    peer *manager = manager_open(&owner, (const uint8_t *)"x", 1, false);

    assert_true(clip_x11.hand_over(owner->backend));
    xcb_selection_request_event_t *order = take_order(manager);
    (void)peer_own(manager, "CLIPBOARD");
    peer_notify(manager, order, order->property);
    AWAIT(owner->released[1] == 1);
    assert_true(owner->kept[1]);
    free(order);
    driver_close(owner);
    peer_close(manager);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_manager__keeps_the_content, fresh),
        cmocka_unit_test_setup(test_manager__gets_no_secret, fresh),
        cmocka_unit_test_setup(test_manager__is_not_there, fresh),
        cmocka_unit_test_setup(test_manager__refuses, fresh),
        cmocka_unit_test_setup(test_manager__never_answers, fresh),
        cmocka_unit_test_setup(test_manager__takes_over, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
