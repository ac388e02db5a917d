/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owning the selection: what others see of it, and what the core is told.
 */
#include "x11_unit.h"

#include <stdlib.h>
#include <string.h>

static const char umlaut[] = "gr\xc3\xbc\xc3\x9f dich"; /* has a place in Latin-1 */
static const char umlaut_latin[] = "gr\xfc\xdf dich";
static const char euro[] = "5 \xe2\x82\xac"; /* has none */

static int fresh(void **state)
{
    (void)state;
    unit_reset();
    return 0;
}

static bool has_atom(peer *one, const xcb_get_property_reply_t *list, const char *name)
{
    const uint32_t *atoms = (const uint32_t *)(list + 1);
    const xcb_atom_t atom = peer_atom(one, name);

    for (size_t i = 0; i < list->value_len; i++)
        if (atoms[i] == atom)
            return true;
    return false;
}

/* Asks as a client would, and compares. */
static void expect(peer *one, const char *target, const char *type, const void *bytes, size_t size)
{
    assert_int_equal(peer_convert(one, target, "P", peer_time(one)), peer_atom(one, "P"));
    xcb_get_property_reply_t *answer = peer_property(one, "P", true);
    assert_int_equal(answer->type, peer_atom(one, type));
    assert_int_equal(answer->format, 8);
    assert_int_equal(answer->value_len, size);
    assert_memory_equal(answer + 1, bytes, size);
    free(answer);
}

static void test_x11__offers_text_under_every_name(void **state)
{
    static const char *const names[] = {"TARGETS",      "TIMESTAMP",  "MULTIPLE",
                                        "SAVE_TARGETS", "STRING",     "TEXT",
                                        "UTF8_STRING",  "text/plain", "text/plain;charset=utf-8"};
    (void)state;
    driver *owner = driver_open();
    peer *reader = peer_open();

    driver_publish_text(owner, 1, umlaut);
    assert_int_not_equal(peer_convert(reader, "TARGETS", "P", peer_time(reader)), XCB_ATOM_NONE);
    xcb_get_property_reply_t *list = peer_property(reader, "P", true);
    assert_int_equal(list->type, XCB_ATOM_ATOM);
    assert_int_equal(list->value_len, sizeof(names) / sizeof(names[0]));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_true(has_atom(reader, list, names[i]));
    free(list);
    assert_int_equal(owner->pasted[1], 0);
    expect(reader, "UTF8_STRING", "UTF8_STRING", umlaut, strlen(umlaut));
    expect(reader, "text/plain;charset=utf-8", "text/plain;charset=utf-8", umlaut, strlen(umlaut));
    expect(reader, "STRING", "STRING", umlaut_latin, strlen(umlaut_latin));
    expect(reader, "TEXT", "UTF8_STRING", umlaut, strlen(umlaut));
    AWAIT(owner->pasted[1] == 4);
    driver_publish_text(owner, 2, "plain");
    expect(reader, "TEXT", "STRING", "plain", 5);
    peer_close(reader);
    driver_close(owner);
}

static void test_x11__refuses_what_it_does_not_offer(void **state)
{
    (void)state;
    driver *owner = driver_open();
    peer *reader = peer_open();

    driver_publish_text(owner, 1, euro);
    assert_int_equal(peer_convert(reader, "image/png", "P", peer_time(reader)), XCB_ATOM_NONE);
    assert_int_equal(peer_convert(reader, "STRING", "P", peer_time(reader)), XCB_ATOM_NONE);
    expect(reader, "UTF8_STRING", "UTF8_STRING", euro, strlen(euro));
    assert_int_equal(peer_convert(reader, "MULTIPLE", NULL, peer_time(reader)), XCB_ATOM_NONE);
    peer_close(reader);
    driver_close(owner);
}

static void test_x11__knows_since_when_it_owns(void **state)
{
    (void)state;
    peer *reader = peer_open();
    driver *owner = driver_open();
    const xcb_timestamp_t before = peer_time(reader);
    xcb_timestamp_t after = before;

    while (after == before) /* so that ours lies behind it */
        after = peer_time(reader);
    driver_publish_text(owner, 1, "x");
    assert_int_equal(peer_convert(reader, "UTF8_STRING", "P", before), XCB_ATOM_NONE);
    assert_int_equal(peer_convert(reader, "TIMESTAMP", "P", peer_time(reader)), peer_atom(reader, "P"));
    xcb_get_property_reply_t *answer = peer_property(reader, "P", true);
    assert_int_equal(answer->type, XCB_ATOM_INTEGER);
    assert_int_equal(answer->value_len, 1);
    const uint32_t since = *(const uint32_t *)(answer + 1);
    assert_true(since >= after && since <= peer_time(reader));
    free(answer);
    assert_int_equal(peer_convert(reader, "UTF8_STRING", "P", since), peer_atom(reader, "P"));
    assert_int_equal(peer_convert(reader, "UTF8_STRING", "P", XCB_CURRENT_TIME), peer_atom(reader, "P"));
    peer_close(reader);
    driver_close(owner);
}

static void test_x11__answers_in_the_target_where_no_property_is_named(void **state)
{
    (void)state;
    driver *owner = driver_open();
    peer *reader = peer_open();

    driver_publish_text(owner, 1, "old style");
    assert_int_equal(peer_convert(reader, "UTF8_STRING", NULL, peer_time(reader)), peer_atom(reader, "UTF8_STRING"));
    xcb_get_property_reply_t *answer = peer_property(reader, "UTF8_STRING", true);
    assert_int_equal(answer->value_len, 9);
    free(answer);
    peer_close(reader);
    driver_close(owner);
}

static void test_x11__answers_many_targets_in_one(void **state)
{
    (void)state;
    driver *owner = driver_open();
    peer *reader = peer_open();
    const uint32_t pairs[] = {peer_atom(reader, "UTF8_STRING"), peer_atom(reader, "A"),
                              peer_atom(reader, "image/png"),   peer_atom(reader, "B"),
                              peer_atom(reader, "TIMESTAMP"),   peer_atom(reader, "C"),
                              peer_atom(reader, "MULTIPLE"),    peer_atom(reader, "D")};

    driver_publish_text(owner, 1, "many");
    (void)xcb_change_property(reader->connection, XCB_PROP_MODE_REPLACE, reader->window, peer_atom(reader, "LIST"),
                              peer_atom(reader, "ATOM_PAIR"), 32, 8, pairs);
    assert_int_equal(peer_convert(reader, "MULTIPLE", "LIST", peer_time(reader)), peer_atom(reader, "LIST"));
    xcb_get_property_reply_t *list = peer_property(reader, "LIST", true);
    const uint32_t *answer = (const uint32_t *)(list + 1);
    assert_int_equal(list->value_len, 8);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(answer[i], i == 3 || i == 7 ? XCB_ATOM_NONE : pairs[i]);
    free(list);
    xcb_get_property_reply_t *text = peer_property(reader, "A", true);
    assert_int_equal(text->value_len, 4);
    assert_memory_equal(text + 1, "many", 4);
    free(text);
    xcb_get_property_reply_t *time = peer_property(reader, "C", true);
    assert_int_equal(time->type, XCB_ATOM_INTEGER);
    free(time);
    peer_close(reader);
    driver_close(owner);
}

static void test_x11__marks_secrets(void **state)
{
    const via_offer offer = {"text/plain;charset=utf-8", "hunter2", 7};
    (void)state;
    driver *owner = driver_open();
    peer *reader = peer_open();

    assert_int_equal(driver_publish(owner, 1, &offer, 1, true), VIA_OK);
    assert_true(driver_has_type(owner, "x-kde-passwordManagerHint"));
    expect(reader, "x-kde-passwordManagerHint", "x-kde-passwordManagerHint", "secret", 6);
    assert_int_not_equal(peer_convert(reader, "TARGETS", "P", peer_time(reader)), XCB_ATOM_NONE);
    xcb_get_property_reply_t *list = peer_property(reader, "P", true);
    assert_false(has_atom(reader, list, "SAVE_TARGETS"));
    free(list);
    assert_int_equal(owner->pasted[1], 0);
    assert_int_equal(peer_convert(reader, "SAVE_TARGETS", "P", peer_time(reader)), XCB_ATOM_NONE);
    peer_close(reader);
    driver_close(owner);
}

static void test_x11__tells_what_is_its_own_doing(void **state)
{
    (void)state;
    driver *one = driver_open();
    driver *other = driver_open();

    driver_publish_text(one, 1, "first");
    assert_int_equal(one->ours, 1);
    assert_true(one->changed_at[1] < one->offered_at[1]);
    AWAIT(other->changes == 2);
    assert_int_equal(other->ours, 0);
    driver_publish_text(one, 2, "second");
    assert_int_equal(one->ours, 2);
    AWAIT(one->released[1] == 1);
    assert_false(one->kept[1]);
    AWAIT(other->changes == 3);
    driver_publish_text(other, 3, "third");
    AWAIT(one->changes == 4);
    assert_int_equal(one->ours, 0);
    assert_int_equal(other->ours, 3);
    AWAIT(one->released[2] == 1);
    assert_int_equal(one->generation, other->generation);
    assert_int_equal(other->released[3], 0);
    driver_close(one);
    driver_close(other);
}

static void test_x11__empties_the_clipboard(void **state)
{
    (void)state;
    driver *one = driver_open();
    driver *other = driver_open();

    driver_publish_text(one, 1, "gone soon");
    AWAIT(other->changes == 2);
    clip_x11.offer(other->backend, NULL, 9);
    AWAIT(other->is_offered[9] && one->released[1] == 1);
    assert_int_equal(other->offered[9], VIA_OK);
    assert_int_equal(other->count, 0);
    assert_int_equal(other->ours, 9);
    AWAIT(one->changes == 3);
    assert_int_equal(one->count, 0);
    assert_int_equal(one->ours, 0);
    assert_int_equal(driver_fetch(one, 1, "text/plain")->status, VIA_ENOENT);
    driver_close(one);
    driver_close(other);
}

static void test_x11__takes_back_only_its_own(void **state)
{
    (void)state;
    driver *one = driver_open();
    driver *other = driver_open();

    driver_publish_text(one, 1, "mine");
    AWAIT(other->changes == 2);
    clip_x11.withdraw(other->backend, 1); /* the other has no such number */
    clip_x11.withdraw(one->backend, 7);
    driver_publish_text(other, 2, "theirs");
    clip_x11.withdraw(one->backend, 1); /* nor has this one any more, though it may not know it yet */
    AWAIT(one->released[1] == 1 && one->changes == 3);
    const unit_answer *answer = driver_fetch(one, 1, "text/plain");
    assert_int_equal(answer->status, VIA_OK);
    assert_memory_equal(answer->bytes.data, "theirs", 6);
    const size_t before = other->changes;
    clip_x11.withdraw(other->backend, 2);
    AWAIT(other->changes == before + 1 && other->released[2] == 1);
    assert_int_equal(other->count, 0);
    assert_int_equal(other->ours, 2);
    AWAIT(one->count == 0);
    driver_close(one);
    driver_close(other);
}

/* One thread does all of it: whoever waited for the other end inside would wait for ever. */
static void test_x11__pastes_from_itself(void **state)
{
    const size_t size = 3 << 20;
    uint8_t *bytes = unit_pattern(size);
    const via_offer offers[] = {{"image/png", bytes, size}, {"text/plain;charset=utf-8", "alt", 3}};
    (void)state;
    driver *one = driver_open();

    assert_int_equal(driver_publish(one, 1, offers, 2, false), VIA_OK);
    const unit_answer *answer = driver_fetch(one, 1, "image/png");
    assert_int_equal(answer->status, VIA_OK);
    assert_int_equal(answer->bytes.size, size);
    assert_memory_equal(answer->bytes.data, bytes, size);
    answer = driver_fetch(one, 2, "STRING");
    assert_int_equal(answer->bytes.size, 3);
    assert_int_equal(driver_fetch(one, 3, "image/gif")->status, VIA_ETYPE);
    driver_close(one);
    free(bytes);
}

static void test_x11__serves_three_at_once(void **state)
{
    const size_t size = 2 << 20;
    uint8_t *bytes = unit_pattern(size);
    const via_offer offer = {"image/png", bytes, size};
    driver *readers[3];
    (void)state;
    driver *owner = driver_open();

    assert_int_equal(driver_publish(owner, 1, &offer, 1, false), VIA_OK);
    for (size_t i = 0; i < 3; i++) {
        readers[i] = driver_open();
        clip_x11.fetch(readers[i]->backend, 1, "image/png");
        clip_x11.fetch(readers[i]->backend, 2, "image/png"); /* and each reads it twice */
    }
    for (size_t i = 0; i < 6; i++) {
        const unit_answer *answer = &readers[i / 2]->answers[1 + i % 2];
        AWAIT(answer->is_here);
        assert_int_equal(answer->status, VIA_OK);
        assert_int_equal(answer->bytes.size, size);
        assert_memory_equal(answer->bytes.data, bytes, size);
    }
    AWAIT(owner->pasted[1] == 6);
    for (size_t i = 0; i < 3; i++)
        driver_close(readers[i]);
    driver_close(owner);
    free(bytes);
}

/* What is being read needs this process until it has been read, also when it is not the content any more. */
static void test_x11__is_released_when_the_last_reader_has_it(void **state)
{
    const size_t size = 1 << 20;
    uint8_t *bytes = unit_pattern(size);
    const via_offer offer = {"image/png", bytes, size};
    (void)state;
    driver *owner = driver_open();
    peer *reader = peer_open();

    assert_int_equal(driver_publish(owner, 1, &offer, 1, false), VIA_OK);
    assert_int_not_equal(peer_convert(reader, "image/png", "P", peer_time(reader)), XCB_ATOM_NONE);
    driver_publish_text(owner, 2, "next");
    assert_int_equal(owner->released[1], 0);
    size_t got = 0;
    bool is_last = false;
    free(peer_property(reader, "P", true)); /* INCR */
    while (!is_last) {
        xcb_property_notify_event_t *event = peer_take(reader, XCB_PROPERTY_NOTIFY);
        const bool is_piece = event->atom == peer_atom(reader, "P") && event->state == XCB_PROPERTY_NEW_VALUE;
        free(event);
        xcb_get_property_reply_t *piece = is_piece ? peer_property(reader, "P", true) : NULL;
        if (piece && piece->type == peer_atom(reader, "image/png")) {
            is_last = piece->value_len == 0;
            assert_memory_equal(piece + 1, bytes + got, piece->value_len);
            got += piece->value_len;
        }
        free(piece);
    }
    assert_int_equal(got, size);
    AWAIT(owner->released[1] == 1 && owner->pasted[1] == 1);
    peer_close(reader);
    driver_close(owner);
    free(bytes);
}

/* Two take it from each other without a pause: each change is told to both, in the same order and as whose it is. */
static void test_x11__misses_nothing_in_races(void **state)
{
    enum { ROUNDS = 200 };
    const via_offer offer = {"text/plain;charset=utf-8", "race", 4};
    const clip_marks none = {0};
    driver *two[2];
    (void)state;

    for (size_t i = 0; i < 2; i++)
        two[i] = driver_open();
    for (uint64_t round = 0; round < ROUNDS; round++) {
        const uint64_t number = 1 + round % (UNIT_MANY - 1);
        for (size_t i = 0; i < 2; i++) {
            clip_content *content = clip_content_create(&offer, 1, none, number);
            two[i]->is_offered[number] = false;
            two[i]->released[number] = 0;
            clip_x11.offer(two[i]->backend, content, number);
            clip_content_drop(content);
        }
        AWAIT(two[0]->is_offered[number] && two[1]->is_offered[number]);
        assert_int_equal(two[0]->offered[number], VIA_OK);
        assert_int_equal(two[1]->offered[number], VIA_OK);
        /* Exactly one of them has it, and the other has been released from it. */
        AWAIT(two[0]->generation == two[1]->generation && two[0]->generation == 2 * round + 3);
        AWAIT((two[0]->ours == number) + (two[1]->ours == number) == 1);
        const size_t winner = two[1]->ours == number;
        assert_int_equal(two[!winner]->ours, 0);
        AWAIT(two[!winner]->released[number] == 1);
        assert_int_equal(two[winner]->released[number], 0);
    }
    for (size_t i = 0; i < 2; i++)
        driver_close(two[i]);
}

/* A SelectionClear that is late, or made up, says nothing: the server's notices do. */
static void test_x11__keeps_the_selection_when_a_stale_clear_comes(void **state)
{
    union {
        xcb_selection_clear_event_t event;
        char wire[32];
    } clear = {.wire = {0}};
    (void)state;
    driver *owner = driver_open();
    peer *liar = peer_open();

    driver_publish_text(owner, 1, "still here");
    xcb_get_selection_owner_reply_t *holder = xcb_get_selection_owner_reply(
        liar->connection, xcb_get_selection_owner(liar->connection, peer_atom(liar, "CLIPBOARD")), NULL);
    assert_non_null(holder);
    clear.event = (xcb_selection_clear_event_t){.response_type = XCB_SELECTION_CLEAR,
                                                .time = 1,
                                                .owner = holder->owner,
                                                .selection = peer_atom(liar, "CLIPBOARD")};
    (void)xcb_send_event(liar->connection, 0, holder->owner, 0, clear.wire);
    free(holder);
    expect(liar, "UTF8_STRING", "UTF8_STRING", "still here", 10);
    assert_int_equal(owner->released[1], 0);
    assert_int_equal(owner->changes, 2);
    peer_close(liar);
    driver_close(owner);
}

static void test_x11__looks_after_what_was_changed_before(void **state)
{
    (void)state;
    driver *one = driver_open();
    driver *other = driver_open();

    driver_publish_text(one, 1, "seen");
    clip_x11.look(other->backend, 5);
    AWAIT(other->looked_at[5]);
    assert_int_equal(other->changes, 2);
    assert_int_equal(other->looked_at[5], other->order);
    driver_close(one);
    driver_close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_x11__offers_text_under_every_name, fresh),
        cmocka_unit_test_setup(test_x11__refuses_what_it_does_not_offer, fresh),
        cmocka_unit_test_setup(test_x11__knows_since_when_it_owns, fresh),
        cmocka_unit_test_setup(test_x11__answers_in_the_target_where_no_property_is_named, fresh),
        cmocka_unit_test_setup(test_x11__answers_many_targets_in_one, fresh),
        cmocka_unit_test_setup(test_x11__marks_secrets, fresh),
        cmocka_unit_test_setup(test_x11__tells_what_is_its_own_doing, fresh),
        cmocka_unit_test_setup(test_x11__empties_the_clipboard, fresh),
        cmocka_unit_test_setup(test_x11__takes_back_only_its_own, fresh),
        cmocka_unit_test_setup(test_x11__pastes_from_itself, fresh),
        cmocka_unit_test_setup(test_x11__serves_three_at_once, fresh),
        cmocka_unit_test_setup(test_x11__is_released_when_the_last_reader_has_it, fresh),
        cmocka_unit_test_setup(test_x11__misses_nothing_in_races, fresh),
        cmocka_unit_test_setup(test_x11__keeps_the_selection_when_a_stale_clear_comes, fresh),
        cmocka_unit_test_setup(test_x11__looks_after_what_was_changed_before, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
