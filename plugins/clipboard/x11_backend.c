/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The X11 backend as the channel sees it.
 *
 * Owns: the object's life, what it sleeps on, and the round of work. What is done in a round is the other files'.
 */
#include "x11_state.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit/deadline.h"

/* Nobody but us may be cut off in a forked child: libxcb shuts its socket down, which is the parent's too. */
static void leave_socket(x11 *self)
{
    const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (nowhere < 0)
        return;
    (void)dup3(nowhere, self->descriptor, O_CLOEXEC);
    (void)close(nowhere);
}

/* Nothing is flushed: each slot and each round has done so on the worker, where it may be cut off. */
static void disconnect(x11 *self, uint32_t how)
{
    if (!self->connection)
        return;
    if (how == VIA_CLOSE_FORKED && self->xcb.connection_has_error(self->connection) == 0)
        leave_socket(self);
    self->xcb.disconnect(self->connection);
}

static void free_questions(x11 *self)
{
    while (self->questions) {
        x11_question *next = self->questions->next;
        free(self->questions->reply);
        free(self->questions);
        self->questions = next;
    }
}

static void x11_close(void *object, uint32_t how)
{
    x11 *self = object;

    disconnect(self, how);
    free_questions(self);
    x11_multiple_fini(self);
    x11_send_fini(self);
    x11_read_fini(self);
    x11_present_fini(self);
    x11_owner_fini(self);
    x11_news_fini(self);
    x11_atoms_fini(&self->names);
    free(self->event);
    x11_library_close(&self->xcb);
    free(self);
}

static via_status x11_open(const clip_settings *settings, const clip_events *events, void *core, via_deadline deadline,
                           void **out, via_error *error)
{
    x11 *self = calloc(1, sizeof(*self));

    if (!self)
        return settings->host->error(error, VIA_ENOMEM, 0, "no memory was left for a connection to the X server", NULL);
    self->settings = *settings;
    self->events = events;
    self->core = core;
    self->questions_end = &self->questions;
    self->news_end = &self->news;
    via_status status = x11_library_open(&self->xcb, settings->host, error);
    if (status == VIA_OK)
        status = x11_connect(self, deadline, error);
    if (status != VIA_OK) {
        x11_close(self, VIA_CLOSE_FLUSH);
        return status;
    }
    *out = self;
    return VIA_OK;
}

static size_t x11_wants(void *object, struct pollfd *set, via_deadline *until)
{
    x11 *self = object;

    *until = VIA_FOREVER;
    if (self->is_failure_told)
        return 0;
    (void)self->xcb.flush(self->connection);
    set[0] = (struct pollfd){.fd = self->descriptor, .events = POLLIN};
    *until = via_deadline_min(via_deadline_min(x11_send_until(self), x11_read_until(self)), x11_manager_until(self));
    if (self->news || self->failed != VIA_OK || x11_has_input(self))
        *until = VIA_NOW;
    return 1;
}

static void x11_work(void *object, const struct pollfd *set, size_t count)
{
    x11 *self = object;
    const uint64_t now = via_deadline_clock();

    (void)set;
    (void)count;
    if (self->is_failure_told)
        return;
    x11_pump(self);
    if (self->failed == VIA_OK) {
        x11_read_expire(self, now);
        x11_send_expire(self, now);
        x11_manager_expire(self, now);
    }
    (void)x11_news_deliver(self);
    (void)self->xcb.flush(self->connection);
}

static void offer(void *object, clip_content *content, uint64_t number)
{
    x11_offer(object, content, number);
}

/* Sent at once: there may be no round after this one. */
static bool withdraw(void *object, uint64_t number)
{
    x11 *self = object;

    x11_withdraw(self, number);
    (void)self->xcb.flush(self->connection);
    return false;
}

static void fetch(void *object, uint64_t ticket, const char *type)
{
    x11_fetch(object, ticket, type);
}

static void look(void *object, uint64_t ticket)
{
    x11_look(object, ticket);
}

static void cancel(void *object, uint64_t ticket)
{
    x11_cancel(object, ticket);
}

static bool hand_over(void *object)
{
    return x11_hand_over(object);
}

/* libxcb sleeps in poll(2) until the server takes or sends what is missing, and gives up where the socket is shut down. */
static void cut(void *object)
{
    const x11 *self = object;

    (void)shutdown(self->descriptor, SHUT_RDWR);
}

const clip_backend clip_x11 = {
    .name = "x11",
    .open = x11_open,
    .wants = x11_wants,
    .work = x11_work,
    .offer = offer,
    .withdraw = withdraw,
    .fetch = fetch,
    .look = look,
    .cancel = cancel,
    .hand_over = hand_over,
    .cut = cut,
    .close = x11_close,
};
