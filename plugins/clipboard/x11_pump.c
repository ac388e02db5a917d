/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server sends: events, replies and errors.
 *
 * Owns: the line of questions, and the order in which everything is handled, which is the order the server sent it in: a
 * reply between two events says how things were between them. Must never wait.
 */
#include "x11_state.h"

#include <stdlib.h>

enum { SYNTHETIC = 0x80 /* bit of an event's type: another client has sent it (SendEvent) */ };

void x11_fail(x11 *self, via_status status, const char *what, const char *mend)
{
    if (self->failed != VIA_OK)
        return;
    self->failed = status;
    self->failed_what = what;
    self->failed_mend = mend;
}

bool x11_is_earlier(xcb_timestamp_t a, xcb_timestamp_t b)
{
    return (int32_t)(a - b) < 0;
}

void x11_time(x11 *self, xcb_timestamp_t time)
{
    if (time != XCB_CURRENT_TIME && (self->now == XCB_CURRENT_TIME || x11_is_earlier(self->now, time)))
        self->now = time;
}

/* ---- questions ---------------------------------------------------------------------------------------------- */

void x11_ask(x11 *self, unsigned sequence, x11_answer answer, void *context)
{
    x11_question *question = malloc(sizeof(*question));

    if (!question) {
        self->xcb.discard_reply(self->connection, sequence);
        x11_fail(self, VIA_ENOMEM, "no memory was left for a question to the X server", NULL);
        return;
    }
    *question = (x11_question){.sequence = sequence, .answer = answer, .context = context};
    *self->questions_end = question;
    self->questions_end = &question->next;
}

void x11_forget(x11 *self, const void *context)
{
    for (x11_question *question = self->questions; question; question = question->next)
        if (question->context == context)
            question->answer = NULL;
}

bool x11_is_quiet(const x11 *self)
{
    return !self->questions;
}

/* Has the first question been answered? An error is an answer without a reply. */
static bool is_answered(x11 *self)
{
    x11_question *question = self->questions;
    xcb_generic_error_t *error = NULL;

    if (question && !question->is_answered)
        question->is_answered =
            self->xcb.poll_for_reply(self->connection, question->sequence, &question->reply, &error) != 0;
    free(error);
    return question && question->is_answered;
}

static void answer_first(x11 *self)
{
    x11_question *question = self->questions;

    self->questions = question->next;
    if (!self->questions)
        self->questions_end = &self->questions;
    if (question->answer)
        question->answer(self, question->context, question->reply);
    free(question->reply);
    free(question);
}

/* Everything that the server has sent before what it sent after request number `sequence`. */
static void answer_until(x11 *self, unsigned sequence)
{
    while (self->questions && (int32_t)(sequence - self->questions->sequence) >= 0 && is_answered(self))
        answer_first(self);
}

/* ---- events ------------------------------------------------------------------------------------------------- */

static void property(x11 *self, const xcb_property_notify_event_t *event)
{
    x11_time(self, event->time);
    if (event->window == self->window && event->atom == self->atoms[X11_STAMP])
        x11_owner_stamp(self, event->time);
    x11_read_property(self, event);
    x11_send_property(self, event);
}

static void owner_changed(x11 *self, const xcb_xfixes_selection_notify_event_t *event, unsigned sequence)
{
    x11_time(self, event->timestamp);
    if (event->selection == self->atoms[X11_SELECTION])
        x11_present_changed(self, event, sequence);
    else if (event->selection == self->atoms[X11_CLIPBOARD_MANAGER])
        x11_manager_changed(self, event->owner);
}

static void notified(x11 *self, const xcb_selection_notify_event_t *event)
{
    if (!x11_manager_notify(self, event))
        x11_read_notify(self, event);
}

static void refused(x11 *self, const xcb_generic_error_t *error)
{
    if (error->error_code == XCB_WINDOW)
        x11_send_gone(self, error->resource_id);
    x11_send_refused(self, error->full_sequence);
}

/*
 * SelectionClear is left alone on purpose: XFixes tells the same with its time and in its order, and cannot be stale. What
 * another client made up counts only where the protocol has clients do so.
 */
static void handle(x11 *self, const xcb_generic_event_t *event)
{
    if (event->response_type == 0)
        refused(self, (const xcb_generic_error_t *)event);
    else if (event->response_type == self->fixes_event + XCB_XFIXES_SELECTION_NOTIFY)
        owner_changed(self, (const xcb_xfixes_selection_notify_event_t *)event, event->full_sequence);
    else if (event->response_type == XCB_PROPERTY_NOTIFY)
        property(self, (const xcb_property_notify_event_t *)event);
    else if (event->response_type == XCB_DESTROY_NOTIFY)
        x11_send_gone(self, ((const xcb_destroy_notify_event_t *)event)->window);
    else if (event->response_type == XCB_SELECTION_REQUEST)
        x11_request(self, (const xcb_selection_request_event_t *)event);
    else if ((event->response_type & ~SYNTHETIC) == XCB_SELECTION_NOTIFY)
        notified(self, (const xcb_selection_notify_event_t *)event);
}

/* Once an answer is here, so is every event from before it, though it may have come after the first look for one. */
static xcb_generic_event_t *next_event(x11 *self)
{
    xcb_generic_event_t *event = self->event;

    self->event = NULL;
    if (!event)
        event = self->xcb.poll_for_event(self->connection);
    if (!event && is_answered(self))
        event = self->xcb.poll_for_queued_event(self->connection);
    return event;
}

void x11_pump(x11 *self)
{
    while (self->failed == VIA_OK) {
        xcb_generic_event_t *event = next_event(self);
        if (event) {
            answer_until(self, event->full_sequence);
            handle(self, event);
            free(event);
        } else if (is_answered(self)) {
            answer_first(self);
        } else {
            break;
        }
    }
    if (self->xcb.connection_has_error(self->connection))
        x11_fail(self, VIA_EIO, "the connection to the X server broke: it ended, or it closed us down",
                 "start the X server again, then open the channel again");
}

bool x11_has_input(x11 *self)
{
    if (!self->event)
        self->event = self->xcb.poll_for_queued_event(self->connection);
    return self->event || is_answered(self) || self->xcb.connection_has_error(self->connection);
}
