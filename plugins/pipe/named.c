/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheme pipe; see named.h.
 *
 * Owns: handing each slot to the connection of a pair or to the hub of a queue, and the patience with a listener that
 * has not taken a dialer up yet.
 */
#include "named.h"

#include "kit/deadline.h"
#include "kit/fail.h"
#include "kit/hub.h"
#include "listener.h"
#include "queue.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

enum { LOOK_AGAIN_NS = 50 * 1000 * 1000 };

typedef struct named_channel {
    void *hub; /* NULL = a pair, and `stream` is valid */
    pipe_queue *queue;
    via_stream stream;
} named_channel;

static pipe_link *link_of(const named_channel *channel)
{
    return channel->stream.config.user;
}

/* ---- opening ------------------------------------------------------------------------------------------------ */

via_status pipe_named_create_pair(const pipe_settings *settings, const via_stream_config *config, void **out,
                                  via_error *error)
{
    named_channel *channel = calloc(1, sizeof(*channel));

    if (!channel || via_stream_init(&channel->stream, config) != VIA_OK) {
        free(channel);
        pipe_link_abandon(config->user);
        return via_fail(settings->host, error, VIA_ENOMEM, ENOMEM, NULL, "out of memory");
    }
    *out = channel;
    return VIA_OK;
}

via_status pipe_named_listen(void *state, const via_open *open, void **listener, via_error *error)
{
    pipe_settings settings;
    via_status status = pipe_settings_read(state, open, &settings, error);

    if (status != VIA_OK)
        return status;
    return pipe_listener_open(&settings, open->rest, (pipe_listener **)listener, error);
}

via_status pipe_named_dial(void *state, const via_open *open, void **channel, via_error *error)
{
    pipe_settings settings;
    pipe_place place;
    via_stream_config config;
    via_status status = pipe_settings_read(state, open, &settings, error);

    if (status == VIA_OK)
        status = pipe_place_find(state, open->rest, &place, error);
    if (status == VIA_OK)
        status = pipe_link_dial(&settings, &place, open->deadline, &config, error);
    if (status != VIA_OK)
        return status;
    return pipe_named_create_pair(&settings, &config, channel, error);
}

via_status pipe_named_join(void *state, const via_open *open, void **out, via_error *error)
{
    pipe_settings settings;
    named_channel *channel;
    via_status status = pipe_settings_read(state, open, &settings, error);

    if (status != VIA_OK)
        return status;
    channel = calloc(1, offsetof(named_channel, stream));
    if (!channel)
        return via_fail(state, error, VIA_ENOMEM, ENOMEM, NULL, "out of memory");
    status = pipe_queue_create(&settings, open, &channel->hub, &channel->queue, error);
    if (status == VIA_OK)
        *out = channel;
    else
        free(channel);
    return status;
}

/* ---- data --------------------------------------------------------------------------------------------------- */

static via_status named_send(void *self, const via_slice *slices, size_t count, const via_meta *meta,
                             via_deadline deadline)
{
    named_channel *channel = self;

    return channel->hub ? via_hub_send(channel->hub, slices, count, meta, deadline)
                        : via_stream_send(&channel->stream, slices, count, meta, deadline);
}

static via_status named_recv(void *self, via_deadline deadline, via_msg *out)
{
    named_channel *channel = self;

    return channel->hub ? via_hub_recv(channel->hub, deadline, out) : via_stream_recv(&channel->stream, deadline, out);
}

static void named_release(void *self, via_msg *message)
{
    named_channel *channel = self;

    if (channel->hub)
        via_hub_release(channel->hub, message);
    else
        via_stream_release(&channel->stream, message);
}

static via_status named_flush(void *self, via_deadline deadline)
{
    named_channel *channel = self;

    return channel->hub ? via_hub_flush(channel->hub, deadline) : via_stream_flush(&channel->stream, deadline);
}

static via_status named_finish(void *self, via_deadline deadline)
{
    named_channel *channel = self;

    return channel->hub ? via_hub_finish(channel->hub, deadline) : via_stream_finish(&channel->stream, deadline);
}

static via_status drain_either(named_channel *channel, via_deadline deadline, uint64_t *undelivered)
{
    return channel->hub ? via_hub_drain(channel->hub, deadline, undelivered)
                        : via_stream_drain(&channel->stream, deadline, undelivered);
}

static via_status secure_either(named_channel *channel)
{
    return channel->hub ? pipe_queue_secure(channel->queue) : pipe_link_secure(link_of(channel));
}

/*
 * As long as no listener has taken the connection up, what was sent is in this process's pipe only: pipe by pipe it
 * moves to where it survives. VIA_ENOENT: the listener's word is there.
 */
static via_status secure_all(named_channel *channel, uint64_t *undelivered)
{
    for (;;) {
        via_status flushed = drain_either(channel, VIA_NOW, undelivered);
        via_status secured = secure_either(channel);

        if (secured == VIA_ETIMEDOUT && flushed == VIA_ECANCELED)
            return flushed;
        if (secured != VIA_OK)
            return secured;
        if (flushed != VIA_ETIMEDOUT)
            return flushed;
    }
}

/*
 * The listener is just giving its word, or has no room for one more announcement. The word may be taken by another
 * thread, so that nothing wakes this one.
 */
static void await_once(named_channel *channel, via_deadline deadline)
{
    via_poll_handle handle = {.size = sizeof(handle)};
    struct timespec storage;
    struct pollfd set;

    deadline = via_deadline_min(deadline, via_deadline_after(LOOK_AGAIN_NS));
    if (!channel->hub) {
        (void)pipe_link_await(link_of(channel), &channel->stream.wake, false, deadline);
        return;
    }
    if (via_hub_pollable(channel->hub, VIA_WORK, &handle) != VIA_OK)
        return;
    set = (struct pollfd){.fd = (int)handle.handle, .events = POLLIN};
    (void)ppoll(&set, 1, via_deadline_timespec(deadline, &storage), NULL);
    (void)via_hub_arm(channel->hub, VIA_WORK);
}

static via_status named_drain(void *self, via_deadline deadline, uint64_t *undelivered)
{
    named_channel *channel = self;
    via_status status;

    while ((status = secure_all(channel, undelivered)) == VIA_ETIMEDOUT && via_deadline_left(deadline) > 0)
        await_once(channel, deadline);
    if (status != VIA_ENOENT)
        return status;
    status = channel->hub ? VIA_OK : pipe_link_verdict(link_of(channel));
    return status == VIA_OK ? drain_either(channel, deadline, undelivered) : status;
}

/* ---- waiting ------------------------------------------------------------------------------------------------ */

static via_status named_pollable(void *self, uint32_t event, via_poll_handle *out)
{
    named_channel *channel = self;

    return channel->hub ? via_hub_pollable(channel->hub, event, out)
                        : pipe_link_pollable(link_of(channel), &channel->stream, event, out);
}

static via_status named_arm(void *self, uint32_t event)
{
    named_channel *channel = self;

    if (channel->hub)
        return via_hub_arm(channel->hub, event);
    if (event != VIA_WORK && (pipe_link_check(link_of(channel)) == VIA_EPEER || pipe_link_is_refused(link_of(channel))))
        return VIA_EREADY;
    return via_stream_arm(&channel->stream, event);
}

static void named_interrupt(void *self)
{
    named_channel *channel = self;

    if (channel->hub)
        via_hub_interrupt(channel->hub);
    else
        via_stream_interrupt(&channel->stream);
}

/* ---- the rest ----------------------------------------------------------------------------------------------- */

static void named_close(void *self, uint32_t how)
{
    named_channel *channel = self;
    uint64_t undelivered;

    /* More than the pipe holds: while nobody takes the connection up, no `linger` is long enough. */
    if (how != VIA_CLOSE_FORKED && drain_either(channel, VIA_NOW, &undelivered) == VIA_ETIMEDOUT)
        (void)secure_all(channel, &undelivered);
    if (channel->hub)
        via_hub_close(channel->hub, how);
    else
        via_stream_fini(&channel->stream, how);
    free(channel);
}

static via_status named_peer(void *self, via_peer_info *out)
{
    named_channel *channel = self;

    if (channel->hub)
        return VIA_ENOTSUP;
    pipe_link_peer(link_of(channel), out);
    return VIA_OK;
}

static void named_info(void *self, via_channel_info *inout)
{
    named_channel *channel = self;

    if (channel->hub)
        via_hub_info(channel->hub, inout);
    else
        via_stream_info(&channel->stream, inout);
}

static void named_refresh_counters(void *self)
{
    named_channel *channel = self;

    if (channel->hub)
        via_hub_refresh_counters(channel->hub);
    else
        via_stream_refresh_counters(&channel->stream);
}

const via_channel_ops pipe_named_ops = {
    .size = sizeof(via_channel_ops),
    .send = named_send,
    .recv = named_recv,
    .release = named_release,
    .flush = named_flush,
    .finish = named_finish,
    .drain = named_drain,
    .pollable = named_pollable,
    .arm = named_arm,
    .interrupt = named_interrupt,
    .close = named_close,
    .peer = named_peer,
    .info = named_info,
    .refresh_counters = named_refresh_counters,
};
