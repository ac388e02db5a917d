/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owners of the clipboard that lie, stop or die while we read: each ends in its own status, on time, and never in a part of the
 * bytes.
 */
#include "x11_unit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "kit/deadline.h"

enum { SECOND = 1000000000 };

static const char *const png[] = {"image/png"};

static int fresh(void **state)
{
    (void)state;
    unit_reset();
    return 0;
}

/* A reader, an owner that has said what it offers, and its first request for it. */
typedef struct scene {
    driver *reader;
    peer *owner;
    xcb_atom_t type;
    xcb_atom_t incr;
    xcb_selection_request_event_t *request;
} scene;

static void offer(scene *self, const char *const *types)
{
    const size_t before = self->reader->changes;

    (void)peer_own(self->owner, "CLIPBOARD");
    peer_offer(self->owner, types, 1);
    AWAIT(self->reader->changes == before + 1);
    assert_string_equal(self->reader->types[0], types[0]);
}

static scene scene_open(const char *const *types)
{
    scene self = {.reader = driver_open(), .owner = peer_open()};

    self.type = peer_atom(self.owner, types[0]);
    self.incr = peer_atom(self.owner, "INCR");
    offer(&self, types);
    clip_x11.fetch(self.reader->backend, 1, types[0]);
    self.request = peer_take(self.owner, XCB_SELECTION_REQUEST);
    assert_int_equal(self.request->target, self.type);
    /* To be told when the reader deletes, as every owner does. */
    const uint32_t mask = XCB_EVENT_MASK_PROPERTY_CHANGE;
    (void)xcb_change_window_attributes(self.owner->connection, self.request->requestor, XCB_CW_EVENT_MASK, &mask);
    return self;
}

static via_status scene_answer(scene *self)
{
    AWAIT(self->reader->answers[1].is_here);
    return self->reader->answers[1].status;
}

/* The next content can be read, so nothing was left behind. */
static void scene_close(scene *self, bool has_died)
{
    free(self->request);
    if (!has_died)
        peer_close(self->owner);
    AWAIT(self->reader->count == 0);
    driver *next = driver_open();
    driver_publish_text(next, 1, "afterwards");
    AWAIT(self->reader->count > 0);
    const unit_answer *answer = driver_fetch(self->reader, 2, "text/plain");
    assert_int_equal(answer->status, VIA_OK);
    assert_int_equal(answer->bytes.size, 10);
    driver_close(next);
    driver_close(self->reader);
}

static void begin_pieces(scene *self, size_t count, uint32_t announced)
{
    peer_write(self->owner, self->request, self->incr, 32, count, &announced);
    peer_notify(self->owner, self->request, self->request->property);
    peer_await_deleted(self->owner, self->request);
}

static void piece(scene *self, const void *bytes, size_t size)
{
    peer_write(self->owner, self->request, self->type, 8, size, bytes);
    peer_await_deleted(self->owner, self->request);
}

/* What INCR announces is no more than a hint: nothing, far too much or far too little. */
static void test_owner__lies_about_the_size(void **state)
{
    static const uint32_t announced[] = {0, 1, UINT32_MAX};
    uint8_t *bytes = unit_pattern(100000);
    (void)state;

    for (size_t i = 0; i <= sizeof(announced) / sizeof(announced[0]); i++) {
        const bool is_empty = i == sizeof(announced) / sizeof(announced[0]);
        scene self = scene_open(png);
        begin_pieces(&self, !is_empty, is_empty ? 0 : announced[i]);
        piece(&self, bytes, 60000);
        piece(&self, bytes + 60000, 40000);
        piece(&self, NULL, 0);
        assert_int_equal(scene_answer(&self), VIA_OK);
        assert_int_equal(self.reader->answers[1].bytes.size, 100000);
        assert_memory_equal(self.reader->answers[1].bytes.data, bytes, 100000);
        scene_close(&self, false);
    }
    free(bytes);
}

static void test_owner__never_comes_to_an_end(void **state)
{
    uint8_t *bytes = unit_pattern(100000);
    (void)state;
    unit_settings.max_size = 450000;
    scene self = scene_open(png);

    begin_pieces(&self, 1, 1);
    for (size_t i = 0; i < 5; i++)
        piece(&self, bytes, 100000);
    assert_int_equal(scene_answer(&self), VIA_ETOOBIG);
    assert_int_equal(self.reader->answers[1].bytes.size, 0);
    /* It is seen off for a while, so that an honest one comes to its end; and then no more. */
    xcb_destroy_notify_event_t *gone = NULL;
    const uint32_t mask = XCB_EVENT_MASK_PROPERTY_CHANGE | XCB_EVENT_MASK_STRUCTURE_NOTIFY;
    (void)xcb_change_window_attributes(self.owner->connection, self.request->requestor, XCB_CW_EVENT_MASK, &mask);
    for (size_t i = 0; !gone && i < 10; i++) {
        peer_write(self.owner, self.request, self.type, 8, 100000, bytes);
        xcb_property_notify_event_t *event = NULL;
        bool is_deleted = false;
        AWAIT((gone = peer_poll(self.owner, XCB_DESTROY_NOTIFY)) ||
              (free(event), event = peer_poll(self.owner, XCB_PROPERTY_NOTIFY),
               is_deleted = event && event->state == XCB_PROPERTY_DELETE));
        free(event);
    }
    assert_non_null(gone);
    free(gone);
    scene_close(&self, false);
    free(bytes);
}

static void test_owner__gives_too_much_at_once(void **state)
{
    uint8_t *bytes = unit_pattern(1001);
    (void)state;
    unit_settings.max_size = 1000;

    for (size_t size = 1000; size <= 1001; size++) {
        scene self = scene_open(png);
        peer_write(self.owner, self.request, self.type, 8, size, bytes);
        peer_notify(self.owner, self.request, self.request->property);
        assert_int_equal(scene_answer(&self), size > 1000 ? VIA_ETOOBIG : VIA_OK);
        assert_int_equal(self.reader->answers[1].bytes.size, size > 1000 ? 0 : size);
        scene_close(&self, false);
    }
    free(bytes);
}

static void test_owner__refuses(void **state)
{
    (void)state;
    scene self = scene_open(png);

    peer_notify(self.owner, self.request, XCB_ATOM_NONE);
    assert_int_equal(scene_answer(&self), VIA_ETYPE);
    scene_close(&self, false);
}

static void test_owner__says_yes_and_writes_nothing(void **state)
{
    (void)state;
    scene self = scene_open(png);

    peer_notify(self.owner, self.request, self.request->property);
    assert_int_equal(scene_answer(&self), VIA_EPROTO);
    scene_close(&self, false);
}

static void test_owner__changes_the_type_in_the_middle(void **state)
{
    (void)state;
    scene self = scene_open(png);

    begin_pieces(&self, 1, 10);
    piece(&self, "12345", 5);
    peer_write(self.owner, self.request, XCB_ATOM_STRING, 8, 5, "67890");
    assert_int_equal(scene_answer(&self), VIA_EPROTO);
    assert_int_equal(self.reader->answers[1].bytes.size, 0);
    scene_close(&self, false);
}

/* Its notices say that something was written, and nothing was. */
static void test_owner__writes_and_takes_away(void **state)
{
    (void)state;
    scene self = scene_open(png);

    begin_pieces(&self, 1, 10);
    peer_write(self.owner, self.request, self.type, 8, 5, "never");
    (void)xcb_delete_property(self.owner->connection, self.request->requestor, self.request->property);
    (void)peer_time(self.owner); /* the server has done both, and the reader has seen it */
    piece(&self, "12345", 5);
    piece(&self, NULL, 0);
    assert_int_equal(scene_answer(&self), VIA_OK);
    assert_int_equal(self.reader->answers[1].bytes.size, 5);
    assert_memory_equal(self.reader->answers[1].bytes.data, "12345", 5);
    scene_close(&self, false);
}

static void test_owner__is_late(void **state)
{
    (void)state;
    unit_settings.reply_ns = SECOND / 10;
    scene self = scene_open(png);

    assert_int_equal(scene_answer(&self), VIA_ESTALLED);
    self.reader->answers[1].is_here = false;
    peer_write(self.owner, self.request, self.type, 8, 4, "late");
    peer_notify(self.owner, self.request, self.request->property);
    /* What it says now is about a question that was closed; the next one is asked anew. */
    clip_x11.fetch(self.reader->backend, 3, "image/png");
    xcb_selection_request_event_t *request = peer_take(self.owner, XCB_SELECTION_REQUEST);
    assert_int_not_equal(request->requestor, self.request->requestor);
    peer_write(self.owner, request, self.type, 8, 5, "fresh");
    peer_notify(self.owner, request, request->property);
    free(request);
    AWAIT(self.reader->answers[3].is_here);
    assert_false(self.reader->answers[1].is_here);
    assert_memory_equal(self.reader->answers[3].bytes.data, "fresh", 5);
    scene_close(&self, false);
}

static void test_owner__stops_in_the_middle(void **state)
{
    (void)state;
    unit_settings.idle_ns = SECOND / 5;
    scene self = scene_open(png);

    begin_pieces(&self, 1, 10);
    piece(&self, "12345", 5);
    const uint64_t before = via_deadline_clock();
    assert_int_equal(scene_answer(&self), VIA_ESTALLED);
    assert_true(via_deadline_clock() - before < (uint64_t)10 * SECOND);
    assert_int_equal(self.reader->answers[1].bytes.size, 0);
    /* It is let go on, and comes to its end. */
    piece(&self, "67890", 5);
    peer_write(self.owner, self.request, self.type, 8, 0, NULL);
    scene_close(&self, false);
}

/* Always a little, and always just in time: the whole has its limit, too. */
static void test_owner__trickles(void **state)
{
    (void)state;
    unit_settings.transfer_ns = SECOND / 2;
    scene self = scene_open(png);

    begin_pieces(&self, 1, 10);
    while (!self.reader->answers[1].is_here)
        piece(&self, "x", 1);
    assert_int_equal(scene_answer(&self), VIA_ESTALLED);
    assert_int_equal(self.reader->answers[1].bytes.size, 0);
    scene_close(&self, false);
}

static void test_owner__dies(void **state)
{
    (void)state;
    for (int in_the_middle = 0; in_the_middle < 2; in_the_middle++) {
        scene self = scene_open(png);
        if (in_the_middle) {
            begin_pieces(&self, 1, 10);
            piece(&self, "12345", 5);
        }
        peer_close(self.owner);
        assert_int_equal(scene_answer(&self), VIA_EPEER);
        assert_int_equal(self.reader->answers[1].bytes.size, 0);
        scene_close(&self, true);
    }
}

static void test_owner__is_replaced_in_the_middle(void **state)
{
    (void)state;
    scene self = scene_open(png);
    peer *next = peer_open();

    begin_pieces(&self, 1, 10);
    piece(&self, "12345", 5);
    (void)peer_own(next, "CLIPBOARD");
    peer_offer(next, png, 1);
    assert_int_equal(scene_answer(&self), VIA_EREVOKED);
    assert_int_equal(self.reader->answers[1].bytes.size, 0);
    assert_int_equal(self.reader->changes, 3);
    peer_close(next);
    scene_close(&self, false);
}

/* ... and hands the old content over all the same, which is what was asked for. */
static void test_owner__is_replaced_and_goes_on(void **state)
{
    (void)state;
    scene self = scene_open(png);
    peer *next = peer_open();

    (void)peer_own(next, "CLIPBOARD");
    peer_write(self.owner, self.request, self.type, 8, 3, "old");
    peer_notify(self.owner, self.request, self.request->property);
    assert_int_equal(scene_answer(&self), VIA_OK);
    assert_memory_equal(self.reader->answers[1].bytes.data, "old", 3);
    peer_offer(next, png, 1);
    peer_close(next);
    scene_close(&self, false);
}

/* An owner that says nothing about what it offers can be asked for text; it has one time limit, not one per question. */
static void test_owner__does_not_say_what_it_offers(void **state)
{
    (void)state;
    unit_settings.reply_ns = SECOND / 10;
    driver *reader = driver_open();
    peer *owner = peer_open();

    (void)peer_own(owner, "CLIPBOARD");
    xcb_selection_request_event_t *request = peer_take(owner, XCB_SELECTION_REQUEST);
    AWAIT(reader->changes == 2);
    assert_true(driver_has_type(reader, "UTF8_STRING"));
    assert_int_equal(driver_fetch(reader, 1, "text/plain")->status, VIA_ESTALLED);
    assert_null(peer_poll(owner, XCB_SELECTION_REQUEST));
    peer_notify(owner, request, XCB_ATOM_NONE); /* late, but alive: it is asked again */
    free(request);
    unit_settings.reply_ns = (uint64_t)20 * SECOND;
    do {
        reader->answers[2].is_here = false;
        clip_x11.fetch(reader->backend, 2, "text/plain");
        AWAIT(reader->answers[2].is_here || (request = peer_poll(owner, XCB_SELECTION_REQUEST)));
    } while (reader->answers[2].is_here);
    assert_int_equal(request->target, peer_atom(owner, "UTF8_STRING"));
    peer_write(owner, request, request->target, 8, 2, "ok");
    peer_notify(owner, request, request->property);
    free(request);
    AWAIT(reader->answers[2].is_here);
    peer_close(owner);
    driver_close(reader);
}

/* A whole process that has been stopped, as a debugger does it. */
static void test_owner__is_stopped(void **state)
{
    static const char *const argv[] = {"xclip", "-quiet", "-i", "-selection", "clipboard", NULL};
    (void)state;
    unit_settings.reply_ns = SECOND / 2;
    driver *reader = driver_open();
    program owner = program_start(argv, "stopped", 7);

    AWAIT(reader->count > 0);
    assert_int_equal(kill(owner.pid, SIGSTOP), 0);
    const uint64_t before = via_deadline_clock();
    assert_int_equal(driver_fetch(reader, 1, "UTF8_STRING")->status, VIA_ESTALLED);
    assert_true(via_deadline_clock() - before < (uint64_t)10 * SECOND);
    driver *late = driver_open(); /* one that comes now: it is told on time as well */
    assert_int_equal(driver_fetch(late, 1, "UTF8_STRING")->status, VIA_ESTALLED);
    assert_true(via_deadline_clock() - before < (uint64_t)20 * SECOND);
    assert_int_equal(kill(owner.pid, SIGCONT), 0);
    AWAIT((driver_fetch(reader, 2, "UTF8_STRING"), reader->answers[2].status == VIA_OK));
    assert_memory_equal(reader->answers[2].bytes.data, "stopped", 7);
    assert_int_equal(kill(owner.pid, SIGKILL), 0);
    AWAIT(reader->count == 0 && late->count == 0);
    program_end(&owner);
    driver_close(late);
    driver_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_owner__lies_about_the_size, fresh),
        cmocka_unit_test_setup(test_owner__never_comes_to_an_end, fresh),
        cmocka_unit_test_setup(test_owner__gives_too_much_at_once, fresh),
        cmocka_unit_test_setup(test_owner__refuses, fresh),
        cmocka_unit_test_setup(test_owner__says_yes_and_writes_nothing, fresh),
        cmocka_unit_test_setup(test_owner__changes_the_type_in_the_middle, fresh),
        cmocka_unit_test_setup(test_owner__writes_and_takes_away, fresh),
        cmocka_unit_test_setup(test_owner__is_late, fresh),
        cmocka_unit_test_setup(test_owner__stops_in_the_middle, fresh),
        cmocka_unit_test_setup(test_owner__trickles, fresh),
        cmocka_unit_test_setup(test_owner__dies, fresh),
        cmocka_unit_test_setup(test_owner__is_replaced_in_the_middle, fresh),
        cmocka_unit_test_setup(test_owner__is_replaced_and_goes_on, fresh),
        cmocka_unit_test_setup(test_owner__does_not_say_what_it_offers, fresh),
        cmocka_unit_test_setup(test_owner__is_stopped, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
