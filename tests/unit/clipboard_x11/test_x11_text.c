/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text of owners that speak the encodings of old: what they say is told in UTF-8, or not at all.
 */
#include "x11_unit.h"

#include <stdlib.h>
#include <string.h>

static int fresh(void **state)
{
    (void)state;
    unit_reset();
    return 0;
}

typedef struct spoken {
    const char *answered_as; /* the type of the property */
    const char *bytes;       /* in it */
    const char *told;        /* in UTF-8; NULL = VIA_ETYPE */
} spoken;

static const spoken all[] = {
    {"STRING", "plain", "plain"},
    {"STRING", "gr\xfc\xdf", "gr\xc3\xbc\xc3\x9f"},
    {"COMPOUND_TEXT", "plain", "plain"},
    {"COMPOUND_TEXT", "gr\xfc\xdf\n\ttab", "gr\xc3\xbc\xc3\x9f\n\ttab"},
    {"COMPOUND_TEXT", "", ""},
    /* a change of character set (to Greek, to UTF-8), and of direction: none of them is guessed at */
    {"COMPOUND_TEXT", "\x1b-F\xe1", NULL},
    {"COMPOUND_TEXT", "a\x1b%G\xc3\xbc\x1b%@", NULL},
    {"COMPOUND_TEXT", "\x9b\x32]abc\x9b]", NULL},
    {"UTF8_STRING", "gr\xc3\xbc", "gr\xc3\xbc"},
};

/* The owner is asked for TEXT, whose answer says itself what it is (ICCCM 2.6.2). */
static void answer_text(peer *owner, driver *reader, const spoken *text)
{
    xcb_selection_request_event_t *request;

    reader->answers[1].is_here = false;
    clip_x11.fetch(reader->backend, 1, "TEXT");
    request = peer_take(owner, XCB_SELECTION_REQUEST);
    assert_int_equal(request->target, peer_atom(owner, "TEXT"));
    peer_write(owner, request, peer_atom(owner, text->answered_as), 8, strlen(text->bytes), text->bytes);
    peer_notify(owner, request, request->property);
    free(request);
    AWAIT(reader->answers[1].is_here);
}

static void test_x11__understands_text_in_old_encodings(void **state)
{
    static const char *const names[] = {"TARGETS", "TEXT"};
    (void)state;
    driver *reader = driver_open();
    peer *owner = peer_open();

    (void)peer_own(owner, "CLIPBOARD");
    peer_offer(owner, names, 2);
    AWAIT(driver_has_type(reader, "TEXT"));
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        const unit_answer *answer = &reader->answers[1];
        answer_text(owner, reader, &all[i]);
        assert_int_equal(answer->status, all[i].told ? VIA_OK : VIA_ETYPE);
        if (!all[i].told)
            continue;
        assert_int_equal(answer->bytes.size, strlen(all[i].told));
        assert_true(answer->bytes.size == 0 || memcmp(answer->bytes.data, all[i].told, answer->bytes.size) == 0);
    }
    peer_close(owner);
    driver_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_x11__understands_text_in_old_encodings, fresh)};

    return cmocka_run_group_tests_name("x11 text", tests, NULL, NULL);
}
