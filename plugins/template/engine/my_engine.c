/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transport through a broker: topics, whose publishers and subscribers find each other at a third program.
 *
 * Owns: the channel between the application and engine.h. What the engine's thread hands in goes through the kit's inbox,
 * which keeps that thread, and so the broker, waiting while it is full; what is published goes straight to the engine, and waits
 * for its `room` where that has none. A lost connection is no end of the channel: the engine makes it again, publishers wait
 * meanwhile, and subscribers are told by VIA_MISSED that they may have missed something. The manifest says "threads": true.
 * Must never call an application's code, or the host, from the engine's thread.
 */
#include "engine.h"

#include "kit/fail.h"
#include "kit/inbox.h"
#include "kit/plain.h"
#include "kit/room.h"
#include "kit/text.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(via_slice) == sizeof(struct iovec), "slices are handed on as they are");

enum { INBOX_MOST = 64 };

typedef struct my_engine_channel {
    engine_client *engine;
    via_inbox inbox;
    via_room room;
    via_wake wake; /* ends the waiting of whoever sleeps here when the channel is interrupted */
    via_counters *counters;
    uint32_t role;
    uint64_t max_message;
    uint64_t handed_in;      /* messages so far; the engine's thread */
    uint64_t taken;          /* of these; the receiver */
    _Atomic uint64_t gap_at; /* before this one, counted from 1, some may be missing; 0 = before none */
    char topic[ENGINE_TOPIC_MOST + 1];
} my_engine_channel;

/* ---- what the engine's thread calls ------------------------------------------------------------------------- */

/* Waits while the application does not keep up. */
static void on_message(void *user, const void *data, size_t size)
{
    my_engine_channel *channel = user;
    const via_status status = via_inbox_put(&channel->inbox, data, size);
    (void)status; /* the channel is being closed: nobody wants it any more */
    channel->handed_in++;
}

static void on_room(void *user)
{
    const my_engine_channel *channel = user;
    via_room_show(&channel->room, true);
}

static void on_lost(void *user)
{
    my_engine_channel *channel = user;
    atomic_store(&channel->gap_at, channel->handed_in + 1);
    via_count(&channel->counters->disconnects, 1);
    via_count(&channel->counters->peers, UINT64_MAX); /* one less */
}

static void on_found(void *user)
{
    my_engine_channel *channel = user;
    via_count(&channel->counters->connects, 1);
    via_count(&channel->counters->peers, 1);
}

/* ---- slots -------------------------------------------------------------------------------------------------- */

static size_t size_of(const via_slice *slices, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += slices[i].size;
    return size;
}

/* Says first that there is no room, so that a call back in between is not lost. VIA_ETIMEDOUT: not now. */
static via_status publish(my_engine_channel *channel, const via_slice *slices, size_t count)
{
    via_room_show(&channel->room, false);
    if (engine_publish(channel->engine, channel->topic, (const struct iovec *)slices, count)) {
        via_room_show(&channel->room, true);
        return VIA_OK;
    }
    if (errno == EAGAIN)
        return VIA_ETIMEDOUT;
    const int code = errno;
    via_room_show(&channel->room, true);
    return via_status_of_errno(code);
}

static via_status my_engine_send(void *self, const via_slice *slices, size_t count, const via_meta *meta,
                                 via_deadline deadline)
{
    my_engine_channel *channel = self;

    (void)meta; /* the wire carries the bytes only, and the manifest says so */
    if (channel->role != VIA_PUBLISH)
        return VIA_ENOTSUP;
    if (size_of(slices, count) > channel->max_message)
        return VIA_ETOOBIG;
    for (;;) {
        via_status status = via_wake_is_raised(&channel->wake) ? VIA_ECANCELED : publish(channel, slices, count);
        if (status != VIA_ETIMEDOUT)
            return status;
        status = via_room_wait(&channel->room, &channel->wake, deadline);
        if (status != VIA_OK)
            return status;
    }
}

/* Messages that came before a loss are still handed out as if nothing had happened. */
static void mark_gap(my_engine_channel *channel, via_msg *message)
{
    uint64_t gap_at = atomic_load(&channel->gap_at);

    channel->taken++;
    if (gap_at == 0 || channel->taken < gap_at)
        return;
    (void)atomic_compare_exchange_strong(&channel->gap_at, &gap_at, 0);
    message->meta.flags |= VIA_MISSED;
    via_count(&channel->counters->missed, 1);
}

static via_status my_engine_recv(void *self, via_deadline deadline, via_msg *out)
{
    my_engine_channel *channel = self;

    if (channel->role != VIA_SUBSCRIBE)
        return VIA_ENOTSUP;
    const via_status status = via_inbox_recv(&channel->inbox, &channel->wake, deadline, out);
    if (status == VIA_OK)
        mark_gap(channel, out);
    return status;
}

static void my_engine_release(void *self, via_msg *message)
{
    (void)self;
    via_inbox_release(message);
}

/* A subscriber never sends, a publisher never receives, and nothing is ever held back. */
static via_status my_engine_pollable(void *self, uint32_t event, via_poll_handle *out)
{
    const my_engine_channel *channel = self;

    if (event != (channel->role == VIA_PUBLISH ? VIA_WRITE : VIA_READ))
        return VIA_ENOTSUP;
    out->kind = VIA_POLL_DESCRIPTOR;
    out->handle = event == VIA_READ ? channel->inbox.descriptor : channel->room.descriptor;
    out->wait = VIA_WAIT_READABLE;
    return VIA_OK;
}

static via_status my_engine_arm(void *self, uint32_t event)
{
    my_engine_channel *channel = self;

    if (event == VIA_WORK)
        return VIA_ENOENT;
    if (via_wake_is_raised(&channel->wake))
        return VIA_EREADY;
    if (event == VIA_READ)
        return via_inbox_arm(&channel->inbox);
    return via_room_is_shown(&channel->room) ? VIA_EREADY : VIA_OK;
}

static void my_engine_interrupt(void *self)
{
    my_engine_channel *channel = self;
    via_wake_raise(&channel->wake);
}

static void my_engine_info(void *self, via_channel_info *inout)
{
    (void)self;
    inout->flags |= VIA_INFO_REDIALS;
}

/* In a forked child the engine's thread is not there, and its locks may be held by nobody: descriptors and memory only. */
static void my_engine_close(void *self, uint32_t how)
{
    my_engine_channel *channel = self;

    if (how == VIA_CLOSE_FORKED) {
        engine_forget(channel->engine);
        via_inbox_forget(&channel->inbox);
    } else {
        via_inbox_shut(&channel->inbox);
        engine_close(channel->engine);
        via_inbox_fini(&channel->inbox);
    }
    via_wake_fini(&channel->wake);
    via_room_fini(&channel->room);
    free(channel);
}

/* ---- opening ------------------------------------------------------------------------------------------------ */

/* "PLACE/TOPIC", decoded; cut in two at the last '/'. */
static via_status split(const via_host_api *host, char *rest, my_engine_channel *channel, via_error *error)
{
    char *slash = strrchr(rest, '/');

    if (!slash || slash == rest || !slash[1] || strlen(slash + 1) > ENGINE_TOPIC_MOST)
        return via_fail(host, error, VIA_EINVAL, 0, "write my-engine:/path/of/the/broker/TOPIC",
                        "'%s' is not the path of a broker's socket, '/', and a topic of at most %d bytes", rest,
                        ENGINE_TOPIC_MOST);
    *slash = '\0';
    memcpy(channel->topic, slash + 1, strlen(slash + 1) + 1);
    return VIA_OK;
}

/* Where no broker is, the host tries again until the caller's deadline: one that is started later is waited for. */
static via_status cannot_connect(const via_host_api *host, const char *place, int code, via_error *error)
{
    const bool is_absent = code == ENOENT || code == ECONNREFUSED;

    return via_fail(host, error, is_absent ? VIA_ENOPEER : via_status_of_errno(code), code,
                    is_absent ? "start the broker" : NULL, "the broker at %s cannot be reached", place);
}

static via_status connect_at(my_engine_channel *channel, const via_host_api *host, const via_open *request,
                             const char *place, via_error *error)
{
    const engine_callbacks callbacks = {on_message, on_room, on_lost, on_found, channel};
    const uint64_t retry_ns = (uint64_t)via_option_find(request, "reconnect")->number;

    channel->engine = engine_connect(place, retry_ns, &callbacks);
    if (!channel->engine)
        return cannot_connect(host, place, errno, error);
    on_found(channel);
    if (channel->role == VIA_PUBLISH || engine_subscribe(channel->engine, channel->topic, request->deadline))
        return VIA_OK;
    via_inbox_shut(&channel->inbox);
    engine_close(channel->engine);
    return via_fail(host, error, VIA_ENOPEER, 0, "see what holds it up", "the broker at %s does not answer", place);
}

static via_status start(my_engine_channel *channel, const via_host_api *host, const via_open *request,
                        const char *place, via_error *error)
{
    if (via_room_init(&channel->room) != VIA_OK)
        return via_fail(host, error, VIA_ELIMIT, errno, "raise ulimit -n", "no descriptor for a channel");
    if (via_inbox_init(&channel->inbox, INBOX_MOST) != VIA_OK) {
        via_room_fini(&channel->room);
        return via_fail(host, error, VIA_ELIMIT, errno, "raise ulimit -n", "no descriptor for a channel");
    }
    const via_status status = connect_at(channel, host, request, place, error);
    if (status == VIA_OK)
        return VIA_OK;
    via_inbox_fini(&channel->inbox);
    via_room_fini(&channel->room);
    return status;
}

/* Both sides alike: the name is the broker's, and neither end owns it. */
static via_status my_engine_join(void *state, const via_open *request, void **out, via_error *error)
{
    my_engine_channel *channel = calloc(1, sizeof(*channel));
    char *rest = NULL;

    if (!channel)
        return via_fail(state, error, VIA_ENOMEM, 0, NULL, "no memory for a channel");
    channel->role = request->role;
    channel->counters = request->counters;
    channel->max_message = request->max_message;
    via_wake_init(&channel->wake);
    via_status status = via_text_decode(request->rest, &rest);
    if (status != VIA_OK)
        status =
            via_fail(state, error, status, 0, "write % as %25", "'%s' is not percent-encoded rightly", request->rest);
    else
        status = split(state, rest, channel, error);
    if (status == VIA_OK)
        status = start(channel, state, request, rest, error);
    free(rest);
    if (status == VIA_OK)
        *out = channel;
    else
        free(channel);
    return status;
}

static const via_channel_ops channel_ops = {
    .size = sizeof(via_channel_ops),
    .send = my_engine_send,
    .recv = my_engine_recv,
    .release = my_engine_release,
    .pollable = my_engine_pollable,
    .arm = my_engine_arm,
    .interrupt = my_engine_interrupt,
    .close = my_engine_close,
    .info = my_engine_info,
};

static const via_transport transports[] = {
    {
        .size = sizeof(via_transport),
        .patterns = VIA_PATTERN_TOPIC,
        .scheme = "my-engine",
        .join = my_engine_join,
        .channel_ops = &channel_ops,
    },
};

VIA_PLUGIN("my_engine", via_plain_init, via_plain_fini, transports);
