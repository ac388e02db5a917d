/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What we read of others; see wayland.h.
 *
 * Owns: questions from `fetch` to `fetched`. Our own content is answered from memory, without the compositor: nobody waits
 * for himself. Another's comes through a socket of its own, whose end is the end of the content unless a signal has ended the writer
 * (wayland_writer.h). An owner that gave nothing at all may have died before: the compositor is asked whether he still was there.
 */
#include "wayland.h"

#include "kit/deadline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FIRST_BYTES = 64 << 10,  /* room that is made at first: most contents are small, */
    PIECE_BYTES = 256 << 10, /* and for each reading after that */
    BURST_BYTES = 8 << 20    /* of one owner before the others have their turn */
};

static void fetch_free(wayland *self, wayland_fetch *fetch)
{
    for (wayland_fetch **at = &self->fetches; *at; at = &(*at)->next) {
        if (*at == fetch) {
            *at = fetch->next;
            break;
        }
    }
    wayland_forget(self, &fetch->confirm);
    if (fetch->descriptor >= 0)
        close(fetch->descriptor);
    wayland_writer_fini(&fetch->writer);
    clip_bytes_fini(&fetch->bytes);
    free(fetch->type);
    free(fetch);
}

static void end(wayland *self, wayland_fetch *fetch, via_status status)
{
    const uint64_t ticket = fetch->ticket;
    clip_bytes bytes = fetch->bytes;

    clip_bytes_init(&fetch->bytes, self->max_size);
    if (status != VIA_OK)
        clip_bytes_fini(&bytes);
    fetch_free(self, fetch);
    self->events->fetched(self->core, ticket, status, &bytes);
    clip_bytes_fini(&bytes);
}

/* ---- our own -------------------------------------------------------------------------------------------------------- */

static void answer_own(wayland *self, wayland_fetch *fetch, const clip_content *content)
{
    const clip_format *format = clip_content_find(content, fetch->type);

    end(self, fetch, format ? clip_bytes_add(&fetch->bytes, format->data, format->size) : VIA_ETYPE);
}

/* ---- another's ------------------------------------------------------------------------------------------------------ */

static void ask(wayland *self, wayland_fetch *fetch)
{
    int theirs;

    if (!wayland_writer_pair(&fetch->descriptor, &theirs)) {
        fetch->descriptor = -1;
        end(self, fetch, errno == ENOMEM || errno == ENOBUFS ? VIA_ENOMEM : VIA_ELIMIT);
        return;
    }
    union wl_argument arguments[] = {{.s = fetch->type}, {.h = theirs}};
    wayland_request(self, self->current->proxy, OFFER_RECEIVE, arguments);
    close(theirs); /* the library has made a copy */
    (void)wayland_flush(self);
}

static size_t under_way(const wayland *self)
{
    size_t count = 0;

    for (const wayland_fetch *at = self->fetches; at; at = at->next)
        count += at->descriptor >= 0;
    return count;
}

/* While it is not known whose the selection is, or ours is about to be replaced, there is nobody to ask. */
static bool may_ask(const wayland *self)
{
    return self->present == 0 && self->current && !self->is_holding && !self->is_clogged &&
           under_way(self) < WAYLAND_FETCHES;
}

static void ask_waiting(wayland *self)
{
    wayland_fetch *next;

    for (wayland_fetch *at = self->fetches; at; at = next) {
        next = at->next;
        if (at->descriptor < 0 && !at->confirm && may_ask(self))
            ask(self, at);
    }
}

static wayland_fetch *fetch_create(wayland *self, uint64_t ticket, const char *type)
{
    wayland_fetch *fetch = calloc(1, sizeof(*fetch));
    wayland_fetch **at = &self->fetches;

    if (!fetch)
        return NULL;
    fetch->ticket = ticket;
    fetch->type = strdup(type);
    fetch->descriptor = -1;
    wayland_writer_init(&fetch->writer);
    clip_bytes_init(&fetch->bytes, self->max_size);
    fetch->idle = via_deadline_after((int64_t)self->reply_ns);
    fetch->total = via_deadline_after((int64_t)self->transfer_ns);
    while (*at)
        at = &(*at)->next;
    *at = fetch;
    if (fetch->type)
        return fetch;
    fetch_free(self, fetch);
    return NULL;
}

void wayland_fetch_begin(wayland *self, uint64_t ticket, const char *type)
{
    wayland_fetch *fetch = fetch_create(self, ticket, type);
    const wayland_publication *owned = wayland_owned(self);

    if (!fetch) {
        clip_bytes none = {0};
        self->events->fetched(self->core, ticket, VIA_ENOMEM, &none);
    } else if (self->is_holding) {
        return; /* settled soon, and then revoked */
    } else if (self->is_empty) {
        end(self, fetch, VIA_ENOENT);
    } else if (self->present != 0) {
        if (owned && owned->number == self->present)
            answer_own(self, fetch, owned->content);
    } else if (!wayland_types_have(&self->current->types, type)) {
        end(self, fetch, VIA_ETYPE);
    } else {
        ask_waiting(self);
    }
}

void wayland_fetch_cancel(wayland *self, uint64_t ticket)
{
    for (wayland_fetch *at = self->fetches; at; at = at->next) {
        if (at->ticket == ticket) {
            fetch_free(self, at);
            return;
        }
    }
}

/* ---- reading -------------------------------------------------------------------------------------------------------- */

static void confirm(wayland *self, wayland_fetch *fetch);

static int confirm_event(const void *data, void *target, uint32_t opcode, const struct wl_message *message,
                         union wl_argument *arguments)
{
    wayland *self = (wayland *)data;
    wayland_fetch *fetch = self->library.proxy_get_user_data(target);

    (void)opcode;
    (void)message;
    (void)arguments;
    wayland_forget(self, &fetch->confirm);
    if (fetch->is_orphan)
        end(self, fetch, VIA_EPEER);
    else if (fetch->confirmed++ == 0)
        confirm(self, fetch);
    else
        end(self, fetch, VIA_OK);
    return 0;
}

/*
 * Twice: a compositor takes what its clients have done in rounds (epoll(7)), and within one we may come before an owner that
 * died earlier. The second question is of a later round.
 */
static void confirm(wayland *self, wayland_fetch *fetch)
{
    fetch->idle = via_deadline_after((int64_t)self->reply_ns);
    fetch->confirm = wayland_sync(self, confirm_event, fetch);
    if (!fetch->confirm)
        end(self, fetch, VIA_ENOMEM);
    else
        (void)wayland_flush(self);
}

/* The end of the file. */
static void conclude(wayland *self, wayland_fetch *fetch)
{
    if (fetch->bytes.size > 0) {
        end(self, fetch, wayland_writer_was_killed(&fetch->writer) ? VIA_EPEER : VIA_OK);
        return;
    }
    close(fetch->descriptor);
    fetch->descriptor = -1;
    confirm(self, fetch);
}

/* One more piece. The end of the file and an error are told as read(2) does; what is too much as EFBIG. */
static ssize_t read_piece(wayland *self, wayland_fetch *fetch)
{
    clip_bytes *bytes = &fetch->bytes;
    const size_t left = self->max_size - bytes->size;
    const size_t piece = bytes->size < FIRST_BYTES ? FIRST_BYTES - bytes->size : PIECE_BYTES;
    const size_t room = left < piece ? left : piece;
    uint8_t one_more;
    ssize_t moved;

    if (room == 0) { /* full: there may be an end, but no more */
        moved = wayland_writer_read(&fetch->writer, fetch->descriptor, &one_more, 1);
        errno = moved > 0 ? EFBIG : errno;
        return moved > 0 ? -1 : moved;
    }
    if (clip_bytes_reserve(bytes, room) != VIA_OK) {
        errno = ENOMEM;
        return -1;
    }
    moved = wayland_writer_read(&fetch->writer, fetch->descriptor, bytes->data + bytes->size,
                                bytes->capacity - bytes->size);
    if (moved > 0)
        bytes->size += (size_t)moved;
    return moved;
}

static via_status status_of(int os_code)
{
    if (os_code == EFBIG)
        return VIA_ETOOBIG;
    if (os_code == ENOMEM || os_code == ENOBUFS)
        return VIA_ENOMEM;
    return os_code == ECONNRESET ? VIA_EPEER : VIA_EIO;
}

/* False: it has ended, and is not there any more. */
static bool read_some(wayland *self, wayland_fetch *fetch)
{
    size_t before = fetch->bytes.size;
    ssize_t moved = 1;

    while (moved > 0 && fetch->bytes.size - before < BURST_BYTES)
        moved = read_piece(self, fetch);
    if (moved < 0 && errno != EAGAIN) {
        end(self, fetch, status_of(errno));
        return false;
    }
    if (moved == 0) {
        conclude(self, fetch);
        return false;
    }
    if (fetch->bytes.size > before)
        fetch->idle = via_deadline_after((int64_t)self->idle_ns);
    return true;
}

size_t wayland_fetch_wants(const wayland *self, struct pollfd *set, via_deadline *until)
{
    size_t count = 0;

    for (const wayland_fetch *at = self->fetches; at; at = at->next) {
        if (at->descriptor >= 0)
            set[count++] = (struct pollfd){.fd = at->descriptor, .events = POLLIN};
        *until = via_deadline_min(*until, via_deadline_min(at->idle, at->total));
    }
    return count;
}

void wayland_fetch_work(wayland *self, const struct pollfd *set, size_t count)
{
    const uint64_t now = via_deadline_clock();
    wayland_fetch *next;

    for (wayland_fetch *at = self->fetches; at; at = next) {
        next = at->next;
        if (at->descriptor >= 0 && wayland_revents(set, count, at->descriptor) != 0 && !read_some(self, at))
            continue;
        if (now >= at->idle || now >= at->total)
            end(self, at, VIA_ESTALLED);
    }
    ask_waiting(self);
}

/*
 * Emptied: the owner may have written everything and ended at once, as one that serves a single reader does; so what is
 * under way may come to its end. Otherwise an owner that has lost the selection may break off where he is, and nobody could tell.
 */
void wayland_fetch_replaced(wayland *self, bool is_empty)
{
    wayland_fetch *next;

    for (wayland_fetch *at = self->fetches; at; at = next) {
        next = at->next;
        if (is_empty && (at->descriptor >= 0 || at->confirm))
            at->is_orphan = true;
        else
            end(self, at, VIA_EREVOKED);
    }
}

void wayland_fetch_fini(wayland *self)
{
    while (self->fetches)
        fetch_free(self, self->fetches);
}
