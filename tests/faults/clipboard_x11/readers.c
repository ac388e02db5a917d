/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers of our content that stop, die or ask for nonsense: nobody else notices.
 */
#include "x11_unit.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE = 1 << 20 };

static uint8_t *bytes;

static int fresh(void **state)
{
    (void)state;
    unit_reset();
    return 0;
}

static driver *owner_open(void)
{
    const via_offer offer = {"image/png", bytes, SIZE};
    driver *owner = driver_open();

    assert_int_equal(driver_publish(owner, 1, &offer, 1, false), VIA_OK);
    return owner;
}

/* Another reader gets all of it, whatever the hostile one has done. */
static void expect_served(void)
{
    driver *reader = driver_open();
    const unit_answer *answer = driver_fetch(reader, 1, "image/png");

    assert_int_equal(answer->status, VIA_OK);
    assert_int_equal(answer->bytes.size, SIZE);
    assert_memory_equal(answer->bytes.data, bytes, SIZE);
    driver_close(reader);
}

/* Takes the first pieces. */
static peer *begin(size_t pieces)
{
    peer *reader = peer_open();
    const xcb_atom_t property = peer_atom(reader, "P");

    assert_int_equal(peer_convert(reader, "image/png", "P", peer_time(reader)), property);
    xcb_get_property_reply_t *start = peer_property(reader, "P", pieces > 0);
    assert_int_equal(start->type, peer_atom(reader, "INCR"));
    free(start);
    for (size_t got = 0; got < pieces;) {
        xcb_property_notify_event_t *event = peer_take(reader, XCB_PROPERTY_NOTIFY);
        const bool is_piece = event->atom == property && event->state == XCB_PROPERTY_NEW_VALUE;
        free(event);
        if (!is_piece)
            continue;
        xcb_get_property_reply_t *piece = peer_property(reader, "P", got + 1 < pieces);
        got += piece->type == peer_atom(reader, "image/png");
        free(piece);
    }
    return reader;
}

static void test_reader__dies_in_the_middle(void **state)
{
    (void)state;
    driver *owner = owner_open();

    for (size_t pieces = 0; pieces < 3; pieces++) {
        peer_close(begin(pieces));
        expect_served();
    }
    driver_publish_text(owner, 2, "next"); /* nothing is left that would still need the first one */
    AWAIT(owner->released[1] == 1);
    assert_int_equal(owner->pasted[1], 3);
    driver_close(owner);
}

static void test_reader__stops_in_the_middle(void **state)
{
    (void)state;
    unit_settings.idle_ns = 300000000;
    driver *owner = owner_open();
    peer *reader = begin(2);

    expect_served();
    driver_publish_text(owner, 2, "next");
    AWAIT(owner->released[1] == 1);
    assert_int_equal(owner->pasted[1], 1);
    peer_close(reader);
    driver_close(owner);
}

/* The window is gone before the answer can be written. */
static void test_reader__vanishes_before_the_answer(void **state)
{
    (void)state;
    driver *owner = owner_open();

    for (size_t i = 0; i < 20; i++) {
        peer *reader = peer_open();
        (void)xcb_convert_selection(reader->connection, reader->window, peer_atom(reader, "CLIPBOARD"),
                                    peer_atom(reader, i % 2 ? "image/png" : "MULTIPLE"), peer_atom(reader, "P"),
                                    XCB_CURRENT_TIME);
        peer_close(reader);
    }
    expect_served();
    assert_int_equal(owner->pasted[1], 1);
    driver_publish_text(owner, 2, "next");
    AWAIT(owner->released[1] == 1);
    driver_close(owner);
}

static void test_reader__begins_anew(void **state)
{
    (void)state;
    driver *owner = owner_open();
    peer *reader = begin(2);
    size_t got = 0;
    bool is_last = false;

    assert_int_equal(peer_convert(reader, "image/png", "P", peer_time(reader)), peer_atom(reader, "P"));
    free(peer_property(reader, "P", true));
    while (!is_last) {
        xcb_property_notify_event_t *event = peer_take(reader, XCB_PROPERTY_NOTIFY);
        const bool is_written = event->atom == peer_atom(reader, "P") && event->state == XCB_PROPERTY_NEW_VALUE;
        free(event);
        xcb_get_property_reply_t *piece = is_written ? peer_property(reader, "P", true) : NULL;
        if (piece && piece->type == peer_atom(reader, "image/png")) {
            is_last = piece->value_len == 0;
            assert_true(got + piece->value_len <= SIZE);
            assert_memory_equal(piece + 1, bytes + got, piece->value_len);
            got += piece->value_len;
        }
        free(piece);
    }
    assert_int_equal(got, SIZE);
    peer_close(reader);
    driver_close(owner);
}

/* More transfers than anybody needs, none of which goes on. */
static void test_reader__begins_without_end(void **state)
{
    enum { MANY = 400 };
    size_t refused = 0;
    (void)state;
    driver *owner = owner_open();
    peer *reader = peer_open();

    for (size_t i = 0; i < MANY; i++) {
        char property[16] = {'P', (char)('0' + i / 100), (char)('0' + i / 10 % 10), (char)('0' + i % 10)};
        refused += peer_convert(reader, "image/png", property, XCB_CURRENT_TIME) == XCB_ATOM_NONE;
        xcb_property_notify_event_t *event;
        while ((event = peer_poll(reader, XCB_PROPERTY_NOTIFY)))
            free(event);
    }
    assert_in_range(refused, 1, MANY - 64);
    peer_close(reader);
    expect_served();
    driver_close(owner);
}

/* A list of requests that is none: no property, no pairs, far too many, the wrong type. */
static void test_reader__sends_lists_that_are_none(void **state)
{
    uint32_t *many = calloc(100000, sizeof(*many));
    (void)state;
    driver *owner = owner_open();
    peer *reader = peer_open();
    const xcb_atom_t list = peer_atom(reader, "LIST"), pair = peer_atom(reader, "ATOM_PAIR");

    assert_non_null(many);
    assert_int_equal(peer_convert(reader, "MULTIPLE", "LIST", XCB_CURRENT_TIME), XCB_ATOM_NONE);
    (void)xcb_change_property(reader->connection, XCB_PROP_MODE_REPLACE, reader->window, list, pair, 32, 0, NULL);
    assert_int_equal(peer_convert(reader, "MULTIPLE", "LIST", XCB_CURRENT_TIME), XCB_ATOM_NONE);
    (void)xcb_change_property(reader->connection, XCB_PROP_MODE_REPLACE, reader->window, list, pair, 32, 100000, many);
    assert_int_equal(peer_convert(reader, "MULTIPLE", "LIST", XCB_CURRENT_TIME), XCB_ATOM_NONE);
    (void)xcb_change_property(reader->connection, XCB_PROP_MODE_REPLACE, reader->window, list, XCB_ATOM_STRING, 8, 8,
                              "12345678");
    assert_int_equal(peer_convert(reader, "MULTIPLE", "LIST", XCB_CURRENT_TIME), XCB_ATOM_NONE);
    expect_served();
    free(many);
    peer_close(reader);
    driver_close(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_reader__dies_in_the_middle, fresh),
        cmocka_unit_test_setup(test_reader__stops_in_the_middle, fresh),
        cmocka_unit_test_setup(test_reader__vanishes_before_the_answer, fresh),
        cmocka_unit_test_setup(test_reader__begins_anew, fresh),
        cmocka_unit_test_setup(test_reader__begins_without_end, fresh),
        cmocka_unit_test_setup(test_reader__sends_lists_that_are_none, fresh),
    };

    bytes = unit_pattern(SIZE);
    const int failures = cmocka_run_group_tests(tests, NULL, NULL);
    free(bytes);
    return failures;
}
