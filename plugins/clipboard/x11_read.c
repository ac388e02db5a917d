/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking for a content, and taking it in (ICCCM 2.4, 2.7.2).
 *
 * Owns: the conversions under way, each with a window of its own, so that answers cannot be mixed up and none is left behind.
 * Believes nothing of what the owner announces: memory grows with what has come. An owner that we have given up is seen off
 * for a while, since many of them cannot go on while a reader is stuck in the middle.
 */
#include "x11_state.h"

#include <stdlib.h>

#include "kit/deadline.h"

enum { ABANDONED = 16 /* that are seen off at once */ };

/* A former owner's pauses: nobody waits for an old content while there is a new one. */
static const int64_t old_ns = 100000000;

static void destroy(x11 *self, x11_read *read)
{
    x11_read **at = &self->reads;

    while (*at != read)
        at = &(*at)->next;
    *at = read->next;
    x11_forget(self, read);
    if (self->present.asking == read)
        self->present.asking = NULL;
    (void)self->xcb.destroy_window(self->connection, read->window);
    clip_bytes_fini(&read->bytes);
    free(read);
}

x11_read *x11_read_begin(x11 *self, uint64_t ticket, xcb_atom_t target, bool is_text, size_t limit)
{
    x11_read *read = calloc(1, sizeof(*read));

    if (!read) {
        x11_fail(self, VIA_ENOMEM, "no memory was left for a question to the owner of the clipboard", NULL);
        return NULL;
    }
    *read = (x11_read){.next = self->reads,
                       .ticket = ticket,
                       .window = x11_window_create(self),
                       .target = target,
                       .is_text = is_text,
                       .idle = via_deadline_after((int64_t)self->settings.reply_ns),
                       .total = via_deadline_after((int64_t)self->settings.transfer_ns)};
    clip_bytes_init(&read->bytes, limit);
    self->reads = read;
    read->sequence = self->xcb
                         .convert_selection(self->connection, read->window, self->atoms[X11_SELECTION], target,
                                            self->atoms[X11_PROPERTY], self->now)
                         .sequence;
    return read;
}

/* ---- ends --------------------------------------------------------------------------------------------------- */

void x11_read_abandon(x11 *self, x11_read *read)
{
    read->is_abandoned = true;
    read->idle = VIA_FOREVER;
    read->total = via_deadline_after((int64_t)self->settings.transfer_ns);
    clip_bytes_fini(&read->bytes);
}

static void tell(x11 *self, x11_read *read, via_status status)
{
    if (read->is_abandoned)
        return;
    if (read->is_old && status != VIA_OK) /* it would have been another answer, had it been the content still */
        status = VIA_EREVOKED;
    if (read->ticket == 0)
        x11_present_targets(self, status, &read->bytes, read->answered_as);
    else
        x11_tell_fetched(self, read->ticket, status, &read->bytes);
}

/* The owner has nothing more to say. */
static void finish(x11 *self, x11_read *read, via_status status)
{
    tell(self, read, status);
    destroy(self, read);
}

/* The owner may still be at it. */
static void give_up(x11 *self, x11_read *read, via_status status)
{
    tell(self, read, status);
    x11_read_abandon(self, read);
}

/* Text as the core wants it, whatever encoding the owner chose. */
static via_status decode(const x11 *self, x11_read *read)
{
    if (!read->is_text)
        return VIA_OK;
    if (read->answered_as == XCB_ATOM_STRING)
        return x11_latin_to_utf8(&read->bytes);
    if (read->answered_as != self->atoms[X11_COMPOUND_TEXT])
        return VIA_OK;
    return x11_is_plain_compound(&read->bytes) ? x11_latin_to_utf8(&read->bytes) : VIA_ETYPE;
}

/* ---- pieces ------------------------------------------------------------------------------------------------- */

static void answer_piece(x11 *self, void *context, const void *reply);
static void answer_rest(x11 *self, void *context, const void *reply);

/* Deleting what was read is what asks for the next piece; the server does both in one step. */
static void ask_piece(x11 *self, x11_read *read)
{
    const size_t room = read->bytes.limit - read->bytes.size;
    const uint32_t words = room / 4 < UINT32_MAX / 4 ? (uint32_t)(room / 4 + 1) : UINT32_MAX / 4;

    read->step = X11_STEP_READING;
    if (read->is_abandoned) /* only its size is looked at */
        x11_ask(self,
                self->xcb
                    .get_property(self->connection, 0, read->window, self->atoms[X11_PROPERTY],
                                  XCB_GET_PROPERTY_TYPE_ANY, 0, 0)
                    .sequence,
                answer_rest, read);
    else
        x11_ask(self,
                self->xcb
                    .get_property(self->connection, 1, read->window, self->atoms[X11_PROPERTY],
                                  XCB_GET_PROPERTY_TYPE_ANY, 0, words)
                    .sequence,
                answer_piece, read);
}

static void await_piece(x11 *self, x11_read *read)
{
    const bool is_again = read->is_again;

    read->step = X11_STEP_PIECE;
    read->is_again = false;
    if (!read->is_abandoned)
        read->idle = via_deadline_after(read->is_old ? old_ns : (int64_t)self->settings.idle_ns);
    if (is_again)
        ask_piece(self, read);
}

static void delete_property(x11 *self, const x11_read *read)
{
    (void)self->xcb.delete_property(self->connection, read->window, self->atoms[X11_PROPERTY]);
}

/* A piece of a content that nobody wants any more. */
static void answer_rest(x11 *self, void *context, const void *reply)
{
    x11_read *read = context;
    const xcb_get_property_reply_t *answer = reply;

    if (answer && answer->type == XCB_ATOM_NONE && read->is_incremental) {
        await_piece(self, read);
        return;
    }
    const bool is_start = answer && answer->type == self->atoms[X11_INCR] && !read->is_incremental;
    const bool is_last = !answer || (!is_start && (!read->is_incremental || answer->bytes_after == 0));
    read->seen_off += answer && !is_start ? answer->bytes_after : 0;
    if (is_last || read->seen_off > self->settings.max_size) {
        destroy(self, read);
        return;
    }
    read->is_incremental = true;
    delete_property(self, read);
    await_piece(self, read);
}

/* Bytes of a property, and no more than the limit lets through. */
static via_status take(x11_read *read, const xcb_get_property_reply_t *answer, size_t size)
{
    if (read->answered_as != XCB_ATOM_NONE && answer->type != read->answered_as)
        return VIA_EPROTO;
    read->answered_as = answer->type;
    const via_status status = clip_bytes_add(&read->bytes, answer + 1, size);
    return status == VIA_OK && answer->bytes_after > 0 ? VIA_ETOOBIG : status;
}

static void take_whole(x11 *self, x11_read *read, const xcb_get_property_reply_t *answer, size_t size)
{
    via_status status = answer->type == XCB_ATOM_NONE ? VIA_EPROTO : take(read, answer, size);

    if (status == VIA_OK)
        status = decode(self, read);
    finish(self, read, status);
}

static void take_piece(x11 *self, x11_read *read, const xcb_get_property_reply_t *answer, size_t size)
{
    if (answer->type != XCB_ATOM_NONE && size == 0 && answer->bytes_after == 0) {
        finish(self, read, decode(self, read));
        return;
    }
    const via_status status = answer->type == XCB_ATOM_NONE ? VIA_OK : take(read, answer, size);
    if (answer->bytes_after > 0) /* then the server has not deleted it */
        delete_property(self, read);
    if (status != VIA_OK)
        give_up(self, read, status);
    await_piece(self, read);
}

static void answer_piece(x11 *self, void *context, const void *reply)
{
    x11_read *read = context;
    const xcb_get_property_reply_t *answer = reply;

    if (!answer) {
        finish(self, read, VIA_EIO);
        return;
    }
    const size_t size = (size_t)answer->value_len * answer->format / 8;
    if (read->is_incremental) {
        take_piece(self, read, answer, size);
    } else if (answer->type == self->atoms[X11_INCR]) {
        read->is_incremental = true;
        if (answer->bytes_after > 0)
            delete_property(self, read);
        await_piece(self, read);
    } else {
        take_whole(self, read, answer, size);
    }
}

/* ---- events ------------------------------------------------------------------------------------------------- */

static x11_read *find(const x11 *self, xcb_window_t window)
{
    for (x11_read *at = self->reads; at; at = at->next)
        if (at->window == window)
            return at;
    return NULL;
}

void x11_read_notify(x11 *self, const xcb_selection_notify_event_t *event)
{
    x11_read *read = find(self, event->requestor);

    if (!read || read->step != X11_STEP_REPLY || event->selection != self->atoms[X11_SELECTION] ||
        event->target != read->target)
        return;
    if (event->property == XCB_ATOM_NONE)
        finish(self, read, VIA_ETYPE);
    else if (event->property != self->atoms[X11_PROPERTY])
        finish(self, read, VIA_EPROTO);
    else
        ask_piece(self, read);
}

void x11_read_property(x11 *self, const xcb_property_notify_event_t *event)
{
    x11_read *read = find(self, event->window);

    if (!read || !read->is_incremental || event->atom != self->atoms[X11_PROPERTY] ||
        event->state != XCB_PROPERTY_NEW_VALUE)
        return;
    if (read->step == X11_STEP_PIECE)
        ask_piece(self, read);
    else
        read->is_again = true;
}

/* ---- ends that others bring --------------------------------------------------------------------------------- */

/*
 * Whom has our request reached? Where the server had handled it before the change, the former owner; so what comes is the content
 * that was asked for, and may be taken. Otherwise it may be either, and counts for neither.
 */
static void revoke(x11 *self, x11_read *read, unsigned sequence)
{
    const bool is_early = (int32_t)(sequence - read->sequence) >= 0;

    if (read->is_old)
        return;
    read->is_old = true;
    if (!is_early)
        give_up(self, read, VIA_EREVOKED);
    else
        read->idle = via_deadline_min(read->idle, via_deadline_after(old_ns));
}

void x11_read_revoke(x11 *self, bool is_death, unsigned sequence)
{
    for (x11_read *at = self->reads, *next; at; at = next) {
        next = at->next;
        if (at->is_abandoned)
            continue;
        if (is_death && !at->is_old)
            finish(self, at, VIA_EPEER);
        else
            revoke(self, at, sequence);
    }
}

void x11_cancel(x11 *self, uint64_t ticket)
{
    x11_news_drop(self, ticket);
    for (x11_read *at = self->reads, *next; at; at = next) {
        next = at->next;
        if (at->ticket == ticket && ticket != 0 && !at->is_abandoned)
            x11_read_abandon(self, at);
    }
}

via_deadline x11_read_until(const x11 *self)
{
    via_deadline until = VIA_FOREVER;

    for (const x11_read *at = self->reads; at; at = at->next)
        until = via_deadline_min(until, via_deadline_min(at->idle, at->total));
    return until;
}

/* Those that are seen off longest, where there are too many. The newest are first in the list. */
static void trim(x11 *self)
{
    size_t count = 0;

    for (x11_read *at = self->reads, *next; at; at = next) {
        next = at->next;
        count += at->is_abandoned;
        if (at->is_abandoned && count > ABANDONED)
            destroy(self, at);
    }
}

void x11_read_expire(x11 *self, uint64_t now)
{
    for (x11_read *at = self->reads, *next; at; at = next) {
        next = at->next;
        if (at->idle > now && at->total > now)
            continue;
        if (at->is_abandoned)
            destroy(self, at);
        else
            give_up(self, at, VIA_ESTALLED);
    }
    trim(self);
}

void x11_read_fini(x11 *self)
{
    while (self->reads) {
        x11_read *read = self->reads;
        self->reads = read->next;
        clip_bytes_fini(&read->bytes);
        free(read);
    }
}
