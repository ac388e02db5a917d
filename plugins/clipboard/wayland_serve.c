/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The readers of what we offer; see wayland.h.
 *
 * Owns: the descriptors that readers have sent, each until it has got everything, closes, or takes nothing for too long. A
 * reader is a stranger: it may be this very process, may stop, may be killed, and may have sent a descriptor of any kind; none of that
 * concerns anybody else. Must never write but where it has been told that there is room.
 */
#include "wayland.h"

#include "kit/deadline.h"
#include "kit/quiet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    PIPE_BYTES = 1 << 20, /* room that is asked for; unprivileged programs may have that by default */
    BURST_BYTES = 4 << 20 /* to one reader before the others have their turn */
};

static void forget(wayland *self, wayland_serving *serving)
{
    wayland_publication *publication = serving->publication;

    for (wayland_serving **at = &self->servings; *at; at = &(*at)->next) {
        if (*at == serving) {
            *at = serving->next;
            self->serving_count--;
            break;
        }
    }
    if (serving->descriptor >= 0)
        close(serving->descriptor);
    free(serving);
    wayland_publication_leave(self, publication);
}

static void append(wayland *self, wayland_serving *serving)
{
    wayland_serving **at = &self->servings;

    while (*at)
        at = &(*at)->next;
    *at = serving;
    self->serving_count++;
    serving->publication->readers++;
}

/* A larger pipe spares both sides most of the waking; what is no pipe, or may not grow, stays as it is. */
static bool prepare(int descriptor)
{
    const int flags = fcntl(descriptor, F_GETFL);

    (void)fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    (void)fcntl(descriptor, F_SETPIPE_SZ, PIPE_BYTES);
    return flags >= 0 && fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0;
}

void wayland_serve(wayland *self, wayland_publication *publication, const char *type, int descriptor)
{
    const clip_format *format = clip_content_find(publication->content, type);

    if (!format || self->serving_count == WAYLAND_READERS || !prepare(descriptor)) {
        close(descriptor);
        return;
    }
    wayland_serving *serving = calloc(1, sizeof(*serving));
    if (!serving) {
        close(descriptor);
        return;
    }
    serving->publication = publication;
    serving->format = format;
    serving->descriptor = descriptor;
    serving->total = via_deadline_after((int64_t)self->transfer_ns);
    serving->idle = via_deadline_after((int64_t)self->idle_ns);
    append(self, serving);
}

/* False: it has ended, and is not there any more. */
static bool write_some(wayland *self, wayland_serving *serving)
{
    size_t burst = 0;

    while (serving->done < serving->format->size && burst < BURST_BYTES) {
        const via_slice rest = {serving->format->data + serving->done, serving->format->size - serving->done};
        const int64_t moved = via_stream_write_quietly(serving->descriptor, &rest, 1, 0);

        if (moved < 0 && errno == EINTR)
            continue;
        if (moved < 0 && errno == EAGAIN)
            break;
        if (moved < 0) {
            forget(self, serving);
            return false;
        }
        serving->done += (size_t)moved;
        burst += (size_t)moved;
    }
    if (burst > 0)
        serving->idle = via_deadline_after((int64_t)self->idle_ns);
    return true;
}

/* Ends it before it is told, so that the reader has seen the end of the file by then. */
static void finish(wayland *self, wayland_serving *serving)
{
    const uint64_t number = serving->publication->number;

    close(serving->descriptor);
    serving->descriptor = -1;
    self->events->pasted(self->core, number);
    forget(self, serving);
}

size_t wayland_serve_wants(const wayland *self, struct pollfd *set, via_deadline *until)
{
    size_t count = 0;

    for (const wayland_serving *at = self->servings; at && count < WAYLAND_SERVINGS; at = at->next) {
        set[count++] = (struct pollfd){.fd = at->descriptor, .events = POLLOUT};
        *until = via_deadline_min(*until, via_deadline_min(at->idle, at->total));
    }
    return count;
}

/* Those behind the first ones have not been watched, and their time between two pieces has not begun. */
void wayland_serve_work(wayland *self, const struct pollfd *set, size_t count)
{
    const uint64_t now = via_deadline_clock();
    size_t place = 0;
    wayland_serving *next;

    for (wayland_serving *at = self->servings; at; at = next, place++) {
        next = at->next;
        if (place >= WAYLAND_SERVINGS)
            at->idle = via_deadline_after((int64_t)self->idle_ns);
        else if (wayland_revents(set, count, at->descriptor) != 0 && !write_some(self, at))
            continue;
        if (at->done == at->format->size && place < WAYLAND_SERVINGS)
            finish(self, at);
        else if (now >= at->idle || now >= at->total)
            forget(self, at);
    }
}

void wayland_serve_fini(wayland *self)
{
    while (self->servings) {
        wayland_serving *next = self->servings->next;

        close(self->servings->descriptor);
        free(self->servings);
        self->servings = next;
    }
    self->serving_count = 0;
}
